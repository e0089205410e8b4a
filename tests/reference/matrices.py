"""Matrices that are more than draws: identity and Dirac, orthogonal and sparse ones.

Written from those sections of core/DETERMINISM.md, with its names; from nothing of the implementation. What is drawn
the caller hands in. Dimensions are (first, second, spatial...), in OUT_IN order. Indices are of uint64.
"""

import math

import numpy as np


def dimensions(shape, layout):
    """Those of a tensor of rank 2 or more, in OUT_IN order."""
    return list(shape) if layout == "out_in" else [shape[-1], shape[-2], *shape[:-2]]


# --- Identity and Dirac


def centre(spatial):
    result = 0
    for k in spatial:
        result = result * k + k // 2
    return np.uint64(result)


def split(dims, index):
    """Row, column and place of each element."""
    second, r = np.uint64(dims[1]), np.uint64(math.prod(dims[2:]))
    return index // r // second, index // r % second, index % r


def is_gain(dims, groups, index):
    """Whether IDENTITY or DIRAC has its gain there, and not 0."""
    row, column, place = split(dims, index)
    return (place == centre(dims[2:])) & (column == row % np.uint64(dims[0] // groups))


# --- Orthogonal matrices


def positions(dims, delta, index):
    """K, N, and of each element whether it is one of M, and its row and its column in Q."""
    row, column, place = split(dims, index)
    inside, columns = place == centre(dims[2:]), dims[1]
    if not delta:
        r = np.uint64(math.prod(dims[2:]))
        inside, columns, column = np.full(index.shape, True), dims[1] * int(r), column * r + place
    if dims[0] > columns:
        return columns, dims[0], inside, column, row
    return dims[0], columns, inside, row, column


def sum_in_order(terms):
    """The sum along the last axis, each term added to the sum of those before it; the first one to +0."""
    # An accumulation has all sums on the way, so none is out of order. It starts at the first term, which may be -0.
    return np.add.accumulate(terms, axis=-1)[..., -1] + 0.0


def p(a, b):
    """The sum of products, also of each row of a."""
    return sum_in_order(a * b)


def reflections(z):
    """d and v, from as many rows of z; of those only c >= k is used."""
    d, v = np.zeros(len(z)), np.zeros(z.shape)
    for k in range(len(z)):
        tail = z[k, k:].astype(np.float64) + 0.0
        S = float(p(tail, tail))
        if S == 0:
            tail[0] = S = 1.0
        L, h = math.sqrt(S), float(tail[0])
        factor = 1 / math.sqrt(S + L * abs(h))
        d[k] = 1 if h < 0 else -1
        v[k, k:] = tail * factor
        v[k, k] = (h - L if h < 0 else h + L) * factor
    return d, v


def orthogonal_rows(z, rows, gain):
    """The first rows of Q, in binary64, from z in binary32: K rows of it, or at least those of the same fours."""
    N = z.shape[1]
    d, v = reflections(z)
    v = np.concatenate([v, np.zeros((4, N))])  # of k >= K
    x = np.eye(rows, N)
    for f in range((rows - 1) // 4 * 4, -1, -4):
        v0, v1, v2, v3 = v[f : f + 4, f:]
        part = x[f:, f:]  # a view: of the rows that start at f or behind it
        s0, s1, s2, s3 = (p(part, a)[:, np.newaxis] for a in (v0, v1, v2, v3))
        t3 = s3
        t2 = s2 - t3 * p(v2, v3)
        t1 = s1 - t3 * p(v1, v3) - t2 * p(v1, v2)
        t0 = s0 - t3 * p(v0, v3) - t2 * p(v0, v2) - t1 * p(v0, v1)
        part[:] = part - t3 * v3 - t2 * v2 - t1 * v1 - t0 * v0
    return x * (d[:rows] * gain)[:, np.newaxis]


# --- Sparse matrices


def zeros_of_a_column(first, sparsity):
    return math.ceil(sparsity * first)


def is_zero(keys, zeros):
    """Which elements are zero, of a matrix of keys."""
    order = np.argsort(keys, axis=0, kind="stable")
    result = np.full(keys.shape, False)
    np.put_along_axis(result, order[:zeros], True, axis=0)
    return result
