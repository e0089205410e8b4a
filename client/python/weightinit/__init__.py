"""Deterministic initial weights of neural networks: the same bytes on every machine.

>>> import weightinit
>>> weightinit.tensor((512, 256), activation="relu", seed=42).shape
(512, 256)

`Local` computes in the process, `Client` asks servers, `aio.Client` does so in asyncio;
all have the same methods. The functions of this module use the servers that the environment
variable WEIGHTINIT_SERVER names, with commas between, or the process where it is not set.
Formulas and their sources are those of `proto/weightinit/v1/tensor.proto`;
core/DETERMINISM.md defines every bit.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weightinit import aio, testing
    from weightinit._catalogue import FrameworkScheme, SchemeInfo, SchemeParameter
    from weightinit._default import (
        default_source,
        describe,
        describe_model,
        info,
        model,
        resolve_seed,
        save,
        tensor,
    )
    from weightinit._description import (
        Advisory,
        Description,
        Info,
        ModelDescription,
        ModelEntry,
    )
    from weightinit._errors import (
        Cancelled,
        DataLoss,
        DeadlineExceeded,
        FailedPrecondition,
        Internal,
        InvalidArgument,
        InvalidArgumentType,
        NotFound,
        OutOfRange,
        PermissionDenied,
        ResourceExhausted,
        Unauthenticated,
        Unavailable,
        Unimplemented,
        Violation,
        WeightInitError,
    )
    from weightinit._local import Local
    from weightinit._presets import Preset, PresetConstant, presets
    from weightinit._remote import Client
    from weightinit._requests import (
        Concatenation,
        ModelArguments,
        Part,
        Shard,
        TensorArguments,
    )
    from weightinit._source import Source

    __version__: str

# What is imported when it is first used, so that importing the package costs little.
_HOMES = {
    "_catalogue": "FrameworkScheme SchemeInfo SchemeParameter",
    "_default": ("default_source describe describe_model info model resolve_seed save tensor"),
    "_description": "Advisory Description Info ModelDescription ModelEntry",
    "_errors": (
        "Cancelled DataLoss DeadlineExceeded FailedPrecondition Internal InvalidArgument "
        "InvalidArgumentType NotFound OutOfRange PermissionDenied ResourceExhausted "
        "Unauthenticated Unavailable Unimplemented Violation WeightInitError"
    ),
    "_local": "Local",
    "_presets": "Preset PresetConstant presets",
    "_remote": "Client",
    "_requests": "Concatenation ModelArguments Part Shard TensorArguments",
    "_source": "Source",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
_MODULES = ("aio", "testing", "torch", "jax", "keras")

__all__ = [
    "Advisory",
    "Cancelled",
    "Client",
    "Concatenation",
    "DataLoss",
    "DeadlineExceeded",
    "Description",
    "FailedPrecondition",
    "FrameworkScheme",
    "Info",
    "Internal",
    "InvalidArgument",
    "InvalidArgumentType",
    "Local",
    "ModelArguments",
    "ModelDescription",
    "ModelEntry",
    "NotFound",
    "OutOfRange",
    "Part",
    "PermissionDenied",
    "Preset",
    "PresetConstant",
    "ResourceExhausted",
    "SchemeInfo",
    "SchemeParameter",
    "Shard",
    "Source",
    "TensorArguments",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "Violation",
    "WeightInitError",
    "aio",
    "default_source",
    "describe",
    "describe_model",
    "info",
    "model",
    "presets",
    "resolve_seed",
    "save",
    "tensor",
    "testing",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(f"weightinit.{_HOME_OF[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"weightinit.{name}")
    elif name == "__version__":
        from importlib import metadata

        value = metadata.version("weightinit")
    else:
        raise AttributeError(f"module 'weightinit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
