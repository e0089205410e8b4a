"""Layers filled as PyTorch, Keras and Flax fill theirs: bounds and deviations of real ones."""

from __future__ import annotations

import math
import os

os.environ["KERAS_BACKEND"] = "jax"

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import torch
from flax import linen
from jax_support import KEY  # Sets how many devices there are, before a layer is made.
from torch import nn

import weightinit

Tensors = dict[str, weightinit.Description]
Array = npt.NDArray[np.float64]


def described(framework: str, layer: dict[str, Any], layout: str = "out_in") -> Tensors:
    """The tensors of a layer by their names."""
    manifest = {
        "version": 1,
        "framework_defaults": framework,
        "defaults": {"layout": layout},
        "entries": [{"name": "x", **layer}],
    }
    entries = weightinit.describe_model(manifest).entries
    return {
        entry.name.removeprefix("x."): entry.description
        for entry in entries
        if entry.description is not None
    }


def values(array: Any) -> Array:
    return np.asarray(array.detach() if isinstance(array, torch.Tensor) else array, np.float64)


def assert_fills(ours: weightinit.Description, theirs: Array) -> None:
    """That values of the framework have the deviation and the bounds that are described."""
    if ours.stddev == 0:
        assert np.all(theirs == ours.mean)
        return
    # Of a normal or uniform distribution the relative error of stddev is below 1 / sqrt(2 n).
    error = 5 / math.sqrt(2 * theirs.size)
    assert theirs.std() == pytest.approx(ours.stddev, rel=error)
    assert theirs.mean() == pytest.approx(ours.mean, abs=5 * ours.stddev / math.sqrt(theirs.size))
    largest = np.abs(theirs).max()
    if ours.scheme == "orthogonal" or ours.high is None:
        return
    assert largest <= ours.high * (1 + 1e-6)
    if ours.distribution == "uniform":
        # That n numbers are all below 1 - 12 / n has the probability exp(-12).
        assert largest > (1 - 12 / theirs.size) * ours.high


CONV = {"in_channels": 32, "out_channels": 64, "kernel_size": [3, 5]}
DENSE = {"dense": {"in_features": 300, "out_features": 500}}
EMBEDDING = {"embedding": {"num_embeddings": 500, "embedding_dim": 100}}
LSTM = {"lstm": {"input_size": 40, "hidden_size": 60}}
GRU = {"gru": {"input_size": 40, "hidden_size": 60}}
HEADS = {"embed_dim": 96, "num_heads": 4}


@pytest.fixture(autouse=True)
def _seeds() -> None:
    torch.manual_seed(1)
    keras.utils.set_random_seed(1)


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        (DENSE, lambda: nn.Linear(300, 500)),
        ({"conv": CONV}, lambda: nn.Conv2d(32, 64, (3, 5))),
        ({"conv": {**CONV, "groups": 4}}, lambda: nn.Conv2d(32, 64, (3, 5), groups=4)),
        ({"conv": {**CONV, "transposed": True}}, lambda: nn.ConvTranspose2d(32, 64, (3, 5))),
        (EMBEDDING, lambda: nn.Embedding(500, 100)),
        (LSTM, lambda: nn.LSTM(40, 60)),
        (GRU, lambda: nn.GRU(40, 60)),
        ({"layer_norm": {"normalized_shape": [9]}}, lambda: nn.LayerNorm(9)),
        ({"batch_norm": {"num_features": 9}}, lambda: nn.BatchNorm1d(9)),
    ],
)
def test_layers_are_filled_as_pytorch_does(
    layer: dict[str, Any], module: Callable[[], nn.Module]
) -> None:
    ours = described("pytorch", layer)
    theirs = {k: v for k, v in module().state_dict().items() if k != "num_batches_tracked"}
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert ours[name].shape == tuple(tensor.shape)
        assert_fills(ours[name], values(tensor))


def test_attention_of_one_weight_is_pytorchs() -> None:
    names = {"fused_weight_name": "in_proj_weight", "fused_bias_name": "in_proj_bias"}
    ours = described("pytorch", {"attention": {**HEADS, **names, "output_name": "out_proj"}})
    theirs = nn.MultiheadAttention(96, 4).state_dict()
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert_fills(ours[name], values(tensor))


