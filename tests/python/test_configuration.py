"""Settings of the server: command line, environment and file, which comes first, what is refused, and where."""

import os
import pathlib
import re
import socket
import subprocess
import tempfile
import tomllib
import unittest

from cli_process import PATIENCE, SERVER, real_server


class ConfigurationTestCase(unittest.TestCase):

    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = self.directory / "server.toml"

    def run_server(self, *arguments, text=None, **environment):
        """What a server says that does not serve, or does not start."""
        if text is not None:
            self.file.write_text(text, encoding="utf-8")
            arguments = ("--config", self.file, *arguments)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WEIGHTINIT_")}
        return subprocess.run([SERVER, *arguments], capture_output=True, text=True, timeout=PATIENCE,
                              env={**clean, **environment})

    def settings(self, *arguments, **more):
        """The settings that --print-config tells, and the whole text."""
        finished = self.run_server(*arguments, "--print-config", **more)
        self.assertEqual((finished.returncode, finished.stderr), (0, ""))
        return tomllib.loads(finished.stdout), finished.stdout

    def refusal(self, *arguments, **more):
        finished = self.run_server(*arguments, **more)
        self.assertEqual((finished.returncode, finished.stdout), (2, ""))
        return finished.stderr.removeprefix("weightinit-server: ").rstrip("\n")


class PrecedenceTest(ConfigurationTestCase):

    def test_command_line_comes_before_environment_before_file_before_default(self):
        file = "max-streams = 3\nlog-level = 'warn'\ndrain-seconds = 4\n"
        variables = {"WEIGHTINIT_SERVER_MAX_STREAMS": "2", "WEIGHTINIT_SERVER_DRAIN_SECONDS": "5"}
        settings, text = self.settings("--max-streams", "1", text=file, **variables)
        self.assertEqual((settings["max-streams"], settings["drain-seconds"], settings["log-level"],
                          settings["max-connections"]), (1, 5, "warn", 4096))
        self.assertIn("max-streams = 1  # command line\n", text)
        self.assertIn("drain-seconds = 5  # WEIGHTINIT_SERVER_DRAIN_SECONDS\n", text)
        self.assertIn(f"log-level = 'warn'  # {self.file}:2\n", text)
        self.assertIn("max-connections = 4096  # default\n", text)

    def test_empty_variable_is_no_value(self):
        settings, _ = self.settings(text="max-streams = 3\n", WEIGHTINIT_SERVER_MAX_STREAMS="")
        self.assertEqual(settings["max-streams"], 3)

    def test_variable_names_the_file(self):
        self.file.write_text("max-streams = 3\n", encoding="utf-8")
        settings, _ = self.settings(WEIGHTINIT_SERVER_CONFIG=str(self.file))
        self.assertEqual(settings["max-streams"], 3)

    def test_several_addresses_from_each_source(self):
        both = ["127.0.0.1:0", "unix:/run/x.sock"]
        for name, more in {
            "command line": {"arguments": ("--listen", both[0], "--listen", both[1])},
            "environment": {"WEIGHTINIT_SERVER_LISTEN": ",".join(both)},
            "file": {"text": f"listen = {both}\n"},
        }.items():
            with self.subTest(name):
                settings, _ = self.settings(*more.pop("arguments", ()), **more)
                self.assertEqual(settings["listen"], both)

    def test_what_is_printed_is_a_file_with_the_same_settings(self):
        settings, text = self.settings("--listen", "[::1]:0", "--root-seed-file", "a \"b\"\\c'\u00e9", "--log-format", "json",
                                       "--write-stall-seconds", "0.5", "--max-streams", "9")
        again, _ = self.settings(text=text)
        self.assertEqual(again, settings)
        self.assertEqual(settings["root-seed-file"], "a \"b\"\\c'\u00e9")

    def test_every_flag_is_a_setting_or_is_about_settings(self):
        _, text = self.settings()
        settings = set(re.findall(r"^(?:# )?([a-z-]+)(?: = |: )", text, re.MULTILINE))
        flags = set(re.findall(r"--([a-z-]+)", "\n".join(
            line for line in self.run_server("--help").stdout.splitlines() if re.match(r" {2,12}(-\w, *)?--", line))))
        self.assertEqual(flags - settings,
                         {"help", "version", "config", "print-config", "check-config", "health-check", "tls-ca"})

    def test_server_starts_with_the_file(self):
        self.file.write_text("listen = ['127.0.0.1:0']\nmax-streams = 7\n", encoding="utf-8")
        with real_server("--config", self.file) as server:
            host, port = server.address.rsplit(":", 1)
            socket.create_connection((host, int(port)), timeout=PATIENCE).close()


