"""The programs in other languages, built by tests/languages/run, against a server.

WEIGHTINIT_LANGUAGES names the languages that were built; build/languages/run has a command
for each of them, which takes the server's address, and one for its snippet, which has it.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))
from certificates import Authority  # noqa: E402

COMMANDS = ROOT / "build" / "languages" / "run"
CLI = os.environ["WEIGHTINIT_CLI"]
ADDRESS = os.environ["WEIGHTINIT_ADDRESS"]
LANGUAGES = os.environ["WEIGHTINIT_LANGUAGES"].split()

# Seconds after which a program counts as hanging.
PATIENCE = 120

# What the examples ask for, as options of the command.
TENSORS = [
    "--name fc1.weight --shape 512x256 --activation relu --seed 42",
    "--name cut --shape 4096 --dtype float64 --scheme truncated_normal --mean 0.5 --stddev 0.25 --low -1 --high 3",
    "--name conv.weight --shape 32x16x3x3 --dtype bfloat16 --scheme xavier_uniform --seed 42",
    "--name conv3d --shape 3x4x5x8x12 --layout in_out --activation relu",
    "--name far --shape 1048576x1048576 --scheme normal --slice 1048571:,1048273:1048574",
]

# Of the same tensors, those that tests/golden has, as it writes them.
GOLDENS = {
    "cut": {"dtype": "float64", "shape": [4096], "scheme": "truncated_normal",
            "parameters": {"mean": 0.5, "stddev": 0.25, "low": -1, "high": 3}},
    "conv.weight": {"dtype": "bfloat16", "shape": [32, 16, 3, 3], "scheme": "xavier_uniform", "seed": 42},
    "conv3d": {"dtype": "float32", "shape": [3, 4, 5, 8, 12], "layout": "in_out", "activation": "relu"},
    "far": {"dtype": "float32", "shape": [1048576, 1048576], "scheme": "normal",
            "slice": [[1048571, 1048576], [1048273, 1048574]]},
}


def run(*command, text=True, **environment):
    return subprocess.run(command, capture_output=True, text=text, timeout=PATIENCE,
                          env={**os.environ, **environment})


@contextlib.contextmanager
def secured_server(directory, authority, token):
    """The address of a server that speaks TLS, and asks for a token."""
    cert, key = authority.issue("server")
    access = pathlib.Path(directory, "access")
    access.write_text(f"client generate token:{token}\n", encoding="ascii")
    with subprocess.Popen([pathlib.Path(CLI).with_name("weightinit-server"), "--listen", "127.0.0.1:0", "--log-level",
                           "error", "--tls-cert", cert, "--tls-key", key, "--access-file", access],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


def made_by_command(options):
    done = run(CLI, "init", "--json", *options.split())
    done.check_returncode()
    return json.loads(done.stdout)


def golden_crc32(request):
    for line in (ROOT / "tests" / "golden" / "philox4x32_v1.txt").read_text(encoding="ascii").splitlines():
        if not line.startswith("#") and json.loads(line.split("\t")[0]) == request:
            return line.split("\t")[2]
    raise AssertionError(f"no golden of {request}")


class FaultyProxy:
    """Passes one connection on to the server, and changes one bit of the tensor's bytes."""

    def __init__(self, tensor):
        # Some places, in case that a frame or a read ends in the middle of one.
        self._places = [tensor[start:start + 16] for start in range(1000, 100000, 1000)]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.changed = False
        self._listener.settimeout(PATIENCE)
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join()
        self._listener.close()

    def _serve(self):
        host, port = ADDRESS.rsplit(":", 1)
        client, _ = self._listener.accept()
        with client, socket.create_connection((host, int(port))) as server:
            requests = threading.Thread(target=self._pass_on, args=(client, server))
            requests.start()
            self._pass_on(server, client, self._damage)
            requests.join()

    def _damage(self, data):
        for place in self._places:
            if not self.changed and place in data:
                self.changed = True
                return data.replace(place, bytes([place[0] ^ 1]) + place[1:], 1)
        return data

    @staticmethod
    def _pass_on(source, target, change=bytes):
        with contextlib.suppress(OSError):  # One of the two may have closed.
            while data := source.recv(1 << 16):
                target.sendall(change(data))
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


class LanguagesTest(unittest.TestCase):
    maxDiff = None

    def test_command_makes_the_goldens(self):
        crc32 = {made["name"]: f"{made['crc32']:08x}" for made in map(made_by_command, TENSORS)}
        for name, request in GOLDENS.items():
            with self.subTest(name):
                self.assertEqual(crc32[name], golden_crc32({"name": name, **request}))

    def test_examples_print_what_the_command_makes(self):
        expected = "".join(f"{made['name']} {made['stddev']:.6f} {made['crc32']:08x}\n"
                           for made in map(made_by_command, TENSORS))
        self.assertIn(expected, (ROOT / "client" / "examples" / "README.md").read_text(encoding="utf-8"))
        for language in LANGUAGES:
            if (COMMANDS / language).exists():
                with self.subTest(language):
                    done = run(COMMANDS / language, ADDRESS)
                    self.assertEqual((done.stdout, done.returncode), (expected, 0), done.stderr)

    def test_examples_use_tls_and_a_token_where_the_environment_names_them(self):
        with tempfile.TemporaryDirectory() as directory:
            authority = Authority(directory)
            other = Authority(directory, "other")
            with secured_server(directory, authority, "right") as address:
                for language in LANGUAGES:
                    if not (COMMANDS / language).exists():
                        continue
                    for ca, token, works in [(authority.cert, "right", True), (authority.cert, "wrong", False),
                                             (authority.cert, "", False), (other.cert, "right", False),
                                             ("", "right", False)]:
                        with self.subTest(language, ca=ca, token=token):
                            done = run(COMMANDS / language, address, WEIGHTINIT_CA=ca, WEIGHTINIT_TOKEN=token)
                            self.assertEqual(done.returncode == 0, works, done.stderr)
                            self.assertEqual(done.stdout.count("\n"), len(TENSORS) if works else 0)

    def test_examples_notice_a_bit_that_changed_on_the_way(self):
        tensor = run(CLI, "init", *TENSORS[0].split(), "-o", "-", text=False).stdout
        for language in LANGUAGES:
            if (COMMANDS / language).exists():
                with self.subTest(language):
                    with FaultyProxy(tensor) as proxy:
                        done = run(COMMANDS / language, proxy.address)
                    self.assertTrue(proxy.changed)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertEqual(done.stdout, "")
                    self.assertIn("fc1.weight: damaged at element ", done.stderr)

    def test_snippets_of_the_page_print_what_the_page_says(self):
        made = made_by_command(TENSORS[0])
        expected = f"fc1.weight {made['bytes']} bytes, crc32 {made['crc32']:08x}\n"
        self.assertIn(f"    {expected}", (ROOT / "client" / "README.md").read_text(encoding="utf-8"))
        snippets = sorted(COMMANDS.glob("*-snippet"))
        self.assertLessEqual({f"{language}-snippet" for language in LANGUAGES}, {s.name for s in snippets})
        for snippet in snippets:
            with self.subTest(snippet.name):
                done = run(snippet)
                self.assertEqual((done.stdout, done.returncode), (expected, 0), done.stderr)


if __name__ == "__main__":
    unittest.main()
