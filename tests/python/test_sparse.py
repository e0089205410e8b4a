"""sparse: the zeros of a column are spread evenly, and what is left is that of normal. Seeds are fixed."""

import itertools
import math
import unittest

import numpy as np
from generate import generate

SEEDS = 4000
ROWS, COLUMNS, ZEROS = 7, 6, 3
# How many standard errors a mean may be away, and what stands for one: by chance it is once in 1.7 million times.
LIMIT = 5


def tensors(scheme, shape, seeds, **fields):
    """One for each seed, in binary64."""
    dtype = {"float64": "<f8", "float32": "<f4"}[fields.get("dtype", "float32")]
    requests = [{"name": "sparse", "shape": shape, "scheme": scheme, "seed": seed, **fields} for seed in seeds]
    made = []
    for answer in generate(requests):
        if isinstance(answer, Exception):
            raise answer
        made.append(np.frombuffer(answer, dtype).reshape(shape).astype(float))
    return np.stack(made)


class SparseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = {dtype: tensors("sparse", [ROWS, COLUMNS], range(SEEDS), dtype=dtype,
                                   parameters={"sparsity": (ZEROS - 0.5) / ROWS, "stddev": 1})
                    for dtype in ("float32", "float64")}
        cls.zero = cls.made["float32"] == 0

    def assert_mean(self, sample, mean, variance):
        self.assertLess(abs(np.mean(sample) - mean) / math.sqrt(variance / sample.size), LIMIT)

    def assert_even(self, counts, expected, variance):
        """Counts, whose sum is fixed, each of this expectation and variance."""
        freedom = counts.size - 1
        chi_square = np.sum((counts - expected) ** 2) / variance * freedom / counts.size
        # Nearly normal (Wilson and Hilferty 1931).
        deviate = ((chi_square / freedom) ** (1 / 3) - 1 + 2 / (9 * freedom)) / math.sqrt(2 / (9 * freedom))
        self.assertLess(abs(deviate), LIMIT)

    def test_each_column_has_its_zeros_and_the_rest_is_of_normal(self):
        for shape, sparsity, zeros in (([10, 30], 0, 0), ([10, 30], 0.1, 1), ([10, 30], 0.11, 2), ([10, 30], 0.5, 5),
                                       ([10, 30], 0.9, 9), ([10, 30], 1, 10), ([1, 30], 1e-9, 1), ([25, 30], 0.28, 8),
                                       ([300, 5], 0.5, 150)):
            for dtype in ("float32", "float64"):
                for layout in ("out_in", "in_out"):
                    with self.subTest(shape=shape, sparsity=sparsity, dtype=dtype, layout=layout):
                        laid = shape if layout == "out_in" else shape[::-1]
                        fields = {"dtype": dtype, "layout": layout}
                        made = tensors("sparse", laid, range(10), parameters={"sparsity": sparsity}, **fields)
                        normal = tensors("normal", laid, range(10), parameters={"stddev": 0.01}, **fields)
                        self.assertTrue(np.all(normal))
                        zero = made == 0
                        self.assertFalse(np.any(np.signbit(made[zero])))
                        self.assertTrue(np.all(np.sum(zero, axis=1 if layout == "out_in" else 2) == zeros))
                        np.testing.assert_array_equal(made[~zero], normal[~zero])

    def test_zeros_do_not_depend_on_dtype_and_layout(self):
        np.testing.assert_array_equal(self.made["float64"] == 0, self.zero)
        turned = tensors("sparse", [COLUMNS, ROWS], range(10), layout="in_out",
                         parameters={"sparsity": (ZEROS - 0.5) / ROWS})
        np.testing.assert_array_equal(turned.transpose(0, 2, 1) == 0, self.zero[:10])

    def test_each_row_is_as_likely(self):
        share = ZEROS / ROWS
        for column in range(COLUMNS):
            counts = np.sum(self.zero[:, :, column], axis=0)
            self.assert_even(counts, SEEDS * share, SEEDS * share * (1 - share))

    def test_each_set_of_rows_is_as_likely(self):
        sets = list(itertools.combinations(range(ROWS), ZEROS))
        codes = [sum(2**row for row in rows) for rows in sets]
        found = np.sum(self.zero * 2 ** np.arange(ROWS)[:, np.newaxis], axis=1)
        counts = np.array([np.sum(found == code) for code in codes])
        total, share = SEEDS * COLUMNS, 1 / len(sets)
        self.assertEqual(np.sum(counts), total)
        self.assert_even(counts, total * share, total * share * (1 - share))

    def test_columns_do_not_depend_on_each_other(self):
        # The size of the common part of two random sets is hypergeometric.
        mean = ZEROS * ZEROS / ROWS
        variance = mean * (1 - ZEROS / ROWS) * (ROWS - ZEROS) / (ROWS - 1)
        for a, b in itertools.combinations(range(COLUMNS), 2):
            for shift in range(ROWS):
                common = np.sum(self.zero[:, :, a] & np.roll(self.zero[:, :, b], shift, axis=1), axis=1)
                with self.subTest(a=a, b=b, shift=shift):
                    self.assert_mean(common, mean, variance)

    def test_what_is_left_is_still_normal(self):
        for dtype, made in self.made.items():
            for row in range(ROWS):
                for column in range(COLUMNS):
                    kept = made[:, row, column][~self.zero[:, row, column]]
                    with self.subTest(dtype=dtype, row=row, column=column):
                        self.assert_mean(kept, 0, 1)
                        self.assert_mean(kept**2, 1, 2)


if __name__ == "__main__":
    unittest.main()
