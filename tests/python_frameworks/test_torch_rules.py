"""Rules, and what init_ refuses."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import weightinit
import weightinit.torch


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def test_rules_take_effect_in_order() -> None:
    module = weightinit.torch.init_(
        mlp(), rules={"*": "ones", "0.*": {"scheme": "constant", "parameters": {"value": 0.5}}}
    )
    assert {p.unique().item() for p in module[0].parameters()} == {0.5}
    assert {p.unique().item() for p in module[2].parameters()} == {1.0}
    listed = [{"match": "*", "scheme": "ones"}, {"match": "?.bias", "scheme": "zeros"}]
    weightinit.torch.init_(module, rules=listed)
    assert module[0].weight.unique().item() == 1
    assert module[0].bias.unique().item() == 0


class Unknown(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.scale = nn.Parameter(torch.full((2,), 7.0))
        self.table = nn.Parameter(torch.full((4, 3), 7.0))


def test_a_parameter_of_an_unknown_type_needs_a_rule() -> None:
    module = Unknown()
    with pytest.raises(weightinit.InvalidArgument, match="Unknown, which has no rule") as info:
        weightinit.torch.init_(module)
    assert [v.field for v in info.value.violations] == ["scale", "table"]
    assert module.scale.unique().item() == 7
    assert module.table.unique().item() == 7
    with pytest.raises(weightinit.InvalidArgument, match="table"):
        weightinit.torch.init_(module, rules={"scale": "ones"})
    # An activation says enough of a matrix, and nothing of a vector.
    with pytest.raises(weightinit.InvalidArgument) as info:
        weightinit.torch.init_(module, rules={"*": {"activation": "relu"}})
    assert [v.field for v in info.value.violations] == ["scale"]
    rules = {"scale": "ones", "table": {"activation": "relu"}}
    weightinit.torch.init_(module, rules=rules)
    assert module.scale.unique().item() == 1
    assert module.table.unique().numel() == 12


def test_a_further_parameter_of_a_known_type_needs_a_rule() -> None:
    class Scaled(nn.Linear):
        def __init__(self) -> None:
            super().__init__(2, 2)
            self.scale = nn.Parameter(torch.ones(2))

    with pytest.raises(weightinit.InvalidArgument, match=r"parameter 0\.scale is of a .*Scaled"):
        weightinit.torch.init_(nn.Sequential(Scaled()))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.LazyLinear(3), "weight has no shape yet"),
        (nn.ParameterList([nn.Parameter(torch.zeros(2, dtype=torch.complex64))]), "complex64"),
        ("text", "module: is of type str"),
    ],
    ids=["lazy", "complex", "text"],
)
def test_what_cannot_be_initialised_is_named(module: nn.Module, message: str) -> None:
    with pytest.raises(weightinit.InvalidArgument, match=message):
        weightinit.torch.init_(module)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("normal", "rules: is of type str"),
        ({"*": 3}, r"rules\['\*'\]: is of type int"),
        ([3], r"rules\[0\]: is of type int"),
        ([{"scheme": "ones"}], r"rules\[0\].match"),
        ({"*": {"dtype": "float16"}}, r"rules\[0\].dtype"),
        ({"*": "normale"}, "normale"),
    ],
)
def test_bad_rules_are_named(rules: object, message: str) -> None:
    with pytest.raises(weightinit.InvalidArgument, match=message):
        weightinit.torch.init_(mlp(), rules=rules)  # type: ignore[arg-type]
