"""`weightinit model diff`: what differs between two manifests."""

import json
import unittest

from cli_process import run_cli
from model_process import ENTRIES, MODEL, ModelTestCase


def changed(**fields):
    """The model of these tests with other entries in the place of those of the same name; None: without it."""
    entries = [fields.get(entry["name"], entry) for entry in ENTRIES]
    return {**MODEL, "entries": [entry for entry in entries if entry is not None]}


class DiffTest(ModelTestCase):

    def diff(self, other, status=1, before=None):
        """The JSON of the difference between the model of these tests, or `before`, and another."""
        a = self.write("a.json", json.dumps(before or MODEL))
        b = self.write("b.json", json.dumps(other))
        result = run_cli("model", "diff", a, b, "--json")
        self.assertEqual(result.returncode, status, result.stderr)
        found = json.loads(result.stdout)
        self.assertEqual(found["equal"], status == 0)
        for side, path in (("a", a), ("b", b)):
            self.assertEqual(found[side]["fingerprint"], self.json_of("plan", path)["fingerprint"])
        if status == 0:
            self.assertEqual((found["only_in_a"], found["only_in_b"], found["changed"]), ([], [], []))
        return found

    def fields(self, other):
        """The fields that are changed of the only tensor that is."""
        found = self.diff(other)
        self.assertEqual((found["only_in_a"], found["only_in_b"], len(found["changed"])), ([], [], 1), found)
        return {field: (of["a"], of["b"]) for field, of in found["changed"][0]["fields"].items()}

    def test_model_and_itself_are_equal(self):
        result = self.succeed("model", "diff", self.manifest, self.manifest)
        self.assertTrue(result.stdout.decode().endswith("\nequal\n"))
        self.assertEqual(result.stderr, b"")
        self.diff(MODEL, 0)

    def test_order_and_names_of_models_make_no_difference(self):
        self.diff({**MODEL, "name": "other", "entries": ENTRIES[::-1]}, 0)

    def test_same_tensors_said_otherwise_are_equal(self):
        self.diff(changed(fc1={"name": "fc1", "block": {"entries": [
            {"name": "weight", "tensor": {"shape": [1000, 300], "scheme": "he_normal"}},
            {"name": "bias", "tensor": {"shape": [1000]}}]}}), 0)

    def test_tensors_of_one_only_are_in_its_order(self):
        dense = {"in_features": 300, "out_features": 1000, "bias": False}
        found = self.diff(changed(fc1={"name": "fc1", "dense": dense}, norm=None,
                                  half={"name": "y", "tensor": {"shape": [2]}},
                                  wide={"name": "x", "tensor": {"shape": [2]}}))
        self.assertEqual(found["only_in_a"], ["fc1.bias", "norm.weight", "norm.bias", "norm.running_mean",
                                              "norm.running_var", "half", "wide"])
        self.assertEqual(found["only_in_b"], ["y", "x"])
        self.assertEqual(found["changed"], [])

    def test_shape_and_what_follows_from_it(self):
        self.assertEqual(self.fields(changed(half={"name": "half", "tensor": {"shape": [7, 4]}})), {
            "shape": ([7, 3], [7, 4]), "fan_in": (3, 4), "stddev": ((2 / 3) ** 0.5, 0.5 ** 0.5)})

    def test_scheme_and_parameters(self):
        self.assertEqual(self.fields(changed(wide={"name": "wide", "tensor": {
            "shape": [3, 5], "dtype": "float64", "scheme": "uniform", "parameters": {"low": -1, "high": 2}}})),
            {"high": (3, 2)})
        self.assertEqual(self.fields(changed(wide={"name": "wide", "tensor": {
            "shape": [3, 5], "dtype": "float64", "scheme": "normal"}})), {
                "scheme": ("uniform", "normal"), "distribution": ("uniform", "normal"), "low": (-1, None),
                "high": (3, None), "mean": (None, 0), "stddev": (None, 1)})

    def test_dtype(self):
        self.assertEqual(self.fields({**MODEL, "rules": [{"match": "half", "dtype": "float32"}, *MODEL["rules"][1:]]}),
                         {"dtype": ("float16", "float32")})

    def test_layout(self):
        self.assertEqual(self.fields(changed(half={"name": "half", "tensor": {
            "shape": [7, 3], "fan": {"layout": "in_out", "fan_in": 3, "fan_out": 7}}})),
            {"layout": ("out_in", "in_out")})

    def test_fans_alone(self):
        tensor = {"shape": [3, 5], "scheme": "uniform", "fan": {"fan_in": 9}}
        before = changed(wide={"name": "wide", "tensor": {**tensor, "fan": {}}})
        after = changed(wide={"name": "wide", "tensor": tensor})
        self.assertEqual(self.diff(after, before=before)["changed"],
                         [{"name": "wide", "fields": {"fan_in": {"a": 5, "b": 9}}}])

    def test_buffer(self):
        tensor = {"shape": [3, 5], "dtype": "float64", "scheme": "uniform", "parameters": {"low": -1, "high": 3}}
        self.assertEqual(self.fields(changed(wide={"name": "wide", "tensor": {**tensor, "buffer": True}})),
                         {"buffer": (False, True)})

    def test_alias(self):
        self.assertEqual(self.fields(changed(tied={"name": "tied", "alias": "half"})),
                         {"alias_of": ("fc1.weight", "half")})
        fields = self.fields(changed(tied={"name": "tied", "tensor": {"shape": [1000, 300]}}))
        self.assertEqual(fields["alias_of"], ("fc1.weight", None))
        self.assertEqual(fields["shape"], (None, [1000, 300]))

    def test_parts(self):
        def parts(*parts):
            return changed(qk={"name": "qk", "tensor": {"shape": [6, 4], "concatenation": {"parts": list(parts)}}})

        normal = self.fields(parts({"name": "q", "size": 2}, {"name": "k", "size": 4, "scheme": "he_normal"}))
        self.assertEqual(normal, {
            "parts[1].scheme": ("he_uniform", "he_normal"), "parts[1].distribution": ("uniform", "normal"),
            "parts[1].low": (-(6 / 4) ** 0.5, None), "parts[1].high": ((6 / 4) ** 0.5, None),
            "parts[1].mean": (None, 0), "parts[1].stddev": (None, (2 / 4) ** 0.5)})
        renamed = self.fields(parts({"name": "q2", "size": 2}, {"name": "k", "size": 4, "scheme": "he_uniform"}))
        self.assertEqual(renamed, {"parts[0].name": ("q", "q2")})
        fields = self.fields(parts({"name": "q", "size": 6}))
        self.assertEqual(fields, {"parts": (2, 1)})
        fields = self.fields(changed(qk={"name": "qk", "tensor": {"shape": [6, 4]}}))
        self.assertEqual(fields["parts"], (2, None))
        self.assertEqual(fields["scheme"], (None, "he_normal"))

    def test_text_names_tensors_and_fields(self):
        b = self.write("b.json", json.dumps(changed(norm=None, half={"name": "half", "tensor": {"shape": [7, 4]}},
                                                    wide={"name": "x", "tensor": {"shape": [2]}})))
        result = run_cli("model", "diff", self.manifest, b)
        self.assertEqual(result.returncode, 1)
        lines = result.stdout.decode().splitlines()
        self.assertEqual(lines[0].split(" fingerprint ")[0], f"A          {self.manifest}, 10 tensors,")
        self.assertEqual(lines[1].split(" fingerprint ")[0], f"B          {b}, 6 tensors,")
        self.assertEqual(lines[2], "only in A  norm.weight")
        self.assertTrue(lines[6].startswith("changed    half: shape [7,3] -> [7,4]; fan_in 3 -> 4; "), lines)
        self.assertEqual(lines[7:], ["only in A  wide", "only in B  x"])
        self.assertEqual(result.stderr.decode(), f"weightinit: {self.manifest} and {b} differ in 7 tensors\n")

    def test_manifest_from_standard_input(self):
        self.succeed("model", "diff", "-", self.manifest, stdin=self.standard_input(json.dumps(MODEL).encode()))
        self.succeed("model", "diff", self.manifest, "-", stdin=self.standard_input(json.dumps(MODEL).encode()))
        self.assertIn("not both", self.fail_with(2, "model", "diff", "-", "-"))

    def test_manifests_that_cannot_be_used_are_no_difference(self):
        bad = self.write("bad.yaml", "version: 1\nentries:\n  - {name: a, tensor: {shape: [-2]}}\n")
        for arguments, words in (
            ((self.manifest, self.path("none.yaml")), "No such file"),
            ((bad, self.manifest), "bad.yaml:3:32: model.entries[0].tensor.shape[0]: is -2"),
            ((self.manifest, self.write("x.yaml", "version: 2\n")), ":1:10: version: "),
            ((self.manifest,), "B is required"),
        ):
            with self.subTest(arguments):
                self.assertIn(words, self.fail_with(2, "model", "diff", *arguments))


if __name__ == "__main__":
    unittest.main()
