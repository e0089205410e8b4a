"""Exceptions, one class for each status code that the library and servers use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class Violation(NamedTuple):
    """One violated argument.

    Attributes:
        field: The argument in words of Python, for example ``shape[1]`` or ``gain``.
        description: What is wrong with it and the allowed range.
    """

    field: str
    description: str


class WeightInitError(Exception):
    """Base of all errors of this package.

    Attributes:
        violations: The violated arguments, as far as the error names them.
    """

    def __init__(self, message: str, violations: Iterable[Violation] = ()) -> None:
        """Sets the message and the violations."""
        super().__init__(message)
        self.violations: tuple[Violation, ...] = tuple(violations)


class InvalidArgument(WeightInitError, ValueError):
    """An argument is not what is allowed; ``violations`` names each one."""


class InvalidArgumentType(InvalidArgument, TypeError):
    """An argument is of a wrong type."""


class OutOfRange(WeightInitError, ValueError):
    """What is asked for lies past the end of the tensor or model."""


class NotFound(WeightInitError):
    """A file is not there."""


class FailedPrecondition(WeightInitError):
    """Something else has to be done first, for example giving the server a root seed."""


class PermissionDenied(WeightInitError):
    """The server knows this client, which may not do this."""


class Unauthenticated(WeightInitError):
    """The server asks for a token or a certificate, or does not know the one that it got."""


class ResourceExhausted(WeightInitError):
    """No server has room for the call now."""


class Unavailable(WeightInitError):
    """No server can be reached, or all have broken off."""


class DeadlineExceeded(WeightInitError, TimeoutError):
    """The timeout came first."""


class DataLoss(WeightInitError):
    """A stream is not what was asked for: a checksum, count or order is wrong."""


class Cancelled(WeightInitError):
    """The call was cancelled, for example because its client was closed."""


class Unimplemented(WeightInitError):
    """The server does not have the method."""


class Internal(WeightInitError):
    """An error inside of the server or the library."""


# By the numbers of absl::StatusCode and grpc.StatusCode, which are the same.
_CLASSES: dict[int, type[WeightInitError]] = {
    1: Cancelled,
    3: InvalidArgument,
    4: DeadlineExceeded,
    5: NotFound,
    7: PermissionDenied,
    8: ResourceExhausted,
    9: FailedPrecondition,
    11: OutOfRange,
    12: Unimplemented,
    13: Internal,
    14: Unavailable,
    15: DataLoss,
    16: Unauthenticated,
}


def argument_of(field: str) -> str:
    """The argument of a Python call that becomes `field` of a request."""
    if field == "model" or field.startswith("model."):
        return "manifest" + field[len("model") :]
    field = re.sub(r"^tensor\.", "", field)
    return re.sub(r"(^|\.)(parameters|fan)\.", r"\1", field)


def error_of(
    code: int, message: str, violations: Iterable[tuple[str, str]] = ()
) -> WeightInitError:
    """The exception for a status code, with the fields of a request told as arguments."""
    named = [Violation(argument_of(field), description) for field, description in violations]
    if named:
        message = "; ".join(": ".join(filter(None, violation)) for violation in named)
    return _CLASSES.get(code, Internal)(message, named)


def invalid(field: str, description: str) -> InvalidArgument:
    """The error of one argument."""
    return InvalidArgument(f"{field}: {description}", [Violation(field, description)])


def invalid_type(field: str, value: object, wanted: str) -> InvalidArgumentType:
    """The error of one argument of a wrong type."""
    description = f"is of type {type(value).__name__}, it has to be {wanted}"
    return InvalidArgumentType(f"{field}: {description}", [Violation(field, description)])


def unknown_argument(name: str, known: Iterable[str]) -> InvalidArgumentType:
    """The error of a keyword that there is not."""
    description = f"is no argument; there are {', '.join(sorted(known))}"
    return InvalidArgumentType(f"{name}: {description}", [Violation(name, description)])
