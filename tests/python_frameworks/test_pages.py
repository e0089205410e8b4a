"""docs/frameworks.md, docs/parity.md, snippets and doctests that need a framework, as they are."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import doctest
import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightinit

# Keras' own.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]


def run_page(path: Path, needs: str = "") -> dict[str, Any]:
    """Runs the snippets of a page, one after the other, that match `needs`."""
    snippets = re.findall(r"^```python\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)
    snippets = [snippet for snippet in snippets if re.search(needs, snippet)]
    assert snippets
    names: dict[str, Any] = {"__name__": "page"}
    for snippet in snippets:
        exec(compile(snippet, str(path), "exec"), names)
    return names


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What docs/frameworks.md has defined, whose snippets compare outputs themselves."""
    return run_page(ROOT / "docs" / "frameworks.md")


@pytest.mark.parametrize(("name", "layers"), [("mlp", ["fc1", "fc2"]), ("cnn", ["conv1", "fc1"])])
def test_the_models_of_the_page_have_the_same_weights(
    page: dict[str, Any], name: str, layers: list[str]
) -> None:
    parameters = dict(page[f"torch_{name}"].named_parameters())
    of_keras = page[f"keras_{name}"].get_weights()
    assert len(of_keras) == len(parameters) == 2 * len(layers)
    for i, layer in enumerate(layers):
        weight = parameters[f"{layer}.weight"].detach().numpy()
        of_flax = np.asarray(page[f"flax_{name}"]["params"][layer]["kernel"])
        transposed = weight.transpose(*range(2, weight.ndim), 1, 0)
        assert np.array_equal(of_flax, transposed)
        assert np.array_equal(of_keras[2 * i], transposed)
        assert weight.std() > 0
        assert not parameters[f"{layer}.bias"].any()
        assert not of_keras[2 * i + 1].any()
        assert not np.any(page[f"flax_{name}"]["params"][layer]["bias"])


def test_the_snippet_of_the_page_about_initializers_runs() -> None:
    names = run_page(ROOT / "docs" / "parity.md")
    bound = 2 * (2 / 576) ** 0.5 / 0.8796
    assert 0.99 * bound < np.abs(names["kernel"]).max() < 1.001 * bound
    assert 0.0399 < np.abs(names["weight"]).max() <= 0.04


@pytest.mark.parametrize("framework", ["torch", "jax|keras"])
def test_the_snippets_of_the_packages_page_run(framework: str) -> None:
    run_page(ROOT / "client" / "python" / "README.md", rf"weightinit\.({framework})\b")


@pytest.mark.parametrize("name", ["jax", "keras", "_jax_params", "torch._presets"])
def test_the_examples_of_the_documentation_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"weightinit.{name}"))
    assert result.failed == 0
    assert result.attempted >= 2


def test_the_modules_for_frameworks_are_imported_when_they_are_used() -> None:
    assert weightinit.jax.he_normal is importlib.import_module("weightinit.jax").he_normal
    assert weightinit.keras.Initializer.__module__ == "weightinit.keras"
