"""Forcing an instruction set: the programs run it, and it changes no byte."""

import json
import os
import subprocess
import unittest

from generate import targets

TENSOR = ["--shape", "70x130", "--activation", "relu", "--seed", "7", "--name", "w", "-o", "-"]


def run(binary, *arguments, target=""):
    environment = dict(os.environ, WEIGHTINIT_TARGET=target)
    return subprocess.run([os.environ[binary], *arguments], env=environment, capture_output=True, timeout=60)


class SimdTargetTest(unittest.TestCase):
    def test_each_target_runs_and_gives_the_same_bytes(self):
        expected = run("WEIGHTINIT_CLI", "init", *TENSOR).stdout
        self.assertEqual(len(expected), 70 * 130 * 4)
        for target in targets():
            with self.subTest(target=target):
                info = json.loads(run("WEIGHTINIT_CLI", "info", "--json", target=target).stdout)
                self.assertEqual(info["simd_target"], target)
                self.assertEqual(run("WEIGHTINIT_CLI", "init", *TENSOR, target=target).stdout, expected)

    def test_unknown_target_is_a_usage_error_that_lists_the_known_ones(self):
        for binary, arguments in (("WEIGHTINIT_CLI", ["info"]), ("WEIGHTINIT_SERVER", ["--listen", "127.0.0.1:0"])):
            with self.subTest(binary=binary):
                result = run(binary, *arguments, target="mmx")
                self.assertEqual(result.returncode, 2)
                self.assertEqual(result.stdout, b"")
                self.assertIn(b"scalar", result.stderr)


if __name__ == "__main__":
    unittest.main()
