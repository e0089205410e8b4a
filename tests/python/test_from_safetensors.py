"""`weightinit model from-safetensors`: manifests from the headers of checkpoints."""

import json
import os
import pathlib
import struct
import unittest

from checkpoint_process import DTYPES, FromSafetensorsTestCase, checkpoint
from model_process import read_safetensors

MODELS = sorted(pathlib.Path(os.environ["WEIGHTINIT_MODELS"]).glob("*.yaml"))


def tensors_and_aliases(plan):
    """What a plan and a header tell of the same model."""
    return ({t["name"]: (t["shape"], t["dtype"]) for t in plan["tensors"] if "alias_of" not in t},
            {t["name"]: t["alias_of"] for t in plan["tensors"] if "alias_of" in t})


class RoundTripTest(FromSafetensorsTestCase):

    def check(self, file, plan, *arguments):
        manifest = self.path("again.yaml")
        self.succeed("model", "from-safetensors", file, "-o", manifest, *arguments)
        again = self.json_of("plan", manifest)
        self.assertEqual(tensors_and_aliases(again), tensors_and_aliases(plan))
        return again

    def test_files_of_shipped_manifests(self):
        for name in ("lenet5", "resnet50"):
            with self.subTest(name):
                manifest = str(next(path for path in MODELS if path.stem == name))
                file = self.path("x.safetensors")
                self.succeed("model", "init", manifest, "--seed", "1", "-o", file)
                plan = self.json_of("plan", manifest)
                again = self.check(file, plan)
                self.assertEqual({t["name"] for t in again["tensors"] if t["buffer"]},
                                 {t["name"] for t in plan["tensors"] if t["buffer"]})

    def test_headers_of_all_shipped_manifests(self):
        self.assertGreater(len(MODELS), 6)
        dtypes = {ours: theirs for theirs, ours in DTYPES.items()}
        for manifest in MODELS:
            with self.subTest(manifest.stem):
                plan = self.json_of("plan", str(manifest))
                tensors, aliases = tensors_and_aliases(plan)
                content = checkpoint({name: (dtypes[dtype], shape) for name, (shape, dtype) in tensors.items()},
                                     aliases)
                self.check(self.write("x.safetensors", content), plan)

    def test_every_dtype_and_an_alias(self):
        file = self.write("x.safetensors", self.init())
        self.check(file, self.json_of("plan", self.manifest))

    def test_manifest_makes_the_same_header(self):
        file = self.write("x.safetensors", self.init())
        manifest = self.path("again.json")
        self.succeed("model", "from-safetensors", file, "-o", manifest)
        headers = [read_safetensors(content)[0] for content in (self.init(manifest=manifest), self.init())]
        for header in headers:
            header["__metadata__"].pop("weightinit.fingerprint")
        self.assertEqual(*headers)

    def test_yaml_and_json_say_the_same(self):
        file = self.write("x.safetensors", self.init())
        yaml = self.write("a.yaml", self.succeed("model", "from-safetensors", file).stdout)
        json_text = self.write("b.json", self.succeed("model", "from-safetensors", file, "--json").stdout)
        self.assertEqual(self.json_of("plan", yaml), self.json_of("plan", json_text))
        self.succeed("model", "from-safetensors", file, "-o", self.path("c.json"))
        self.assertEqual(self.read("c.json"), self.read("b.json"))

    def test_names_of_any_characters(self):
        names = ["a b", "é", 'say "no"', "back\\slash", "tab\t", "line\nbreak", "nul\0", "null", "1.5", "#x", "x: y",
                 "model.layers.0.weight", "emoji \U0001f600", "\u2028", "\x85", "-", "~", "a" * 1024]
        content = checkpoint({name: ("F32", (2, 3)) for name in names})
        manifest = self.write("x.yaml", self.succeed(
            "model", "from-safetensors", self.write("x.safetensors", content)).stdout)
        self.assertEqual([tensor["name"] for tensor in self.json_of("plan", manifest)["tensors"]], names)

    def test_shapes_of_every_rank_and_without_elements(self):
        shapes = [(), (0,), (7,), (0, 4), (3, 0), (1, 1), (2,) * 16]
        content = checkpoint({f"w{number}": ("F16", shape) for number, shape in enumerate(shapes)})
        manifest = self.write("x.yaml", self.succeed(
            "model", "from-safetensors", self.write("x.safetensors", content)).stdout)
        found = {tensor["name"]: tuple(tensor["shape"]) for tensor in self.json_of("plan", manifest)["tensors"]}
        self.assertEqual(found, {f"w{number}": shape for number, shape in enumerate(shapes)})

    def test_only_the_header_is_needed(self):
        whole = self.init()
        (length,) = struct.unpack_from("<Q", whole)
        self.assertEqual(self.manifest_of(whole[: 8 + length]), self.manifest_of(whole))


