"""The Python package, measured in a process of its own; script/bench installs it next to the peers.

usage: package_process.py BYTES SIMD_TARGET

Answers as the processes of peers.py do; the first line has the SIMD target too, as the package tells it. "normal_f32" fills memory of BYTES bytes
on one thread; "gpt2_module" initialises the module of transformers in place, on all cores.
"""

import functools
import json
import sys

from peers import gpt2_module, seconds_of_one, touched_memory

# As the module's own initialisation draws.
NORMAL = {"scheme": "normal", "parameters": {"stddev": 0.02}}
GPT2_RULES = {"*.w?e.weight": NORMAL, "*.c_*.weight": NORMAL,
              "*.c_proj.weight": {"expressions": {"stddev": "0.02 / sqrt(2 * 12)"}}}


class Package:
    def __init__(self, memory, simd_target):
        import numpy
        import weightinit
        from weightinit import _core
        _core.force_simd_target(simd_target)
        source = weightinit.Local(threads=1)
        info = source.info()
        self.version = info.version
        self.simd_target = info.simd_target
        out = numpy.frombuffer(memory, dtype=numpy.float32)
        self._kernels = {
            "normal_f32": lambda: source.tensor(out.shape, scheme="normal", seed=42, out=out),
            "gpt2_module": self._init_gpt2,
        }

    def kernel(self, name):
        return self._kernels[name]

    @functools.cached_property
    def _gpt2(self):
        return gpt2_module()

    def _init_gpt2(self):
        import weightinit.torch
        weightinit.torch.init_(self._gpt2, seed=42, rules=GPT2_RULES)


def main():
    try:
        package = Package(touched_memory(int(sys.argv[1])), sys.argv[2])
    except ImportError as error:
        print(json.dumps({"error": f"weightinit is not installed: {error}"}), flush=True)
        return
    print(json.dumps({"version": package.version, "simd_target": package.simd_target}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        kernel = package.kernel(command["kernel"])
        try:
            kernel()  # What is made or imported at the first call is not in the time.
            print(json.dumps({"seconds": seconds_of_one(kernel, command["seconds"])}), flush=True)
        except ImportError as error:
            print(json.dumps({"error": str(error)}), flush=True)


if __name__ == "__main__":
    main()
