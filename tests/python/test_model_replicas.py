"""`weightinit model init` from several servers: the same file, whatever happens to them."""

import json
import os
import random
import signal
import time
import unittest

from breaking_link import breaking_links
from cli_process import SERVER, ServerProcess, real_server, refusing_address, start_cli
from model_process import ModelTestCase

# 49 MB, several segments for each stream: large and small tensors, parts, a tied one.
MODEL = {
    "version": 1,
    "entries": [
        {"name": "wte", "embedding": {"num_embeddings": 40000, "embedding_dim": 160}},
        {"name": "lm_head.weight", "alias": "wte.weight"},
        {"name": "h.{i}", "repeat": [{"index": "i", "count": 24}], "block": {"entries": [
            {"name": "attn", "attention": {"embed_dim": 160, "num_heads": 8, "fused_weight_name": "c_attn.weight",
                                           "fused_bias_name": "c_attn.bias"}},
            {"name": "mlp", "defaults": {"dtype": "bfloat16"}, "gated_mlp": {"in_features": 160, "hidden_features": 600}},
            {"name": "norm", "layer_norm": {"normalized_shape": [160]}}]}},
    ],
}
KILLS = 20


class ReplicasTest(ModelTestCase):

    def setUp(self):
        super().setUp()
        self.manifest = self.write("model.json", json.dumps(MODEL))
        self.expected = self.init()

    def start_server(self):
        server = ServerProcess(SERVER, "--listen", "127.0.0.1:0")
        self.addCleanup(server.kill)
        return server

    def model_init(self, servers, *arguments):
        """A running `model init` from the servers."""
        return start_cli("model", "init", self.manifest, "-o", self.path("out.safetensors"), "--json",
                         "--server", ",".join(servers), *arguments)

    def assert_same_file(self, process):
        out, err = process.communicate()
        self.assertEqual(process.returncode, 0, err)
        self.assertTrue(self.read("out.safetensors") == self.expected)
        os.remove(self.path("out.safetensors"))
        return json.loads(out)

    def test_the_file_is_the_same_from_any_number_of_streams(self):
        servers = [self.start_server().address for _ in range(3)]
        for arguments in ((), ("--parallel", "1"), ("--parallel", "2"), ("--parallel", "11")):
            with self.model_init(servers, *arguments) as process:
                self.assert_same_file(process)

    def test_a_tensor_is_the_same_from_any_number_of_streams(self):
        servers = ",".join(self.start_server().address for _ in range(3))
        arguments = ("init", "--shape", "2000x4000", "--seed", "5", "-o", self.path("x.npy"))
        self.succeed(*arguments)
        expected = self.read("x.npy")
        for parallel in "1", "3", "8":
            self.succeed(*arguments, "--server", servers, "--parallel", parallel)
            self.assertTrue(self.read("x.npy") == expected)

    def test_a_killed_replica_is_not_noticed(self):
        steady = [self.start_server().address for _ in range(2)]
        with self.model_init(steady) as process:
            longest = self.assert_same_file(process)["seconds"]
        moments = random.Random(1)
        broken = 0
        for _ in range(KILLS):
            victim = self.start_server()
            with self.model_init([victim.address, *steady]) as process:
                # A random moment is what is tried; nothing is waited for.
                time.sleep(moments.uniform(0, longest))
                victim.kill()
                broken += self.assert_same_file(process)["resumed"]
        # At least one was killed in the middle of its stream.
        self.assertGreater(broken, 0)

    def test_a_replica_that_refuses_is_not_needed(self):
        with refusing_address() as refusing, real_server() as server:
            with self.model_init([refusing, server.address]) as process:
                self.assert_same_file(process)

    def test_a_replica_that_is_frozen_after_the_start_is_not_needed(self):
        frozen = self.start_server()
        with real_server() as server, self.model_init([server.address, frozen.address, server.address]) as process:
            frozen.signal(signal.SIGSTOP)
            try:
                self.assert_same_file(process)
            finally:
                frozen.signal(signal.SIGCONT)

    def test_when_all_replicas_die_nothing_is_left(self):
        before = set(os.listdir(self.directory))
        servers = [self.start_server().address for _ in range(3)]
        for name in "out.safetensors", "out.npz", "out/":
            with breaking_links(servers, 5_000_000) as links:
                message = self.fail_with(3, "model", "init", self.manifest, "-o", self.path(name), "--server",
                                         ",".join(link.address for link in links))
            self.assertIn("weightinit: gave up after ", message)
            self.assertEqual(set(os.listdir(self.directory)), before)

    def test_parallel_has_a_range(self):
        for bad in ("0", "65", "x", "-1", ""):
            self.assertIn("--parallel: ", self.fail_with(
                2, "model", "init", self.manifest, "-o", self.path("x.safetensors"), "--server", "127.0.0.1:1",
                "--parallel=" + bad))


if __name__ == "__main__":
    unittest.main()
