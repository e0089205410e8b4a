"""Numbers of the wire format of Protocol Buffers."""

from __future__ import annotations


def read_varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends. IndexError, ValueError: there is none."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError
