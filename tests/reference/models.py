"""Whole models: expressions, tensors of parts, and the fingerprint of a model.

Written from those sections of core/DETERMINISM.md and from proto/weightinit/v1/model.proto and tensor.proto; from
nothing of the implementation. A model is a dict with the fields of ModelSpec, of which `constants` and `entries` are
read; an entry is a tensor or an alias, with repetitions. Enum values are strings in lower case, as in
weightinit_reference.py. Valid models only; of expressions everything is checked.
"""

import hashlib
import itertools
import math
import re
import struct
from typing import NamedTuple

import matrices
import numpy as np
import schemes
import weightinit_reference as reference

GENERATOR = 1
DTYPES = {"float32": 1, "float64": 2, "float16": 3, "bfloat16": 4}
LAYOUTS = {"out_in": 1, "in_out": 2}
DISTRIBUTIONS = {"constant": 1, "uniform": 2, "normal": 3, "truncated_normal": 4}
MATRICES = {"identity": 16, "dirac": 17, "orthogonal": 18, "delta_orthogonal": 19}
FUNCTIONS = {"log_of_uniform": 21, "inverse_softplus": 22}

# --- Expressions

_SYMBOL = re.compile(r"""
    (?P<number> (?: [0-9]+ (?: \. [0-9]* )? | \. [0-9]+ ) (?: [eE] [+-]? [0-9]+ )? )
  | (?P<name>   [A-Za-z_] [A-Za-z_0-9]* )
  | (?P<sign>   [-+*/()] )
""", re.VERBOSE)
_END = ("end", "")


class ExpressionError(Exception):
    """A text that is no expression, or one that has no finite value."""


def _symbols(text):
    position = 0
    while position < len(text):
        if text[position] == " ":
            position += 1
            continue
        match = _SYMBOL.match(text, position)
        if not match:
            raise ExpressionError(f"{text!r}: no symbol at {position}")
        yield match.lastgroup, match.group()
        position = match.end()
    yield _END


class _Evaluator:
    """One function for each rule of the grammar, under the rule's name."""

    def __init__(self, text, names):
        self._names = names
        self._rest = list(_symbols(text))

    def value(self):
        value = self._expression()
        if self._rest != [_END]:
            raise ExpressionError(f"{self._rest[0][1]!r} behind the end")
        return value

    def _next(self, *texts):
        """The text of the next symbol, which is passed, if it is one of these."""
        if self._rest[0][1] in texts:
            return self._rest.pop(0)[1]
        return None

    def _require(self, text):
        if not self._next(text):
            raise ExpressionError(f"{text!r} is missing")

    def _expression(self):
        value = self._product()
        while operator := self._next("+", "-"):
            other = self._product()
            value = _finite(value + other if operator == "+" else value - other)
        return value

    def _product(self):
        value = self._factor()
        while operator := self._next("*", "/"):
            other = self._factor()
            if operator == "/" and other == 0:
                raise ExpressionError("division by 0")
            value = _finite(value * other if operator == "*" else value / other)
        return value

    def _factor(self):
        sign = self._next("+", "-")
        value = self._unsigned()
        return -value if sign == "-" else value

    def _unsigned(self):
        if self._next("("):
            value = self._expression()
            self._require(")")
            return value
        kind, text = self._rest.pop(0)
        if kind == "number":
            return _finite(float(text))
        if kind != "name":
            raise ExpressionError(f"{text!r} in place of a factor")
        if text == "sqrt":
            self._require("(")
            value = self._expression()
            self._require(")")
            if value < 0:
                raise ExpressionError("square root of a negative number")
            return math.sqrt(value)
        if text not in self._names:
            raise ExpressionError(f"{text!r} is not known")
        return float(self._names[text])


def _finite(value):
    if not math.isfinite(value):
        raise ExpressionError("not finite")
    return value


def evaluate(text, names=None):
    """The value of an expression; `names` has the indices and the constants."""
    return _Evaluator(text, names or {}).value()


# --- Tensors


class Elementwise(NamedTuple):
    """A tensor with draws of its own, and all that decides them."""
    name: str
    shape: list
    dtype: str
    layout: str
    scheme: str  # or None, as the activation
    activation: str
    parameters: dict
    fan: dict


class OfParts(NamedTuple):
    name: str
    shape: list
    dtype: str
    layout: str
    axis: int
    stacked: bool
    parts: list


class Alias(NamedTuple):
    name: str
    target: str


def tensors(model):
    """The tensors and aliases of a model, resolved, in its order."""
    return [tensor for entry in model["entries"] for tensor in _tensors_of_entry(entry, model.get("constants", {}))]


def _tensors_of_entry(entry, constants):
    repeat = entry.get("repeat", [])
    ranges = [range(r.get("first", 0), r.get("first", 0) + r["count"]) for r in repeat]
    for numbers in itertools.product(*ranges):
        indices = dict(zip([r["index"] for r in repeat], numbers))
        name = _named(entry["name"], indices)
        if "alias" in entry:
            yield Alias(name, _named(entry["alias"], indices))
            continue
        tensor = entry["tensor"]
        parameters = dict(tensor.get("parameters", {}))
        for parameter, expression in tensor.get("expressions", {}).items():
            parameters[parameter] = evaluate(expression, {**constants, **indices})
        yield _resolved({**tensor, "name": name, "parameters": parameters}, tensor.get("shape", []),
                        tensor.get("dtype", "float32"), tensor.get("fan", {}).get("layout", "out_in"), indices)


