"""A mix of requests for long: nothing fails, nothing grows."""

import os
import time
import unittest

from calls import at_once
from figures import note, sized, slope
from server_process import ServerProcess
from test_mix import Mix

# 1800 by hand.
SECONDS = float(os.environ.get("WEIGHTINIT_SOAK_SECONDS", sized(10, 300)))


class SoakTest(unittest.TestCase):
    def test_mix_for_long_leaves_nothing(self):
        with ServerProcess() as server:
            mix = Mix(server)
            begin = time.monotonic()
            points = []

            def work(number):
                turn = 0
                while time.monotonic() - begin < SECONDS:
                    if number == 0:
                        points.append((time.monotonic() - begin, server.resident_mb(), server.descriptors(),
                                       server.threads()))
                        time.sleep(SECONDS / 200)
                    else:
                        turn += 1
                        mix.some(1000 * turn + number, 20)

            self.assertEqual(at_once(5, work), [])
            self.assertTrue(server.alive())
        self.assertEqual(mix.wrong, [])
        # Warm after a third.
        warm = [point for point in points if point[0] > SECONDS / 3]
        grows = 60 * slope([(seconds, resident) for seconds, resident, _, _ in warm])
        spread = [max(column) - min(column) for column in zip(*warm, strict=True)]
        self.assertLess(spread[1], 64)
        self.assertLess(spread[2], 64)
        self.assertLess(spread[3], 16)
        note("soak", f"{SECONDS:.0f} s, {mix.counts.total()} requests, 0 failures; resident memory {grows:+.2f} MB/min, "
             f"descriptors within {spread[2]}, threads within {spread[3]}", grows < 1)


if __name__ == "__main__":
    unittest.main()
