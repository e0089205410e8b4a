"""An include of a layer above does not compile; one of a layer below does.

The compiler is asked, with the very flags that a source of the layer is compiled with.
"""

import json
import os
import pathlib
import shlex
import subprocess
import unittest

BUILD = pathlib.Path(os.environ["WEIGHTINIT_BUILD"])
SOURCE = pathlib.Path(__file__).resolve().parents[2]

# For each layer a source of it, a header that it may include, and headers above it.
CORE = [
    ("core/random/sampler.cc", "weightinit/core/plan.h",
     ["core/kernels/kernel.h", "core/plan/scheme.h", "core/tensor/fill.h", "weightinit/core/resolve.h",
      "weightinit/core/tensor_reader.h"]),
    ("core/kernels/kernel.cc", "core/random/sampler.h",
     ["core/tensor/fill.h", "core/plan/scheme.h", "weightinit/core/resolve.h", "weightinit/core/names.h"]),
    ("core/plan/scheme.cc", "core/random/sampler.h",
     ["core/kernels/kernel.h", "core/tensor/fill.h", "weightinit/core/tensor_reader.h", "proto/cpp/crc32.h"]),
    ("core/tensor/fill.cc", "core/kernels/kernel.h",
     ["core/plan/scheme.h", "weightinit/core/resolve.h", "proto/cpp/crc32.h"]),
]
SERVICE = [
    ("proto/cpp/crc32.cc", "weightinit/core/violations.h",
     ["core/random/philox.h", "server/server.h", "server/stream/buffer_pool.h", "client/cpp/connect.h"]),
    ("server/stream/buffer_pool.cc", "proto/cpp/crc32.h",
     ["server/convert.h", "server/service.h", "server/app/logging.h", "core/tensor/fill.h",
      "client/cpp/connect.h"]),
    ("server/security/security.cc", "server/stream/ticker.h",
     ["server/server.h", "server/service.h", "server/app/logging.h", "client/cpp/connect.h"]),
    ("server/service.cc", "server/security/security.h",
     ["server/app/logging.h", "core/tensor/fill.h", "client/cpp/connect.h",
      "weightinit/client/weight_client.h"]),
    ("server/app/logging.cc", "server/server.h", ["core/tensor/fill.h", "weightinit/client/weight_client.h"]),
    ("client/cpp/fetch/tensor_verifier.cc", "proto/cpp/crc32.h",
     ["client/cpp/connect.h", "weightinit/client/weight_client.h", "server/server.h", "core/tensor/fill.h"]),
    ("client/cpp/local/local_client.cc", "weightinit/core/element_source.h",
     ["client/cpp/connect.h", "client/cpp/cli/commands.h", "server/server.h", "core/tensor/fill.h"]),
    ("client/cpp/manifest/scalars.cc", "weightinit/core/names.h",
     ["client/cpp/connect.h", "client/cpp/fetch/tensor_verifier.h", "server/server.h", "core/tensor/fill.h"]),
    ("client/cpp/connect.cc", "client/cpp/fetch/tensor_verifier.h",
     ["client/cpp/cli/commands.h", "server/server.h", "core/tensor/fill.h"]),
    ("client/cpp/statistics/statistics.cc", "weightinit/core/plan.h",
     ["client/cpp/cli/commands.h", "weightinit/client/weight_client.h", "proto/cpp/crc32.h", "core/tensor/fill.h"]),
    ("client/cpp/cli/commands.cc", "client/cpp/statistics/statistics.h",
     ["server/server.h", "client/cpp/local/piece_board.h", "client/cpp/connect.h", "client/cpp/fetch/tensor_verifier.h", "core/tensor/fill.h"]),
]


def commands():
    """The compile command, a list of words, of each source of the build."""
    database = json.loads((BUILD / "compile_commands.json").read_text())
    return {str(pathlib.Path(entry["file"]).relative_to(SOURCE)): shlex.split(entry["command"])
            for entry in database if pathlib.Path(entry["file"]).is_relative_to(SOURCE)}


def compiles(command, header):
    """Whether a source with this command may include `header`."""
    words = command[:command.index("-o")] + ["-E", "-w", "-x", "c++", "-", "-o", os.devnull]
    found = subprocess.run(words, input=f'#include "{header}"\n', text=True, capture_output=True, cwd=BUILD)
    if found.returncode != 0 and header not in found.stderr.partition("\n")[0]:
        raise AssertionError(f"{header} fails for another reason:\n{found.stderr}")
    return found.returncode == 0


class LayersTest(unittest.TestCase):
    def test_what_lies_above_cannot_be_included(self):
        known = commands()
        layers = CORE + (SERVICE if "server/service.cc" in known else [])
        for source, below, above in layers:
            with self.subTest(source=source, below=below):
                self.assertTrue(compiles(known[source], below))
            for header in above:
                with self.subTest(source=source, above=header):
                    self.assertTrue((SOURCE / header).exists() or header.startswith("weightinit/"))
                    self.assertFalse(compiles(known[source], header))


if __name__ == "__main__":
    unittest.main()
