"""The activation of a layer, from the modules that are registered behind it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import torch
import torch.nn.functional as F

from weightinit.torch._layers import is_layer
from weightinit.torch._tree import Node

Settings = dict[str, Any]

# By the names of classes, of torch and of transformers.
_ACTIVATIONS = {
    "relu": "ReLU ReLU6",
    "leaky_relu": "LeakyReLU RReLU",
    "prelu": "PReLU",
    "swish": "SiLU SiLUActivation Hardswish",
    "gelu": (
        "GELU GELUActivation NewGELUActivation FastGELUActivation QuickGELUActivation GELUTanh "
        "PytorchGELUTanh AccurateGELUActivation ClippedGELUActivation"
    ),
    "elu": "ELU CELU",
    "mish": "Mish MishActivation",
    "selu": "SELU",
    "sigmoid": "Sigmoid Hardsigmoid LogSigmoid",
    "tanh": "Tanh Hardtanh Softsign Tanhshrink",
    "softmax": "Softmax Softmax2d LogSoftmax Softmin",
    "linear": "GLU Hardshrink Softplus Softshrink Threshold",
}
_NAME_OF = {
    name: activation for activation, names in _ACTIVATIONS.items() for name in names.split()
}
_FUNCTIONS: dict[object, str] = {
    F.relu: "relu",
    torch.relu: "relu",
    F.gelu: "gelu",
    F.silu: "swish",
    F.mish: "mish",
    F.elu: "elu",
    F.selu: "selu",
    F.leaky_relu: "leaky_relu",
    torch.sigmoid: "sigmoid",
    torch.tanh: "tanh",
}
_DEFAULT_SLOPE = {"leaky_relu": 0.01, "prelu": 0.25}


def _slope(module: torch.nn.Module) -> float | None:
    if isinstance(module, torch.nn.LeakyReLU):
        return float(module.negative_slope)
    if isinstance(module, torch.nn.RReLU):
        return (float(module.lower) + float(module.upper)) / 2
    if isinstance(module, torch.nn.PReLU):
        return float(getattr(module, "init", 0.25))
    return None


def settings_of(function: Hashable) -> Settings | None:
    """What a manifest says of an activation, module or function; None: it is none."""
    if not isinstance(function, torch.nn.Module):
        name = _FUNCTIONS.get(function)
        return None if name is None else {"activation": name}
    for base in type(function).__mro__:
        if base.__name__ in _NAME_OF:
            name = _NAME_OF[base.__name__]
            slope = _slope(function)
            if slope is None or slope == _DEFAULT_SLOPE.get(name):
                return {"activation": name}
            return {"activation": name, "parameters": {"negative_slope": slope}}
    return None


def _in_order(node: Node) -> bool:
    """Whether a module calls its children one after the other."""
    return isinstance(node.module, (torch.nn.Sequential, torch.nn.ModuleList))


def _holds_layer(node: Node) -> bool:
    return any(is_layer(inside.module) for inside in node.walk())


def _of_children(node: Node) -> dict[str, Settings]:
    """Of the layers directly in a module whose order of calls is not known."""
    found: dict[str, Settings] = {}
    run: list[Node] = []  # Layers since the last activation.
    children = list(node.children.values())
    for i, child in enumerate(children):
        if is_layer(child.module):
            run.append(child)
            continue
        settings = settings_of(child.module)
        if settings is None:
            continue
        # The activation lies between the layers if none is registered behind it.
        between = len(run) > 1 and not any(_holds_layer(later) for later in children[i:])
        for layer in run:
            found[layer.name] = {} if between and layer is run[-1] else settings
        run = []
    return found


def activations_of(root: Node) -> dict[str, Settings]:
    """By the canonical name of a layer what a manifest says of its activation.

    A layer takes the activation that is registered next behind it, if no other layer comes
    before. In other modules than Sequential and ModuleList that is so for each layer of the
    module that was registered since the activation before; but the last one of several
    layers has none if no layer is behind the activation, which then lies between them.
    """
    found: dict[str, Settings] = {}
    waiting: Node | None = None
    for node in root.walk():
        module = node.module
        if is_layer(module):
            waiting = node
            found[node.name] = {}
            continue
        settings = settings_of(module)
        if settings is not None and waiting is not None:
            found[waiting.name] = settings
            waiting = None
    for node in root.walk():
        module = node.module
        if isinstance(module, (torch.nn.TransformerEncoderLayer, torch.nn.TransformerDecoderLayer)):
            found[node.join("linear1")] = settings_of(module.activation) or {}
            found[node.join("linear2")] = {}
        elif not _in_order(node):
            found.update(_of_children(node))
    return found
