"""The golden files (tests/golden) are reproduced by the implementation and by the reference, every case of them."""

import json
import pathlib
import subprocess
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "reference"), str(TESTS / "golden")]

import make_goldens
import weightinit_reference as reference
from generate import GenerateError, generate, targets


def lines(path):
    """Of a golden file, without its heading."""
    return [line for line in path.read_text(encoding="ascii").splitlines() if not line.startswith("#")]


def request_of(line):
    return json.loads(line.split("\t")[0])


class GoldenTest(unittest.TestCase):
    def setUp(self):
        self.files = {path.stem: path for path in (TESTS / "golden").glob("*.txt")}
        self.lines = [line for path in self.files.values() for line in lines(path)]
        self.requests = [request_of(line) for line in self.lines]

    def test_files_hold_every_case(self):
        self.assertEqual(self.files.keys(), make_goldens.SETS.keys())
        for name, requests in make_goldens.SETS.items():
            with self.subTest(name):
                self.assertEqual([request_of(line) for line in lines(self.files[name])], list(requests()))

    def test_goldens_are_never_made_again(self):
        for name, path in self.files.items():
            with self.subTest(name):
                before = path.read_bytes()
                made = subprocess.run([sys.executable, "-B", TESTS / "golden" / "make_goldens.py", path],
                                      stderr=subprocess.PIPE, text=True)
                self.assertNotEqual(made.returncode, 0)
                self.assertIn("never made again", made.stderr)
                self.assertEqual(path.read_bytes(), before)

    def test_reference_reproduces_every_case(self):
        for request, line in zip(self.requests, self.lines):
            with self.subTest(request=request):
                self.assertEqual(make_goldens.line(request, reference.payload(request)), line)

    def test_every_simd_target_reproduces_every_case(self):
        self.assertIn("scalar", targets())
        for target in targets():
            for request, line, payload in zip(self.requests, self.lines, generate(self.requests, target)):
                with self.subTest(target=target, request=request):
                    if isinstance(payload, GenerateError):
                        raise payload
                    self.assertEqual(make_goldens.line(request, payload), line)


if __name__ == "__main__":
    unittest.main()
