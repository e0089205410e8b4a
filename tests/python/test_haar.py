"""orthogonal: its matrices are spread over all orthogonal matrices by Haar's measure. Seeds are fixed."""

import math
import unittest

import numpy as np
from generate import generate

SEEDS = 4000
SQUARES = (2, 3, 4, 5, 8)
OTHERS = ((1, 4), (3, 7), (6, 9), (4, 1), (7, 3), (9, 6))
# How many standard errors a mean may be away, and by how much a distribution function may, times the square root of
# the size of the sample. By chance that happens once in 1.7 million and once in 130,000 times.
MEAN_LIMIT = 5
DISTANCE_LIMIT = 2.5


def matrices(shape):
    """One for each seed."""
    requests = [{"name": "haar", "shape": shape, "scheme": "orthogonal", "dtype": "float64", "seed": seed}
                for seed in range(SEEDS)]
    for answer in generate(requests):
        if isinstance(answer, Exception):
            raise answer
        yield np.frombuffer(answer, "<f8").reshape(shape)


def coordinate_distribution(n, x):
    """The probability that a coordinate of a uniform point of the sphere in n dimensions, n >= 2, is below x."""
    # It is sin(a) with a density proportional to cos(a)^(n - 2), which is integrated by parts.
    a = np.arcsin(np.clip(x, -1, 1))
    integral, whole = (a, math.pi) if n % 2 == 0 else (np.sin(a), 2.0)
    for power in range(2 if n % 2 == 0 else 3, n - 1, 2):
        integral = np.cos(a) ** (power - 1) * np.sin(a) / power + integral * (power - 1) / power
        whole = whole * (power - 1) / power
    return 0.5 + integral / whole


def distance(sample, distribution):
    """Kolmogorov and Smirnov's statistic, times the square root of the size of the sample."""
    probabilities = distribution(np.sort(sample))
    steps = np.arange(sample.size + 1) / sample.size
    return math.sqrt(sample.size) * max(np.max(steps[1:] - probabilities), np.max(probabilities - steps[:-1]))


class HaarTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.squares = {n: np.stack(list(matrices((n, n)))) for n in SQUARES}
        others = [np.stack(list(matrices(shape))) for shape in OTHERS]
        cls.all = [(q, max(q.shape[1:])) for q in (*cls.squares.values(), *others)]

    def assert_mean(self, sample, mean, variance):
        """`variance` is that of an element of the sample."""
        self.assertLess(abs(np.mean(sample) - mean) / math.sqrt(variance / sample.size), MEAN_LIMIT)

    def assert_products(self, x, expected):
        """The means of the products of each two columns of x are `expected`."""
        means = x.T @ x / SEEDS
        variances = (x**2).T @ x**2 / SEEDS - means**2
        self.assertLess(np.max(np.abs(means - expected) / np.sqrt(variances / SEEDS)), MEAN_LIMIT)

    def test_vectors_of_the_shorter_dimension_are_orthonormal(self):
        for q, n in self.all:
            with self.subTest(shape=q.shape[1:]):
                vectors = q if q.shape[2] == n else q.transpose(0, 2, 1)
                products = vectors @ vectors.transpose(0, 2, 1)
                self.assertLess(np.max(np.abs(products - np.eye(vectors.shape[1]))), 1e-14)

    def test_moments_of_traces(self):
        # Diaconis and Shahshahani 1994: traces of the first and second power have the moments of independent normal
        # numbers, of mean 0 and 1 and variance 1 and 2, as long as n is at least half the degree in Q. That of degree
        # 8 is 105 therefore; of n = 2 and 3 it is 35 and 91, as many as there are invariants of 8 vectors.
        for n, q in self.squares.items():
            first, second = np.trace(q, axis1=1, axis2=2), np.trace(q @ q, axis1=1, axis2=2)
            eighth = {2: 35, 3: 91}.get(n, 105)
            for moment, sample, mean, variance in (
                ("first", first, 0, 1), ("first^2", first**2, 1, 3 - 1), ("first^4", first**4, 3, eighth - 9),
                ("second", second, 1, 2), ("second^2", second**2, 3, np.var(second**2)),
                ("first second", first * second, 0, np.var(first * second)),
            ):
                with self.subTest(n=n, moment=moment):
                    self.assert_mean(sample, mean, variance)

    def test_both_determinants_are_equally_frequent(self):
        for n, q in self.squares.items():
            with self.subTest(n=n):
                determinants = np.linalg.det(q)
                self.assertLess(np.max(np.abs(np.abs(determinants) - 1)), 1e-13)
                self.assert_mean(np.sign(determinants), 0, 1)

    def test_each_element_is_a_coordinate_of_a_uniform_point_of_the_sphere(self):
        for q, n in self.all:
            with self.subTest(shape=q.shape[1:]):
                for element in q.reshape(SEEDS, -1).T:
                    self.assertLess(distance(element, lambda x, n=n: coordinate_distribution(n, x)), DISTANCE_LIMIT)

    def test_elements_are_not_correlated(self):
        for q, n in self.all:
            with self.subTest(shape=q.shape[1:]):
                x = q.reshape(SEEDS, -1)
                self.assert_products(x, np.eye(x.shape[1]) / n)

    def test_squares_of_elements_are_correlated_as_they_must(self):
        for q, n in self.all:
            with self.subTest(shape=q.shape[1:]):
                # Of one element, of two in a row or column, and of two that share neither.
                same, line, neither = 3 / (n * (n + 2)), 1 / (n * (n + 2)), (n + 1) / ((n - 1) * n * (n + 2))
                row, column = (index.reshape(-1) for index in np.indices(q.shape[1:]))
                in_row, in_column = row[:, np.newaxis] == row, column[:, np.newaxis] == column
                expected = np.where(in_row & in_column, same, np.where(in_row | in_column, line, neither))
                self.assert_products(q.reshape(SEEDS, -1) ** 2, expected)

    def test_angles_in_two_dimensions_are_uniform(self):
        q = self.squares[2]
        for determinant in (1, -1):
            with self.subTest(determinant=determinant):
                of_sign = q[np.sign(np.linalg.det(q)) == determinant]
                self.assertGreater(len(of_sign), 0)
                angles = np.arctan2(of_sign[:, 1, 0], of_sign[:, 0, 0])
                self.assertLess(distance(angles, lambda a: 0.5 + a / (2 * math.pi)), DISTANCE_LIMIT)


if __name__ == "__main__":
    unittest.main()
