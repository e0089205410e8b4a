"""Seeds of names, by the programs: the server's root seed, its log, and the command line with and without it;
checked against an independent derivation."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from cli_process import PATIENCE, SERVER, CliTestCase, fake_server, real_server

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))

import seed_names

# That of the worked example in core/DETERMINISM.md.
ROOT_SEED = b"weightinit published example root seed, not a secret"
NAME = "team/experiment-42"
TENSOR = ("--shape", "64x32", "--activation", "relu", "--name", "fc1.weight")


class SeedNameTestCase(CliTestCase):

    def setUp(self):
        super().setUp()
        self.root_seed_file = self.file_of(ROOT_SEED + b"\n")

    def file_of(self, content, mode=0o400):
        path = self.path(f"root-{mode:o}-{len(content)}")
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    def seeded_server(self):
        return real_server("--root-seed-file", self.root_seed_file)

    def json_of(self, *arguments):
        return json.loads(self.succeed(*arguments, "--json").stdout)


class ReferenceTest(unittest.TestCase):

    def test_worked_example(self):
        self.assertEqual(seed_names.seed_of(ROOT_SEED, NAME), 14498138193553366590)
        self.assertEqual(seed_names.root_seed_id(ROOT_SEED), "020964fae9722559")


class SeedNamesTest(SeedNameTestCase):

    def test_server_and_command_derive_the_seeds_of_the_reference(self):
        with self.seeded_server() as server:
            for name in [NAME, "a", "\u00e4/\U0001f9ea", " ", "n" * 256]:
                expected = f"{seed_names.seed_of(ROOT_SEED, name)}\n".encode()
                for source in [("--server", server.address),
                               ("--root-seed-file", self.root_seed_file)]:
                    with self.subTest(name, source=source[0]):
                        resolved = self.succeed("seed", "resolve", name, *source)
                        self.assertEqual(resolved.stdout, expected)

    def test_json_says_name_and_number(self):
        self.assertEqual(
            self.json_of("seed", "resolve", NAME, "--root-seed-file", self.root_seed_file),
            {"seed_name": NAME, "seed": 14498138193553366590})

    def test_tensor_of_a_name_can_be_made_again_from_its_number(self):
        outputs = []
        with self.seeded_server() as server:
            for source in [("--seed-name", NAME, "--server", server.address),
                           ("--seed-name", NAME, "--root-seed-file", self.root_seed_file),
                           ("--seed", "14498138193553366590")]:
                name = NAME if source[0] == "--seed-name" else None
                initialised = self.json_of("init", *TENSOR, *source)
                described = self.json_of("describe", *TENSOR, *source)
                for report in [initialised, described]:
                    self.assertEqual(report["seed_name"], name)
                    self.assertEqual(report["seed"], 14498138193553366590)
                outputs.append(initialised["sha256"])
        self.assertEqual(len(set(outputs)), 1, outputs)

    def test_text_says_name_and_number(self):
        for command in ["init", "describe"]:
            text = self.succeed(command, *TENSOR, "--seed-name", NAME,
                                "--root-seed-file", self.root_seed_file).stdout.decode()
            self.assertIn(f"seed name    {NAME}\n", text)
            self.assertIn("philox4x32_v1, seed 14498138193553366590\n", text)

    def test_info_says_which_root_seed(self):
        with self.seeded_server() as server:
            self.assertEqual(self.json_of("info", "--server", server.address)["root_seed_id"],
                             seed_names.root_seed_id(ROOT_SEED))
            text = self.succeed("info", "--server", server.address).stdout.decode()
            self.assertIn(f"root seed    {seed_names.root_seed_id(ROOT_SEED)}\n", text)
        self.assertIsNone(self.json_of("info")["root_seed_id"])
        self.assertIn("root seed    none\n", self.succeed("info").stdout.decode())


class SeedNameFailuresTest(SeedNameTestCase):

    def test_options_that_contradict_each_other(self):
        for arguments, words in [
            (("--seed-name", "a", "--seed", "1"), "--seed-name and --seed"),
            (("--seed-name", "a", "--seed", "0"), "--seed-name and --seed"),
            (("--seed-name", ""), "--seed-name: is empty"),
            (("--seed-name", "a"), "needs --server, or --root-seed-file"),
            (("--seed-name", "a", "--server", "h:1", "--root-seed-file", "f"),
             "--root-seed-file and --server"),
            (("--seed", "1", "--root-seed-file", "f"), "only with --seed-name"),
            (("--seed-name", "a", "--root-seed-file", "/nonexistent"),
             "--root-seed-file: cannot read \"/nonexistent\": No such file"),
        ]:
            for command in ["init", "describe"]:
                with self.subTest(arguments, command=command):
                    self.assertIn(words, self.fail_with(2, command, *TENSOR, *arguments))

    def test_resolve_without_what_it_needs(self):
        for arguments, words in [
            ((), "NAME is required"),
            (("",), "NAME: is empty"),
            (("a",), "needs --server, or --root-seed-file"),
            (("n" * 257, "--root-seed-file", self.root_seed_file), "has 257 bytes; must have at most 256"),
            ((b"\xff", "--root-seed-file", self.root_seed_file), "seed_name: is not valid UTF-8"),
            (("a", "--root-seed-file", self.file_of(b"short")), "has 5 bytes"),
        ]:
            with self.subTest(arguments):
                self.assertIn(words, self.fail_with(2, "seed", "resolve", *arguments))
        self.assertIn("a subcommand is required: resolve", self.fail_with(2, "seed"))

    def test_server_without_a_root_seed_says_the_remedy(self):
        with real_server() as server:
            for command in [("init", *TENSOR, "--seed-name", "a"),
                            ("describe", *TENSOR, "--seed-name", "a"),
                            ("seed", "resolve", "a")]:
                self.assertIn("start the server with --root-seed-file",
                              self.fail_with(2, *command, "--server", server.address))

    def test_server_of_a_version_without_names_is_not_believed(self):
        with fake_server("no_seed_name") as server:
            self.assertIn("has no seed_name",
                          self.fail_with(4, "init", "--shape", "10x10", "--seed-name", "a",
                                         "--server", server.address))


class ServerRootSeedTest(SeedNameTestCase):

    def refusal(self, *arguments, **options):
        """What a server says that does not start."""
        finished = subprocess.run([SERVER, "--listen", "127.0.0.1:0", *arguments], capture_output=True,
                                  text=True, timeout=PATIENCE, **options)
        self.assertEqual(finished.returncode, 2, finished.stderr)
        self.assertEqual(finished.stdout, "")
        return finished.stderr

    def test_file_that_is_of_no_use_keeps_the_server_from_starting(self):
        for path, words in [
            (self.path("missing"), "cannot read \"" + self.path("missing") + "\": No such file"),
            (self.directory, "Is a directory"),
            (self.file_of(b""), "has 0 bytes"),
            (self.file_of(b"s3cret" * 5 + b"!\n"), "has 31 bytes"),
            (self.file_of(b"s3cret" * 1000), "has more than 4096 bytes"),
        ]:
            with self.subTest(path):
                message = self.refusal("--root-seed-file", path)
                self.assertTrue(message.startswith("weightinit-server: --root-seed-file: "), message)
                self.assertIn(words, message)
                self.assertNotIn("s3cret", message)

    def test_variable_and_configuration_file_name_it_too(self):
        environment = {**os.environ, "WEIGHTINIT_SERVER_ROOT_SEED_FILE": self.path("missing")}
        self.assertIn("cannot read", self.refusal(env=environment))
        with open(self.path("server.toml"), "w", encoding="utf-8") as file:
            file.write('root-seed-file = "%s"\n' % self.path("missing"))
        self.assertIn("cannot read", self.refusal("--config", self.path("server.toml")))

    def log_of(self, arguments, use=lambda address: None):
        """The lines of a server's log, which is used meanwhile."""
        with open(self.path("log"), "w+", encoding="utf-8") as log:
            with real_server(*arguments, stderr=log) as server:
                use(server.address)
                server.stop()
            log.seek(0)
            return log.readlines()

    def use_seeds(self, address):
        remote = ("--server", address)
        self.succeed("seed", "resolve", NAME, *remote)
        self.succeed("init", *TENSOR, "--seed-name", NAME, *remote)
        self.succeed("describe", *TENSOR, "--seed", "7", *remote)

    def test_log_names_every_seed(self):
        lines = self.log_of(["--root-seed-file", self.root_seed_file], self.use_seeds)
        self.assertTrue(lines[0].endswith(", root seed 020964fae9722559\n"), lines)
        log = "".join(lines)
        named = f'seed_name="{NAME}" seed=14498138193553366590 '
        self.assertRegex(log, f" info ResolveSeed OK peer=ipv4:[0-9.:]+ request_id=[0-9a-f]+ {named}seconds=")
        self.assertRegex(log, " info InitializeTensor OK peer=ipv4:[0-9.:]+ request_id=[0-9a-f]+ "
                              f'name="fc1.weight" shape=64x32 scheme=he_normal {named}elements=2048 ')
        self.assertIn(" scheme=he_normal seed=7 ", log)
        self.assertNotIn("not a secret", log)

    def test_json_log_names_every_seed(self):
        lines = self.log_of(["--root-seed-file", self.root_seed_file, "--log-format", "json"], self.use_seeds)
        calls = {record["method"]: record for record in map(json.loads, lines) if "method" in record}
        for method in ["ResolveSeed", "InitializeTensor"]:
            self.assertEqual(calls[method]["seed_name"], NAME)
            self.assertEqual(calls[method]["seed"], 14498138193553366590)
        self.assertNotIn("seed_name", calls["DescribeTensor"])
        self.assertEqual(calls["DescribeTensor"]["seed"], 7)
        self.assertNotIn("not a secret", "".join(lines))

    def test_file_that_everybody_may_read_is_warned_about(self):
        for mode, warned in [(0o444, True), (0o440, False), (0o400, False), (0o660, True)]:
            with self.subTest(f"{mode:o}"):
                path = self.file_of(ROOT_SEED, mode)
                lines = self.log_of(["--root-seed-file", path])
                self.assertEqual(any(" warning " in line and path in line for line in lines), warned, lines)


if __name__ == "__main__":
    unittest.main()
