"""The client for asyncio: `aio.Client` has the methods of `Client`, to be awaited.

Each call runs in a thread of the event loop's executor; a task that is cancelled cancels it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from weightinit import _remote
from weightinit._arrays import Array
from weightinit._manifests import Manifest
from weightinit._requests import ModelArguments, Shape, TensorArguments

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from weightinit._connect import Path
    from weightinit._description import Description, Info, ModelDescription

__all__ = ["Client"]

_Result = TypeVar("_Result")


class Client:
    """See `weightinit.Client`, whose arguments and errors these are."""

    def __init__(
        self,
        servers: str | Sequence[str] | None = None,
        *,
        timeout: float | None = None,
        connect_timeout: float = 5.0,
        stall_timeout: float | None = 60.0,
        max_wait_when_full: float = 60.0,
        chunk_bytes: int = 524288,
        tls: bool | None = None,
        ca: Path | None = None,
        cert: Path | None = None,
        key: Path | None = None,
        token: str | None = None,
        allow_plaintext_token: bool = False,
    ) -> None:
        """Makes the client; connects at the first call."""
        self._client = _remote.Client(
            servers,
            timeout=timeout,
            connect_timeout=connect_timeout,
            stall_timeout=stall_timeout,
            max_wait_when_full=max_wait_when_full,
            chunk_bytes=chunk_bytes,
            tls=tls,
            ca=ca,
            cert=cert,
            key=key,
            token=token,
            allow_plaintext_token=allow_plaintext_token,
        )

    async def _run(self, function: Callable[..., _Result], *args: Any, **kwargs: Any) -> _Result:
        current = _remote.Cancellation()
        token = _remote.cancellation.set(current)
        try:
            return await asyncio.to_thread(function, *args, **kwargs)
        except asyncio.CancelledError:
            current.cancel()
            raise
        finally:
            _remote.cancellation.reset(token)

    async def tensor(
        self,
        shape: Shape,
        *,
        out: Array | None = None,
        progress: bool = False,
        **arguments: Unpack[TensorArguments],
    ) -> Array:
        """See `Source.tensor`."""
        return await self._run(self._client.tensor, shape, out=out, progress=progress, **arguments)

    async def describe(self, shape: Shape, **arguments: Unpack[TensorArguments]) -> Description:
        """See `Source.describe`."""
        return await self._run(self._client.describe, shape, **arguments)

    async def model(
        self,
        manifest: Manifest,
        *,
        out: Mapping[str, Array] | None = None,
        progress: bool = False,
        **arguments: Unpack[ModelArguments],
    ) -> dict[str, Array]:
        """See `Source.model`."""
        return await self._run(
            self._client.model, manifest, out=out, progress=progress, **arguments
        )

    async def describe_model(
        self, manifest: Manifest, **arguments: Unpack[ModelArguments]
    ) -> ModelDescription:
        """See `Source.describe_model`."""
        return await self._run(self._client.describe_model, manifest, **arguments)

    async def save(
        self,
        manifest: Manifest,
        path: str | os.PathLike[str],
        *,
        max_file_bytes: int | None = None,
        progress: bool = False,
        **arguments: Unpack[ModelArguments],
    ) -> None:
        """See `Source.save`."""
        await self._run(
            self._client.save,
            manifest,
            path,
            max_file_bytes=max_file_bytes,
            progress=progress,
            **arguments,
        )

    async def resolve_seed(self, seed_name: str) -> int:
        """See `Source.resolve_seed`."""
        return await self._run(self._client.resolve_seed, seed_name)

    async def info(self) -> Info:
        """See `Source.info`."""
        return await self._run(self._client.info)

    async def close(self) -> None:
        """Ends the connections and the calls under way; calls after it fail."""
        await asyncio.to_thread(self._client.close)

    async def __aenter__(self) -> Self:
        """Returns itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes."""
        await self.close()
