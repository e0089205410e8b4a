"""Manifests: models as paths, text or dicts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from weightinit import _framework_schemes as framework_schemes
from weightinit import _messages as messages
from weightinit._compiled import optional_core
from weightinit._errors import FailedPrecondition, NotFound, error_of, invalid, invalid_type

# A path; text of YAML or JSON, which has a line break or begins with "{"; or a dict.
Manifest = str | os.PathLike[str] | Mapping[str, Any]


def _read(manifest: str | os.PathLike[str]) -> tuple[str, str]:
    """The text and the name that errors call it by."""
    if isinstance(manifest, str) and ("\n" in manifest or manifest.lstrip().startswith("{")):
        return manifest, "manifest"
    path = os.fspath(manifest)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(), path
    except FileNotFoundError:
        raise NotFound(f"manifest: there is no file {path!r}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise invalid("manifest", f"{path!r} cannot be read: {error}") from None


_ENUMS = {
    "activation": "Activation",
    "distribution": "Distribution",
    "dtype": "Dtype",
    "fan_mode": "FanMode",
    "fanMode": "FanMode",
    "layout": "Layout",
    "role": "TensorRole",
    "scheme": "Scheme",
}


def _of_framework(node: dict[str, Any]) -> dict[str, Any]:
    """The node with what the scheme of a framework stands for, if it names one."""
    found = framework_schemes.find(node.get("scheme"))
    if found is None:
        return node
    computed = node.get("expressions") or {}
    if found.absolute_bounds and computed:
        raise invalid("manifest", f"{node['scheme']} can't have expressions; use truncated_normal")
    filled = found.fill(node.get("parameters") or {})
    parameters = {k: value for k, value in filled.items() if k not in computed}
    return {**node, "scheme": found.scheme, "parameters": parameters}


def _with_numbers(node: Any, key: str = "") -> Any:
    """A tree of JSON with the numbers of enums in place of their names in manifests."""
    if isinstance(node, dict):
        return {k: _with_numbers(value, k) for k, value in _of_framework(node).items()}
    if isinstance(node, list):
        return [_with_numbers(value) for value in node]
    if isinstance(node, str) and key in _ENUMS:
        number = messages.number_of(_ENUMS[key], node)
        return node if number is None else number
    return node


def model_of(manifest: Manifest) -> Any:
    """The ModelSpec of a manifest."""
    if isinstance(manifest, Mapping):
        import json

        try:
            text, name = json.dumps(manifest), "manifest.json"
        except (TypeError, ValueError) as error:
            raise invalid("manifest", f"cannot be written as JSON: {error}") from None
    elif isinstance(manifest, (str, os.PathLike)):
        text, name = _read(manifest)
    else:
        raise invalid_type("manifest", manifest, "a path, text or dict")
    core = optional_core()
    if core is not None:
        try:
            serialized = core.parse_manifest(text, name)
        except core.StatusError as error:
            code, message, _ = error.args
            raise error_of(code, message, [("model", message)]) from None
        return messages.ModelSpec.FromString(serialized)
    if not text.lstrip().startswith("{"):
        raise FailedPrecondition(
            "manifest: YAML needs weightinit._core, the compiled part of the package, which is "
            "not installed; JSON does without"
        )
    import json

    from google.protobuf import json_format

    try:
        tree = _with_numbers(json.loads(text))
        return json_format.ParseDict(tree, messages.ModelSpec(), descriptor_pool=messages.POOL)
    except (json.JSONDecodeError, json_format.ParseError) as error:
        raise invalid("manifest", str(error)) from None
