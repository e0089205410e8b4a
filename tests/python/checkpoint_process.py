"""Checkpoints made by hand, and the command on them: for the tests of `weightinit model from-safetensors`."""

import json
import struct

from model_process import ModelTestCase

BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "F8_E4M3": 1}
DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def preamble(text):
    """What stands before the data."""
    header = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(header)) + header


def header_of(tensors, metadata=None):
    """The header of tensors by name, each (dtype, shape), one behind the other."""
    header = {} if metadata is None else {"__metadata__": metadata}
    offset = 0
    for name, (dtype, shape) in tensors.items():
        size = BYTES[dtype]
        for dimension in shape:
            size *= dimension
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    return header


def checkpoint(tensors, metadata=None):
    """A file without its data."""
    return preamble(json.dumps(header_of(tensors, metadata)))


class FromSafetensorsTestCase(ModelTestCase):

    def manifest_of(self, content, *arguments):
        """The JSON manifest of a checkpoint."""
        file = self.write("checkpoint.safetensors", content)
        return json.loads(self.succeed("model", "from-safetensors", file, "--json", *arguments).stdout)

    def entries_of(self, content, *arguments):
        """Its entries by name."""
        return {entry["name"]: entry for entry in self.manifest_of(content, *arguments)["entries"]}

    def schemes_of(self, tensors):
        entries = self.entries_of(checkpoint(tensors))
        return {name: entry["tensor"].get("scheme", "") for name, entry in entries.items()}
