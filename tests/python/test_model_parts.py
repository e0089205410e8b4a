"""Parts of the tensors of a model by the command line: put together they are the whole, and what is no part is told."""

import json
import os
import random
import unittest

import numpy as np

from cli_process import CliTestCase, real_server
from model_process import ModelTestCase, read_safetensors

DTYPES = {"F64": np.dtype("<u8"), "F32": np.dtype("<u4"), "F16": np.dtype("<u2"), "BF16": np.dtype("<u2")}


def arrays_of(content):
    """The bits of each tensor in a file, in its shape."""
    header, data = read_safetensors(content)
    header.pop("__metadata__")
    return {name: np.frombuffer(data[slice(*tensor["data_offsets"])], DTYPES[tensor["dtype"]]).reshape(tensor["shape"])
            for name, tensor in header.items()}


def random_model(generator):
    """Layers of many kinds, small, of random sizes."""
    def size():
        return generator.randint(1, 9)

    def layout():
        return {"layout": generator.choice(["out_in", "in_out"])}

    heads = generator.randint(1, 4)
    return {"version": 1, "defaults": {"activation": "relu", "dtype": generator.choice(["float32", "bfloat16"])},
            "entries": [
                {"name": "fc", "defaults": layout(), "dense": {"in_features": size(), "out_features": 40 + size()}},
                {"name": "conv", "defaults": layout(),
                 "conv": {"in_channels": size(), "out_channels": size(), "kernel_size": [size(), size()]}},
                {"name": "conv1", "defaults": layout(), "conv": {
                    "in_channels": size(), "out_channels": size(), "kernel_size": [size()], "transposed": True}},
                {"name": "attn", "defaults": layout(), "attention": {
                    "embed_dim": 4 * heads, "num_heads": heads,
                    "fused_weight_name": "qkv.weight", "fused_bias_name": "qkv.bias"}},
                {"name": "moe", "mixture_of_experts": {
                    "num_experts": size(), "in_features": size(), "hidden_features": size(),
                    "stacked_gate_up_name": "gate_up", "stacked_down_name": "down"}},
                {"name": "lstm", "lstm": {"input_size": size(), "hidden_size": size()}},
                {"name": "wide", "tensor": {"shape": [size(), size(), size()], "dtype": "float64"}},
                {"name": "scalar", "tensor": {"scheme": "normal"}},
                {"name": "none", "tensor": {"shape": [size(), 0]}},
                {"name": "tied", "alias": "fc.weight"}]}


