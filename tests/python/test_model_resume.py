"""`weightinit model init --resume`: a download that breaks off goes on where it was."""

import json
import os
import shutil
import signal
import time
import unittest

from breaking_link import breaking_links
from cli_process import SERVER, ServerProcess, refusing_address, start_cli
from model_process import ModelTestCase

# 44 MB: large and small tensors, several types, parts, tensors without elements in a shard, a tied one.
MODEL = {
    "version": 1,
    "entries": [
        {"name": "wte", "embedding": {"num_embeddings": 20000, "embedding_dim": 320}},
        {"name": "lm_head.weight", "alias": "wte.weight"},
        {"name": "h.{i}", "repeat": [{"index": "i", "count": 10}], "block": {"entries": [
            {"name": "attn", "attention": {"embed_dim": 320, "num_heads": 8, "fused_weight_name": "c_attn.weight",
                                           "fused_bias_name": "c_attn.bias"}},
            {"name": "mlp", "defaults": {"dtype": "bfloat16"}, "gated_mlp": {"in_features": 320, "hidden_features": 400}},
            {"name": "scale", "tensor": {"shape": [1], "dtype": "float64", "scheme": "ones"}},
            {"name": "norm", "layer_norm": {"normalized_shape": [320]}}]}},
    ],
}
MEGABYTE = 1_000_000
ENDLESS = 1 << 40


