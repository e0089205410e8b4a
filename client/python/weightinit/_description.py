"""What a tensor or a model is, as the library or a server resolved it."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, field
from typing import Any

from weightinit import _messages as messages
from weightinit._catalogue import SchemeInfo


@dataclass(frozen=True)
class Advisory:
    """Why a request that is valid may not be what its author wants."""

    code: str
    message: str

    @classmethod
    def _of(cls, message: Any) -> Advisory:
        return cls(messages.name_of("AdvisoryCode", message.code), message.message)


def _optional(message: Any, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


@dataclass(frozen=True)
class Description:
    """A tensor with every choice made; all numbers are theory, nothing was computed.

    Attributes:
        name: The name.
        shape: The full shape.
        slice_shape: The shape of what is delivered.
        slice: (start, stop) of each dimension; empty for the whole tensor.
        scheme: The scheme in force; "" for a tensor of parts.
        role: As requested, or as the layer says; "": not said.
        activation: The activation in force.
        dtype: For example "float32".
        layout: "out_in" or "in_out".
        generator: The random function.
        seed: The number of the seed.
        seed_name: Its name, or "".
        fan_in: Inputs of one unit, or None.
        fan_out: Outputs fed by one unit, or None.
        gain: The factor of the standard deviation, or None.
        distribution: "constant", "uniform", "normal", "truncated_normal"; "" of parts.
        parameters: Of the distribution, by name.
        mean: Of the values.
        stddev: Standard deviation of the values.
        low: No value is below; None: there is no bound.
        high: No value is above; None: there is no bound.
        tensor_elements: Of the full tensor.
        elements: Of what is delivered.
        bytes: Of what is delivered.
        operations: Floating-point operations of the slice beside those of draws, as an
            orthogonal matrix takes them.
        zeros_per_column: Of sparse, the zeros in each column.
        key: The Philox key.
        stream: The upper half of the Philox counter.
        advisories: What may be amiss.
        axis: Along which the parts lie.
        stacked: Whether the parts are stacked.
        parts: The parts.
    """

    name: str
    shape: tuple[int, ...]
    slice_shape: tuple[int, ...]
    slice: tuple[tuple[int, int], ...]
    scheme: str
    role: str
    activation: str
    dtype: str
    layout: str
    generator: str
    seed: int
    seed_name: str
    fan_in: int | None
    fan_out: int | None
    gain: float | None
    distribution: str
    parameters: dict[str, float] = field(hash=False)
    mean: float
    stddev: float
    low: float | None
    high: float | None
    tensor_elements: int
    elements: int
    bytes: int
    operations: int
    zeros_per_column: int
    key: int
    stream: int
    advisories: tuple[Advisory, ...]
    axis: int
    stacked: bool
    parts: tuple[Description, ...]

    @classmethod
    def _of(cls, message: Any) -> Description:
        parameters = message.parameters
        return cls(
            name=message.name,
            shape=tuple(message.shape),
            slice_shape=tuple(message.slice_shape),
            slice=tuple((r.start, r.stop) for r in message.slice),
            scheme=messages.name_of("Scheme", message.scheme),
            role=messages.name_of("TensorRole", message.role),
            activation=messages.name_of("Activation", message.activation),
            dtype=messages.name_of("Dtype", message.dtype),
            layout=messages.name_of("Layout", message.layout),
            generator=messages.name_of("Generator", message.generator),
            seed=message.seed,
            seed_name=message.seed_name,
            fan_in=_optional(message, "fan_in"),
            fan_out=_optional(message, "fan_out"),
            gain=_optional(message, "gain"),
            distribution=messages.name_of("Distribution", parameters.distribution),
            parameters={
                name: getattr(parameters, name)
                for name in ("mean", "stddev", "low", "high")
                if parameters.HasField(name)
            },
            mean=message.mean,
            stddev=message.stddev,
            low=_optional(message, "low"),
            high=_optional(message, "high"),
            tensor_elements=message.tensor_elements,
            elements=message.elements,
            bytes=message.bytes,
            operations=message.operations,
            zeros_per_column=message.zeros_per_column,
            key=message.key,
            stream=message.stream,
            advisories=tuple(Advisory._of(a) for a in message.advisories),
            axis=message.axis,
            stacked=message.stacked,
            parts=tuple(cls._of(part) for part in message.parts),
        )

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("name", repr(self.name)),
            ("shape", f"{self.shape} {self.dtype}, {self.layout}"),
            ("seed", str(self.seed) + (f" ({self.seed_name!r})" if self.seed_name else "")),
        ]
        if self.slice:
            rows.append(("slice", f"{self.slice}, shape {self.slice_shape}"))
        if self.parts:
            kind = "stacked" if self.stacked else "joined"
            rows.append(("parts", f"{len(self.parts)} {kind} along axis {self.axis}"))
        else:
            rows.append(("scheme", f"{self.scheme}, activation {self.activation}"))
        if self.fan_in is not None:
            rows.append(("fans", f"in {self.fan_in}, out {self.fan_out}"))
        if self.distribution:
            numbers = ", ".join(f"{name} {value:.6g}" for name, value in self.parameters.items())
            rows.append(("distribution", f"{self.distribution}: {numbers}"))
        rows.append(("values", f"mean {self.mean:.6g}, stddev {self.stddev:.6g}"))
        if self.low is not None and self.high is not None:
            rows.append(("range", f"from {self.low:.6g} to {self.high:.6g}"))
        rows.append(("size", f"{self.elements} elements, {self.bytes} bytes"))
        rows += [("advisory", a.message) for a in self.advisories]
        return rows

    def __repr__(self) -> str:
        """A line for each property."""
        lines = "\n".join(f"  {name + ':':14}{value}" for name, value in self._rows())
        return f"<weightinit.Description\n{lines}>"

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self._rows()
        )
        return f"<table>{cells}</table>{self._histogram()}"

    def _density(self, x: float) -> float:
        if self.distribution == "uniform":
            return 1.0
        deviation = self.parameters.get("stddev") or 1.0
        return math.exp(-0.5 * ((x - self.parameters.get("mean", 0.0)) / deviation) ** 2)

    def _histogram(self) -> str:
        """The density of the values in 40 bins, as inline SVG; "" where there is none."""
        if self.stddev == 0.0 or not self.distribution:
            return ""
        low = self.mean - 4 * self.stddev if self.low is None else self.low
        high = self.mean + 4 * self.stddev if self.high is None else self.high
        bins, width, height = 40, 320, 80
        step = (high - low) / bins
        heights = [self._density(low + (i + 0.5) * step) for i in range(bins)]
        peak = max(heights) or 1.0
        bars = "".join(
            f"<rect x='{i * width / bins:g}' y='{height * (1 - h / peak):.2f}' "
            f"width='{width / bins - 1:g}' height='{height * h / peak:.2f}' fill='#4878a8'/>"
            for i, h in enumerate(heights)
        )
        label = f"<text y='{height + 14}' font-size='11'"
        return (
            f"<svg width='{width}' height='{height + 18}' role='img' "
            f"aria-label='density of the values'>{bars}"
            f"{label}>{low:.4g}</text>"
            f"{label} x='{width}' text-anchor='end'>{high:.4g}</text></svg>"
        )


@dataclass(frozen=True)
class ModelEntry:
    """A tensor of a model.

    Attributes:
        index: Its place in the model, from 0.
        description: The tensor, or the part of it that is selected; None for an alias.
        name: Its name.
        alias_of: The tensor that an alias stands for; "" for a tensor.
        buffer: Whether it is state that is not trained.
        rules: Indices of the rules that changed it.
    """

    index: int
    name: str
    description: Description | None
    alias_of: str
    buffer: bool
    rules: tuple[int, ...]

    @classmethod
    def _of(cls, message: Any) -> ModelEntry:
        alias = message.alias_of
        return cls(
            index=message.index,
            name=message.description.name,
            description=None if alias else Description._of(message.description),
            alias_of=alias,
            buffer=message.buffer,
            rules=tuple(message.rules),
        )


@dataclass(frozen=True)
class ModelDescription:
    """A model with every choice made.

    Attributes:
        name: The name in the manifest.
        generator: The random function.
        seed: The number of the seed.
        seed_name: Its name, or "".
        parameters: Elements that are trained.
        buffer_elements: Elements that are not.
        model_bytes: Of the whole model.
        bytes: Of what is selected.
        fingerprint: SHA-256 in hexadecimal of all that decides the model's bytes.
        advisories: What may be amiss with the model as a whole.
        entries: The tensors and aliases that are selected, in order.
        whole: Whether nothing of the model is left out.
    """

    name: str
    generator: str
    seed: int
    seed_name: str
    parameters: int
    buffer_elements: int
    model_bytes: int
    bytes: int
    fingerprint: str
    advisories: tuple[Advisory, ...]
    entries: tuple[ModelEntry, ...]
    whole: bool

    @classmethod
    def _of(cls, summary: Any, tensors: list[Any]) -> ModelDescription:
        selected_all = summary.selected_tensors == summary.tensors - summary.aliases
        return cls(
            name=summary.name,
            generator=messages.name_of("Generator", summary.generator),
            seed=summary.seed,
            seed_name=summary.seed_name,
            parameters=summary.parameters,
            buffer_elements=summary.buffer_elements,
            model_bytes=summary.model_bytes,
            bytes=summary.bytes,
            fingerprint=summary.fingerprint.hex(),
            advisories=tuple(Advisory._of(a) for a in summary.advisories),
            entries=tuple(ModelEntry._of(tensor) for tensor in tensors),
            whole=selected_all and summary.bytes == summary.model_bytes,
        )

    @property
    def tensors(self) -> dict[str, Description]:
        """The tensors by name, without aliases."""
        return {e.name: e.description for e in self.entries if e.description is not None}

    @property
    def aliases(self) -> dict[str, str]:
        """The tensors that aliases stand for, by alias."""
        return {e.name: e.alias_of for e in self.entries if e.alias_of}

    def __repr__(self) -> str:
        """A line for each tensor, 20 at most."""
        lines = [
            f"<weightinit.ModelDescription {self.name!r}: {len(self.tensors)} tensors, "
            f"{self.parameters} parameters, {self.bytes} bytes, seed {self.seed}"
        ]
        for entry in self.entries[:20]:
            d = entry.description
            said = (
                f"alias of {entry.alias_of}"
                if d is None
                else f"{d.slice_shape} {d.dtype}, {d.scheme}"
            )
            lines.append(f"  {entry.name}: {said}")
        if len(self.entries) > 20:
            lines.append(f"  and {len(self.entries) - 20} more")
        return "\n".join(lines) + ">"


@dataclass(frozen=True)
class Info:
    """What a source is and can do.

    Attributes:
        version: MAJOR.MINOR.PATCH.
        simd_target: Instruction set in use; it never changes a byte.
        generators: Offered.
        schemes: Offered.
        dtypes: Offered.
        limits: By name, as ServerLimits of the contract.
        root_seed_id: Which root seed the names of seeds are derived from; "": none.
        catalogue: The schemes in words.
    """

    version: str
    simd_target: str
    generators: tuple[str, ...]
    schemes: tuple[str, ...]
    dtypes: tuple[str, ...]
    limits: dict[str, int] = field(hash=False)
    root_seed_id: str
    catalogue: tuple[SchemeInfo, ...] = field(repr=False)

    @classmethod
    def _of(cls, message: Any) -> Info:
        limits = message.limits
        return cls(
            version=message.version,
            simd_target=message.simd_target,
            generators=tuple(messages.name_of("Generator", g) for g in message.generators),
            schemes=tuple(messages.name_of("Scheme", s) for s in message.schemes),
            dtypes=tuple(messages.name_of("Dtype", d) for d in message.dtypes),
            limits={f.name: getattr(limits, f.name) for f in limits.DESCRIPTOR.fields},
            root_seed_id=message.root_seed_id,
            catalogue=tuple(SchemeInfo._of(scheme) for scheme in message.catalogue),
        )
