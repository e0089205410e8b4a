"""The manifests of client/models against the models of the frameworks.

Names, shapes, ties and fans of all tensors; then the values that the framework starts
with against the distribution that the manifest gives. $WEIGHTINIT_MODEL_PLAN is the
program weightinit-model-plan.
"""

import json
import math
import os
import pathlib
import subprocess
import unittest

import torch

import framework_shapes

MANIFESTS = pathlib.Path(__file__).resolve().parents[2] / "client" / "models"
# The tolerance of moments, in standard errors; about 3000 moments are looked at.
SIGMAS = 6
# The standard deviation of fewer values says little.
FEW = 500


def plan(name):
    """The tensors of a manifest by name."""
    lines = subprocess.run([os.environ["WEIGHTINIT_MODEL_PLAN"], MANIFESTS / f"{name}.yaml"],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    return {tensor["name"]: tensor for tensor in map(json.loads, lines)}


def fans(tensor):
    """fan_in and fan_out of a tensor; of one of parts, those of all parts together."""
    if not tensor["parts"]:
        return tensor["fan_in"], tensor["fan_out"]
    of_parts = [fans(part) for part in tensor["parts"]]
    fan_ins = {fan_in for fan_in, _ in of_parts}
    assert len(fan_ins) == 1, "parts of one input"
    return fan_ins.pop(), sum(fan_out for _, fan_out in of_parts)


def parts(tensor, values):
    """What is drawn at once, (description, values): the tensor, or each part of it."""
    if not tensor["parts"]:
        yield tensor, values
        return
    sizes = [part["shape"][tensor["axis"]] for part in tensor["parts"]]
    for part, of_part in zip(tensor["parts"], values.split(sizes, tensor["axis"])):
        yield from parts(part, of_part)


class ModelsTest(unittest.TestCase):
    def test_every_manifest_is_compared(self):
        self.assertEqual({path.stem for path in MANIFESTS.glob("*.yaml")}, set(framework_shapes.MODELS))

    def test_names_shapes_ties_and_fans(self):
        for name in framework_shapes.MODELS:
            expected = framework_shapes.shapes(name)
            found = plan(name)
            with self.subTest(model=name):
                self.assertEqual(set(found), set(expected))
            for tensor_name in set(found) & set(expected):
                with self.subTest(model=name, tensor=tensor_name):
                    self.check_tensor(found[tensor_name], expected[tensor_name])

    def check_tensor(self, tensor, expected):
        self.assertEqual(tensor.get("alias_of"), expected.get("alias_of"))
        if "alias_of" in tensor:
            return
        self.assertEqual(tensor["shape"], expected["shape"])
        self.assertEqual(tensor["buffer"], expected["buffer"])
        if len(tensor["shape"]) < 2:
            return
        fan_in, fan_out = fans(tensor)
        # PyTorch does not know of transformers' Conv1D, whose weights are (in, out).
        if tensor["layout"] == "in_out":
            fan_in, fan_out = fan_out, fan_in
        self.assertEqual((fan_in, fan_out), (expected["fan_in"], expected["fan_out"]))

    def test_initial_values(self):
        for name in framework_shapes.INITIALIZED:
            planned = plan(name)
            for tensor_name, values in framework_shapes.values(name).items():
                tensor = planned.get(tensor_name)
                # A name that is missing is test_names_shapes_ties_and_fans' to tell.
                if tensor is None or "alias_of" in tensor:
                    continue
                for part, of_part in parts(tensor, values):
                    with self.subTest(model=name, tensor=part["name"]):
                        self.check_values(part, of_part.double())

    def check_values(self, tensor, values):
        mean, stddev = tensor["mean"], tensor["stddev"]
        if stddev == 0:
            self.assertTrue(torch.all(values == mean))
            return
        count = values.numel()
        self.assertLess(abs(values.mean().item() - mean), SIGMAS * stddev / math.sqrt(count))
        if count >= FEW:
            self.assertLess(abs(values.std().item() / stddev - 1), SIGMAS / math.sqrt(2 * count))
        # As float32, bounds round.
        if "low" in tensor:
            self.assertGreaterEqual(values.min().item(), tensor["low"] * (1 + 1e-6))
            self.assertLessEqual(values.max().item(), tensor["high"] * (1 + 1e-6))
            # A normal of that deviation would go further than the bound.
            if count >= FEW:
                self.assertGreater(values.max().item(), 0.95 * tensor["high"])


if __name__ == "__main__":
    unittest.main()
