"""Presets: the numbers of each against its source, and the options that choose them.

Small models have the names and ratios of the large ones; what is expected is written out here
from the papers and the code that the presets name.
"""

import json
import math
import pathlib
import unittest

from model_process import ModelTestCase

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT / "client" / "models"
PRESETS = sorted(path.stem for path in (ROOT / "client" / "presets").glob("*.yaml"))

# Of a normal distribution that is cut at 3 standard deviations, the standard deviation.
_DENSITY = math.exp(-4.5) / math.sqrt(2 * math.pi)
CUT_AT_3 = math.sqrt(1 - 6 * _DENSITY / math.erf(3 / math.sqrt(2)))

D, F, V, T = 16, 48, 40, 12  # Width, width of the MLP, tokens, positions.
BLOCK_OF_GPT2 = {"ln_1.weight": [D], "ln_1.bias": [D], "attn.c_attn.weight": [D, 3 * D], "attn.c_attn.bias": [3 * D],
                 "attn.c_proj.weight": [D, D], "attn.c_proj.bias": [D], "ln_2.weight": [D], "ln_2.bias": [D],
                 "mlp.c_fc.weight": [D, F], "mlp.c_fc.bias": [F], "mlp.c_proj.weight": [F, D], "mlp.c_proj.bias": [D]}
