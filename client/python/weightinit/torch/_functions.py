"""Functions with the names and arguments of torch.nn.init, and with a seed and a name."""

from __future__ import annotations

import math
import warnings
from typing import Any

import torch
from torch.nn.init import calculate_gain

from weightinit._default import default_source
from weightinit._errors import InvalidArgument, Violation, invalid, invalid_type
from weightinit.torch._memory import DTYPES, dtype_name, target_of

# The arguments of these functions by those of Source.tensor.
_WORDS = {
    "high": "b",
    "low": "a",
    "negative_slope": "a",
    "out": "tensor",
    "stddev": "std",
    "value": "val",
}


def _seed_of(seed: int | None, generator: torch.Generator | None) -> int:
    if generator is None:
        return 0 if seed is None else seed
    if not isinstance(generator, torch.Generator):
        raise invalid_type("generator", generator, "a torch.Generator or None")
    if seed is not None:
        raise invalid("seed", "is given with a generator, whose seed is another one")
    return int(generator.initial_seed())


def _fill(
    tensor: torch.Tensor,
    name: str,
    seed: int | None,
    generator: torch.Generator | None = None,
    **arguments: Any,
) -> torch.Tensor:
    """Makes the tensor of a name in place."""
    if not isinstance(tensor, torch.Tensor):
        raise invalid_type("tensor", tensor, "a torch.Tensor")
    if name == "":
        raise invalid("name", "is empty; tensors of the same shape would have the same values")
    dtype = dtype_name(tensor)
    if dtype is None:
        allowed = ", ".join(DTYPES.values())
        raise invalid("tensor", f"is of {tensor.dtype}, it has to be one of {allowed}")
    number = _seed_of(seed, generator)
    if tensor.is_meta:
        return tensor
    with torch.no_grad():
        target = target_of(tensor, "tensor")
        try:
            default_source().tensor(
                tuple(tensor.shape),
                out=target.array,
                name=name,
                dtype=dtype,
                seed=number,
                slice=target.slices,
                **arguments,
            )
        except InvalidArgument as error:
            violations = [(_WORDS.get(v.field, v.field), v.description) for v in error.violations]
            text = "; ".join(f"{field}: {description}" for field, description in violations)
            raise type(error)(text or str(error), [Violation(*v) for v in violations]) from None
        target.finish()
    return tensor


def _check_fans(tensor: torch.Tensor) -> None:
    """Fans follow from the shape, as torch's: outputs, inputs, receptive field."""
    if isinstance(tensor, torch.Tensor) and tensor.dim() < 2:
        raise invalid(
            "tensor", f"has {tensor.dim()} dimensions; fans need at least 2 (outputs, inputs)"
        )


def uniform_(
    tensor: torch.Tensor,
    a: float = 0.0,
    b: float = 1.0,
    generator: torch.Generator | None = None,
    *,
    seed: int | None = None,
    name: str,
) -> torch.Tensor:
    """Uniform in [a, b); see :mod:`weightinit.torch` for `seed`, `name` and `generator`."""
    if a == b:
        return _fill(tensor, name, seed, generator, scheme="constant", value=a)
    if not a < b:
        raise invalid("a", f"is {a}, it has to be at most b, which is {b}")
    return _fill(tensor, name, seed, generator, scheme="uniform", low=a, high=b)


def normal_(
    tensor: torch.Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    generator: torch.Generator | None = None,
    *,
    seed: int | None = None,
    name: str,
) -> torch.Tensor:
    """Normal with a mean and a standard deviation."""
    return _fill(tensor, name, seed, generator, scheme="normal", mean=mean, stddev=std)


def trunc_normal_(
    tensor: torch.Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: torch.Generator | None = None,
    *,
    seed: int | None = None,
    name: str,
) -> torch.Tensor:
    """Normal, conditioned on [a, b]."""
    if not std > 0:
        raise invalid("std", f"is {std}, it has to be above 0")
    if not a < b:
        raise invalid("a", f"is {a}, it has to be below b, which is {b}")
    low, high = (a - mean) / std, (b - mean) / std
    return _fill(
        tensor,
        name,
        seed,
        generator,
        scheme="truncated_normal",
        mean=mean,
        stddev=std,
        low=low,
        high=high,
    )


def constant_(
    tensor: torch.Tensor, val: float, *, seed: int | None = None, name: str = "constant"
) -> torch.Tensor:
    """All `val`; seed and name change nothing."""
    return _fill(tensor, name, seed, scheme="constant", value=val)


def ones_(tensor: torch.Tensor, *, seed: int | None = None, name: str = "ones") -> torch.Tensor:
    """All 1; seed and name change nothing."""
    return _fill(tensor, name, seed, scheme="ones")


def zeros_(tensor: torch.Tensor, *, seed: int | None = None, name: str = "zeros") -> torch.Tensor:
    """All 0; seed and name change nothing."""
    return _fill(tensor, name, seed, scheme="zeros")


