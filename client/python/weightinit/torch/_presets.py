"""Rules of presets for modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from weightinit import _messages as messages
from weightinit._catalogue import parameters_of
from weightinit._errors import invalid_type
from weightinit._requests import with_presets
from weightinit.torch._tree import tree_of


def preset_rules(
    module: torch.nn.Module,
    preset: str | Sequence[str],
    constants: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """The rules by which presets start a module, for :func:`init_` and :func:`manifest_of`.

    >>> import torch, weightinit.torch
    >>> module = torch.nn.ModuleDict({"lora_A": torch.nn.Linear(64, 8, bias=False)})
    >>> rules = weightinit.torch.preset_rules(module, "lora_gaussian", {"rank": 8})
    >>> rules
    [{'match': '*lora_A.weight', 'scheme': 'normal', 'parameters': {'stddev': 0.125}}]
    >>> module = weightinit.torch.init_(module, seed=42, rules=rules)

    Args:
        module: Of any device, the meta device too; wrapped or not.
        preset: The name of one of :func:`weightinit.presets`, or the path of a file of one;
            several in order too.
        constants: Of the presets, by name.

    Raises:
        InvalidArgument: There is no such preset, a constant is missing, or no parameter has a
            name that the preset is for.
    """
    if not isinstance(module, torch.nn.Module):
        raise invalid_type("module", module, "a torch.nn.Module")
    model = messages.ModelSpec(version=1)
    seen: set[int] = set()
    for node in tree_of(module).walk():
        for own, parameter in node.module._parameters.items():
            if parameter is not None and id(parameter) not in seen:
                seen.add(id(parameter))
                model.entries.add(name=node.join(own)).tensor.SetInParent()
    rules: list[dict[str, Any]] = []
    for rule in with_presets(model, {"preset": preset, "constants": constants}).rules:
        made: dict[str, Any] = {"match": rule.match}
        if rule.activation:
            made["activation"] = messages.name_of("Activation", rule.activation)
        if rule.scheme:
            made["scheme"] = messages.name_of("Scheme", rule.scheme)
        if parameters := parameters_of(rule.parameters):
            made["parameters"] = parameters
        rules.append(made)
    return rules
