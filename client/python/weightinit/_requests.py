"""Requests from the arguments of Python calls."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from weightinit import _framework_schemes as framework_schemes
from weightinit import _messages as messages
from weightinit._compiled import required_core
from weightinit._errors import error_of, invalid, invalid_type, unknown_argument

if TYPE_CHECKING:
    import numpy.typing as npt

Shape = int | Sequence[int]
# One range for each dimension, as `numpy.s_` writes them; dimensions behind are whole.
Slices = slice | Sequence[slice | None]


class Weights(TypedDict, total=False):
    """Which weights a tensor, or a part of one, has; tensor.proto says more of each.

    Attributes:
        name: Selects the random stream; tensors of different names are independent.
        activation: That follows the layer, for example "relu"; chooses the scheme.
        scheme: For example "he_normal", or one of a framework, "keras.he_normal"; default:
            chosen from role and activation.
        role: What the tensor is in its layer: "weight", "bias", "norm_scale", "embedding",
            "running_mean" or "running_variance"; default: "weight", or "bias" if its rank is
            below 2.
        gain: Factor of the Xavier standard deviation, of an identity, or of an orthogonal
            matrix, above 0.
        negative_slope: Of the activation, for the He and the variance_preserving schemes.
        mean: Of normal and truncated_normal.
        stddev: Of normal, truncated_normal and what is not 0 of sparse, at least 0.
        low: Lower bound; of truncated_normal in standard deviations from the mean.
        high: Upper bound, likewise.
        value: Of constant.
        scale: Numerator of variance_scaling, above 0.
        sparsity: Of sparse, the share of zeros in each column, from 0 to 1.
        fan_mode: "in", "out", "average" or "geometric".
        distribution: Of variance_scaling: "uniform", "normal" or "truncated_normal".
        groups: Of a grouped convolution, at least 1.
        transposed: Whether the weight is of a transposed convolution.
        fan_in: At least 1; overrides what follows from the shape.
        fan_out: At least 1; overrides what follows from the shape.
        concatenation: Makes it of named parts, for example query, key and value in one
            matrix, each with the weights that it has alone; at most 4 levels in all.
    """

    name: str
    activation: str | None
    scheme: str | None
    role: str | None
    gain: float | None
    negative_slope: float | None
    mean: float | None
    stddev: float | None
    low: float | None
    high: float | None
    value: float | None
    scale: float | None
    sparsity: float | None
    fan_mode: str | None
    distribution: str | None
    groups: int | None
    transposed: bool
    fan_in: int | None
    fan_out: int | None
    concatenation: Concatenation | None


class Part(Weights, total=False):
    """One part of a tensor. Its name is required, and no other part may have it.

    Attributes:
        size: Along the axis, at least 0; required unless the parts are stacked.
    """

    size: int


class Concatenation(TypedDict, total=False):
    """Parts one behind the other, each the tensor of its own name.

    Attributes:
        parts: Required, in order; at most 2048.
        axis: The dimension along which they lie, from 0; default 0.
        stacked: Whether the axis counts the parts, which are tensors without it.
    """

    parts: Sequence[Part]
    axis: int
    stacked: bool


class TensorArguments(Weights, total=False):
    """Which tensor, besides its shape.

    Attributes:
        dtype: "float32" (the default), "float64", "float16", "bfloat16", or NumPy's.
        layout: "out_in" (PyTorch, the default) or "in_out" (Keras and JAX).
        seed: From 0 to 2^64 - 1, default 0.
        seed_name: A name in place of the number; a server with a root seed knows it.
        slice: Ranges of the dimensions, for example ``numpy.s_[0:10, :]``.
    """

    dtype: str | npt.DTypeLike
    layout: str | None
    seed: int
    seed_name: str | None
    slice: Slices | None


@dataclass(frozen=True)
class Shard:
    """One of `count` equal shares of a tensor along `axis`, as torch.chunk cuts it.

    Attributes:
        index: From 0 to count - 1.
        count: At least 1.
        axis: The dimension, from 0.
    """

    index: int
    count: int
    axis: int = 0


class ModelArguments(TypedDict, total=False):
    """Which part of a model, and its seed.

    Attributes:
        seed: From 0 to 2^64 - 1, default 0.
        seed_name: A name in place of the number.
        only: Patterns with "*" and "?"; only tensors that one matches. Default: all.
        shard: The part of every tensor.
        selections: Parts of tensors by patterns of names; the last one that matches holds.
        preset: The name of one of :func:`weightinit.presets`, or the path of a file of one;
            several in order too. Its rules come after those of the manifest.
        constants: Numbers that the expressions of the manifest or of a preset use, by name.
    """

    seed: int
    seed_name: str | None
    only: Sequence[str]
    shard: Shard | tuple[int, int] | tuple[int, int, int] | None
    selections: Mapping[str, Slices | Shard] | None
    preset: str | Sequence[str] | None
    constants: Mapping[str, float] | None


_FLOATS = ("gain", "negative_slope", "mean", "stddev", "low", "high", "value", "scale", "sparsity")
_KNOWN = TensorArguments.__optional_keys__
_PART_KNOWN = Part.__optional_keys__
_CONCATENATION_KNOWN = Concatenation.__optional_keys__
_MODEL_KNOWN = ModelArguments.__optional_keys__


def integer(field: str, value: object, low: int, high: int) -> int:
    """`value` as an int from low to high."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise invalid_type(field, value, "an int") from None
    if not low <= number <= high:
        raise invalid(field, f"is {number}, it has to be from {low} to {high}")
    return number


