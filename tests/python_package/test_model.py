"""Models: the same arrays by each source, the same files as the command line's."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import LENET, TIED

import weightinit


def test_each_source_makes_the_same_model(source: weightinit.Source) -> None:
    arrays = source.model(LENET, seed=3)
    assert list(arrays) == list(source.describe_model(LENET).tensors)
    weight = weightinit.Local().tensor((120, 400), name="fc1.weight", seed=3, activation="tanh")
    expected = weightinit.Local().model(LENET.read_text(), seed=3)
    assert weight.shape == arrays["fc1.weight"].shape
    for name, array in arrays.items():
        assert np.array_equal(array, expected[name]), name


def test_an_alias_is_the_same_array(source: weightinit.Source) -> None:
    arrays = source.model(TIED)
    assert arrays["head.weight"] is arrays["emb.weight"]


def test_selections_are_parts_of_the_tensors(source: weightinit.Source) -> None:
    whole = source.model(LENET)
    selections = {"fc1.*": weightinit.Shard(1, 3), "fc2.weight": np.s_[2:5, 10:]}
    parts = source.model(LENET, only=["fc*"], selections=selections)
    assert np.array_equal(parts["fc1.weight"], whole["fc1.weight"][40:80])
    assert np.array_equal(parts["fc2.weight"], whole["fc2.weight"][2:5, 10:])
    assert np.array_equal(parts["fc3.weight"], whole["fc3.weight"])


def test_out_is_filled(source: weightinit.Source) -> None:
    out = {
        n: np.empty(d.slice_shape, d.dtype) for n, d in source.describe_model(LENET).tensors.items()
    }
    arrays = source.model(LENET, seed=1, out=out)
    assert all(arrays[name] is out[name] for name in out)
    assert np.array_equal(out["fc2.weight"], source.model(LENET, seed=1)["fc2.weight"])


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        ("version: 1\nentries: 3", "manifest"),
        (
            {
                "version": 1,
                "entries": [{"name": "a", "dense": {"in_features": 0, "out_features": 1}}],
            },
            "",
        ),
        ({"version": object()}, "manifest"),
        (3, "manifest"),
    ],
)
def test_a_wrong_manifest_is_named(source: weightinit.Source, manifest: object, field: str) -> None:
    with pytest.raises(weightinit.InvalidArgument) as caught:
        source.model(manifest)  # type: ignore[arg-type]
    assert caught.value.violations[0].field.startswith(field or "manifest.entries[0].dense")


def test_an_array_that_is_missing_is_named(source: weightinit.Source) -> None:
    with pytest.raises(weightinit.InvalidArgument, match=r"out\['.*'\]: is missing"):
        source.model(LENET, out={})


def test_a_manifest_that_is_not_there_is_not_found(source: weightinit.Source) -> None:
    with pytest.raises(weightinit.NotFound, match="nowhere"):
        source.model("nowhere.yaml")


def test_json_needs_no_compiled_part_and_yaml_does(without_core: None, address: str) -> None:
    spec = {
        "version": 1,
        "entries": [{"name": "a", "dense": {"in_features": 2, "out_features": 3}}],
    }
    with weightinit.Client(address) as client:
        assert client.model(spec)["a.weight"].shape == (3, 2)
        with pytest.raises(weightinit.FailedPrecondition, match=r"YAML needs weightinit\._core"):
            client.model(LENET)
        with pytest.raises(weightinit.InvalidArgument, match="manifest"):
            client.model("{")


def test_enums_have_their_names_without_the_compiled_part(
    source: weightinit.Source, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    parameters = {"fan_mode": "out", "distribution": "normal"}
    tensor = {
        "shape": [3, 4],
        "scheme": "variance_scaling",
        "activation": "silu",
        "dtype": "bfloat16",
        "parameters": parameters,
        "fan": {"layout": "in_out"},
    }
    spec = {"version": 1, "entries": [{"name": "a", "tensor": tensor}]}
    expected = source.model(spec)["a"]
    monkeypatch.delattr(weightinit, "_core", raising=False)
    monkeypatch.setitem(sys.modules, "weightinit._core", None)
    with weightinit.Client(address) as client:
        assert np.array_equal(client.model(spec)["a"], expected)
        parameters["fan_mode"] = "sideways"
        with pytest.raises(weightinit.InvalidArgument, match="sideways"):
            client.model(spec)
