"""Whole models by the command line against the NumPy reference: fingerprint and every byte."""

import json
import pathlib
import random
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))

import models
from cli_process import CliTestCase

DTYPES = ("float32", "float64", "float16", "bfloat16")
LAYOUTS = ("out_in", "in_out")
# Scheme, parameters, activation: each scheme, and each parameter that it takes.
SCHEMES = (
    (None, {}, None), (None, {}, "tanh"), (None, {}, "relu"), (None, {}, "leaky_relu"), (None, {}, "prelu"),
    (None, {}, "selu"), ("zeros", {}, None), ("ones", {}, None), ("constant", {"value": -0.3}, None),
    ("constant", {"value": -0.0}, None), ("uniform", {}, None), ("uniform", {"low": -2.5, "high": 0.1}, None),
    ("normal", {}, None), ("normal", {"mean": 0.25, "stddev": 3.0}, None), ("normal", {"stddev": 0.0}, None),
    ("truncated_normal", {}, None), ("truncated_normal", {"mean": -1.0, "stddev": 0.1, "low": 1.0, "high": 5.0}, None),
    ("truncated_normal", {"low": -4.0, "high": -1.0}, None), ("truncated_normal", {"mean": 0.5, "stddev": 0.0}, None),
    ("xavier_uniform", {"gain": 1.7}, None), ("xavier_normal", {}, None), ("he_uniform", {"fan_mode": "average"}, None),
    ("he_normal", {"fan_mode": "out", "negative_slope": 0.3}, "leaky_relu"), ("he_normal", {}, "prelu"),
    ("he_normal", {"fan_mode": "geometric"}, "relu"), ("lecun_uniform", {}, None), ("lecun_normal", {}, None),
    ("variance_scaling", {}, None), ("variance_scaling", {"scale": 2.0, "distribution": "uniform"}, None),
    ("variance_scaling", {"fan_mode": "out", "distribution": "normal"}, None),
    ("variance_preserving_uniform", {"fan_mode": "average"}, "gelu"), ("variance_preserving_normal", {}, "prelu"),
)
# Shapes in OUT_IN order, and each parameter that the scheme takes; of `groups` only DIRAC makes something.
MATRICES = (
    ([5, 7], {"scheme": "identity", "parameters": {"gain": 1.5}}), ([7, 5], {"scheme": "identity"}),
    ([6, 2, 3], {"scheme": "dirac", "fan": {"groups": 3}}), ([4, 5, 3, 2], {"scheme": "dirac"}),
    ([5, 7], {"scheme": "orthogonal", "parameters": {"gain": 1.5}}), ([7, 5], {"scheme": "orthogonal"}),
    ([4, 3, 5], {"scheme": "orthogonal", "fan": {"groups": 2, "transposed": True}}),
    ([6, 4, 3], {"scheme": "delta_orthogonal", "parameters": {"gain": 0.1}}),
    ([3, 3, 1, 3, 5], {"scheme": "delta_orthogonal", "fan": {"transposed": True}}),
    ([9, 4], {"scheme": "sparse", "parameters": {"sparsity": 0.5}}),
    ([10, 4], {"scheme": "sparse", "parameters": {"sparsity": 0.0, "stddev": 2.0}}),
    ([25, 4], {"scheme": "sparse", "parameters": {"sparsity": 0.28, "stddev": 0.0}}),
)


def entry(name, shape, **fields):
    """A tensor's entry, without the fields that are None."""
    tensor = {field: value for field, value in fields.items() if value not in (None, {})}
    return {"name": name, "tensor": {"shape": list(shape), **tensor}}


def fields_of(scheme, parameters, activation):
    """Those fields of a tensor or part that are not empty."""
    fields = {"scheme": scheme, "parameters": parameters, "activation": activation}
    return {field: value for field, value in fields.items() if value}


def read_safetensors(content):
    """The bytes of each tensor in a file."""
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    data = content[8 + length :]
    return {name: data[slice(*tensor["data_offsets"])] for name, tensor in header.items()}


