"""How `weightinit model` fails: bad manifests, bad options, and nothing left behind."""

import json
import os
import pty
import re
import resource
import signal
import unittest

from cli_process import PATIENCE, real_server, refusing_address, start_cli
from model_process import ModelTestCase


class ManifestErrorsTest(ModelTestCase):

    def message_of(self, name, text):
        """What each command says of a manifest; all the same."""
        manifest = self.write(name, text)
        messages = {self.fail_with(2, "model", *arguments) for arguments in (
            ("plan", manifest), ("plan", "--json", manifest), ("init", manifest, "-o", self.path("x.safetensors")),
            ("verify", self.path("none.safetensors"), manifest))}
        self.assertEqual(len(messages), 1, messages)
        self.assertFalse(os.path.exists(self.path("x.safetensors")))
        return messages.pop()

    def test_bad_yaml_has_its_place(self):
        message = self.message_of("bad.yaml", "version: 1\nentries:\n  - {name: a, tensor: {shape: [2, 2}}\n")
        self.assertIn(self.path("bad.yaml") + ":3:36: ", message)

    def test_bad_json_has_its_place(self):
        message = self.message_of("bad.json", '{"version": 1,\n "entries": [}\n')
        self.assertRegex(message, re.escape(self.path("bad.json")) + r":2:1[0-9]: ")

    def test_unknown_field_has_its_place_and_the_known_ones(self):
        message = self.message_of("bad.yaml", "version: 1\nentries:\n  - name: a\n    tensor: {color: red}\n")
        self.assertIn(self.path("bad.yaml") + ":4:14: entries[0].tensor.color: ", message)
        self.assertIn("shape, scheme, activation", message)

    def test_wrong_type_has_its_place(self):
        message = self.message_of(
            "bad.json", '{"version": 1, "entries": [\n{"name": "a", "tensor": {"shape": ["x"]}}]}')
        self.assertIn(self.path("bad.json") + ":2:36: entries[0].tensor.shape[0]: ", message)

    def test_several_errors_are_all_said(self):
        message = self.message_of("bad.yaml", "version: 1\nnmae: x\nentries:\n  - {nmae: a}\n")
        self.assertIn(":2:1: nmae: ", message)
        self.assertIn(":4:6: entries[0].nmae: ", message)

    def test_version_is_required_and_1(self):
        self.assertIn(": version: ", self.message_of("bad.yaml", "entries: [{name: a, tensor: {}}]\n"))
        self.assertIn(":1:10: version: ", self.message_of("bad.yaml", "version: 2\n"))

    def test_standard_input_has_a_name(self):
        message = self.fail_with(2, "model", "plan", "-", stdin=self.standard_input(b"version: 1\n\tx: 1\n"))
        self.assertIn("standard input:2:", message)

    VIOLATION = "version: 1\nentries:\n  - {name: a, tensor: {shape: [2, -2]}}\n" \
                "  - name: b\n    dense: {in_features: 0, out_features: 2}\n"

    def test_violations_of_the_plan_are_all_said(self):
        message = self.message_of("bad.yaml", self.VIOLATION)
        self.assertIn("model.entries[0].tensor.shape[1]: is -2; must be at least 0", message)
        self.assertIn("model.entries[1].dense.in_features: is 0; must be from 1", message)

    def test_violations_of_the_plan_have_their_places(self):
        message = self.message_of("bad.yaml", self.VIOLATION)
        self.assertIn(self.path("bad.yaml") + ":3:35: model.entries[0].tensor.shape[1]: ", message)
        self.assertIn(self.path("bad.yaml") + ":5:26: model.entries[1].dense.in_features: ", message)

    def test_server_says_the_same_violations(self):
        manifest = self.write("bad.yaml", self.VIOLATION)
        with real_server() as server:
            self.assertEqual(self.fail_with(2, "model", "plan", manifest, "--server", server.address),
                             self.fail_with(2, "model", "plan", manifest))

    def test_models_that_cannot_be(self):
        for entries, words in (
            ([], "model.entries: is required"),
            ([{"name": "a", "tensor": {}}, {"name": "a", "tensor": {}}], 'model.entries[1]: makes a second tensor "a"'),
            ([{"name": "a", "alias": "b"}], "model.entries[0].alias"),
            ([{"name": "a", "alias": "a"}], "model.entries[0].alias"),
            ([{"name": "", "tensor": {}}], "model.entries[0].name"),
            ([{"name": "a"}], "model.entries[0]"),
            ([{"name": "a", "repeat": [{"index": "i", "count": 2}], "tensor": {}}], "model.entries[0]"),
            ([{"name": "a{i}", "repeat": [{"index": "i", "count": 0}], "tensor": {}}],
             "model.entries[0].repeat[0].count"),
            ([{"name": "a", "tensor": {"shape": [3], "concatenation": {"parts": [{"name": "p", "size": 2}]}}}],
             "model.entries[0].tensor.concatenation"),
            ([{"name": "a", "tensor": {"shape": [3], "scheme": "normal", "parameters": {"gain": 1}}}],
             "model.entries[0].tensor.parameters.gain"),
        ):
            with self.subTest(entries):
                self.assertIn(words, self.message_of("bad.json", json.dumps({"version": 1, "entries": entries})))

    def test_manifest_that_is_not_there(self):
        self.assertIn("No such file", self.fail_with(1, "model", "plan", self.path("none.yaml")))

    def test_empty_manifest(self):
        self.assertIn(":1:1: ", self.message_of("bad.yaml", ""))


