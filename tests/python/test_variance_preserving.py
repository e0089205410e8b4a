"""variance_preserving_*: networks of their weights keep the variance of a signal, layer by layer."""

import math
import statistics
import unittest

import numpy as np
from generate import generate

WIDTH = 256
SAMPLES = 16
SEEDS = 20
erfc = np.vectorize(math.erfc)

ACTIVATIONS = {
    "linear": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "prelu": lambda z: np.where(z > 0, z, 0.25 * z),
    "swish": lambda z: z / (1 + np.exp(-z)),
    "gelu": lambda z: z * 0.5 * erfc(-z / math.sqrt(2)),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
    "selu": lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0))),
}


def weights(requests):
    """The matrices of requests."""
    for request, payload in zip(requests, generate(requests)):
        if isinstance(payload, Exception):
            raise payload
        yield np.frombuffer(payload, "<f4").reshape(request["shape"])


class VariancePreservingTest(unittest.TestCase):
    def test_a_wide_layer_keeps_the_variance_for_every_activation(self):
        # Quantiles of the normal distribution, so that what varies is the weights alone.
        rows, columns = 16384, 512
        quantiles = [statistics.NormalDist().inv_cdf((i + 0.5) / columns) for i in range(columns)]
        z = np.stack([np.random.default_rng(i).permutation(quantiles) for i in range(8)], axis=1)
        for scheme in ("variance_preserving_uniform", "variance_preserving_normal"):
            for activation, f in ACTIVATIONS.items():
                [w] = weights([{"name": "wide", "shape": [rows, columns], "scheme": scheme, "activation": activation,
                                "seed": 7}])
                with self.subTest(scheme=scheme, activation=activation):
                    self.assertAlmostEqual(np.mean((w @ f(z).astype("f4")) ** 2), 1, delta=0.02)

    def test_fifty_layers_keep_the_signal_within_a_factor_of_two(self):
        # Where variance 1 is no unstable fixed point: not for GELU, swish and Mish.
        for activation in ("sigmoid", "tanh", "relu", "prelu", "elu", "selu"):
            f = ACTIVATIONS[activation]
            ends = []
            for seed in range(SEEDS):
                z = np.random.default_rng(seed).standard_normal((WIDTH, SAMPLES))
                for w in weights([{"name": f"layer.{i}", "shape": [WIDTH, WIDTH], "activation": activation,
                                   "scheme": "variance_preserving_normal", "seed": seed} for i in range(50)]):
                    z = w @ f(z)
                ends.append(math.sqrt(np.mean(z**2)))
            with self.subTest(activation=activation):
                self.assertGreater(statistics.median(ends), 0.5)
                self.assertLess(statistics.median(ends), 2)


if __name__ == "__main__":
    unittest.main()
