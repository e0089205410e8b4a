"""What stands around the data of ZIP files, with the bytes that the command line writes.

Numbers and names are those of the .ZIP File Format Specification, 6.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_MAX = 0xFFFFFFFF  # Stands for a number that is in a ZIP64 field.
_MAX_COUNT = 0xFFFF
_UNIX = 3 << 8
_REGULAR_FILE = 0o100644 << 16
# Flags (UTF-8), method (stored), time, date (1980-01-01), as all entries have them.
_COMMON = ((1 << 11, 2), (0, 2), (0, 2), ((1 << 5) | 1, 2))


@dataclass
class Entry:
    """A file in the archive, which is not compressed."""

    name: bytes
    size: int
    offset: int  # Of its local header.
    crc32: int = 0


def _numbers(*fields: tuple[int, int]) -> bytes:
    """Values of so many bytes."""
    return b"".join(value.to_bytes(size, "little") for value, size in fields)


def _extra(numbers: Sequence[int]) -> bytes:
    """The ZIP64 field of these numbers."""
    if not numbers:
        return b""
    return _numbers((1, 2), (8 * len(numbers), 2), *((number, 8) for number in numbers))


def _sizes(entry: Entry) -> list[int]:
    return [entry.size, entry.size] if entry.size >= _MAX else []


def _fields(entry: Entry, extra: bytes) -> tuple[tuple[int, int], ...]:
    """From the version that is needed to the lengths."""
    size = min(entry.size, _MAX)
    lengths = ((len(entry.name), 2), (len(extra), 2))
    return ((_version(extra), 2), *_COMMON, (entry.crc32, 4), (size, 4), (size, 4), *lengths)


def _version(extra: bytes) -> int:
    return 45 if extra else 20


def local_header(entry: Entry) -> bytes:
    """What stands before the data."""
    extra = _extra(_sizes(entry))
    return _numbers((0x04034B50, 4), *_fields(entry, extra)) + entry.name + extra


def directory(entries: Sequence[Entry], offset: int, comment: bytes) -> bytes:
    """What stands behind all data, from `offset` on."""
    records = []
    for entry in entries:
        extra = _extra(_sizes(entry) + ([entry.offset] if entry.offset >= _MAX else []))
        head = _numbers((0x02014B50, 4), (_version(extra) | _UNIX, 2), *_fields(entry, extra))
        rest = ((0, 2), (0, 2), (0, 2), (_REGULAR_FILE, 4), (min(entry.offset, _MAX), 4))
        records.append(head + _numbers(*rest) + entry.name + extra)
    text = b"".join(records)
    size, count = len(text), len(entries)
    if count >= _MAX_COUNT or size >= _MAX or offset >= _MAX:
        text += _numbers((0x06064B50, 4), (44, 8), (45 | _UNIX, 2), (45, 2), (0, 4), (0, 4))
        text += _numbers((count, 8), (count, 8), (size, 8), (offset, 8))
        text += _numbers((0x07064B50, 4), (0, 4), (offset + size, 8), (1, 4))
    counts = ((min(count, _MAX_COUNT), 2), (min(count, _MAX_COUNT), 2))
    text += _numbers((0x06054B50, 4), (0, 2), (0, 2), *counts)
    text += _numbers((min(size, _MAX), 4), (min(offset, _MAX), 4), (len(comment), 2))
    return text + comment
