"""The source that computes in the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from weightinit import _messages as messages
from weightinit._arrays import Array, bytes_of, destination
from weightinit._compiled import required_core
from weightinit._errors import error_of
from weightinit._progress import progress_bar
from weightinit._requests import integer
from weightinit._source import Source, timeout_of

if TYPE_CHECKING:
    from weightinit._description import ModelDescription

_Result = TypeVar("_Result")


class Local(Source):
    """Computes in the process, on all cores, without a server; lets other threads run.

    Args:
        threads: Of one call, from 0 to 1024; 0: one for each core that the process may
            use. It changes speed only.
        timeout: Seconds that one call of tensor or model may take; None: no limit.

    Raises:
        FailedPrecondition: The compiled part of the package is not installed.
    """

    def __init__(self, *, threads: int = 0, timeout: float | None = None) -> None:
        """Makes the source; nothing is computed yet."""
        self._core = required_core("Local")
        self._timeout = timeout_of(timeout)
        threads = integer("threads", threads, 0, 1024)
        self._local = self._core.Local(threads, 1 << 40)

    def __repr__(self) -> str:
        """Its name."""
        return "<weightinit.Local>"

    def _call(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        try:
            return function(*arguments)
        except self._core.StatusError as error:
            raise error_of(*error.args) from None

    def _describe(self, request: bytes) -> Any:
        serialized = self._call(self._local.describe, request)
        return messages.TensorDescription.FromString(serialized)

    def _tensor(self, request: Any, out: Array | None, progress: bool) -> Array:
        serialized = request.SerializeToString()
        description = self._describe(serialized)
        dtype = messages.name_of("Dtype", description.dtype)
        array = destination(tuple(description.slice_shape), dtype, out)
        with progress_bar(progress, description.bytes) as advance:
            self._call(self._local.tensor, serialized, bytes_of(array), self._timeout)
            advance(description.bytes)
        return array

    def _describe_model(self, request: bytes) -> tuple[Any, list[Any]]:
        summary, tensors = self._call(self._local.describe_model, request)
        return (
            messages.ModelSummary.FromString(summary),
            [messages.ModelTensor.FromString(tensor) for tensor in tensors],
        )

    def _model(
        self,
        request: Any,
        description: ModelDescription,
        arrays: Mapping[str, Array],
        progress: bool,
    ) -> None:
        buffers = {name: bytes_of(array) for name, array in arrays.items() if array.size}
        with progress_bar(progress, description.bytes) as advance:
            serialized = request.SerializeToString()
            self._call(self._local.model, serialized, buffers, self._timeout)
            advance(description.bytes)

    def _resolve_seed(self, seed_name: str) -> int:
        return int(self._call(self._local.resolve_seed, seed_name))

    def _info(self) -> Any:
        return messages.GetServerInfoResponse.FromString(self._call(self._local.info))
