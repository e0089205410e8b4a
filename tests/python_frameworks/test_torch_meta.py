"""Modules on the meta device."""

from __future__ import annotations

import pytest
import torch
import transformers
from conftest import Zoo, assert_same_parameters
from torch import nn

import weightinit
import weightinit.torch


def test_parameters_get_memory_and_stay_tied() -> None:
    with torch.device("meta"):
        module = Zoo()
    weightinit.torch.init_(module, seed=5)
    assert_same_parameters(module, weightinit.torch.init_(Zoo(), seed=5))
    assert module.head.weight is module.embedding.weight


def test_buffers_of_normalisations_are_as_at_the_start() -> None:
    with torch.device("meta"):
        module = nn.Sequential(nn.BatchNorm1d(3), nn.InstanceNorm1d(3, track_running_stats=True))
    weightinit.torch.init_(module)
    expected = nn.Sequential(nn.BatchNorm1d(3), nn.InstanceNorm1d(3, track_running_stats=True))
    for (name, ours), theirs in zip(module.named_buffers(), expected.buffers(), strict=True):
        assert torch.equal(ours, theirs), name


def test_a_buffer_whose_values_are_not_known_is_named_before_anything_is_done() -> None:
    with torch.device("meta"):
        module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        module[1].register_buffer("mask", torch.ones(2))
    with pytest.raises(weightinit.FailedPrecondition, match=r"buffer 1\.mask .*to_empty"):
        weightinit.torch.init_(module)
    assert module[0].weight.is_meta
    module.to_empty(device="cpu")
    module[1].mask.fill_(1)
    weightinit.torch.init_(module)
    assert torch.equal(module[1].mask, torch.ones(2))


def test_parameters_alone_on_the_meta_device_leave_other_buffers_alone() -> None:
    config = transformers.GPT2Config(n_layer=1, n_embd=8, n_head=2, vocab_size=11, n_positions=5)
    module = transformers.GPT2LMHeadModel(config)
    expected = weightinit.torch.init_(transformers.GPT2LMHeadModel(config))
    for part in module.modules():
        for name, parameter in list(part._parameters.items()):
            if parameter is not None:
                part._parameters[name] = nn.Parameter(parameter.to("meta"), requires_grad=False)
    module.lm_head.weight = module.transformer.wte.weight
    weightinit.torch.init_(module)
    assert_same_parameters(module, expected)
    assert not any(parameter.requires_grad for parameter in module.parameters())
    tokens = torch.arange(4)[None]
    assert torch.equal(module.eval()(tokens).logits, expected.eval()(tokens).logits)


def test_a_manifest_needs_no_memory() -> None:
    with torch.device("meta"):
        module = nn.Linear(1 << 20, 1 << 20)
    description = weightinit.describe_model(weightinit.torch.manifest_of(module))
    assert description.tensors["weight"].shape == (1 << 20, 1 << 20)
    assert module.weight.is_meta
