"""The depth that an advisory names is that at which a wide network's signal is off by a factor of 10."""

import json
import math
import os
import re
import subprocess
import unittest

import numpy as np
from test_variance_preserving import ACTIVATIONS, weights

WIDTH = 2048
SAMPLES = 16

CASES = [
    ("gelu", {}),
    ("swish", {}),
    ("mish", {"scheme": "xavier_normal"}),
    ("relu", {"scheme": "xavier_uniform"}),
    ("relu", {"scheme": "normal", "parameters": {"stddev": 0.01}}),
    ("relu", {"scheme": "normal", "parameters": {"stddev": 0.04}}),
    ("elu", {"scheme": "uniform", "parameters": {"low": -0.03, "high": 0.03}}),
    ("relu", {"scheme": "orthogonal", "parameters": {"gain": 0.4}}),
    ("tanh", {"scheme": "normal", "parameters": {"stddev": 0.015}}),
    ("sigmoid", {"scheme": "normal", "parameters": {"stddev": 0.003}}),
]


def advisory(request):
    """The only advisory of a request."""
    options = [item for key, value in request.get("parameters", {}).items() for item in (f"--{key}", str(value))]
    options += [item for key in ("scheme", "activation") if key in request for item in (f"--{key}", request[key])]
    command = [os.environ["WEIGHTINIT_CLI"], "describe", "--json", "--name", "w", "--shape", f"{WIDTH}x{WIDTH}", *options]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60, stderr=subprocess.DEVNULL)
    [only] = json.loads(answer.stdout)["advisories"]
    return only


def measured_depth(request, most):
    """After how many layers the RMS of a signal has changed by 10, and the variance after the first one."""
    z = np.random.default_rng(1).standard_normal((WIDTH, SAMPLES)).astype("f4")
    start = np.mean(z**2)
    first = None
    for layer in range(1, most + 1):
        [w] = weights([{**request, "name": f"layer.{layer}", "shape": [WIDTH, WIDTH], "seed": 3}])
        z = w @ ACTIVATIONS[request["activation"]](z).astype("f4")
        factor = np.mean(z**2) / start
        first = first or factor
        if abs(math.log(factor)) >= math.log(100):
            return layer, first
    return math.inf, first


class DepthAdvisoriesTest(unittest.TestCase):
    def test_a_network_of_width_2048_is_off_where_the_advisory_says(self):
        for activation, how in CASES:
            request = {"activation": activation, **how}
            message = advisory(request)["message"]
            [factor] = re.findall(r"variance of the signal by ([0-9.e-]+),", message)
            [depth] = map(int, re.findall(r"after (\d+) layers? its RMS", message))
            measured, first = measured_depth(request, 2 * depth)
            with self.subTest(activation=activation, **how):
                self.assertLessEqual(abs(measured - depth), 0.2 * depth, (measured, depth))
                self.assertAlmostEqual(first / float(factor), 1, delta=0.1)
            if os.environ.get("WEIGHTINIT_PRINT_DEPTHS"):
                print(f"{activation:8} {json.dumps(how):62} factor {factor:7} {first:.4g}  depth {depth} {measured}")


if __name__ == "__main__":
    unittest.main()
