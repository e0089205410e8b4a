"""Less memory than the clients would like to use, and requests that nobody should send."""

import contextlib
import unittest

import attacks
import grpc
import invalid_requests
from calls import SERVICE, channel, request
from figures import note
from server_process import ServerProcess, soon

import weightinit


def gets_its_tensor(client):
    """Whether a client is served, and rightly."""
    try:
        made = client.tensor((256,), scheme="normal", seed=1)
    except weightinit.WeightInitError:
        return False
    return made.tobytes() == weightinit.Local().tensor((256,), scheme="normal", seed=1).tobytes()


class LimitedMemoryTest(unittest.TestCase):
    def test_full_load_in_limited_address_space_is_refusals_and_no_crash(self):
        # Code, stacks and arenas of threads take their part of it.
        for megabytes in (512, 1024):
            with self.subTest(megabytes), contextlib.ExitStack() as stack:
                server = stack.enter_context(ServerProcess(
                    "--max-streams-per-client", "256", address_space=megabytes << 20))
                message = request((1 << 28,), chunk_bytes=2 << 20)
                readers = [stack.enter_context(attacks.connect(server)) for _ in range(256)]
                for reader in readers:
                    with contextlib.suppress(OSError):
                        attacks.hello(reader)
                        attacks.call(reader, message)
                self.assertTrue(soon(lambda server=server: server.resident_mb() > 40)[0])
                # While they would go on growing; what is asked for meanwhile is served or refused.
                client = stack.enter_context(weightinit.Client(server.unix, timeout=20))
                served = sum(gets_its_tensor(client) for _ in range(100))
                self.assertTrue(server.alive())
                highest = server.peak_mb()
                for reader in readers:
                    reader.close()
                self.assertTrue(soon(lambda client=client: gets_its_tensor(client))[0])
                self.assertTrue(server.alive())
                note("memory", f"{megabytes} MiB: alive, {highest:.0f} MB resident at most, {served} of 100 "
                     "others' calls served, all of them afterwards")


class InvalidRequestsTest(unittest.TestCase):
    def test_each_gets_its_code_and_costs_little(self):
        requests = invalid_requests.all_of_them()
        self.assertGreaterEqual(len(requests), 200)
        costs, wrong = [], []
        with ServerProcess() as server, channel(server) as connection:
            def send(method, message):
                try:
                    list(connection.unary_stream(SERVICE + method)(message, timeout=20))
                except grpc.RpcError as error:
                    return error.code().name
                return "OK"

            for _, method, message, _ in requests[::5]:  # What is allocated once.
                send(method, message)
            for name, method, message, code in requests:
                server.forget_peak()
                before = server.resident_mb()
                got = send(method, message)
                if got != code:
                    wrong.append((name, got, code))
                costs.append((server.peak_mb() - before, name))
            self.assertTrue(server.alive())
            with weightinit.Client(server.address) as client:
                self.assertTrue(gets_its_tensor(client))
        self.assertEqual(wrong, [])
        most, which = max(costs)
        self.assertLessEqual(most, 1, which)
        note("invalid", f"{len(requests)} requests, all refused with the right code; {most:.2f} MiB more at most")


if __name__ == "__main__":
    unittest.main()
