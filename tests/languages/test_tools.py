"""grpcurl and ghz, programs of others, as clients of the server."""

import json
import os
import pathlib
import subprocess
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "build" / "languages" / "bin"
ADDRESS = os.environ["WEIGHTINIT_ADDRESS"]
SERVICE = "weightinit.v1.WeightInitService"


def grpcurl(*arguments):
    return subprocess.run([TOOLS / "grpcurl", "-plaintext", *arguments], capture_output=True, text=True, timeout=60)


class ToolsTest(unittest.TestCase):
    def test_grpcurl_lists_the_services(self):
        done = grpcurl(ADDRESS, "list")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLessEqual({SERVICE, "grpc.health.v1.Health"}, set(done.stdout.split()))

    def test_grpcurl_describes_the_service(self):
        done = grpcurl(ADDRESS, "describe", SERVICE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("rpc InitializeTensor ( .weightinit.v1.InitializeTensorRequest ) "
                      "returns ( stream .weightinit.v1.InitializeTensorResponse )", done.stdout)

    def test_grpcurl_calls(self):
        done = grpcurl("-d", '{"tensor": {"shape": [64, 128], "activation": "ACTIVATION_RELU"}, "seed": 42}', ADDRESS,
                       f"{SERVICE}/DescribeTensor")
        self.assertEqual(done.returncode, 0, done.stderr)
        description = json.loads(done.stdout)["description"]
        self.assertEqual((description["scheme"], description["elements"]), ("SCHEME_HE_NORMAL", "8192"))

    def test_grpcurl_shows_the_fields_of_a_bad_call_and_what_they_may_be(self):
        done = grpcurl("-d", '{"tensor": {"shape": [-1, 3]}, "chunk_bytes": 1}', ADDRESS,
                       f"{SERVICE}/InitializeTensor")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Code: InvalidArgument", done.stderr)
        for text in ('"field": "tensor.shape[0]"', "is -1; must be at least 0", '"field": "chunk_bytes"', "2097152",
                     '"domain": "weightinit"'):
            self.assertIn(text, done.stderr)

    def test_ghz_loads_the_server_with_small_tensors_without_an_error(self):
        calls = 2000
        done = subprocess.run(
            [TOOLS / "ghz", "--insecure", "--call", f"{SERVICE}.InitializeTensor", "--total", str(calls),
             "--concurrency", "16", "--connections", "4", "--format", "json",
             "--data", '{"tensor": {"name": "t{{.RequestNumber}}", "shape": [8, 8]}}', ADDRESS],
            capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual((report["statusCodeDistribution"], report["errorDistribution"]), ({"OK": calls}, {}))
        print(f"ghz: {report['rps']:.0f} tensors of 8x8 a second")


if __name__ == "__main__":
    unittest.main()
