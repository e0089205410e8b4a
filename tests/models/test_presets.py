"""Presets against the models that Hugging Face transformers initialises.

A small model of each architecture is saved, `weightinit model from-safetensors` makes a manifest of it,
and the preset is applied to that: the distributions are held against the values that
transformers starts with, and the names that a preset is for are found in models that have them.
"""

import json
import math
import os
import pathlib
import subprocess
import tempfile
import unittest

import safetensors.torch
import torch
import transformers

import framework_shapes

# The tolerance of moments, in standard errors.
SIGMAS = 6
SIZES = {"vocab_size": 500, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4}
OF_T5 = {"vocab_size": 500, "d_model": 64, "d_kv": 8, "d_ff": 96, "num_layers": 2, "num_heads": 4}
OF_BART = {"vocab_size": 500, "d_model": 64, "encoder_layers": 3, "decoder_layers": 2, "encoder_ffn_dim": 96,
           "decoder_ffn_dim": 96, "encoder_attention_heads": 4, "decoder_attention_heads": 4}


def gpt2(**options):
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=500, n_positions=64, n_embd=64, n_layer=4, n_head=4, **options))


def llama(**options):
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES, **options))


def t5(**options):
    return transformers.T5ForConditionalGeneration(transformers.T5Config(**OF_T5, **options))


def run(*arguments):
    return subprocess.run([os.environ["WEIGHTINIT_CLI"], *map(str, arguments)], check=True, capture_output=True,
                          text=True).stdout


def planned(model, preset, layout="out_in", **constants):
    """The tensors that a preset makes of a model, by name."""
    tensors = {}
    for name, tensor, _ in framework_shapes.named_tensors(model):
        if not any(tensor is other for other in tensors.values()):
            tensors[name] = tensor
    with tempfile.TemporaryDirectory() as directory:
        checkpoint, manifest = pathlib.Path(directory, "model.safetensors"), pathlib.Path(directory, "model.yaml")
        safetensors.torch.save_file({name: tensor.detach() for name, tensor in tensors.items()}, checkpoint)
        arguments = ["--preset", preset, *(f"--constant={name}={value}" for name, value in constants.items())]
        run("model", "from-safetensors", checkpoint, "--layout", layout, "-o", manifest)
        plan = json.loads(run("model", "plan", manifest, *arguments, "--json"))["tensors"]
    return {tensor["name"]: {**tensor, "values": tensors[tensor["name"]].detach().double()} for tensor in plan}


class ValuesTest(unittest.TestCase):

    def check(self, make, preset, layout="out_in", **constants):
        with framework_shapes.seeded(0):
            model = make()
        for name, tensor in planned(model, preset, layout, **constants).items():
            with self.subTest(preset=preset, tensor=name):
                self.assertEqual(tensor["presets"], [preset])
                values, mean, stddev = tensor["values"], tensor["mean"], tensor["stddev"]
                if stddev == 0:
                    self.assertTrue(torch.all(values == mean))
                    continue
                count = values.numel()
                self.assertLess(abs(values.mean().item() - mean), SIGMAS * stddev / math.sqrt(count))
                self.assertLess(abs(values.std().item() / stddev - 1), SIGMAS / math.sqrt(2 * count))

    def test_gpt2(self):
        self.check(gpt2, "gpt2", "in_out", layers=4)
        self.check(lambda: gpt2(initializer_range=0.1), "gpt2", "in_out", layers=4, stddev=0.1)
        self.check(lambda: gpt2(add_cross_attention=True), "gpt2", "in_out", layers=4)

    def test_llama(self):
        self.check(llama, "llama")
        self.check(lambda: llama(attention_bias=True, num_key_value_heads=2, initializer_range=0.1), "llama", stddev=0.1)
        self.check(lambda: transformers.MistralForCausalLM(transformers.MistralConfig(**SIZES)), "llama")
        self.check(lambda: transformers.MixtralForCausalLM(transformers.MixtralConfig(**SIZES)), "llama")
        self.check(lambda: transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SIZES)), "llama")
        self.check(lambda: transformers.OlmoForCausalLM(transformers.OlmoConfig(**SIZES, pad_token_id=None)), "llama")
        self.check(lambda: transformers.Phi3ForCausalLM(transformers.Phi3Config(**SIZES, pad_token_id=None)), "llama")

    def test_t5(self):
        self.check(t5, "t5", width=64, head_dim=8)
        self.check(lambda: t5(feed_forward_proj="gated-gelu", tie_word_embeddings=False, initializer_factor=0.5),
                   "t5", width=64, head_dim=8, factor=0.5)


class NamesTest(unittest.TestCase):

    def check(self, model, preset, left, **constants):
        """All weights of `model` but those whose names have a text of `left` are of the preset."""
        for name, tensor in planned(model, preset, **constants).items():
            if len(tensor["shape"]) < 2:
                continue
            with self.subTest(preset=preset, model=type(model).__name__, tensor=name):
                of_it = not any(text in name for text in left)
                self.assertEqual(tensor["presets"], [preset] if of_it else [])

    def test_olmo_and_llama(self):
        for model in (transformers.OlmoForCausalLM(transformers.OlmoConfig(**SIZES)), llama()):
            self.check(model, "olmo_mitchell", [], layers=4, width=64, mlp_width=96)
            self.check(model, "olmo_megatron", [], layers=4, width=64)
            self.check(model, "llama_depth_scaled", [], layers=4, width=64)

    def test_models_of_one_stack(self):
        models = {
            "bert": transformers.BertModel(transformers.BertConfig(**SIZES)),
            "roberta": transformers.RobertaModel(transformers.RobertaConfig(**SIZES)),
            "opt": transformers.OPTModel(transformers.OPTConfig(
                vocab_size=500, hidden_size=64, num_hidden_layers=4, ffn_dim=96, num_attention_heads=4,
                word_embed_proj_dim=64)),
            "llama": llama(),
            "torch": torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(64, 4, 96), 4, enable_nested_tensor=False),
            "gpt2": gpt2(),
        }
        for name, model in models.items():
            fused = {"torch": ["in_proj_weight"], "gpt2": ["c_attn"]}.get(name, [])
            self.check(model, "deepnorm", ["embed", "wte", "wpe", "pooler", "lm_head", *fused], layers=4)
            self.check(model, "mup", ["pooler"], width=64, base_width=16)
            self.check(model, "mup_table3", ["pooler"], width=64, base_width=16)

    def test_models_of_an_encoder_and_a_decoder(self):
        models = [
            transformers.BartModel(transformers.BartConfig(**OF_BART)),
            transformers.MarianModel(transformers.MarianConfig(**OF_BART, pad_token_id=0)),
            transformers.PegasusModel(transformers.PegasusConfig(**OF_BART)),
            transformers.M2M100Model(transformers.M2M100Config(**OF_BART)),
            t5(), t5(feed_forward_proj="gated-gelu"),
            torch.nn.Transformer(64, 4, 3, 2, 96),
        ]
        for model in models:
            self.check(model, "deepnorm_encoder_decoder", ["embed", "shared", "lm_head", "relative", "in_proj_weight"],
                       encoder_layers=3, decoder_layers=2)


if __name__ == "__main__":
    unittest.main()
