"""The presets that come along."""

from __future__ import annotations

from dataclasses import dataclass

from weightinit import _messages as messages
from weightinit._compiled import required_core


@dataclass(frozen=True)
class PresetConstant:
    """A number that a preset uses.

    Attributes:
        name: For `constants`.
        what: What it is.
        default: What it is where neither manifest nor `constants` say; None: it is required.
    """

    name: str
    what: str
    default: float | None


@dataclass(frozen=True)
class Preset:
    """How the tensors of a kind of model start, by their names.

    Attributes:
        name: For `preset`.
        summary: What it is, in one line.
        sources: Papers, and files of repositories.
        names: Whose names of tensors it is for.
        notes: What else to know.
        constants: What its numbers follow from.
    """

    name: str
    summary: str
    sources: tuple[str, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...]
    constants: tuple[PresetConstant, ...]


def presets() -> dict[str, Preset]:
    """The presets that come along, by name; docs/presets.md has more of each.

    >>> import weightinit
    >>> weightinit.presets()["lora_gaussian"].summary
    'A normal 1 / rank, B zeros, so that the adapter begins as nothing'

    Raises:
        FailedPrecondition: The compiled part of the package is not installed.
    """
    made = {}
    for serialized in required_core("presets").presets():
        message = messages.Preset.FromString(serialized)
        made[message.name] = Preset(
            name=message.name,
            summary=message.summary,
            sources=tuple(message.sources),
            names=tuple(message.names),
            notes=tuple(message.notes),
            constants=tuple(
                PresetConstant(
                    name=constant.name,
                    what=constant.what,
                    default=constant.default_value if constant.HasField("default_value") else None,
                )
                for constant in message.constants
            ),
        )
    return made
