"""More than a server admits, and clients that do not read: nothing grows without bound, and others are served."""

import contextlib
import os
import random
import threading
import time
import unittest

import grpc
from server_process import ServerProcess, soon

import weightinit
from weightinit._requests import tensor_request

INITIALIZE = "/weightinit.v1.WeightInitService/InitializeTensor"
HEALTH = "/grpc.health.v1.Health/Check"


def request(shape, **arguments):
    """A serialized InitializeTensorRequest."""
    return tensor_request(shape, {"scheme": "normal", **arguments}).SerializeToString()


def channel(server, *options):
    """A connection that no other channel shares."""
    return grpc.insecure_channel(server.address, options=[
        ("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1), *options])


def stalled(stack, server, count, shape=(1 << 28,)):
    """Streams on one connection that nobody reads; returns their calls."""
    # Without the probe the windows stay small; with it the client's transport goes on to take in
    # gigabytes that nobody reads, and the streams are not stalled until it has.
    connection = stack.enter_context(channel(server, ("grpc.http2.bdp_probe", 0)))
    start = connection.unary_stream(INITIALIZE)
    return [start(request(shape)) for _ in range(count)]


def retry_delay(error):
    """The seconds of RetryInfo in the details of an error; None without it."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and b"google.rpc.RetryInfo" in value:
            return True
    return None


class OverloadTest(unittest.TestCase):
    def setUp(self):
        self.expected = weightinit.Local().tensor((256,), scheme="normal", seed=1).tobytes()

    def assert_served(self, client):
        self.assertEqual(client.tensor((256,), scheme="normal", seed=1).tobytes(), self.expected)

    def test_one_connection_that_does_not_read_leaves_places_for_others(self):
        with ServerProcess("--write-stall-seconds", "3") as server, contextlib.ExitStack() as stack:
            before = server.resident_mb()
            streams = stalled(stack, server, 256)
            # Half of the places are refused, the rest stalls.
            self.assertTrue(soon(lambda: sum(call.done() for call in streams) >= 128)[0])
            # Not the address of the attacker, which has its share.
            unix = stack.enter_context(weightinit.Client(server.unix, timeout=20))
            for _ in range(20):
                self.assert_served(unix)
            self.assertLess(server.resident_mb() - before, 64 + 0.85 * 128)
            # When they have been cut the attacker's address has places again.
            call = stack.enter_context(channel(server)).unary_stream(INITIALIZE)
            self.assertTrue(soon(lambda: self._is_served(call))[0])

    def test_four_times_the_load_is_refused_with_a_time_to_come_back(self):
        with ServerProcess("--max-streams", "8") as server, contextlib.ExitStack() as stack:
            streams = stalled(stack, server, 8)
            for stream in streams:
                next(stream)  # So that it has its place.
            connection = stack.enter_context(channel(server))
            call = connection.unary_stream(INITIALIZE)
            for _ in range(200):
                with self.assertRaises(grpc.RpcError) as refused:
                    list(call(request((256,))))
                self.assertEqual(refused.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                self.assertTrue(retry_delay(refused.exception))
            for stream in streams:
                stream.cancel()
            self.assertTrue(soon(lambda: self._is_served(call))[0])

    @staticmethod
    def _is_served(call):
        try:
            return bool(list(call(request((256,)))))
        except grpc.RpcError:
            return False

    def test_streams_cancelled_at_random_points_leave_nothing(self):
        with ServerProcess() as server, contextlib.ExitStack() as stack:
            connection = stack.enter_context(channel(server))
            call = connection.unary_stream(INITIALIZE)
            dice = random.Random(1)

            def some(count):
                for _ in range(count):
                    stream = call(request((dice.choice((16, 1 << 16, 1 << 22)),)))
                    for _ in range(dice.randrange(4)):
                        if next(stream, None) is None:
                            break
                    stream.cancel()

            some(300)  # What is allocated once.
            before, descriptors, threads = server.resident_mb(), server.descriptors(), server.threads()
            some(3000)
            self.assertTrue(soon(lambda: server.resident_mb() < before + 10)[0])
            self.assertLessEqual(server.descriptors(), descriptors)
            self.assertLessEqual(server.threads(), threads + 4)
            with weightinit.Client(server.address) as client:
                self.assert_served(client)

    def test_term_with_streams_that_nobody_reads_ends_in_time(self):
        with ServerProcess("--drain-seconds", "2", "--drain-delay-seconds", "0.5") as server:
            with contextlib.ExitStack() as stack:
                streams = stalled(stack, server, 50)
                connection = stack.enter_context(channel(server))
                health = connection.unary_unary(HEALTH)
                self.assertEqual(health(b""), b"\x08\x01")
                seen = []

                def watch():
                    try:
                        while not seen:
                            if health(b"", timeout=5) != b"\x08\x01":
                                seen.append("NOT_SERVING")
                    except grpc.RpcError as error:
                        seen.append(error.code())

                watcher = threading.Thread(target=watch)
                watcher.start()
                status, seconds = server.terminate()
                watcher.join()
                self.assertEqual(seen, ["NOT_SERVING"])
                self.assertEqual(status, 0)
                self.assertLess(seconds, 0.5 + 2 + 2.5)
                for stream in streams:
                    with self.assertRaises(grpc.RpcError):
                        parts = list(stream)
                        self.fail(f"a stream of {len(parts)} parts ended well")

    def test_limited_address_space_is_refusals_and_no_crash(self):
        with ServerProcess("--max-streams-per-client", "256", address_space=1 << 30) as server:
            with contextlib.ExitStack() as stack:
                streams = []
                for _ in range(4):
                    connection = stack.enter_context(channel(server))
                    start = connection.unary_stream(INITIALIZE)
                    large = tensor_request((1 << 28,), {"scheme": "normal"})
                    large.chunk_bytes = 2 << 20
                    streams += [start(large.SerializeToString()) for _ in range(64)]
                self.assertTrue(soon(lambda: server.resident_mb() > 100)[0])
                time.sleep(1)  # While they would go on growing.
                self.assertTrue(server.alive())
            with weightinit.Client(server.address) as client:
                self.assertTrue(soon(lambda: self._gets_its_tensor(client))[0])

    def _gets_its_tensor(self, client):
        try:
            self.assert_served(client)
        except weightinit.WeightInitError:
            return False
        return True

    def test_mixed_requests_with_random_cancels_have_no_wrong_byte(self):
        rounds = int(os.environ.get("WEIGHTINIT_FAULT_ROUNDS", "25"))
        failures = []
        with ServerProcess() as server:
            local = weightinit.Local()

            def work(number):
                try:
                    mix(number)
                except Exception as error:  # Any is a failure of the test.
                    failures.append(repr(error))

            def mix(number):
                dice = random.Random(number)
                with weightinit.Client(server.address) as client, channel(server) as connection:
                    call = connection.unary_stream(INITIALIZE)
                    for i in range(rounds):
                        shape = (dice.choice((1, 100, 4097, 300000)),)
                        arguments = {"scheme": dice.choice(("normal", "uniform", "truncated_normal", "zeros")),
                                     "dtype": dice.choice(("float32", "float16", "bfloat16", "float64")),
                                     "name": f"w{number}.{i}", "seed": i}
                        if dice.random() < 0.3:
                            stream = call(request(shape, **{k: v for k, v in arguments.items() if k != "scheme"}))
                            next(stream, None)
                            stream.cancel()
                            continue
                        if client.tensor(shape, **arguments).tobytes() != local.tensor(shape, **arguments).tobytes():
                            failures.append(arguments)

            threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertTrue(server.alive())
        self.assertEqual(failures, [])


if __name__ == "__main__":
    unittest.main()