def keras_weights(layer: Any, shape: tuple[int | None, ...]) -> dict[str, Array]:
    layer.build(shape)
    return {w.path.rpartition("/")[2]: values(w.numpy()) for w in layer.weights}


@pytest.mark.parametrize(
    ("layer", "module", "shape", "names"),
    [
        (DENSE, lambda: keras.layers.Dense(500), (None, 300), {"kernel": "weight", "bias": "bias"}),
        (
            {"conv": CONV},
            lambda: keras.layers.Conv2D(64, (3, 5)),
            (None, 9, 9, 32),
            {"kernel": "weight", "bias": "bias"},
        ),
        (
            {"conv": {**CONV, "groups": 4}},
            lambda: keras.layers.Conv2D(64, (3, 5), groups=4),
            (None, 9, 9, 32),
            {"kernel": "weight"},
        ),
        (
            {"conv": {**CONV, "transposed": True}},
            lambda: keras.layers.Conv2DTranspose(64, (3, 5)),
            (None, 9, 9, 32),
            {"kernel": "weight"},
        ),
        (EMBEDDING, lambda: keras.layers.Embedding(500, 100), (None, 3), {"embeddings": "weight"}),
        (
            {"batch_norm": {"num_features": 9}},
            lambda: keras.layers.BatchNormalization(),
            (None, 9),
            {
                "gamma": "weight",
                "beta": "bias",
                "moving_mean": "running_mean",
                "moving_variance": "running_var",
            },
        ),
        (
            {"layer_norm": {"normalized_shape": [9]}},
            lambda: keras.layers.LayerNormalization(),
            (None, 9),
            {"gamma": "weight", "beta": "bias"},
        ),
    ],
)
def test_layers_are_filled_as_keras_does(
    layer: dict[str, Any], module: Any, shape: tuple[int | None, ...], names: dict[str, str]
) -> None:
    ours = described("keras", layer, layout="in_out")
    theirs = keras_weights(module(), shape)
    for name, ours_name in names.items():
        assert ours[ours_name].shape == theirs[name].shape
        assert_fills(ours[ours_name], theirs[name])


@pytest.mark.parametrize(
    ("layer", "module"),
    [(LSTM, lambda: keras.layers.LSTM(60)), (GRU, lambda: keras.layers.GRU(60))],
)
def test_recurrent_layers_are_filled_as_keras_does(layer: dict[str, Any], module: Any) -> None:
    ours = described("keras", layer, layout="in_out")
    made = module()
    made.build((None, 3, 40))
    kernel, recurrent, bias = (values(w.numpy()) for w in made.weights)
    assert_fills(ours["weight_ih_l0"], kernel)
    assert ours["weight_hh_l0"].scheme == "orthogonal"
    assert ours["weight_hh_l0"].shape == recurrent.shape
    assert_fills(ours["weight_hh_l0"], recurrent)
    parts = [part.mean for part in ours["bias_ih_l0"].parts]
    assert sum(parts) * 60 == bias.sum()
    assert ours["bias_hh_l0"].stddev == 0


def test_the_recurrent_kernel_of_keras_is_orthogonal_as_a_whole() -> None:
    manifest = {"version": 1, "framework_defaults": "keras", "entries": [{"name": "x", **LSTM}]}
    kernel = weightinit.model(manifest, seed=1)["x.weight_hh_l0"].astype(np.float64)
    np.testing.assert_allclose(kernel.T @ kernel, np.eye(60), atol=1e-6)


def test_attention_is_filled_as_keras_does() -> None:
    ours = described("keras", {"attention": {**HEADS, "head_dim": 12}}, layout="in_out")
    layer = keras.layers.MultiHeadAttention(num_heads=4, key_dim=12)
    layer.build((None, 5, 96), (None, 5, 96))
    theirs = [values(w.numpy()) for w in layer.weights if w.name == "kernel"]
    for name, kernel in zip(("q_proj", "k_proj", "v_proj", "o_proj"), theirs, strict=True):
        assert_fills(ours[f"{name}.weight"], kernel)
        assert ours[f"{name}.bias"].stddev == 0