def real(field: str, value: object) -> float:
    """`value` as a float."""
    if isinstance(value, (str, bytes, bool)):
        raise invalid_type(field, value, "a number")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise invalid_type(field, value, "a number") from None
    except OverflowError:
        raise invalid(field, "is not finite, it has to be a finite number") from None


def text(field: str, value: object) -> str:
    """`value` as text that can be sent."""
    if not isinstance(value, str):
        raise invalid_type(field, value, "a str")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise invalid(field, "is not valid UTF-8") from None
    return value


def _choice(field: str, enum: str, value: object) -> int:
    number = messages.number_of(enum, text(field, value))
    if number is None:
        names = ", ".join(messages.NUMBERS[enum])
        raise invalid(field, f"is {value!r}, it has to be one of {names}")
    return number


def _dtype(value: object) -> int:
    if isinstance(value, str):
        return _choice("dtype", "Dtype", value)
    import numpy as np

    try:
        name = np.dtype(value).name  # type: ignore[call-overload]
    except TypeError:
        raise invalid_type("dtype", value, "a name or a dtype of NumPy") from None
    return _choice("dtype", "Dtype", name)


_INT64 = 2**63 - 1


def shape_of(shape: object) -> list[int]:
    """The dimensions of an argument `shape`; an int is one dimension."""
    if isinstance(shape, (str, bytes, Mapping)):
        raise invalid_type("shape", shape, "an int or a sequence of ints")
    try:
        dimensions: list[object] = list(shape)  # type: ignore[call-overload]
    except TypeError:
        try:
            dimensions = [operator.index(shape)]  # type: ignore[arg-type]
        except TypeError:
            raise invalid_type("shape", shape, "an int or a sequence of ints") from None
    return [integer(f"shape[{i}]", size, 0, _INT64) for i, size in enumerate(dimensions)]


