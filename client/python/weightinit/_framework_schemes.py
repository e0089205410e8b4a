"""The initializers of frameworks, by their own names and with their own defaults.

As the core lists them; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FrameworkScheme:
    """A scheme with the defaults of a framework.

    Attributes:
        scheme: The scheme.
        defaults: What its parameters are unless they are given.
        absolute_bounds: Whether low and high are in units of the value, where those of
            truncated_normal count standard deviations.
    """

    scheme: str
    defaults: Mapping[str, float | str] = field(default_factory=dict)
    absolute_bounds: bool = False

    def fill(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters: those given, else the defaults."""
        filled = {**self.defaults, **given}
        if self.absolute_bounds and filled["stddev"] > 0:
            for bound in ("low", "high"):
                filled[bound] = (filled[bound] - filled["mean"]) / filled["stddev"]
        return filled


FRAMEWORK_SCHEMES = {
    "torch.zeros": FrameworkScheme("zeros"),
    "torch.ones": FrameworkScheme("ones"),
    "torch.constant": FrameworkScheme("constant"),
    "torch.uniform": FrameworkScheme("uniform", {"low": 0, "high": 1}),
    "torch.normal": FrameworkScheme("normal", {"mean": 0, "stddev": 1}),
    "torch.trunc_normal": FrameworkScheme(
        "truncated_normal", {"mean": 0, "stddev": 1, "low": -2, "high": 2}, absolute_bounds=True
    ),
    "torch.xavier_uniform": FrameworkScheme("xavier_uniform"),
    "torch.xavier_normal": FrameworkScheme("xavier_normal"),
    "torch.kaiming_uniform": FrameworkScheme("he_uniform"),
    "torch.kaiming_normal": FrameworkScheme("he_normal"),
    "torch.eye": FrameworkScheme("identity"),
    "torch.dirac": FrameworkScheme("dirac"),
    "torch.orthogonal": FrameworkScheme("orthogonal"),
    "torch.sparse": FrameworkScheme("sparse", {"stddev": 0.01}),
    "keras.zeros": FrameworkScheme("zeros"),
    "keras.ones": FrameworkScheme("ones"),
    "keras.constant": FrameworkScheme("constant", {"value": 0}),
    "keras.random_uniform": FrameworkScheme("uniform", {"low": -0.05, "high": 0.05}),
    "keras.random_normal": FrameworkScheme("normal", {"mean": 0, "stddev": 0.05}),
    "keras.truncated_normal": FrameworkScheme(
        "truncated_normal", {"mean": 0, "stddev": 0.05, "low": -2, "high": 2}
    ),
    "keras.variance_scaling": FrameworkScheme(
        "variance_scaling", {"scale": 1, "fan_mode": "in", "distribution": "truncated_normal"}
    ),
    "keras.glorot_uniform": FrameworkScheme("xavier_uniform"),
    "keras.glorot_normal": FrameworkScheme(
        "variance_scaling", {"scale": 1, "fan_mode": "average", "distribution": "truncated_normal"}
    ),
    "keras.he_uniform": FrameworkScheme(
        "variance_scaling", {"scale": 2, "fan_mode": "in", "distribution": "uniform"}
    ),
    "keras.he_normal": FrameworkScheme(
        "variance_scaling", {"scale": 2, "fan_mode": "in", "distribution": "truncated_normal"}
    ),
    "keras.lecun_uniform": FrameworkScheme("lecun_uniform"),
    "keras.lecun_normal": FrameworkScheme(
        "variance_scaling", {"scale": 1, "fan_mode": "in", "distribution": "truncated_normal"}
    ),
    "keras.identity": FrameworkScheme("identity"),
    "keras.orthogonal": FrameworkScheme("orthogonal"),
    "jax.zeros": FrameworkScheme("zeros"),
    "jax.ones": FrameworkScheme("ones"),
    "jax.constant": FrameworkScheme("constant"),
    "jax.uniform": FrameworkScheme("uniform", {"low": 0, "high": 0.01}),
    "jax.normal": FrameworkScheme("normal", {"mean": 0, "stddev": 0.01}),
    "jax.truncated_normal": FrameworkScheme(
        "truncated_normal", {"mean": 0, "stddev": 0.01, "low": -2, "high": 2}
    ),
    "jax.variance_scaling": FrameworkScheme("variance_scaling"),
    "jax.glorot_uniform": FrameworkScheme("xavier_uniform"),
    "jax.glorot_normal": FrameworkScheme(
        "variance_scaling", {"scale": 1, "fan_mode": "average", "distribution": "truncated_normal"}
    ),
    "jax.xavier_uniform": FrameworkScheme("xavier_uniform"),
    "jax.xavier_normal": FrameworkScheme(
        "variance_scaling", {"scale": 1, "fan_mode": "average", "distribution": "truncated_normal"}
    ),
    "jax.he_uniform": FrameworkScheme(
        "variance_scaling", {"scale": 2, "fan_mode": "in", "distribution": "uniform"}
    ),
    "jax.he_normal": FrameworkScheme(
        "variance_scaling", {"scale": 2, "fan_mode": "in", "distribution": "truncated_normal"}
    ),
    "jax.kaiming_uniform": FrameworkScheme(
        "variance_scaling", {"scale": 2, "fan_mode": "in", "distribution": "uniform"}
    ),
    "jax.kaiming_normal": FrameworkScheme(
        "variance_scaling", {"scale": 2, "fan_mode": "in", "distribution": "truncated_normal"}
    ),
    "jax.lecun_uniform": FrameworkScheme("lecun_uniform"),
    "jax.lecun_normal": FrameworkScheme(
        "variance_scaling", {"scale": 1, "fan_mode": "in", "distribution": "truncated_normal"}
    ),
    "jax.orthogonal": FrameworkScheme("orthogonal"),
    "jax.delta_orthogonal": FrameworkScheme("delta_orthogonal"),
    "timm.trunc_normal": FrameworkScheme(
        "truncated_normal", {"mean": 0, "stddev": 1, "low": -2, "high": 2}, absolute_bounds=True
    ),
    "timm.trunc_normal_tf": FrameworkScheme(
        "truncated_normal", {"mean": 0, "stddev": 1, "low": -2, "high": 2}
    ),
    "timm.variance_scaling": FrameworkScheme(
        "variance_scaling", {"scale": 1, "fan_mode": "in", "distribution": "normal"}
    ),
    "timm.lecun_normal": FrameworkScheme(
        "variance_scaling", {"scale": 1, "fan_mode": "in", "distribution": "truncated_normal"}
    ),
}


def find(name: object) -> FrameworkScheme | None:
    """That of a name, in any case, and with an underscore behind it or without."""
    if not isinstance(name, str):
        return None
    return FRAMEWORK_SCHEMES.get(name.lower().removesuffix("_"))
