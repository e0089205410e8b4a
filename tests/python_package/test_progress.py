"""Bars that show how much of a tensor or model is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from conftest import ROOT

import weightinit
from weightinit import _local

LENET = ROOT / "client" / "models" / "lenet5.yaml"
TIED = {
    "version": 1,
    "entries": [
        {"name": "head.weight", "alias": "emb.weight"},
        {"name": "emb", "embedding": {"num_embeddings": 50, "embedding_dim": 8}},
        {"name": "none", "tensor": {"shape": [0]}},
        {"name": "rnn", "lstm": {"input_size": 8, "hidden_size": 4}},
        {"name": "last", "alias": "rnn.bias_ih_l0"},
    ],
}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of each step, the total first; a step is about 1000 bytes."""
    seen: list[int] = []

    @contextmanager
    def bar(shown: bool, total: int) -> Iterator[Callable[[int], object]]:
        assert shown
        seen.append(total)
        yield seen.append

    monkeypatch.setattr(_local, "progress_bar", bar)
    monkeypatch.setattr(_local, "_STEP", 1000)
    return seen


@pytest.mark.parametrize("layout", ["out_in", "in_out"])
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_a_local_tensor_comes_in_steps_and_is_the_same(
    steps: list[int], layout: str, dtype: str
) -> None:
    source = weightinit.Local()
    arguments = {"layout": layout, "dtype": dtype, "slice": np.s_[3:, :30], "seed": 2}
    array = source.tensor((40, 33), progress=True, **arguments)
    assert np.array_equal(array, source.tensor((40, 33), **arguments))
    assert steps[0] == sum(steps[1:]) == array.nbytes
    assert len(steps) == 2 + array.nbytes // 1000


def test_a_tensor_without_elements_has_no_step(steps: list[int]) -> None:
    assert weightinit.Local().tensor((0, 4), progress=True).shape == (0, 4)
    assert steps == [0]


@pytest.mark.parametrize(
    ("manifest", "arguments"),
    [
        (LENET, {}),
        (LENET, {"only": ["fc*"]}),
        (LENET, {"shard": (1, 2)}),
        (TIED, {}),
        (TIED, {"only": ["*weight*"]}),
    ],
)
def test_a_local_model_comes_in_steps_and_is_the_same(
    steps: list[int], manifest: object, arguments: dict
) -> None:
    source = weightinit.Local()
    arrays = source.model(manifest, progress=True, seed=3, **arguments)
    expected = source.model(manifest, seed=3, **arguments)
    assert list(arrays) == list(expected)
    for name, array in arrays.items():
        assert np.array_equal(array, expected[name]), name
    description = source.describe_model(manifest, **arguments)
    assert steps[0] == sum(steps[1:]) == description.bytes
    assert len(steps) >= 3


def test_the_timeout_is_of_all_steps_together(steps: list[int]) -> None:
    source = weightinit.Local(timeout=0.02)
    with pytest.raises(weightinit.DeadlineExceeded):
        source.tensor((4000, 1000), progress=True)
    assert sum(steps[1:]) < steps[0]