def _add_slices(field: str, slices: object, shape: Sequence[int] | None, target: Any) -> None:
    if isinstance(slices, slice):
        slices = [slices]
    if not isinstance(slices, Sequence) or isinstance(slices, (str, bytes)):
        raise invalid_type(field, slices, "slices, for example numpy.s_[0:10, :]")
    if shape is not None and len(slices) > len(shape):
        raise invalid(field, f"has {len(slices)} ranges, the shape has {len(shape)} dimensions")
    for i, part in enumerate(slices):
        name = f"{field}[{i}]"
        added = target.add()
        if part is None:
            continue
        if not isinstance(part, slice):
            raise invalid_type(name, part, "a slice")
        if part.step not in (None, 1):
            raise invalid(name, f"has the step {part.step}, it has to be 1")
        for bound in ("start", "stop"):
            given = getattr(part, bound)
            if given is None:
                continue
            number = integer(f"{name}.{bound}", given, -_INT64, _INT64)
            if number < 0:
                if shape is None:
                    raise invalid(f"{name}.{bound}", f"is {number}, it has to be at least 0")
                number += shape[i]
            setattr(added, bound, integer(f"{name}.{bound}", number, 0, _INT64))
    if shape is not None:
        for _ in range(len(slices), len(shape)):
            target.add()


def _add_seed(request: Any, arguments: Mapping[str, Any]) -> None:
    request.seed = integer("seed", arguments.get("seed", 0), 0, 2**64 - 1)
    if arguments.get("seed_name") is not None:
        request.seed_name = text("seed_name", arguments["seed_name"])


def _check_known(arguments: Mapping[str, Any], known: frozenset[str], prefix: str = "") -> None:
    for name in arguments:
        if name not in known:
            raise unknown_argument(f"{prefix}{name}", known)