def flax_params(module: Any, *shape: int) -> dict[str, Any]:
    params: dict[str, Any] = module.init(KEY, np.zeros(shape, np.float32))["params"]
    return params


@pytest.mark.parametrize(
    ("layer", "module", "shape", "names"),
    [
        (DENSE, linen.Dense(500), (1, 300), {"kernel": "weight", "bias": "bias"}),
        ({"conv": CONV}, linen.Conv(64, (3, 5)), (1, 9, 9, 32), {"kernel": "weight"}),
        (
            {"conv": {**CONV, "groups": 4}},
            linen.Conv(64, (3, 5), feature_group_count=4),
            (1, 9, 9, 32),
            {"kernel": "weight"},
        ),
        (
            {"layer_norm": {"normalized_shape": [9]}},
            linen.LayerNorm(),
            (1, 9),
            {"scale": "weight", "bias": "bias"},
        ),
    ],
)
def test_layers_are_filled_as_flax_does(
    layer: dict[str, Any], module: Any, shape: tuple[int, ...], names: dict[str, str]
) -> None:
    ours = described("flax", layer, layout="in_out")
    theirs = flax_params(module, *shape)
    for name, ours_name in names.items():
        kernel = values(theirs[name])
        assert ours[ours_name].shape == kernel.shape
        assert_fills(ours[ours_name], kernel)


def test_a_transposed_convolution_is_filled_as_flax_does() -> None:
    ours = described("flax", {"conv": {**CONV, "transposed": True}}, layout="in_out")
    theirs = flax_params(linen.ConvTranspose(64, (3, 5)), 1, 9, 9, 32)
    assert_fills(ours["weight"], values(theirs["kernel"]))


def test_an_embedding_is_filled_as_flax_does() -> None:
    params = linen.Embed(500, 100).init(KEY, np.zeros((1,), np.int32))["params"]
    assert_fills(described("flax", EMBEDDING)["weight"], values(params["embedding"]))


def test_attention_is_filled_as_flax_does() -> None:
    ours = described("flax", {"attention": HEADS})
    module = linen.MultiHeadDotProductAttention(num_heads=4)
    theirs = flax_params(module, 1, 5, 96)
    for name, layer in (
        ("q_proj", "query"),
        ("k_proj", "key"),
        ("v_proj", "value"),
        ("o_proj", "out"),
    ):
        assert_fills(ours[f"{name}.weight"], values(theirs[layer]["kernel"]))


@pytest.mark.parametrize(("layer", "cell"), [(LSTM, linen.LSTMCell(60)), (GRU, linen.GRUCell(60))])
def test_cells_are_filled_as_flax_does(layer: dict[str, Any], cell: Any) -> None:
    ours = described("flax", layer)
    carry = cell.initialize_carry(KEY, (1, 40))
    params = cell.init(KEY, carry, np.zeros((1, 40), np.float32))["params"]
    for name, dense in params.items():
        kernel = values(dense["kernel"])
        recurrent = name.startswith("h")
        part = ours["weight_hh_l0" if recurrent else "weight_ih_l0"].parts[0]
        assert_fills(part, kernel)
        if recurrent:
            assert part.scheme == "orthogonal"
            np.testing.assert_allclose(kernel @ kernel.T, np.eye(60), atol=1e-5)


def test_a_default_with_a_scheme_and_rules_come_first() -> None:
    manifest = {
        "version": 1,
        "framework_defaults": "pytorch",
        "defaults": {"scheme": "he_normal"},
        "entries": [{"name": "x", **DENSE}],
        "rules": [{"match": "*.bias", "scheme": "zeros"}],
    }
    weight, bias = weightinit.describe_model(manifest).entries
    assert weight.description is not None
    assert bias.description is not None
    assert (weight.description.scheme, bias.description.scheme) == ("he_normal", "zeros")
