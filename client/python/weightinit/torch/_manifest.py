"""Manifests of modules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from weightinit._errors import InvalidArgument, Violation, invalid_type
from weightinit._rules import Rule, Rules, decides, rules_of
from weightinit.torch._activations import activations_of
from weightinit.torch._layers import Fields, fields_of
from weightinit.torch._memory import DTYPES, dtype_name
from weightinit.torch._tree import Node, tree_of


@dataclass
class Slot:
    """Where a tensor is held: `owner._parameters[own]` or `owner._buffers[own]`."""

    owner: torch.nn.Module
    own: str


@dataclass
class Weights:
    """The parameters and buffers of a module.

    Attributes:
        parameters: By canonical name, the first one of each.
        aliases: Other names of parameters.
        slots: All places of a parameter, by its canonical name.
        buffers: Of normalisations, by canonical name.
        entries: Of the manifest, by canonical name.
        rules: Of the manifest.
    """

    parameters: dict[str, torch.Tensor] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    slots: dict[str, list[Slot]] = field(default_factory=dict)
    buffers: set[str] = field(default_factory=set)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)

    def manifest(self, *, buffers: bool) -> dict[str, Any]:
        """As the JSON of a ModelSpec."""
        entries = [e for n, e in self.entries.items() if buffers or n not in self.buffers]
        made: dict[str, Any] = {"version": 1, "entries": entries}
        if self.rules:
            made["rules"] = self.rules
        return made


class _Builder:
    def __init__(self, rules: Rules | None) -> None:
        self.weights = Weights(rules=rules_of(rules))
        self.violations: list[Violation] = []
        self._given = list(self.weights.rules)
        self._names: dict[int, str] = {}  # By the id of a parameter, its first name.

    def add(self, node: Node, activation: dict[str, Any]) -> None:
        """Adds what a module has of itself."""
        fields = fields_of(node, activation)
        for own, parameter in node.module._parameters.items():
            if parameter is not None:
                self._add_parameter(node, own, parameter, fields)
        for own, buffer in node.module._buffers.items():
            if buffer is not None:
                self._add_buffer(node, own, buffer, fields)

    def _add_parameter(self, node: Node, own: str, parameter: torch.Tensor, fields: Fields) -> None:
        name = node.join(own)
        slot = Slot(node.module, own)
        first = self._names.setdefault(id(parameter), name)
        if first != name:
            self.weights.aliases[name] = first
            self.weights.slots[first].append(slot)
            self.weights.entries[name] = {"name": name, "alias": first}
            return
        self.weights.parameters[name] = parameter
        self.weights.slots[name] = [slot]
        if isinstance(parameter, torch.nn.parameter.UninitializedTensorMixin):
            self._fail(name, "has no shape yet; run the lazy module once before")
            return
        if own == "_flat_param":
            self._fail(
                name,
                "is that of FullyShardedDataParallel in place of others, which are there in "
                "summon_full_params",
            )
            return
        dtype = dtype_name(parameter)
        if dtype is None:
            allowed = ", ".join(DTYPES.values())
            self._fail(name, f"is of {parameter.dtype}, it has to be one of {allowed}")
            return
        known = fields.get(own)
        if known is None and not decides(self._given, name, parameter.dim()):
            self._fail(
                name,
                f"is of a {type(node.module).__qualname__}, which has no rule: give one, for "
                f"example rules={{{name!r}: 'normal'}}",
            )
            return
        self._add_entry(name, parameter, dtype, dict(known or {}))

    def _add_buffer(self, node: Node, own: str, buffer: torch.Tensor, fields: Fields) -> None:
        name = node.join(own)
        dtype = dtype_name(buffer)
        known = fields.get(own)
        if known is not None and dtype is not None:
            self.weights.buffers.add(name)
            self._add_entry(name, buffer, dtype, dict(known))

    def _add_entry(
        self, name: str, tensor: torch.Tensor, dtype: str, fields: dict[str, Any]
    ) -> None:
        shape = list(tensor.shape)
        rank = fields.pop("rank", len(shape))
        if rank != len(shape):
            self._fail(
                name,
                f"has the shape {shape}, it has to have {rank} dimensions; of "
                "FullyShardedDataParallel it has them in summon_full_params",
            )
            return
        made: dict[str, Any] = {"shape": shape, **fields}
        if dtype != "float32":
            made["dtype"] = dtype
        self.weights.entries[name] = {"name": name, "tensor": made}
        for part in fields.get("concatenation", {}).get("parts", ()):
            # A rule for the table does not fill its padding.
            if part["name"].startswith(f"{name}[") and "scheme" in part:
                self.weights.rules.append({"match": part["name"], "scheme": part["scheme"]})

    def _fail(self, name: str, description: str) -> None:
        self.violations.append(Violation(name, description))


def weights_of(module: torch.nn.Module, rules: Rules | None) -> Weights:
    """What a module is made of.

    Raises:
        InvalidArgument: A parameter is of a module of an unknown type that no rule
            matches, or of a dtype that there is not; the violations name each one.
    """
    if not isinstance(module, torch.nn.Module):
        raise invalid_type("module", module, "a torch.nn.Module")
    root = tree_of(module)
    activations = activations_of(root)
    builder = _Builder(rules)
    for node in root.walk():
        builder.add(node, activations.get(node.name, {}))
    if builder.violations:
        text = "; ".join(f"parameter {name} {what}" for name, what in builder.violations)
        raise InvalidArgument(text, builder.violations)
    return builder.weights


def manifest_of(module: torch.nn.Module, *, rules: Rules | None = None) -> dict[str, Any]:
    """The manifest of a module: its parameters, and the buffers of normalisations.

    What :func:`weightinit.model` and :func:`weightinit.save` take; ``json.dumps`` of it is
    the text of a file for ``weightinit model``. Both make the weights of :func:`init_`.

    Args:
        module: Of any device, the meta device too; wrapped or not.
        rules: As of :func:`init_`.

    Raises:
        InvalidArgument: As of :func:`init_`.
    """
    return weights_of(module, rules).manifest(buffers=True)
