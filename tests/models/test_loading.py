"""What `weightinit model init` makes of client/models is loaded by the frameworks, strictly.

Small models as real files; large ones without values, by the names, shapes and dtypes of
`weightinit model plan`. $WEIGHTINIT_CLI is the command.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import safetensors
import safetensors.torch
import torch
import transformers

import framework_shapes

MANIFESTS = pathlib.Path(__file__).resolve().parents[2] / "client" / "models"
LARGE = {"llama3_8b", "mixtral_8x7b"}
DTYPES = {"float64": torch.float64, "float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def weightinit(*arguments):
    return subprocess.run([os.environ["WEIGHTINIT_CLI"], *map(str, arguments)],
                          check=True, capture_output=True, text=True).stdout


def plan(manifest):
    return json.loads(weightinit("model", "plan", manifest, "--json"))["tensors"]


def read(path):
    """The tensors of a file, ties by the names that its metadata give them."""
    state = safetensors.torch.load_file(path)
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    state.update({name: state[of] for name, of in metadata.items() if of in state})
    return state


class LoadingTest(unittest.TestCase):
    # Strictly, and yet without torchvision's num_batches_tracked, which are whole
    # numbers: PyTorch starts them with 0 for state dicts that do not say the version of
    # BatchNorm, as those from files do not.

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.file = self.directory / "model.safetensors"

    def init(self, name):
        weightinit("model", "init", MANIFESTS / f"{name}.yaml", "--seed", 1, "-o", self.file)

    def test_files(self):
        for name in set(framework_shapes.MODELS) - LARGE:
            with self.subTest(model=name):
                self.init(name)
                state = read(self.file)
                model = framework_shapes.MODELS[name]()
                model.load_state_dict(state, strict=True)
                self.check(model, state)
                self.check_manifest_of_the_file(name)

    def test_by_the_loader_of_safetensors(self):
        """Which makes the ties itself."""
        for name in set(framework_shapes.MODELS) - LARGE:
            with self.subTest(model=name):
                self.init(name)
                model = framework_shapes.MODELS[name]()
                self.assertEqual(safetensors.torch.load_model(model, self.file, strict=True), (set(), []))
                self.check(model, read(self.file))

    def test_by_the_loader_of_transformers(self):
        """Which makes the ties itself."""
        for name in ("bert_base_uncased", "gpt2"):
            with self.subTest(model=name):
                self.init(name)
                made = framework_shapes.MODELS[name]()
                made.config.save_pretrained(self.directory)
                model, info = type(made).from_pretrained(self.directory, output_loading_info=True)
                for problem, names in info.items():
                    self.assertFalse(names, problem)
                self.check(model, read(self.file))

    def test_large_models_without_values(self):
        for name in LARGE:
            with self.subTest(model=name), torch.device("meta"):
                state = {tensor["name"]: torch.empty(tensor["shape"], dtype=DTYPES[tensor["dtype"]])
                         for tensor in plan(MANIFESTS / f"{name}.yaml") if "alias_of" not in tensor}
                model = framework_shapes.MODELS[name]()
                model.load_state_dict(state, strict=True, assign=True)
                self.assertEqual({key: value.dtype for key, value in model.state_dict().items()},
                                 {key: value.dtype for key, value in state.items()})

    def check(self, model, state):
        """The model has the values of the file, and counters that have counted nothing."""
        loaded = model.state_dict()
        counters = {name for name in loaded if name.endswith(".num_batches_tracked")}
        self.assertEqual(set(loaded) - counters, set(state))
        for name in counters:
            self.assertEqual(loaded[name].item(), 0, name)
        for name, tensor in state.items():
            self.assertEqual(loaded[name].dtype, tensor.dtype, name)
            self.assertTrue(torch.equal(loaded[name], tensor), name)
        if isinstance(model, transformers.GPT2LMHeadModel):
            self.assertIs(model.lm_head.weight, model.transformer.wte.weight)

    def check_manifest_of_the_file(self, name):
        """`model from-safetensors` finds the tensors of the manifest that made the file."""
        manifest = self.directory / "again.yaml"
        weightinit("model", "from-safetensors", self.file, "-o", manifest)
        again, first = ({tensor["name"]: {key: tensor.get(key) for key in ("shape", "dtype", "alias_of", "buffer")}
                         for tensor in plan(path)} for path in (manifest, MANIFESTS / f"{name}.yaml"))
        self.assertEqual(again, first)


if __name__ == "__main__":
    unittest.main()
