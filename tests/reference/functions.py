"""Functions of a uniform number, from that section of core/DETERMINISM.md and those of logarithm and exponential.

Python floats are binary64, with one rounding for each operation.
"""

import math
import struct

_LOG = [float.fromhex(text) for text in """-0x1.5555555555558p0 -0x1.99999999952d9p-1 -0x1.2492492df75bep-1
    -0x1.c71c62dc16303p-2 -0x1.7462b770676e4p-2 -0x1.39fe05c7ce994p-2 -0x1.2b5c8374a17e9p-2""".split()]


def _neg2log(u):
    """About -2 ln u, for a normal number u of at most 1."""
    (bits,) = struct.unpack("<q", struct.pack("<d", u))
    e = (bits - 0x3FE6A09E667F3BCD) >> 52
    (scaled,) = struct.unpack("<d", struct.pack("<q", bits - (e << 52)))
    x = scaled - 1.0
    s = x / (x + 2.0)
    z = s * s
    polynomial = 0.0
    for coefficient in reversed(_LOG):
        polynomial = polynomial * z + coefficient
    return float(e) * float.fromhex("-0x1.62e42fefa39efp0") + s * (z * polynomial - 4.0)


def exp(x):
    """e^x for x <= 0."""
    if x < -708:
        return 0.0
    k = math.trunc(x * float.fromhex("0x1.71547652b82fep0") - 0.5)
    r = (x - k * float.fromhex("0x1.62e42feep-1")) - k * float.fromhex("0x1.a39ef35793c76p-33")
    s = 1.0
    for i in range(13, 0, -1):
        s = (s * r) / i + 1.0
    return s * 2.0**k


def ln(x):
    """The natural logarithm."""
    return 0.5 * _neg2log(1.0 / x) + 0.0 if x > 1 else -0.5 * _neg2log(x)


def inverse_softplus_of_exp(t):
    """ln(e^x - 1) of x = e^t."""
    x = exp(t) if t <= 0 else 1.0 / exp(-t)
    return x + ln(1.0 - exp(-x))


OF_SCHEME = {"log_of_uniform": ln, "inverse_softplus": inverse_softplus_of_exp}
