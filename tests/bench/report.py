"""From measured rounds to rows, and rows as a table, JSON and a chart."""

import dataclasses
import json
import math
import statistics
from xml.sax.saxutils import escape


@dataclasses.dataclass(frozen=True)
class Bound:
    """What a ratio has to be; without a value it is only reported."""

    relation: str = ">="
    value: float = None

    def __str__(self):
        return "report" if self.value is None else f"{self.relation} {self.value:g}"

    def verdict(self, ratio):
        if self.value is None:
            return "report"
        met = ratio >= self.value if self.relation == ">=" else ratio <= self.value
        return "met" if met else "missed"

    def score(self, ratio):
        """How far the ratio goes: 1 just meets the bound, more is better."""
        if self.value is None:
            return ratio
        return ratio / self.value if self.relation == ">=" else self.value / ratio


def at_least(value):
    return Bound(">=", value)


def at_most(value):
    return Bound("<=", value)


REPORT = Bound()


def quantile(values, fraction):
    """The smallest value that at least this fraction of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(fraction * len(ordered)) - 1)]


def _row(name, simd_target, unit, bound, ours, peer, ratio, ratios, variant):
    return {
        "name": name, "simd_target": simd_target, "ours": ours, "peer": peer, "unit": unit, "ratio": ratio,
        "target": str(bound), "runs": len(ratios), "min": min(ratios), "max": max(ratios),
        "verdict": bound.verdict(ratio), "score": bound.score(ratio), "peer_variant": variant,
    }


def compared_row(name, simd_target, unit, bound, ours, peer, more_is_better=True):
    """A row from the rounds of `ours`, and of each variant of the peer: {variant: rounds}.

    The best variant counts. The ratio is that of the medians; min and max are the extreme ratios within a round.
    """
    best = max if more_is_better else min
    variant = best(peer, key=lambda name: statistics.median(peer[name]))
    rounds = peer[variant]
    ratio = statistics.median(ours) / statistics.median(rounds)
    ratios = [a / b for a, b in zip(ours, rounds, strict=True)]
    return _row(name, simd_target, unit, bound, statistics.median(ours), statistics.median(rounds), ratio, ratios,
                variant)


def limited_row(name, simd_target, unit, limit, samples, fraction):
    """A row about a limit: the quantile of the samples is to be at most the limit."""
    value = quantile(samples, fraction)
    return _row(name, simd_target, unit, at_most(1), value, limit, value / limit, [s / limit for s in samples],
                "limit")


def failed_row(name, simd_target, unit, bound, reason):
    """A row that could not be measured."""
    return {
        "name": name, "simd_target": simd_target, "ours": None, "peer": None, "unit": unit, "ratio": None,
        "target": str(bound), "runs": 0, "min": None, "max": None, "verdict": f"not measured: {reason}",
        "score": None, "peer_variant": None,
    }


def is_measured(row):
    return row["ratio"] is not None


def _number(value):
    if value >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}" if value < 1 else f"{value:.2f}"


def text_table(rows):
    cells = [("what", "SIMD", "ours", "peer", "unit", "ratio", "[min .. max]", "target", "verdict", "peer's variant")]
    for row in rows:
        if is_measured(row):
            cells.append((row["name"], row["simd_target"], _number(row["ours"]), _number(row["peer"]), row["unit"],
                          _number(row["ratio"]), f"[{_number(row['min'])} .. {_number(row['max'])}]", row["target"],
                          row["verdict"], row["peer_variant"]))
        else:
            cells.append((row["name"], row["simd_target"], "-", "-", row["unit"], "-", "", row["target"],
                          row["verdict"], ""))
    # The verdict of a row that was not measured is a sentence, and widens no column.
    widths = [max(len(line[i]) for line in cells if i < 8 or line[5] != "-") for i in range(len(cells[0]))]
    numbers = (2, 3, 5)
    return "\n".join(
        "  ".join(text.rjust(width) if i in numbers else text.ljust(width)
                  for i, (text, width) in enumerate(zip(line, widths))).rstrip()
        for line in cells)


def machine_text(machine):
    lines = [f"machine   {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['kernel']}",
             f"SIMD      {', '.join(machine['simd_targets'])}",
             f"compiler  {machine['compiler']}"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(machine["versions"].items()))
    return "\n".join([*lines, f"versions  {versions}"])


def to_json(machine, rows):
    return json.dumps({"machine": machine, "rows": rows}, indent=1, ensure_ascii=False) + "\n"


# The chart: all lengths in pixels.
_LABELS, _BARS, _NOTES = 470, 420, 250
_MARGIN, _BAR, _GAP, _HEAD = 16, 14, 12, 96
_LONGEST = 2.5  # times the target; longer bars are cut, and say so.

_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .small { font-size: 12px; fill: #59636e; }
  .page { fill: #ffffff; }
  .first { fill: #0b6bcb; } .second { fill: #e08600; } .other { fill: #6e7781; }
  .missed { font-weight: 700; }
  .axis { stroke: #1f2328; stroke-width: 1.5; }
  .grid { stroke: #d1d9e0; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .small { fill: #9198a1; } .page { fill: #0d1117; }
    .first { fill: #4ea1f3; } .second { fill: #f0a63a; } .axis { stroke: #e6edf3; } .grid { stroke: #3d444d; }
  }
"""


