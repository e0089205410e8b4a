"""The NumPy reference against published answers, against mathematics, and against the implementation, bit for bit."""

import json
import math
import pathlib
import random
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))

import matrices
import weightinit_reference as reference
from generate import GenerateError, generate
from schemes import Distribution

DTYPES = ("float32", "float64", "float16", "bfloat16")
LAYOUTS = ("out_in", "in_out")
PRECISIONS = (np.float32, np.float64)
SCHEMES = (
    "zeros", "ones", "constant", "uniform", "normal", "truncated_normal", "xavier_uniform", "xavier_normal",
    "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "variance_scaling", "variance_preserving_uniform",
    "variance_preserving_normal",
)


def bits(array):
    """The elements as integers in hexadecimal."""
    size = array.dtype.itemsize
    return [f"{element:0{2 * size}x}" for element in array.reshape(-1).view(f"u{size}").tolist()]


def extreme_words(F):
    """Words at both ends and around every power of two, and some from a Philox stream."""
    width = reference.BITS[F]
    ends = {(1 << bit) + offset for bit in range(width + 1) for offset in (-2, -1, 0, 1)}
    edge = np.array(sorted(word % 2**width for word in ends), reference.UINT[F])
    drawn = reference.words(F, reference.stream_key(7, "words"), np.arange(20000, dtype=np.uint64))
    return np.concatenate([edge, ~edge, drawn])


class WorkedExampleTest(unittest.TestCase):
    """The example of core/DETERMINISM.md."""

    def test_message_key_and_blocks(self):
        message = reference.key_message(42, "fc1.weight")
        self.assertEqual(
            message.hex(),
            "77656967687469" "6e69742e7068696c6f783478" "33325f763100" "2a00000000000000" "0a00000000000000"
            "6663312e776569676874",
        )
        sk = reference.stream_key(42, "fc1.weight")
        self.assertEqual(sk, (0x84E2E2F5FBFB506B, 0x8142B8E2FD0341EC))
        blocks = np.stack(reference.block(sk, np.arange(2, dtype=np.uint64)), axis=-1).astype(np.uint32)
        self.assertEqual(bits(blocks[0]), "661b2fc9 e8197bd5 ad1d31e5 a95ff338".split())
        self.assertEqual(bits(blocks[1]), "bc5a4476 28d02a29 b82d7dc9 dbcd009c".split())

    def test_elements(self):
        for scheme, parameters, dtype, expected in (
            ("uniform", {"low": -1.0}, "float32", "be4f2684 3f5032f7 3eb474c6 3ea57fce"),
            ("uniform", {}, "float32", "3ecc365f 3f68197c 3f2d1d32 3f295ff4"),
            ("normal", {}, "float32", "bf40219e bf908920 beeec4c9 3f406c10"),
            ("truncated_normal", {}, "float32", "be7a4805 3f9bbc1c 3edeb48c 3ecb31ec"),
            ("normal", {}, "float16", "ba01 bc84 b776 3a03"),
            ("normal", {}, "bfloat16", "bf40 bf91 beef 3f40"),
            ("normal", {}, "float64", "bfcde09369d07c39 3fd813eff9069d9f bff7cbe07b8f9263 bff355d3b5e1758e"),
            ("truncated_normal", {}, "float64", "3ff37783a33b052a 3fd9663d465c6cfd bfedea9e21cb77ca 3ff00fdf535a386f"),
        ):
            with self.subTest(scheme=scheme, parameters=parameters, dtype=dtype):
                tensor = reference.tensor(
                    "fc1.weight", [4], seed=42, scheme=scheme, parameters=parameters, dtype=dtype
                )
                self.assertEqual(bits(tensor), expected.split())


