"""Activations and fans, from the types and the order of modules."""

from __future__ import annotations

import math

import pytest
from conftest import gpt2, llama
from torch import nn

import weightinit.torch


def activations(module: nn.Module) -> dict[str, str]:
    entries = weightinit.torch.manifest_of(module)["entries"]
    tensors = {e["name"]: e["tensor"] for e in entries if "tensor" in e}
    weights = {n: t for n, t in tensors.items() if n.endswith("weight") and len(t["shape"]) > 1}
    return {n.removesuffix(".weight"): t.get("activation", "") for n, t in weights.items()}


class Parts(nn.Module):
    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


def layer() -> nn.Module:
    return nn.Linear(2, 2)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (
            nn.Sequential(layer(), nn.BatchNorm1d(2), nn.Dropout(), nn.SELU(), layer()),
            {"0": "selu", "4": ""},
        ),
        (nn.Sequential(layer(), layer(), nn.Tanh()), {"0": "", "1": "tanh"}),
        (
            nn.Sequential(nn.Sequential(layer(), nn.BatchNorm1d(2)), nn.Mish()),
            {"0.0": "mish"},
        ),
        (Parts(fc1=layer(), fc2=layer(), act=nn.GELU()), {"fc1": "gelu", "fc2": ""}),
        (
            Parts(conv1=layer(), conv2=layer(), act=nn.ReLU(), fc=layer()),
            {"conv1": "relu", "conv2": "relu", "fc": ""},
        ),
        (Parts(dense=layer(), act=nn.Tanh()), {"dense": "tanh"}),
        (
            nn.TransformerEncoderLayer(2, 1, 2, activation=nn.GELU()),
            {
                "self_attn.in_proj_weight": "",
                "self_attn.out_proj": "",
                "linear1": "gelu",
                "linear2": "",
            },
        ),
    ],
)
def test_the_activation_registered_behind_a_layer_is_its_own(
    module: nn.Module, expected: dict[str, str]
) -> None:
    assert activations(module) == expected


def test_activations_of_transformers() -> None:
    found = activations(gpt2())
    assert found["transformer.h.0.mlp.c_fc"] == "gelu"
    assert {n for n, a in found.items() if a} == {f"transformer.h.{i}.mlp.c_fc" for i in (0, 1)}
    found = activations(llama())
    assert {n.split(".")[-1]: a for n, a in found.items() if a} == {
        "gate_proj": "swish",
        "up_proj": "swish",
    }


def test_the_slope_of_a_leaky_relu_is_that_of_the_module() -> None:
    module = nn.Sequential(nn.Linear(400, 500), nn.LeakyReLU(0.5))
    weightinit.torch.init_(module)
    expected = math.sqrt(2 / 1.25 / 400)
    assert module[0].weight.std().item() == pytest.approx(expected, rel=0.01)


def test_fans_are_those_of_groups_and_transposed_convolutions() -> None:
    module = nn.Sequential(nn.ConvTranspose2d(64, 32, 5, groups=4), nn.ReLU())
    weightinit.torch.init_(module)
    # Each output comes from 64 / 4 channels.
    expected = math.sqrt(2 / (16 * 25))
    assert module[0].weight.std().item() == pytest.approx(expected, rel=0.02)
