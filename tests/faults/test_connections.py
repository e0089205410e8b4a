"""Connections of bad will or bad luck: others are served all the while."""

import contextlib
import time
import unittest

import attacks
import grpc
from attacks import METHOD as INITIALIZE
from figures import FULL, meanwhile, milliseconds, note, quantile, timed
from server_process import ServerProcess, soon

import weightinit
from weightinit._requests import tensor_request


def answers(server, timeout=10.0):
    """Whether a new client gets its tensor, and after how many seconds."""
    begin = time.monotonic()
    try:
        with weightinit.Client(server.address, timeout=timeout) as client:
            made = client.tensor((256,), scheme="normal", seed=1)
    except weightinit.WeightInitError:
        return False, time.monotonic() - begin
    assert made.tobytes() == weightinit.Local().tensor((256,), scheme="normal", seed=1).tobytes()
    return True, time.monotonic() - begin


class ConnectionsTest(unittest.TestCase):
    def assert_serves(self, server):
        self.assertTrue(server.alive())
        self.assertTrue(answers(server)[0])

    @contextlib.contextmanager
    def attack(self, name, server):
        """Notes what others feel of an attack, which is the block, and what memory it takes."""
        def call():
            self.assertTrue(answers(server)[0])

        alone = [timed(call) for _ in range(20)]
        before = server.resident_mb()
        server.forget_peak()
        with meanwhile(call) as (seconds, errors):
            yield
        self.assertEqual(errors, [])
        burst = server.peak_mb()
        soon(lambda: server.resident_mb() < before + 20)
        note("attacks", f"{name}: another's calls {milliseconds(seconds)}; {burst:.0f} MB resident at most, "
             f"{server.resident_mb() - before:+.0f} MB afterwards",
             quantile(seconds, 0.99) <= 0.1 and burst <= 512 and server.resident_mb() <= before + 20,
             f"without it {milliseconds(alone)}")

    def test_descriptors_that_ran_out_are_used_again(self):
        with ServerProcess(descriptors=128) as server, contextlib.ExitStack() as stack:
            connections = [stack.enter_context(attacks.connect(server)) for _ in range(500)]
            for connection in connections:
                with contextlib.suppress(OSError):
                    attacks.hello(connection)
            # Those that no descriptor is left for are told so.
            self.assertTrue(soon(lambda: sum(map(attacks.is_closed, connections)) >= 370)[0])
            for connection in connections:
                connection.close()
            served, after = soon(lambda: answers(server)[0])
            self.assertTrue(served)
            self.assertTrue(soon(lambda: server.descriptors() < 64)[0])
            note("descriptors", f"500 connections: serves {after:.2f} s after they have closed", after <= 1)

    def test_connections_above_the_cap_are_closed_and_others_stay(self):
        with ServerProcess("--max-connections", "20") as server, contextlib.ExitStack() as stack:
            connections = [stack.enter_context(attacks.connect(server)) for _ in range(50)]
            self.assertTrue(soon(lambda: sum(map(attacks.is_closed, connections)) == 30)[0])
            for connection in connections:
                connection.close()
            self.assertTrue(soon(lambda: answers(server)[0])[0])

    def test_requests_that_never_end_are_cut(self):
        with ServerProcess("--connection-idle-seconds", "1") as server, contextlib.ExitStack() as stack:
            before = server.descriptors()
            connections = [stack.enter_context(attacks.connect(server)) for _ in range(200)]
            with self.attack("200 requests that do not end", server):
                for connection in connections:
                    attacks.hello(connection)
                    attacks.begin_call(connection, body=b"\x00\x00\x00\x00\xff")
                self.assertTrue(soon(lambda: all(map(attacks.is_closed, connections)))[0])
            self.assertTrue(soon(lambda: server.descriptors() <= before + 5)[0])
            self.assert_serves(server)

    def test_connections_that_never_speak_are_cut(self):
        with ServerProcess("--connection-idle-seconds", "1") as server, contextlib.ExitStack() as stack:
            with self.attack("200 connections that never speak", server):
                connections = [stack.enter_context(attacks.connect(server)) for _ in range(200)]
                self.assertTrue(soon(lambda: all(map(attacks.is_closed, connections)))[0])

    def test_connection_with_a_slow_stream_is_not_idle(self):
        large = tensor_request((1 << 26,), {"scheme": "zeros"}).SerializeToString()
        with ServerProcess("--connection-idle-seconds", "1", "--listen", "[::1]:0") as server:
            for address in server.addresses:
                with self.subTest(address), grpc.insecure_channel(address) as channel:
                    count = 0
                    for count, _ in enumerate(channel.unary_stream(INITIALIZE)(large)):
                        if count < 16:
                            time.sleep(0.5)  # In all longer than it takes until an idle one is cut.
                    self.assertGreater(count, 1000)

    def test_garbage_ends_its_connection_alone(self):
        with ServerProcess() as server, contextlib.ExitStack() as stack:
            garbage = [
                b"\x00" * 1000,
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                attacks.PREFACE + b"\xff" * 4096,
                attacks.PREFACE + attacks.frame(attacks.HEADERS, attacks.END_HEADERS, 1, b"\xff" * 200),
                attacks.PREFACE + attacks.frame(attacks.DATA, 0, 7, b"x" * 100),
                attacks.PREFACE + attacks.frame(attacks.SETTINGS, 0, 0, b"x" * 5),
            ]
            connections = [stack.enter_context(attacks.connect(server)) for _ in garbage]
            for connection, sent in zip(connections, garbage, strict=True):
                connection.sendall(sent)
            truncated = stack.enter_context(attacks.connect(server))
            truncated.sendall(attacks.PREFACE[:10])
            truncated.close()
            self.assertTrue(soon(lambda: all(map(attacks.is_closed, connections)))[0])
            self.assert_serves(server)

    def test_headers_that_do_not_end_are_cut(self):
        block = attacks.call_headers()
        with ServerProcess() as server:
            for name, flood in {
                # A value of two gigabytes; a number with zeros before it; headers without end.
                "value": (block + b"\x00\x01a\x7f\x81\xff\xff\xff\x07", 16384 * b"a"),
                "number": (block + b"\x00\x01a\x7f", 16384 * b"\x80"),
                "headers": (block, 3276 * b"\x00\x01a\x01b"),
            }.items():
                with (self.subTest(name), attacks.connect(server) as connection,
                      self.attack(f"a header that does not end ({name})", server)):
                    attacks.hello(connection)
                    # Once it is cut, nobody reads what comes, or says so.
                    connection.settimeout(3)
                    first, more = flood
                    sent = 0
                    try:
                        connection.sendall(attacks.frame(attacks.HEADERS, 0, 1, first))
                        while sent < 1 << 30:
                            connection.sendall(attacks.frame(attacks.CONTINUATION, 0, 1, more))
                            sent += len(more)
                    except OSError:
                        pass
                    self.assertLess(sent, 1 << 30)
                    self.assert_serves(server)
                    # Some 400, and more where the server is slow to look; 1 GiB would take 45 of them.
                    self.assertLess(server.resident_mb(), 1024)

    def test_header_of_8_megabytes_is_answered(self):
        block = attacks.call_headers() + b"\x00\x01a\x7f" + attacks.integer(8_000_000 - 127) + 8_000_000 * b"a"
        pieces = [block[at:at + 16384] for at in range(0, len(block), 16384)]
        with (ServerProcess() as server, attacks.connect(server) as connection,
              self.attack("a header of 8 MB", server)):
            attacks.hello(connection)
            for i, piece in enumerate(pieces):
                connection.sendall(attacks.frame(
                    attacks.CONTINUATION if i else attacks.HEADERS,
                    (0 if i else attacks.END_STREAM) | (attacks.END_HEADERS if i + 1 == len(pieces) else 0), 1, piece))
            self.assertTrue(attacks.comes(connection, b"grpc-status"))
            self.assert_serves(server)

    def test_streams_reset_at_once_leave_nothing(self):
        with ServerProcess() as server:
            self.assert_serves(server)
            before, descriptors = server.resident_mb(), server.descriptors()
            with attacks.connect(server) as connection, self.attack("20,000 resets on a connection", server):
                attacks.hello(connection)
                attacks.reset_calls(connection, 20000)
                self.assertTrue(soon(lambda: attacks.is_closed(connection))[0])
                self.assert_serves(server)
                self.assertLess(server.resident_mb(), 512)
            self.assertTrue(soon(lambda: server.resident_mb() < before + 20)[0],
                            f"{before:.0f} MB before, {server.resident_mb():.0f} MB after")
            self.assertTrue(soon(lambda: server.descriptors() <= descriptors)[0])
            self.assert_serves(server)

    def test_streams_reset_again_and_again_are_cut_each_time(self):
        whole = tensor_request((256,), {"scheme": "normal"}).SerializeToString()
        for what, body in {"no request": None, "a request": whole, "a request refused": b""}.items():
            with self.subTest(what), ServerProcess() as server:
                seconds, cut = 60 if FULL else 3, 0
                with self.attack(f"2,000 resets a second for {seconds} s, with {what}", server):
                    begin = time.monotonic()
                    while time.monotonic() < begin + seconds:
                        with attacks.connect(server) as connection:
                            attacks.hello(connection)
                            first = 0
                            while time.monotonic() < begin + seconds:
                                first = attacks.reset_calls(connection, 100, first, body)
                                if attacks.is_closed(connection):
                                    cut += 1
                                    break
                                time.sleep(0.05)
                self.assertGreater(cut, 0)
                self.assert_serves(server)

    def test_connection_stays_when_a_batch_of_calls_is_given_up(self):
        with ServerProcess() as server, attacks.connect(server) as connection:
            attacks.hello(connection)
            attacks.reset_calls(connection, 400)
            # The answer to a ping comes on a connection that is alive.
            connection.sendall(attacks.frame(attacks.PING, 0, 0, b"8 bytes!"))
            self.assertTrue(attacks.comes(connection, b"8 bytes!"))


if __name__ == "__main__":
    unittest.main()
