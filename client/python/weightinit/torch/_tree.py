"""Modules and parameters by the names that wrapping does not change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

# What torch.compile, FullyShardedDataParallel and checkpoint_wrapper put between.
_WRAPPED = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
# Classes that hold the model as "module".
_WRAPPERS = frozenset(
    {
        "AveragedModel",
        "DataParallel",
        "DeepSpeedEngine",
        "DistributedDataParallel",
        "FullyShardedDataParallel",
    }
)


def class_names(module: torch.nn.Module) -> set[str]:
    """The names of a module's class and of those that it derives from."""
    return {base.__name__ for base in type(module).__mro__}


def _unwrap(module: torch.nn.Module) -> torch.nn.Module:
    """The module that others are wrapped around."""
    while True:
        inner = next((module._modules[n] for n in _WRAPPED if n in module._modules), None)
        if inner is None and "module" in module._modules and class_names(module) & _WRAPPERS:
            inner = module._modules["module"]
        if inner is None:
            return module
        module = inner


@dataclass
class Node:
    """A module in a tree without wrappers.

    Attributes:
        name: Canonical; empty for the root.
        module: The module.
        parent: The node around it, None for the root.
        children: The nodes inside by their own names, as they were registered.
    """

    name: str
    module: torch.nn.Module
    parent: Node | None = field(default=None, repr=False)
    children: dict[str, Node] = field(default_factory=dict)

    def join(self, name: str) -> str:
        """The name of something inside."""
        return f"{self.name}.{name}" if self.name else name

    def walk(self) -> Iterator[Node]:
        """This node and all inside, each before what is inside of it."""
        yield self
        for child in self.children.values():
            yield from child.walk()


def tree_of(module: torch.nn.Module, name: str = "", parent: Node | None = None) -> Node:
    """The tree of a module; a module that is there twice has a node at each place."""
    node = Node(name, _unwrap(module), parent)
    for own, child in node.module._modules.items():
        if child is not None:
            node.children[own] = tree_of(child, node.join(own), node)
    return node