def _named(name, indices):
    for index, number in indices.items():
        name = name.replace("{" + index + "}", str(number))
    return name


def _resolved(tensor, shape, dtype, layout, indices):
    """A tensor or a part as the tensor that it is."""
    scheme, activation, parameters = tensor.get("scheme"), tensor.get("activation"), tensor.get("parameters", {})
    concatenation = tensor.get("concatenation")
    if not concatenation:
        fan = {**tensor.get("fan", {}), "layout": layout}
        return Elementwise(tensor["name"], shape, dtype, layout, scheme, activation, parameters, fan)
    axis, stacked = concatenation.get("axis", 0), concatenation.get("stacked", False)
    parts = []
    for part in concatenation["parts"]:
        inherited = {**part, "name": _named(part["name"], indices), "activation": part.get("activation") or activation}
        if not part.get("scheme"):
            inherited.update(scheme=scheme, parameters={**parameters, **part.get("parameters", {})})
        middle = [] if stacked else [part.get("size", 0)]
        parts.append(_resolved(inherited, shape[:axis] + middle + shape[axis + 1 :], dtype, layout, indices))
    return OfParts(tensor["name"], shape, dtype, layout, axis, stacked, parts)


def values(tensor, seed):
    """The elements of a tensor that is no alias, as weightinit_reference.tensor returns them."""
    if isinstance(tensor, Elementwise):
        return reference.tensor(tensor.name, tensor.shape, seed=seed, scheme=tensor.scheme, dtype=tensor.dtype,
                                activation=tensor.activation, parameters=tensor.parameters, fan=tensor.fan)
    join = np.stack if tensor.stacked else np.concatenate
    return join([values(part, seed) for part in tensor.parts], axis=tensor.axis)


def payload(tensor, seed):
    """The little-endian bytes of a tensor that is no alias."""
    elements = np.ascontiguousarray(values(tensor, seed))
    return elements.astype(elements.dtype.newbyteorder("<")).tobytes()


# --- Fingerprint of a model


def _integers(*numbers):
    return b"".join(struct.pack("<Q", number) for number in numbers)


def _text(text):
    encoded = text.encode("utf-8")
    return _integers(len(encoded)) + encoded


def _distribution(tensor):
    d = schemes.distribution(tensor.shape, tensor.scheme, tensor.activation, tensor.parameters, tensor.fan)
    mean = d.mean if d.kind != "uniform" else 0.0
    stddev = d.stddev if d.kind in ("normal", "truncated_normal") else 0.0
    low, high = (d.low, d.high) if d.kind in ("uniform", "truncated_normal") else (0.0, 0.0)
    return _integers(DISTRIBUTIONS[d.kind]) + struct.pack("<4d", mean, stddev, low, high)


def message(tensor, seed):
    """The bytes that stand for a tensor, an alias or a part."""
    if isinstance(tensor, Alias):
        return _integers(2) + _text(tensor.name) + _text(tensor.target)
    common = (_text(tensor.name) + _integers(len(tensor.shape), *tensor.shape)
              + _integers(DTYPES[tensor.dtype], LAYOUTS[tensor.layout]))
    if isinstance(tensor, Elementwise) and tensor.scheme in MATRICES:
        groups = tensor.fan.get("groups") or 1 if tensor.scheme == "dirac" else 1
        gain = tensor.parameters.get("gain", 1.0)
        return _integers(3) + common + _integers(MATRICES[tensor.scheme], groups) + struct.pack("<d", gain)
    if isinstance(tensor, Elementwise):
        drawn = common + _integers(*reference.stream_key(seed, tensor.name)) + _distribution(tensor)
        if tensor.scheme in FUNCTIONS:
            return _integers(5) + common + _integers(FUNCTIONS[tensor.scheme]) + drawn.removeprefix(common)
        if tensor.scheme != "sparse":
            return _integers(0) + drawn
        first, _ = matrices.dimensions(tensor.shape, tensor.layout)
        return _integers(4) + drawn + _integers(matrices.zeros_of_a_column(first, tensor.parameters["sparsity"]))
    parts = b"".join(message(part, seed) for part in tensor.parts)
    return _integers(1) + common + _integers(tensor.axis, tensor.stacked, len(tensor.parts)) + parts


def fingerprint(resolved, seed):
    """The fingerprint, 32 bytes, of a model with these tensors and aliases."""
    digests = sorted(hashlib.sha256(b"weightinit.tensor.v1\0" + message(t, seed)).digest() for t in resolved)
    return hashlib.sha256(
        b"weightinit.model.v1\0" + _integers(GENERATOR, seed, len(digests)) + b"".join(digests)).digest()
