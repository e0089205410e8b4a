"""What a manifest says of the parameters of each type of module."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from torch import nn

from weightinit.torch._tree import Node

# By the own name of a parameter or buffer the fields of a TensorEntry, but for shape and
# dtype; "rank" is the number of its dimensions, where that could be another.
Fields = dict[str, dict[str, Any]]
_ZEROS = {"scheme": "zeros"}
_ONES = {"scheme": "ones"}
# Of transformers; those that add 1 to their weight are others.
_RMS_NORMS = frozenset(
    {
        "LlamaRMSNorm",
        "MistralRMSNorm",
        "MixtralRMSNorm",
        "Phi3RMSNorm",
        "Qwen2RMSNorm",
        "Qwen3RMSNorm",
        "T5LayerNorm",
    }
)

_LAYERS = (
    nn.Linear,
    nn.Bilinear,
    nn.modules.conv._ConvNd,
    nn.MultiheadAttention,
    nn.RNNBase,
    nn.RNNCellBase,
    nn.Embedding,
    nn.EmbeddingBag,
)


def _type_name(module: nn.Module) -> str:
    """The class of transformers that a module is of, or ""."""
    for base in type(module).__mro__:
        if base.__module__.split(".")[0] == "transformers":
            return base.__name__
    return ""


def is_conv1d(module: nn.Module) -> bool:
    """Whether a module is transformers' Conv1D: linear, with weights (inputs, outputs)."""
    return _type_name(module) == "Conv1D"


def is_layer(module: nn.Module) -> bool:
    """Whether a module has weights that an activation may follow."""
    return isinstance(module, _LAYERS) or is_conv1d(module)


def _along(axis: int, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"concatenation": {"axis": axis, "parts": parts}}


def fields_of(node: Node, activation: dict[str, Any]) -> Fields:
    """Of the parameters and buffers that a module has of itself, as far as they are known."""
    if is_conv1d(node.module):
        return _conv1d(node, activation)
    if _type_name(node.module) in _RMS_NORMS:
        return {"weight": _ONES}
    return _fields(node.module, node, activation)


@singledispatch
def _fields(module: nn.Module, node: Node, activation: dict[str, Any]) -> Fields:
    return {}


@_fields.register
def _linear(module: nn.Linear, node: Node, activation: dict[str, Any]) -> Fields:
    return {"weight": {**activation, "rank": 2}, "bias": _ZEROS}


@_fields.register
def _convolution(module: nn.modules.conv._ConvNd, node: Node, activation: dict[str, Any]) -> Fields:
    fan: dict[str, Any] = {}
    if module.groups != 1:
        fan["groups"] = module.groups
    if module.transposed:
        fan["transposed"] = True
    weight = {**activation, "rank": 2 + len(module.kernel_size)}
    if fan:
        weight["fan"] = fan
    return {"weight": weight, "bias": _ZEROS}


