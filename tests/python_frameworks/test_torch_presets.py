"""preset_rules: modules that start as a preset says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import ROOT, gpt2, made_by_the_command, same_bits
from torch import nn

import weightinit
import weightinit.torch


def test_gpt2_starts_as_the_command_with_the_preset_does(tmp_path: Path) -> None:
    rules = weightinit.torch.preset_rules(gpt2(), "gpt2", {"layers": 2})
    module = weightinit.torch.init_(gpt2(), seed=3, rules=rules)
    manifest = weightinit.torch.manifest_of(gpt2())
    made = weightinit.model(manifest, seed=3, preset="gpt2", constants={"layers": 2})
    state = made_by_the_command(weightinit.torch.manifest_of(gpt2(), rules=rules), tmp_path, 3)
    for name, parameter in module.named_parameters():
        assert same_bits(parameter, torch.from_numpy(made[name])), name
        assert same_bits(parameter, state[name]), name
    projection = module.transformer.h[0].mlp.c_proj.weight
    assert 0.008 < projection.std().item() < 0.012


def test_rules_behind_those_of_a_preset_win() -> None:
    rules = weightinit.torch.preset_rules(gpt2(), "gpt2", {"layers": 2})
    module = weightinit.torch.init_(gpt2(), rules=[*rules, {"match": "*wpe*", "scheme": "zeros"}])
    assert (module.transformer.wpe.weight == 0).all()
    assert (module.transformer.wte.weight != 0).any()


def test_padding_stays_zero() -> None:
    module = nn.ModuleDict({"embed_tokens": nn.Embedding(5, 4, padding_idx=1)})
    rules = weightinit.torch.preset_rules(module, "llama")
    weight = weightinit.torch.init_(module, rules=rules)["embed_tokens"].weight
    assert (weight[1] == 0).all()
    assert (weight[0] != 0).all()


def test_wrapped_modules_and_parameters_of_unknown_types() -> None:
    class Adapter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lora_A = nn.Parameter(torch.full((4, 16), 7.0))
            self.lora_B = nn.Parameter(torch.full((8, 4), 7.0))

    wrapped = nn.DataParallel(Adapter())
    rules = weightinit.torch.preset_rules(wrapped, "lora")
    assert [rule["match"] for rule in rules] == ["*lora_A", "*lora_B"]
    adapter = weightinit.torch.init_(wrapped, seed=1, rules=rules).module
    assert adapter.lora_A.abs().max().item() <= 0.25
    assert (adapter.lora_B == 0).all()


def test_several_presets_and_files() -> None:
    path = str(ROOT / "client" / "presets" / "llama.yaml")
    module = nn.ModuleDict({"attn": nn.ModuleDict({"q_proj": nn.Linear(4, 4)})})
    rules = weightinit.torch.preset_rules(module, ["mup", path], {"width": 4, "base_width": 1})
    assert rules == [
        {"match": "*.q_proj.weight", "scheme": "normal", "parameters": {"stddev": 0.01}},
        {"match": "*.?_proj.weight", "scheme": "normal", "parameters": {"stddev": 0.02}},
        {"match": "*_proj.bias", "scheme": "zeros"},
    ]


@pytest.mark.parametrize(
    ("preset", "message"),
    [("gpt2", r"layers.*is required"), ("t5", r"width.*is required"), ("lora", "matches no")],
)
def test_what_does_not_fit_is_refused(preset: str, message: str) -> None:
    with pytest.raises(weightinit.InvalidArgument, match=message):
        weightinit.torch.preset_rules(nn.Linear(2, 2), preset)
    with pytest.raises(weightinit.InvalidArgument, match="module"):
        weightinit.torch.preset_rules(3, preset)  # type: ignore[arg-type]
