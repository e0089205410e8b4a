"""Weights of PyTorch modules: :func:`init_`, and functions like those of torch.nn.init.

weightinit.torch.init_(model, seed=42)
"""

from weightinit.torch._init import init_
from weightinit.torch._manifest import manifest_of

__all__ = ["init_", "manifest_of"]
