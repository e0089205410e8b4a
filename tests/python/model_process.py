"""A small model of every kind of tensor, and the command on it: for the tests of `weightinit model`."""

import json
import os
import struct
import tempfile

import numpy as np

from cli_process import CliTestCase

ENTRIES = [
    {"name": "fc1", "dense": {"in_features": 300, "out_features": 1000}},
    {"name": "norm", "batch_norm": {"num_features": 5}},
    {"name": "half", "tensor": {"shape": [7, 3], "dtype": "bfloat16"}},
    {"name": "wide", "tensor": {"shape": [3, 5], "dtype": "float64", "scheme": "uniform",
                                "parameters": {"low": -1, "high": 3}}},
    {"name": "tied", "alias": "fc1.weight"},
    {"name": "qk", "tensor": {"shape": [6, 4], "concatenation": {"parts": [
        {"name": "q", "size": 2}, {"name": "k", "size": 4, "scheme": "he_uniform"}]}}},
]
MODEL = {
    "version": 1,
    "name": "tiny",
    "defaults": {"activation": "relu"},
    "entries": ENTRIES,
    "rules": [
        {"match": "half", "dtype": "float16"},
        {"match": "*.bias", "scheme": "constant", "parameters": {"value": 0.5}},
        {"match": "k", "parameters": {"fan_mode": "out"}},
    ],
}
# Names in the model's order, with shape, dtype, rules, and how "weightinit init" is told to make the same tensor.
RELU = ["--activation", "relu"]
HALF = ["--scheme", "constant", "--value", "0.5"]
TENSORS = {
    "fc1.weight": ([1000, 300], "float32", [], RELU),
    "fc1.bias": ([1000], "float32", [1], HALF),
    "norm.weight": ([5], "float32", [], ["--scheme", "ones"]),
    "norm.bias": ([5], "float32", [1], HALF),
    "norm.running_mean": ([5], "float32", [], ["--scheme", "zeros"]),
    "norm.running_var": ([5], "float32", [], ["--scheme", "ones"]),
    "half": ([7, 3], "float16", [0], RELU),
    "wide": ([3, 5], "float64", [], ["--scheme", "uniform", "--low", "-1", "--high", "3"]),
    "qk": ([6, 4], "float32", [2], None),
}
BUFFERS = {"norm.running_mean", "norm.running_var"}
DTYPES = {"float32": ("F32", 4), "float64": ("F64", 8), "float16": ("F16", 2), "bfloat16": ("BF16", 2)}
BYTES = {name: int(np.prod(shape)) * DTYPES[dtype][1] for name, (shape, dtype, _, _) in TENSORS.items()}
# The order of a file: larger elements first, then by name.
FILE_ORDER = sorted(TENSORS, key=lambda name: (-DTYPES[TENSORS[name][1]][1], name))


def read_safetensors(content):
    """Header and data."""
    (length,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def tensors_of(content):
    """The bytes of each tensor."""
    header, data = read_safetensors(content)
    return {name: data[slice(*tensor["data_offsets"])]
            for name, tensor in header.items() if name != "__metadata__"}


class ModelTestCase(CliTestCase):

    def setUp(self):
        super().setUp()
        self.manifest = self.write("model.json", json.dumps(MODEL))

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def root_seed_file(self):
        path = self.write("root", b"published root seed of a test, no secret")
        os.chmod(path, 0o400)
        return path

    def standard_input(self, content):
        file = tempfile.TemporaryFile()
        self.addCleanup(file.close)
        file.write(content)
        file.seek(0)
        return file

    def json_of(self, *arguments):
        return json.loads(self.succeed("model", *arguments, "--json").stdout)

    def init(self, *arguments, manifest=None, before=()):
        """What init writes into a new file."""
        output = self.path("init.safetensors")
        self.succeed(*before, "model", "init", manifest or self.manifest, "-o", output, *arguments)
        content = self.read("init.safetensors")
        os.remove(output)
        return content
