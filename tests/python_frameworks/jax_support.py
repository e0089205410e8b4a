"""What the tests of weightinit.jax share; four devices, in place of XLA_FLAGS."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
import pytest
from jax.sharding import Mesh

import weightinit

# Before anything runs.
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 4)

KEY = jax.random.key(42)


class Spy(weightinit.Local):
    """Notes the bytes of every request for a model, and those of tensors."""

    def __init__(self) -> None:
        """Has seen nothing."""
        super().__init__()
        self.models: list[int] = []
        self.tensors: list[int] = []

    def _model(self, request: Any, description: Any, arrays: Any, progress: bool) -> None:
        self.models.append(description.bytes)
        super()._model(request, description, arrays, progress)

    def _tensor(self, request: Any, out: Any, progress: bool) -> Any:
        array = super()._tensor(request, out, progress)
        self.tensors.append(array.nbytes)
        return array


def assert_same_distribution(ours: Any, theirs: Any) -> None:
    """Moments and extremes of large samples of a mean of about 0."""
    ours, theirs = (np.asarray(x, np.float64).ravel() for x in (ours, theirs))
    assert ours.size == theirs.size > 30000
    stddev = theirs.std()
    # Five standard errors of both.
    tolerance = 5 * math.sqrt(2 / ours.size)
    assert ours.mean() == pytest.approx(theirs.mean(), abs=tolerance * stddev)
    assert ours.std() == pytest.approx(stddev, rel=tolerance)
    # By the Kolmogorov-Smirnov distance, at a level of 1e-6.
    theirs.sort()
    ours.sort()
    places = np.searchsorted(theirs, ours) / theirs.size
    distance = np.abs(places - (np.arange(ours.size) + 0.5) / ours.size).max()
    assert distance < 2.7 * math.sqrt(2 / ours.size)


def mesh(*shape: int) -> Mesh:
    """Devices with the axes x and y."""
    return Mesh(np.array(jax.devices()[: math.prod(shape)]).reshape(shape), ("x", "y"))
