"""Initial weights for JAX and the libraries on top of it, such as Flax.

Initializers have the signature of ``jax.nn.initializers``, and draw from the same
distributions as those of the same name:

>>> import jax, weightinit.jax
>>> init = weightinit.jax.he_normal()
>>> init(jax.random.key(42), (256, 512)).shape
(256, 512)

**Seed and name of a key.** A tensor of weightinit follows from a seed and a name. Those of a
key are, and will stay, these: with w[0], w[1], … the 32-bit words of the key (``key_data``),
the seed is w[0] * 2^32 + w[1], and the name is ``jax.key``, followed by ``/`` and eight
hexadecimal digits for each further word, which the keys of rbg have. So ``jax.random.key(42)``
has the seed 42 and the name ``jax.key``. Typed keys and arrays of uint32 with the same words
are the same key. The layout is "in_out", whatever the axes; only that of ``orthogonal`` with
``column_axis=0`` is "out_in".

>>> import numpy as np
>>> expected = weightinit.tensor(
...     (256, 512), scheme="variance_scaling", scale=2.0, layout="in_out", seed=42, name="jax.key"
... )
>>> bool(np.array_equal(init(jax.random.key(42), (256, 512)), expected))
True

**The distributions are JAX's**, which are not always those of the scheme of the same name:
he_normal, glorot_normal and lecun_normal of JAX are normals that are cut at two standard
deviations, with the variance corrected; the schemes "he_normal", "xavier_normal" and
"lecun_normal" are not cut. `initializer` draws from any scheme.

**Under jit** a key that is an argument is known only when the program runs: the program then
calls back to the host (`jax.pure_callback`), also under vmap and in scan. A key that is known
when the function is traced gives a constant. Arguments are checked when it is traced.

**Sharded arrays**: with ``out_sharding``, and in `init_params`, each device's shard is made
alone, by a request for its slice.

zeros, ones and constant are JAX's own, which draw nothing. orthogonal and delta_orthogonal draw
from the same distribution as JAX's, and can be sharded, which JAX's can not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax.nn.initializers import constant, ones, zeros

from weightinit._default import default_source
from weightinit._errors import invalid, invalid_type
from weightinit._jax_params import init_params, manifest_of, sharded
from weightinit._requests import integer, real, shape_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from weightinit._arrays import Array
    from weightinit._requests import Shape, TensorArguments

__all__ = [
    "constant",
    "delta_orthogonal",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "init_params",
    "initializer",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "manifest_of",
    "normal",
    "ones",
    "orthogonal",
    "seed_and_name",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

# init(key, shape, dtype=None, out_sharding=None).
Initializer = Callable[..., Any]
Axes = int | Sequence[int]
_Arguments = dict[str, Any]

_MODES = {"fan_in": "in", "fan_out": "out", "fan_avg": "average", "fan_geo_avg": "geometric"}
_SHARDINGS = (type(None), jax.sharding.Sharding, jax.sharding.PartitionSpec)
_DISTRIBUTIONS = ("truncated_normal", "normal", "uniform")


def seed_and_name(key: Any) -> tuple[int, str]:
    """The seed and the name that follow from a JAX key, as the module defines them.

    >>> import jax
    >>> seed_and_name(jax.random.key(42))
    (42, 'jax.key')
    >>> seed_and_name(jax.random.key(42, impl="rbg"))
    (42, 'jax.key/00000000/0000002a')
    """
    with jax.ensure_compile_time_eval():
        return _stream(np.asarray(_words(key)))


def _words(key: Any) -> Any:
    """The words of a key, concrete or traced."""
    dtype = getattr(key, "dtype", None)
    if dtype is None:
        raise invalid_type("key", key, "a key of JAX")
    if jax.dtypes.issubdtype(dtype, jax.dtypes.prng_key):
        if key.shape != ():
            raise invalid("key", f"has the shape {key.shape}, it has to be one key")
        return jax.random.key_data(key)
    if dtype != np.uint32 or len(key.shape) != 1 or key.shape[0] < 2:
        raise invalid("key", f"is {dtype}{list(key.shape)}, it has to be one key of JAX")
    return key


def _stream(words: Any) -> tuple[int, str]:
    first, second, *others = (int(word) for word in words)
    return first << 32 | second, "/".join(["jax.key", *(f"{word:08x}" for word in others)])


def _dtype_name(dtype: Any) -> str:
    """The dtype that JAX makes of it; that of float if it is None."""
    if dtype is None:
        return str(jax.numpy.result_type(float))
    return str(jax.dtypes.canonicalize_dtype(dtype))


def _reshard(array: Any, sharding: Any) -> Any:
    """A traced array with a sharding."""
    if isinstance(sharding, jax.sharding.PartitionSpec):
        mesh = jax.sharding.get_abstract_mesh()
    else:
        mesh = getattr(sharding, "mesh", None)
    # "AxisType.Explicit" of newer versions of JAX, where a constraint only asserts.
    if any("Explicit" in str(kind) for kind in getattr(mesh, "axis_types", None) or ()):
        return jax.sharding.reshard(array, sharding)
    return jax.lax.with_sharding_constraint(array, sharding)


def _make(key: Any, shape: Shape, dtype: Any, out_sharding: Any, arguments: _Arguments) -> Any:
    """The array of a key; `arguments` has neither seed nor name."""
    sizes = tuple(shape_of(shape))
    given: _Arguments = {"layout": "in_out"} | arguments | {"dtype": _dtype_name(dtype)}
    if not isinstance(out_sharding, _SHARDINGS):
        raise invalid_type("out_sharding", out_sharding, "a Sharding or PartitionSpec")
    words = _words(key)
    source = default_source()

    if isinstance(key, jax.core.Tracer):
        source.describe(sizes, **given)  # Wrong arguments are errors here, not in the callback.

        def call(words: Any) -> Array:
            seed, name = _stream(np.asarray(words))
            return source.tensor(sizes, seed=seed, name=name, **given)

        result = jax.ShapeDtypeStruct(sizes, given["dtype"])
        array = jax.pure_callback(call, result, words, vmap_method="sequential")
        return array if out_sharding is None else _reshard(array, out_sharding)

    seed, name = seed_and_name(key)

    def make(ranges: tuple[slice, ...] | None) -> Array:
        return source.tensor(sizes, seed=seed, name=name, slice=ranges, **given)

    if out_sharding is None:
        return jax.numpy.asarray(make(None))
    if isinstance(out_sharding, jax.sharding.PartitionSpec):
        out_sharding = jax.sharding.NamedSharding(jax.sharding.get_mesh(), out_sharding)
    return sharded(sizes, out_sharding, make)


def _initializer(arguments_of: Callable[[Sequence[int]], _Arguments], dtype: Any) -> Initializer:
    """An initializer with a default dtype, whose arguments follow from the shape."""

    def init(key: Any, shape: Shape, dtype: Any = dtype, out_sharding: Any = None) -> Any:
        return _make(key, shape, dtype, out_sharding, arguments_of(shape_of(shape)))

    return init


def initializer(**arguments: Unpack[TensorArguments]) -> Initializer:
    """An initializer by the arguments of :func:`weightinit.tensor`.

    Args:
        **arguments: See :class:`weightinit.TensorArguments`; not seed, seed_name, name,
            concatenation and slice, since seed, name and slice follow from the key and the
            sharding. The layout is "in_out" if none is given; `dtype` is the default of the
            initializer's argument.

    >>> import jax
    >>> initializer(activation="relu")(jax.random.key(0), (3, 3, 16, 32)).shape
    (3, 3, 16, 32)
    """
    for name in ("seed", "seed_name", "name", "concatenation", "slice"):
        if name in arguments:
            raise invalid(name, "is no argument here: seed and name follow from the key")
    given: _Arguments = dict(arguments)
    dtype = given.pop("dtype", None)
    return _initializer(lambda shape: given, dtype)


def _size(argument: str, axes: Axes, shape: Sequence[int]) -> int:
    """The product of the sizes of `axes`."""
    rank = len(shape)
    if not isinstance(axes, Sequence):
        axes = (axes,)
    return math.prod(shape[integer(argument, axis, -rank, rank - 1)] for axis in axes)


def _fans(shape: Sequence[int], in_axis: Axes, out_axis: Axes, batch_axis: Axes) -> _Arguments:
    if in_axis == -2 and len(shape) < 2:
        raise invalid("shape", f"has {len(shape)} dimensions, it has to have at least 2")
    inputs = _size("in_axis", in_axis, shape)
    outputs = _size("out_axis", out_axis, shape)
    batch = _size("batch_axis", batch_axis, shape)
    elements = math.prod(shape)
    if elements == 0:
        return {}
    if elements % (outputs * batch) or elements % (inputs * batch):
        raise invalid("batch_axis", "leaves no whole fans; axes have to be different")
    # JAX's formulas, shortened; in_axis and out_axis may be the same.
    return {"fan_in": elements // (outputs * batch), "fan_out": elements // (inputs * batch)}


def variance_scaling(
    scale: float,
    mode: str,
    distribution: str,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    batch_axis: Axes = (),
    dtype: Any = None,
) -> Initializer:
    """As jax.nn.initializers.variance_scaling; "truncated_normal" with JAX's correction.

    Args:
        scale: Above 0.
        mode: "fan_in", "fan_out", "fan_avg" or "fan_geo_avg".
        distribution: "truncated_normal", "normal" or "uniform".
        in_axis: Dimensions of the input.
        out_axis: Dimensions of the output.
        batch_axis: Dimensions that count for neither fan.
        dtype: Of arrays for which none is given; default: JAX's float.
    """
    if mode not in _MODES:
        raise invalid("mode", f"is {mode!r}, it has to be one of {', '.join(_MODES)}")
    if distribution not in _DISTRIBUTIONS:
        allowed = ", ".join(_DISTRIBUTIONS)
        raise invalid("distribution", f"is {distribution!r}, it has to be one of {allowed}")

    def arguments_of(shape: Sequence[int]) -> _Arguments:
        return {
            "scheme": "variance_scaling",
            "scale": scale,
            "fan_mode": _MODES[mode],
            "distribution": distribution,
        } | _fans(shape, in_axis, out_axis, batch_axis)

    return _initializer(arguments_of, dtype)


def uniform(scale: float = 1e-2, dtype: Any = None) -> Initializer:
    """Uniform in [0, scale); scale is above 0."""
    if not real("scale", scale) > 0:
        raise invalid("scale", f"is {scale}, it has to be above 0")
    return _initializer(lambda shape: {"scheme": "uniform", "high": scale}, dtype)


def normal(stddev: float = 1e-2, dtype: Any = None) -> Initializer:
    """Normal with mean 0."""
    return _initializer(lambda shape: {"scheme": "normal", "stddev": stddev}, dtype)


def truncated_normal(
    stddev: float = 1e-2, dtype: Any = None, lower: float = -2.0, upper: float = 2.0
) -> Initializer:
    """Normal with mean 0 before it is cut at `lower` and `upper` times `stddev`; no correction."""
    arguments = {"scheme": "truncated_normal", "stddev": stddev, "low": lower, "high": upper}
    if not real("lower", lower) < real("upper", upper):
        raise invalid("lower", f"is {lower}, it has to be below upper, which is {upper}")
    return _initializer(lambda shape: arguments, dtype)


def _gain(scale: float) -> float:
    if not real("scale", scale) > 0:
        raise invalid("scale", f"is {scale}, it has to be above 0")
    return scale


def orthogonal(scale: float = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """A random orthogonal matrix times `scale`, as jax.nn.initializers.orthogonal.

    Its columns are one dimension, its rows are all others. The shorter side is orthonormal.

    Args:
        scale: Above 0.
        column_axis: The dimension of the columns: the last one, -1, or the first one, 0, whose
            layout is "out_in". JAX's may be another one.
        dtype: Of arrays for which none is given; default: JAX's float.

    >>> import jax, numpy as np
    >>> kernel = orthogonal()(jax.random.key(42), (4, 3))
    >>> bool(np.allclose(kernel.T @ kernel, np.eye(3), atol=1e-6))
    True
    """
    arguments = {"scheme": "orthogonal", "gain": _gain(scale)}

    def arguments_of(shape: Sequence[int]) -> _Arguments:
        rank = len(shape)
        if rank < 2:
            raise invalid("shape", f"has {rank} dimensions, it has to have at least 2")
        axis = integer("column_axis", column_axis, -rank, rank - 1) % rank
        if 0 < axis < rank - 1:
            raise invalid(
                "column_axis", f"is {column_axis}, it has to be the first or the last dimension"
            )
        return arguments | {"layout": "in_out" if axis else "out_in"}

    return _initializer(arguments_of, dtype)


def delta_orthogonal(scale: float = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """An orthogonal matrix at the centre of a convolution's kernel, elsewhere 0.

    As jax.nn.initializers.delta_orthogonal. The kernel has 1 to 3 dimensions, of odd sizes, in
    front of those of the input and the output, of which the output has to be at least as large.

    Args:
        scale: Above 0.
        column_axis: Of the matrix at the centre, -1 or 0. It changes nothing: a random
            orthogonal matrix, transposed, has the same distribution.
        dtype: Of arrays for which none is given; default: JAX's float.
    """
    arguments = {"scheme": "delta_orthogonal", "gain": _gain(scale)}
    integer("column_axis", column_axis, -2, 1)
    return _initializer(lambda shape: arguments, dtype)


def _named(scale: float, mode: str, distribution: str, what: str) -> Callable[..., Initializer]:
    def build(
        in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
    ) -> Initializer:
        return variance_scaling(scale, mode, distribution, in_axis, out_axis, batch_axis, dtype)

    build.__doc__ = f"{what}: variance_scaling({scale}, {mode!r}, {distribution!r})."
    return build


glorot_uniform = xavier_uniform = _named(1.0, "fan_avg", "uniform", "Glorot & Bengio 2010")
glorot_normal = xavier_normal = _named(1.0, "fan_avg", "truncated_normal", "Glorot & Bengio 2010")
lecun_uniform = _named(1.0, "fan_in", "uniform", "LeCun et al. 1998")
lecun_normal = _named(1.0, "fan_in", "truncated_normal", "LeCun et al. 1998")
he_uniform = kaiming_uniform = _named(2.0, "fan_in", "uniform", "He et al. 2015")
he_normal = kaiming_normal = _named(2.0, "fan_in", "truncated_normal", "He et al. 2015")
