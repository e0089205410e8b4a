"""Fetches the initial weights of real layers from a server and shows what came.

usage: demo_layers.py BINARIES OUTPUT    (script/demo does it all)
"""

import hashlib
import json
import pathlib
import subprocess
import sys

# name, shape, activation, further options.
LAYERS = [
    ("resnet50.conv1.weight", "64x3x7x7", "relu", []),
    ("gpt2.h.0.mlp.c_fc.weight", "3072x768", "gelu", []),
    ("gpt2.h.0.mlp.c_fc.bias", "3072", "gelu", []),
    ("lstm.weight_ih", "2048x512", "tanh", []),
    ("gan.fc.weight", "1024x1024", "leaky_relu", ["--negative-slope", "0.2"]),
    ("classifier.weight", "1000x2048", "softmax", []),
    ("efficientnet.head.weight", "1280x320x1x1", "swish", []),
    ("vgg16.fc2.weight", "4096x4096", "relu", ["--scheme", "xavier_uniform"]),
]
SEED = "42"
PROVEN = LAYERS[1]  # Fetched again in four slices.


class Server:
    """A server process on a free port; stopped, and checked, on exit."""

    def __init__(self, binaries):
        self.process = subprocess.Popen(
            [binaries / "weightinit-server", "--listen", "127.0.0.1:0",
             "--log-level", "warn"],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit("demo: the server did not start")
        self.address = line.split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        if self.process.wait() != 0 and sys.exc_info()[0] is None:
            sys.exit(f"demo: the server ended with {self.process.returncode}")


def fetch(binaries, server, layer, output, slice_option=()):
    """Runs `weightinit init --json` and returns its JSON object."""
    name, shape, activation, options = layer
    command = [binaries / "weightinit", "init", "--server", server.address,
               "--name", name, "--shape", shape, "--activation", activation,
               "--seed", SEED, "--json", "-o", output, *options, *slice_option]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"demo: {' '.join(map(str, command))} failed with {result.returncode}")
    return json.loads(result.stdout)


def show(rows):
    """Prints rows of strings as a table: text to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = [cell.ljust(width) if i < 3 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def main():
    binaries, output = pathlib.Path(sys.argv[1]).absolute(), pathlib.Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)

    with Server(binaries) as server:
        print(f"\nServer 1 listens on {server.address}. Seed {SEED}.\n")
        rows = [("name", "shape", "scheme", "stddev", "measured", "MB", "MB/s", "crc32")]
        advisories = []
        for layer in LAYERS:
            info = fetch(binaries, server, layer, output / f"{layer[0]}.npy")
            megabytes = info["bytes"] / 1e6
            rows.append((info["name"], "x".join(map(str, info["shape"])), info["scheme"],
                         f"{info['stddev']:.6f}", f"{info['measured']['stddev']:.6f}",
                         f"{megabytes:.3f}", f"{megabytes / info['seconds']:.0f}",
                         f"{info['crc32']:08x}"))
            advisories += [(info["name"], advisory["message"])
                           for advisory in info["advisories"]]
        show(rows)
        print()
        for name, message in advisories:
            print(f"advisory for {name}:\n  {message}")
        whole = output / "whole.bin"
        fetch(binaries, server, PROVEN, whole)

    with Server(binaries) as server:
        name, shape = PROVEN[:2]
        height = int(shape.split("x")[0])
        print(f"\nServer 2, another process, listens on {server.address}.")
        print(f"{name} again, in four slices, the last one first:")
        parts = {}
        for quarter in (3, 2, 1, 0):
            start, stop = (height * q // 4 for q in (quarter, quarter + 1))
            part = output / f"slice{quarter}.bin"
            rows_option = ("--slice", f"{start}:{stop},:")
            info = fetch(binaries, server, PROVEN, part, rows_option)
            print(f"  --slice {rows_option[1]:<12} {info['bytes']:>8} bytes"
                  f"  crc32 {info['crc32']:08x}")
            parts[quarter] = part.read_bytes()
            part.unlink()
        joined = b"".join(parts[quarter] for quarter in sorted(parts))
        expected = whole.read_bytes()
        whole.unlink()
        if joined != expected:
            sys.exit("demo: the slices differ from the whole")
        print(f"Joined they are the {len(expected)} bytes of server 1, byte for byte:"
              f"\n  sha256 {hashlib.sha256(joined).hexdigest()}")

    print(f"\nSaved: {output / (PROVEN[0] + '.npy')}")


if __name__ == "__main__":
    main()
