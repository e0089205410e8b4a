"""Runs the command line, the server and the fake server as processes."""

import contextlib
import os
import socket
import subprocess
import tempfile
import unittest

CLI = os.environ["WEIGHTINIT_CLI"]
SERVER = os.environ["WEIGHTINIT_SERVER"]
FAKE_SERVER = os.environ["WEIGHTINIT_FAKE_SERVER"]

# Seconds after which a process counts as hanging; none of the tests waits for it.
PATIENCE = 120


def start_cli(*arguments, **options):
    """Starts the command line with its output in pipes."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([CLI, *arguments], **{**pipes, **options})


def run_cli(*arguments, **options):
    """Runs the command line to its end; output is bytes."""
    with start_cli(*arguments, **options) as process:
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


class ServerProcess:
    """A process that prints "... listening on HOST:PORT" on standard output."""

    def __init__(self, *command, stderr=subprocess.DEVNULL):
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True)
        line = self.read_line()
        if " listening on " not in line:
            self.kill()
            raise RuntimeError(f"{command[0]} printed {line!r}")
        self.address = line.rsplit(" ", 1)[1]

    def read_line(self):
        return self._process.stdout.readline().strip()

    def stop(self):
        """Asks it to end, and waits until it has."""
        self._process.terminate()
        self._process.wait(PATIENCE)

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@contextlib.contextmanager
def running(*command, **options):
    server = ServerProcess(*command, **options)
    try:
        yield server
    finally:
        server.kill()


def real_server(*arguments, **options):
    return running(SERVER, "--listen", "127.0.0.1:0", *arguments, **options)


def fake_server(fault):
    return running(FAKE_SERVER, fault)


@contextlib.contextmanager
def refusing_address():
    """HOST:PORT that refuses connections: bound, but not listened on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield "127.0.0.1:%d" % bound.getsockname()[1]


class CliTestCase(unittest.TestCase):
    """A test with a directory of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def path(self, name):
        return os.path.join(self.directory, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def succeed(self, *arguments, **options):
        result = run_cli(*arguments, **options)
        self.assertEqual(result.returncode, 0, (arguments, result.stderr))
        return result

    def fail_with(self, status, *arguments, **options):
        """Runs the command line, which has to fail; returns its message."""
        result = run_cli(*arguments, **options)
        self.assertEqual(result.returncode, status, (arguments, result.stderr))
        message = result.stderr.decode()
        self.assertRegex(message, "(?m)^weightinit: ")
        return message