BLOCK_OF_LLAMA = {"self_attn.q_proj.weight": [D, D], "self_attn.k_proj.weight": [D // 2, D],
                  "self_attn.v_proj.weight": [D // 2, D], "self_attn.o_proj.weight": [D, D],
                  "mlp.gate_proj.weight": [F, D], "mlp.up_proj.weight": [F, D], "mlp.down_proj.weight": [D, F],
                  "input_layernorm.weight": [D], "post_attention_layernorm.weight": [D]}


def with_prefix(prefix, tensors):
    return {prefix + name: shape for name, shape in tensors.items()}


def gpt2(layers):
    model = {"transformer.wte.weight": [V, D], "transformer.wpe.weight": [T, D],
             "transformer.ln_f.weight": [D], "transformer.ln_f.bias": [D]}
    for i in range(layers):
        model.update(with_prefix(f"transformer.h.{i}.", BLOCK_OF_GPT2))
    return model


def llama(layers):
    model = {"model.embed_tokens.weight": [V, D], "model.norm.weight": [D], "lm_head.weight": [V, D]}
    for i in range(layers):
        model.update(with_prefix(f"model.layers.{i}.", BLOCK_OF_LLAMA))
    return model


def ends(name, *ends_of_names):
    return name.endswith(tuple(f"{end}.weight" for end in ends_of_names))


def xavier(gain, shape):
    return gain * math.sqrt(2 / sum(shape))


class PresetNumbersTest(ModelTestCase):

    def planned(self, preset, tensors, **constants):
        """The tensors of a model that a preset starts, by name; otherwise they would be 7."""
        entries = [{"name": name, "tensor": {"shape": shape, "scheme": "constant", "parameters": {"value": 7}}}
                   for name, shape in tensors.items()]
        path = self.write("model.json", json.dumps({"version": 1, "entries": entries}))
        arguments = [f"--constant={name}={value}" for name, value in constants.items()]
        result = self.succeed("model", "plan", path, "--preset", preset, *arguments, "--json")
        return {tensor["name"]: tensor for tensor in json.loads(result.stdout)["tensors"]}

    def check(self, preset, tensors, expected, **constants):
        """`expected` of name and shape is a standard deviation, or a pair of mean and 0, or None: not changed."""
        for name, tensor in self.planned(preset, tensors, **constants).items():
            value = expected(name, tensor["shape"])
            mean, stddev = (7, 0) if value is None else value if isinstance(value, tuple) else (0, value)
            with self.subTest(preset=preset, tensor=name):
                self.assertEqual(tensor["presets"], [] if value is None else [preset])
                self.assertEqual(tensor["mean"], mean)
                self.assertAlmostEqual(tensor["stddev"], stddev, delta=1e-12)

    def test_gpt2(self):
        def expected(name, _):
            if ".ln_" in name:
                return (1 if name.endswith("weight") else 0), 0
            if name.endswith("bias"):
                return 0, 0
            return 0.02 / math.sqrt(2 * 5) if ends(name, "c_proj") else 0.02
        self.check("gpt2", gpt2(5), expected, layers=5)
        # GPT2Model has no prefix.
        self.check("gpt2", {name.removeprefix("transformer."): shape for name, shape in gpt2(5).items()},
                   lambda name, shape: expected("." + name, shape), layers=5)
        self.check("gpt2", {"wte.weight": [V, D], "h.0.mlp.c_proj.weight": [F, D]},
                   lambda name, _: 0.05 / math.sqrt(10) if ends(name, "c_proj") else 0.05, layers=5, stddev=0.05)

    def test_mamba2(self):
        block = {"norm.weight": [D], "mixer.A_log": [4], "mixer.dt_bias": [4], "mixer.D": [4],
                 "mixer.in_proj.weight": [90, D], "mixer.conv1d.weight": [40, 1, 4], "mixer.conv1d.bias": [40],
                 "mixer.norm.weight": [F], "mixer.out_proj.weight": [D, F]}
        model = {"backbone.embedding.weight": [V, D], "backbone.norm_f.weight": [D],
                 **with_prefix("backbone.layers.0.", block), **with_prefix("backbone.layers.1.", block)}
        planned = self.planned("mamba2", model, layers=2, inner=F)

        def assert_values(name, scheme, function):
            """`function` of numbers spread evenly over [0, 1] has the values of the tensor."""
            values = [function((i + 0.5) / 10000) for i in range(10000)]
            mean = sum(values) / len(values)
            tensor = planned[f"backbone.layers.1.mixer.{name}"]
            self.assertEqual(tensor["scheme"], scheme)
            self.assertAlmostEqual(tensor["mean"], mean, places=5)
            self.assertAlmostEqual(tensor["stddev"] ** 2, sum(v * v for v in values) / len(values) - mean**2, places=5)

        # Of U(1, 16), and of steps from 0.001 to 0.1 by softplus.
        assert_values("A_log", "log_of_uniform", lambda u: math.log(1 + 15 * u))
        assert_values("dt_bias", "inverse_softplus", lambda u: math.log(math.expm1(0.001 * 100**u)))
        assert_values("out_proj.weight", "uniform", lambda u: (2 * u - 1) / math.sqrt(F) / math.sqrt(2))
        self.assertEqual(planned["backbone.embedding.weight"]["stddev"], 0.02)
        for name in ("mixer.D", "mixer.norm.weight", "norm.weight"):
            self.assertEqual(planned[f"backbone.layers.0.{name}"]["scheme"], "ones")
        for name in ("mixer.in_proj.weight", "mixer.conv1d.weight", "mixer.conv1d.bias"):
            self.assertEqual(planned[f"backbone.layers.0.{name}"]["presets"], [])

    def test_llama(self):
        self.check("llama", llama(2), lambda name, _: (1, 0) if ends(name, "norm") else 0.02)
        self.check("llama", llama(2), lambda name, _: (1, 0) if ends(name, "norm") else 0.006, stddev=0.006)

    def test_llama_depth_scaled(self):
        def expected(name, _):
            if ends(name, "norm"):
                return 1, 0
            if "embed" in name:
                return 1
            if "output" in name or "lm_head" in name:
                return CUT_AT_3 / math.sqrt(D)
            if ends(name, "o_proj", "up_proj", "down_proj", "wo", "w2", "w3"):
                layer = int(name.removeprefix("model.").split(".")[1])
                return 0.02 / math.sqrt(2 * (layer + 1))
            return 0.02
        self.check("llama_depth_scaled", llama(12), expected, layers=12, width=D)
        torchtitan = {"tok_embeddings.weight": [V, D], "norm.weight": [D], "output.weight": [V, D]}
        for i in range(12):
            torchtitan.update(with_prefix(f"layers.{i}.", {
                "attention.wq.weight": [D, D], "attention.wk.weight": [D, D], "attention.wv.weight": [D, D],
                "attention.wo.weight": [D, D], "feed_forward.w1.weight": [F, D], "feed_forward.w2.weight": [D, F],
                "feed_forward.w3.weight": [F, D], "attention_norm.weight": [D], "ffn_norm.weight": [D]}))
        self.check("llama_depth_scaled", torchtitan, expected, layers=12, width=D)

    def olmo(self, layers):
        model = {"model.transformer.wte.weight": [V, D], "model.transformer.ff_out.weight": [V, D]}
        for i in range(layers):
            model.update(with_prefix(f"model.transformer.blocks.{i}.", {
                "att_proj.weight": [3 * D, D], "attn_out.weight": [D, D], "ff_proj.weight": [2 * F, D],
                "ff_out.weight": [D, F]}))
        return model

    def test_olmo_mitchell(self):
        def expected(name, _):
            if ends(name, "norm"):
                return 1, 0
            numbers = [int(part) for part in name.split(".") if part.isdigit()]
            scale = 2 * (numbers[0] + 1) if numbers else 1
            if ends(name, "o_proj", "attn_out"):
                return CUT_AT_3 / math.sqrt(D * scale)
            if ends(name, "down_proj") or (numbers and ends(name, "ff_out")):
                return CUT_AT_3 / math.sqrt(F * scale)
            return CUT_AT_3 / math.sqrt(D)
        for model in (llama(11), self.olmo(11)):
            self.check("olmo_mitchell", model, expected, layers=11, width=D, mlp_width=F)

    def test_olmo_megatron(self):
        def expected(name, _):
            if ends(name, "norm"):
                return 1, 0
            if ends(name, "o_proj", "down_proj", "attn_out") or (".blocks." in name and ends(name, "ff_out")):
                return CUT_AT_3 * 0.02 / math.sqrt(2 * 3)
            if ends(name, "lm_head", "ff_out"):
                return CUT_AT_3 / math.sqrt(D)
            return CUT_AT_3 * 0.02
        for model in (llama(3), self.olmo(3)):
            self.check("olmo_megatron", model, expected, layers=3, width=D)

    def test_t5(self):
        heads, head_dim = 3, 8
        model = {"shared.weight": [V, D], "lm_head.weight": [V, D],
                 "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight": [32, heads]}
        attention = {"q.weight": [heads * head_dim, D], "k.weight": [heads * head_dim, D],
                     "v.weight": [heads * head_dim, D], "o.weight": [D, heads * head_dim]}
        mlp = {"wi.weight": [F, D], "wi_0.weight": [F, D], "wi_1.weight": [F, D], "wo.weight": [D, F]}
        model.update(with_prefix("encoder.block.0.layer.0.SelfAttention.", attention))
        model.update(with_prefix("decoder.block.0.layer.1.EncDecAttention.", attention))
        model.update(with_prefix("encoder.block.0.layer.1.DenseReluDense.", mlp))
        model["encoder.block.0.layer.0.layer_norm.weight"] = model["encoder.final_layer_norm.weight"] = [D]

        for factor in (1, 0.5):
            def expected(name, _, factor=factor):
                if ends(name, "layer_norm"):
                    return factor, 0
                if ends(name, "shared", "lm_head"):
                    return factor
                if ends(name, "q"):
                    return factor * (D * head_dim) ** -0.5
                if ends(name, ".o"):
                    return factor * (heads * head_dim) ** -0.5
                return factor * (F if ends(name, "wo") else D) ** -0.5
            constants = {} if factor == 1 else {"factor": factor}
            self.check("t5", model, expected, width=D, head_dim=head_dim, **constants)

    def test_deepnorm(self):
        beta = (8 * 6) ** -0.25

        def expected(name, shape):
            if len(shape) == 1 or "embed" in name:
                return None
            return xavier(1 if ends(name, "q_proj", "k_proj", "query", "key") else beta, shape)
        block = {"self_attn.q_proj.weight": [D, D], "self_attn.k_proj.weight": [D, D], "self_attn.v_proj.weight": [D, D],
                 "self_attn.out_proj.weight": [D, D], "fc1.weight": [F, D], "fc2.weight": [D, F], "fc1.bias": [F]}
        self.check("deepnorm", {"embed_tokens.weight": [V, D], **with_prefix("decoder.layers.5.", block)}, expected, layers=6)
        bert = {"attention.self.query.weight": [D, D], "attention.self.key.weight": [D, D],
                "attention.self.value.weight": [D, D], "attention.output.dense.weight": [D, D],
                "intermediate.dense.weight": [F, D], "output.dense.weight": [D, F], "output.LayerNorm.weight": [D]}
        self.check("deepnorm", with_prefix("encoder.layer.0.", bert), expected, layers=6)
        llama_block = with_prefix("model.layers.0.", BLOCK_OF_LLAMA)
        self.check("deepnorm", llama_block, expected, layers=6)

    def test_deepnorm_of_parts(self):
        for name, part in (("gpt2", "transformer.h.0.attn"), ("vit_b_16", "encoder.layers.encoder_layer_0.self_attention")):
            result = self.json_of("plan", MODELS / f"{name}.yaml", "--preset", "deepnorm", "--constant=layers=12")
            fused = next(tensor for tensor in result["tensors"]
                         if tensor["name"].startswith(part) and len(tensor["shape"]) == 2 and "parts" in tensor)
            gains = [tensor["stddev"] / xavier(1, tensor["shape"]) for tensor in fused["parts"]]
            for gain, expected in zip(gains, (1, 1, 96 ** -0.25), strict=True):
                self.assertAlmostEqual(gain, expected, delta=1e-12)

    def test_deepnorm_encoder_decoder(self):
        n, m = 6, 3
        beta = {"encoder": 0.87 * (n ** 4 * m) ** (-1 / 16), "decoder": (12 * m) ** -0.25}

        def expected(name, shape):
            if "embed" in name:
                return None
            side = "encoder" if "encoder." in name else "decoder"
            return xavier(1 if ends(name, "q_proj", "k_proj", ".q", ".k") else beta[side], shape)
        attention = {"q_proj.weight": [D, D], "k_proj.weight": [D, D], "v_proj.weight": [D, D], "out_proj.weight": [D, D]}
        mlp = {"fc1.weight": [F, D], "fc2.weight": [D, F]}
        bart = {"model.shared.embed.weight": [V, D]}
        for side in beta:
            bart.update(with_prefix(f"model.{side}.layers.2.", mlp))
            bart.update(with_prefix(f"model.{side}.layers.2.self_attn.", attention))
        bart.update(with_prefix("model.decoder.layers.2.encoder_attn.", attention))
        t5 = {f"{side}.block.0.layer.0.SelfAttention.{letter}.weight": [D, D] for side in beta for letter in "qkvo"}
        t5.update({f"{side}.block.0.layer.2.DenseReluDense.{name}.weight": [F, F] for side in beta for name in ("wi", "wo")})
        for model in (bart, t5):
            self.check("deepnorm_encoder_decoder", model, expected, encoder_layers=n, decoder_layers=m)

    def test_mup_and_its_form_without_multipliers(self):
        ratio = 64 / 1024
        for preset, head in (("mup", 0.05), ("mup_table3", 0.05 * ratio)):
            def expected(name, shape, head=head):
                if len(shape) == 1:
                    return None
                if "lm_head" in name:
                    return head
                return 0.05 if "wte" in name or "wpe" in name or "embed" in name else 0.05 * math.sqrt(ratio)
            for model in (gpt2(1), llama(1)):
                self.check(preset, model, expected, width=1024, base_width=64, stddev=0.05)

    def test_mup_at_the_base_width_is_the_standard_parametrisation(self):
        for preset in ("mup", "mup_table3"):
            self.check(preset, llama(1), lambda _, shape: 0.02 if len(shape) == 2 else None, width=256, base_width=256)

    def test_siren(self):
        for layer in ("net.{}.linear", "net.{}"):
            model = {}
            for i, (out, inputs) in enumerate(((64, 2), (64, 64), (3, 64))):
                name = layer.format(i) if i < 2 else f"net.{i}"
                model.update({f"{name}.weight": [out, inputs], f"{name}.bias": [out]})

            for omega in (30, 20):
                def expected(name, shape, omega=omega):
                    inputs = 2 if ".0." in name else 64
                    if len(shape) == 1:
                        bound = 1 / math.sqrt(inputs)
                    else:
                        bound = 1 / inputs if inputs == 2 else math.sqrt(6 / inputs) / omega
                    return bound / math.sqrt(3)
                constants = {} if omega == 30 else {"omega_0": omega}
                self.check("siren", model, expected, in_features=2, hidden_features=64, **constants)

    def test_lora(self):
        names = {"q_proj.lora_{}.weight": [], "model.q_proj.lora_{}.default.weight": [], "lora_{}": []}
        model = {name.format(letter): [4, 32] if letter == "A" else [16, 4] for name in names for letter in "AB"}
        model["base.weight"] = [8, 8]
        embedding = {"wte.lora_embedding_A": [4, 9], "wte.lora_embedding_B": [8, 4], "wte.lora_embedding_A.default": [4, 9]}
        for preset, deviation, constants in (("lora", 1 / math.sqrt(3 * 32), {}), ("lora_gaussian", 1 / 4, {"rank": 4})):
            def expected(name, _, deviation=deviation):
                if "lora" not in name:
                    return None
                if "embedding" in name:
                    return (0, 0) if "_A" in name else 1
                return (0, 0) if "lora_B" in name else deviation
            self.check(preset, {**model, **embedding}, expected, **constants)

    def test_lora_is_what_layers_of_that_kind_do(self):
        path = self.write("lora.yaml", "version: 1\nentries:\n"
                          "  - {name: q, lora: {in_features: 32, out_features: 16, rank: 4}}\n")
        self.succeed("model", "diff", path, path, "--preset", "lora")

    def test_every_preset_has_a_test(self):
        text = pathlib.Path(__file__).read_text(encoding="utf-8")
        for preset in PRESETS:
            self.assertIn(f'"{preset}"', text)


if __name__ == "__main__":
    unittest.main()
