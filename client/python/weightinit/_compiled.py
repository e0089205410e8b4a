"""The compiled part, if it is there."""

from __future__ import annotations

from typing import Any

from weightinit._errors import FailedPrecondition


def optional_core() -> Any:
    """weightinit._core, or None."""
    try:
        from weightinit import _core  # type: ignore[attr-defined,unused-ignore]
    except ImportError:
        return None
    return _core


def required_core(what: str) -> Any:
    """weightinit._core; FailedPrecondition where it is missing."""
    core = optional_core()
    if core is None:
        raise FailedPrecondition(
            f"{what} needs weightinit._core, the compiled part of the package, which is not "
            "installed; install a wheel for this platform, or ask a server with weightinit.Client"
        )
    return core
