"""`weightinit presets`, and --preset and --constant of `weightinit model`."""

import json
import os
import pathlib
import re
import shlex
import textwrap
import unittest

from checkpoint_process import checkpoint
from cli_process import real_server, run_cli
from model_process import ModelTestCase

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT / "client" / "models"
FILES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "client" / "presets").glob("*.yaml")}

MINE = """version: 1
name: mine
summary: A test
sources: [this file]
names: [these tests]
constants:
  - {name: size, what: a number}
rules:
  - {match: ["*.weight", "nothing"], scheme: normal, expressions: {stddev: 1 / size}}
"""


class PresetsCommandTest(ModelTestCase):

    def test_all_presets_are_listed(self):
        lines = self.succeed("presets").stdout.decode().splitlines()
        found = json.loads(self.succeed("presets", "--json").stdout)
        self.assertEqual([line.split()[0] for line in lines], sorted(FILES))
        self.assertEqual([preset["name"] for preset in found], sorted(FILES))
        for line, preset in zip(lines, found, strict=True):
            self.assertTrue(line.endswith(" " + preset["summary"]), line)
            self.assertTrue(preset["sources"] and preset["names"] and preset["rules"], preset["name"])

    def test_one_preset_is_its_file(self):
        for name, text in FILES.items():
            self.assertEqual(self.succeed("presets", name).stdout.decode(), text)
        found = json.loads(self.succeed("presets", "gpt2", "--json").stdout)
        self.assertEqual(found["constants"], [
            {"name": "layers", "what": "blocks of the model", "default": None},
            {"name": "stddev", "what": "initializer_range of transformers", "default": 0.02}])
        self.assertEqual(found["rules"][1], {
            "match": ["*.c_proj.weight"], "scheme": "normal", "expressions": {"stddev": "stddev / sqrt(2 * layers)"}})

    def test_a_file_is_checked(self):
        path = self.write("mine.yaml", MINE)
        self.assertEqual(self.succeed("presets", path).stdout.decode(), MINE)
        path = self.write("bad.yaml", MINE.replace("stddev:", "sigma:").replace("summary: A test\n", ""))
        error = self.fail_with(2, "presets", path)
        self.assertIn("summary: is required", error)
        self.assertIn("rules[0].expressions[sigma]: is no parameter", error)
        error = self.fail_with(2, "presets", self.write("bad.yaml", MINE.replace("match", "matches")))
        self.assertIn("bad.yaml:9:6: rules[0].matches: is no field here; did you mean match?", error)

    def test_an_unknown_name_tells_the_known_ones(self):
        error = self.fail_with(2, "presets", "gpt3")
        self.assertIn('"gpt3" is no preset; did you mean gpt2? must be one of deepnorm, ', error)

    def test_the_page_has_each_preset(self):
        page = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")
        for preset in json.loads(self.succeed("presets", "--json").stdout):
            section = page.partition(f"\n## {preset['name']}\n")[2].partition("\n## ")[0]
            self.assertTrue(section, preset["name"])
            for constant in preset["constants"]:
                self.assertIn(f"`{constant['name']}`", section, preset["name"])


    def test_the_commands_of_the_page_print_what_it_says(self):
        page = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")
        os.symlink(ROOT / "client", self.path("client"))
        commands = re.findall(r"^    \$ build/release/bin/weightinit (.*)\n((?:    [^$].*\n)+)", page, re.M)
        self.assertGreater(len(commands), len(FILES))
        for name, manifest in re.findall(r"```yaml\n# (\S+)\n(.*?)```", page, re.S):
            self.write(name, manifest)
        for command, output in commands:
            result = self.succeed(*shlex.split(command), cwd=self.directory)
            self.assertEqual(result.stdout.decode()[: len(textwrap.dedent(output))], textwrap.dedent(output), command)

    def test_a_manifest_for_people_has_no_advisories_about_what_a_preset_does(self):
        path = self.write("lora.yaml", "version: 1\nentries:\n"
                          "  - {name: q.lora_B.weight, tensor: {shape: [8, 2], scheme: zeros}}\n")
        self.assertIn(b"all values of this rank-2 tensor are equal", self.succeed("model", "plan", path).stderr)
        self.assertEqual(self.succeed("model", "plan", path, "--preset", "lora").stderr, b"")
        (tensor,) = self.json_of("plan", path, "--preset", "lora")["tensors"]
        self.assertEqual(len(tensor["advisories"]), 1)


