"""The arrays that are filled."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from weightinit._errors import invalid, invalid_type

Array = npt.NDArray[Any]


def dtype_of(name: Any) -> np.dtype[Any]:
    """The dtype of NumPy, little-endian, of a name such as "bfloat16"."""
    if name == "bfloat16":
        import ml_dtypes

        name = ml_dtypes.bfloat16
    dtype: np.dtype[Any] = np.dtype(name)
    little: np.dtype[Any] = dtype.newbyteorder("<")
    return little


def check_out(out: object, field: str = "out") -> None:
    """Refuses what no tensor can be written to."""
    if out is None:
        return
    if not isinstance(out, np.ndarray):
        raise invalid_type(field, out, "a numpy.ndarray")
    if not out.flags.c_contiguous:
        raise invalid(field, "is not contiguous, it has to be C-contiguous")
    if not out.flags.writeable:
        raise invalid(field, "is read-only, it has to be writable")


def destination(
    shape: tuple[int, ...], dtype_name: str, out: Array | None, field: str = "out"
) -> Array:
    """`out` if it is as wanted, a new array if it is None."""
    dtype = dtype_of(dtype_name)
    if out is None:
        return np.empty(shape, dtype)
    check_out(out, field)
    if out.shape != shape:
        raise invalid(field, f"has the shape {out.shape}, it has to be {shape}")
    if out.dtype != dtype:
        raise invalid(field, f"has the dtype {out.dtype}, it has to be {dtype}")
    return out


def bytes_of(array: Array) -> npt.NDArray[np.uint8]:
    """The memory of a contiguous array, as one dimension of bytes."""
    return array.reshape(-1).view(np.uint8)
