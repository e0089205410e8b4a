"""The memory of tensors as arrays of NumPy, and which part of a DTensor it holds."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from weightinit._arrays import Array, dtype_of
from weightinit._errors import invalid

DTYPES = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
}


def dtype_name(tensor: torch.Tensor) -> str | None:
    """The name of a tensor's dtype, None if weights cannot have it."""
    return DTYPES.get(tensor.dtype)


def _array_of(tensor: torch.Tensor) -> Array:
    """The memory of a contiguous tensor on the CPU, which has to outlive the array.

    Tensor.numpy() would keep its storage from being resized ever after, and
    FullyShardedDataParallel resizes its own.
    """
    shape, dtype = tuple(tensor.shape), dtype_of(dtype_name(tensor))
    if tensor.numel() == 0:
        return np.empty(shape, dtype)
    size = tensor.numel() * tensor.element_size()
    memory = (ctypes.c_uint8 * size).from_address(tensor.data_ptr())
    array: Array = np.frombuffer(memory, dtype).reshape(shape)
    return array


def _is_writable(tensor: torch.Tensor) -> bool:
    """Whether NumPy can write to a tensor's memory."""
    plain = type(tensor) in (torch.Tensor, torch.nn.Parameter)
    return plain and tensor.device.type == "cpu" and tensor.is_contiguous()


def is_dtensor(tensor: torch.Tensor) -> bool:
    """Whether a tensor is one of several processes."""
    try:
        from torch.distributed.tensor import DTensor
    except ImportError:  # An old PyTorch, or one without torch.distributed.
        return False
    return isinstance(tensor, DTensor)


def _local_indices(tensor: Any, name: str) -> list[torch.Tensor]:
    """Of each dimension of a DTensor the indices that this process holds.

    Each dimension of the mesh cuts what those before it have left, as DTensor does.
    """
    indices = [torch.arange(size) for size in tensor.shape]
    coordinate = tensor.device_mesh.get_coordinate()
    for axis, placement in enumerate(tensor.placements):
        if placement.is_partial() or not (
            placement.is_replicate() or hasattr(placement, "_split_tensor")
        ):
            raise invalid(
                name,
                f"is a DTensor with the placement {placement!r}; allowed are Shard and Replicate",
            )
        if coordinate is None:  # This process is not of the mesh.
            indices = [index[:0] for index in indices]
        elif not placement.is_replicate():
            dim = placement.dim
            column = indices[dim].reshape([-1 if d == dim else 1 for d in range(tensor.dim())])
            shards, _ = placement._split_tensor(
                column, tensor.device_mesh.size(axis), with_padding=False
            )
            indices[dim] = shards[coordinate[axis]].flatten()
    return indices


def _range_of(indices: torch.Tensor, size: int) -> slice | None:
    """The range that indices are, None if they are none."""
    if indices.numel() == 0:
        return slice(0, 0)
    first, last = int(indices[0]), int(indices[-1])
    return slice(first, last + 1) if last - first + 1 == indices.numel() else None


@dataclass
class Target:
    """Where the values of a parameter, or of the part that this process holds, go.

    Attributes:
        array: To be filled.
        slices: The part of the parameter that `array` is; None: all.
    """

    array: Array
    slices: list[slice] | None
    _local: torch.Tensor
    _staging: torch.Tensor | None = None
    _indices: list[torch.Tensor] | None = None

    def finish(self) -> None:
        """Brings what was filled to the parameter."""
        if self._staging is not None:
            values = self._staging
            for dim, indices in enumerate(self._indices or ()):
                values = values.index_select(dim, indices)
            # Outside of its mesh a DTensor has an empty tensor of any shape.
            if values.numel() or self._local.numel():
                self._local.copy_(values)
        elif hasattr(torch.autograd.graph, "increment_version"):
            torch.autograd.graph.increment_version(self._local)


def target_of(tensor: torch.Tensor, name: str) -> Target:
    """The target of a parameter: its own memory if possible."""
    local, slices, shape = tensor, None, tuple(tensor.shape)
    indices: list[torch.Tensor] | None = None
    if is_dtensor(tensor):
        local = tensor._local_tensor
        indices = _local_indices(tensor, name)
        ranges = [_range_of(i, size) for i, size in zip(indices, shape, strict=True)]
        if None not in ranges:
            slices = [part for part in ranges if part is not None]
            shape = tuple(part.stop - part.start for part in slices)
            indices = None
    if tuple(local.shape) == shape and _is_writable(local):
        return Target(_array_of(local), slices, local.detach())
    staging = torch.empty(shape, dtype=tensor.dtype)
    return Target(_array_of(staging), slices, local.detach(), staging, indices)
