"""The messages of the contract, made from its descriptors.

Generated code works with some Protobuf runtimes only. This works with all, because it
reads a committed FileDescriptorSet into a pool of its own, in which it cannot meet
another package's messages of the same name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pool, message_factory

from weightinit._varint import read_varint

_PACKAGE = "weightinit.v1."
SERVICE = "/weightinit.v1.WeightInitService/"


def _files() -> Iterator[bytes]:
    """The serialized files of the set, whose only field they are.

    Read by hand: Protobuf's own messages take longer to import than all of this.
    """
    with open(os.path.join(os.path.dirname(__file__), "_contract.binpb"), "rb") as file:
        serialized = file.read()
    at = 0
    while at < len(serialized):
        size, at = read_varint(serialized, at + 1)
        yield serialized[at : at + size]
        at += size


POOL = descriptor_pool.DescriptorPool()
for _file in _files():
    POOL.AddSerializedFile(_file)


def _class(full_name: str) -> Any:
    descriptor = POOL.FindMessageTypeByName(full_name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    factory: Any = message_factory.MessageFactory(POOL)
    return factory.GetPrototype(descriptor)


InitializeTensorRequest = _class(_PACKAGE + "InitializeTensorRequest")
InitializeTensorResponse = _class(_PACKAGE + "InitializeTensorResponse")
DescribeTensorResponse = _class(_PACKAGE + "DescribeTensorResponse")
InitializeModelRequest = _class(_PACKAGE + "InitializeModelRequest")
InitializeModelResponse = _class(_PACKAGE + "InitializeModelResponse")
DescribeModelResponse = _class(_PACKAGE + "DescribeModelResponse")
ResolveSeedRequest = _class(_PACKAGE + "ResolveSeedRequest")
ResolveSeedResponse = _class(_PACKAGE + "ResolveSeedResponse")
GetServerInfoResponse = _class(_PACKAGE + "GetServerInfoResponse")
TensorDescription = _class(_PACKAGE + "TensorDescription")
ModelTensor = _class(_PACKAGE + "ModelTensor")
ModelSummary = _class(_PACKAGE + "ModelSummary")
ModelSpec = _class(_PACKAGE + "ModelSpec")
Preset = _class(_PACKAGE + "Preset")
Status = _class("google.rpc.Status")
BadRequest = _class("google.rpc.BadRequest")
ErrorInfo = _class("google.rpc.ErrorInfo")
RetryInfo = _class("google.rpc.RetryInfo")

# Other names of values, as the command line takes them.
_ALIASES = {
    "Scheme": {
        "glorot_uniform": "xavier_uniform",
        "kaiming_uniform": "he_uniform",
        "eye": "identity",
    },
    "TensorRole": {},
    "Activation": {"none": "linear", "identity": "linear", "silu": "swish"},
    "Dtype": {
        "f32": "float32",
        "float": "float32",
        "f64": "float64",
        "double": "float64",
        "f16": "float16",
        "half": "float16",
        "bf16": "bfloat16",
    },
    "Layout": {},
    "Generator": {},
    "FanMode": {"fan_in": "in", "fan_out": "out", "avg": "average", "fan_avg": "average"},
    "Distribution": {},
    "AdvisoryCode": {},
}
_PREFIXES = {
    "FanMode": "FAN_MODE_",
    "AdvisoryCode": "ADVISORY_CODE_",
    "TensorRole": "TENSOR_ROLE_",
}


def _values(enum: str) -> dict[str, int]:
    prefix = _PREFIXES.get(enum, enum.upper() + "_")
    descriptor = POOL.FindEnumTypeByName(_PACKAGE + enum)
    return {v.name[len(prefix) :].lower(): v.number for v in descriptor.values if v.number}


# Of each enum the numbers of its values by their names, and the names by numbers.
NUMBERS = {enum: _values(enum) for enum in _ALIASES}
NAMES = {enum: {n: name for name, n in values.items()} for enum, values in NUMBERS.items()}


def number_of(enum: str, name: str) -> int | None:
    """The number of a value of `enum` by its name or another name of it."""
    name = name.lower()
    return NUMBERS[enum].get(_ALIASES[enum].get(name, name))


def name_of(enum: str, number: int) -> str:
    """The name of a value, in lower case; "" for UNSPECIFIED."""
    return NAMES[enum].get(number, "" if number == 0 else str(number))
