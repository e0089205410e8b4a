"""From the scheme of a tensor to its distribution.

Written from that section of core/DETERMINISM.md and from the scheme, activation and fan rules of
proto/weightinit/v1/tensor.proto; from nothing of the implementation. Python floats are binary64, with one
rounding for each operation. Valid requests only: nothing is checked.
"""

import math
from typing import NamedTuple

import functions


class Distribution(NamedTuple):
    """`kind` constant (mean is the value), uniform, normal or truncated_normal; bounds of the latter in stddevs."""
    kind: str
    mean: float = 0.0
    stddev: float = 0.0
    low: float = 0.0
    high: float = 0.0


RECOMMENDED = {
    **dict.fromkeys(("unspecified", "linear", "sigmoid", "tanh", "softmax"), "xavier_normal"),
    **dict.fromkeys(("relu", "leaky_relu", "swish", "gelu", "elu", "mish", "prelu"), "he_normal"),
    "selu": "lecun_normal",
}
NEGATIVE_SLOPE = {"leaky_relu": 0.01, "prelu": 0.25}
VARIANCE_GAIN = {
    "unspecified": 1.0, "linear": 1.0, "selu": 1.0, "relu": 2.0, "sigmoid": 3.408559841623103,
    "tanh": 2.5361754332174535, "swish": 2.810761124074471, "gelu": 2.351715614073373, "elu": 1.5505188080679273,
    "mish": 2.210715729937989,
}


def fans(shape, *, layout="out_in", groups=1, transposed=False, fan_in=None, fan_out=None):
    """(fan_in, fan_out) as integers; None where there is none."""
    if len(shape) >= 2:
        first, second, *spatial = shape if layout == "out_in" else (shape[-1], shape[-2], *shape[:-2])
        r = math.prod(spatial)
        pair = second * r, first // (groups or 1) * r
        derived = pair[::-1] if transposed else pair
    else:
        derived = None, None
    return (derived[0] if fan_in is None else fan_in), (derived[1] if fan_out is None else fan_out)


def distribution(shape, scheme=None, activation=None, parameters=None, fan=None):
    """The distribution of a tensor, or of SPARSE where it is not zero.

    An absent scheme is chosen from the rank and the activation.
    """
    parameters, activation = parameters or {}, activation or "unspecified"
    scheme = scheme or ("zeros" if len(shape) < 2 else RECOMMENDED[activation])
    given = parameters.get
    if scheme in ("zeros", "ones", "constant"):
        return Distribution("constant", {"zeros": 0.0, "ones": 1.0}[scheme] if scheme != "constant" else given("value"))
    if scheme == "uniform":
        return Distribution("uniform", low=given("low", 0.0), high=given("high", 1.0))
    if scheme in ("normal", "truncated_normal"):
        return Distribution(scheme, given("mean", 0.0), given("stddev", 1.0), given("low", -2.0), given("high", 2.0))
    if scheme == "log_of_uniform":
        return Distribution("uniform", low=given("low", 1.0), high=given("high", 16.0))
    if scheme == "inverse_softplus":
        return Distribution("uniform", low=functions.ln(given("low", 0.001)), high=functions.ln(given("high", 0.1)))
    if scheme == "sparse":
        return Distribution("normal", 0.0, given("stddev", 0.01))

    fan_in, fan_out = (n if n is None else float(max(n, 1)) for n in fans(shape, **(fan or {})))
    divisor = {
        "in": lambda: fan_in,
        "out": lambda: fan_out,
        "average": lambda: (fan_in + fan_out) * 0.5,
        "geometric": lambda: math.sqrt(fan_in * fan_out),
    }[given("fan_mode", "in")]
    family, _, kind = scheme.rpartition("_")
    if family == "xavier":
        gain = given("gain", 1.0)
        variance = (gain * gain) / ((fan_in + fan_out) * 0.5)
    elif family == "he":
        slope = given("negative_slope", NEGATIVE_SLOPE.get(activation, 0.0))
        variance = (2 / (1 + slope * slope)) / divisor()
    elif family == "variance_preserving":
        slope = given("negative_slope", NEGATIVE_SLOPE.get(activation))
        variance = (VARIANCE_GAIN[activation] if slope is None else 2 / (1 + slope * slope)) / divisor()
    elif family == "lecun":
        variance = 1 / fan_in
    else:
        variance = given("scale", 1.0) / divisor()
        kind = given("distribution", "truncated_normal")
    if kind == "uniform":
        high = math.sqrt(3 * variance)
        return Distribution(kind, low=-high, high=high)
    if kind == "normal":
        return Distribution(kind, 0.0, math.sqrt(variance))
    return Distribution(kind, 0.0, math.sqrt(variance) / 0.87962566103423978, -2.0, 2.0)
