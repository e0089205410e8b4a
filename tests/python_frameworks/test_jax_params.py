"""weightinit.jax: trees of parameters, and the layers of Flax."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx
from jax.sharding import NamedSharding, PartitionSpec
from jax_support import KEY, Spy, assert_same_distribution, mesh

import weightinit
import weightinit.jax as wj


class Model(linen.Module):
    """Dense, convolution, embedding, attention, normalisation."""

    kernel_init: Any = linen.linear.default_kernel_init

    @linen.compact
    def __call__(self, tokens: Any) -> Any:
        """Applies them."""
        x = linen.Embed(50, 16)(tokens)
        x = linen.Conv(16, (3,), kernel_init=self.kernel_init)(x)
        x = linen.BatchNorm(use_running_average=True)(x)
        x = linen.MultiHeadDotProductAttention(num_heads=4, kernel_init=self.kernel_init)(x)
        x = linen.LayerNorm()(x)
        return linen.Dense(8, kernel_init=self.kernel_init)(x)


TOKENS = jnp.zeros((2, 5), jnp.int32)
SHAPES = jax.eval_shape(Model().init, KEY, TOKENS)


def names_of(tree: Any) -> list[str]:
    return [entry["name"] for entry in wj.manifest_of(tree)["entries"]]


def test_a_model_of_flax_is_made_by_one_request() -> None:
    source = Spy()
    made = wj.init_params(SHAPES, seed=1, source=source)
    assert jax.tree.structure(made) == jax.tree.structure(SHAPES)
    assert jax.tree.all(
        jax.tree.map(lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype), made, SHAPES)
    )
    assert len(source.models) == 1
    assert source.tensors == []
    assert np.isfinite(Model().apply(made, TOKENS)).all()


def test_parts_of_a_model_have_the_distributions_of_flax() -> None:
    class Large(linen.Module):
        @linen.compact
        def __call__(self, tokens: Any) -> Any:
            x = linen.Embed(900, 256)(tokens)
            x = linen.Conv(192, (3,))(x)
            x = linen.BatchNorm(use_running_average=True)(x)
            x = linen.MultiHeadDotProductAttention(num_heads=4, qkv_features=320)(x)
            return linen.Dense(256)(linen.LayerNorm()(x))

    theirs = Large().init(KEY, TOKENS)
    ours = wj.init_params(theirs, seed=1)
    compared = 0
    for (path, a), b in zip(
        jax.tree_util.tree_leaves_with_path(ours), jax.tree.leaves(theirs), strict=True
    ):
        name = jax.tree_util.keystr(path, simple=True)
        if name.endswith(("kernel", "embedding")):
            assert_same_distribution(a, b)
            compared += 1
        else:
            assert np.array_equal(a, b), name
    assert compared == 7


def test_names_are_paths_with_dots() -> None:
    tree = {"params": {"Dense_0": {"kernel": (2, 3)}, "blocks": [{"bias": (3,)}]}, "bias": (2,)}
    assert names_of(tree) == ["bias", "Dense_0.kernel", "blocks.0.bias"]
    made = wj.init_params({"Dense_0": {"kernel": (2, 3)}}, seed=9)["Dense_0"]["kernel"]
    assert np.array_equal(wj.init_params(tree, seed=9)["params"]["Dense_0"]["kernel"], made)
    expected = weightinit.tensor(
        (2, 3), scheme="variance_scaling", layout="in_out", seed=9, name="Dense_0.kernel"
    )
    assert np.array_equal(made, expected)


def test_a_model_of_nnx_gets_the_weights_of_the_same_tree() -> None:
    class Net(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.fc = nnx.Linear(4, 3, rngs=rngs)

    net = Net(nnx.Rngs(0))
    state = nnx.state(net, nnx.Param)
    assert names_of(state) == ["fc.bias", "fc.kernel"]
    nnx.update(net, wj.init_params(state, seed=3))
    expected = wj.init_params({"fc": {"kernel": (4, 3)}}, seed=3)["fc"]["kernel"]
    assert np.array_equal(net.fc.kernel[...], expected)


def test_a_tensor_is_the_same_in_every_tree() -> None:
    whole = wj.init_params(SHAPES, seed=4)
    part = wj.init_params({"Dense_0": SHAPES["params"]["Dense_0"]}, seed=4)
    assert np.array_equal(part["Dense_0"]["kernel"], whole["params"]["Dense_0"]["kernel"])


def test_rules_activation_and_names_change_what_is_made() -> None:
    tree = {"a": {"kernel": (64, 32), "bias": (32,)}, "b": {"kernel": (64, 32)}}
    rules = {"b.*": {"scheme": "constant", "parameters": {"value": 3}}, "c": "ones"}
    assert wj.manifest_of(tree, rules=rules)["rules"] == [
        {"match": "b.*", "scheme": "constant", "parameters": {"value": 3}},
        {"match": "c", "scheme": "ones"},
    ]
    made = wj.init_params(
        tree, seed=5, activation="relu", rules=rules, rename=lambda n: n.replace("kernel", "weight")
    )
    expected = weightinit.tensor((32, 64), activation="relu", seed=5, name="a.weight")
    assert np.array_equal(made["a"]["kernel"], expected.T)
    assert np.array_equal(made["b"]["kernel"], np.full((64, 32), 3))
    assert np.array_equal(made["a"]["bias"], np.zeros(32))


def test_embeddings_are_those_of_pytorch() -> None:
    made = wj.init_params({"e": {"embedding": (50, 16)}}, seed=1)["e"]["embedding"]
    expected = weightinit.tensor((50, 16), scheme="normal", stddev=0.25, seed=1, name="e.embedding")
    assert np.array_equal(made, expected)


def test_stacked_kernels_have_the_fans_of_one() -> None:
    made = wj.init_params(
        {"layers": {"kernel": (3, 200, 4, 50)}}, dense={"layers.*": (1, 1)}, activation="relu"
    )["layers"]["kernel"]
    assert np.std(made) == pytest.approx(math.sqrt(2 / 200), rel=0.02)


def test_leaves_of_a_tree_keep_their_dtypes_and_devices() -> None:
    device = jax.devices()[2]
    tree = {
        "a": jax.ShapeDtypeStruct((2, 2), jnp.bfloat16),
        "b": jax.device_put(np.zeros((2, 2), np.float16), device),
        "c": (),
    }
    made = wj.init_params(tree, seed=1, rules={"?": "normal"})
    assert (made["a"].dtype, made["b"].dtype) == (jnp.bfloat16, jnp.float16)
    assert made["b"].devices() == {device}
    assert made["c"].shape == ()


@pytest.mark.parametrize(
    "axes", [("x", "y"), ("y", "x"), (("x", "y"),), (None, ("x", "y")), (None, "x", "y")]
)
def test_sharded_leaves_ask_for_slices_and_have_the_same_values(axes: tuple[Any, ...]) -> None:
    whole = wj.init_params(SHAPES, seed=7)
    grid = mesh(2, 2)

    def spread(leaf: Any) -> Any:
        spec = [
            axis if size % 4 == 0 else None for axis, size in zip(axes, leaf.shape, strict=False)
        ]
        sharding = NamedSharding(grid, PartitionSpec(*spec))
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)

    shapes = jax.tree.map(spread, SHAPES)
    source = Spy()
    made = wj.init_params(shapes, seed=7, source=source)
    for ours, plain, wanted in zip(*map(jax.tree.leaves, (made, whole, shapes)), strict=True):
        assert ours.sharding == wanted.sharding
        assert np.array_equal(ours, plain)
    # Nothing is asked for but the different shards.
    different = sum(
        len({str(index) for index in leaf.sharding.devices_indices_map(leaf.shape).values()})
        for leaf in jax.tree.leaves(shapes)
    )
    assert len(source.models) == different


def test_a_sharded_matrix_is_never_made_whole() -> None:
    sharding = NamedSharding(mesh(4, 1), PartitionSpec("x"))
    source = Spy()
    leaf = jax.ShapeDtypeStruct((64, 32), jnp.float32, sharding=sharding)
    wj.init_params({"kernel": leaf, "bias": (3,)}, source=source)
    assert sorted(source.models) == [12, 2048, 2048, 2048, 2048]


@pytest.mark.parametrize(
    ("tree", "arguments", "field"),
    [
        ({"a": jnp.zeros(3, jnp.int32)}, {}, "shapes['a'].dtype"),
        ({"w": (2, 2)}, {}, "shapes['w']"),
        ({"w": (2, 2)}, {"rules": {"w": {"activation": "relu"}, "v": "ones"}}, "shapes['w']"),
        ({"a": "text"}, {}, "shapes['a']"),
        ({"bias": (3, -1)}, {}, "shape[1]"),
        ({"a": {"b": (2,)}, "a.b": (3,)}, {}, "shapes"),
        ({"kernel": (2, 2)}, {"rename": lambda name: 3}, "rename"),
        ({"kernel": (2, 2)}, {"activation": "rleu"}, "activation"),
        ({"kernel": (2, 2)}, {"seed": -1}, "seed"),
        ({"kernel": (2, 2)}, {"dense": {"k*": (0, 2)}}, "dense of 'kernel'[1]"),
        ({"kernel": (2, 2)}, {"dense": {"*": 2}}, "dense of 'kernel'"),
        ({"kernel": (2, 2)}, {"rules": "a"}, "rules"),
        ({"kernel": (2, 2)}, {"rules": {"a": 3}}, "rules['a']"),
        ({"kernel": (2, 2)}, {"rules": ["a"]}, "rules[0]"),
    ],
)
def test_what_is_wrong_with_a_tree_is_named(
    tree: Any, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(weightinit.InvalidArgument) as caught:
        wj.init_params(tree, **arguments)
    assert caught.value.violations[0].field == field


def test_a_wrong_rule_is_named() -> None:
    with pytest.raises(weightinit.InvalidArgument, match="shceme"):
        wj.init_params({"kernel": (2, 2)}, rules=[{"match": "a", "shceme": "zeros"}])


# Flax.


def test_flax_takes_the_initializers() -> None:
    model = Model(kernel_init=wj.he_normal())
    eager = model.init(KEY, TOKENS)
    traced = jax.jit(model.init)(KEY, TOKENS)
    for a, b in zip(jax.tree.leaves(eager), jax.tree.leaves(traced), strict=True):
        assert np.array_equal(a, b)
    kernel = eager["params"]["Dense_0"]["kernel"]
    attention = eager["params"]["MultiHeadDotProductAttention_0"]["query"]["kernel"]
    assert kernel.shape == (16, 8)
    assert attention.shape == (16, 4, 4)
    assert not np.array_equal(attention.reshape(16, 16)[:, :8], kernel)


def test_nnx_takes_the_initializers() -> None:
    layer = nnx.Linear(4, 3, kernel_init=wj.he_normal(), rngs=nnx.Rngs(0))
    other = nnx.Linear(4, 3, kernel_init=wj.he_normal(), rngs=nnx.Rngs(1))
    assert not np.array_equal(layer.kernel[...], other.kernel[...])


def test_scanned_layers_of_flax_differ() -> None:
    class Layer(linen.Module):
        @linen.compact
        def __call__(self, x: Any, _: Any) -> Any:
            return linen.Dense(5, kernel_init=wj.he_normal())(x), None

    scanned = linen.scan(Layer, variable_axes={"params": 0}, split_rngs={"params": True}, length=3)
    kernel = scanned().init(KEY, jnp.ones((2, 5)), None)["params"]["Dense_0"]["kernel"]
    assert kernel.shape == (3, 5, 5)
    assert len({np.asarray(layer).tobytes() for layer in kernel}) == 3
