"""More than a server admits, and clients that do not read: nothing grows without bound, and others are served."""

import contextlib
import time
import unittest

import attacks
import grpc
import numpy
from calls import INITIALIZE, at_once, channel, has_retry_info, is_served, request, stalled
from figures import milliseconds, note, quantile, sized, timed
from server_process import ServerProcess, soon

import weightinit

# What a stream that nobody reads may cost beside what the server takes for itself.
MB_OF_SERVER, MB_OF_STREAM = 64, 0.85


def fetch_seconds(client):
    """The seconds in which a client receives 256 MiB; the best of three."""
    out = numpy.empty(1 << 26, numpy.float32)
    return min(timed(lambda: client.tensor(out.shape, scheme="uniform", out=out)) for _ in range(sized(1, 3)))


class OverloadTest(unittest.TestCase):
    def setUp(self):
        self.expected = weightinit.Local().tensor((256,), scheme="normal", seed=1).tobytes()

    def assert_served(self, client):
        self.assertEqual(client.tensor((256,), scheme="normal", seed=1).tobytes(), self.expected)

    def note_latency(self, row, alone, beside):
        note(row, f"another's calls {milliseconds(beside)}", quantile(beside, 0.99) <= 0.05,
             f"without them {milliseconds(alone)}")

    def test_one_connection_that_does_not_read_leaves_places_for_others(self):
        stall = sized(3, 15)
        with ServerProcess("--write-stall-seconds", str(stall)) as server, contextlib.ExitStack() as stack:
            unix = stack.enter_context(weightinit.Client(server.unix, timeout=60))
            calls = sized(20, 500)
            alone = [timed(lambda: self.assert_served(unix)) for _ in range(calls)]
            speed_alone = fetch_seconds(unix)
            before = server.resident_mb()
            begin = time.monotonic()
            streams = stalled(stack, server, 256)
            # Half of the places are refused, the rest stalls.
            self.assertTrue(soon(lambda: sum(call.done() for call in streams) >= 128)[0])
            # Not the address of the attacker, which has its share.
            beside = [timed(lambda: self.assert_served(unix)) for _ in range(calls)]
            grown = server.resident_mb() - before
            self.assertLess(grown, MB_OF_SERVER + MB_OF_STREAM * 128)
            speed_beside = fetch_seconds(unix)
            # When they have been cut the attacker's address has places again.
            call = stack.enter_context(channel(server)).unary_stream(INITIALIZE)
            self.assertTrue(soon(lambda: is_served(call))[0])
            cut = time.monotonic() - begin
        self.note_latency("one connection", alone, beside)
        note("one connection", f"{grown:.0f} MB more for 128 streams of 1 GiB")
        note("one connection", f"256 MiB at {speed_alone / speed_beside:.0%} of its speed",
             speed_beside <= 2 * speed_alone, f"{speed_alone:.2f} s without them")
        note("one connection", f"places for its address again after {cut:.1f} s", cut < stall + 5, f"stall timeout {stall} s")

    def test_many_connections_that_do_not_read_hold_what_is_reckoned(self):
        count = sized(100, 1000)
        stall = sized(3, 30)
        options = ["--max-streams", "2000", "--max-streams-per-client", "1000", "--max-bytes-held", str(1 << 30),
                   "--write-stall-seconds", str(stall)]
        with ServerProcess(*options) as server, contextlib.ExitStack() as stack:
            unix = stack.enter_context(weightinit.Client(server.unix, timeout=60))
            calls = sized(20, 500)
            alone = [timed(lambda: self.assert_served(unix)) for _ in range(calls)]
            speed_alone = fetch_seconds(unix)
            before = server.resident_mb()
            message = request((1 << 28,))
            readers = [stack.enter_context(attacks.connect(server)) for _ in range(count)]
            for reader in readers:
                attacks.hello(reader)
                attacks.call(reader, message)
            begin = time.monotonic()
            # Buffers are touched as chunks are made: all are, once nothing grows.
            grown = 0.0
            while server.resident_mb() - before > grown:
                grown = server.resident_mb() - before
                beside = [timed(lambda: self.assert_served(unix)) for _ in range(calls)]
            self.assertGreater(grown, 0.25 * count)
            self.assertLess(grown, MB_OF_SERVER + MB_OF_STREAM * count)
            speed_beside = fetch_seconds(unix)
            self.assertTrue(soon(lambda: all(map(attacks.has_ended, readers)), 60)[0])
            cut = time.monotonic() - begin
        self.note_latency("many connections", alone, beside)
        note("many connections", f"{grown:.0f} MB more for {count} streams; budget 1024 MB", grown <= 1024)
        note("many connections", f"256 MiB at {speed_alone / speed_beside:.0%} of its speed",
             speed_beside <= 2 * speed_alone, f"{speed_alone:.2f} s without them")
        note("many connections", f"all cut after {cut:.1f} s", cut < stall + 10, f"stall timeout {stall} s")

    def test_four_times_the_load_is_refused_with_a_time_to_come_back(self):
        refused, served, wrong = [], [], []
        rounds = sized(40, 500)
        with ServerProcess("--max-streams", "8") as server, contextlib.ExitStack() as stack:
            quiet = stack.enter_context(channel(server)).unary_stream(INITIALIZE)
            alone = [timed(lambda: list(quiet(request((256,))))) for _ in range(rounds)]
            streams = stalled(stack, server, 8)
            for stream in streams:
                next(stream)  # So that it has its place.

            def work(_):
                with channel(server) as connection:
                    call = connection.unary_stream(INITIALIZE)
                    for _ in range(rounds):
                        begin = time.monotonic()
                        try:
                            list(call(request((256,))))
                            served.append(None)
                        except grpc.RpcError as error:
                            refused.append(time.monotonic() - begin)
                            if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED or not has_retry_info(error):
                                wrong.append(error)

            self.assertEqual(at_once(sized(4, 24), work), [])
            for stream in streams:
                stream.cancel()
            self.assertTrue(soon(lambda: is_served(quiet))[0])
        self.assertEqual((served, wrong), ([], []))
        note("overload", f"{len(refused)} refused, all with RetryInfo; {milliseconds(refused)}",
             quantile(refused, 0.99) <= 0.05, f"served alone {milliseconds(alone)}")

    def test_bytes_held_stay_below_the_cap(self):
        # Each stream may hold 3 chunks of 2 MiB: the budget has room for some, and then for smaller chunks.
        with ServerProcess("--max-streams-per-client", "256", "--max-bytes-held", str(64 << 20)) as server:
            with contextlib.ExitStack() as stack:
                before = server.resident_mb()
                message = request((1 << 28,), chunk_bytes=2 << 20)
                readers = [stack.enter_context(attacks.connect(server)) for _ in range(200)]
                for reader in readers:
                    attacks.hello(reader)
                    attacks.call(reader, message)
                highest = 0.0
                for _ in range(20):
                    time.sleep(0.1)  # While it would go on growing.
                    highest = max(highest, server.resident_mb() - before)
                self.assertLess(highest, 64 + MB_OF_SERVER)
                self.assertTrue(server.alive())
                note("overload", f"{highest:.0f} MB more at most, for 200 streams that may hold 64 MiB together")


if __name__ == "__main__":
    unittest.main()
