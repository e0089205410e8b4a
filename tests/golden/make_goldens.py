"""Writes the goldens of one set to a new file, from the NumPy reference and never from the implementation.

usage: make_goldens.py FILE    its name, without .txt, is that of a set (SETS)

It refuses a file that exists: goldens are never made again. A difference is a broken promise, and changed bits are
a new generator with a file of its own.

A line is a request as weightinit-generate reads it (tests/core/generate_main.cc), the number of elements, the CRC-32
of their bytes and the bits of the first eight elements in hexadecimal.
"""

import json
import pathlib
import sys
import zlib

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reference"))

import weightinit_reference as reference

HEADER = f"""\
# Goldens of generator PHILOX4X32_V1. Generated; do not edit.
# Made by tests/golden/make_goldens.py from tests/reference, which is written from core/DETERMINISM.md alone,
# with NumPy {np.__version__}; the implementation had no part in it.
# Fields, separated by tabs: request, elements, CRC-32 of the bytes, bits of the first eight elements (- if none).
"""

DTYPES = ("float32", "float64", "float16", "bfloat16")
ELEMENT_BYTES = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}
FAN_MODES = ("in", "out", "average", "geometric")
FAMILIES = ("uniform", "normal", "truncated_normal")
ACTIVATIONS = (
    "linear", "sigmoid", "tanh", "softmax", "relu", "leaky_relu", "swish", "gelu", "elu", "mish", "prelu", "selu",
)


def first_requests():
    """What there was at first."""
    with_defaults = ("zeros", "ones", *FAMILIES, "xavier_uniform", "xavier_normal", "he_uniform", "he_normal",
                     "lecun_uniform", "lecun_normal", "variance_scaling")
    for dtype in DTYPES:
        for scheme in with_defaults:
            yield {"name": "conv.weight", "shape": [32, 16, 3, 3], "scheme": scheme, "dtype": dtype, "seed": 42}
        yield {"shape": [3], "scheme": "constant", "dtype": dtype, "parameters": {"value": 0.1}}

    for activation in ACTIVATIONS:
        yield {"name": "fc1.weight", "shape": [256, 64], "activation": activation, "seed": 42}
    yield {"name": "fc1.bias", "shape": [256], "activation": "relu", "seed": 42}

    for low, high in ((-1, 3), (0, 4), (2, 5), (-7, -3), (8, 9), (-30, 30)):
        for dtype in ("float32", "float64"):
            yield {"name": "cut", "shape": [4096], "scheme": "truncated_normal", "dtype": dtype,
                   "parameters": {"mean": 0.5, "stddev": 0.25, "low": low, "high": high}}
    for dtype in DTYPES:
        yield {"name": "u", "shape": [4096], "scheme": "uniform", "dtype": dtype,
               "parameters": {"low": -0.3, "high": 0.7}}
        yield {"name": "n", "shape": [4096], "scheme": "normal", "dtype": dtype,
               "parameters": {"mean": 0.1, "stddev": 0.02}}

    for mode, family in zip(FAN_MODES, (*FAMILIES, "uniform")):
        yield {"name": "scaled", "shape": [64, 48], "scheme": "variance_scaling",
               "parameters": {"scale": 2, "fan_mode": mode, "distribution": family}}
        yield {"name": "he", "shape": [64, 48], "scheme": "he_normal",
               "parameters": {"negative_slope": 0.2, "fan_mode": mode}}
    yield {"name": "xavier", "shape": [64, 48], "scheme": "xavier_uniform", "parameters": {"gain": 5 / 3}}
    yield {"name": "given", "shape": [3072], "scheme": "lecun_normal", "fan_in": 768}

    for dtype in ("float32", "float64"):
        for transposed in (False, True):
            yield {"name": "conv1d", "shape": [48, 16, 7], "groups": 4, "transposed": transposed, "dtype": dtype}
            yield {"name": "conv1d", "shape": [7, 16, 48], "groups": 4, "transposed": transposed, "dtype": dtype,
                   "layout": "in_out"}
        yield {"name": "conv3d", "shape": [3, 4, 5, 8, 12], "layout": "in_out", "dtype": dtype, "activation": "relu"}
        yield {"name": "dense", "shape": [60, 96], "layout": "in_out", "dtype": dtype}

    for seed, name in ((0, ""), (2**64 - 1, ""), (2**32, "größe.重み.🎲"), (1, "x" * 1024)):
        yield {"name": name, "shape": [4096], "scheme": "normal", "seed": seed}

    n = 2**20
    for scheme in FAMILIES:
        for dtype in ("float32", "float64"):
            yield {"name": "far", "shape": [n, n], "scheme": scheme, "dtype": dtype,
                   "slice": [[n - 5, n], [n - 303, n - 2]]}
        yield {"name": "far", "shape": [n, n], "scheme": scheme, "layout": "in_out",
               "slice": [[n - 303, n], [n - 7, n - 2]]}
        yield {"name": "conv.weight", "shape": [32, 16, 3, 3], "scheme": scheme, "seed": 42, "dtype": "bfloat16",
               "slice": [[5, 31], [3, 4], [1, 3], [0, 2]], "first_element": 7}
    yield {"name": "none", "shape": [0, 5], "scheme": "normal"}
    yield {"name": "scalar", "shape": [], "scheme": "normal"}