class RefusalTest(ConfigurationTestCase):

    def test_mistake_in_the_file_has_its_line(self):
        for text, message in {
            "\nmax-stream = 1\n": "2: max-stream: there is no such setting; did you mean max-streams?",
            "xyzzy = 1\n": "1: xyzzy: there is no such setting; the settings are the flags of --help",
            "health-check = ''\n": "1: health-check: there is no such setting; the settings are the flags of --help",
            "max-streams = 1\n[more]\nx = 1\n": "2: more: must be text in quotes, a number, true, false, or an array",
            "max-streams = 0\n": "1: max-streams: Value 0 not in range",
            "drain-delay-seconds = -0.5\n": "1: drain-delay-seconds: -0.5 is not from 0 to 86400",
            "max-streams = [1, 2]\n": "1: max-streams: must be one value",
            "listen = []\n": "1: listen: must be text in quotes",
            "drain-seconds = 1979-05-27\n": "1: drain-seconds: must be text in quotes",
            "max-streams = 1\nmax-streams = 2\n": "2: ",
            "max-streams\n": "1: ",
        }.items():
            with self.subTest(text):
                self.assertTrue(self.refusal(text=text).startswith(f"{self.file}:{message}"), self.refusal(text=text))

    def test_mistake_that_is_overridden_is_one_too(self):
        self.assertIn(f"{self.file}:1: max-streams", self.refusal("--max-streams", "4", text="max-streams = 0\n"))

    def test_file_that_cannot_be_read_is_named(self):
        for path, why in ((self.directory / "none", "No such file"), (self.directory, "Is a directory")):
            with self.subTest(why):
                message = self.refusal("--config", path)
                self.assertIn(f"--config: cannot read \"{path}\": {why}", message)

    def test_bad_variable_is_refused(self):
        self.assertIn("max-streams", self.refusal(WEIGHTINIT_SERVER_MAX_STREAMS="0"))


class CheckTest(ConfigurationTestCase):

    def test_good_settings_are_called_valid_and_nothing_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            finished = self.run_server("--check-config", text=f"listen = '127.0.0.1:{taken.getsockname()[1]}'\n")
        self.assertEqual((finished.returncode, finished.stdout, finished.stderr),
                         (0, "the configuration is valid\n", ""))

    def access_file(self):
        path = self.directory / "access"
        path.write_text(f"ci describe sha256:{64 * '0'}\n", encoding="utf-8")
        return path

    def test_bad_ones_are_told(self):
        for setting, message in {
            "listen = 'nowhere'": "\"nowhere\" is neither HOST:PORT",
            f"root-seed-file = '{self.directory / 'none'}'": "--root-seed-file: cannot read",
            "simd-target = 'mmx'": "--simd-target: ",
            f"tls-cert = '{self.file}'\ntls-key = '{self.file}'": "--tls-cert: ",
            f"listen = '0.0.0.0:0'\naccess-file = '{self.access_file()}'": "--allow-plaintext-tokens",
        }.items():
            with self.subTest(setting):
                self.assertIn(message, self.refusal("--check-config", text=setting + "\n"))


if __name__ == "__main__":
    unittest.main()