def _conv1d(node: Node, activation: dict[str, Any]) -> Fields:
    weight: dict[str, Any] = {**activation, "rank": 2, "fan": {"layout": "in_out"}}
    bias: dict[str, Any] = _ZEROS
    own, shape = node.name.rsplit(".", 1)[-1], node.module.weight.shape
    around = node.parent
    is_attention = around is not None and _type_name(around.module) == "GPT2Attention"
    if around and is_attention and own == "c_attn" and len(shape) == 2:
        inputs, outputs = shape
        # Query, key and value, or the last two, as in client/models/gpt2.yaml.
        names = ["q_proj", "k_proj", "v_proj"][-(outputs // inputs) :]
        parts = [around.join(name) for name in names]
        weight.update(_along(1, [{"name": f"{p}.weight", "size": inputs} for p in parts]))
        bias = _along(0, [{"name": f"{p}.bias", "size": inputs, **_ZEROS} for p in parts])
    return {"weight": weight, "bias": bias}


def padding_parts(node: Node, rows: int, padding: int) -> list[dict[str, Any]]:
    """The rows before the padding, the padding, and the rows behind; named as slices."""
    name = node.join("weight")
    parts = []
    if padding > 0:
        parts.append({"name": f"{name}[:{padding}]", "size": padding})
    parts.append({"name": f"{name}[{padding}]", "size": 1, **_ZEROS})
    if padding + 1 < rows:
        parts.append({"name": f"{name}[{padding + 1}:]", "size": rows - padding - 1})
    return parts


def _embedding(module: nn.Embedding | nn.EmbeddingBag, node: Node) -> Fields:
    weight: dict[str, Any] = {"scheme": "normal", "rank": 2}
    if module.padding_idx is not None:
        rows, width = module.num_embeddings, module.embedding_dim
        parts = padding_parts(node, rows, module.padding_idx)
        for part in parts:
            # Other schemes see the whole table.
            part["fan"] = {"fan_in": width, "fan_out": rows}
        weight.update(_along(0, parts))
    return {"weight": weight}


@_fields.register
def _of_embedding(module: nn.Embedding, node: Node, activation: dict[str, Any]) -> Fields:
    return _embedding(module, node)


@_fields.register
def _of_embedding_bag(module: nn.EmbeddingBag, node: Node, activation: dict[str, Any]) -> Fields:
    return _embedding(module, node)


@_fields.register(nn.LayerNorm)
@_fields.register(nn.GroupNorm)
def _normalization(module: nn.Module, node: Node, activation: dict[str, Any]) -> Fields:
    return {"weight": _ONES, "bias": _ZEROS}


def _rms_norm(module: nn.Module, node: Node, activation: dict[str, Any]) -> Fields:
    return {"weight": _ONES}


if hasattr(nn, "RMSNorm"):
    _fields.register(nn.RMSNorm, _rms_norm)


@_fields.register
def _normalization_with_buffers(
    module: nn.modules.batchnorm._NormBase, node: Node, activation: dict[str, Any]
) -> Fields:
    return {
        "weight": _ONES,
        "bias": _ZEROS,
        "running_mean": {**_ZEROS, "buffer": True},
        "running_var": {**_ONES, "buffer": True},
    }


@_fields.register
def _prelu(module: nn.PReLU, node: Node, activation: dict[str, Any]) -> Fields:
    value = float(getattr(module, "init", 0.25))
    return {"weight": {"scheme": "constant", "parameters": {"value": value}}}


@_fields.register
def _attention(module: nn.MultiheadAttention, node: Node, activation: dict[str, Any]) -> Fields:
    names = [node.join(name) for name in ("q_proj", "k_proj", "v_proj")]
    size = module.embed_dim
    return {
        "in_proj_weight": {
            "rank": 2,
            **_along(0, [{"name": f"{name}.weight", "size": size} for name in names]),
        },
        "in_proj_bias": _along(
            0, [{"name": f"{name}.bias", "size": size, **_ZEROS} for name in names]
        ),
        "q_proj_weight": {"rank": 2},
        "k_proj_weight": {"rank": 2},
        "v_proj_weight": {"rank": 2},
        "bias_k": {"scheme": "xavier_normal"},
        "bias_v": {"scheme": "xavier_normal"},
    }


def _gates(module: nn.Module) -> list[tuple[str, str]]:
    """Names and activations of the gates, in the order in which they lie."""
    if isinstance(module, (nn.LSTM, nn.LSTMCell)):
        return [("i", "sigmoid"), ("f", "sigmoid"), ("g", "tanh"), ("o", "sigmoid")]
    return [("r", "sigmoid"), ("z", "sigmoid"), ("n", "tanh")]


@_fields.register(nn.RNNBase)
@_fields.register(nn.RNNCellBase)
def _recurrent(module: Any, node: Node, activation: dict[str, Any]) -> Fields:
    fields: Fields = {}
    simple = isinstance(module, (nn.RNN, nn.RNNCell))
    for name in module._parameters:
        weight = name.startswith("weight")
        if name.startswith("weight_hr"):
            fields[name] = {"rank": 2}  # The projection of an LSTM.
        elif simple:
            fields[name] = {"activation": module.nonlinearity} if weight else _ZEROS
        else:
            parts = [
                {
                    "name": f"{node.join(name)}.{gate}",
                    "size": module.hidden_size,
                    **({"activation": function} if weight else _ZEROS),
                }
                for gate, function in _gates(module)
            ]
            fields[name] = _along(0, parts)
    return fields