def variance_preserving_requests():
    """The schemes variance_preserving_*, with each activation that they take."""
    for scheme in ("variance_preserving_uniform", "variance_preserving_normal"):
        for activation in ACTIVATIONS:
            if activation != "softmax":
                yield {"name": "fc1.weight", "shape": [64, 48], "scheme": scheme, "activation": activation, "seed": 42}
        for dtype in DTYPES:
            yield {"name": "conv.weight", "shape": [32, 16, 3, 3], "scheme": scheme, "dtype": dtype, "seed": 42}
        for mode in FAN_MODES:
            yield {"name": "scaled", "shape": [64, 48], "scheme": scheme, "activation": "prelu",
                   "parameters": {"negative_slope": 0.2, "fan_mode": mode}}


def matrix_requests():
    """The schemes that draw nothing."""
    for dtype in DTYPES:
        yield {"shape": [5, 7], "scheme": "identity", "dtype": dtype, "parameters": {"gain": 1.1}}
        yield {"shape": [12, 2, 4, 3], "scheme": "dirac", "dtype": dtype, "groups": 3}
    for layout in ("out_in", "in_out"):
        yield {"shape": [7, 5], "scheme": "identity", "layout": layout, "slice": [[2, 7], [1, 4]], "first_element": 1}
        yield {"shape": [4, 4, 3], "scheme": "dirac", "layout": layout}
        yield {"shape": [3, 2, 5, 4, 4], "scheme": "dirac", "layout": layout, "groups": 2 if layout == "in_out" else 1}
    n = 2**20
    yield {"shape": [n, n], "scheme": "identity", "slice": [[n - 5, n], [n - 303, n]]}
    yield {"shape": [n, n], "scheme": "identity", "layout": "in_out", "slice": [[n - 303, n], [n - 7, n - 2]]}


def orthogonal_requests():
    """Orthogonal matrices, alone and at the centre of a convolution."""
    def request(shape, **fields):
        return {"name": "q", "shape": shape, "scheme": "orthogonal", "seed": 42, **fields}

    for dtype in DTYPES:
        for shape in ([1, 1], [1, 9], [9, 1], [2, 2], [3, 3], [4, 4], [7, 7], [16, 16], [21, 21], [6, 37], [37, 6]):
            yield request(shape, dtype=dtype)
        # The last vector is 0, so that S is.
        yield {**request([8, 8], dtype=dtype), "seed": 243078}
        yield {**request([7, 7], dtype=dtype), "seed": 9144234}
        yield request([10, 13], dtype=dtype, parameters={"gain": 1.4142135623730951})
        yield request([3, 5, 5], dtype=dtype, scheme="delta_orthogonal", layout="in_out", parameters={"gain": 0.1})
    for gain in (1e-40, 3, 1e38):
        yield request([5, 5], parameters={"gain": gain})
    # In binary64 the order of operations shows.
    for layout in ("out_in", "in_out"):
        fields = {"layout": layout, "dtype": "float64"}
        for shape in ([12, 18], [18, 12], [5, 6, 7], [30, 3, 2], [4, 3, 5, 2], [2, 3, 3, 2, 11]):
            yield request(shape, **fields)
        for shape, slice_ in (([18, 31], [[5, 7], [3, 30]]), ([31, 18], [[3, 30], [5, 7]]),
                              ([19, 19], [[0, 19], [18, 19]]), ([19, 19], [[18, 19], [0, 19]]),
                              ([5, 6, 7], [[1, 4], [2, 6], [3, 5]]), ([3, 4, 3, 6], [[2, 3], [0, 4], [1, 2], [5, 6]])):
            yield request(shape, **fields, slice=slice_, first_element=1)
        yield request([2000, 3000], **fields, slice=[[6, 9], [5, 8]])
        fields["scheme"] = "delta_orthogonal"
        for shape in ([1, 1, 1], [9, 9, 3], [9, 4, 5], [7, 5, 3, 1], [6, 6, 1, 5], [5, 2, 3, 1, 5], [4, 4, 3, 3, 3],
                      [12, 10, 5]):
            yield request(shape if layout == "out_in" else [*shape[2:], shape[1], shape[0]], **fields)
    yield request([6, 6, 3, 5], scheme="delta_orthogonal", slice=[[1, 3], [1, 4], [1, 3], [2, 5]])
    yield request([3, 5, 6, 6], scheme="delta_orthogonal", slice=[[0, 3], [2, 3], [4, 6], [1, 2]], layout="in_out")
    for dtype in ("float32", "float64"):
        for shape in ([300, 500], [500, 300], [301, 301]):
            yield request(shape, dtype=dtype)
    yield request([0, 5])
    yield request([4, 0, 3], scheme="delta_orthogonal")


