"""Requests of all kinds at once, some of them broken off: no wrong byte."""

import collections
import random
import threading
import unittest

from calls import INITIALIZE, at_once, channel, request
from figures import note, sized
from server_process import ServerProcess

import weightinit

SCHEMES = ("normal", "uniform", "truncated_normal", "zeros", "xavier_normal", "he_uniform", "variance_scaling")
DTYPES = ("float32", "float16", "bfloat16", "float64")


def manifest(dice):
    """A small model."""
    width = dice.choice((3, 64, 200))
    return {
        "version": 1,
        "defaults": {"dtype": dice.choice(DTYPES), "activation": "relu"},
        "entries": [
            {"name": "embed", "embedding": {"num_embeddings": 50, "embedding_dim": width}},
            {"name": "block.{i}", "repeat": [{"index": "i", "count": 3}], "block": {"entries": [
                {"name": "fc", "dense": {"in_features": width, "out_features": 2 * width}},
                {"name": "norm", "layer_norm": {"normalized_shape": [width]}}]}},
            {"name": "head.weight", "alias": "embed.weight"},
        ],
    }


class Mix:
    """Makes requests of a server and compares with the process's own answers; thread-safe."""

    def __init__(self, server):
        self._server = server
        self._local = weightinit.Local()
        self._lock = threading.Lock()
        self.counts = collections.Counter()
        self.wrong = []

    def _compare(self, what, served, own):
        with self._lock:
            self.counts[what] += 1
            if served != own:
                self.wrong.append(what)

    def some(self, number, rounds):
        """So many requests of one client, which the number chooses."""
        dice = random.Random(number)
        with weightinit.Client(self._server.address) as client, channel(self._server) as connection:
            cancelled = connection.unary_stream(INITIALIZE)
            for i in range(rounds):
                self._one(dice, client, cancelled, f"w{number}.{i}")

    def _one(self, dice, client, cancelled, name):
        kind = dice.choices(("tensor", "slice", "model", "description", "invalid", "cancelled"),
                            (30, 20, 10, 10, 10, 20))[0]
        arguments = {"scheme": dice.choice(SCHEMES), "dtype": dice.choice(DTYPES), "name": name,
                     "seed": dice.randrange(1 << 64)}
        rows, columns = dice.choice((1, 10, 300)), dice.choice((1, 7, 1024))
        if kind == "tensor":
            layout = dice.choice(("out_in", "in_out"))
            self._compare(kind, *(source.tensor((rows, columns), layout=layout, **arguments).tobytes()
                                  for source in (client, self._local)))
        elif kind == "slice":
            start = dice.randrange(rows)
            part = (slice(start, dice.randrange(start, rows) + 1), slice(None, None))
            self._compare(kind, *(source.tensor((rows, columns), slice=part, **arguments).tobytes()
                                  for source in (client, self._local)))
        elif kind == "model":
            model = manifest(dice)
            self._compare(kind, *({each: array.tobytes() for each, array in source.model(model, seed=5).items()}
                                  for source in (client, self._local)))
        elif kind == "description":
            self._compare(kind, *(repr(source.describe((rows, columns), **arguments))
                                  for source in (client, self._local)))
        elif kind == "invalid":
            errors = []
            for source in (client, self._local):
                try:
                    source.tensor((rows, columns), **{**arguments, "scheme": "constant"})
                except weightinit.InvalidArgument as error:
                    errors.append(error.violations)
            self._compare(kind, errors[:1], errors[1:])
        else:
            stream = cancelled(request((dice.choice((1, 4097, 1 << 20)),)))
            for _ in range(dice.randrange(3)):
                if next(stream, None) is None:
                    break
            stream.cancel()
            self._compare(kind, None, None)


class MixTest(unittest.TestCase):
    def test_mixed_requests_with_random_cancels_have_no_wrong_byte(self):
        rounds = sized(30, 200)
        with ServerProcess() as server:
            mix = Mix(server)
            self.assertEqual(at_once(16, lambda number: mix.some(number, rounds)), [])
            self.assertTrue(server.alive())
        self.assertEqual(mix.wrong, [])
        self.assertEqual(mix.counts.total(), 16 * rounds)
        note("mix", f"{len(mix.wrong)} wrong of {mix.counts.total()}: " +
             ", ".join(f"{count} {kind}" for kind, count in sorted(mix.counts.items())))


if __name__ == "__main__":
    unittest.main()
