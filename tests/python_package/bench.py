"""Measures the Python package; prints one row for each figure, medians of 5.

usage: bench.py [SERVER_PROGRAM]   default: build/release/bin/weightinit-server
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import grpc
import numpy as np

import weightinit

ROOT = Path(__file__).resolve().parents[2]
SHAPE = (64, 1024, 1024)  # 256 MB of float32.
MEGABYTES = 256 * 1.048576


def seconds(function: Callable[[], object]) -> float:
    """The median time of 5 calls."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def interpreter_seconds(program: str) -> float:
    """The median time that an interpreter with a program takes."""
    return seconds(lambda: subprocess.run([sys.executable, "-c", program], check=True))


def row(what: str, value: str) -> None:
    """Prints a row."""
    print(f"{what:60} {value}")


def bench_local(out: np.ndarray) -> None:
    """Local tensors, into touched memory."""
    for threads, name in ((1, "one thread"), (0, "all cores")):
        source = weightinit.Local(threads=threads)
        taken = seconds(partial(source.tensor, SHAPE, scheme="normal", out=out))
        row(f"Local().tensor(out=), 256 MB normal, {name}", f"{MEGABYTES / taken:.0f} MB/s")


def bench_remote(out: np.ndarray, address: str) -> None:
    """The client, and a loop that only counts bytes of the same stream."""
    from weightinit._requests import tensor_request

    request = tensor_request(SHAPE, {"scheme": "normal"})
    request.chunk_bytes = 524288
    serialized = request.SerializeToString()
    with weightinit.Client(address) as client, grpc.insecure_channel(address) as channel:
        stream = channel.unary_stream("/weightinit.v1.WeightInitService/InitializeTensor")
        bare, ours = [], []
        for _ in range(5):  # By turns, so that both meet the same machine.
            start = time.perf_counter()
            count = 0
            for message in stream(serialized):
                count += len(message)
            middle = time.perf_counter()
            client.tensor(SHAPE, scheme="normal", out=out)
            bare.append(middle - start)
            ours.append(time.perf_counter() - middle)
    bare_median, our_median = statistics.median(bare), statistics.median(ours)
    row("Client.tensor(out=), 256 MB", f"{MEGABYTES / our_median:.0f} MB/s")
    row("bare grpcio loop that counts bytes", f"{MEGABYTES / bare_median:.0f} MB/s")
    row("Client / bare loop (target 0.8)", f"{bare_median / our_median:.2f}")


def bench_import() -> None:
    """Import times."""
    numpy_alone = interpreter_seconds("import numpy")
    lazy = interpreter_seconds("import numpy, weightinit")
    with_grpc = interpreter_seconds("import numpy, grpc")
    full = interpreter_seconds("import numpy, grpc, weightinit; weightinit.Client('127.0.0.1:1')")
    row("import weightinit over numpy (target 20 ms)", f"{1000 * (lazy - numpy_alone):.0f} ms")
    row("Client() over numpy and grpc (target 50 ms)", f"{1000 * (full - with_grpc):.0f} ms")


def main() -> None:
    """Prints all rows."""
    program = sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/bin/weightinit-server"
    row("instruction set", weightinit.Local().info().simd_target)
    out = np.ones(SHAPE, np.float32)
    bench_import()
    bench_local(out)
    with weightinit.testing.server(program) as address:
        bench_remote(out, address)


if __name__ == "__main__":
    main()
