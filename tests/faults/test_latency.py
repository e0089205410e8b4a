"""How long small calls take: on a new connection to a quiet server, and beside streams that take all they get."""

import contextlib
import os
import subprocess
import time
import unittest

from calls import INITIALIZE, channel, request
from figures import milliseconds, note, quantile, sized, timed
from server_process import CLI, ServerProcess

import weightinit

SMALL = (256,)


class LatencyTest(unittest.TestCase):
    def setUp(self):
        self.expected = weightinit.Local().tensor(SMALL, scheme="normal", seed=1).tobytes()

    def small_calls(self, address, count):
        """The seconds of each of so many calls on one connection; the tensors are right."""
        with weightinit.Client(address, timeout=60) as client:
            def call():
                self.assertEqual(client.tensor(SMALL, scheme="normal", seed=1).tobytes(), self.expected)

            call()
            return [timed(call) for _ in range(count)]

    def test_first_call_on_a_new_connection_to_a_quiet_server(self):
        count, servers = sized(4, 200), sized(2, 25)
        with contextlib.ExitStack() as stack:
            started = [stack.enter_context(ServerProcess()) for _ in range(servers)]
            quiet_since = [time.monotonic()] * servers
            first, second = [], []
            for number in range(count):
                server = started[number % servers]
                time.sleep(max(0.0, quiet_since[number % servers] + 2 - time.monotonic()))
                with channel(server) as connection:
                    call = connection.unary_stream(INITIALIZE)
                    for seconds in (first, second):
                        seconds.append(timed(lambda call=call: list(call(request(SMALL)))))
                quiet_since[number % servers] = time.monotonic()
        note("first call", f"{count} new connections to servers quiet for 2 s: {milliseconds(first)}",
             quantile(first, 0.99) <= 0.005, f"the second call {milliseconds(second)}")

    def test_small_calls_beside_streams_that_take_all_they_get(self):
        count = sized(100, 3000)
        with ServerProcess() as server, contextlib.ExitStack() as stack:
            alone = self.small_calls(server.address, count)
            greedy = [subprocess.Popen(
                [CLI, "init", "--server", server.address, "--shape", "1048576x1048576", "--scheme", "uniform"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
            for process in greedy:
                stack.callback(process.wait)
                stack.callback(process.kill)
            time.sleep(0.5)  # Until they are at their speed.
            beside = self.small_calls(server.address, count)
            self.assertEqual([process.poll() for process in greedy], [None, None])
        note("fairness", f"1 KiB beside two greedy streams: {milliseconds(beside)}", quantile(beside, 0.99) <= 0.0088,
             f"alone {milliseconds(alone)}; what the three processes share is {os.cpu_count()} cores")


if __name__ == "__main__":
    unittest.main()