class ModelReferenceTestCase(CliTestCase):

    def plan(self, model, seed=0):
        return json.loads(self.succeed("model", "plan", "--json", self.manifest(model), "--seed", str(seed)).stdout)

    def manifest(self, model):
        path = self.path("model.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"version": 1, **model}, file)
        return path

    def stored(self, model, seed=0):
        self.succeed("model", "init", self.manifest(model), "--seed", str(seed), "-o", self.path("x.safetensors"))
        return read_safetensors(self.read("x.safetensors"))

    def check(self, model, seed=0):
        """The command's fingerprint and bytes are the reference's."""
        expected = models.tensors(model)
        plan = self.plan(model, seed)
        self.assertEqual([tensor["name"] for tensor in plan["tensors"]], [tensor.name for tensor in expected])
        stored = self.stored(model, seed)
        delivered = [tensor for tensor in expected if not isinstance(tensor, models.Alias)]
        self.assertEqual(sorted(stored), sorted(tensor.name for tensor in delivered))
        for tensor in delivered:
            self.assertEqual(stored[tensor.name].hex(), models.payload(tensor, seed).hex(), tensor)
        self.assertEqual(plan["fingerprint"], models.fingerprint(expected, seed).hex())


class PlainTensorsTest(ModelReferenceTestCase):

    def test_each_scheme_in_each_dtype_and_layout(self):
        for scheme, parameters, activation in SCHEMES:
            with self.subTest(scheme=scheme, parameters=parameters, activation=activation):
                self.check({"entries": [
                    entry(f"{dtype}.{layout}", [3, 5, 7], scheme=scheme, parameters=parameters, activation=activation,
                          dtype=dtype, fan={"layout": layout})
                    for dtype in DTYPES for layout in LAYOUTS]}, seed=42)

    def test_matrices_in_each_dtype_and_layout(self):
        for number, (shape, fields) in enumerate(MATRICES):
            with self.subTest(shape=shape, **fields):
                self.check({"entries": [
                    entry(f"{number}.{dtype}.{layout}",
                          shape if layout == "out_in" else [*shape[2:], shape[1], shape[0]],
                          **{**fields, "dtype": dtype, "fan": {**fields.get("fan", {}), "layout": layout}})
                    for dtype in DTYPES for layout in LAYOUTS]}, seed=42)

    def test_expressions_in_the_place_of_numbers(self):
        self.check({"entries": [
            entry(f"{number}", [4, 3], scheme=scheme, activation=activation,
                  parameters={key: value for key, value in parameters.items() if isinstance(value, str)},
                  expressions={key: f"{value} / 2" for key, value in parameters.items() if isinstance(value, float)})
            for number, (scheme, parameters, activation) in enumerate(SCHEMES)]})

    def test_ranks_and_sizes(self):
        shapes = [[], [1], [5], [0], [2, 0], [0, 3], [1, 1], [2, 3, 4, 5], [1] * 16]
        self.check({"entries": [entry(f"{number}.{scheme}", shape, scheme=scheme)
                                for number, shape in enumerate(shapes) for scheme in (None, "normal", "ones")]})

    def test_fans_from_groups_transposition_and_by_hand(self):
        fans = [{"groups": 2}, {"transposed": True}, {"groups": 2, "transposed": True}, {"fan_in": 9},
                {"fan_out": 100}, {"groups": 4, "layout": "in_out"}, {"transposed": True, "layout": "in_out"}]
        self.check({"entries": [entry(f"{number}.{scheme}", [4, 2, 3, 8], scheme=scheme, fan=fan)
                                for number, fan in enumerate(fans) for scheme in ("xavier_normal", "he_uniform")]})

    def test_bias_with_fans_by_hand(self):
        self.check({"entries": [entry("b", [6], scheme="he_uniform", fan={"fan_in": 30}, activation="leaky_relu")]})

    def test_activation_of_the_defaults_is_for_weights_only(self):
        bias = entry("b", [6], scheme="he_uniform", fan={"fan_in": 30})
        plan = self.plan({"defaults": {"activation": "leaky_relu"}, "entries": [bias]})
        self.assertEqual(plan["fingerprint"], models.fingerprint(models.tensors({"entries": [bias]}), 0).hex())

    def test_names_that_are_not_ascii(self):
        self.check({"entries": [entry(name, [4, 4]) for name in ("\u00e4\u00df", "\U0001f9ea", "a b", "\\\"'", "\t")]})

    def test_seeds_at_both_ends(self):
        for seed in (0, 1, 2**63, 2**64 - 1):
            with self.subTest(seed=seed):
                self.check({"entries": [entry("w", [4, 4]), entry("b", [4])]}, seed)


class FingerprintTest(ModelReferenceTestCase):

    def test_order_of_entries_does_not_matter(self):
        entries = [entry("a", [2, 2]), entry("b", [3]), {"name": "c", "alias": "a"}, entry("d", [2], buffer=True)]
        self.check({"entries": entries})
        self.assertEqual(self.plan({"entries": entries})["fingerprint"],
                         self.plan({"entries": entries[::-1]})["fingerprint"])

    def test_what_changes_no_byte_does_not_change_it(self):
        plain = self.plan({"entries": [entry("w", [4, 4], scheme="normal")]})["fingerprint"]
        for changed in (entry("w", [4, 4], scheme="normal", buffer=True),
                        entry("w", [4, 4], scheme="normal", activation="tanh"),
                        entry("w", [4, 4], scheme="normal", parameters={"mean": 0.0, "stddev": 1.0}),
                        entry("w", [4, 4], scheme="xavier_normal", parameters={"gain": 2.0})):
            with self.subTest(changed):
                self.assertEqual(self.plan({"name": "n", "entries": [changed]})["fingerprint"], plain)

    def test_alias_of_a_tensor_of_parts(self):
        self.check({"entries": [
            {"name": "early", "alias": "w"},
            entry("w", [4, 4], concatenation={"parts": [{"name": "p", "size": 4}]}),
            {"name": "late", "alias": "w"},
        ]})

    def test_selection_does_not_change_it(self):
        model = {"entries": [entry("a", [2, 2]), entry("b", [3])]}
        plan = json.loads(self.succeed("model", "plan", "--json", self.manifest(model), "--only", "b").stdout)
        self.assertEqual(plan["fingerprint"], models.fingerprint(models.tensors(model), 0).hex())


class PartsTest(ModelReferenceTestCase):

    def test_parts_along_each_axis_in_each_dtype_and_layout(self):
        for axis in range(3):
            shape = [3, 4, 2]
            shape[axis] = 9
            parts = [{"name": f"p{size}", "size": size} for size in (2, 1, 6)]
            self.check({"entries": [
                entry(f"{dtype}.{layout}", shape, dtype=dtype, fan={"layout": layout},
                      concatenation={"axis": axis, "parts": parts})
                for dtype in DTYPES for layout in LAYOUTS]}, seed=3)

    def test_stacked_parts_along_each_axis_in_each_dtype_and_layout(self):
        for axis in range(4):
            shape = [3, 4, 2, 5]
            shape[axis] = 3
            parts = [{"name": f"p{number}"} for number in range(3)]
            self.check({"entries": [
                entry(f"{dtype}.{layout}", shape, dtype=dtype, fan={"layout": layout}, activation="relu",
                      concatenation={"axis": axis, "stacked": True, "parts": parts})
                for dtype in DTYPES for layout in LAYOUTS]})

    def test_stacked_vectors_are_biases_unless_they_name_a_scheme(self):
        parts = [{"name": "zero"}, {"name": "drawn", "scheme": "normal"}]
        self.check({"entries": [entry("w", [2, 5], concatenation={"stacked": True, "parts": parts})]})

    def test_parts_of_a_vector_and_stacked_scalars(self):
        self.check({"entries": [
            entry("v", [5], concatenation={"parts": [
                {"name": "a", "size": 2, "scheme": "ones"}, {"name": "b", "size": 3}]}),
            entry("s", [2], scheme="normal", concatenation={"stacked": True, "parts": [{"name": "c"}, {"name": "d"}]}),
        ]})

    def test_parts_that_are_matrices(self):
        self.check({"entries": [
            entry("qkv", [12, 4], scheme="orthogonal", parameters={"gain": 2.0}, concatenation={"parts": [
                {"name": "q", "size": 4}, {"name": "k", "size": 4, "parameters": {"gain": 0.5}},
                {"name": "v", "size": 1}, {"name": "z", "size": 3, "scheme": "identity"}]}),
            entry("sparse", [7, 9], scheme="sparse", parameters={"sparsity": 0.3, "stddev": 1.0},
                  concatenation={"axis": 1, "parts": [
                      {"name": "a", "size": 5}, {"name": "b", "size": 4, "parameters": {"sparsity": 0.8}}]}),
            entry("experts", [3, 5, 4], dtype="float64", fan={"layout": "in_out"}, concatenation={
                "stacked": True, "parts": [
                    {"name": "e0", "scheme": "orthogonal"}, {"name": "e1", "scheme": "orthogonal"},
                    {"name": "e2", "scheme": "sparse", "parameters": {"sparsity": 0.5}}]}),
        ]}, seed=11)

    def test_parts_without_elements(self):
        parts = [{"name": "none", "size": 0}, {"name": "all", "size": 4}, {"name": "none too", "size": 0}]
        self.check({"entries": [entry("w", [4, 3], concatenation={"parts": parts})]})

    def test_what_a_part_takes_from_its_tensor(self):
        self.check({"entries": [entry(
            "w", [14, 3], scheme="truncated_normal", activation="leaky_relu",
            parameters={"stddev": 0.5, "low": -1.0, "high": 1.5},
            concatenation={"parts": [
                {"name": "all", "size": 2},
                {"name": "mean of its own", "size": 2, "parameters": {"mean": 3.0}},
                {"name": "stddev of its own", "size": 2, "parameters": {"stddev": 0.1}},
                {"name": "scheme of its own", "size": 2, "scheme": "truncated_normal"},
                {"name": "scheme and parameters", "size": 2, "scheme": "uniform", "parameters": {"low": -1.0}},
                {"name": "activation for he", "size": 2, "scheme": "he_normal"},
                {"name": "activation of its own", "size": 2, "scheme": "he_normal", "activation": "prelu"},
            ]})]})

    def test_fans_of_parts(self):
        self.check({"entries": [entry(
            "w", [8, 2, 3], scheme="he_normal", concatenation={"parts": [
                {"name": "plain", "size": 2}, {"name": "groups", "size": 2, "fan": {"groups": 2}},
                {"name": "transposed", "size": 2, "fan": {"transposed": True}},
                {"name": "by hand", "size": 2, "fan": {"fan_in": 100}}]})]})

    def test_parts_of_parts_four_levels_deep(self):
        innermost = {"axis": 1, "parts": [{"name": "a", "size": 2}, {"name": "b", "size": 3, "scheme": "ones"}]}
        third = {"axis": 1, "stacked": True, "parts": [
            {"name": "c", "activation": "leaky_relu"},
            {"name": "d", "parameters": {"fan_mode": "out"}, "concatenation": innermost}]}
        second = {"axis": 2, "parts": [{"name": "e", "size": 5, "concatenation": third},
                                       {"name": "f", "size": 1, "scheme": "uniform"}]}
        outermost = {"axis": 3, "stacked": True, "parts": [
            {"name": "g"}, {"name": "h", "scheme": "he_uniform", "concatenation": second}]}
        self.check({"entries": [
            entry(f"{dtype}.{layout}", [3, 2, 6, 2], dtype=dtype, fan={"layout": layout}, scheme="he_normal",
                  concatenation=outermost)
            for dtype in DTYPES for layout in LAYOUTS]}, seed=8)

    def test_random_trees_of_parts(self):
        generator = random.Random(2)
        without_fans = [choice for choice in SCHEMES if choice[0] and "_" not in choice[0].replace("truncated_", "")]
        with_name = [choice for choice in SCHEMES if choice[0]]

        def tree(shape, name, depth):
            """Scheme and parts of a tensor or part, some of which take the scheme from above."""
            splits = any(size >= 2 for size in shape) and generator.random() < 1.2 - 0.3 * depth
            fields = {}
            if generator.random() < 0.6:
                choices = without_fans if splits or len(shape) < 2 else with_name
                fields = fields_of(*generator.choice(choices))
            return {**fields, "concatenation": parts(shape, name, depth + 1)} if splits else fields

        def parts(shape, name, depth):
            axis = generator.choice([axis for axis, size in enumerate(shape) if size >= 2])
            before, after = shape[:axis], shape[axis + 1 :]
            if generator.random() < 0.4:
                names = [f"{name}.{number}" for number in range(shape[axis])]
                return {"axis": axis, "stacked": True,
                        "parts": [{"name": part, **tree(before + after, part, depth)} for part in names]}
            first = generator.randint(0, shape[axis])
            return {"axis": axis, "parts": [
                {"name": f"{name}.{size}{letter}", "size": size,
                 **tree([*before, size, *after], f"{name}.{size}{letter}", depth)}
                for letter, size in (("a", first), ("b", shape[axis] - first))]}

        entries = []
        for number in range(300):
            shape = [generator.randint(2, 4) for _ in range(generator.randint(1, 4))]
            entries.append(entry(f"t{number}", shape, dtype=generator.choice(DTYPES),
                                 fan={"layout": generator.choice(LAYOUTS)}, **tree(shape, f"p{number}", 0)))
        self.check({"entries": entries}, seed=9)


class RepetitionTest(ModelReferenceTestCase):

    def test_indices_in_names_parts_aliases_and_expressions(self):
        self.check({"constants": {"n_layer": 12, "_x": 0.1}, "entries": [
            {"name": "h.{i}.{j}", "repeat": [{"index": "i", "count": 2}, {"index": "j", "first": 7, "count": 3}],
             "tensor": {"shape": [4, 3], "scheme": "normal",
                        "expressions": {"stddev": "0.02 / sqrt(2 * (n_layer + i))", "mean": "j * _x - i"}}},
            {"name": "f.{i}", "repeat": [{"index": "i", "first": 98, "count": 3}],
             "tensor": {"shape": [4, 3], "scheme": "uniform", "expressions": {"low": "i - 101", "high": "+i"},
                        "concatenation": {"parts": [
                            {"name": "part.{i}.a", "size": 1}, {"name": "part.{i}.b", "size": 3}]}}},
            {"name": "tied.{k}", "repeat": [{"index": "k", "count": 2}], "alias": "h.{k}.8"},
        ]}, seed=5)


class ExpressionsTest(ModelReferenceTestCase):

    def values(self, expressions, constants):
        """What the command computes: the bits of constants of these values."""
        stored = self.stored({"constants": constants, "entries": [
            {"name": f"{number}", "tensor": {"scheme": "constant", "dtype": "float64",
                                             "expressions": {"value": expression}}}
            for number, expression in enumerate(expressions)]})
        return [stored[str(number)] for number in range(len(expressions))]

    def compare(self, expressions, constants):
        for expression, value in zip(expressions, self.values(expressions, constants)):
            expected = models.evaluate(expression, constants)
            self.assertEqual(value, struct.pack("<d", expected), (expression, expected))

    def test_each_rule_of_the_grammar(self):
        self.compare([
            "1", "12.", "12.5", ".5", "1e3", "1E-3", "1.e+2", ".25e1", "007", "1 - 2 - 3", "8 / 4 / 2", "1 + 2 * 3",
            "(1 + 2) * 3", "2 * -3", "2 - -3", "2 + +3", "-2 * -2", "-(1 + 1)", "- 4", "sqrt(2)", "-sqrt(2)",
            "sqrt ( 2 )", " 1+1 ", "a", "_b1 * A", "1 - a/3", "((((1))))", "0 * -1", "-0", "0 - 0",
            "sqrt(-0)", "sqrt(0)", "1 / 3 * 3", "0.1 + 0.2 + 0.3", "0.1 + (0.2 + 0.3)", "1e308 - 1e308", "e * e1",
        ], {"a": 0.7, "_b1": 3, "A": -1e-3, "e": 2.5, "e1": 10})

    def test_numbers_are_rounded_to_nearest(self):
        self.compare([
            "0.1", "9007199254740993", "9007199254740992.5000000000000000000000000000000000001",
            "9007199254740993.00000000000000000000000000000000000001", "4.9e-324", "2.5e-324",
            "2.2250738585072011e-308", "1.7976931348623157e308", "17976931348623158079e289", "0." + "0" * 200 + "1",
            "1" + "0" * 240, "8.41e21", "9.109e-31", "123456789012345678901234567890",
        ], {})

    def test_random_expressions(self):
        generator = random.Random(1)
        constants = {"a": 0.3, "b": -7, "c": 1e-5}

        def expression(depth):
            kind = generator.randrange(8) if depth else 7
            if kind < 4:
                operator = generator.choice(["+", "-", "*", "/", " + ", " - ", " * ", " / "])
                return expression(depth - 1) + operator + expression(depth - 1)
            if kind == 4:
                return f"({expression(depth - 1)})"
            if kind == 5:
                return f"sqrt({expression(depth - 1)})"
            if kind == 6:
                return f"{generator.choice('+-')}({expression(depth - 1)})"
            return generator.choice(["a", "b", "c", repr(generator.uniform(0, 10)), str(generator.randrange(5))])

        expressions = []
        while len(expressions) < 1000:
            text = expression(4)
            try:
                models.evaluate(text, constants)
            except models.ExpressionError:
                continue
            if len(text) <= 256:
                expressions.append(text)
        self.compare(expressions, constants)

    def test_what_is_no_expression_is_refused(self):
        for text in ["", " ", "1 2", "1 +", "* 1", "--1", "+-1", "1 ** 2", "(1", "1)", "()", "1,5", "2a", "1.5.2", ".",
                     "1e", "1 e3", "e5", "sqrt", "sqrt 2", "sqrt()", "sqrt(2", "sqrt*2", "unknown", "i", "abs(1)",
                     "inf", "nan", "1_000", "1\u00a0+ 1", "\uff11", "\u03b1", "1;", "2^2", "2 % 2", "'1'",
                     "1 / 0", "0 / 0", "sqrt(-1)", "1e309", "1e308 * 10", "1e308 + 1e308", "-1e308 - 1e308"]:
            with self.subTest(text):
                with self.assertRaises(models.ExpressionError):
                    models.evaluate(text)
                manifest = self.manifest({"entries": [
                    entry("w", [2], scheme="constant", expressions={"value": text})]})
                self.assertIn("expressions", self.fail_with(2, "model", "plan", manifest))

    def test_hexadecimal_number_is_refused(self):
        manifest = self.manifest({"entries": [entry("w", [2], scheme="constant", expressions={"value": "0x10"})]})
        with self.assertRaises(models.ExpressionError):
            models.evaluate("0x10")
        self.fail_with(2, "model", "plan", manifest)

    def test_numbers_next_to_nothing_are_rounded_to_nearest(self):
        self.compare(["2.4e-324", "1e-400", "-1e-400", "1e-330 * 0"], {})


if __name__ == "__main__":
    unittest.main()