def shares(size, count):
    """[start, stop) of each share, as torch.chunk cuts; those that chunk leaves out are empty."""
    share = -(-size // count)
    return [(min(i * share, size), min((i + 1) * share, size)) for i in range(count)]


def random_cuts(generator, size):
    """[start, stop) of one to four ranges that cover a dimension; some may be empty."""
    cuts = [0, *sorted(generator.randint(0, size) for _ in range(generator.randint(0, 3))), size]
    return list(zip(cuts, cuts[1:]))


class JoinedPartsTest(ModelTestCase):

    def whole_and_manifest(self, generator):
        self.manifest = self.write("model.json", json.dumps(random_model(generator)))
        whole = arrays_of(self.init())
        self.assertGreater(len(whole), 12)
        return whole

    def check_equal(self, joined, whole):
        self.assertEqual(joined.keys(), whole.keys())
        for name, array in whole.items():
            np.testing.assert_array_equal(joined[name], array, name)

    def check_shards(self, generator, *arguments):
        """Every tensor in so many shards along an axis of its own."""
        whole = self.whole_and_manifest(generator)
        count = generator.randint(2, 7)
        axes = {name: generator.randrange(array.ndim) for name, array in whole.items() if array.ndim > 0}
        parts = [arrays_of(self.init(*arguments, *(f"--shard={name}={index}/{count}:{axis}"
                                                   for name, axis in axes.items())))
                 for index in range(count)]
        joined = {name: np.concatenate([part[name] for part in parts], axes[name]) if name in axes else parts[0][name]
                  for name in whole}
        self.check_equal(joined, whole)
        for name, axis in axes.items():
            self.assertEqual([part[name].shape[axis] for part in parts],
                             [stop - start for start, stop in shares(whole[name].shape[axis], count)])

    def check_mesh(self, generator, *arguments):
        """Every matrix in a mesh, rows in equal shares and columns cut anywhere; what has more dimensions, too."""
        whole = self.whole_and_manifest(generator)
        count = generator.randint(1, 4)
        axes = {name: generator.sample(range(array.ndim), 2) for name, array in whole.items() if array.ndim > 1}
        rows = {name: shares(whole[name].shape[axis], count) for name, (axis, _) in axes.items()}
        columns = {name: (random_cuts(generator, whole[name].shape[axis]) + [(0, 0)] * 3)[:4]
                   for name, (_, axis) in axes.items()}

        def part(row, column):
            slices = []
            for name, (row_axis, column_axis) in axes.items():
                ranges = [":"] * whole[name].ndim
                ranges[row_axis] = "%d:%d" % rows[name][row]
                ranges[column_axis] = "%d:%d" % columns[name][column]
                slices.append(f"--slice={name}={','.join(ranges)}")
            return arrays_of(self.init(*arguments, *slices))

        mesh = [[part(row, column) for column in range(4)] for row in range(count)]
        joined = {name: array if name not in axes else np.concatenate(
                      [np.concatenate([cell[name] for cell in cells], axes[name][1]) for cells in mesh], axes[name][0])
                  for name, array in mesh[0][0].items()}
        self.check_equal(joined, whole)

    def test_shards_are_the_whole(self):
        for seed in range(6):
            with self.subTest(seed=seed):
                self.check_shards(random.Random(seed))

    def test_shards_from_a_server_are_the_whole(self):
        with real_server() as server:
            for seed in range(100, 103):
                with self.subTest(seed=seed):
                    self.check_shards(random.Random(seed), "--server", server.address)

    def test_mesh_of_slices_is_the_whole(self):
        for seed in range(200, 204):
            with self.subTest(seed=seed):
                self.check_mesh(random.Random(seed))

    def test_mesh_of_slices_from_a_server_is_the_whole(self):
        with real_server() as server:
            for seed in range(300, 302):
                with self.subTest(seed=seed):
                    self.check_mesh(random.Random(seed), "--server", server.address)


class PartsTest(ModelTestCase):
    """Of the model in model_process."""

    def setUp(self):
        super().setUp()
        self.whole = arrays_of(self.init())

    def test_shard_without_a_pattern_is_of_all_tensors(self):
        part = arrays_of(self.init("--shard", "1/3"))
        for name, array in self.whole.items():
            start, stop = shares(len(array), 3)[1]
            np.testing.assert_array_equal(part[name], array[start:stop], name)

    def test_axis_is_of_shards_that_name_none(self):
        part = arrays_of(self.init("--shard", "fc*.weight=1/2", "--shard", "qk=1/3:0", "--axis", "1"))
        np.testing.assert_array_equal(part["fc1.weight"], self.whole["fc1.weight"][:, 150:])
        np.testing.assert_array_equal(part["qk"], self.whole["qk"][2:4])

    def test_last_shard_that_matches_holds_and_a_slice_before_any_shard(self):
        part = arrays_of(self.init("--slice", "norm.*=:", "--slice", "fc1.weight=10:20", "--shard", "1/2",
                                   "--shard", "qk=0/1"))
        np.testing.assert_array_equal(part["fc1.weight"], self.whole["fc1.weight"][10:20])
        np.testing.assert_array_equal(part["fc1.bias"], self.whole["fc1.bias"][500:])
        for name in ("norm.weight", "norm.bias", "qk"):
            np.testing.assert_array_equal(part[name], self.whole[name])

    def test_slice_of_fewer_ranges_leaves_the_other_dimensions_whole(self):
        part = arrays_of(self.init("--slice", "*=1:3"))
        for name, array in self.whole.items():
            np.testing.assert_array_equal(part[name], array[1:3], name)

    def test_plan_has_the_shapes_of_the_part_and_the_fingerprint_of_the_whole(self):
        plan = self.json_of("plan", self.manifest, "--shard", "0/2")
        tensors = {tensor["name"]: tensor for tensor in plan["tensors"]}
        self.assertEqual((tensors["fc1.weight"]["shape"], tensors["fc1.weight"]["slice_shape"]),
                         ([1000, 300], [500, 300]))
        self.assertEqual(tensors["norm.bias"]["slice_shape"], [3])
        self.assertEqual(plan["fingerprint"], self.json_of("plan", self.manifest)["fingerprint"])

    def test_only_and_shard(self):
        part = arrays_of(self.init("--only", "qk", "--shard", "2/3"))
        self.assertEqual(list(part), ["qk"])
        np.testing.assert_array_equal(part["qk"], self.whole["qk"][4:])

    def test_verify_of_a_part(self):
        options = ("--shard", "*.weight=1/3", "--slice", "qk=:,1:2")
        file = self.write("part.safetensors", self.init(*options))
        self.succeed("model", "verify", file, self.manifest, *options)
        self.fail_with(4, "model", "verify", file, self.manifest)
        self.fail_with(4, "model", "verify", file, self.manifest, "--shard", "*.weight=2/3", "--slice", "qk=:,1:2")
        content = bytearray(self.read("part.safetensors"))
        content[-1] ^= 1
        message = self.fail_with(4, "model", "verify", self.write("part.safetensors", bytes(content)), self.manifest,
                                 *options)
        self.assertIn('tensor "', message)

    def test_server_makes_the_same_file(self):
        options = ("--shard", "*.weight=1/3", "--slice", "qk=:,1:2")
        with real_server() as server:
            self.assertEqual(self.init(*options, "--server", server.address), self.init(*options))

    def test_more_shards_than_rows_leave_some_empty_which_is_said(self):
        self.succeed("model", "init", self.manifest, "--shard", "6/7", "-o", self.path("x.safetensors"))
        part = arrays_of(self.read("x.safetensors"))
        self.assertEqual(part["norm.weight"].shape, (0,))
        np.testing.assert_array_equal(part["half"], self.whole["half"][6:])
        result = self.succeed("model", "plan", self.manifest, "--shard", "6/7")
        self.assertIn("advisory: this part has no element of 6 tensors: norm.weight, norm.bias, norm.running_mean, "
                      "norm.running_var, wide, ...\n", result.stderr.decode())
        self.assertIn("0x5", result.stdout.decode())

    def test_part_without_any_element(self):
        part = arrays_of(self.init("--shard", "1000/1001"))
        self.assertEqual({array.size for array in part.values()}, {0})


class WrongPartsTest(ModelTestCase):

    def test_options_that_are_wrong(self):
        for options, words in (
            (["--shard", "3/3"], "--shard 3/3: shard.index: is 3; must be from 0 to 2"),
            (["--shard", "0/0"], "--shard 0/0: shard.count: is 0; must be at least 1"),
            (["--shard", "-1/3"], '--shard: "-1/3" is not INDEX/COUNT'),
            (["--shard", "1"], '--shard: "1" is not INDEX/COUNT'),
            (["--shard", "1/2/3"], '--shard: "1/2/3" is not INDEX/COUNT'),
            (["--shard", "=1/2"], '--shard: "=1/2" is not INDEX/COUNT'),
            (["--shard", "qk=1/2:x"], '--shard: "qk=1/2:x" is not INDEX/COUNT'),
            (["--shard", "1/2", "--axis", "x"], '--axis: "x" is not'),
            (["--shard", "1/2", "--axis", "99999999999"], '--axis: "99999999999" is not'),
            (["--axis", "1"], "--axis: says of which dimension a --shard is"),
            (["--shard", "none*=1/2"], "--shard none*=1/2: matches no tensor of the model"),
            (["--shard", "0/2", "--axis", "1"], '--shard 0/2: shard.axis: is 1; "fc1.bias" has rank 1'),
            (["--shard", "qk=0/2:2"], '--shard qk=0/2:2: shard.axis: is 2; "qk" has rank 2'),
            (["--slice", "0:16"], '--slice: "0:16" is not PATTERN=START:STOP'),
            (["--slice", "qk="], '--slice: "qk=" is not'),
            (["--slice", "qk=1"], '--slice: "qk=1" is not'),
            (["--slice", "qk=-1:"], '--slice: "qk=-1:" is not'),
            (["--slice", "qk=0:7,:"], "--slice qk=0:7,:: slice[0].stop: is 7; must be from 0 to 6"),
            (["--slice", "qk=3:2,:"], "--slice qk=3:2,:: slice[0].start: is 3; must not be above stop"),
            (["--slice", "qk=:,:,:"], '--slice qk=:,:,:: slice: has 3 ranges'),
            (["--shard", "1/2", "--slice", "none=:"], "--slice none=:: matches no tensor of the model"),
        ):
            with self.subTest(options):
                message = self.fail_with(2, "model", "init", self.manifest, "-o", self.path("x.safetensors"), *options)
                self.assertIn(words, message)
                self.assertEqual(self.fail_with(2, "model", "plan", self.manifest, *options), message)
                self.assertEqual(os.listdir(self.directory), ["model.json"])

    def test_missing_axis_has_a_remedy(self):
        message = self.fail_with(2, "model", "plan", self.manifest, "--shard", "0/2:1")
        self.assertIn("a pattern, as in '*.weight=3/8:1'", message)
        self.succeed("model", "plan", self.manifest, "--shard", "fc1.weight=0/2:1")

    def test_server_says_the_same(self):
        with real_server() as server:
            for options in (["--shard", "3/3"], ["--shard", "0/2:1"], ["--slice", "qk=0:7,:"]):
                self.assertEqual(self.fail_with(2, "model", "plan", self.manifest, *options, "--server", server.address),
                                 self.fail_with(2, "model", "plan", self.manifest, *options))


class SingleTensorTest(CliTestCase):
    """init and describe of one tensor."""

    def init(self, *arguments):
        path = self.path("x.bin")
        self.succeed("init", "--name", "w", "--scheme", "normal", "-o", path, *arguments)
        return self.read("x.bin")

    def test_shards_are_the_whole(self):
        generator = random.Random(1)
        for _ in range(4):
            shape = [generator.randint(1, 9) for _ in range(generator.randint(1, 3))]
            axis = generator.randrange(len(shape))
            count = generator.randint(1, 12)
            options = ("--shape", "x".join(map(str, shape)))
            whole = np.frombuffer(self.init(*options), "<u4").reshape(shape)
            parts = [np.frombuffer(self.init(*options, "--shard", f"{index}/{count}", "--axis", str(axis)), "<u4")
                     for index in range(count)]
            ranges = shares(shape[axis], count)
            joined = np.concatenate([part.reshape([stop - start if d == axis else size for d, size in enumerate(shape)])
                                     for part, (start, stop) in zip(parts, ranges, strict=True)], axis)
            np.testing.assert_array_equal(joined, whole)

    def test_axis_may_stand_in_the_shard(self):
        self.assertEqual(self.init("--shape", "4x6", "--shard", "1/3:1"),
                         self.init("--shape", "4x6", "--shard", "1/3", "--axis", "1"))
        self.assertEqual(self.init("--shape", "4x6", "--shard", "1/3:1"),
                         self.init("--shape", "4x6", "--slice", ":,2:4"))

    def test_described_as_the_slice(self):
        description = json.loads(self.succeed("describe", "--shape", "5x4", "--shard", "1/2", "--json").stdout)
        self.assertEqual(description["elements"], 8)

    def test_options_that_are_wrong(self):
        for options, words in (
            (["--shard", "2/2"], '--shard: "2/2" is not INDEX/COUNT with INDEX from 0 to COUNT - 1'),
            (["--shard", "0/0"], '--shard: "0/0" is not'),
            (["--shard", "x"], '--shard: "x" is not'),
            (["--shard", "0/2", "--axis", "2"], "--shard: axis 2 is missing; the shape has 2 dimensions"),
            (["--shard", "0/2:5"], "--shard: axis 5 is missing"),
            (["--shard", "0/2", "--axis", "-1"], "--shard: axis -1 is missing"),
            (["--axis", "0"], "--axis: needs --shard"),
            (["--shard", "0/2", "--slice", "0:1"], "--shard and --slice: give one of the two"),
        ):
            with self.subTest(options):
                message = self.fail_with(2, "init", "--shape", "4x3", "-o", self.path("x.npy"), *options)
                self.assertIn(words, message)
                self.assertEqual(os.listdir(self.directory), [])


if __name__ == "__main__":
    unittest.main()
