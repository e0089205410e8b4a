"""weightinit.jax: keys, distributions, transformations, sharding."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from jax_support import KEY, Spy, assert_same_distribution, mesh

import weightinit
import weightinit.jax as wj


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    """The default source."""
    source = Spy()
    monkeypatch.setattr(wj, "default_source", lambda: source)
    return source


# Keys.


@pytest.mark.parametrize(
    ("impl", "seed", "name"),
    [
        ("threefry2x32", 42, "jax.key"),
        ("rbg", 42, "jax.key/00000000/0000002a"),
        ("unsafe_rbg", 42, "jax.key/00000000/0000002a"),
    ],
)
def test_a_key_has_the_seed_and_name_of_the_documentation(impl: str, seed: int, name: str) -> None:
    typed = jax.random.key(42, impl=impl)
    raw = jax.random.PRNGKey(42, impl=impl)
    assert wj.seed_and_name(typed) == wj.seed_and_name(raw) == (seed, name)
    expected = weightinit.tensor(
        (5, 4), scheme="normal", stddev=0.01, seed=seed, name=name, layout="in_out"
    )
    assert np.array_equal(wj.normal()(typed, (5, 4)), expected)
    assert np.array_equal(jax.jit(lambda key: wj.normal()(key, (5, 4)))(raw), expected)


def test_both_words_of_a_key_enter_its_seed() -> None:
    assert wj.seed_and_name(np.array([1, 2], np.uint32)) == (2**32 + 2, "jax.key")
    assert wj.seed_and_name(jax.random.split(KEY)[0])[0] > 2**32


def test_equal_shapes_of_different_keys_differ() -> None:
    keys = [*jax.random.split(KEY, 20), jax.random.key(42, impl="rbg"), KEY]
    rbg = jax.random.wrap_key_data(np.array([0, 42, 0, 43], np.uint32), impl="rbg")
    made = {np.asarray(wj.normal()(key, (3, 3))).tobytes() for key in [*keys, rbg]}
    assert len(made) == 23


@pytest.mark.parametrize(
    "key",
    [7, None, "key", jnp.zeros(2), np.zeros((3, 2), np.uint32), jax.random.PRNGKey(0)[:1]],
)
def test_what_is_no_key_is_refused(key: Any) -> None:
    with pytest.raises(weightinit.InvalidArgument, match=r"^key: "):
        wj.normal()(key, (2, 2))


def test_several_keys_at_once_are_refused_without_vmap() -> None:
    with pytest.raises(weightinit.InvalidArgument, match=r"^key: .*one key"):
        wj.normal()(jax.random.split(KEY), (2, 2))


# Distributions: JAX's.

_FANS = [
    ((400, 300), {}),
    ((3, 3, 100, 150), {}),
    ((150, 300), {"in_axis": -1, "out_axis": -2}),
    ((8, 150, 120), {"batch_axis": 0}),
    ((4, 30, 10, 100), {"in_axis": (1, 2), "out_axis": -1, "batch_axis": (0,)}),
    ((500, 300), {"out_axis": 0}),  # Flax's embeddings.
]
_SCALED = [
    "glorot_uniform",
    "glorot_normal",
    "lecun_uniform",
    "lecun_normal",
    "he_uniform",
    "he_normal",
]


@pytest.mark.parametrize("name", _SCALED)
@pytest.mark.parametrize(("shape", "axes"), _FANS)
def test_scaled_initializers_have_the_distribution_of_jax(
    name: str, shape: tuple[int, ...], axes: dict[str, Any]
) -> None:
    ours = getattr(wj, name)(**axes)(KEY, shape)
    theirs = getattr(jax.nn.initializers, name)(**axes)(KEY, shape)
    assert_same_distribution(ours, theirs)
    assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.01)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"])
@pytest.mark.parametrize("distribution", ["uniform", "normal", "truncated_normal"])
def test_variance_scaling_has_the_distribution_of_jax(mode: str, distribution: str) -> None:
    ours = wj.variance_scaling(3.0, mode, distribution)(KEY, (900, 100))
    theirs = jax.nn.initializers.variance_scaling(3.0, mode, distribution)(KEY, (900, 100))
    assert_same_distribution(ours, theirs)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("normal", {}),
        ("normal", {"stddev": 3.0}),
        ("uniform", {}),
        ("uniform", {"scale": 4.0}),
        ("truncated_normal", {}),
        ("truncated_normal", {"stddev": 2.0, "lower": -1.0, "upper": 3.0}),
    ],
)
def test_plain_initializers_have_the_distribution_of_jax(
    name: str, arguments: dict[str, float]
) -> None:
    ours = getattr(wj, name)(**arguments)(KEY, (300, 300))
    theirs = getattr(jax.nn.initializers, name)(**arguments)(KEY, (300, 300))
    assert_same_distribution(ours, theirs)


def test_the_scheme_he_normal_is_not_cut_and_that_of_jax_is() -> None:
    bound = 2 * math.sqrt(2 / 500) / 0.8796
    assert np.abs(wj.initializer(scheme="he_normal")(KEY, (500, 500))).max() > 1.5 * bound
    assert np.abs(wj.he_normal()(KEY, (500, 500))).max() < 1.001 * bound


def test_the_fans_of_a_convolution_are_those_of_jax() -> None:
    made = wj.initializer(activation="relu")(KEY, (3, 3, 16, 256))
    assert np.std(made) == pytest.approx(math.sqrt(2 / (9 * 16)), rel=0.02)


def test_a_tensor_without_elements_needs_no_fans() -> None:
    assert wj.he_normal()(KEY, (0, 4)).shape == (0, 4)


def test_every_initializer_of_jax_is_here() -> None:
    theirs = {name for name in dir(jax.nn.initializers) if name.islower() and name[0] != "_"}
    assert theirs >= {"orthogonal", "he_normal", "zeros"}
    assert theirs <= set(wj.__all__)


@pytest.mark.parametrize("name", ["zeros", "ones"])
def test_constants_are_those_of_jax(name: str) -> None:
    expected = getattr(jax.nn.initializers, name)(KEY, (2, 3))
    assert np.array_equal(getattr(wj, name)(KEY, (2, 3)), expected)
    assert np.array_equal(wj.constant(2.5)(KEY, (2,)), [2.5, 2.5])


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32, "float32"])
def test_arrays_have_the_dtype_of_the_call_or_the_initializer(dtype: Any) -> None:
    called = wj.lecun_normal()(KEY, (4, 4), dtype)
    default = wj.lecun_normal(dtype=dtype)(KEY, (4, 4))
    traced = jax.jit(lambda key: wj.lecun_normal()(key, (4, 4), dtype))(KEY)
    assert called.dtype == default.dtype == traced.dtype == jnp.dtype(dtype)
    assert np.array_equal(called, default)
    assert np.array_equal(called, traced)


def test_float64_is_float32_unless_jax_has_it() -> None:
    assert wj.normal()(KEY, (2, 2), np.float64).dtype == np.float32
    with jax.enable_x64(True):
        assert wj.normal()(KEY, (2, 2)).dtype == np.float64
        expected = weightinit.tensor(
            (2, 2), scheme="normal", stddev=0.01, dtype="float64", layout="in_out", seed=42,
            name="jax.key",
        )  # fmt: skip
        assert np.array_equal(wj.normal()(KEY, (2, 2)), expected)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: wj.he_normal()(KEY, (3,)), "shape"),
        (lambda: wj.he_normal(in_axis=2)(KEY, (3, 4)), "in_axis"),
        (lambda: wj.he_normal(out_axis=(0, -3))(KEY, (3, 4)), "out_axis"),
        (lambda: wj.he_normal(batch_axis=5)(KEY, (3, 4)), "batch_axis"),
        (lambda: wj.he_normal(batch_axis=-1)(KEY, (3, 4)), "batch_axis"),
        (lambda: wj.he_normal(in_axis="a")(KEY, (3, 4)), "in_axis"),
        (lambda: wj.he_normal()(KEY, (3, -4)), "shape[1]"),
        (lambda: wj.he_normal()(KEY, (3, 4), jnp.int32), "dtype"),
        (lambda: wj.he_normal()(KEY, (3, 4), jnp.complex64), "dtype"),
        (lambda: wj.he_normal()(KEY, (3, 4), None, "x"), "out_sharding"),
        (lambda: wj.normal(stddev=-1)(KEY, (3, 4)), "stddev"),
        (lambda: wj.normal(stddev="a")(KEY, (3, 4)), "stddev"),
        (lambda: wj.uniform(-1.0), "scale"),
        (lambda: wj.truncated_normal(lower=2.0, upper=1.0), "lower"),
        (lambda: wj.variance_scaling(0.0, "fan_in", "normal")(KEY, (3, 4)), "scale"),
        (lambda: wj.variance_scaling(1.0, "in", "normal"), "mode"),
        (lambda: wj.variance_scaling(1.0, "fan_in", "cauchy"), "distribution"),
        (lambda: wj.orthogonal(scale=0.0), "scale"),
        (lambda: wj.orthogonal(scale="a"), "scale"),
        (lambda: wj.orthogonal()(KEY, (3,)), "shape"),
        (lambda: wj.orthogonal()(KEY, ()), "shape"),
        (lambda: wj.orthogonal(column_axis=1)(KEY, (3, 4, 5)), "column_axis"),
        (lambda: wj.orthogonal(column_axis=-2)(KEY, (3, 4, 5)), "column_axis"),
        (lambda: wj.orthogonal(column_axis=2)(KEY, (3, 4)), "column_axis"),
        (lambda: wj.orthogonal(column_axis="a")(KEY, (3, 4)), "column_axis"),
        (lambda: wj.delta_orthogonal(scale=-1.0), "scale"),
        (lambda: wj.delta_orthogonal(column_axis=2), "column_axis"),
        (lambda: wj.delta_orthogonal()(KEY, (3, 4)), "shape"),
        (lambda: wj.delta_orthogonal()(KEY, (3, 4, 3)), "shape"),
        (lambda: wj.delta_orthogonal()(KEY, (2, 3, 3)), "shape[0]"),
        (lambda: wj.initializer(seed=1), "seed"),
        (lambda: wj.initializer(concatenation={"parts": []}), "concatenation"),
        (lambda: wj.initializer(activation="rleu")(KEY, (3, 4)), "activation"),
        (lambda: wj.initializer(colour=1)(KEY, (3, 4)), "colour"),
    ],
)
def test_a_wrong_argument_is_named(call: Any, field: str) -> None:
    with pytest.raises(weightinit.InvalidArgument) as caught:
        call()
    assert caught.value.violations[0].field == field


# Transformations.


def test_a_traced_key_gives_the_same_array() -> None:
    init = wj.he_normal()
    expected = init(KEY, (30, 20))
    assert np.array_equal(jax.jit(lambda key: init(key, (30, 20)))(KEY), expected)


def test_a_known_key_gives_the_same_array_under_jit() -> None:
    init = wj.he_normal()
    expected = init(KEY, (30, 20))
    assert np.array_equal(jax.jit(lambda: init(KEY, (30, 20)))(), expected)
    raw = jax.random.PRNGKey(42)
    assert np.array_equal(jax.jit(lambda: init(raw, (30, 20)))(), expected)


def test_keys_that_are_split_under_jit_give_the_same_arrays() -> None:
    def two(key: Any) -> Any:
        first, second = jax.random.split(key)
        return wj.normal()(first, (4, 4)), wj.normal()(second, (4, 4))

    for eager, traced in zip(two(KEY), jax.jit(two)(KEY), strict=True):
        assert np.array_equal(eager, traced)


def test_vmap_over_keys_makes_one_array_for_each() -> None:
    keys = jax.random.split(KEY, 3)
    stacked = jax.vmap(lambda key: wj.normal()(key, (4, 5)))(keys)
    assert stacked.shape == (3, 4, 5)
    for key, array in zip(keys, stacked, strict=True):
        assert np.array_equal(array, wj.normal()(key, (4, 5)))
    assert np.array_equal(jax.jit(jax.vmap(lambda key: wj.normal()(key, (4, 5))))(keys), stacked)


def test_scan_over_keys_makes_one_array_for_each() -> None:
    keys = jax.random.split(KEY, 3)
    _, made = jax.lax.scan(lambda carry, key: (carry, wj.normal()(key, (4,))), 0, keys)
    assert np.array_equal(made[2], wj.normal()(keys[2], (4,)))


def test_eval_shape_computes_nothing(spy: Spy) -> None:
    shape = jax.eval_shape(lambda key: wj.he_normal()(key, (1 << 20, 1 << 12)), KEY)
    assert (shape.shape, shape.dtype) == ((1 << 20, 1 << 12), jnp.float32)
    assert spy.tensors == []


def test_a_wrong_argument_is_an_error_where_the_function_is_traced() -> None:
    with pytest.raises(weightinit.InvalidArgument) as caught:
        jax.jit(lambda key: wj.normal(stddev=-1.0)(key, (3, 4))).lower(KEY)
    assert caught.value.violations[0].field == "stddev"
    with pytest.raises(weightinit.InvalidArgument, match=r"^stddev"):
        jax.jit(lambda key, stddev: wj.normal(stddev)(key, (3, 4)))(KEY, 1.0)


# Sharding.


@pytest.mark.parametrize(
    ("spec", "parts", "bytes_of_part"),
    [
        (PartitionSpec("x", "y"), 4, 4 * 3 * 4),
        (PartitionSpec(("x", "y")), 4, 2 * 6 * 4),
        (PartitionSpec(None, "y"), 2, 8 * 3 * 4),
        (PartitionSpec(), 1, 8 * 6 * 4),
    ],
)
def test_each_shard_asks_for_its_slice_once(
    spy: Spy, spec: PartitionSpec, parts: int, bytes_of_part: int
) -> None:
    sharding = NamedSharding(mesh(2, 2), spec)
    array = wj.he_normal()(KEY, (8, 6), out_sharding=sharding)
    assert spy.tensors == [bytes_of_part] * parts
    assert array.sharding == sharding
    assert np.array_equal(array, wj.he_normal()(KEY, (8, 6)))


def test_a_traced_key_may_have_a_sharding() -> None:
    sharding = NamedSharding(mesh(2, 2), PartitionSpec("x", "y"))
    init = wj.he_normal()
    array = jax.jit(lambda key: init(key, (8, 6), out_sharding=sharding))(KEY)
    assert array.sharding == sharding
    assert np.array_equal(array, init(KEY, (8, 6)))
    out = jax.jit(lambda key: init(key, (8, 6)), out_shardings=sharding)(KEY)
    assert np.array_equal(out, array)


@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
def test_a_partition_is_of_the_mesh_that_is_set(kind: str) -> None:
    types = (getattr(jax.sharding.AxisType, kind),)
    devices = jax.make_mesh((4,), ("x",), axis_types=types)
    init = wj.he_normal()
    expected = np.asarray(init(KEY, (8, 6)))
    with jax.set_mesh(devices):
        for sharding in (PartitionSpec("x"), NamedSharding(devices, PartitionSpec("x"))):
            known = init(KEY, (8, 6), out_sharding=sharding)
            traced = jax.jit(lambda key, s=sharding: init(key, (8, 6), out_sharding=s))(KEY)
            for array in (known, traced):
                assert array.sharding.shard_shape(array.shape) == (2, 6)
                assert np.array_equal(array, expected)


def test_each_device_of_a_shard_map_makes_the_arrays_of_its_keys() -> None:
    keys = jax.random.split(KEY, 8)
    init = wj.he_normal()

    def make(keys: Any) -> Any:
        return jax.vmap(lambda key: init(key, (3, 4)))(keys)

    spread = jax.shard_map(
        make, mesh=mesh(4, 1), in_specs=PartitionSpec("x"), out_specs=PartitionSpec("x")
    )
    made = jax.jit(spread)(keys)
    for key, array in zip(keys, made, strict=True):
        assert np.array_equal(array, init(key, (3, 4)))