def xavier_uniform_(
    tensor: torch.Tensor,
    gain: float = 1.0,
    generator: torch.Generator | None = None,
    *,
    seed: int | None = None,
    name: str,
) -> torch.Tensor:
    """Uniform up to gain * sqrt(6 / (fan_in + fan_out))."""
    _check_fans(tensor)
    if 0 in tensor.shape:
        return tensor
    return _fill(tensor, name, seed, generator, scheme="xavier_uniform", gain=gain)


def xavier_normal_(
    tensor: torch.Tensor,
    gain: float = 1.0,
    generator: torch.Generator | None = None,
    *,
    seed: int | None = None,
    name: str,
) -> torch.Tensor:
    """Normal with the standard deviation gain * sqrt(2 / (fan_in + fan_out))."""
    _check_fans(tensor)
    if 0 in tensor.shape:
        return tensor
    return _fill(tensor, name, seed, generator, scheme="xavier_normal", gain=gain)


def _kaiming(
    distribution: str,
    tensor: torch.Tensor,
    a: float,
    mode: str,
    nonlinearity: str,
    generator: torch.Generator | None,
    seed: int | None,
    name: str,
) -> torch.Tensor:
    if isinstance(tensor, torch.Tensor) and 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return tensor
    _check_fans(tensor)
    if str(mode).lower() not in ("fan_in", "fan_out"):
        raise invalid("mode", f"is {mode!r}, it has to be 'fan_in' or 'fan_out'")
    fan_mode = str(mode).lower().removeprefix("fan_")
    gain = calculate_gain(nonlinearity, a)
    if nonlinearity in ("leaky_relu", "relu"):
        slope = {"negative_slope": a} if nonlinearity == "leaky_relu" else {}
        scheme = f"he_{distribution}"
        return _fill(tensor, name, seed, generator, scheme=scheme, fan_mode=fan_mode, **slope)
    return _fill(
        tensor,
        name,
        seed,
        generator,
        scheme="variance_scaling",
        scale=math.pow(gain, 2),
        fan_mode=fan_mode,
        distribution=distribution,
    )


def kaiming_uniform_(
    tensor: torch.Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: torch.Generator | None = None,
    *,
    seed: int | None = None,
    name: str,
) -> torch.Tensor:
    """Uniform up to gain * sqrt(3 / fan), the gain being that of the nonlinearity."""
    return _kaiming("uniform", tensor, a, mode, nonlinearity, generator, seed, name)


def kaiming_normal_(
    tensor: torch.Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: torch.Generator | None = None,
    *,
    seed: int | None = None,
    name: str,
) -> torch.Tensor:
    """Normal with the standard deviation gain / sqrt(fan), the gain as of kaiming_uniform_."""
    return _kaiming("normal", tensor, a, mode, nonlinearity, generator, seed, name)


def _check_dimensions(tensor: torch.Tensor, fewest: int, most: int) -> None:
    if isinstance(tensor, torch.Tensor) and not fewest <= tensor.dim() <= most:
        allowed = str(fewest) if fewest == most else f"from {fewest} to {most}"
        raise invalid("tensor", f"has {tensor.dim()} dimensions, it has to have {allowed}")


def eye_(tensor: torch.Tensor, *, seed: int | None = None, name: str = "eye") -> torch.Tensor:
    """The identity matrix, square or not; seed and name change nothing."""
    _check_dimensions(tensor, 2, 2)
    return _fill(tensor, name, seed, scheme="identity")


def dirac_(
    tensor: torch.Tensor, groups: int = 1, *, seed: int | None = None, name: str = "dirac"
) -> torch.Tensor:
    """A convolution of 1 to 3 dimensions that passes on as much of its input as fits its output.

    `groups` has to divide the outputs, the first dimension; seed and name change nothing.
    """
    _check_dimensions(tensor, 3, 5)
    return _fill(tensor, name, seed, scheme="dirac", groups=groups)


def orthogonal_(
    tensor: torch.Tensor,
    gain: float = 1,
    generator: torch.Generator | None = None,
    *,
    seed: int | None = None,
    name: str,
) -> torch.Tensor:
    """A random orthogonal matrix times `gain`, which is above 0; rows are the first dimension.

    Columns are all other dimensions. If there are more rows than columns the columns are
    orthonormal, otherwise the rows.
    """
    if isinstance(tensor, torch.Tensor) and tensor.dim() < 2:
        raise invalid("tensor", f"has {tensor.dim()} dimensions, it has to have at least 2")
    return _fill(tensor, name, seed, generator, scheme="orthogonal", gain=gain)


def sparse_(
    tensor: torch.Tensor,
    sparsity: float,
    std: float = 0.01,
    generator: torch.Generator | None = None,
    *,
    seed: int | None = None,
    name: str,
) -> torch.Tensor:
    """Normal with mean 0, and in each column that share of zeros, from 0 to 1, rounded up."""
    _check_dimensions(tensor, 2, 2)
    return _fill(tensor, name, seed, generator, scheme="sparse", sparsity=sparsity, stddev=std)
