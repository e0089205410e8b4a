"""Where the bytes of a model go, with the same files as those of ``weightinit model init``."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from weightinit import _zip as zip_format
from weightinit._arrays import Array, bytes_of, dtype_of
from weightinit._description import Description, ModelDescription
from weightinit._errors import invalid

# Offsets and bytes that are no tensor's data.
Fixed = list[tuple[int, bytes]]

_SAFETENSORS_DTYPES = {"float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16"}
# NumPy has no bfloat16: the CLI's files have two bytes without a type.
_NPY_DTYPES = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "bfloat16": "<V2"}


@dataclass
class FileLayout:
    """One file: what stands where.

    Attributes:
        name: In its directory; "" for a model that is one file.
        size: Bytes.
        ahead: What is known before any data.
        places: Tensors and their offsets, in any order.
        behind: What follows from the arrays of the tensors.
    """

    name: str
    size: int
    ahead: Fixed = field(default_factory=list)
    places: list[tuple[int, Description]] = field(default_factory=list)
    behind: Callable[[Mapping[str, Array]], Fixed] = lambda arrays: []


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


def raw(model: ModelDescription) -> list[FileLayout]:
    """The tensors one behind the other in the order of the model."""
    places = []
    offset = 0
    for d in model.tensors.values():
        places.append((offset, d))
        offset += d.bytes
    return [FileLayout("", offset, places=places)]


def _check_names(model: ModelDescription) -> None:
    for name in [*model.tensors, *model.aliases]:
        if name == "__metadata__":
            raise invalid("manifest", f"the name {name!r} is reserved in safetensors files")
    for name in model.aliases:
        if name == "format" or name.startswith("weightinit."):
            raise invalid("manifest", f"the alias {name!r} is reserved in the file's metadata")


def _safetensors_file(
    name: str, model: ModelDescription, share: Iterable[Description], aliases: Mapping[str, str]
) -> FileLayout:
    metadata = _metadata(model) | {"format": "pt"} | dict(aliases)
    header: dict[str, Any] = {}
    places: list[tuple[int, Description]] = []
    offset = 0
    for d in share:
        if not model.whole:
            metadata[f"weightinit.tensor.{d.name}"] = _json(_part_metadata(d))
        header[d.name] = {
            "dtype": _SAFETENSORS_DTYPES[d.dtype],
            "shape": list(d.slice_shape),
            "data_offsets": [offset, offset + d.bytes],
        }
        places.append((offset, d))
        offset += d.bytes
    text = _json({"__metadata__": _sorted(metadata)} | header).encode()
    text += b" " * (-len(text) % 8)
    start = 8 + len(text)
    return FileLayout(
        name,
        start + offset,
        ahead=[(0, len(text).to_bytes(8, "little") + text)],
        places=[(start + at, d) for at, d in places],
    )


def safetensors(model: ModelDescription) -> list[FileLayout]:
    """One safetensors file."""
    _check_names(model)
    return [_safetensors_file("", model, _stored(model), model.aliases)]


def _cut(tensors: Iterable[Description], max_file_bytes: int) -> list[list[Description]]:
    shares: list[list[Description]] = [[]]
    size = 0
    for d in tensors:
        if shares[-1] and size + d.bytes > max_file_bytes:
            shares.append([])
            size = 0
        shares[-1].append(d)
        size += d.bytes
    return shares


def directory(model: ModelDescription, max_file_bytes: int) -> list[FileLayout]:
    """One safetensors file, or several and the index of Hugging Face."""
    _check_names(model)
    shares = _cut(_stored(model), max_file_bytes)
    count = len(shares)
    if count == 1:
        return [_safetensors_file("model.safetensors", model, shares[0], model.aliases)]
    names = [f"model-{i + 1:05d}-of-{count:05d}.safetensors" for i in range(count)]
    file_of = {d.name: i for i, share in enumerate(shares) for d in share}
    aliases: list[dict[str, str]] = [{} for _ in shares]
    for name, target in model.aliases.items():
        # Of a tensor that is not stored: in the first file.
        aliases[file_of.get(target, 0)][name] = target
    index = {
        "metadata": {"total_size": sum(d.bytes for share in shares for d in share)},
        "weight_map": _sorted({name: names[i] for name, i in file_of.items()}),
    }
    text = (json.dumps(index, ensure_ascii=False, indent=2) + "\n").encode()
    files = [
        _safetensors_file(*file)
        for file in zip(names, [model] * count, shares, aliases, strict=True)
    ]
    return [*files, FileLayout("model.safetensors.index.json", len(text), ahead=[(0, text)])]


def _npy_header(d: Description) -> bytes:
    shape = ", ".join(map(str, d.slice_shape)) + ("," if len(d.slice_shape) == 1 else "")
    text = f"{{'descr': '{_NPY_DTYPES[d.dtype]}', 'fortran_order': False, 'shape': ({shape}), }}"
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def npz(model: ModelDescription) -> list[FileLayout]:
    """One file of NumPy's, not compressed."""
    names = set(model.tensors)
    entries: list[tuple[zip_format.Entry, bytes, Description]] = []
    file = FileLayout("", 0)
    offset = 0
    for d in _stored(model):
        if "\0" in d.name or f"{d.name}.npy" in names:
            raise invalid("manifest", f"a .npz file cannot hold the tensor {d.name!r}")
        header = _npy_header(d)
        entry = zip_format.Entry(f"{d.name}.npy".encode(), len(header) + d.bytes, offset)
        entries.append((entry, header, d))
        offset += len(zip_format.local_header(entry))
        file.ahead.append((offset, header))
        file.places.append((offset + len(header), d))
        offset += entry.size
    comment = _json(_metadata(model)).encode()

    def around() -> Fixed:
        listed: Sequence[zip_format.Entry] = [entry for entry, _, _ in entries]
        heads = [(entry.offset, zip_format.local_header(entry)) for entry in listed]
        return [*heads, (offset, zip_format.directory(listed, offset, comment))]

    def behind(arrays: Mapping[str, Array]) -> Fixed:
        for entry, header, d in entries:
            data: Any = bytes_of(arrays[d.name])
            entry.crc32 = zlib.crc32(data, zlib.crc32(header))
        return around()

    at, text = around()[-1]
    file.size = at + len(text)
    file.behind = behind
    return [file]
