"""The initializers of frameworks are those of the catalogue, and docs/parity.md tells of all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from jax_support import assert_same_distribution
from parity_support import (
    FRAMEWORK_SCHEMES,
    INITIALIZERS,
    PAGE,
    ROWS,
    VALUES,
    arguments_of,
    make,
    meaning,
    not_offered,
    request,
    table,
    what_it_is,
    without_counterpart,
    words,
)

import weightinit

# Keras' own.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# The page.


def test_each_initializer_of_the_frameworks_is_in_the_page_once() -> None:
    offered = [initializer for initializer, _, _ in ROWS.values()]
    assert sorted([*offered, *not_offered()]) == sorted(INITIALIZERS)
    assert len(INITIALIZERS) > 60


def test_the_tables_are_those_of_the_catalogue() -> None:
    assert {scheme: what for scheme, (_, what, _) in ROWS.items()} == {
        scheme: what_it_is(scheme) for scheme in FRAMEWORK_SCHEMES
    }
    sections = {"PyTorch": "torch", "Keras": "keras", "JAX": "jax", "timm": "timm"}
    for section, framework in sections.items():
        expected = [name for name in FRAMEWORK_SCHEMES if name.startswith(f"{framework}.")]
        assert sorted(f"`{name}`" for name in expected) == sorted(row[1] for row in table(section))


@pytest.mark.parametrize("scheme", ROWS)
def test_the_name_is_that_of_the_framework(scheme: str) -> None:
    framework, _, name = scheme.partition(".")
    theirs = ROWS[scheme][0]
    assert theirs.startswith(f"{framework}.")
    bare = theirs.rpartition(".")[2].removesuffix("_")
    assert bare.lower() == (name.replace("_", "") if framework == "keras" else name)


def test_what_is_not_offered_has_a_reason() -> None:
    assert all(len(why) > 20 for why in not_offered().values())


@pytest.mark.parametrize("scheme", ROWS)
def test_each_argument_of_the_framework_is_in_the_page(scheme: str) -> None:
    here, nowhere = words(scheme), without_counterpart(scheme)
    assert not nowhere & set(here)
    assert nowhere | set(here) == arguments_of(ROWS[scheme][0])
    info, _ = FRAMEWORK_SCHEMES[scheme]
    assert set(here.values()) <= {p.name for p in info.parameters} | {"groups"}


def test_the_names_that_mean_several_things_are_listed() -> None:
    columns = ("", "torch.", "keras.", "jax.", "timm.")
    ours = {info.name for info in weightinit.info().catalogue}
    ours |= {alias for info in weightinit.info().catalogue for alias in info.aliases}
    known = {*FRAMEWORK_SCHEMES, *ours}
    expected = []
    for name in sorted({scheme.rpartition(".")[2] for scheme in known}):
        cells = [meaning(c + name) if c + name in known else "" for c in columns]
        if len({cell for cell in cells if cell}) > 1:
            expected.append([f"`{name}`", *cells])
    assert sorted(table("One name, several meanings")) == expected


@pytest.mark.parametrize("info", weightinit.info().catalogue, ids=lambda info: info.name)
def test_a_bare_alias_is_what_all_frameworks_call_so(info: Any) -> None:
    for alias in info.aliases:
        ours = meaning(alias)
        theirs = [name for name in FRAMEWORK_SCHEMES if name.endswith(f".{alias}")]
        assert theirs
        assert {meaning(name) for name in theirs} == {ours}
        described = [weightinit.describe((400, 300), scheme=name) for name in [alias, *theirs]]
        assert len({(d.mean, d.stddev, d.low, d.high) for d in described}) == 1


# Distributions.

_MATRIX = {"torch": (400, 300), "keras": (300, 400), "jax": (300, 400), "timm": (400, 300)}
_KERNEL = dict.fromkeys(("torch", "timm"), (64, 40, 5, 3))
_KERNEL |= dict.fromkeys(("keras", "jax"), (5, 3, 40, 64))
_SHAPES = {
    "torch.eye": [(40, 30), (30, 40)],
    "torch.dirac": [(12, 8, 3), (8, 12, 3, 4), (4, 4, 3, 2, 5)],
    "torch.orthogonal": [(200, 160), (160, 200), (40, 90, 3, 3)],
    "keras.orthogonal": [(200, 160), (160, 200), (3, 3, 90, 40)],
    "keras.identity": [(40, 30), (30, 40)],
    "jax.orthogonal": [(200, 160), (160, 200), (3, 3, 90, 40)],
    "jax.delta_orthogonal": [(3, 20, 30), (1, 3, 24, 24), (3, 1, 5, 8, 24)],
}
_REQUIRED: dict[str, dict[str, Any]] = {
    "torch.constant": {"val": 0.3},
    "torch.sparse": {"sparsity": 0.25},
    "jax.constant": {"value": 0.3},
    "jax.variance_scaling": {
        "scale": 3.0,
        "mode": "fan_out",
        "distribution": "truncated_normal",
    },
}
_GIVEN: list[tuple[str, dict[str, Any]]] = [
    ("torch.uniform", {"a": -2.0, "b": 3.0}),
    ("torch.normal", {"mean": 0.5, "std": 0.02}),
    ("torch.trunc_normal", {"std": 0.02, "a": -0.05, "b": 0.05}),
    ("torch.trunc_normal", {"mean": 1.0, "std": 0.5, "a": 0.25, "b": 2.25}),
    ("torch.xavier_uniform", {"gain": 1.5}),
    ("torch.xavier_normal", {"gain": 1.5}),
    ("torch.kaiming_uniform", {"a": math.sqrt(5)}),
    ("torch.kaiming_uniform", {"mode": "fan_out"}),
    ("torch.kaiming_normal", {"a": 0.5, "mode": "fan_out"}),
    ("torch.dirac", {"groups": 2}),
    ("torch.orthogonal", {"gain": 2.0}),
    ("torch.sparse", {"sparsity": 0.123, "std": 1.0}),
    ("keras.constant", {"value": 0.3}),
    ("keras.random_uniform", {"minval": -1.0, "maxval": 0.5}),
    ("keras.random_normal", {"mean": 0.2, "stddev": 0.5}),
    ("keras.truncated_normal", {"mean": 0.2, "stddev": 0.5}),
    ("keras.variance_scaling", {"scale": 3.0, "mode": "fan_out", "distribution": "uniform"}),
    ("keras.variance_scaling", {"mode": "fan_avg", "distribution": "normal"}),
    ("keras.variance_scaling", {"distribution": "untruncated_normal"}),
    ("keras.identity", {"gain": 2.0}),
    ("keras.orthogonal", {"gain": 2.0}),
    ("jax.uniform", {"scale": 0.5}),
    ("jax.normal", {"stddev": 0.5}),
    ("jax.truncated_normal", {"stddev": 0.5}),
    ("jax.truncated_normal", {"stddev": 0.5, "lower": -1.0, "upper": 2.5}),
    ("jax.variance_scaling", {"scale": 0.5, "mode": "fan_geo_avg", "distribution": "normal"}),
    ("jax.variance_scaling", {"scale": 2.0, "mode": "fan_avg", "distribution": "uniform"}),
    ("jax.orthogonal", {"scale": 2.0}),
    ("jax.delta_orthogonal", {"scale": 2.0}),
    ("timm.trunc_normal", {"std": 0.02, "a": -0.05, "b": 0.05}),
    ("timm.trunc_normal", {"mean": 1.0, "std": 0.5, "a": 0.25, "b": 2.25}),
    ("timm.trunc_normal_tf", {"mean": 1.0, "std": 0.5, "a": -1.0, "b": 2.5}),
    ("timm.variance_scaling", {"scale": 3.0, "mode": "fan_out", "distribution": "uniform"}),
    ("timm.variance_scaling", {"mode": "fan_avg", "distribution": "truncated_normal"}),
]
_CASES = [(scheme, _REQUIRED.get(scheme, {})) for scheme in ROWS]
_CASES += [(scheme, given) for scheme, given in _GIVEN if scheme in ROWS]


def _shapes(scheme: str) -> list[tuple[int, ...]]:
    framework = scheme.partition(".")[0]
    if scheme in _SHAPES:
        return _SHAPES[scheme]
    fans = weightinit.describe((3, 2), **request(scheme, _REQUIRED.get(scheme, {}))).gain
    return [_MATRIX[framework]] + [_KERNEL[framework]] * (fans is not None)


def test_each_argument_and_value_of_the_page_is_tried() -> None:
    tried = {(scheme, argument) for scheme, given in _CASES for argument in given}
    assert tried == {(scheme, argument) for scheme in ROWS for argument in words(scheme)}
    values = {(scheme, *item) for scheme, given in _CASES for item in given.items()}
    assert values >= set(VALUES)


def _is_orthogonal(array: Any, gain: float, layout: str) -> bool:
    """Whether the vectors along the shorter side are orthogonal, of the length `gain`."""
    rows, columns = (len(array), -1) if layout == "out_in" else (-1, array.shape[-1])
    matrix = array.reshape(rows, columns).astype(np.float64)
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.T
    return bool(np.abs(matrix @ matrix.T - gain**2 * np.eye(len(matrix))).max() < 1e-5 * gain**2)


def _check_moments(sample: Any, mean: float, stddev: float) -> None:
    """Within five standard errors, those of the sample's own fourth moment."""
    deviations = sample - sample.mean()
    kurtosis = (deviations**4).mean() / (deviations**2).mean() ** 2
    error = math.sqrt((kurtosis - 1) / 4 / sample.size)
    assert sample.mean() == pytest.approx(mean, abs=5 * stddev / math.sqrt(sample.size))
    assert sample.std() == pytest.approx(stddev, rel=5 * error)


