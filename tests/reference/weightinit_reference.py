"""The bits of weightinit's generator PHILOX4X32_V1, in NumPy.

An oracle: written from core/DETERMINISM.md, in its order and with its names (its sections on schemes are in
schemes.py, those on matrices in matrices.py); from nothing of the implementation. It favours being read over being
fast. All functions are pure. Enum values are strings in lower case ("he_normal", "float16", "in_out").

`F` is np.float32 or np.float64, and arrays of numbers are one-dimensional, because NumPy 1.x lets a
zero-dimensional array be promoted by a Python number. Numbers that do not depend on the element are Python
floats, which are binary64 with one rounding for each operation. Valid requests only: nothing is checked.
"""

import hashlib
import math
import struct
from typing import NamedTuple

import numpy as np

import functions
import matrices
from schemes import Distribution, distribution

# --- Notation

BINARY32 = np.float32
BINARY64 = np.float64
UINT = {BINARY32: np.uint32, BINARY64: np.uint64}
INT = {BINARY32: np.int32, BINARY64: np.int64}
BITS = {BINARY32: 32, BINARY64: 64}


def _exact(F, literals):
    """Coefficients of F that must not need rounding: C99 hexadecimal literals separated by blanks."""
    coefficients = [F(float.fromhex(literal)) for literal in literals.split()]
    assert [float(c) for c in coefficients] == [float.fromhex(l) for l in literals.split()]
    return coefficients


def horner(coefficients, x):
    """coefficients[0] + coefficients[1] x + ..., two roundings a step, in the type of x."""
    s = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        s = s * x + c
    return s


# --- Key and stream


class StreamKey(NamedTuple):
    key: int  # k0 = low 32 bits, k1 = high 32 bits
    stream: int  # s0 = low 32 bits, s1 = high 32 bits


def key_message(seed, name):
    """The bytes that are hashed."""
    encoded = name.encode("utf-8")
    return b"weightinit.philox4x32_v1\0" + struct.pack("<QQ", seed, len(encoded)) + encoded


def stream_key(seed, name):
    return StreamKey(*struct.unpack("<QQ", hashlib.sha256(key_message(seed, name)).digest()[:16]))


# --- Words

