"""weightinit.keras: layers, saving, bad input."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import weightinit
from weightinit.keras import Initializer

# Keras' own.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize(
    ("layer", "input_shape", "arguments"),
    [
        (keras.layers.Dense(8), (None, 16), {}),
        (keras.layers.Conv1D(8, 3), (None, 9, 4), {}),
        (keras.layers.Conv2D(8, 3), (None, 9, 9, 4), {}),
        (keras.layers.Conv2D(8, 3, groups=2), (None, 9, 9, 4), {"groups": 2}),
        (keras.layers.Conv2DTranspose(8, 3), (None, 9, 9, 4), {"transposed": True}),
        (keras.layers.Conv3D(2, 3), (None, 5, 5, 5, 4), {}),
    ],
)
def test_a_layer_has_the_weights_of_pytorchs_order_transposed(
    layer: Any, input_shape: tuple[int, ...], arguments: dict[str, Any]
) -> None:
    layer.kernel_initializer = Initializer(name="w", activation="relu", seed=42, **arguments)
    layer.build(input_shape)
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    rank = kernel.ndim
    other = np.transpose(kernel, (rank - 1, rank - 2, *range(rank - 2)))
    expected = weightinit.tensor(other.shape, activation="relu", seed=42, name="w", **arguments)
    assert np.array_equal(other, expected)


def test_an_embedding_may_have_pytorchs_rows() -> None:
    arguments: dict[str, Any] = {"scheme": "normal", "seed": 1}
    layer = keras.layers.Embedding(
        50, 16, embeddings_initializer=Initializer(name="e", layout="out_in", **arguments)
    )
    layer.build()
    expected = weightinit.tensor((50, 16), name="e", **arguments)
    assert np.array_equal(keras.ops.convert_to_numpy(layer.embeddings), expected)


@pytest.mark.parametrize(
    "arguments",
    [
        {"scheme": "zeros"},
        {"scheme": "ones"},
        {"scheme": "constant", "value": 0.5},
        {"scheme": "uniform", "low": -1, "high": 2.0},
        {"scheme": "normal", "mean": 1.0, "stddev": np.float32(0.5)},
        {"scheme": "truncated_normal", "low": -1.0, "high": 1.0},
        {"scheme": "xavier_uniform", "gain": 2.0},
        {"scheme": "xavier_normal"},
        {"scheme": "he_uniform", "fan_mode": "out"},
        {"scheme": "he_normal", "negative_slope": 0.2},
        {"scheme": "lecun_uniform"},
        {"scheme": "lecun_normal", "fan_in": np.int64(9), "fan_out": 4},
        {"scheme": "variance_scaling", "scale": 3.0, "distribution": "uniform"},
        {"activation": "leaky_relu"},
    ],
)
def test_every_scheme_is_made_again_from_its_configuration(arguments: dict[str, Any]) -> None:
    first = Initializer(name="w", seed=2**64 - 1, **arguments)
    text = keras.saving.serialize_keras_object(first)
    assert text["registered_name"] == "weightinit>Initializer"
    import json

    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(text)))
    assert again.get_config() == first.get_config() == first.clone().get_config()
    expected = weightinit.tensor((6, 4), layout="in_out", name="w", seed=2**64 - 1, **arguments)
    for initializer in (first, again, keras.initializers.get(text)):
        assert np.array_equal(keras.ops.convert_to_numpy(initializer((6, 4))), expected)


def test_a_saved_model_has_its_initializers(tmp_path: Path) -> None:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, kernel_initializer=Initializer(name="fc", seed=1)),
        ]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].kernel_initializer.get_config() == {"name": "fc", "seed": 1}
    fresh = keras.models.clone_model(loaded)
    assert np.array_equal(fresh.get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", None])
def test_a_tensor_has_the_dtype_that_keras_asks_for(dtype: str | None) -> None:
    made = Initializer(name="w", scheme="normal")((3, 4), dtype)
    assert keras.backend.standardize_dtype(made.dtype) == (dtype or "float32")
    expected = weightinit.tensor(
        (3, 4), scheme="normal", layout="in_out", name="w", dtype=dtype or "float32"
    )
    assert np.array_equal(np.asarray(made), expected)


def test_the_backend_torch_gets_the_same_tensors() -> None:
    program = """
import keras, numpy as np, weightinit
from weightinit.keras import Initializer
assert keras.backend.backend() == "torch"
for dtype in ("float32", "bfloat16", "float64"):
    made = Initializer(name="w", scheme="normal", seed=3)((3, 4), dtype)
    wanted = weightinit.tensor(
        (3, 4), scheme="normal", seed=3, name="w", layout="in_out", dtype=dtype)
    assert type(made).__module__ == "torch" and str(made.dtype) == "torch." + dtype
    assert made.double().numpy(force=True).tolist() == wanted.astype(np.float64).tolist()
"""
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=300)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": ""}, "name"),
        ({"scheme": "normal"}, "name"),
        ({"name": 3}, "name"),
        ({"name": "w", "dtype": "float32"}, "dtype"),
        ({"name": "w", "slice": np.s_[0:1]}, "slice"),
        ({"name": "w", "seed": -1}, "seed"),
        ({"name": "w", "seed": keras.random.SeedGenerator(1)}, "seed"),
        ({"name": "w", "scheme": "he"}, "scheme"),
        ({"name": "w", "stdev": 1.0}, "stdev"),
    ],
)
def test_a_wrong_argument_is_named_where_the_initializer_is_made(
    arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(weightinit.InvalidArgument) as caught:
        Initializer(**arguments)
    assert caught.value.violations[0].field == field


def test_what_the_shape_does_not_allow_is_named_when_the_layer_is_built() -> None:
    layer = keras.layers.Dense(3, bias_initializer=Initializer(name="b", scheme="he_normal"))
    with pytest.raises(weightinit.InvalidArgument, match="fan_in"):
        layer.build((None, 4))