class SchemesTest(FromSafetensorsTestCase):

    def test_by_name_and_rank(self):
        self.assertEqual(self.schemes_of({
            "wte.weight": ("F32", (10, 4)), "h.0.ln_1.weight": ("F32", (4,)), "h.0.ln_1.bias": ("F32", (4,)),
            "h.0.fc.weight": ("F32", (4, 4)), "down.1.weight": ("F32", (4,)), "down.1.running_mean": ("F32", (4,)),
            "down.1.running_var": ("F32", (4,)), "act.weight": ("F32", (1,)), "cls": ("F32", (4,)),
        }), {
            "wte.weight": "SCHEME_NORMAL", "h.0.ln_1.weight": "SCHEME_ONES", "h.0.ln_1.bias": "SCHEME_ZEROS",
            "h.0.fc.weight": "", "down.1.weight": "SCHEME_ONES", "down.1.running_mean": "SCHEME_ZEROS",
            "down.1.running_var": "SCHEME_ONES", "act.weight": "SCHEME_ONES", "cls": "SCHEME_ZEROS",
        })

    def test_guesses_are_said(self):
        file = self.write("x.safetensors", checkpoint({
            "act.weight": ("F32", (1,)), "cls": ("F32", (4,)), "fc.weight": ("F32", (4, 4)), "fc.bias": ("F32", (4,))}))
        result = self.succeed("model", "from-safetensors", file)
        self.assertEqual([line.split(":")[1] for line in result.stderr.decode().splitlines()], [" act.weight", " cls"])
        self.assertRegex(result.stdout.decode(), r"(?m)^# A guess: the scheme of cls$")
        self.assertNotIn("scheme of fc.bias", result.stdout.decode())

    def test_many_guesses_are_bounded(self):
        file = self.write("x.safetensors", checkpoint({f"x{i}": ("F32", (1,)) for i in range(30)}))
        lines = self.succeed("model", "from-safetensors", file).stderr.decode().splitlines()
        self.assertEqual((len(lines), lines[-1]), (21, "advisory: and 10 more"))

    def test_running_statistics_are_buffers(self):
        entries = self.entries_of(checkpoint({"bn.running_mean": ("F32", (4,)), "bn.running_var": ("F32", (4,)),
                                              "bn.weight": ("F32", (4,))}))
        self.assertEqual([entry["tensor"].get("buffer", False) for entry in entries.values()], [True, True, False])

    def test_activation_chooses_the_scheme(self):
        file = self.write("x.safetensors", checkpoint({"fc.weight": ("F32", (4, 4))}))
        for activation, scheme in ((None, "xavier_normal"), ("relu", "he_normal"), ("silu", "he_normal"),
                                   ("selu", "lecun_normal"), ("tanh", "xavier_normal")):
            with self.subTest(activation):
                option = ("--activation", activation) if activation else ()
                self.succeed("model", "from-safetensors", file, "-o", self.path("x.yaml"), *option)
                tensor = self.json_of("plan", self.path("x.yaml"))["tensors"][0]
                self.assertEqual((tensor["scheme"], tensor["activation"]), (scheme, activation and
                                 activation.replace("silu", "swish") or "linear"))

    def test_layout_is_told_and_leaves_embeddings(self):
        file = self.write("x.safetensors", checkpoint({"wte.weight": ("F32", (10, 4)), "fc.weight": ("F32", (4, 12))}))
        for layout, expected in (("out_in", ["out_in", "out_in"]), ("in_out", ["out_in", "in_out"])):
            with self.subTest(layout):
                self.succeed("model", "from-safetensors", file, "--layout", layout, "-o", self.path("x.yaml"))
                tensors = self.json_of("plan", self.path("x.yaml"))["tensors"]
                self.assertEqual([tensor["layout"] for tensor in tensors], expected)

    def test_comment_says_what_a_header_does_not_tell(self):
        file = self.write("x.safetensors", checkpoint({"fc.weight": ("F32", (4, 4))}))
        text = self.succeed("model", "from-safetensors", file).stdout.decode()
        self.assertRegex(text, r"^# From the header of x\.safetensors, ")
        self.assertIn("out_in, (outputs, inputs)", text)

    def test_usual_dtype_is_the_default(self):
        manifest = self.manifest_of(checkpoint({"a": ("F32", (2,)), "b": ("BF16", (2,)), "c": ("BF16", (2,))}))
        self.assertEqual(manifest["defaults"]["dtype"], "DTYPE_BFLOAT16")
        self.assertEqual([entry["tensor"].get("dtype") for entry in manifest["entries"]],
                         ["DTYPE_FLOAT32", None, None])


class SkipTest(FromSafetensorsTestCase):

    TENSORS = {"bn.weight": ("F32", (4,)), "bn.num_batches_tracked": ("I64", ()), "q": ("F8_E4M3", (4, 4))}

    def test_tensors_that_match_are_left_out(self):
        entries = self.entries_of(checkpoint(self.TENSORS), "--skip", "*.num_batches_tracked", "--skip", "?")
        self.assertEqual(list(entries), ["bn.weight"])

    def test_aliases_of_what_is_left_out(self):
        content = checkpoint({"a": ("F32", (2,)), "b": ("F32", (2,))}, {"x": "a", "y": "b", "z": "b"})
        self.assertEqual(list(self.entries_of(content, "--skip", "a", "--skip", "z")), ["b", "y"])

    def test_pattern_that_matches_nothing_is_an_advisory(self):
        file = self.write("x.safetensors", checkpoint({"fc.weight": ("F32", (4, 4))}))
        self.assertEqual(self.succeed("model", "from-safetensors", file, "--skip", "x*").stderr.decode(),
                         'advisory: --skip "x*" matches no tensor\n')

    def test_everything_left_out(self):
        file = self.write("x.safetensors", checkpoint(self.TENSORS))
        self.assertIn("--skip leaves no tensors", self.fail_with(2, "model", "from-safetensors", file, "--skip", "*"))