def _bool(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise invalid_type(field, value, "a bool")
    return value


def _of_framework(prefix: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments with what the scheme of a framework stands for, if they name one."""
    found = framework_schemes.find(arguments.get("scheme"))
    if found is None:
        return arguments
    given = {key: value for key, value in arguments.items() if value is not None}
    for field in _FLOATS:
        if field in given:
            given[field] = real(prefix + field, given[field])
    return {**given, **found.fill(given), "scheme": found.scheme}


def _add_spec(target: Any, arguments: Mapping[str, Any], prefix: str) -> None:
    """What tensors and parts have in common."""
    target.name = text(f"{prefix}name", arguments.get("name", ""))
    arguments = _of_framework(prefix, arguments)
    for field, enum, place in (
        ("activation", "Activation", target),
        ("scheme", "Scheme", target),
        ("role", "TensorRole", target),
        ("fan_mode", "FanMode", target.parameters),
        ("distribution", "Distribution", target.parameters),
    ):
        if arguments.get(field) is not None:
            setattr(place, field, _choice(prefix + field, enum, arguments[field]))
    for field in _FLOATS:
        if arguments.get(field) is not None:
            setattr(target.parameters, field, real(prefix + field, arguments[field]))
    for field in ("fan_in", "fan_out", "groups"):
        if arguments.get(field) is not None:
            setattr(target.fan, field, integer(prefix + field, arguments[field], 1, _INT64))
    if _bool(f"{prefix}transposed", arguments.get("transposed", False)):
        target.fan.transposed = True
    if arguments.get("concatenation") is not None:
        _add_parts(f"{prefix}concatenation", arguments["concatenation"], target.concatenation)


def _add_parts(field: str, value: object, target: Any) -> None:
    """A Concatenation; `field` is what errors call it."""
    if not isinstance(value, Mapping):
        raise invalid_type(field, value, "a mapping, a Concatenation")
    _check_known(value, _CONCATENATION_KNOWN, f"{field}.")
    target.axis = integer(f"{field}.axis", value.get("axis", 0), 0, 15)
    target.stacked = _bool(f"{field}.stacked", value.get("stacked", False))
    parts = value.get("parts", ())
    if isinstance(parts, (str, bytes)) or not isinstance(parts, Sequence):
        raise invalid_type(f"{field}.parts", parts, "a sequence of mappings")
    if not parts:
        raise invalid(f"{field}.parts", "is empty, it has to have at least one part")
    for i, part in enumerate(parts):
        name = f"{field}.parts[{i}]"
        if not isinstance(part, Mapping):
            raise invalid_type(name, part, "a mapping, a Part")
        _check_known(part, _PART_KNOWN, f"{name}.")
        added = target.parts.add()
        if part.get("size") is not None:
            added.size = integer(f"{name}.size", part["size"], 0, _INT64)
        _add_spec(added, part, f"{name}.")


def tensor_request(shape: Shape, arguments: Mapping[str, Any]) -> Any:
    """An InitializeTensorRequest; its bytes are those of a DescribeTensorRequest too."""
    _check_known(arguments, _KNOWN)
    request = messages.InitializeTensorRequest()
    tensor = request.tensor
    dimensions = shape_of(shape)
    tensor.shape.extend(dimensions)
    tensor.dtype = _dtype(arguments.get("dtype", "float32"))
    _add_spec(tensor, arguments, "")
    if arguments.get("layout") is not None:
        tensor.fan.layout = _choice("layout", "Layout", arguments["layout"])
    _add_seed(request, arguments)
    if arguments.get("slice") is not None:
        _add_slices("slice", arguments["slice"], dimensions, request.slice)
    return request


def _add_shard(field: str, value: object, target: Any) -> None:
    shard = value
    if isinstance(shard, tuple) and len(shard) in (2, 3):
        shard = Shard(*shard)
    if not isinstance(shard, Shard):
        raise invalid_type(field, value, "a Shard or (index, count) or (index, count, axis)")
    target.count = integer(f"{field}.count", shard.count, 1, _INT64)
    target.index = integer(f"{field}.index", shard.index, 0, shard.count - 1)
    target.axis = integer(f"{field}.axis", shard.axis, 0, 15)


def with_presets(model: Any, arguments: Mapping[str, Any]) -> Any:
    """The ModelSpec with the constants and the rules of the presets that the arguments name."""
    presets = arguments.get("preset")
    presets = [presets] if isinstance(presets, str) else presets or []
    if isinstance(presets, bytes) or not isinstance(presets, Sequence):
        raise invalid_type("preset", presets, "a str or a sequence of str")
    names = [text("preset", preset) for preset in presets]
    constants = arguments.get("constants") or {}
    if not isinstance(constants, Mapping):
        raise invalid_type("constants", constants, "a mapping from names to numbers")
    numbers = {text("constants", n): real(f"constants[{n!r}]", v) for n, v in constants.items()}
    if not names and not numbers:
        return model
    core = required_core("preset" if names else "constants")
    try:
        serialized = core.apply_presets(model.SerializeToString(), names, numbers)
    except core.StatusError as error:
        raise error_of(*error.args) from None
    return messages.ModelSpec.FromString(serialized)


def model_request(model: Any, arguments: Mapping[str, Any]) -> Any:
    """An InitializeModelRequest of a ModelSpec; its bytes are a DescribeModelRequest's too."""
    _check_known(arguments, _MODEL_KNOWN)
    request = messages.InitializeModelRequest()
    request.model.CopyFrom(with_presets(model, arguments))
    _add_seed(request, arguments)
    only = arguments.get("only", ())
    if isinstance(only, (str, bytes)) or not isinstance(only, Sequence):
        raise invalid_type("only", only, "a sequence of patterns")
    for i, pattern in enumerate(only):
        request.only.append(text(f"only[{i}]", pattern))
    if arguments.get("shard") is not None:
        selection = request.selections.add()
        selection.match = "*"
        _add_shard("shard", arguments["shard"], selection.shard)
    selections = arguments.get("selections") or {}
    if not isinstance(selections, Mapping):
        raise invalid_type("selections", selections, "a mapping from patterns to slices or Shards")
    for pattern, part in selections.items():
        selection = request.selections.add()
        selection.match = text("selections", pattern)
        if isinstance(part, Shard):
            _add_shard(f"selections[{pattern!r}]", part, selection.shard)
        else:
            _add_slices(f"selections[{pattern!r}]", part, None, selection.slice)
    return request
