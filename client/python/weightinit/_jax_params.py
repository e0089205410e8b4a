"""Trees of parameters for JAX: names and schemes from the paths of leaves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from weightinit import _messages as messages
from weightinit._default import default_source
from weightinit._errors import invalid, invalid_type
from weightinit._requests import integer, shape_of, text
from weightinit._rules import Rules, matches, rules_of

if TYPE_CHECKING:
    from weightinit._arrays import Array
    from weightinit._source import Source

_Ranges = tuple[slice, ...]
_Dense = Mapping[str, tuple[int, int]]

# The kernels of Flax's attention, of shapes (features, heads, features of a head) and, of "out",
# (heads, features of a head, features): the numbers of dimensions that stack and are inputs.
_ATTENTION = {"query": (0, 1), "key": (0, 1), "value": (0, 1), "out": (0, 2)}
_CONSTANTS = {
    "bias": "SCHEME_ZEROS",
    "scale": "SCHEME_ONES",
    "mean": "SCHEME_ZEROS",
    "var": "SCHEME_ONES",
}
_KNOWN = ("kernel", "embedding", *_CONSTANTS)


def sharded(
    shape: tuple[int, ...], sharding: jax.sharding.Sharding, make: Callable[[_Ranges], Array]
) -> Any:
    """A sharded array, each different part of which `make` makes once."""
    made: dict[tuple[tuple[int, int], ...], Array] = {}

    def part(index: _Ranges) -> Array:
        bounds = tuple(axis.indices(size)[:2] for axis, size in zip(index, shape, strict=True))
        if bounds not in made:
            made[bounds] = make(tuple(slice(*bound) for bound in bounds))
        return made[bounds]

    return jax.make_array_from_callback(shape, sharding, part)


@dataclass(frozen=True)
class _Leaf:
    path: str  # Its keys, with dots between.
    name: str  # Of the tensor.
    shape: tuple[int, ...]
    dtype: str
    sharding: jax.sharding.Sharding | None
    # Of a kernel that is made as a matrix, or as a stack of them: the leading dimensions
    # that stack, and those that are inputs.
    dense: tuple[int, int] | None

    @property
    def kind(self) -> str:
        """Its last key."""
        return self.path.rsplit(".", 1)[-1]

    @property
    def apart(self) -> bool:
        """Whether it lies on several devices."""
        return self.sharding is not None and len(self.sharding.device_set) > 1

    @property
    def groups(self) -> list[range]:
        """The dimensions of the leaf that each dimension of the tensor stands for."""
        rank = len(self.shape)
        if self.dense is None:
            return [range(i, i + 1) for i in range(rank)]
        stacked, inputs = self.dense
        middle = stacked + inputs
        groups = [range(stacked), range(stacked, middle), range(middle, rank)]
        return groups if stacked else groups[1:]

    @property
    def tensor_shape(self) -> list[int]:
        return [math.prod(self.shape[i] for i in group) for group in self.groups]

    def entry(self, activation: str | None) -> dict[str, Any]:
        """Its entry of a manifest."""
        kind, shape = self.kind, self.tensor_shape
        tensor: dict[str, Any] = {"shape": shape, "dtype": f"DTYPE_{self.dtype.upper()}"}
        if kind in _CONSTANTS:
            tensor["scheme"] = _CONSTANTS[kind]
        elif kind == "embedding":
            # PyTorch's order: the frameworks agree on embeddings.
            tensor["scheme"] = "SCHEME_VARIANCE_SCALING"
            tensor["parameters"] = {"distribution": "DISTRIBUTION_NORMAL"}
            tensor["fan"] = {"layout": "LAYOUT_OUT_IN"}
        elif kind == "kernel" and activation is None:
            tensor["scheme"] = "SCHEME_VARIANCE_SCALING"
        if self.dense is not None and math.prod(shape) > 0:
            tensor["fan"] = {"fanIn": shape[-2], "fanOut": shape[-1]}
        if kind in ("mean", "var"):
            tensor["buffer"] = True
        return {"name": self.name, "tensor": tensor}

    def part(self, ranges: _Ranges, make: Callable[[_Ranges], Array]) -> Array:
        """A part of the leaf, from parts of the tensor."""
        box, inside = [], []
        for group in self.groups:
            sizes = [self.shape[i] for i in group]
            index = np.arange(math.prod(sizes)).reshape(sizes)[tuple(ranges[i] for i in group)]
            first, stop = (int(index.flat[0]), int(index.flat[-1]) + 1) if index.size else (0, 0)
            box.append(slice(first, stop))
            inside.append(index.reshape(-1) - first)
        shape = [part.stop - part.start for part in ranges]
        array = make(tuple(box))
        if self.dense is not None and array.size != math.prod(shape):
            array = array[np.ix_(*inside)]
        return array.reshape(shape)


def _path_of(path: tuple[Any, ...]) -> str:
    """The keys of a path, with dots between."""
    last = path[-1] if path else None
    if isinstance(last, jax.tree_util.GetAttrKey) and last.name == "value":
        path = path[:-1]  # Flax's boxes.
    if path and isinstance(path[0], jax.tree_util.DictKey) and path[0].key == "params":
        path = path[1:]
    return str(jax.tree_util.keystr(path, simple=True, separator="."))


def _is_shape(leaf: object) -> bool:
    return type(leaf) is tuple and all(type(size) is int for size in leaf)


def _dense_of(
    path: str, rank: int, dense: _Dense, paths: AbstractSet[str]
) -> tuple[int, int] | None:
    given = [pair for pattern, pair in dense.items() if matches(pattern, path)]
    if given:
        field = f"dense of {path!r}"
        try:
            stacked, inputs = given[-1]
        except (TypeError, ValueError):
            raise invalid_type(field, given[-1], "a pair of ints") from None
        stacked = integer(f"{field}[0]", stacked, 0, max(0, rank - 2))
        return stacked, integer(f"{field}[1]", inputs, 1, max(1, rank - stacked - 1))
    *parents, layer, _ = ("", "", *path.split("."))
    siblings = {".".join([*parents[2:], name, "kernel"]) for name in _ATTENTION}
    if rank == 3 and path in siblings and siblings <= paths:
        return _ATTENTION[layer]
    return None


def _leaf(path: str, leaf: Any, name: str, dense: _Dense, paths: AbstractSet[str]) -> _Leaf:
    sharding = None
    if _is_shape(leaf):
        shape, dtype = leaf, jax.numpy.result_type(float)
    elif hasattr(leaf, "shape") and hasattr(leaf, "dtype"):
        shape, dtype = leaf.shape, leaf.dtype
        if not isinstance(leaf, jax.core.Tracer):
            sharding = getattr(leaf, "sharding", None)
        if jax.dtypes.issubdtype(dtype, np.floating):
            dtype = jax.dtypes.canonicalize_dtype(dtype)
    else:
        raise invalid_type(f"shapes[{path!r}]", leaf, "a shape, or have shape and dtype")
    if messages.number_of("Dtype", str(dtype)) is None:
        allowed = ", ".join(messages.NUMBERS["Dtype"])
        raise invalid(f"shapes[{path!r}].dtype", f"is {dtype}, it has to be one of {allowed}")
    sizes = tuple(shape_of(shape))
    return _Leaf(path, name, sizes, str(dtype), sharding, _dense_of(path, len(sizes), dense, paths))


def _leaves(
    shapes: Any, rename: Callable[[str], str] | None, dense: _Dense | None
) -> tuple[list[_Leaf], Any]:
    """The leaves of a tree, and its structure."""
    flat, structure = jax.tree_util.tree_flatten_with_path(shapes, is_leaf=_is_shape)
    paths = [_path_of(path) for path, _ in flat]
    names = paths if rename is None else [text("rename", rename(path)) for path in paths]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise invalid("shapes", f"has {twice[0]!r} twice, names of leaves have to be different")
    known = set(paths)
    return [
        _leaf(path, leaf, name, dense or {}, known)
        for path, name, (_, leaf) in zip(paths, names, flat, strict=True)
    ], structure


def _manifest(
    leaves: Sequence[_Leaf], activation: str | None, rules: Rules | None
) -> dict[str, Any]:
    defaults = {"layout": "LAYOUT_IN_OUT"}
    if activation is not None:
        if messages.number_of("Activation", text("activation", activation)) is None:
            allowed = ", ".join(messages.NUMBERS["Activation"])
            raise invalid("activation", f"is {activation!r}, it has to be one of {allowed}")
        defaults["activation"] = f"ACTIVATION_{activation.upper()}"
    made = rules_of(rules)
    for leaf in leaves:
        if leaf.kind not in _KNOWN and not any(
            "scheme" in rule and matches(rule["match"], leaf.name) for rule in made
        ):
            told = f"is none of {', '.join(_KNOWN)}, so it needs a rule with a scheme"
            raise invalid(f"shapes[{leaf.path!r}]", told)
    return {
        "version": 1,
        "defaults": defaults,
        "entries": [leaf.entry(activation) for leaf in leaves],
        "rules": made,
    }


def manifest_of(
    shapes: Any,
    *,
    activation: str | None = None,
    rules: Rules | None = None,
    rename: Callable[[str], str] | None = None,
    dense: _Dense | None = None,
) -> dict[str, Any]:
    """The manifest of the model that `init_params` makes of the same arguments.

    >>> manifest_of({"Dense_0": {"bias": (3,)}})["entries"][0]["name"]
    'Dense_0.bias'
    """
    return _manifest(_leaves(shapes, rename, dense)[0], activation, rules)


def init_params(
    shapes: Any,
    *,
    seed: int = 0,
    seed_name: str | None = None,
    activation: str | None = None,
    rules: Rules | None = None,
    rename: Callable[[str], str] | None = None,
    dense: _Dense | None = None,
    source: Source | None = None,
) -> Any:
    """Makes all parameters of a model by one request.

    The name of a tensor is the path of its leaf, with dots between the keys, for example
    ``Dense_0.kernel``; a first key ``params`` and Flax's last ``.value`` are left out. The last
    key says what the tensor is:

    - ``kernel``: the scheme of `activation`, or lecun_normal of JAX, the default of Flax, if
      none is given; layout "in_out";
    - ``embedding``: normal with the variance 1 / features, the default of Flax; its rows are
      those of PyTorch's order;
    - ``scale``, ``var``: 1; ``bias``, ``mean``: 0;
    - any other: what a rule says, which has to have a scheme.

    Kernels of three or more dimensions are those of convolutions, but for ``query``, ``key``,
    ``value`` and ``out`` beside each other, which are attention's.

    Args:
        shapes: A tree of arrays, of ShapeDtypeStruct, or of tuples of ints, which get JAX's
            float; for example jax.eval_shape(model.init, key, x).
        seed: As of weightinit.model.
        seed_name: As of weightinit.model.
        activation: That follows the layers, for example "relu".
        rules: Changes by patterns of the names of tensors, in which "*" is any text and "?"
            one character, with a scheme or the fields of a manifest's rule; the last one that
            matches holds: {"*.kernel": {"scheme": "normal", "parameters": {"stddev": 0.02}}}.
            Or a manifest's rules as they are.
        rename: From the path of a leaf to the name of its tensor.
        dense: Patterns of paths of kernels that are matrices of several input or output
            dimensions, or stacks of matrices, with how many leading dimensions stack and how
            many are inputs: {"*.qkv.kernel": (0, 1)}. The last one that matches holds.
        source: Default: weightinit.default_source().

    Returns:
        The same tree, of jax.Array. A leaf with a sharding is sharded so; each part of it is
        asked for alone.

    Raises:
        InvalidArgument: An argument or a leaf is not allowed; ``violations`` says which.

    >>> params = init_params({"Dense_0": {"kernel": (64, 32), "bias": (32,)}}, seed=42)
    >>> params["Dense_0"]["kernel"].shape
    (64, 32)
    """
    leaves, structure = _leaves(shapes, rename, dense)
    source = default_source() if source is None else source
    seeds: dict[str, Any] = {"seed": seed, "seed_name": seed_name}
    together = [leaf for leaf in leaves if not leaf.apart]
    made: dict[str, Any] = {}
    if together:
        arrays = source.model(_manifest(together, activation, rules), **seeds)
        for leaf in together:
            array = arrays[leaf.name].reshape(leaf.shape)
            made[leaf.name] = jax.device_put(array, leaf.sharding)
    for leaf in leaves:
        if leaf.sharding is None or not leaf.apart:
            continue
        manifest = _manifest([leaf], activation, rules)

        def make(ranges: _Ranges, leaf: _Leaf = leaf, manifest: dict[str, Any] = manifest) -> Array:
            def ask(box: _Ranges) -> Array:
                return source.model(manifest, selections={"*": box}, **seeds)[leaf.name]

            return leaf.part(ranges, ask)

        made[leaf.name] = sharded(leaf.shape, leaf.sharding, make)
    return jax.tree_util.tree_unflatten(structure, [made[leaf.name] for leaf in leaves])