class AliasesTest(FromSafetensorsTestCase):

    def test_metadata_that_names_no_tensor_is_no_alias(self):
        content = checkpoint({"a": ("F32", (2,))}, {"format": "pt", "a": "a", "b": "c", "weightinit.seed": "1",
                                                    "t": "a"})
        self.assertEqual([(name, entry.get("alias")) for name, entry in self.entries_of(content).items()],
                         [("a", None), ("t", "a")])


class SeveralFilesTest(FromSafetensorsTestCase):

    FILES = {"model-1.safetensors": {"a": ("F32", (2, 2)), "b": ("F32", (2,))},
             "model-2.safetensors": {"c": ("F16", (3,))}}

    def write_files(self, weight_map=None, index="model.safetensors.index.json"):
        os.mkdir(self.path("dir"))
        found = {}
        for file, tensors in self.FILES.items():
            self.write(os.path.join("dir", file), checkpoint(tensors, {"tied": "c"}))
            found.update(dict.fromkeys(tensors, file))
        return self.write(os.path.join("dir", index), json.dumps(
            {"metadata": {"total_size": 30}, "weight_map": found if weight_map is None else weight_map}))

    def names_of(self, path):
        return [entry["name"] for entry in
                json.loads(self.succeed("model", "from-safetensors", path, "--json").stdout)["entries"]]

    def test_index_or_its_directory(self):
        index = self.write_files()
        self.assertEqual(self.names_of(index), ["a", "b", "c", "tied"])
        self.assertEqual(self.names_of(self.path("dir")), ["a", "b", "c", "tied"])

    def test_directory_with_one_file(self):
        os.mkdir(self.path("dir"))
        self.write("dir/x.safetensors", checkpoint({"a": ("F32", (2, 2))}))
        self.assertEqual(self.names_of(self.path("dir")), ["a"])

    def test_index_may_list_aliases(self):
        files = {"a": "model-1.safetensors", "b": "model-1.safetensors", "c": "model-2.safetensors",
                 "tied": "model-2.safetensors"}
        self.assertEqual(self.names_of(self.write_files(files)), ["a", "b", "c", "tied"])

    def test_directories_that_do_not_tell(self):
        os.mkdir(self.path("dir"))
        self.assertIn("no file in it ends in .safetensors",
                      self.fail_with(2, "model", "from-safetensors", self.path("dir")))
        for name in ("x", "y"):
            self.write(f"dir/{name}.safetensors", checkpoint({"a": ("F32", (2, 2))}))
        self.assertIn("name the one that is meant", self.fail_with(2, "model", "from-safetensors", self.path("dir")))

    def test_indices_that_are_wrong(self):
        one, two = "model-1.safetensors", "model-2.safetensors"
        for weight_map, words in (
            ({"a": one, "b": two, "c": two}, '"b" is not in "model-2.safetensors"'),
            ({"a": one, "b": one, "c": two, "d": two}, '"d" is not in "model-2.safetensors"'),
            ({"a": one, "c": two}, '"b" is missing; a file has it'),
            ({"a": "../x.safetensors"}, 'the file of tensor "a" is not the name of one in the directory'),
            ({"a": 1}, 'the file of tensor "a" is not the name of one in the directory'),
            ([], '"weight_map"'),
        ):
            with self.subTest(weight_map):
                index = self.write_files(weight_map)
                self.assertIn(words, self.fail_with(2, "model", "from-safetensors", index))
                for name in os.listdir(self.path("dir")):
                    os.remove(self.path(os.path.join("dir", name)))
                os.rmdir(self.path("dir"))

    def test_index_that_is_no_json(self):
        index = self.write("model.safetensors.index.json", '{"weight_map": {')
        self.assertIn("is no index", self.fail_with(2, "model", "from-safetensors", index))

    def test_index_of_a_file_that_is_not_there(self):
        index = self.write("x.safetensors.index.json", json.dumps({"weight_map": {"a": "none.safetensors"}}))
        self.assertIn("none.safetensors", self.fail_with(1, "model", "from-safetensors", index))

    def test_tensor_in_two_files(self):
        index = self.write_files()
        self.write("dir/model-2.safetensors", checkpoint({"c": ("F16", (3,)), "a": ("F32", (2, 2))}))
        message = self.fail_with(2, "model", "from-safetensors", index)
        self.assertIn('model-2.safetensors: tensor "a" is in ', message)


if __name__ == "__main__":
    unittest.main()
