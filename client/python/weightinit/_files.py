"""Model files, which appear whole or not at all."""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from weightinit import _layouts as layouts
from weightinit._arrays import Array, dtype_of
from weightinit._description import ModelDescription
from weightinit._errors import NotFound, invalid
from weightinit._requests import integer

Fill = Callable[[Mapping[str, Array]], None]

_DEFAULT_MAX_FILE_BYTES = 5_000_000_000


def _memory(path: str, size: int) -> mmap.mmap | bytearray:
    """Of a new file of `size` bytes."""
    with open(path, "x+b") as file:
        if size == 0:
            return bytearray()
        # Reserved, so that a full disk is an error here and no signal later.
        os.posix_fallocate(file.fileno(), 0, size)
        # Closed when the last array that is made of it goes.
        return mmap.mmap(file.fileno(), size)


def _write(paths: Sequence[str], files: Sequence[layouts.FileLayout], fill: Fill) -> None:
    """Writes new files `paths`."""
    memories = [_memory(path, file.size) for path, file in zip(paths, files, strict=True)]
    arrays: dict[str, Array] = {}
    for memory, file in zip(memories, files, strict=True):
        for at, d in file.places:
            flat = np.empty(0, dtype_of(d.dtype))
            if d.elements > 0:
                flat = np.frombuffer(memory, flat.dtype, d.elements, at)
            arrays[d.name] = flat.reshape(d.slice_shape)
    fill(arrays)
    for memory, file in zip(memories, files, strict=True):
        for at, text in [*file.ahead, *file.behind(arrays)]:
            memory[at : at + len(text)] = text


def _check_directory(path: str) -> None:
    if not os.path.lexists(path):
        return
    if not os.path.isdir(path):
        raise invalid("path", f"{path!r} is no directory")
    if os.listdir(path):
        raise invalid("path", f"the directory {path!r} is not empty")


def _write_beside(path: str, files: Sequence[layouts.FileLayout], fill: Fill) -> None:
    """Writes to a temporary directory beside `path`, then moves what is there."""
    folder, name = os.path.split(os.path.abspath(path))
    one_file = files[0].name == ""
    try:
        temporary = tempfile.mkdtemp(prefix=f".{name}.", dir=folder)
    except FileNotFoundError:
        raise NotFound(f"path: there is no directory {folder!r}") from None
    except OSError as error:
        raise invalid("path", f"{path!r} cannot be written: {error.strerror}") from None
    try:
        paths = [os.path.join(temporary, file.name or name) for file in files]
        _write(paths, files, fill)
        if one_file:
            os.replace(paths[0], path)
        else:
            mode = 0o777 & ~_umask()
            if os.path.isdir(path):
                mode = os.stat(path).st_mode & 0o7777
            os.chmod(temporary, mode)
            os.replace(temporary, path)
    except OSError as error:
        raise invalid("path", f"{path!r} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def write_model(
    path: str, model: ModelDescription, fill: Fill, max_file_bytes: int | None = None
) -> None:
    """Writes a model to `path`; `fill` fills the arrays of its tensors."""
    name = path[path.rfind("/") + 1 :]
    extension = os.path.splitext(name)[1]
    formats = {".safetensors": layouts.safetensors, ".npz": layouts.npz, ".bin": layouts.raw}
    if extension not in formats and ("." not in name or os.path.isdir(path)):
        path = os.path.realpath(path)
        if max_file_bytes is None:
            max_file_bytes = _DEFAULT_MAX_FILE_BYTES
        limit = integer("max_file_bytes", max_file_bytes, 1, 2**63 - 1)
        _check_directory(path)
        _write_beside(path, layouts.directory(model, limit), fill)
        return
    if extension not in formats:
        allowed = "has to end in .safetensors, .npz or .bin; that of a directory in /"
        raise invalid("path", f"is {path!r}, it {allowed}")
    if max_file_bytes is not None:
        raise invalid("max_file_bytes", f"is of directories, and {path!r} is one file")
    _write_beside(path, formats[extension](model), fill)
