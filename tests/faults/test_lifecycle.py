"""Streams and servers that end before their time: nothing stays, nothing is cut short and called whole."""

import contextlib
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import grpc
from calls import HEALTH, INITIALIZE, SERVING, admitted_at_once, channel, payload, request, stalled
from figures import note, sized
from server_process import CLI, ServerProcess, soon

import weightinit


class CancelTest(unittest.TestCase):
    def test_streams_cancelled_at_random_points_leave_nothing(self):
        places = 64
        count = sized(2000, 10000)
        with ServerProcess("--max-streams", str(places), "--max-streams-per-client", str(places)) as server:
            with channel(server) as connection:
                call = connection.unary_stream(INITIALIZE)
                dice = random.Random(1)

                def some(count):
                    for _ in range(count):
                        stream = call(request((dice.choice((16, 1 << 16, 1 << 22)),)))
                        try:
                            for _ in range(dice.randrange(4)):
                                if next(stream, None) is None:
                                    break
                        except grpc.RpcError as error:
                            # Streams of which the server has still to hear that they have ended.
                            self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                        stream.cancel()

                some(300)  # What is allocated once.
                self.assertTrue(soon(lambda: admitted_at_once(server, places))[0])
                before, descriptors, threads = server.resident_mb(), server.descriptors(), server.threads()
                some(count)
                idle, seconds = soon(lambda: admitted_at_once(server, places))
                self.assertTrue(idle)
                drifted = soon(lambda: server.resident_mb() < before + 10)[0]
                drift = server.resident_mb() - before
                self.assertTrue(drifted, f"{drift:.1f} MB more")
                self.assertTrue(soon(lambda: server.descriptors() <= descriptors)[0])
                self.assertLessEqual(server.threads(), threads + 4)
                grown = server.threads() - threads
        note("cancel", f"{count} cancelled; all {places} places free after {seconds:.2f} s", seconds <= 1)
        note("cancel", f"{drift:+.1f} MB, +0 descriptors, {grown:+d} threads")


class DrainTest(unittest.TestCase):
    def test_term_with_fifty_streams_ends_in_time_and_cuts_none_silently(self):
        drain, elements = 2, sized(1 << 22, 1 << 26)
        options = ["--drain-seconds", str(drain), "--drain-delay-seconds", "0.5"]
        with ServerProcess(*options) as server, contextlib.ExitStack() as stack:
            # Half of them read.
            unread = stalled(stack, server, 25)
            readers = [stack.enter_context(channel(server)) for _ in range(25)]
            ended = {"whole": 0, "cut": 0, "short": 0}
            begun = threading.Barrier(len(readers) + 1, timeout=60)

            def read(connection):
                stream = connection.unary_stream(INITIALIZE)(request((elements,)))
                received = payload(next(stream))
                begun.wait()
                try:
                    for message in stream:
                        received += payload(message)
                    ended["whole" if received == 4 * elements else "short"] += 1
                except grpc.RpcError:
                    ended["cut"] += 1

            threads = [threading.Thread(target=read, args=(each,)) for each in readers]
            health = stack.enter_context(channel(server)).unary_unary(HEALTH)
            self.assertEqual(health(b""), SERVING)
            for thread in threads:
                thread.start()
            begun.wait()
            seen = []

            def watch():
                try:
                    while not seen:
                        if health(b"", timeout=5) != SERVING:
                            seen.append("NOT_SERVING")
                except grpc.RpcError as error:
                    seen.append(error.code())

            watcher = threading.Thread(target=watch)
            watcher.start()
            status, seconds = server.terminate()
            watcher.join()
            for thread in threads:
                thread.join()
            for stream in unread:
                with self.assertRaises(grpc.RpcError):
                    self.fail(f"a stream of {len(list(stream))} parts ended well")
        self.assertEqual(seen, ["NOT_SERVING"])
        self.assertEqual(status, 0)
        self.assertEqual(ended["short"], 0)
        self.assertEqual(ended["whole"] + ended["cut"], 25)
        self.assertLess(seconds, 0.5 + drain + 10)
        note("drain", f"NOT_SERVING seen; exit 0 after {seconds:.2f} s; {ended['whole']} of 25 readers got all, "
             f"{ended['cut']} and the 25 that did not read got an error", seconds <= 0.5 + drain + 0.5,
             f"delay 0.5 s, drain timeout {drain} s")


class KillTest(unittest.TestCase):
    def test_kill_and_restart_during_transfers_leaves_whole_files_alone(self):
        dice = random.Random(1)
        killed, given_up = {"server": 0, "command": 0}, 0
        shape = sized("4096x4096", "8192x4096")
        with contextlib.ExitStack() as stack:
            directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weightinit-faults-")))
            arguments = [CLI, "init", "--shape", shape, "--activation", "relu", "--seed", "7", "--name", "w"]
            subprocess.run([*arguments, "-o", directory / "expected.bin"], check=True, stdout=subprocess.DEVNULL)
            expected = (directory / "expected.bin").read_bytes()
            server = stack.enter_context(ServerProcess())
            output = directory / "made.bin"
            command = [*arguments, "--server", server.address, "--resume", "-o", output]
            for turn in range(sized(8, 50)):
                transfer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                time.sleep(dice.uniform(0.01, 0.15))
                if turn % 2:
                    self.assertFalse(output.exists() and output.stat().st_size != len(expected))
                    transfer.send_signal(signal.SIGKILL)
                    transfer.communicate()
                    killed["command"] += transfer.returncode == -signal.SIGKILL
                else:
                    killed["server"] += transfer.poll() is None
                    server.kill()
                    server = stack.enter_context(ServerProcess(address=server.address))
                    said = transfer.communicate(timeout=60)[1]
                    # 3: it has given up before the server was there again.
                    self.assertIn(transfer.returncode, (0, 3), said)
                    given_up += transfer.returncode == 3
                # What was broken off goes on, in the file that is there for it.
                if not output.exists():
                    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)
                self.assertEqual(output.read_bytes(), expected)
                output.unlink()
                self.assertEqual(sorted(path.name for path in directory.iterdir()), ["expected.bin"])
        self.assertGreater(killed["server"], 0)
        self.assertGreater(killed["command"], 0)
        note("kill", f"{killed['server']} servers and {killed['command']} commands killed during a transfer, {given_up} "
             "gave up meanwhile and went on when called again; every file byte-equal, nothing else stayed")

    def test_python_client_goes_on_after_a_restart(self):
        local = weightinit.Local().tensor((1 << 22,), scheme="normal", seed=3).tobytes()
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(ServerProcess())
            client = stack.enter_context(weightinit.Client(server.address, timeout=60))
            for _ in range(sized(3, 10)):
                killer = threading.Timer(0.005, server.process.kill)
                killer.start()
                made = []
                fetch = threading.Thread(
                    target=lambda made=made: made.append(client.tensor((1 << 22,), scheme="normal", seed=3)))
                fetch.start()
                killer.join()
                server.kill()
                server = stack.enter_context(ServerProcess(address=server.address))
                fetch.join()
                self.assertEqual(made[0].tobytes(), local)


if __name__ == "__main__":
    unittest.main()
