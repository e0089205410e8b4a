"""docs/parity.md as tables, the initializers of the installed frameworks, and calls of both."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np
import timm.layers
import torch
from jax_support import KEY

import weightinit

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "parity.md").read_text(encoding="utf-8")

# What a request has in its own way.
_COMMON = {"tensor", "generator", "seed", "key", "shape", "dtype", "out_sharding"}

FRAMEWORK_SCHEMES = {
    scheme.name: (info, scheme)
    for info in weightinit.info().catalogue
    for scheme in info.framework_schemes
}


def table(section: str) -> list[list[str]]:
    """The cells of the rows of a section's table, without its head."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]]
        for row in re.findall(r"^\|.*\|$", text, re.M)
    ]
    assert len(rows) > 2, section
    return rows[2:]


def names(cell: str) -> list[str]:
    """What a cell has in backquotes."""
    return re.findall(r"`([^`]*)`", cell)


# By the name for `scheme`: the framework's name, what it is, and argument to ours.
ROWS = {
    names(scheme)[0]: (names(initializer)[0], what, arguments)
    for section in ("PyTorch", "Keras", "JAX", "timm")
    for initializer, scheme, what, arguments in table(section)
}


def words(scheme: str) -> dict[str, str]:
    """The framework's arguments by what they are called here."""
    pairs = [names(part) for part in ROWS[scheme][2].split(",") if part]
    return {pair[0]: pair[-1] for pair in pairs}


def without_counterpart(scheme: str) -> set[str]:
    """The framework's arguments that have no name here."""
    return {
        argument
        for arguments, schemes, _ in table("Arguments with no counterpart")
        for argument in names(arguments)
        if scheme in names(schemes)
    }


def not_offered() -> dict[str, str]:
    """Initializers by their frameworks' names, and why they are not offered."""
    return {name: why for cell, why in table("Not offered") for name in names(cell)}


# (scheme, argument, value) to the value here.
VALUES = {
    (scheme, names(argument)[0], names(value)[0]): names(here)[0]
    for argument, schemes, value, here in table("Values with other names")
    for scheme in names(schemes)
}


def _of_torch() -> dict[str, Callable[..., Any]]:
    functions = {n: f for n, f in vars(torch.nn.init).items() if inspect.isfunction(f)}
    return {
        f"torch.nn.init.{name}": function
        for name, function in functions.items()
        if name[0] != "_" and (name.endswith("_") or f"{name}_" in functions)
    }


def _of_keras() -> dict[str, Callable[..., Any]]:
    """Each class by the shortest of its names that are written as classes."""
    found: dict[str, Callable[..., Any]] = {}
    taken = {keras.initializers.Initializer}
    for name, value in sorted(vars(keras.initializers).items(), key=lambda item: len(item[0])):
        if inspect.isclass(value) and name[0].isupper() and value not in taken:
            taken.add(value)
            found[f"keras.initializers.{name}"] = value
    return found


def _of_jax() -> dict[str, Callable[..., Any]]:
    return {
        f"jax.nn.initializers.{name}": function
        for name, function in vars(jax.nn.initializers).items()
        if name[0] != "_" and name.islower() and callable(function)
    }


def _of_timm() -> dict[str, Callable[..., Any]]:
    return {
        f"timm.layers.{name}": function
        for name, function in vars(timm.layers).items()
        if getattr(function, "__module__", "") == "timm.layers.weight_init"
        and (name.endswith("_") or name.startswith("init"))
    }


# All that the installed frameworks have.
INITIALIZERS = _of_torch() | _of_keras() | _of_jax() | _of_timm()


def arguments_of(initializer: str) -> set[str]:
    """The names of a framework's initializer's own arguments."""
    return set(inspect.signature(INITIALIZERS[initializer]).parameters) - _COMMON


def make(scheme: str, shape: tuple[int, ...], arguments: Mapping[str, Any]) -> Any:
    """The framework's float32 tensor, always from the same seed."""
    function = INITIALIZERS[ROWS[scheme][0]]
    framework = scheme.partition(".")[0]
    if framework == "keras":
        seed = {"seed": 1} if "seed" in inspect.signature(function).parameters else {}
        return np.asarray(function(**seed, **arguments)(shape, dtype="float32"))
    if framework == "jax":
        if "key" not in inspect.signature(function).parameters:
            function = function(**arguments)
        return np.asarray(function(KEY, shape, "float32"))
    tensor = torch.empty(shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        function(tensor, **arguments)
    return tensor.numpy()


def request(scheme: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of weightinit.tensor for those of a framework's initializer."""
    of_framework = words(scheme)
    layout = "in_out" if scheme.startswith(("keras.", "jax.")) else "out_in"
    return {"scheme": scheme, "layout": layout, "name": "w", "seed": 1} | {
        of_framework[argument]: VALUES.get((scheme, argument, value), value)
        for argument, value in arguments.items()
    }


def what_it_is(scheme: str) -> str:
    """The cell of the table for a name of the catalogue."""
    info, found = FRAMEWORK_SCHEMES[scheme]
    cells = [f"`{info.name}`"]
    for parameter, value in found.defaults.items():
        text = f"`{value}`" if isinstance(value, str) else f"{value:g}".replace("-", "\u2212")
        cells.append(f"`{parameter}` {text}")
    return ", ".join(cells + ["bounds in units of the value"] * found.absolute_bounds)


def meaning(scheme: str) -> str:
    """What distinguishes a scheme without arguments from others of its name."""
    try:
        found = weightinit.describe((400, 300), scheme=scheme)
    except weightinit.InvalidArgument as error:
        return f"`{error.violations[0].field}` is required"
    if found.scheme == "constant":
        return f"`value` {found.mean:g}"
    if found.scheme == "uniform":
        return f"`low` {found.low:g}, `high` {found.high:g}"
    if found.scheme in ("normal", "truncated_normal"):
        bounds = "" if found.low is None else f", from {found.low:g} to {found.high:g}"
        return f"`stddev` {found.parameters['stddev']:g}{bounds}".replace("-", "\u2212")
    return f"`{found.distribution or found.scheme}`"