_LOW32 = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def philox4x32_10(counter, key):
    """Four arrays of uint64 below 2^32 from such a counter (four) and a key (two Python integers)."""
    c0, c1, c2, c3 = (np.atleast_1d(np.asarray(c, np.uint64)) for c in counter)
    k0, k1 = key
    for _ in range(10):
        p = np.uint64(0xD2511F53) * c0
        q = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = ((q >> _32) ^ c1 ^ np.uint64(k0), q & _LOW32, (p >> _32) ^ c3 ^ np.uint64(k1), p & _LOW32)
        k0 = (k0 + 0x9E3779B9) % 2**32
        k1 = (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3


def block(sk, b):
    """Words w0 to w3 of the blocks b (array of uint64)."""
    return philox4x32_10((b & _LOW32, b >> _32, sk.stream % 2**32, sk.stream >> 32), (sk.key % 2**32, sk.key >> 32))


def words(F, sk, index):
    """The word of each element: of uint32 for binary32, of uint64 for binary64."""
    if F is BINARY32:
        lane = (index % np.uint64(4)).astype(np.intp)
        return np.choose(lane, block(sk, index // np.uint64(4))).astype(np.uint32)
    w0, w1, w2, w3 = block(sk, index // np.uint64(2))
    return np.where(index % np.uint64(2) == 0, w0 + (w1 << _32), w2 + (w3 << _32))


# --- Which element


def _row_major_strides(shape):
    return [math.prod(shape[d + 1 :]) for d in range(len(shape))]


def indices(shape, layout, slice_):
    """The index in the full tensor, dimensions in OUT_IN order, of each element of the slice, in order of delivery."""
    if layout == "in_out" and len(shape) >= 2:
        *spatial, second, first = shape
        first_stride, second_stride, *spatial_strides = _row_major_strides([first, second, *spatial])
        strides = [*spatial_strides, second_stride, first_stride]
    else:
        strides = _row_major_strides(shape)
    index = np.zeros(1, np.uint64)
    for (start, stop), stride in zip(slice_, strides):
        coordinate = np.arange(start, stop, dtype=np.uint64) * np.uint64(stride)
        index = (index[:, np.newaxis] + coordinate).reshape(-1)
    return index


# --- From a word to a number


def centred(F, w):
    """An odd multiple of 2^-24 or 2^-53 in (-1, 1)."""
    shift, digits = (7, 24) if F is BINARY32 else (10, 53)
    numerator = ((w >> UINT[F](shift)) | UINT[F](1)).astype(INT[F]) - INT[F](2**digits)
    return numerator.astype(F) * F(2.0**-digits)


def positive(F, w):
    """Near w / 2^32 or w / 2^64, never 0."""
    if F is BINARY32:
        return (w.astype(F) + F(0.5)) * F(2.0**-32)
    return ((w >> np.uint64(11)).astype(F) + F(0.5)) * F(2.0**-53)


# --- Logarithm

_LOG = {
    BINARY32: _exact(BINARY32, """-0x1p1 0x1.fffff8p-1 -0x1.5556fcp-1 0x1.000514p-1 -0x1.98d11ap-2 0x1.534d96p-2
                                  -0x1.318864p-2 0x1.255856p-2 -0x1.665dccp-3"""),
    BINARY64: _exact(BINARY64, """-0x1.5555555555558p0 -0x1.99999999952d9p-1 -0x1.2492492df75bep-1
                                  -0x1.c71c62dc16303p-2 -0x1.7462b770676e4p-2 -0x1.39fe05c7ce994p-2
                                  -0x1.2b5c8374a17e9p-2"""),
}


def neg2log(F, u):
    """About -2 ln u, for normal numbers u in (0, 1]."""
    h, shift, minus_2ln2 = {
        BINARY32: (0x3F3504F3, 23, "-0x1.62e43p0"),
        BINARY64: (0x3FE6A09E667F3BCD, 52, "-0x1.62e42fefa39efp0"),
    }[F]
    bits = u.view(INT[F])
    e = (bits - INT[F](h)) >> INT[F](shift)
    x = (bits - (e << INT[F](shift))).view(F) - F(1)
    whole = e.astype(F) * F(float.fromhex(minus_2ln2))
    if F is BINARY32:
        return whole + x * horner(_LOG[F], x)
    s = x / (x + F(2))
    z = s * s
    return whole + s * (z * horner(_LOG[F], z) - F(4))


# --- Standard normal

_SINE = {
    BINARY32: _exact(BINARY32, "0x1.1c5832p-1 -0x1.d3ba6ep-5 0x1.cd9a44p-10 -0x1.ac2e5ep-16"),
    BINARY64: _exact(BINARY64, """0x1.1c5831add62e4p-1 -0x1.d3ba5c1c5f423p-5 0x1.cda1063819aa5p-10
                                  -0x1.b1e9f3447f2bbp-16 0x1.dbd6f3c7eed56p-23 -0x1.55877a8bad812p-30
                                  0x1.55d81c8b052bcp-38"""),
}
_COSINE = {
    BINARY32: _exact(BINARY32, "0x1.6a09e6p-1 -0x1.bea564p-3 0x1.6f3fd4p-7 -0x1.d8ce3ap-13"),
    BINARY64: _exact(BINARY64, """0x1.6a09e667f3bccp-1 -0x1.bea5b6072b1c6p-3 0x1.6f5a49b28f203p-7
                                  -0x1.e36ab0b4dadffp-13 0x1.54cb86d47d3c6p-19 -0x1.2af492a63245dp-26
                                  0x1.615f79b63701p-34"""),
}


def normal_pair(F, R, A):
    """z[2j] and z[2j+1] from the words of elements 2j (R) and 2j+1 (A)."""
    top = UINT[F](1 << (BITS[F] - 1))
    r = np.sqrt(neg2log(F, positive(F, R)))
    t = centred(F, A << UINT[F](2))
    q = t * t
    sine = t * horner(_SINE[F], q)
    cosine = horner(_COSINE[F], q)
    even = (r * (cosine - sine)).view(UINT[F]) ^ (A & top)
    odd = (r * (cosine + sine)).view(UINT[F]) ^ ((A << UINT[F](1)) & top)
    return even.view(F), odd.view(F)


def normal(F, sk, index):
    """z of each element."""
    even_index = index - index % np.uint64(2)
    even, odd = normal_pair(F, words(F, sk, even_index), words(F, sk, even_index + np.uint64(1)))
    return np.where(index % np.uint64(2) == 0, even, odd)


# --- Normal quantile

_P1_32 = _exact(BINARY32, "0x1.8f701cp2 0x1.1107aap10 0x1.93bbe4p14 0x1.95804p16 0x1.2f75acp15")
_Q1_32 = _exact(BINARY32, "0x1p0 0x1.da6646p7 0x1.dfde7ep12 0x1.75d03ap15 0x1.5f005cp15")
_P2_32 = _exact(BINARY32, "-0x1.491d1cp1 -0x1.8a0bdp-2 0x1.babaf4p0 0x1.8d306p-2")
_Q2_32 = _exact(BINARY32, "0x1p0 0x1.c1f08ap0 0x1.8c771cp-2 0x1.604358p-17")

_P1 = [3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
       4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3]
_Q1 = [1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
       3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3]
_P2 = [1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
       1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4]
_Q2 = [1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
       1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9]
_P3 = [6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
       2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7]
_Q3 = [1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
       1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15]


def quantile(F, c, p):
    """|z| where a standard normal is above |z| with probability p = 1/2 - c."""
    if F is BINARY32:
        v = F(0.25) - c * c
        r = np.sqrt(neg2log(F, p))
        return np.where(c <= F(float.fromhex("0x1.eap-2")),
                        (c * horner(_P1_32, v)) / horner(_Q1_32, v),
                        horner(_P2_32, r) / horner(_Q2_32, r))
    v = F(0.180625) - c * c
    r = np.sqrt(F(0.5) * neg2log(F, p))
    near, far = r - F(1.6), r - F(5)
    return np.where(c <= F(0.425),
                    (c * horner(_P1, v)) / horner(_Q1, v),
                    np.where(r <= F(5), horner(_P2, near) / horner(_Q2, near), horner(_P3, far) / horner(_Q3, far)))


# --- Distributions


def rounded(F, x):
    """F(x)."""
    largest = float(np.finfo(F).max)
    return F(min(max(x, -largest), largest))


def up(F, x):
    """The smallest F that is >= x."""
    with np.errstate(over="ignore"):
        f = F(x)
    return f if float(f) >= x else np.nextafter(f, F(math.inf))


def down(F, x):
    """The largest F that is <= x."""
    return -up(F, -x)


def below(F, x):
    """The largest F that is < x."""
    f = down(F, x)
    return f if float(f) < x else np.nextafter(f, F(-math.inf))


def clamp(v, lo, hi):
    v = np.where(v < hi, v, hi)
    return np.where(v > lo, v, lo)


def normal_tail(x):
    """T(x): the probability of a standard normal above x >= 0."""
    pdf = float.fromhex("0x1.9884533d43651p-2") * functions.exp((-0.5 * x) * x)
    if x < 2:
        term = total = x
        for i in range(3, 102, 2):
            term = (term * (x * x)) / i
            total = total + term
        return 0.5 - pdf * total
    f = x
    for i in range(200, 0, -1):
        f = x + i / f
    return pdf / f


def truncated_normal(F, d, w):
    """`d`, a truncated normal distribution with stddev above 0, at the words w."""
    a, b, T = d.low, d.high, normal_tail
    about_the_mean = a < 0 < b
    if about_the_mean:
        start, stop = T(-a) - 0.5, 0.5 - T(b)
    elif a >= 0:
        start, stop = T(b), T(a)
    else:
        start, stop = T(-a), T(-b)
    m = start * 0.5 + stop * 0.5
    h = stop * 0.5 - start * 0.5
    draw = rounded(F, m) + rounded(F, h) * centred(F, w)
    if about_the_mean:
        c = np.abs(draw)
        p = F(0.5) - c
        tiny = F(2.0**-26 if F is BINARY32 else 2.0**-55)
        z = quantile(F, c, np.where(p > tiny, p, tiny))
        z = np.where(draw < 0, -z, z)
    else:
        c = F(0.5) - draw
        z = quantile(F, np.where(c > 0, c, F(0)), draw)
        z = -z if b <= 0 else z
    lowest, highest = up(F, d.mean + d.stddev * a), down(F, d.mean + d.stddev * b)
    return clamp(rounded(F, d.mean) + rounded(F, d.stddev) * z, lowest, highest)


def values(F, d, sk, index):
    """The values in F of distribution `d` at the indices."""
    if d.kind == "constant" or (d.kind == "truncated_normal" and d.stddev == 0):
        result = np.full(index.shape, rounded(F, d.mean))
    elif d.kind == "uniform":
        m = d.low * 0.5 + d.high * 0.5
        h = d.high * 0.5 - d.low * 0.5
        v = rounded(F, m) + rounded(F, h) * centred(F, words(F, sk, index))
        result = clamp(v, up(F, d.low), below(F, d.high))
    elif d.kind == "normal":
        result = rounded(F, d.mean) + rounded(F, d.stddev) * normal(F, sk, index)
    else:
        result = truncated_normal(F, d, words(F, sk, index))
    assert result.dtype == F
    return result


# --- Identity and Dirac, orthogonal and sparse matrices


def diagonal(F, dims, groups, gain, index):
    """The values of IDENTITY and DIRAC."""
    return np.where(matrices.is_gain(dims, groups, index), rounded(F, gain), F(0))


def orthogonal(F, dims, delta, gain, sk, index):
    """The values of ORTHOGONAL or DELTA_ORTHOGONAL."""
    v = np.zeros(index.shape)
    K, N, inside, row, column = matrices.positions(dims, delta, index)
    if inside.any():
        rows = int(row[inside].max()) + 1
        drawn = min((rows + 3) // 4 * 4, K) * N
        z = values(BINARY32, Distribution("normal", 0.0, 1.0), sk, np.arange(drawn, dtype=np.uint64)).reshape(-1, N)
        v[inside] = matrices.orthogonal_rows(z, rows, gain)[row[inside], column[inside]]
    return v.astype(F)


def sparse(F, dims, d, sparsity, sk, index):
    """The values of SPARSE, elsewhere of the distribution `d`."""
    first, second = dims
    keys = values(BINARY64, Distribution("uniform", low=0.0, high=1.0), StreamKey(sk.key, sk.stream ^ 2**63),
                  np.arange(first * second, dtype=np.uint64))
    zero = matrices.is_zero(keys.reshape(dims), matrices.zeros_of_a_column(first, sparsity))
    return np.where(zero.reshape(-1)[index], F(0), values(F, d, sk, index))


# --- Encoding


def encode(dtype, v):
    """Values of F as elements of the dtype; a bfloat16 as its bits in uint16."""
    if dtype == "float16":
        return v.astype(np.float16)
    if dtype == "bfloat16":
        bits = v.view(np.uint32)
        lowest_kept = (bits >> np.uint32(16)) & np.uint32(1)
        return ((bits + np.uint32(0x7FFF) + lowest_kept) >> np.uint32(16)).astype(np.uint16)
    return v


# --- Tensors


def tensor(
    name, shape, *, seed=0, scheme=None, activation=None, dtype="float32", parameters=None, fan=None, slice=None
):
    """The tensor, or the slice of it given as [start, stop) of each dimension, a stop of None being the end.

    `parameters` and `fan` have the keys of SchemeParameters and FanSpec in tensor.proto.
    """
    ranges = [(start, size if stop is None else stop)
              for (start, stop), size in zip(slice or [(0, None)] * len(shape), shape)]
    fan, parameters, sk = fan or {}, parameters or {}, stream_key(seed, name)
    layout, gain = fan.get("layout", "out_in"), parameters.get("gain", 1.0)
    index = indices(shape, layout, ranges)
    F = BINARY64 if dtype == "float64" else BINARY32
    if scheme in ("identity", "dirac"):
        v = diagonal(F, matrices.dimensions(shape, layout), fan.get("groups") or 1, gain, index)
    elif scheme in ("orthogonal", "delta_orthogonal"):
        v = orthogonal(F, matrices.dimensions(shape, layout), scheme == "delta_orthogonal", gain, sk, index)
    else:
        d = distribution(shape, scheme, activation, parameters, fan)
        if scheme in functions.OF_SCHEME:
            drawn = values(BINARY64, d, sk, index)
            v = np.array([functions.OF_SCHEME[scheme](float(u)) for u in drawn], dtype=BINARY64).astype(F)
        elif scheme == "sparse":
            v = sparse(F, matrices.dimensions(shape, layout), d, parameters["sparsity"], sk, index)
        else:
            v = values(F, d, sk, index)
    return encode(dtype, v).reshape([stop - start for start, stop in ranges])


def payload(request):
    """The little-endian bytes of a request in the form that weightinit-generate reads (tests/core/generate_main.cc)."""
    spec = {k: request[k] for k in ("seed", "scheme", "activation", "dtype", "parameters", "slice") if k in request}
    fan = {k: request[k] for k in ("layout", "groups", "transposed", "fan_in", "fan_out") if k in request}
    elements = tensor(request.get("name", ""), request["shape"], fan=fan, **spec).reshape(-1)
    elements = elements[request.get("first_element", 0) :]
    return elements.astype(elements.dtype.newbyteorder("<")).tobytes()
