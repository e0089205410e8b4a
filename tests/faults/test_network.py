"""Networks that delay, reset, are slow or swallow: the bytes are right, or the command gives up at its deadline."""

import contextlib
import pathlib
import subprocess
import tempfile
import threading
import time
import unittest

from bad_network import BadNetwork
from figures import note, sized, timed
from server_process import CLI, ServerProcess

import weightinit


class NetworkTest(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.directory = pathlib.Path(
            self.stack.enter_context(tempfile.TemporaryDirectory(prefix="weightinit-faults-")))
        self.server = self.stack.enter_context(ServerProcess())

    def network(self, **settings):
        return self.stack.enter_context(BadNetwork(self.server.address, **settings))

    def command(self, megabytes, *options):
        """The command for a tensor of so many MiB, the file that it writes, and the bytes that it should."""
        shape = f"{megabytes * 256}x1024"
        made, expected = self.directory / "made.bin", self.directory / f"{megabytes}.bin"
        arguments = [CLI, "init", "--shape", shape, "--activation", "relu", "--seed", "3", "--name", "w"]
        if not expected.exists():
            subprocess.run([*arguments, "-o", expected], check=True, stdout=subprocess.DEVNULL)
        return [*arguments, "-o", made, *options], made, expected.read_bytes()

    def fetch(self, megabytes, address, *options):
        """The seconds that the command takes; its file is as it should be."""
        command, made, expected = self.command(megabytes, "--server", address, "--timeout", "300", *options)
        seconds = timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=320))
        self.assertEqual(made.read_bytes(), expected)
        made.unlink()
        return seconds

    def test_delay(self):
        megabytes = sized(4, 64)
        control = self.fetch(megabytes, self.server.address)
        seconds = self.fetch(megabytes, self.network(delay=0.025).address)
        note("network", f"25 ms each way: {megabytes} MiB in {seconds:.1f} s, equal", control=f"{control:.2f} s")

    def test_connections_are_reset(self):
        megabytes = sized(16, 64)
        control = self.fetch(megabytes, self.server.address)
        network = self.network(resets=0.01)
        for options in ((), ("--parallel", "4")):
            seconds = self.fetch(megabytes, network.address, *options)
        self.assertGreater(network.was_reset, 0)
        note("network", f"1 % of pieces reset the connection, {network.was_reset} times: {megabytes} MiB in "
             f"{seconds:.1f} s, equal", control=f"{control:.2f} s")
        with weightinit.Client(network.address, timeout=300) as client:
            made = client.tensor((1 << 22,), scheme="normal", seed=3)
        self.assertEqual(made.tobytes(), weightinit.Local().tensor((1 << 22,), scheme="normal", seed=3).tobytes())

    def test_one_megabyte_a_second(self):
        megabytes = sized(2, 16)
        control = self.fetch(megabytes, self.server.address)
        seconds = self.fetch(megabytes, self.network(rate=1e6).address)
        note("network", f"1 MB/s: {megabytes} MiB in {seconds:.1f} s, equal", control=f"{control:.2f} s")

    def test_what_is_swallowed_is_given_up_at_the_deadline(self):
        network = self.network()
        network.swallows = True
        for timeout in ("1", "2"):
            command, made, _ = self.command(16, "--server", network.address, "--timeout", timeout)
            begin = time.monotonic()
            self.assertEqual(subprocess.run(command, capture_output=True, timeout=60).returncode, 3)
            seconds = time.monotonic() - begin
            self.assertFalse(made.exists())
        note("network", f"black hole, --timeout {timeout}: exit 3 after {seconds:.2f} s, no file", seconds < 3)

    def test_transfer_goes_on_when_the_network_comes_back(self):
        network = self.network(rate=20e6)
        command, made, expected = self.command(16, "--server", network.address, "--timeout", "300")
        transfer = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        timers = [threading.Timer(after, setattr, (network, "swallows", value))
                  for after, value in ((0.3, True), (2.3, False))]
        for timer in timers:
            timer.start()
        self.assertEqual(transfer.wait(timeout=120), 0)
        for timer in timers:
            timer.join()
        self.assertEqual(made.read_bytes(), expected)


if __name__ == "__main__":
    unittest.main()
