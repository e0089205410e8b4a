"""orthogonal and delta_orthogonal of weightinit.jax, beside those of JAX."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from jax_support import KEY, Spy, assert_same_distribution, mesh

import weightinit
import weightinit.jax as wj


@pytest.mark.parametrize("name", ["orthogonal", "delta_orthogonal"])
def test_the_arguments_are_those_of_jax(name: str) -> None:
    ours, theirs = (
        [(p.name, p.default) for p in inspect.signature(getattr(module, name)).parameters.values()]
        for module in (wj, jax.nn.initializers)
    )
    assert ours == theirs


def orthonormal(matrix: Any, gain: float) -> bool:
    """Whether the vectors of the shorter side are orthogonal, of the length `gain`."""
    matrix = np.asarray(matrix, np.float64)
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    product = matrix.T @ matrix
    return bool(np.abs(product - gain**2 * np.eye(len(product))).max() < 1e-5 * gain**2)


@pytest.mark.parametrize("column_axis", [-1, 0])
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (6, 4, 3), (3, 2, 4, 20), (5, 2, 2, 3)])
def test_orthogonal_has_the_columns_of_jax(shape: tuple[int, ...], column_axis: int) -> None:
    made = [module.orthogonal(2.0, column_axis)(KEY, shape) for module in (wj, jax.nn.initializers)]
    columns = shape[column_axis]
    for array in made:
        assert array.shape == shape
        assert orthonormal(np.moveaxis(array, column_axis, -1).reshape(-1, columns), 2.0)
    other = -1 - column_axis
    if len(shape) > 2 and shape[0] != shape[-1]:
        for array in made:
            flat = np.moveaxis(array, other, -1).reshape(-1, shape[other])
            assert not orthonormal(flat, 2.0)


def test_the_columns_may_be_counted_from_either_end() -> None:
    last, first = wj.orthogonal()(KEY, (4, 3, 2)), wj.orthogonal(column_axis=0)(KEY, (4, 3, 2))
    assert np.array_equal(wj.orthogonal(column_axis=2)(KEY, (4, 3, 2)), last)
    assert np.array_equal(wj.orthogonal(column_axis=-3)(KEY, (4, 3, 2)), first)
    assert not np.array_equal(first, last)


def test_the_values_are_those_of_the_tensor_of_the_key() -> None:
    for init, arguments in (
        (wj.orthogonal(0.5), {"scheme": "orthogonal", "layout": "in_out"}),
        (wj.orthogonal(0.5, column_axis=0), {"scheme": "orthogonal", "layout": "out_in"}),
        (wj.delta_orthogonal(0.5), {"scheme": "delta_orthogonal", "layout": "in_out"}),
    ):
        expected = weightinit.tensor((3, 4, 6), **arguments, gain=0.5, seed=42, name="jax.key")
        assert np.array_equal(init(KEY, (3, 4, 6)), expected)


def test_orthogonal_has_the_distribution_of_jax() -> None:
    keys = jax.random.split(KEY, 500)
    ours = [wj.orthogonal()(key, (6, 12)) for key in keys]
    theirs = jax.vmap(lambda key: jax.nn.initializers.orthogonal()(key, (6, 12)))(keys)
    assert_same_distribution(np.stack(ours), theirs)


@pytest.mark.parametrize("column_axis", [-1, 0])
@pytest.mark.parametrize("shape", [(3, 4, 6), (1, 3, 5, 5), (3, 1, 5, 3, 5)])
def test_delta_orthogonal_has_its_matrix_where_jax_has_it(
    shape: tuple[int, ...], column_axis: int
) -> None:
    centre = tuple((size - 1) // 2 for size in shape[:-2])
    for module in (wj, jax.nn.initializers):
        array = np.array(module.delta_orthogonal(3.0, column_axis)(KEY, shape))
        assert array.shape == shape
        assert orthonormal(array[centre], 3.0)
        array[centre] = 0
        assert not array.any()


@pytest.mark.parametrize(
    ("init", "shape"),
    [
        (wj.orthogonal(), (8, 6)),
        (wj.orthogonal(column_axis=0), (8, 6)),
        (wj.delta_orthogonal(), (5, 4, 6)),
    ],
)
def test_traced_and_sharded_arrays_are_the_same(
    init: wj.Initializer, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = init(KEY, shape)
    assert np.array_equal(jax.jit(lambda key: init(key, shape))(KEY), expected)
    keys = jax.random.split(KEY, 2)
    stacked = jax.vmap(lambda key: init(key, shape))(keys)
    assert np.array_equal(stacked[1], init(keys[1], shape))

    spy = Spy()
    monkeypatch.setattr(wj, "default_source", lambda: spy)
    sharding = NamedSharding(mesh(2, 2), PartitionSpec(*[None] * (len(shape) - 2), "x", "y"))
    spread = init(KEY, shape, out_sharding=sharding)
    assert spy.tensors == [expected.nbytes // 4] * 4
    assert spread.sharding == sharding
    assert np.array_equal(spread, expected)


@pytest.mark.parametrize("init", [wj.orthogonal, wj.delta_orthogonal])
def test_arrays_have_the_dtype_of_the_call_or_the_initializer(init: Any) -> None:
    for dtype in (jnp.float16, jnp.bfloat16):
        called, default = init()(KEY, (3, 4, 6), dtype), init(dtype=dtype)(KEY, (3, 4, 6))
        assert called.dtype == default.dtype == dtype
        assert np.array_equal(called, default)
