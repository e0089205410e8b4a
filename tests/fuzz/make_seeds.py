"""Writes the first inputs of the fuzzers, into one folder for each under the folder given.

usage: build/python/venv/bin/python tests/fuzz/make_seeds.py FOLDER   with the server of build/ci/bin
"""

import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "faults"))

import invalid_requests  # noqa: E402
from calls import SERVICE, channel  # noqa: E402
from server_process import ServerProcess  # noqa: E402

from weightinit._requests import model_request, tensor_request  # noqa: E402

SAFETENSORS = (
    '{"w":{"dtype":"F32","shape":[16,16],"data_offsets":[0,1024]}}',
    '{"__metadata__":{"format":"pt","weightinit.seed":"5"},"a.weight":{"dtype":"BF16","shape":[4,64],'
    '"data_offsets":[0,512]},"a.bias":{"dtype":"F16","shape":[256],"data_offsets":[512,1024]}}',
    '{"\\u00fc.skip":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"norm.weight":{"dtype":"F64","shape":[0,3],'
    '"data_offsets":[8,8]},"x":{"dtype":"U8","shape":[1016],"data_offsets":[8,1024]}}',
    "{}", "[[[[[[[[", '{"w":1e999}', '{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}',
)
STATES = ("@ 0 75 300 2451511634", "@ 100 50 200 0", "@ 9223372036854775807 1 1 0", "weightinit-partial-1 0 1 4 4 9",
          "@ 1 1 4 5\n", "")


def framed(parts):
    """Messages as the fuzzers of responses take them apart."""
    return b"".join(struct.pack("<H", len(part) - 1 | (0x8000 if number % 2 else 0)) + part
                    for number, part in enumerate(parts))


def seeds():
    """(fuzzer, bytes)."""
    for name, method, message, _ in invalid_requests.all_of_them():
        if "described" not in name and len(message) < 500:
            yield ("model_request" if "Model" in method else "tensor_request"), message
    for arguments in ({}, {"dtype": "bfloat16", "scheme": "he_uniform", "layout": "in_out"},
                      {"scheme": "truncated_normal", "slice": (slice(1, 5), slice(None), slice(0, 1))},
                      {"activation": "selu", "seed": 1 << 63, "name": "fc1.weight", "dtype": "float64"},
                      {"seed_name": "team/a"}, {"groups": 2, "fan_in": 7, "transposed": True}):
        yield "tensor_request", tensor_request((8, 6, 2), arguments).SerializeToString()
    models = [path for path in sorted((ROOT / "client" / "models").glob("*.yaml")) if path.stat().st_size < 4000]
    for path in models:
        yield "manifest", path.read_bytes()
    small = {"version": 1, "defaults": {"dtype": "bfloat16"}, "constants": {"n": 3}, "entries": [
        {"name": "b.{i}", "repeat": [{"index": "i", "count": 2}], "block": {"entries": [
            {"name": "fc", "dense": {"in_features": 3, "out_features": 2}},
            {"name": "a", "attention": {"embed_dim": 4, "num_heads": 2, "fused_weight_name": "qkv"}},
            {"name": "m", "mixture_of_experts": {"num_experts": 2, "in_features": 2, "hidden_features": 2}},
            {"name": "l", "lstm": {"input_size": 2, "hidden_size": 2}}]}},
        {"name": "t", "alias": "b.0.fc.weight"}],
        "rules": [{"match": "*.weight", "scheme": "normal", "expressions": {"stddev": "0.02 / sqrt(2 * n)"}}]}
    made = model_request(invalid_requests.model_of(small), {"seed": 5})
    yield "model_request", made.SerializeToString()
    yield "manifest", str(small).replace("'", '"').encode()
    with ServerProcess() as server, channel(server) as connection:
        tensor = tensor_request((100,), {"name": "w"})
        tensor.chunk_bytes = 128
        model = invalid_requests.messages.InitializeModelRequest(chunk_bytes=64)
        model.model.version = 1
        model.model.entries.add(name="fc").dense.MergeFrom(
            invalid_requests.messages.DenseLayer(in_features=9, out_features=7))
        model.model.entries.add(name="tied", alias="fc.weight")
        for fuzzer, method, message in (("tensor_response", "InitializeTensor", tensor),
                                        ("model_response", "InitializeModel", model)):
            parts = list(connection.unary_stream(SERVICE + method)(message.SerializeToString()))
            yield fuzzer, framed(parts)
            yield fuzzer, framed(parts[:-1])
            yield fuzzer, framed(parts[1:])
            yield fuzzer, framed([parts[0], *parts])
    for text in SAFETENSORS:
        yield "safetensors", text.encode()
    for text in STATES:
        yield "partial_download", text.encode()


def main():
    for number, (fuzzer, data) in enumerate(seeds()):
        folder = pathlib.Path(sys.argv[1]) / fuzzer
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"seed-{number:03}").write_bytes(data)


if __name__ == "__main__":
    main()