class ModelResumeTest(ModelTestCase):

    def setUp(self):
        super().setUp()
        self.manifest = self.write("model.json", json.dumps(MODEL))
        self.servers = [self.start_server() for _ in range(3)]
        self.before = set(os.listdir(self.directory))

    def start_server(self):
        server = ServerProcess(SERVER, "--listen", "127.0.0.1:0")
        self.addCleanup(server.kill)
        return server.address

    def local(self, name, *arguments):
        """The report on the same model, made by the process itself."""
        report = self.json_of("init", self.manifest, "-o", self.path(name), *arguments)
        self.before.add(name.rstrip("/"))
        return report

    def download(self, links, name, *arguments):
        return ["model", "init", self.manifest, "--resume", "--json", "-o", self.path(name), "--server",
                ",".join(link.address for link in links), "--timeout", "60", *arguments]

    def new_names(self):
        return sorted(set(os.listdir(self.directory)) - self.before)

    def break_off(self, name, *arguments, limit=5 * MEGABYTE):
        """What passed before all replicas were gone."""
        with breaking_links(self.servers, limit) as links:
            self.fail_with(3, *self.download(links, name, *arguments))
        self.assertEqual(self.new_names(), [name + ".partial", name + ".partial.state"])
        return sum(link.passed for link in links)

    def finish(self, name, *arguments, resumed=True):
        """What passed until it was complete, and the messages."""
        with breaking_links(self.servers, ENDLESS) as links:
            result = self.succeed(*self.download(links, name, *arguments))
        self.report = json.loads(result.stdout)
        self.assertEqual(self.report["resumed"] > 0, resumed)
        self.assertEqual(self.new_names(), [name])
        return sum(link.passed for link in links), result.stderr.decode()

    def assert_same_report(self, expected):
        own = ("output", "seconds", "resumed")
        self.assertEqual({key: value for key, value in self.report.items() if key not in own},
                         {key: value for key, value in expected.items() if key not in own})

    def test_a_file_goes_on_after_all_replicas_died(self):
        for extension in ".safetensors", ".npz", ".bin":
            with self.subTest(extension):
                expected = self.local("expected" + extension)
                first = self.break_off("out" + extension)
                rest, messages = self.finish("out" + extension)
                self.assertEqual(messages, "")
                self.assertTrue(self.read("out" + extension) == self.read("expected" + extension))
                self.assert_same_report(expected)
                # Nothing that was there is fetched again, but for what was on its way when the link broke.
                self.assertLess(first + rest, expected["bytes"] + 8 * MEGABYTE)
                os.remove(self.path("out" + extension))

    def test_a_directory_goes_on(self):
        cut = ("--max-file-bytes", "6000000")
        expected = self.local("expected/", *cut)
        self.assertGreater(len(os.listdir(self.path("expected"))), 4)
        os.mkdir(self.path("out"), 0o750)
        with breaking_links(self.servers, 5 * MEGABYTE) as links:
            self.fail_with(3, *self.download(links, "out/", *cut))
        self.assertEqual(os.listdir(self.path("out")), [])
        os.rmdir(self.path("out"))
        os.mkdir(self.path("out"), 0o710)
        with breaking_links(self.servers, ENDLESS) as links:
            self.report = json.loads(self.succeed(*self.download(links, "out/", *cut)).stdout)
        self.assertEqual(self.new_names(), ["out"])
        self.assertEqual(os.stat(self.path("out")).st_mode & 0o777, 0o710)
        self.assert_same_report(expected)
        self.assertEqual(sorted(os.listdir(self.path("out"))), sorted(os.listdir(self.path("expected"))))
        for name in os.listdir(self.path("expected")):
            self.assertTrue(self.read("out/" + name) == self.read("expected/" + name), name)

    def test_every_attempt_adds_to_what_is_there(self):
        expected = self.local("expected.safetensors")
        kept = 0
        for _ in range(40):
            with breaking_links(self.servers, 2_500_000) as links, start_cli(
                    *self.download(links, "out.safetensors", "--parallel", "4")) as process:
                out, err = process.communicate()
            if process.returncode == 0:
                break
            self.assertEqual(process.returncode, 3, err)
            lines = self.read("out.safetensors.partial.state").decode().splitlines()[1:]
            now = sum(int(line.split()[2]) for line in lines)
            self.assertGreater(now, kept)
            kept = now
        self.assertGreater(kept, 30 * MEGABYTE)
        self.report = json.loads(out)
        self.assert_same_report(expected)
        self.assertTrue(self.read("out.safetensors") == self.read("expected.safetensors"))
        self.assertEqual(self.new_names(), ["out.safetensors"])

    def test_a_part_of_a_model_goes_on(self):
        # Of the second half, some tensors have nothing.
        part = ("--shard", "3/4", "--only", "h.*", "--only", "lm_head*", "--slice", "h.1.*=:")
        expected = self.local("expected.safetensors", *part)
        self.break_off("out.safetensors", *part, limit=MEGABYTE)
        self.finish("out.safetensors", *part)
        self.assert_same_report(expected)
        self.assertTrue(self.read("out.safetensors") == self.read("expected.safetensors"))

    def test_a_killed_client_goes_on(self):
        self.local("expected.safetensors")
        with breaking_links(self.servers, 8 * MEGABYTE, stalls=True) as links, start_cli(
                *self.download(links, "out.safetensors")) as process:
            for link in links:
                link.full.wait()
            while not os.path.exists(self.path("out.safetensors.partial.state")):
                self.assertIsNone(process.poll())
                time.sleep(0.001)
            # Nobody else may write there meanwhile.
            self.assertIn("out.safetensors.partial: ", self.fail_with(
                1, "model", "init", self.manifest, "--resume", "-o", self.path("out.safetensors"), "--server",
                self.servers[0]))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        self.finish("out.safetensors")
        self.assertTrue(self.read("out.safetensors") == self.read("expected.safetensors"))

    def test_what_is_damaged_is_fetched_again(self):
        self.local("expected.safetensors")
        self.break_off("out.safetensors")
        state = self.read("out.safetensors.partial.state").decode().splitlines()
        self.assertGreater(len(state), 2)
        whole = self.read("expected.safetensors")
        partial = self.read("out.safetensors.partial")
        # A byte that is there already, and is as it should be, of the first tensor that has any.
        place = next(i for i in range(len(partial) - 1, 0, -1) if partial[i] == whole[i] != 0)
        with open(self.path("out.safetensors.partial"), "r+b") as file:
            file.seek(place)
            file.write(bytes([partial[place] ^ 1]))
        _, messages = self.finish("out.safetensors")
        self.assertIn("out.safetensors.partial is damaged: fetching what is missing", messages)
        self.assertTrue(self.read("out.safetensors") == whole)

    def test_a_state_that_says_too_much_is_not_believed(self):
        self.local("expected.safetensors")
        whole = self.read("expected.safetensors")
        for harm in (
                lambda state: state + state[state.index(b"\n") + 1:],  # Everything twice.
                lambda state: state + b"0 0 99999999999 5\n",
                lambda state: state + b"0 -4 4 5\n0 0 -4 5\n0 1 4 5\n0 0 3 5\n99 0 4 5\n-1 0 4 5\nx 0 4 5\n0 0 4\n\n",
                lambda state: state[:-2],  # The line that was written last is not complete.
        ):
            self.break_off("out.safetensors")
            path = self.path("out.safetensors.partial.state")
            state = harm(self.read("out.safetensors.partial.state"))
            with open(path, "wb") as file:
                file.write(state)
            self.finish("out.safetensors")
            self.assertTrue(self.read("out.safetensors") == whole)
            os.remove(self.path("out.safetensors"))

    def test_another_request_starts_anew(self):
        for more in ("--seed", "3"), ("--only", "h.*"), ("--shard", "0/2"):
            with self.subTest(more):
                self.local("expected.safetensors", *more)
                self.break_off("out.safetensors")
                _, messages = self.finish("out.safetensors", *more, resumed=False)
                self.assertIn("out.safetensors.partial is damaged or of another request: starting anew", messages)
                self.assertTrue(self.read("out.safetensors") == self.read("expected.safetensors"))
                os.remove(self.path("out.safetensors"))

    def test_an_old_file_stays_until_the_new_one_is_complete(self):
        self.write("out.safetensors", b"old")
        self.before.add("out.safetensors")
        with breaking_links(self.servers, 5 * MEGABYTE) as links:
            self.fail_with(3, *self.download(links, "out.safetensors"))
        self.assertEqual(self.read("out.safetensors"), b"old")
        with breaking_links(self.servers, ENDLESS) as links:
            self.succeed(*self.download(links, "out.safetensors"))
        self.assertGreater(len(self.read("out.safetensors")), 40 * MEGABYTE)
        self.assertEqual(self.new_names(), [])

    def test_a_download_that_begins_with_nothing_leaves_nothing(self):
        with refusing_address() as address:
            for name in "out.safetensors", "out/":
                # The model is described, and then nothing comes.
                with breaking_links(self.servers[:1], 20_000) as links:
                    self.fail_with(3, *self.download(links, name))
                self.fail_with(3, "model", "init", self.manifest, "--resume", "-o", self.path(name),
                               "--server", address)
                self.assertEqual(self.new_names(), [])

    def test_where_nothing_can_be_resumed(self):
        for arguments, words in [
            (["-o", self.path("w.npz")], "--resume: there is no --server"),
            (["--server", self.servers[0], "-o", "-"], "--output: \"-\""),
        ]:
            self.assertIn(words, self.fail_with(2, "model", "init", self.manifest, "--resume", *arguments))
        os.symlink("/dev/null", self.path("null.bin"))
        self.before.add("null.bin")
        self.assertIn("null.bin is not a file", self.fail_with(
            2, "model", "init", self.manifest, "--resume", "--server", self.servers[0], "-o", self.path("null.bin")))
        self.assertEqual(self.new_names(), [])

    def test_a_partial_directory_with_something_else_in_it_is_refused(self):
        os.mkdir(self.path("out.partial"))
        self.write("out.partial/notes.txt", b"mine")
        message = self.fail_with(2, "model", "init", self.manifest, "--resume", "--server", self.servers[0], "-o",
                                 self.path("out/"))
        self.assertIn("out.partial\" has \"notes.txt\", which is no file of this model; remove the directory", message)
        self.assertEqual(self.read("out.partial/notes.txt"), b"mine")
        shutil.rmtree(self.path("out.partial"))
        self.write("out.partial", b"a file")
        self.assertIn("out.partial: Not a directory", self.fail_with(
            1, "model", "init", self.manifest, "--resume", "--server", self.servers[0], "-o", self.path("out/")))
        self.assertEqual(self.read("out.partial"), b"a file")


if __name__ == "__main__":
    unittest.main()
