"""The schemes in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weightinit import _messages as messages


def parameters_of(parameters: Any) -> dict[str, float | str]:
    """What is set, enums by their names."""
    return {
        field.name: messages.name_of(field.enum_type.name, value) if field.enum_type else value
        for field, value in parameters.ListFields()
    }


@dataclass(frozen=True)
class SchemeParameter:
    """A parameter that a scheme takes.

    Attributes:
        name: As an argument of :func:`weightinit.tensor`.
        default: "1", "in", "that of the activation"; None: it is required.
        range: "above 0", "any" number that is finite; "" for a choice.
        choices: The names that it may have; none for a number.
        what: What it means.
    """

    name: str
    default: str | None
    range: str
    choices: tuple[str, ...]
    what: str


@dataclass(frozen=True)
class FrameworkScheme:
    """An initializer of a framework, by its own name and with its own defaults.

    Attributes:
        name: For `scheme`, for example "keras.glorot_normal".
        defaults: What the parameters of the scheme are unless they are given.
        absolute_bounds: Whether low and high are in units of the value.
    """

    name: str
    defaults: Mapping[str, float | str]
    absolute_bounds: bool


@dataclass(frozen=True)
class SchemeInfo:
    """A scheme, for those who choose one.

    Attributes:
        name: For `scheme`.
        aliases: Other names that mean the same.
        formula: What the values are.
        source: The paper or framework that it is from, or "".
        tensors: Those that it is for: "any", or their ranks.
        all_slices_are_cheap: Whether any slice costs no more than its share of the tensor.
        cheap_slices: The slices that do.
        parameters: Those that it takes.
        framework_schemes: The initializers of frameworks that are this scheme.
    """

    name: str
    aliases: tuple[str, ...]
    formula: str
    source: str
    tensors: str
    all_slices_are_cheap: bool
    cheap_slices: str
    parameters: tuple[SchemeParameter, ...]
    framework_schemes: tuple[FrameworkScheme, ...]

    @classmethod
    def _of(cls, message: Any) -> SchemeInfo:
        return cls(
            name=message.name,
            aliases=tuple(message.aliases),
            formula=message.formula,
            source=message.source,
            tensors=message.tensors,
            all_slices_are_cheap=message.all_slices_are_cheap,
            cheap_slices=message.cheap_slices,
            parameters=tuple(
                SchemeParameter(
                    name=parameter.name,
                    default=parameter.default_value or None,
                    range=parameter.range,
                    choices=tuple(parameter.choices),
                    what=parameter.what,
                )
                for parameter in message.parameters
            ),
            framework_schemes=tuple(
                FrameworkScheme(
                    name=scheme.name,
                    defaults=parameters_of(scheme.defaults),
                    absolute_bounds=scheme.absolute_bounds,
                )
                for scheme in message.framework_schemes
            ),
        )
