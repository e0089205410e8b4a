"""Chunks, read from the bytes of a message where they lie.

A message of a stream is nearly always a chunk of half a megabyte, which Protobuf's parser
would copy once more.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from weightinit._compiled import optional_core
from weightinit._varint import read_varint

Bytes = npt.NDArray[np.uint8]


class Chunk(NamedTuple):
    """Consecutive elements: where the first belongs, and their bytes."""

    first_element: int
    crc32: int
    data: Bytes


# The tags of: the field `chunk` of both responses; first_element, crc32 and data of it.
_CHUNK, _FIRST_ELEMENT, _CRC32, _DATA = 0x12, 0x08, 0x15, 0x1A


def parse_chunk(message: bytes) -> Chunk | None:
    """The chunk that a response holds; None if it is anything else, or unusual."""
    end = len(message)
    if end == 0 or message[0] != _CHUNK:
        return None
    first_element = crc32 = 0
    data: Bytes | None = None
    try:
        size, at = read_varint(message, 1)
        if at + size != end:
            return None
        while at < end:
            tag = message[at]
            at += 1
            if tag == _FIRST_ELEMENT:
                first_element, at = read_varint(message, at)
            elif tag == _CRC32:
                crc32 = int.from_bytes(message[at : at + 4], "little")
                at += 4
            elif tag == _DATA:
                size, at = read_varint(message, at)
                if at + size > end:
                    return None
                data = np.frombuffer(message, np.uint8, size, at)
                at += size
            else:
                return None
    except (IndexError, ValueError):
        return None
    if at != end or data is None:
        return None
    return Chunk(first_element, crc32, data)


def chunk_of(message: Any) -> Chunk:
    """The chunk of a parsed TensorChunk."""
    return Chunk(message.first_element, message.crc32, np.frombuffer(message.data, np.uint8))


def _slow_copy(data: Bytes, out: Bytes) -> int:
    out[:] = data
    return zlib.crc32(data)  # type: ignore[arg-type]


def _slow_concat(crc: int, _: int, data: Bytes) -> int:
    return zlib.crc32(data, crc)  # type: ignore[arg-type]


def checksums() -> tuple[Callable[[Bytes, Bytes], int], Callable[[int, int, Bytes], int]]:
    """What copies bytes and says their CRC-32; and that of all before with `data` behind.

    The latter's second argument is the CRC-32 of `data` itself.
    """
    core = optional_core()
    if core is None:
        return _slow_copy, _slow_concat

    def concat(crc: int, own: int, data: Bytes) -> int:
        return int(core.concat_crc32(crc, own, data.nbytes))

    return core.copy_with_crc32, concat