def _chart_note(row):
    if not is_measured(row):
        return "not measured", "missed"
    target = "no target" if row["verdict"] == "report" else f"target {row['target']}"
    note = f"{_number(row['ratio'])} ({target.replace('>=', '≥').replace('<=', '≤')})"
    return (note + ", missed", "missed") if row["verdict"] == "missed" else (note, "small")


def svg_chart(machine, rows):
    """Bars of ratio / target, those of one row for each SIMD target next to each other."""
    simd_targets = list(dict.fromkeys(row["simd_target"] for row in rows))
    colour = dict(zip(simd_targets, ("first", "second")))
    groups = {}
    for row in rows:
        groups.setdefault(row["name"], []).append(row)
    height = _HEAD + sum(len(group) * _BAR + _GAP for group in groups.values()) + 2 * _MARGIN
    width = _MARGIN + _LABELS + _BARS + _NOTES
    left = _MARGIN + _LABELS
    unit = _BARS / _LONGEST

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
             f'height="{height}" role="img">',
             "<title>weightinit: measured ratios over their targets</title>",
             f"<style>{_STYLE}</style>",
             f'<rect class="page" width="{width}" height="{height}"/>',
             f'<text class="title" x="{_MARGIN}" y="30">weightinit: ratio to the peer, over the target</text>',
             f'<text class="small" x="{_MARGIN}" y="50">{escape(machine["cpu"])}, {machine["cores"]} cores. '
             'A bar that reaches 1 meets its target; where there is none, 1 is the peer itself. Bars are cut at '
             f"{_LONGEST:g}.</text>"]
    x = _MARGIN
    for simd_target in simd_targets:
        parts.append(f'<rect class="{colour.get(simd_target, "other")}" x="{x}" y="62" width="12" height="12"/>')
        parts.append(f'<text x="{x + 18}" y="73">{escape(simd_target)}</text>')
        x += 110
    bottom = height - _MARGIN
    for tick in (0.5, 1, 1.5, 2, 2.5):
        at = left + tick * unit
        parts.append(f'<text class="small" text-anchor="middle" x="{at:g}" y="{_HEAD - 8}">{tick:g}</text>')
        parts.append(f'<line class="grid" x1="{at:g}" x2="{at:g}" y1="{_HEAD}" y2="{bottom}"/>')
    y = _HEAD + _MARGIN / 2
    for name, group in groups.items():
        middle = y + len(group) * _BAR / 2 + 4
        parts.append(f'<text text-anchor="end" x="{left - 10}" y="{middle:g}">{escape(name)}</text>')
        for row in group:
            length = min(row["score"] or 0, _LONGEST) * unit
            parts.append(f'<rect class="bar {colour.get(row["simd_target"], "other")}" x="{left}" y="{y + 1:g}" '
                         f'width="{length:.1f}" height="{_BAR - 2}"/>')
            note, kind = _chart_note(row)
            parts.append(f'<text class="{kind}" x="{left + _BARS + 10}" y="{y + _BAR - 3:g}">{escape(note)}</text>')
            y += _BAR
        y += _GAP
    parts.append(f'<line class="axis" x1="{left + unit:g}" x2="{left + unit:g}" y1="{_HEAD}" y2="{bottom}"/>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"
