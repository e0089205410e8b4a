"""Processes that the benchmark talks to: line by line, one answer for each command."""

import json
import os
import pathlib
import subprocess


class MeasurementError(Exception):
    """A figure could not be taken; the text says why."""


class LineProcess:
    """A process that answers each line of JSON with one line of JSON.

    Those of the benchmark also end by themselves when their standard input does, so that none outlives it.
    """

    def __init__(self, command, environment=None):
        """`environment`: variables besides our own."""
        self._name = pathlib.Path(command[0]).name if len(command) == 1 else " ".join(map(str, command[-2:]))
        try:
            self._process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env={**os.environ, **(environment or {})})
        except OSError as error:
            raise MeasurementError(f"{command[0]} cannot be run: {error}") from error

    @property
    def pid(self):
        return self._process.pid

    def read_line(self):
        line = self._process.stdout.readline()
        if not line:
            raise MeasurementError(f"{self._name} ended with status {self._process.wait()}")
        return line.strip()

    def ask(self, **command):
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # It has ended: the next line says so, with its status.
        answer = json.loads(self.read_line())
        if "error" in answer:
            raise MeasurementError(f"{self._name}: {answer['error']}")
        return answer

    def close_input(self):
        self._process.stdin.close()

    def memory(self):
        """(resident, peak resident) bytes of the process."""
        fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return tuple(int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class ServerProcess(LineProcess):
    """A process that prints "... listening on ADDRESS" first."""

    def __init__(self, command):
        super().__init__(command)
        try:
            line = self.read_line()
            if " listening on " not in line:
                raise MeasurementError(f"{command[0]} printed {line!r}")
        except BaseException:
            self.stop()
            raise
        self.address = line.rsplit(" ", 1)[1]


def weightinit_server(binaries, simd_target, *options):
    return ServerProcess([binaries / "weightinit-server", "--listen", "127.0.0.1:0", "--log-level", "off",
                          "--simd-target", simd_target, *options])


def constant_server(binaries):
    return ServerProcess([binaries / "weightinit-bench-peer-server"])


def throttle(binaries, address, bytes_per_second):
    """A link of this speed to a server."""
    return ServerProcess([binaries / "weightinit-bench-throttle", address, str(bytes_per_second)])