class PresetOptionsTest(ModelTestCase):

    def test_rules_of_a_preset_come_after_those_of_the_manifest(self):
        path = self.write("mine.yaml", MINE)
        plan = self.json_of("plan", self.manifest, "--preset", path, "--constant", "size=8")
        tensors = {tensor["name"]: tensor for tensor in plan["tensors"]}
        self.assertEqual(tensors["fc1.weight"]["stddev"], 1 / 8)
        self.assertEqual((tensors["fc1.weight"]["rules"], tensors["fc1.weight"]["presets"]), ([], ["mine"]))
        self.assertEqual((tensors["fc1.bias"]["rules"], tensors["fc1.bias"]["presets"]), ([1], []))
        self.assertEqual(plan["advisories"], [])
        text = self.succeed("model", "plan", self.manifest, "--preset", path, "--constant", "size=8")
        self.assertRegex(text.stdout.decode(), "fc1.weight .* 0.125, preset mine\n")
        self.assertIn("advisory: the preset leaves 7 of 9 tensors as the manifest says: fc1.bias, norm.bias, "
                      "norm.running_mean, ...\n", text.stderr.decode())

    def test_a_later_preset_wins(self):
        first = self.write("first.yaml", MINE)
        second = self.write("second.yaml", MINE.replace("mine", "other").replace("*.weight", "fc1.*"))
        plan = self.json_of("plan", self.manifest, "--preset", first, "--preset", second, "--constant=size=4")
        tensors = {tensor["name"]: tensor for tensor in plan["tensors"]}
        self.assertEqual(tensors["fc1.weight"]["presets"], ["mine", "other"])
        self.assertEqual(tensors["norm.weight"]["presets"], ["mine"])
        self.assertEqual(tensors["fc1.bias"]["stddev"], 1 / 4)

    def test_init_and_verify_use_it_and_the_server_needs_no_preset(self):
        preset = ["--preset", self.write("mine.yaml", MINE), "--constant", "size=8"]
        out, from_server = self.path("m.safetensors"), self.path("n.safetensors")
        made = self.json_of("init", self.manifest, *preset, "-o", out)
        self.assertNotEqual(made["fingerprint"], self.json_of("plan", self.manifest)["fingerprint"])
        self.succeed("model", "verify", out, self.manifest, *preset)
        self.assertEqual(run_cli("model", "verify", out, self.manifest).returncode, 4)
        with real_server() as server:
            self.json_of("init", self.manifest, *preset, "-o", from_server, "--server", server.address)
        self.assertEqual(self.read("m.safetensors"), self.read("n.safetensors"))

    def test_presets_of_the_models_that_come_along_change_no_number(self):
        for model, preset in (("gpt2", "gpt2"), ("llama3_8b", "llama"), ("mixtral_8x7b", "llama")):
            path = MODELS / f"{model}.yaml"
            result = self.succeed("model", "diff", path, path, "--preset", preset)
            self.assertTrue(result.stdout.decode().endswith("\nequal\n"), model)
            plan = self.succeed("model", "plan", path, "--preset", preset)
            self.assertEqual(plan.stderr, b"")

    def test_checkpoint_becomes_a_manifest_with_the_rules(self):
        tensors = self.json_of("plan", MODELS / "gpt2.yaml")["tensors"]
        file = self.write("gpt2.safetensors", checkpoint({
            tensor["name"]: ("F32", tensor["shape"]) for tensor in tensors if "shape" in tensor}))
        manifest = self.path("mine.yaml")
        self.succeed("model", "from-safetensors", file, "--layout", "in_out", "--preset", "gpt2",
                     "--constant", "layers=12", "-o", manifest)
        text = pathlib.Path(manifest).read_text(encoding="utf-8")
        self.assertIn("# The rules are those of the preset gpt2.\n", text)
        plan = {tensor["name"]: tensor for tensor in self.json_of("plan", manifest)["tensors"]}
        self.assertAlmostEqual(plan["transformer.h.9.mlp.c_proj.weight"]["stddev"], 0.02 / 24 ** 0.5, delta=1e-15)
        self.assertEqual(plan["transformer.wpe.weight"]["stddev"], 0.02)

    def test_a_missing_constant_is_named(self):
        path = self.write("model.yaml", "version: 1\nentries: [{name: lm_head.weight, tensor: {shape: [2, 2]}}]\n")
        error = self.fail_with(2, "model", "plan", path, "--preset", "mup")
        self.assertIn("constant width: is required by the preset mup: width of the model\n"
                      "constant base_width: is required by the preset mup: width of the model whose learning rate "
                      "was tuned\nGive --constant width=VALUE --constant base_width=VALUE, or the constants of the "
                      "manifest.", error)

    def test_the_manifest_may_have_the_constants_and_the_command_line_wins(self):
        path = self.write("model.yaml", "version: 1\nconstants: {layers: 8}\n"
                          "entries: [{name: h.0.c_proj.weight, tensor: {shape: [2, 2]}}]\n")
        for arguments, layers in (([], 8), (["--constant", "layers=2"], 2)):
            (tensor,) = self.json_of("plan", path, "--preset", "gpt2", *arguments)["tensors"]
            self.assertAlmostEqual(tensor["stddev"], 0.02 / (2 * layers) ** 0.5, delta=1e-15)

    def test_constants_of_a_manifest_may_be_set_without_a_preset(self):
        path = self.write("model.yaml", "version: 1\nconstants: {sigma: 1}\nentries: [{name: x, tensor: {shape: [2, 2], "
                          "scheme: normal, expressions: {stddev: 2 * sigma}}}]\n")
        (tensor,) = self.json_of("plan", path, "--constant", "sigma=3")["tensors"]
        self.assertEqual(tensor["stddev"], 6)

    def test_bad_constants(self):
        for constant, error in (("layers", 'is not NAME=VALUE'), ("layers=x", 'is not NAME=VALUE'),
                                ("layers=inf", 'is not NAME=VALUE'), ("=3", '"" is no constant'),
                                ("layer=3", '"layer" is no constant of the manifest or of a preset; did you mean layers?')):
            self.assertIn(error, self.fail_with(2, "model", "plan", self.manifest, "--preset", "gpt2", "--constant", constant))

    def test_a_preset_that_matches_nothing_is_an_error(self):
        error = self.fail_with(2, "model", "plan", self.manifest, "--preset", "gpt2", "--constant", "layers=2")
        self.assertIn("preset gpt2: matches no tensor of the model; it is for the names of GPT2Model", error)

    def test_an_expression_without_a_value_is_an_error(self):
        path = self.write("mine.yaml", MINE)
        error = self.fail_with(2, "model", "plan", self.manifest, "--preset", path, "--constant", "size=0")
        self.assertIn('preset mine: rules[0].expressions[stddev]: is "1 / size": the value is not finite', error)

    def test_a_repetition_that_is_no_whole_number_is_an_error(self):
        for layers in (2.5, -1, 1e9):
            error = self.fail_with(2, "model", "plan", MODELS / "llama3_8b.yaml", "--preset", "olmo_mitchell",
                                   "--constant", f"layers={layers}")
            self.assertIn("must be a whole number from 0 to 10000", error)

    def test_a_manifest_that_is_wrong_is_told_as_without_a_preset(self):
        path = self.write("model.yaml", "version: 1\nentries: [{name: x.weight, tensor: {shape: [-1]}}]\n")
        with_preset = self.fail_with(2, "model", "plan", path, "--preset", "gpt2", "--constant", "layers=2")
        self.assertEqual(with_preset, self.fail_with(2, "model", "plan", path))


if __name__ == "__main__":
    unittest.main()
