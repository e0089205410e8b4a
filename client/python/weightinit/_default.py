"""The functions of the module, which use a source of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from weightinit._source import Source

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from weightinit._arrays import Array
    from weightinit._description import Description, Info, ModelDescription
    from weightinit._manifests import Manifest
    from weightinit._requests import ModelArguments, Shape, TensorArguments

# By process and environment: connections do not survive a fork.
_sources: dict[tuple[int, str, str, str], Source] = {}
_lock = threading.Lock()


def default_source() -> Source:
    """A `Client` of the servers in WEIGHTINIT_SERVER if it is set, else a `Local`."""
    servers = os.environ.get("WEIGHTINIT_SERVER", "")
    security = (os.environ.get("WEIGHTINIT_CA", ""), os.environ.get("WEIGHTINIT_TOKEN", ""))
    key = (os.getpid(), servers, *security) if servers else (0, "", "", "")
    with _lock:
        if key not in _sources:
            if servers:
                from weightinit._remote import Client

                _sources[key] = Client()
            else:
                from weightinit._local import Local

                _sources[key] = Local()
        return _sources[key]


def _unlock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


def tensor(
    shape: Shape,
    *,
    out: Array | None = None,
    progress: bool = False,
    **arguments: Unpack[TensorArguments],
) -> Array:
    """`Source.tensor` of the default source.

    >>> import weightinit
    >>> weightinit.tensor(3, scheme="ones")
    array([1., 1., 1.], dtype=float32)
    """
    return default_source().tensor(shape, out=out, progress=progress, **arguments)


def describe(shape: Shape, **arguments: Unpack[TensorArguments]) -> Description:
    """`Source.describe` of the default source."""
    return default_source().describe(shape, **arguments)


def model(
    manifest: Manifest,
    *,
    out: Mapping[str, Array] | None = None,
    progress: bool = False,
    **arguments: Unpack[ModelArguments],
) -> dict[str, Array]:
    """`Source.model` of the default source."""
    return default_source().model(manifest, out=out, progress=progress, **arguments)


def describe_model(manifest: Manifest, **arguments: Unpack[ModelArguments]) -> ModelDescription:
    """`Source.describe_model` of the default source."""
    return default_source().describe_model(manifest, **arguments)


def save(
    manifest: Manifest,
    path: str | os.PathLike[str],
    *,
    max_file_bytes: int | None = None,
    progress: bool = False,
    **arguments: Unpack[ModelArguments],
) -> None:
    """`Source.save` of the default source."""
    default_source().save(
        manifest, path, max_file_bytes=max_file_bytes, progress=progress, **arguments
    )


def resolve_seed(seed_name: str) -> int:
    """`Source.resolve_seed` of the default source."""
    return default_source().resolve_seed(seed_name)


def info() -> Info:
    """`Source.info` of the default source."""
    return default_source().info()
