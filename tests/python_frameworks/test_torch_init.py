"""weightinit.torch.init_: the weights of modules by their names."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import (
    BINARIES,
    ROOT,
    Zoo,
    assert_same_parameters,
    bert,
    cli,
    gpt2,
    llama,
    made_by_the_command,
    same_bits,
)
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import (
    checkpoint_wrapper,
)

import weightinit
import weightinit.torch


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


@pytest.mark.parametrize("make", [Zoo, mlp, gpt2, llama, bert])
def test_the_command_makes_the_same_parameters_from_the_manifest(
    make: Callable[[], nn.Module], tmp_path: Path
) -> None:
    module = weightinit.torch.init_(make(), seed=7)
    state = made_by_the_command(weightinit.torch.manifest_of(module), tmp_path, 7)
    names = set()
    for name, parameter in module.named_parameters(remove_duplicate=False):
        assert same_bits(parameter, state[name]), name
        names.add(name)
    buffers = {name for name in state if name not in names}
    assert buffers <= {name for name, _ in module.named_buffers()}
    assert module.load_state_dict(state, strict=False).unexpected_keys == []


def test_every_dtype_is_that_of_the_tensor_of_the_name(zoo: Zoo) -> None:
    weightinit.torch.init_(zoo, seed=1)
    for i, dtype in enumerate(("float64", "float16", "bfloat16")):
        alone = weightinit.tensor((5, 7), name=f"dtypes.{i}.weight", dtype=dtype, seed=1)
        found = zoo.dtypes[i].weight.detach().double().numpy()
        assert (found == alone.astype("float64")).all()
        assert found.std() > 0


def test_gpt2_with_the_rules_of_the_paper_is_the_manifest_of_gpt2(tmp_path: Path) -> None:
    text = (ROOT / "client" / "models" / "gpt2.yaml").read_text()
    for large, small in (
        ("50257", "23"),
        ("embedding_dim: 768", "embedding_dim: 16"),
        ("1024", "7"),
        ("[768]", "[16]"),
        ("embed_dim: 768", "embed_dim: 16"),
        ("num_heads: 12", "num_heads: 2"),
        ("features: 768", "features: 16"),
        ("3072", "64"),
        ("count: 12", "count: 2"),
        ("layers: 12", "layers: 2"),
    ):
        assert large in text
        text = text.replace(large, small)
    path = tmp_path / "small.yaml"
    path.write_text(text)
    state = made_by_the_command(path, tmp_path, 3)
    rules = {
        "*.w?e.weight": {"scheme": "normal", "parameters": {"stddev": 0.02}},
        "*.c_*.weight": {"scheme": "normal", "parameters": {"stddev": 0.02}},
        "*.c_proj.weight": {"expressions": {"stddev": "0.02 / sqrt(4)"}},
    }
    module = weightinit.torch.init_(gpt2(), seed=3, rules=rules)
    for name, parameter in module.named_parameters(remove_duplicate=False):
        assert same_bits(parameter, state[name]), name


def test_layers_of_a_manifest_have_the_weights_of_the_modules(tmp_path: Path) -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(6, 4, num_layers=2, bidirectional=True)
            self.gru = nn.GRU(6, 4)
            self.conv = nn.ConvTranspose1d(6, 4, 3, groups=2)
            self.attention = nn.MultiheadAttention(8, 2)

    manifest = {
        "version": 1,
        "entries": [
            {
                "name": "lstm",
                "lstm": {"input_size": 6, "hidden_size": 4, "num_layers": 2, "bidirectional": True},
            },
            {"name": "gru", "gru": {"input_size": 6, "hidden_size": 4}},
            {
                "name": "conv",
                "conv": {
                    "in_channels": 6,
                    "out_channels": 4,
                    "kernel_size": [3],
                    "groups": 2,
                    "transposed": True,
                },
            },
            {
                "name": "attention",
                "attention": {
                    "embed_dim": 8,
                    "num_heads": 2,
                    "fused_weight_name": "in_proj_weight",
                    "fused_bias_name": "in_proj_bias",
                    "output_name": "out_proj",
                },
            },
        ],
    }
    state = made_by_the_command(manifest, tmp_path, 2)
    module = weightinit.torch.init_(Recurrent(), seed=2)
    assert {name for name, _ in module.named_parameters()} == set(state)
    for name, parameter in module.named_parameters():
        assert same_bits(parameter, state[name]), name


@pytest.mark.parametrize(
    "wrap",
    [
        torch.compile,
        nn.DataParallel,
        checkpoint_wrapper,
        lambda module: torch.compile(nn.DataParallel(checkpoint_wrapper(module))),
        torch.optim.swa_utils.AveragedModel,
    ],
    ids=["compile", "DataParallel", "checkpoint", "all", "AveragedModel"],
)
def test_wrapping_changes_no_weight(wrap: Callable[[nn.Module], nn.Module]) -> None:
    plain = weightinit.torch.init_(mlp(), seed=4)
    wrapped = wrap(mlp())
    assert weightinit.torch.init_(wrapped, seed=4) is wrapped
    assert_same_parameters(wrapped, plain)
    assert weightinit.torch.manifest_of(wrapped) == weightinit.torch.manifest_of(plain)


def test_wrapped_parts_keep_their_names() -> None:
    module = mlp()
    module[0] = checkpoint_wrapper(module[0])
    module[2] = torch.compile(module[2])
    weightinit.torch.init_(module, seed=4)
    assert_same_parameters(module, weightinit.torch.init_(mlp(), seed=4))


def test_a_child_that_is_called_module_keeps_its_name() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = nn.Linear(2, 2)

    entries = weightinit.torch.manifest_of(Residual())["entries"]
    assert [entry["name"] for entry in entries] == ["module.weight", "module.bias"]


def test_a_tied_parameter_goes_by_its_first_name() -> None:
    module = weightinit.torch.init_(gpt2(), seed=1)
    assert module.lm_head.weight is module.transformer.wte.weight
    entries = {e["name"]: e for e in weightinit.torch.manifest_of(module)["entries"]}
    assert entries["lm_head.weight"]["alias"] == "transformer.wte.weight"
    assert module.lm_head.weight.std().item() == pytest.approx(1, abs=0.2)


def test_parameters_keep_their_memory_and_requires_grad() -> None:
    module = mlp()
    module[0].weight.requires_grad_(False)
    before = {name: (p.data_ptr(), p.requires_grad) for name, p in module.named_parameters()}
    weightinit.torch.init_(module)
    after = {name: (p.data_ptr(), p.requires_grad) for name, p in module.named_parameters()}
    assert after == before


def test_memory_can_be_resized_as_before() -> None:
    module = weightinit.torch.init_(nn.Linear(3, 3))
    module.weight.untyped_storage().resize_(0)
    assert module.weight.untyped_storage().size() == 0


def test_autograd_sees_that_a_parameter_has_changed() -> None:
    module = nn.Linear(3, 3)
    result = (module.weight * module.weight).sum()
    weightinit.torch.init_(module)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.backward()


def test_memory_that_is_not_contiguous_gets_the_same_values() -> None:
    module, strided = nn.Linear(6, 8), nn.Linear(6, 8)
    strided.weight = nn.Parameter(torch.zeros(6, 8).t())
    assert not strided.weight.is_contiguous()
    weightinit.torch.init_(module, seed=9)
    weightinit.torch.init_(strided, seed=9)
    assert torch.equal(module.weight, strided.weight)
    images = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    weightinit.torch.init_(images, seed=9)
    assert torch.equal(images.weight, weightinit.torch.init_(nn.Conv2d(3, 4, 3), seed=9).weight)


def test_a_scalar_is_filled_too() -> None:
    module = nn.ParameterDict({"scale": nn.Parameter(torch.tensor(0.0, dtype=torch.bfloat16))})
    weightinit.torch.init_(module, rules={"scale": "ones"})
    assert module["scale"].item() == 1


def test_another_seed_gives_other_weights_and_names_of_seeds_are_asked_for() -> None:
    first, second = (weightinit.torch.init_(nn.Linear(6, 8), seed=seed) for seed in (1, 2))
    assert not torch.equal(first.weight, second.weight)
    with pytest.raises(weightinit.FailedPrecondition, match="root seed"):
        weightinit.torch.init_(nn.Linear(6, 8), seed_name="experiment")


def test_a_server_makes_the_same_weights(zoo: Zoo) -> None:
    other = copy.deepcopy(zoo)
    weightinit.torch.init_(zoo, seed=6)
    server = weightinit.testing.server(BINARIES / "weightinit-server")
    with server as address, weightinit.Client(address) as client:
        weightinit.torch.init_(other, seed=6, source=client)
    assert_same_parameters(other, zoo)


def test_the_padding_is_zero_whatever_the_rules(zoo: Zoo) -> None:
    rules = {"*": {"scheme": "normal", "parameters": {"stddev": 3}}}
    for given in (None, rules):
        weightinit.torch.init_(zoo, rules=given)
        rows = zoo.embedding.weight.detach().abs().amax(1)
        assert rows[3] == 0
        assert rows[:3].min() > 0
        assert rows[4:].min() > 0
    assert zoo.layer.norm1.bias.std() > 1


def test_the_text_of_a_manifest_is_planned_by_the_command(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "zoo.json"
    path.write_text(json.dumps(weightinit.torch.manifest_of(zoo)))
    planned = json.loads(cli("model", "plan", path, "--json"))
    assert planned["parameters"] == sum(p.numel() for p in zoo.parameters())
    buffers = {t["name"] for t in planned["tensors"] if t.get("buffer")}
    assert buffers == {"features.1.running_mean", "features.1.running_var"}
