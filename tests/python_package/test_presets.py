"""Presets: what there are, and models that they start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import ROOT, cli

import weightinit

MODEL = {
    "version": 1,
    "entries": [
        {"name": "h.0.attn.c_attn.weight", "tensor": {"shape": [8, 24]}},
        {"name": "h.0.attn.c_proj.weight", "tensor": {"shape": [8, 8]}},
        {"name": "other", "tensor": {"shape": [2, 2], "scheme": "ones"}},
    ],
}


def test_presets_are_those_of_the_command() -> None:
    found = weightinit.presets()
    listed = json.loads(cli("presets", "--json"))
    assert list(found) == [preset["name"] for preset in listed]
    for preset in listed:
        of_python = found[preset["name"]]
        assert of_python.summary == preset["summary"]
        assert list(of_python.sources) == preset["sources"]
        assert list(of_python.notes) == preset["notes"]
        constants = [(c.name, c.what, c.default) for c in of_python.constants]
        assert constants == [tuple(c.values()) for c in preset["constants"]]


def test_a_preset_starts_a_model(source: weightinit.Source, tmp_path: Path) -> None:
    arguments = {"preset": "gpt2", "constants": {"layers": 2}}
    described = source.describe_model(MODEL, **arguments)
    deviations = {name: tensor.stddev for name, tensor in described.tensors.items()}
    assert deviations == {
        "h.0.attn.c_attn.weight": 0.02,
        "h.0.attn.c_proj.weight": 0.01,
        "other": 0,
    }
    made = source.model(MODEL, seed=3, **arguments)
    assert (made["other"] == 1).all()
    path = tmp_path / "model.json"
    path.write_text(json.dumps(MODEL))
    out = tmp_path / "model.bin"
    cli("model", "init", str(path), "--seed=3", "--preset=gpt2", "--constant=layers=2", f"-o{out}")
    assert out.read_bytes() == b"".join(array.tobytes() for array in made.values())


def test_presets_in_order_and_files(source: weightinit.Source) -> None:
    path = str(ROOT / "client" / "presets" / "gpt2.yaml")
    described = source.describe_model(
        MODEL, preset=["mup", path], constants={"layers": 2, "width": 64, "base_width": 16}
    )
    assert described.tensors["h.0.attn.c_proj.weight"].stddev == 0.01
    described = source.describe_model(
        MODEL, preset=[path, "mup"], constants={"layers": 2, "width": 64, "base_width": 16}
    )
    assert described.tensors["h.0.attn.c_proj.weight"].stddev == 0.01
    assert described.tensors["h.0.attn.c_attn.weight"].stddev == 0.01


def test_constants_of_a_manifest(source: weightinit.Source) -> None:
    tensor = {"shape": [2, 2], "scheme": "normal", "expressions": {"stddev": "2 * sigma"}}
    manifest = {
        "version": 1,
        "constants": {"sigma": 1},
        "entries": [{"name": "x", "tensor": tensor}],
    }
    described = source.describe_model(manifest, constants={"sigma": 3})
    assert described.tensors["x"].stddev == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "gpt3"}, "did you mean gpt2"),
        ({"preset": "gpt2"}, r"constants\[layers\].*is required by the preset gpt2"),
        ({"preset": "t5", "constants": {"width": 1, "head_dim": 1}}, "matches no tensor"),
        ({"preset": 3}, "a str or a sequence"),
        ({"constants": {"layers": 3}}, '"layers" is no constant'),
        ({"constants": 3}, "a mapping from names"),
        ({"preset": "gpt2", "constants": {"layers": "x"}}, "a number"),
        ({"preset": "gpt2", "constants": {"layers": float("nan")}}, "must be finite"),
        ({"preset": "gpt2", "constants": {"layers": 0}}, "not finite"),
    ],
)
def test_bad_arguments(
    source: weightinit.Source, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(weightinit.InvalidArgument, match=message):
        source.describe_model(MODEL, **arguments)  # type: ignore[arg-type]