def _check_range(sample: Any, told: weightinit.Description) -> None:
    """The sample fills its range; if it has none it exceeds what is commonly cut off."""
    if told.low is None or told.high is None:
        assert told.low is None
        assert told.high is None
        assert told.distribution == "normal"
        beyond = 3.5 * told.parameters["stddev"]
        assert sample.min() < told.mean - beyond
        assert sample.max() > told.mean + beyond
        return
    width = told.high - told.low
    assert told.low - 1e-6 * width <= sample.min() <= told.low + 0.01 * width
    assert told.high - 0.01 * width <= sample.max() <= told.high + 1e-6 * width


@pytest.mark.parametrize(
    ("scheme", "shape", "given"),
    [(scheme, shape, given) for scheme, given in _CASES for shape in _shapes(scheme)],
)
def test_the_description_is_that_of_what_the_framework_makes(
    scheme: str, shape: tuple[int, ...], given: dict[str, Any]
) -> None:
    arguments = request(scheme, given)
    theirs, ours = make(scheme, shape, given), weightinit.tensor(shape, **arguments)
    told = weightinit.describe(shape, **arguments)
    assert theirs.dtype == ours.dtype == np.float32
    if told.scheme in ("zeros", "ones", "constant", "identity", "dirac"):
        assert np.array_equal(theirs, ours)
        assert (told.low, told.high) == pytest.approx((theirs.min(), theirs.max()))
        return
    if told.scheme == "delta_orthogonal":
        centre = tuple(size // 2 for size in shape[:-2])
        for array in (theirs, ours):
            assert _is_orthogonal(array[centre], told.gain, told.layout)
            assert np.count_nonzero(array) == array[centre].size
        return
    _check_moments(theirs.astype(np.float64).ravel(), told.mean, told.stddev)
    if told.scheme == "orthogonal":
        assert _is_orthogonal(theirs, told.gain, told.layout)
        assert _is_orthogonal(ours, told.gain, told.layout)
    else:
        _check_range(theirs, told)
    if told.scheme == "sparse":
        for array in (theirs, ours):
            assert ((array == 0).sum(axis=0) == told.zeros_per_column).all()
        theirs, ours = theirs[theirs != 0], ours[ours != 0]
    assert_same_distribution(ours, theirs)


@pytest.mark.parametrize("scheme", ROWS)
def test_an_activation_changes_no_initializer_but_those_with_a_slope(scheme: str) -> None:
    shape, arguments = _shapes(scheme)[0], request(scheme, _REQUIRED.get(scheme, {}))

    def described(**more: Any) -> tuple[Any, ...]:
        told = weightinit.describe(shape, **arguments, **more)
        return told.mean, told.stddev, told.low, told.high

    assert described(activation="relu") == described()
    if "negative_slope" in words(scheme).values():
        assert described(activation="prelu") != described()
        assert described(activation="prelu", negative_slope=0) == described()
    else:
        assert described(activation="prelu") == described()


@pytest.mark.parametrize(
    ("nonlinearity", "scale"),
    [("linear", "1"), ("sigmoid", "1"), ("conv2d", "1"), ("tanh", "25/9"), ("selu", "9/16")],
)
def test_other_nonlinearities_are_a_scale(nonlinearity: str, scale: str) -> None:
    assert nonlinearity == "conv2d" or f"{scale} for `{nonlinearity}`" in PAGE or scale == "1"
    numerator, _, denominator = scale.partition("/")
    number = int(numerator) / int(denominator or 1)
    for distribution in ("uniform", "normal"):
        told = weightinit.describe(
            (400, 300), scheme="variance_scaling", scale=number, distribution=distribution
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            fill = getattr(torch.nn.init, f"kaiming_{distribution}_")
            theirs = fill(torch.empty(400, 300), nonlinearity=nonlinearity).double().numpy()
        _check_moments(theirs.ravel(), told.mean, told.stddev)
        _check_range(theirs, told)
