"""A server that the tests attack, and what can be seen of it from outside."""

import os
import pathlib
import resource
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ.get("WEIGHTINIT_BINARIES", ROOT / "build" / "ci" / "bin"))
SERVER = BINARIES / "weightinit-server"
CLI = BINARIES / "weightinit"


def soon(condition, seconds=30.0):
    """Whether a condition comes true within so many seconds, and after how many."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if condition():
            return True, time.monotonic() - begin
        time.sleep(0.01)
    return False, seconds


class ServerProcess:
    """A context manager: the server with some options, on a port of loopback (default: a free one) and a socket in the file
    system."""

    def __init__(self, *options, log_level="warn", descriptors=None, address_space=None, address="127.0.0.1:0",
                 stderr=subprocess.DEVNULL):
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
            if address_space:
                resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))

        self._directory = tempfile.TemporaryDirectory(prefix="weightinit-faults-")
        # Another client than those of loopback, for limits per client.
        self.unix = f"unix:{self._directory.name}/server.sock"
        self.process = subprocess.Popen(
            [SERVER, "--listen", address, "--listen", self.unix, "--log-level", log_level, *options],
            stdout=subprocess.PIPE, stderr=stderr, text=True,
            # Where it is not needed nothing of ours runs between fork and exec, which gRPC's threads in this process
            # do not always survive.
            preexec_fn=limit if descriptors or address_space else None)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server did not start: {self.process.wait()}")
        self.addresses = line.split()[-1].split(",")
        self.address = self.addresses[0]
        self.host, port = self.address.rsplit(":", 1)
        self.port = int(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.process.stdout.close()
        self._directory.cleanup()

    def kill(self):
        """Ends it at once, if it has not ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def alive(self):
        return self.process.poll() is None

    def resident_mb(self):
        return self._status_mb("VmRSS:")

    def peak_mb(self):
        """The most that was resident since its start, or since forget_peak."""
        return self._status_mb("VmHWM:")

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def _status_mb(self, field):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
        return 0.0

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def terminate(self, timeout=60):
        """Ends it as an orchestrator does; returns its exit status and the seconds it took."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout)
        return status, time.monotonic() - begin
