"""What the command line does when something goes wrong: exit status, message, and
no harm to files."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import time
import unittest
import zlib

import numpy as np

from cli_process import (CLI, CliTestCase, fake_server, real_server, refusing_address,
                         start_cli)

# What the fake server knows how to serve: 100 elements of float32.
FAKE_TENSOR = ("--shape", "10x10", "--dtype", "float32")
BIG_TENSOR = ("--shape", "4096x8192", "--activation", "relu")  # 128 MiB


class UsageTest(CliTestCase):

    def test_options_that_do_not_parse(self):
        for arguments, words in [
            (["init", "--shape", "4x4", "--bogus"], "--bogus"),
            (["init", "--shape", "4x4", "stray"], "stray"),
            (["init"], "--shape is required"),
            (["init", "--shape"], "--shape"),
            (["bogus"], "bogus"),
            ([], "subcommand"),
            (["init", "--shape", "4xfour"], "--shape"),
            (["init", "--shape", "4x4", "--scheme", "kaiming"], "he_normal"),
            (["init", "--shape", "4x4", "--activation", "step"], "leaky_relu"),
            (["init", "--shape", "4x4", "--dtype", "int8"], "bfloat16"),
            (["init", "--shape", "4x4", "--layout", "nchw"], "out_in"),
            (["init", "--shape", "4x4", "--seed", "-1"], "18446744073709551615"),
            (["init", "--shape", "4x4", "--slice", "0:2:1,:"], "--slice"),
            (["init", "--shape", "4x4", "--stddev", "wide"], "--stddev"),
            (["init", "--shape", "4x4", "--timeout", "0"], "--timeout"),
            (["init", "--shape", "4x4", "--server", "localhost"], "--server"),
            (["init", "--shape", "4x4", "-o", "w.pt"], "npy, safetensors, bin"),
            (["init", "--shape", "4x4", "--format", "pt"], "npy, safetensors, bin"),
            (["init", "--shape", "4", "--name", "__metadata__", "-o", "w.safetensors"],
             "reserved"),
            (["describe", "--shape", "4x4", "-o", "w.npy"], "-o"),
            (["init", "--shape", "4x4", "--threads", "0"],
             '--threads: "0" is not an integer from 1 to 1024'),
            (["init", "--shape", "4x4", "--threads", "1025"], "--threads"),
            (["init", "--shape", "4x4", "--threads", "x"], "--threads"),
        ]:
            with self.subTest(arguments):
                self.assertIn(words, self.fail_with(2, *arguments, cwd=self.directory))
                self.assertEqual(os.listdir(self.directory), [])

    def test_requests_that_the_service_rejects(self):
        # What is rejected is the core's to say; here, that its words and exit status arrive.
        for arguments, words in [
            (["--shape", "4x4", "--scheme", "normal", "--stddev", "nan"],
             "tensor.parameters.stddev: is nan; must be finite"),
            (["--shape", "4x4", "--first-element", "17"], "first_element: is 17; must be from 0 to 16"),
            (["--shape", "4x4", "--first-element", "6", "--element-count", "11"],
             "element_count: is 11; must be from 0 to 10"),
            (["--shape", "4x4", "--element-count", "-1"], "element_count: is -1; must be at least 0"),
        ]:
            for command in ["init", "describe"]:
                with self.subTest(arguments, command=command):
                    self.assertIn(words, self.fail_with(2, command, *arguments))

    def test_name_that_is_not_utf8_leaves_one_line(self):
        for command in ["init", "describe"]:
            self.assertEqual(self.fail_with(2, command, "--shape", "4", "--name", b"\xff"),
                             "weightinit: tensor.name: is not valid UTF-8\n")


class OutputTest(CliTestCase):

    def setUp(self):
        super().setUp()
        with open(self.path("old.bin"), "wb") as file:
            file.write(b"old")

    def assert_nothing_changed(self):
        self.assertEqual(os.listdir(self.directory), ["old.bin"])
        self.assertEqual(self.read("old.bin"), b"old")

    def test_path_that_cannot_be_written_fails_before_the_server_is_asked(self):
        with refusing_address() as address:
            for path, words in [(self.path("missing/w.bin"), "No such file or directory"),
                                (self.path("old.bin/w.bin"), "Not a directory"),
                                (self.directory, "Is a directory")]:
                message = self.fail_with(1, "init", "--shape", "4", "--server", address,
                                         "--format", "bin", "-o", path)
                self.assertIn(path, message)
                self.assertIn(words, message)
        self.assert_nothing_changed()

    def test_full_disk(self):
        for arguments in [["--json"], ["-o", "-"]]:
            with open("/dev/full", "wb") as full:
                message = self.fail_with(1, "init", "--shape", "4x4", *arguments,
                                         stdout=full)
            self.assertIn("standard output: No space left on device", message)
        message = self.fail_with(1, "init", "--shape", "4x4", "--format", "npy", "-o",
                                 "/dev/full")
        self.assertIn("/dev/full: No space left on device", message)

    def test_file_size_limit(self):
        message = self.fail_with(
            1, "init", "--shape", "1000000", "-o", self.path("old.bin"),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000)))
        self.assertIn("File too large", message)
        self.assert_nothing_changed()

    def test_closed_pipe(self):
        with start_cli("init", *BIG_TENSOR, "-o", "-") as process:
            self.assertEqual(len(process.stdout.read(1000)), 1000)
            process.stdout.close()
            message = process.stderr.read().decode()
        self.assertEqual(process.returncode, 1)
        self.assertIn("standard output: Broken pipe", message)

    def test_closed_standard_output(self):
        shell = ["sh", "-c", 'exec "$0" "$@" >&-', CLI, "init", "--shape", "4x4"]
        result = subprocess.run([*shell, "-o", self.path("old.bin")],
                                capture_output=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"standard output: Bad file descriptor", result.stderr)
        # The report, which had nowhere to go, is not in the file.
        self.assertEqual(len(self.read("old.bin")), 64)

    def test_invalid_request_leaves_the_file(self):
        self.fail_with(2, "init", "--shape", "4x-4", "-o", self.path("old.bin"))
        self.assert_nothing_changed()

    def test_corrupt_streams(self):
        for fault, words in [("crc", "CRC-32"), ("order", "starts at element"),
                             ("no_header", "before the header"),
                             ("no_trailer", "without a trailer"),
                             ("trailer", "the trailer has CRC-32")]:
            with self.subTest(fault), fake_server(fault) as server:
                message = self.fail_with(4, "init", *FAKE_TENSOR, "--server",
                                         server.address, "-o", self.path("old.bin"))
                self.assertIn("verification failed", message)
                self.assertIn(words, message)
                self.assert_nothing_changed()

    def test_errors_of_the_server(self):
        for fault, status, words in [("exhausted", 3, "larger than max"),
                                     ("internal", 1, "a bug")]:
            with self.subTest(fault), fake_server(fault) as server:
                message = self.fail_with(status, "init", *FAKE_TENSOR, "--server",
                                         server.address, "-o", self.path("old.bin"))
                self.assertIn(words, message)
                self.assert_nothing_changed()

    def test_full_server_is_asked_again(self):
        with fake_server("busy_once") as server:
            self.succeed("init", *FAKE_TENSOR, "--server", server.address, "-o",
                         self.path("old.bin"))
        self.assertEqual(self.read("old.bin"), np.arange(100, dtype="<f4").tobytes())

    def test_full_server_is_passed_over(self):
        with real_server("--max-streams", "1") as full, real_server() as idle:
            with start_cli("init", "--server", full.address, *BIG_TENSOR, "-o", "-") as first:
                self.assertEqual(len(first.stdout.read(1000)), 1000)
                alone = self.succeed("init", "--shape", "64x64", "-o", "-").stdout
                both = f"{full.address},{idle.address}"
                self.assertEqual(
                    self.succeed("init", "--shape", "64x64", "--server", both, "-o",
                                 "-").stdout, alone)
                message = self.fail_with(3, "init", "--shape", "64x64", "--timeout", "0.3",
                                         "--server", full.address)
                self.assertIn(f"no server had room within the timeout of 300ms: {full.address}: "
                              "the server already serves 1 streams", message)
                first.kill()

    def test_unreachable_server(self):
        with refusing_address() as address:
            for command in [["init", "--shape", "4"], ["describe", "--shape", "4"],
                            ["info"]]:
                message = self.fail_with(3, *command, "--server", address)
                self.assertIn(address, message)

    def test_timeout_of_a_stalled_stream(self):
        with fake_server("stall") as server:
            message = self.fail_with(3, "init", *FAKE_TENSOR, "--timeout", "0.5",
                                     "--server", server.address, "-o",
                                     self.path("old.bin"))
        self.assertIn("Deadline Exceeded", message)
        self.assert_nothing_changed()

    def end_stalled(self, number):
        """Exit status of a command line that is sent a signal in mid-stream."""
        with fake_server("stall") as server, start_cli(
                "init", *FAKE_TENSOR, "--server", server.address, "-o",
                self.path("old.bin")) as process:
            self.assertEqual(server.read_line(), "stalled")
            process.send_signal(number)
            process.communicate()
        return process.returncode

    def test_interrupt_leaves_the_file(self):
        self.assertEqual(self.end_stalled(signal.SIGINT), 130)
        self.assert_nothing_changed()

    def test_termination_leaves_the_file(self):
        self.assertEqual(self.end_stalled(signal.SIGTERM), 143)
        self.assert_nothing_changed()

    def test_kill_leaves_the_file(self):
        try:
            os.close(os.open(self.directory, os.O_TMPFILE | os.O_WRONLY))
        except OSError as error:
            self.skipTest(f"no files without a name here: {error}")
        self.assertEqual(self.end_stalled(signal.SIGKILL), -signal.SIGKILL)
        self.assert_nothing_changed()

    def test_ignored_interrupt_stays_ignored(self):
        with fake_server("stall") as server, start_cli(
                "init", *FAKE_TENSOR, "--server", server.address,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
        ) as process:
            self.assertEqual(server.read_line(), "stalled")
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
            process.communicate()
        self.assertEqual(process.returncode, 143)


class ResumeTest(CliTestCase):
    """The fake server breaks its first stream off, after one chunk or two, and no other."""

    DATA = np.arange(100, dtype="<f4").tobytes()

    def download(self, server, *arguments):
        return ["init", *FAKE_TENSOR, "--json", "--resume", "--server", server.address, "-o",
                self.path("w.npy"), *arguments]

    def break_off(self, server, *arguments):
        self.fail_with(1, *self.download(server, *arguments))
        self.assertEqual(sorted(os.listdir(self.directory)), ["w.npy.partial", "w.npy.partial.state"])

    def finish(self, server, *arguments, resumed=1, data=DATA):
        result = self.succeed(*self.download(server, *arguments))
        report = json.loads(result.stdout)
        self.assertEqual(os.listdir(self.directory), ["w.npy"])
        self.assertEqual(self.read("w.npy")[-len(data):], data)
        self.assertEqual(np.load(self.path("w.npy")).tobytes(), data)
        self.assertEqual(report["crc32"], zlib.crc32(data))
        self.assertEqual((report["elements"], report["bytes"]), (len(data) // 4, len(data)))
        self.assertEqual(report["measured"]["max"], np.frombuffer(data, "<f4").max())
        self.assertAlmostEqual(report["measured"]["mean"], np.frombuffer(data, "<f4").mean(), 10)
        self.assertEqual(report["resumed"], resumed)
        return result, report

    def test_download_goes_on_where_it_broke_off(self):
        with fake_server("internal") as server:
            self.break_off(server)
            _, report = self.finish(server, "--sha256")
        self.assertEqual(report["sha256"], hashlib.sha256(self.DATA).hexdigest())

    def test_download_of_a_range_goes_on(self):
        part = ("--first-element", "10", "--element-count", "50")
        with fake_server("internal") as server:
            self.break_off(server, *part)
            self.finish(server, *part, data=self.DATA[40:240])

    def test_interrupted_download_goes_on(self):
        with fake_server("stall") as server:
            with start_cli(*self.download(server)) as process:
                self.assertEqual(server.read_line(), "stalled")
                # Its first chunk is on its way.
                while not os.path.exists(self.path("w.npy.partial.state")):
                    self.assertIsNone(process.poll())
                    time.sleep(0.001)
                process.send_signal(signal.SIGTERM)
                process.communicate()
            self.assertEqual(process.returncode, 143)
            self.finish(server)

    def test_old_file_stays_until_the_new_one_is_complete(self):
        with open(self.path("w.npy"), "wb") as file:
            file.write(b"old")
        with fake_server("internal") as server:
            self.fail_with(1, *self.download(server))
            self.assertEqual(self.read("w.npy"), b"old")
            self.finish(server)

    def test_partial_file_of_another_request_or_a_damaged_one_is_dropped(self):
        def damage():
            with open(self.path("w.npy.partial"), "r+b") as file:
                file.seek(140)
                file.write(b"x")
        for harm, more in [(damage, []), (lambda: None, ["--seed", "7"]),
                           (lambda: os.remove(self.path("w.npy.partial.state")), []),
                           (lambda: os.truncate(self.path("w.npy.partial"), 150), [])]:
            with self.subTest(more=more), fake_server("internal") as server:
                self.break_off(server)
                harm()
                result, _ = self.finish(server, *more, resumed=0)
                self.assertIn(b"w.npy.partial is damaged or of another request", result.stderr)
                os.remove(self.path("w.npy"))

    def test_header_of_another_tensor_is_not_continued(self):
        with fake_server("internal") as server:
            self.break_off(server)
            with open(self.path("w.npy.partial"), "r+b") as file:
                file.write(b"x")
            self.assertIn("holds another tensor", self.fail_with(4, *self.download(server)))

    def test_download_that_begins_with_nothing_leaves_nothing(self):
        with refusing_address() as address:
            self.fail_with(3, "init", *FAKE_TENSOR, "--resume", "--timeout", "0.2", "--server", address, "-o",
                           self.path("w.npy"))
        self.assertEqual(os.listdir(self.directory), [])

    def test_where_nothing_can_be_resumed(self):
        for arguments, words in [
            (["-o", self.path("w.npy")], "there is no --server"),
            (["--server", "127.0.0.1:1"], "there is no --output"),
            (["--server", "127.0.0.1:1", "-o", "-"], "standard output is not a file"),
            (["--server", "127.0.0.1:1", "-o", "/dev/null", "--format", "bin"], "/dev/null is not a file"),
        ]:
            with self.subTest(arguments):
                message = self.fail_with(2, "init", "--shape", "4", "--resume", *arguments)
                self.assertIn(words, message)
        self.assertEqual(os.listdir(self.directory), [])


class FailoverTest(CliTestCase):

    def test_first_server_that_answers_is_used(self):
        with refusing_address() as refusing, real_server() as server:
            servers = f"{refusing},{server.address}"
            self.succeed("init", "--shape", "4x4", "--server", servers)

    def test_server_killed_in_mid_stream_is_replaced(self):
        expected = json.loads(
            self.succeed("init", "--json", "--sha256", *BIG_TENSOR).stdout)["sha256"]
        with real_server() as first, real_server() as second, start_cli(
                "init", "--json", "--sha256", *BIG_TENSOR, "-o", "-", "--server",
                f"{first.address},{second.address}") as process:
            digest = hashlib.sha256(process.stdout.read(1 << 20))
            # The client reads on only as its pipe empties: the stream is open.
            first.kill()
            while data := process.stdout.read(1 << 20):
                digest.update(data)
            report = json.loads(process.stderr.read())
        self.assertEqual(process.returncode, 0)
        self.assertEqual(report["resumed"], 1)
        self.assertEqual(report["sha256"], expected)
        self.assertEqual(digest.hexdigest(), expected)


if __name__ == "__main__":
    unittest.main()
