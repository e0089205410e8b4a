"""init_: the weights of a module."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch.nn.modules.batchnorm import _NormBase

from weightinit._default import default_source
from weightinit._errors import FailedPrecondition, invalid_type
from weightinit._rules import Rules
from weightinit._source import Source
from weightinit.torch._manifest import Weights, weights_of
from weightinit.torch._memory import is_dtensor, target_of

_Module = TypeVar("_Module", bound=torch.nn.Module)


def _check_buffers(module: torch.nn.Module) -> None:
    """Refuses buffers that would have to be given values which nobody knows."""
    for prefix, part in module.named_modules():
        if isinstance(part, _NormBase):
            continue
        for name, buffer in part.named_buffers(prefix, recurse=False):
            if buffer.is_meta:
                raise FailedPrecondition(
                    f"module: the buffer {name} is on the meta device, and what its values are "
                    "only the module knows; call module.to_empty(device=...), fill the buffers, "
                    "and then init_"
                )


def _empty_like(tensor: torch.Tensor, device: torch.device | str | None) -> torch.Tensor:
    if device is None:
        device = tensor.device_mesh.device_type if is_dtensor(tensor) else "cpu"
    return torch.empty_like(tensor, device=device)


def _materialize(
    module: torch.nn.Module, weights: Weights, device: torch.device | str | None
) -> None:
    """Gives memory to what is on the meta device; tied parameters stay tied."""
    _check_buffers(module)
    for name, parameter in weights.parameters.items():
        if parameter.is_meta:
            made = torch.nn.Parameter(_empty_like(parameter, device), parameter.requires_grad)
            weights.parameters[name] = made
            for slot in weights.slots[name]:
                slot.owner._parameters[slot.own] = made
    for part in module.modules():
        buffers = part._buffers
        if any(buffer is not None and buffer.is_meta for buffer in buffers.values()):
            for own, buffer in buffers.items():
                buffers[own] = None if buffer is None else _empty_like(buffer, device)
            part.reset_running_stats()


def init_(
    module: _Module,
    *,
    seed: int = 0,
    seed_name: str | None = None,
    rules: Rules | None = None,
    source: Source | None = None,
    device: torch.device | str | None = None,
    progress: bool = False,
) -> _Module:
    """Initialises all parameters of a module in place.

    Each parameter is the tensor of its name without what wrapping adds (DataParallel,
    DistributedDataParallel, FullyShardedDataParallel, torch.compile, checkpoint_wrapper);
    a tied one by its first name in `named_parameters`. So the weights depend on seed, names,
    shapes, dtypes and rules, and not on devices, wrapping or the number of processes; of a
    DTensor, as fully_shard and parallelize_module make them, each process makes the part
    that it holds.

    Schemes and fans follow from the types of modules: weights of Linear, convolutions,
    MultiheadAttention and recurrent modules by the activation (He for those like ReLU, LeCun
    for SELU, Xavier for others and none); embeddings normal, the row of `padding_idx` 0;
    normalisations 1; biases 0.

    A layer has the activation that is registered next behind it, before another layer. In
    modules other than Sequential an activation is that of all layers registered in it since
    the activation before; but the last of several layers has none if no layer is behind the
    activation, which then lies between them. Functions that `forward` calls are not seen: say
    them by a rule, such as ``{"fc1.weight": {"activation": "relu"}}``.

    Args:
        module: Any. Parameters on the meta device get memory; of buffers there only those of
            normalisations are known.
        seed: From 0 to 2^64 - 1.
        seed_name: A name in place of the number; see :class:`weightinit.TensorArguments`.
        rules: By patterns of names with "*" and "?" the scheme, or a dict of scheme,
            activation, parameters and expressions as in a manifest; the last one that
            matches holds. A list of a manifest's rules too, such as :func:`preset_rules` makes.
        source: Default: that of the module-level functions of weightinit.
        device: For what is on the meta device. Default: that of the mesh of a DTensor, else
            the CPU.
        progress: Whether to show a bar, which needs tqdm.

    Returns:
        The module. After an error its parameters may be partly initialised.

    Raises:
        InvalidArgument: A parameter of a type of module that is not known has no rule, or
            another dtype than float32, float64, float16 and bfloat16, or is a DTensor with a
            placement other than Shard and Replicate; ``violations`` names each one.
        FailedPrecondition: A buffer on the meta device has values that are not known.
    """
    weights = weights_of(module, rules)
    if source is None:
        source = default_source()
    elif not isinstance(source, Source):
        raise invalid_type("source", source, "a weightinit.Local or weightinit.Client")
    if not weights.parameters:
        return module
    with torch.no_grad():
        tensors = [*module.parameters(), *module.buffers()]
        if any(tensor.is_meta for tensor in tensors):
            _materialize(module, weights, device)
        targets = {name: target_of(p, name) for name, p in weights.parameters.items()}
        source.model(
            weights.manifest(buffers=False),
            out={name: target.array for name, target in targets.items()},
            selections={n: t.slices for n, t in targets.items() if t.slices is not None},
            seed=seed,
            seed_name=seed_name,
            progress=progress,
        )
        for target in targets.values():
            target.finish()
    return module
