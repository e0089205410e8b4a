"""The reason that weightinit exists: deep networks learn from the recommended start, and not, or worse, from others."""

import statistics
import unittest

import digits


class TrainingTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.results = digits.accuracies()
        print("\n" + digits.table(cls.results), flush=True)

    def test_relu_learns_from_the_recommended_start(self):
        self.assertGreater(statistics.mean(self.results["relu, recommended"]), 95)
        # All were above 95 where this was written; rounding differs from machine to machine.
        self.assertGreater(min(self.results["relu, recommended"]), 93)

    def test_relu_does_not_learn_from_a_small_start_or_zeros(self):
        # A guess is right in one of ten.
        for start in ("relu, small", "relu, zeros"):
            with self.subTest(start):
                self.assertLess(max(self.results[start]), 20)

    def test_tanh_learns_better_from_xavier_than_from_he(self):
        recommended, he = self.results["tanh, recommended"], self.results["tanh, he"]
        self.assertGreater(statistics.mean(recommended) - statistics.mean(he), 2)
        self.assertGreater(min(recommended), 93)
        self.assertGreater(min(he), 70)


if __name__ == "__main__":
    unittest.main()
