"""Weights of PyTorch modules: :func:`init_`, and functions like those of torch.nn.init.

The functions have the names and arguments of torch.nn.init, and two more: `name`, which is
required where values are drawn, because without names tensors of equal shapes would have
equal values; and `seed`, 0 if it is not given, or the seed of the `generator`, of which
nothing else is used. Tensors are of float32, float64, float16 or bfloat16, on any device,
DTensors too.
"""

from torch.nn.init import calculate_gain

from weightinit._rules import Rules
from weightinit.torch._functions import (
    constant_,
    dirac_,
    eye_,
    kaiming_normal_,
    kaiming_uniform_,
    normal_,
    ones_,
    orthogonal_,
    sparse_,
    trunc_normal_,
    uniform_,
    xavier_normal_,
    xavier_uniform_,
    zeros_,
)
from weightinit.torch._init import init_
from weightinit.torch._manifest import manifest_of
from weightinit.torch._presets import preset_rules

__all__ = [
    "Rules",
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "init_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "manifest_of",
    "normal_",
    "ones_",
    "orthogonal_",
    "preset_rules",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
