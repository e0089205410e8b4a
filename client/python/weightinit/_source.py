"""What both sources offer: a server's, and the process's own."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from weightinit._arrays import Array, check_out, destination
from weightinit._errors import invalid, invalid_type
from weightinit._manifests import Manifest, model_of
from weightinit._requests import (
    ModelArguments,
    Shape,
    TensorArguments,
    model_request,
    tensor_request,
    text,
)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from weightinit._description import Description, Info, ModelDescription


def descriptions() -> Any:
    """The module of descriptions, whose classes take long to make."""
    from weightinit import _description

    return _description


def timeout_of(timeout: float | None) -> float | None:
    """Seconds above 0, or None."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise invalid_type("timeout", timeout, "a number of seconds or None")
    if not timeout > 0:
        raise invalid("timeout", f"is {timeout} s, it has to be above 0 s")
    return float(timeout)


class Source(ABC):
    """Makes tensors and models: :class:`Local` in the process, :class:`Client` by servers.

    The same arguments give the same bytes, whichever source is asked. All methods may be
    called by several threads at once. Every error is a :class:`WeightInitError`; after one
    the content of ``out`` is undefined.
    """

    def tensor(
        self,
        shape: Shape,
        *,
        out: Array | None = None,
        progress: bool = False,
        **arguments: Unpack[TensorArguments],
    ) -> Array:
        """Makes a tensor.

        Args:
            shape: Sizes of the dimensions, at most 16, outermost first in the order of
                the layout; () is a scalar, an int one dimension.
            out: Where to put it: C-contiguous, writable, of the shape of the tensor or
                slice and its dtype. Undefined after an error.
            progress: Whether to show a bar, which needs tqdm.
            **arguments: See :class:`TensorArguments`.

        Returns:
            `out`, or a new array; the bytes are little-endian.

        Raises:
            InvalidArgument: An argument is not allowed; ``violations`` says which.

        >>> import weightinit
        >>> with weightinit.Local() as source:
        ...     source.tensor((2, 2), scheme="constant", value=0.5)
        array([[0.5, 0.5],
               [0.5, 0.5]], dtype=float32)
        """
        request = tensor_request(shape, arguments)
        check_out(out)
        return self._tensor(request, out, progress)

    def describe(self, shape: Shape, **arguments: Unpack[TensorArguments]) -> Description:
        """Describes the tensor that the same arguments make, and computes nothing.

        >>> import weightinit
        >>> weightinit.Local().describe((512, 256), activation="relu").scheme
        'he_normal'
        """
        serialized = tensor_request(shape, arguments).SerializeToString()
        description: Description = descriptions().Description._of(self._describe(serialized))
        return description

    def model(
        self,
        manifest: Manifest,
        *,
        out: Mapping[str, Array] | None = None,
        progress: bool = False,
        **arguments: Unpack[ModelArguments],
    ) -> dict[str, Array]:
        """Makes the tensors of a model.

        Args:
            manifest: A path; text of YAML or JSON, which has a line break or begins with
                "{"; or a dict.
            out: An array for each tensor that is delivered, by name, and no other.
                Undefined after an error.
            progress: Whether to show a bar, which needs tqdm.
            **arguments: See :class:`ModelArguments`.

        Returns:
            The arrays by name, in the order of the model; an alias is the same array.
        """
        request = model_request(model_of(manifest), arguments)
        description = self._description_of(request)
        arrays = self._destinations(description, out)
        self._model(request, description, arrays, progress)
        named: dict[str, Array] = {}
        for entry in description.entries:
            name = entry.alias_of or entry.name
            if name in arrays:
                named[entry.name] = arrays[name]
        return named

    def describe_model(
        self, manifest: Manifest, **arguments: Unpack[ModelArguments]
    ) -> ModelDescription:
        """Describes the model that the same arguments make, and computes nothing."""
        return self._description_of(model_request(model_of(manifest), arguments))

    def save(
        self,
        manifest: Manifest,
        path: str | os.PathLike[str],
        *,
        max_file_bytes: int | None = None,
        progress: bool = False,
        **arguments: Unpack[ModelArguments],
    ) -> None:
        """Writes a model to `path`, a file or directory that appears whole or not at all.

        The bytes are those that ``weightinit model init`` writes.

        Args:
            manifest: As of :meth:`model`.
            path: A file that ends in ".safetensors", ".npz" or ".bin", which is the tensors
                one behind the other in the order of the model; or a directory, not there or
                empty, for "model.safetensors", or several files and their index, as Hugging
                Face's libraries read them.
            max_file_bytes: Of a directory: bytes of tensors in one file, at least 1; a larger
                tensor has a file of its own. Default: 5 * 10^9.
            progress: Whether to show a bar, which needs tqdm.
            **arguments: See :class:`ModelArguments`.
        """
        from weightinit._files import write_model

        request = model_request(model_of(manifest), arguments)
        description = self._description_of(request)

        def fill(arrays: Mapping[str, Array]) -> None:
            self._model(request, description, arrays, progress)

        write_model(os.fspath(path), description, fill, max_file_bytes)

    def resolve_seed(self, seed_name: str) -> int:
        """The number of a seed's name. FailedPrecondition: there is no root seed."""
        return self._resolve_seed(text("seed_name", seed_name))

    def info(self) -> Info:
        """The version, what is offered, and limits."""
        info: Info = descriptions().Info._of(self._info())
        return info

    def close(self) -> None:  # noqa: B027
        """Ends connections; calls after it fail. May be called twice."""

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes."""
        self.close()

    def _description_of(self, request: Any) -> ModelDescription:
        summary, tensors = self._describe_model(request.SerializeToString())
        description: ModelDescription = descriptions().ModelDescription._of(summary, tensors)
        return description

    @staticmethod
    def _destinations(
        description: ModelDescription, out: Mapping[str, Array] | None
    ) -> dict[str, Array]:
        tensors = description.tensors
        if out is not None:
            if not isinstance(out, Mapping):
                raise invalid_type("out", out, "a mapping from names to arrays")
            for name in tensors.keys() - out.keys():
                raise invalid(f"out[{name!r}]", "is missing")
            for name in out.keys() - tensors.keys():
                raise invalid(f"out[{name!r}]", "is no tensor that is delivered")
        return {
            name: destination(
                d.slice_shape, d.dtype, None if out is None else out[name], f"out[{name!r}]"
            )
            for name, d in tensors.items()
        }

    @abstractmethod
    def _tensor(self, request: Any, out: Array | None, progress: bool) -> Array: ...
    @abstractmethod
    def _describe(self, request: bytes) -> Any: ...
    @abstractmethod
    def _model(
        self,
        request: Any,
        description: ModelDescription,
        arrays: Mapping[str, Array],
        progress: bool,
    ) -> None: ...
    @abstractmethod
    def _describe_model(self, request: bytes) -> tuple[Any, list[Any]]: ...
    @abstractmethod
    def _resolve_seed(self, seed_name: str) -> int: ...
    @abstractmethod
    def _info(self) -> Any: ...
