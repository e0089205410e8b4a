"""The golden file (tests/golden) is reproduced by the implementation and by the reference, every case of it."""

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


class GoldenTest(unittest.TestCase):
    def setUp(self):
        text = (TESTS / "golden" / "philox4x32_v1.txt").read_text(encoding="ascii")
        self.lines = [line for line in text.splitlines() if not line.startswith("#")]
        self.requests = [json.loads(line.split("\t")[0]) for line in self.lines]

    def test_file_holds_every_case(self):
        self.assertEqual(self.requests, list(make_goldens.requests()))

    def test_goldens_are_never_made_again(self):
        path = TESTS / "golden" / "philox4x32_v1.txt"
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
