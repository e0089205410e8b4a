"""Model files, with the same bytes as those of ``weightinit model init``."""

from __future__ import annotations

import json
import mmap
import os
import tempfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from weightinit._arrays import Array, bytes_of, dtype_of
from weightinit._description import Description, ModelDescription
from weightinit._errors import NotFound, invalid

Fill = Callable[[Mapping[str, Array]], None]

_SAFETENSORS_DTYPES = {"float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16"}
# NumPy has no bfloat16: the CLI's files have two bytes without a type.
_NPY_DTYPES = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "bfloat16": "<V2"}
_MAX_ZIP_BYTES = 2**32 - 1


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sorted(values: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(values.items(), key=lambda item: item[0].encode()))


def _metadata(model: ModelDescription) -> dict[str, str]:
    return {
        "weightinit.fingerprint": model.fingerprint,
        "weightinit.generator": model.generator,
        "weightinit.seed": str(model.seed),
    }


def _stored(model: ModelDescription) -> list[Description]:
    """The tensors in the order of the file: larger elements first, then by name."""
    return sorted(
        model.tensors.values(), key=lambda d: (-dtype_of(d.dtype).itemsize, d.name.encode())
    )


def _part_metadata(d: Description) -> dict[str, Any]:
    said: dict[str, Any] = {"name": d.name, "shape": list(d.shape)}
    if d.slice:
        said["slice"] = [list(bounds) for bounds in d.slice]
    said["layout"] = d.layout
    if d.parts:
        said |= {"axis": d.axis, "stacked": d.stacked}
        said["parts"] = [_part_metadata(part) for part in d.parts]
    else:
        said |= {"scheme": d.scheme, "distribution": d.distribution} | d.parameters
    return said


def _arrays(file: mmap.mmap, places: Mapping[str, tuple[int, Description]]) -> dict[str, Array]:
    return {
        name: np.frombuffer(file, dtype_of(d.dtype), d.elements, at).reshape(d.slice_shape)
        for name, (at, d) in places.items()
    }


def _safetensors(model: ModelDescription, path: str, fill: Fill) -> None:
    metadata = _metadata(model) | {"format": "pt"}
    for name in [*model.tensors, *model.aliases]:
        if name == "__metadata__":
            raise invalid("manifest", f"the name {name!r} is reserved in safetensors files")
    for name, target in model.aliases.items():
        if name == "format" or name.startswith("weightinit."):
            raise invalid("manifest", f"the alias {name!r} is reserved in the file's metadata")
        metadata[name] = target
    header: dict[str, Any] = {}
    places: dict[str, tuple[int, Description]] = {}
    offset = 0
    for d in _stored(model):
        if not model.whole:
            metadata[f"weightinit.tensor.{d.name}"] = _json(_part_metadata(d))
        header[d.name] = {
            "dtype": _SAFETENSORS_DTYPES[d.dtype],
            "shape": list(d.slice_shape),
            "data_offsets": [offset, offset + d.bytes],
        }
        places[d.name] = (offset, d)
        offset += d.bytes
    text = _json({"__metadata__": _sorted(metadata)} | header).encode()
    text += b" " * (-len(text) % 8)
    start = 8 + len(text)

    def write(file: mmap.mmap) -> None:
        file[:start] = len(text).to_bytes(8, "little") + text
        fill(_arrays(file, {name: (start + at, d) for name, (at, d) in places.items()}))

    _write(path, start + offset, write)


def _npy_header(d: Description) -> bytes:
    shape = ", ".join(map(str, d.slice_shape)) + ("," if len(d.slice_shape) == 1 else "")
    text = f"{{'descr': '{_NPY_DTYPES[d.dtype]}', 'fortran_order': False, 'shape': ({shape}), }}"
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def _numbers(*fields: tuple[int, int]) -> bytes:
    return b"".join(value.to_bytes(size, "little") for value, size in fields)


# Version, flags (UTF-8), method (stored), time, date (1980-01-01), as all entries have them.
_COMMON = ((20, 2), (1 << 11, 2), (0, 2), (0, 2), ((1 << 5) | 1, 2))


def _npz(model: ModelDescription, path: str, fill: Fill) -> None:
    comment = _json(_metadata(model)).encode()
    names = set(model.tensors)
    entries: list[tuple[bytes, bytes, int, Description]] = []
    places: dict[str, tuple[int, Description]] = {}
    offset = directory_bytes = 0
    for d in _stored(model):
        name = f"{d.name}.npy".encode()
        if "\0" in d.name or f"{d.name}.npy" in names or len(name) > 65535:
            raise invalid("manifest", f"a .npz file cannot hold the tensor {d.name!r}")
        header = _npy_header(d)
        entries.append((name, header, offset, d))
        at = offset + 30 + len(name) + len(header)
        places[d.name] = (at, d)
        offset = at + d.bytes
        directory_bytes += 46 + len(name)
    if offset + directory_bytes > _MAX_ZIP_BYTES or len(entries) >= 65535:
        raise invalid("path", f"a .npz file of {offset} bytes is not written; use .safetensors")

    def write(file: mmap.mmap) -> None:
        arrays = _arrays(file, places)
        fill(arrays)
        directory = b""
        for name, header, begin, d in entries:
            crc32 = zlib.crc32(bytes_of(arrays[d.name]), zlib.crc32(header))  # type: ignore[arg-type]
            size = len(header) + d.bytes
            sizes = ((crc32, 4), (size, 4), (size, 4), (len(name), 2), (0, 2))
            local = _numbers((0x04034B50, 4), *_COMMON, *sizes) + name + header
            file[begin : begin + len(local)] = local
            directory += _numbers(
                (0x02014B50, 4), (20 | 3 << 8, 2), *_COMMON, *sizes, (0, 2), (0, 2), (0, 2)
            )
            directory += _numbers((0o100644 << 16, 4), (begin, 4)) + name
        count = (len(entries), 2)
        file[offset:] = (
            directory
            + _numbers((0x06054B50, 4), (0, 2), (0, 2), count, count)
            + _numbers((len(directory), 4), (offset, 4), (len(comment), 2))
            + comment
        )

    _write(path, offset + directory_bytes + 22 + len(comment), write)


def _write(path: str, size: int, write: Callable[[mmap.mmap], None]) -> None:
    """A file of `size` bytes that appears when `write` has filled it."""
    folder, name = os.path.split(os.path.abspath(path))
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    except FileNotFoundError:
        raise NotFound(f"path: there is no directory {folder!r}") from None
    except OSError as error:
        raise invalid("path", f"{path!r} cannot be written: {error.strerror}") from None
    try:
        with open(handle, "r+b") as file:
            # Reserved, so that a full disk is an error here and no signal later.
            os.posix_fallocate(file.fileno(), 0, size)
            # Closed when the last array that is made of it goes.
            write(mmap.mmap(file.fileno(), size))
            umask = os.umask(0)
            os.umask(umask)
            os.fchmod(file.fileno(), 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        os.unlink(temporary)
        raise invalid("path", f"{path!r} cannot be written: {error.strerror}") from error
    except BaseException:
        os.unlink(temporary)
        raise


def write_model(path: str, model: ModelDescription, fill: Fill) -> None:
    """Writes a model to `path`; `fill` fills the arrays of its tensors."""
    if path.endswith(".safetensors"):
        _safetensors(model, path, fill)
    elif path.endswith(".npz"):
        _npz(model, path, fill)
    else:
        raise invalid("path", f"is {path!r}, it has to end in .safetensors or .npz")