def sparse_requests():
    """Sparse matrices."""
    def request(shape, sparsity, **parameters):
        return {"name": "s", "shape": shape, "scheme": "sparse", "seed": 42,
                "parameters": {"sparsity": sparsity, **parameters}}

    for dtype in DTYPES:
        for sparsity in (0, 0.1, 0.5, 0.9, 1):
            yield {**request([10, 7], sparsity), "dtype": dtype}
        yield {**request([300, 40], 0.3, stddev=1.5), "dtype": dtype}
    for layout in ("out_in", "in_out"):
        for sparsity in (0, 5e-324, 1):
            yield {**request([1, 9], sparsity), "layout": layout}
            yield {**request([9, 1], sparsity), "layout": layout}
        # 0.28 * 25 is above 7 in binary64, 0.29 * 100 below 29.
        for shape, sparsity in (([25, 6], 0.28), ([6, 25], 0.28), ([100, 9], 0.29), ([9, 100], 0.29)):
            yield {**request(shape, sparsity), "layout": layout}
        for slice_ in ([[3, 20], [1, 14]], [[32, 33], [0, 21]], [[0, 33], [20, 21]]):
            for dtype in ("float32", "float64"):
                yield {**request([33, 21], 0.4), "layout": layout, "slice": slice_, "first_element": 1, "dtype": dtype}
    yield request([17, 17], 0.5, stddev=0)
    yield request([0, 5], 0.5)
    yield request([5, 0], 0.5)


def function_requests():
    """Functions of a uniform number."""
    for scheme, low, high in (("log_of_uniform", 0.2, 3.0), ("inverse_softplus", 0.5, 20.0)):
        for dtype in DTYPES:
            base = {"name": "m", "scheme": scheme, "seed": 42, "dtype": dtype}
            for shape in ([], [1], [24], [3, 5], [300]):
                yield {**base, "shape": shape}
            yield {**base, "shape": [64], "parameters": {"low": low, "high": high}}
            yield {**base, "shape": [7, 9], "layout": "in_out", "slice": [[1, 6], [2, 9]], "first_element": 3}
    yield {"name": "m", "shape": [40], "scheme": "log_of_uniform", "dtype": "float64",
           "parameters": {"low": 1e-300, "high": 1e300}}
    yield {"name": "m", "shape": [40], "scheme": "inverse_softplus", "dtype": "float64",
           "parameters": {"low": 1e-8, "high": 100}}


SETS = {
    "philox4x32_v1": first_requests,
    "philox4x32_v1_variance_preserving": variance_preserving_requests,
    "philox4x32_v1_matrices": matrix_requests,
    "philox4x32_v1_orthogonal": orthogonal_requests,
    "philox4x32_v1_sparse": sparse_requests,
    "philox4x32_v1_functions": function_requests,
}


def line(request, payload):
    """The golden line of a request and its bytes."""
    size = ELEMENT_BYTES[request.get("dtype", "float32")]
    first = [payload[i : i + size][::-1].hex() for i in range(0, min(len(payload), 8 * size), size)]
    fields = json.dumps(request), str(len(payload) // size), f"{zlib.crc32(payload):08x}", " ".join(first) or "-"
    return "\t".join(fields)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_goldens.py FILE")
    requests = SETS.get(pathlib.Path(sys.argv[1]).stem)
    if requests is None:
        sys.exit("make_goldens.py: FILE must be named after a set: " + ", ".join(SETS))
    try:
        file = open(sys.argv[1], "x", encoding="ascii")
    except FileExistsError:
        sys.exit(f"make_goldens.py: {sys.argv[1]} exists, and goldens are never made again")
    with file:
        lines = [line(request, reference.payload(request)) for request in requests()]
        file.write(HEADER + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
