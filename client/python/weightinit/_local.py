"""The source that computes in the process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
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
_STEP = 64 << 20  # Bytes between two steps of a bar, about; a model's tensors are not cut.


def _batches(description: ModelDescription) -> Iterator[tuple[int, int, list[str]]]:
    """The index of the first tensor, how many, and their names, of about a step each."""
    names: list[str] = []
    first = size = 0
    for entry in description.entries:
        if size >= _STEP:
            yield first, entry.index - first, names
            first, size, names = entry.index, 0, []
        if entry.description is not None:
            names.append(entry.name)
            size += entry.description.bytes
    if names:
        yield first, description.entries[-1].index + 1 - first, names


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
        memory = bytes_of(array)
        if not progress:
            self._call(self._local.tensor, serialized, memory, self._timeout)
            return array
        left = self._deadline()
        step = _STEP // array.itemsize
        with progress_bar(progress, description.bytes) as advance:
            for first in range(0, array.size, step):
                count = min(step, array.size - first)
                request.first_element, request.element_count = first, count
                part = memory[first * array.itemsize : (first + count) * array.itemsize]
                self._call(self._local.tensor, request.SerializeToString(), part, left())
                advance(part.nbytes)
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
        if not progress:
            self._call(self._local.model, request.SerializeToString(), buffers, self._timeout)
            return
        left = self._deadline()
        with progress_bar(progress, description.bytes) as advance:
            for first, count, names in _batches(description):
                request.first_tensor, request.tensor_count = first, count
                batch = {name: buffers[name] for name in names if name in buffers}
                self._call(self._local.model, request.SerializeToString(), batch, left())
                advance(sum(buffer.nbytes for buffer in batch.values()))

    def _deadline(self) -> Callable[[], float | None]:
        """A function that tells the seconds that are left of the timeout from now on."""
        if self._timeout is None:
            return lambda: None
        end = time.monotonic() + self._timeout
        return lambda: max(1e-6, end - time.monotonic())

    def _resolve_seed(self, seed_name: str) -> int:
        return int(self._call(self._local.resolve_seed, seed_name))

    def _info(self) -> Any:
        return messages.GetServerInfoResponse.FromString(self._call(self._local.info))