class PhiloxTest(unittest.TestCase):
    def test_known_answers(self):
        """Those that Random123 publishes for philox4x32 with ten rounds."""
        for counter, key, expected in (
            ("0 0 0 0", "0 0", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
            ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
            ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
        ):
            answer = reference.philox4x32_10(*([int(word, 16) for word in words.split()] for words in (counter, key)))
            self.assertEqual([f"{int(word[0]):08x}" for word in answer], expected.split())


class MathematicsTest(unittest.TestCase):
    """Every function approximates what it says, at the ends of its range too."""

    def test_numbers_from_words_stay_inside_their_intervals(self):
        for F, smallest in ((np.float32, 2.0**-33), (np.float64, 2.0**-54)):
            words = extreme_words(F)
            positive, centred = reference.positive(F, words), reference.centred(F, words)
            self.assertEqual((float(positive.min()), float(positive.max())), (smallest, 1.0))
            self.assertLess(float(np.abs(centred).max()), 1.0)
            self.assertFalse(np.any(centred == 0))
            np.testing.assert_array_equal(reference.centred(F, ~words), -centred)

    def test_logarithm_is_accurate(self):
        for F, bound in ((np.float32, 2e-7), (np.float64, 5e-16)):
            u = reference.positive(F, extreme_words(F))
            exact = np.array([-2 * math.log(x) for x in u.tolist()])
            error = np.abs(reference.neg2log(F, u).astype(np.float64) - exact)
            self.assertLessEqual(float((error / np.where(exact > 0, exact, 1)).max()), bound)

    def test_normals_are_accurate(self):
        for F, bound, largest in ((np.float32, 8e-7, 6.76), (np.float64, 3e-15, 8.65)):
            words = extreme_words(F)
            R, A = words, np.roll(words, 1)
            even, odd = reference.normal_pair(F, R, A)
            top = reference.BITS[F] - 1
            for z, offset, sign_bit in ((even, 1, top), (odd, -1, top - 1)):
                radius = [math.sqrt(-2 * math.log(u)) for u in reference.positive(F, R).tolist()]
                angle = [(t + offset) * math.pi / 4 for t in reference.centred(F, A << reference.UINT[F](2)).tolist()]
                exact = np.array([
                    math.copysign(r * math.cos(a), -1 if word >> sign_bit & 1 else 1)
                    for r, a, word in zip(radius, angle, A.tolist())
                ])
                self.assertLessEqual(float(np.abs(z - exact).max()), bound)
                self.assertLess(float(np.abs(z).max()), largest + 0.01)
                sure = np.abs(exact) > bound
                np.testing.assert_array_equal(np.signbit(z)[sure], np.signbit(exact)[sure])

    def test_quantile_inverts_the_normal_distribution(self):
        for F, bound in ((np.float32, 6e-7), (np.float64, 1e-15)):
            centre = np.abs(reference.centred(F, extreme_words(F))) * F(0.5)
            centre = centre[centre < 0.5]
            tail = reference.positive(F, extreme_words(F)) * F(0.5)
            tail = np.concatenate([tail, F(2.0) ** np.arange(-99, -2).astype(F)])
            for c, p in ((centre, F(0.5) - centre), (F(0.5) - tail, tail)):
                z = reference.quantile(F, c, p)
                for z_i, c_i, p_i in zip(z.tolist(), c.tolist(), p.tolist()):
                    # One step of Newton's from z towards the root is the error of z.
                    density = math.exp(-0.5 * z_i * z_i) / math.sqrt(2 * math.pi)
                    if p_i < 0.25:
                        residual = 0.5 * math.erfc(z_i / math.sqrt(2)) - p_i
                    else:
                        residual = 0.5 * math.erf(z_i / math.sqrt(2)) - c_i
                    self.assertLessEqual(abs(residual), bound * abs(z_i) * density, (F, z_i, c_i, p_i))

    def test_tail_is_the_complement_of_the_normal_distribution(self):
        for x in [i / 64 for i in range(64 * 37)]:
            exact = 0.5 * math.erfc(x / math.sqrt(2))
            self.assertLessEqual(abs(reference.normal_tail(x) - exact), 4e-13 * exact, x)

    def test_values_at_extreme_words_are_numbers_inside_the_bounds(self):
        for F in PRECISIONS:
            words = extreme_words(F)
            for low, high in ((-2, 2), (-1, 3), (0, 4), (2, 5), (-7, -3), (8, 9), (-30, 30), (-30, 0), (11.4, 1e300)):
                d = Distribution("truncated_normal", 0.25, 0.5, low, high)
                values = reference.truncated_normal(F, d, words)
                self.assertFalse(np.any(np.isnan(values)), d)
                self.assertGreaterEqual(float(values.min()), 0.25 + 0.5 * low, d)
                self.assertLessEqual(float(values.max()), 0.25 + 0.5 * high, d)


class MatricesTest(unittest.TestCase):
    def test_sums_are_in_order(self):
        terms = np.random.default_rng(1).standard_normal((20, 1000))
        expected = []
        for row in terms.tolist():
            total = 0.0
            for term in row:
                total += term
            expected.append(total)
        self.assertEqual(matrices.sum_in_order(terms).tolist(), expected)
        self.assertFalse(np.signbit(matrices.sum_in_order(np.array([-0.0, -0.0]))))

    def test_rows_are_axes_reflected_one_vector_after_the_other(self):
        for K, N in ((1, 1), (1, 6), (4, 4), (5, 9), (11, 11), (12, 40)):
            z = np.random.default_rng(K).standard_normal((K, N)).astype(np.float32)
            d, v = matrices.reflections(z)
            product = np.eye(N)
            for k, vector in enumerate(v):
                reflection = np.eye(N) - np.outer(vector, vector)
                tail = np.where(np.arange(N) < k, 0, z[k].astype(np.float64))
                axis = np.eye(N)[k] * np.linalg.norm(tail) * d[k]
                np.testing.assert_allclose(reflection @ tail, axis, atol=1e-13)
                product = reflection @ product
            for rows in range(1, K + 1):
                made = matrices.orthogonal_rows(z, rows, 3.0)
                np.testing.assert_allclose(made, 3 * d[:rows, np.newaxis] * product[:rows], atol=1e-13)

    def test_zeros_of_equal_keys_are_in_the_lower_rows(self):
        keys = np.array([[3, 1], [1, 2], [1, 1], [1, 0]], float)
        self.assertEqual(matrices.is_zero(keys, 2).astype(int).tolist(), [[0, 1], [1, 0], [1, 0], [0, 1]])


def base_request(scheme, dtype):
    """5,760 elements of a convolution, with the parameters that the scheme cannot do without."""
    request = {"name": f"{scheme}.{dtype}", "shape": [24, 16, 3, 5], "scheme": scheme, "dtype": dtype, "seed": 2024}
    if scheme == "constant":
        request["parameters"] = {"value": math.pi}
    return request


def random_request(draw, number, shape):
    """What any scheme takes; `shape` has the dimensions in OUT_IN order."""
    layout = draw.choice(LAYOUTS)
    laid = shape if layout == "out_in" else [*shape[2:], shape[1], shape[0]]
    request = {"name": f"random.{number}", "seed": draw.getrandbits(64), "dtype": draw.choice(DTYPES),
               "shape": laid, "layout": layout}
    if draw.random() < 0.5:
        starts = [draw.randint(0, size - 1) for size in laid]
        request["slice"] = [[start, draw.randint(start + 1, size)] for start, size in zip(starts, laid)]
        request["first_element"] = draw.randint(0, 1)
    return request


class ImplementationTest(unittest.TestCase):
    """weightinit-generate delivers the bytes of the reference."""

    def assert_same_bytes(self, requests):
        for request, delivered in zip(requests, generate(requests)):
            with self.subTest(request=json.dumps(request)):
                if isinstance(delivered, GenerateError):
                    raise delivered
                expected = reference.payload(request)
                size = np.dtype({"float64": "u8", "float16": "u2", "bfloat16": "u2"}.get(request.get("dtype"), "u4"))
                self.assertEqual(len(delivered), len(expected))
                different = np.flatnonzero(np.frombuffer(delivered, size) != np.frombuffer(expected, size))
                self.assertEqual(different.size, 0, f"first different elements: {different[:8].tolist()}")

    def test_every_scheme_in_every_dtype(self):
        self.assert_same_bytes([base_request(scheme, dtype) for scheme in SCHEMES for dtype in DTYPES])

    def test_every_seed_and_name(self):
        self.assert_same_bytes([
            {"name": name, "shape": [64, 65], "scheme": "normal", "seed": seed, "dtype": dtype}
            for name in ("", "fc1.weight", "größe.重み.🎲", "a\u0301", "\u00e1", "line\nbreak", "x" * 1024)
            for seed in (0, 1, 2**32, 2**63, 2**64 - 1)
            for dtype in ("float32", "float64")
        ])

    def test_truncations(self):
        bounds = ((-2, 2), (-1, 3), (0, 4), (2, 5), (-7, -3), (8, 9), (-30, 30), (-30, 0), (-1e300, 1.5), (11.4, 1e300),
                  (0, 1e-9), (-1e-6, 2e-6), (1.9375, 2.0625), (-6, 5.75))
        for mean, stddev in ((0, 1), (0.375, 0.02), (-3, 1e-3), (7, 0), (1e-40, 1e-41)):
            self.assert_same_bytes([
                {"name": "truncated", "shape": [4099], "scheme": "truncated_normal", "dtype": dtype,
                 "parameters": {"mean": mean, "stddev": stddev, "low": low, "high": high}}
                for low, high in bounds for dtype in DTYPES
                # Bounds so close to a mean that no number lies between them are refused.
                if stddev in (0, 1) or high - low > 0.05 and abs(low) + abs(high) < 1e3
            ])

    def test_uniform_bounds(self):
        self.assert_same_bytes([
            {"name": "uniform", "shape": [4099], "scheme": "uniform", "dtype": dtype,
             "parameters": {"low": low, "high": high}}
            for low, high in ((-1, 1), (0, 1), (-0.3, 0.7), (5, 5.5), (-1e-3, 0), (-2e4, 6e4), (1, 1.0000004),
                              (0.1, 0.3), (-1e-44, 1e-44), (0, 2**-149))
            for dtype in DTYPES
        ])

    def test_normal_parameters(self):
        self.assert_same_bytes([
            {"name": "normal", "shape": [4099], "scheme": "normal", "dtype": dtype,
             "parameters": {"mean": mean, "stddev": stddev}}
            for mean, stddev in ((0.1, 0.3), (-2, 0), (0, 1e-40), (1000, 1e-5), (0, 1e-6), (-0.0, 5e3))
            for dtype in DTYPES
        ])

    def test_constants(self):
        """Also those that round differently when rounded to binary32 on the way to two bytes."""
        values = (0.0, -0.0, 1 / 3, -65504, 1 + 2**-11 + 2**-40, 1 + 2**-8 + 2**-40, 2**-25 + 2**-60, 2**-24, 5e-324)
        self.assert_same_bytes([
            {"shape": [3], "scheme": "constant", "dtype": dtype, "parameters": {"value": value}}
            for value in values for dtype in DTYPES
        ])

    def test_fan_modes_and_distributions(self):
        modes = ("in", "out", "average", "geometric")
        scaling = [{"fan_mode": mode, "distribution": kind, "scale": 1.7}
                   for mode in modes for kind in ("uniform", "normal", "truncated_normal")]
        he = [{"fan_mode": mode, "negative_slope": 0.3} for mode in modes]
        xavier = [{"gain": 5 / 3}]
        requests = []
        for schemes, parameters in ((["variance_scaling"], scaling), (["he_uniform", "he_normal"], he),
                                    (["xavier_uniform", "xavier_normal"], xavier)):
            requests += [{**base_request(scheme, dtype), "parameters": p}
                         for scheme in schemes for p in parameters for dtype in ("float32", "float64")]
        self.assert_same_bytes(requests)

    def test_identity_and_dirac(self):
        shapes = {"identity": ([7, 5], [5, 7], [64, 64], [1, 9], [0, 3]),
                  "dirac": ([12, 4, 3], [6, 12, 4], [8, 3, 3, 2], [4, 4, 3, 1, 2], [4, 0, 3])}
        requests = []
        for scheme, group in shapes.items():
            for shape in group:
                for layout, laid in (("out_in", shape), ("in_out", [*shape[2:], shape[1], shape[0]])):
                    for groups in (1, 2) if scheme == "dirac" else (1,):
                        base = {"shape": laid, "scheme": scheme, "layout": layout, "groups": groups}
                        if scheme == "identity":
                            base["parameters"] = {"gain": 0.3}
                        requests += [{**base, "dtype": dtype} for dtype in DTYPES]
                        half = [[size // 3, size] for size in laid]
                        requests += [{**base, "slice": half}, {**base, "slice": half, "first_element": 0}]
        self.assert_same_bytes(requests)

    def test_orthogonal(self):
        draw = random.Random(1)
        requests = []
        for number in range(150):
            rank = draw.randint(2, 5)
            shape = [draw.randint(1, 30 // rank) for _ in range(rank)]
            requests.append({"scheme": "orthogonal", "parameters": {"gain": draw.uniform(0.1, 3)},
                             **random_request(draw, number, shape)})
        for number in range(150):
            inputs, spatial = draw.randint(1, 20), [draw.choice((1, 3, 5)) for _ in range(draw.randint(1, 3))]
            requests.append({"scheme": "delta_orthogonal",
                             **random_request(draw, number, [draw.randint(inputs, 24), inputs, *spatial])})
        self.assert_same_bytes(requests)

    def test_sparse(self):
        draw = random.Random(2)
        requests = []
        for number in range(300):
            parameters = {"sparsity": draw.choice((0, 1, draw.random(), draw.randint(0, 100) / 100))}
            if number % 2:
                parameters["stddev"] = draw.uniform(0, 2)
            requests.append({"scheme": "sparse", "parameters": parameters,
                             **random_request(draw, number, [draw.randint(1, 50), draw.randint(1, 50)])})
        self.assert_same_bytes(requests)

    def test_functions_of_a_uniform_number(self):
        draw = random.Random(3)
        requests = []
        for number in range(400):
            low = draw.choice((1e-8, 1.0, draw.uniform(0.001, 30), 10 ** draw.uniform(-8, 1.5)))
            parameters = {} if number % 4 == 0 else {"low": low, "high": low + 10 ** draw.uniform(-3, 1.8)}
            rank = draw.randint(2, 3)
            requests.append({"scheme": draw.choice(("log_of_uniform", "inverse_softplus")), "parameters": parameters,
                             **random_request(draw, number, [draw.randint(1, 20) for _ in range(rank)])})
        requests += [{"name": "w", "shape": shape, "scheme": scheme, "dtype": dtype, "seed": 9}
                     for shape in ([], [1], [300], [0]) for scheme in ("log_of_uniform", "inverse_softplus")
                     for dtype in ("float32", "float64", "float16", "bfloat16")]
        requests += [{"shape": [50], "scheme": "log_of_uniform", "parameters": {"low": low, "high": high}}
                     for low, high in ((1e-300, 1e300), (1e-300, 1.0), (1.0, 1e300), (0.999, 1.001))]
        self.assert_same_bytes(requests)

    def test_matrices_without_elements(self):
        self.assert_same_bytes([
            {"shape": shape, "scheme": scheme, "parameters": parameters}
            for scheme, shapes, parameters in (("orthogonal", ([0, 5], [5, 0], [0, 0], [2, 3, 0], [2, 0, 3]), {}),
                                               ("delta_orthogonal", ([0, 0, 3], [3, 0, 3]), {}),
                                               ("sparse", ([0, 5], [5, 0]), {"sparsity": 0.5}))
            for shape in shapes
        ])

    def test_activations_have_their_gain(self):
        self.assert_same_bytes([
            {"name": "gain", "shape": [64, 65], "scheme": scheme, "activation": activation, "dtype": dtype,
             "parameters": {"fan_mode": "out", **({"negative_slope": 0.3} if activation in slopes else {})}}
            for scheme in ("variance_preserving_uniform", "variance_preserving_normal")
            for dtype in ("float32", "float64")
            for slopes in ((), ("leaky_relu", "prelu"))
            for activation in ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "swish", "gelu", "elu", "mish",
                               "prelu", "selu")
        ])

    def test_activations_choose_the_scheme(self):
        self.assert_same_bytes([
            {"name": "recommended", "shape": shape, **({"activation": activation} if activation else {})}
            for shape in ([64, 65], [128], [])
            for activation in (None, "linear", "sigmoid", "tanh", "softmax", "relu", "leaky_relu", "swish", "gelu",
                               "elu", "mish", "prelu", "selu")
        ])

    def test_layouts_groups_and_transposition(self):
        shapes = {"out_in": ([96, 60], [48, 16, 7], [24, 12, 5, 3], [12, 8, 3, 5, 4]),
                  "in_out": ([60, 96], [7, 16, 48], [5, 3, 12, 24], [3, 5, 4, 8, 12])}
        self.assert_same_bytes([
            {"name": "conv", "shape": shape, "layout": layout, "groups": groups, "transposed": transposed,
             "scheme": scheme, "dtype": dtype, "parameters": {"fan_mode": "out"} if scheme == "he_normal" else {}}
            for layout, group in shapes.items() for shape in group for groups in (1, 4) for transposed in (False, True)
            for scheme, dtype in (("he_normal", "float32"), ("lecun_uniform", "float64"), ("xavier_normal", "bfloat16"))
        ])

    def test_explicit_fans(self):
        self.assert_same_bytes([
            {"name": "fans", "shape": shape, "scheme": scheme, **fans}
            for shape, fans in (
                ([4096], {"fan_in": 7, "fan_out": 11}),
                ([64, 64], {"fan_in": 2**53 + 1}),
                ([64, 64], {"fan_out": 3}),
                ([], {"fan_in": 2**62 + 1, "fan_out": 2**63 - 1}),
            )
            for scheme in ("xavier_uniform", "xavier_normal", "he_normal", "lecun_normal", "variance_scaling")
        ])

    def test_slices_with_odd_offsets(self):
        slices = ([[3, 20], [1, 14], [1, 2], [0, 5]], [[23, 24], [0, None], [2, None], [3, 4]],
                  [[5, 5], [0, 16], [0, 3], [0, 5]], [[0, 24], [7, 8], [0, 3], [1, 4]])
        requests = [{**base_request(scheme, dtype), "slice": slice_}
                    for scheme in ("uniform", "normal", "truncated_normal")
                    for dtype in DTYPES for slice_ in slices]
        transposed = [{**r, "layout": "in_out", "shape": r["shape"][::-1], "slice": r["slice"][::-1]} for r in requests]
        resumed = [{**r, "slice": slices[0], "first_element": n} for n, r in enumerate(requests)]
        self.assert_same_bytes(requests + transposed + resumed)

    def test_far_slices_of_a_tensor_of_2_to_the_40_elements(self):
        n = 2**20
        self.assert_same_bytes([
            {"name": "far", "shape": shape, "layout": layout, "scheme": scheme, "dtype": dtype, "slice": slice_}
            for shape, slice_ in (
                ([n, n], [[n - 5, n], [n - 1003, n - 2]]),
                ([n, n], [[n - 1003, n], [n - 7, n - 2]]),
                ([2**13, 2**14, 2**13], [[2**13 - 9, None], [2**14 - 33, None], [2**13 - 17, 2**13 - 1]]),
                ([n * n], [[n * n - 4097, None]]),
                ([n * n], [[2**34 - 2049, 2**34 + 2049]]),
            )
            for layout in ("out_in", "in_out")
            for scheme in ("uniform", "normal", "truncated_normal") for dtype in ("float32", "float64")
        ])

    def test_tensors_without_elements(self):
        self.assert_same_bytes([
            {"shape": shape, "scheme": scheme}
            for shape in ([0, 5], [5, 0], [3, 0, 4]) for scheme in ("normal", "xavier_uniform", "he_normal")
        ])


if __name__ == "__main__":
    unittest.main()
