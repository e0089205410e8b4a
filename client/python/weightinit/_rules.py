"""Rules: changes by patterns of names, as manifests have them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from weightinit._errors import invalid, invalid_type

# A pattern's scheme, or its fields; or the rules of a manifest as they are.
Rules = Mapping[str, str | Mapping[str, Any]] | Sequence[Mapping[str, Any]]
Rule = dict[str, Any]


def rules_of(rules: Rules | None) -> list[Rule]:
    """The rules of a manifest."""
    if rules is None:
        return []
    made: list[Rule] = []
    if isinstance(rules, Mapping):
        for match, fields in rules.items():
            if isinstance(fields, str):
                fields = {"scheme": fields}
            if not isinstance(fields, Mapping):
                raise invalid_type(f"rules[{match!r}]", fields, "a scheme's name or a mapping")
            made.append({"match": match, **fields})
    elif isinstance(rules, Sequence) and not isinstance(rules, (str, bytes)):
        for i, rule in enumerate(rules):
            if not isinstance(rule, Mapping):
                raise invalid_type(f"rules[{i}]", rule, "a mapping")
            made.append(dict(rule))
    else:
        raise invalid_type("rules", rules, "a mapping by patterns or a sequence of mappings")
    for i, rule in enumerate(made):
        if not isinstance(rule.get("match"), str):
            raise invalid(f"rules[{i}].match", "is missing, it has to be a pattern of names")
        if "dtype" in rule:
            raise invalid(f"rules[{i}].dtype", "is set; a tensor keeps the dtype that it has")
    return made


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern, in which "*" is any text and "?" one character, is of a name."""
    special = {"*": ".*", "?": "."}
    expression = "".join(special.get(c) or re.escape(c) for c in pattern)
    return re.fullmatch(expression, name, re.DOTALL) is not None


def decides(rules: list[Rule], name: str, dimensions: int) -> bool:
    """Whether rules say how a tensor is made of which nothing else is known."""
    return any(
        matches(rule["match"], name)
        and ("scheme" in rule or ("activation" in rule and dimensions > 1))
        for rule in rules
    )