class UsageTest(ModelTestCase):

    def test_options_that_are_wrong(self):
        output = ("-o", self.path("x.safetensors"))
        for arguments, words in (
            ((), "subcommand"),
            (("plan",), "MANIFEST is required"),
            (("init", self.manifest), "--output is required"),
            (("verify", self.manifest), "MANIFEST is required"),
            (("plan", self.manifest, "--frobnicate"), "--frobnicate"),
            (("plan", self.manifest, "--seed", "x"), '--seed: "x"'),
            (("plan", self.manifest, "--seed", "-1"), '--seed: "-1"'),
            (("plan", self.manifest, "--threads", "0"), '--threads: "0"'),
            (("init", self.manifest, *output, "--seed", "1", "--seed-name", "a"), "--seed-name and --seed"),
            (("init", self.manifest, *output, "--seed-name", "a"), "needs --server, or --root-seed-file"),
            (("init", self.manifest, *output, "--seed-name", "a", "--root-seed-file", "/nonexistent"),
             "--root-seed-file"),
            (("init", self.manifest, "-o", self.path("x.pt")), "does not end in .safetensors"),
            (("init", self.manifest, "-o", "-"), "does not end in .safetensors"),
            (("init", self.manifest, "-o", ".safetensors"), "does not end in .safetensors"),
        ):
            with self.subTest(arguments):
                self.assertIn(words, self.fail_with(2, "model", *arguments))
                self.assertEqual(os.listdir(self.directory), ["model.json"])

    def test_output_that_is_no_regular_file(self):
        os.symlink("/dev/null", self.path("x.safetensors"))
        self.assertIn("is not a regular file",
                      self.fail_with(2, "model", "init", self.manifest, "-o", self.path("x.safetensors")))


class NothingLeftBehindTest(ModelTestCase):

    def fail(self, status, *arguments, manifest=None):
        """Init fails, with and without a file in the place of its output."""
        manifest = manifest or self.manifest
        output = self.path("x.safetensors")
        before = sorted(os.listdir(self.directory))
        self.fail_with(status, "model", "init", manifest, "-o", output, *arguments)
        self.assertEqual(sorted(os.listdir(self.directory)), before)
        self.write("x.safetensors", "of before")
        message = self.fail_with(status, "model", "init", manifest, "-o", output, *arguments)
        self.assertEqual(self.read("x.safetensors"), b"of before")
        self.assertEqual(sorted(os.listdir(self.directory)), sorted([*before, "x.safetensors"]))
        return message

    def test_by_a_manifest_with_an_error(self):
        self.fail(2, manifest=self.write("bad.json", '{"version": 1}'))

    def test_by_a_name_that_the_format_reserves(self):
        manifest = self.write("bad.json", json.dumps(
            {"version": 1, "entries": [{"name": "__metadata__", "tensor": {"shape": [2]}}]}))
        self.assertIn("__metadata__", self.fail(2, manifest=manifest))

    def test_by_a_server_that_is_not_there(self):
        with refusing_address() as address:
            self.fail(3, "--server", address)

    def test_by_a_timeout(self):
        huge = self.write("huge.json", json.dumps({"version": 1, "entries": [
            {"name": "w", "tensor": {"shape": [10**5, 10**4]}}]}))
        self.fail(3, "--threads", "1", "--timeout", "0.01", manifest=huge)

    def test_by_a_limit_on_the_size_of_files(self):
        self.fail_with(1, "model", "init", self.manifest, "-o", self.path("x.safetensors"),
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000)))
        self.assertEqual(os.listdir(self.directory), ["model.json"])

    def test_by_a_signal_while_it_computes(self):
        huge = self.write("huge.json", json.dumps({"version": 1, "entries": [
            {"name": "w", "tensor": {"shape": [10**5, 10**5]}}]}))
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                ours, theirs = pty.openpty()
                with start_cli("model", "init", huge, "-o", self.path("x.safetensors"), "--threads", "1",
                               stderr=theirs) as process, open(ours, "rb", buffering=0) as terminal:
                    os.close(theirs)
                    # The bar of its progress: it computes.
                    self.assertTrue(terminal.read(1))
                    process.send_signal(number)
                    self.assertEqual(process.wait(PATIENCE), 128 + number)
                self.assertEqual(sorted(os.listdir(self.directory)), ["huge.json", "model.json"])

    def test_by_a_server_that_refuses_names_of_seeds(self):
        with real_server() as server:
            self.fail_with(2, "model", "init", self.manifest, "-o", self.path("x.safetensors"),
                           "--seed-name", "a", "--server", server.address)
        self.assertEqual(os.listdir(self.directory), ["model.json"])

    def test_by_a_directory_that_is_not_there(self):
        self.fail_with(1, "model", "init", self.manifest, "-o", self.path("none/x.safetensors"))

    def test_by_a_directory_in_its_place(self):
        os.mkdir(self.path("x.safetensors"))
        self.fail_with(1, "model", "init", self.manifest, "-o", self.path("x.safetensors"))
        self.assertEqual(sorted(os.listdir(self.directory)), ["model.json", "x.safetensors"])
        self.assertEqual(os.listdir(self.path("x.safetensors")), [])


if __name__ == "__main__":
    unittest.main()
