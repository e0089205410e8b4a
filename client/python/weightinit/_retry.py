"""When a call is made again, and where."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import grpc

from weightinit import _messages as messages
from weightinit._errors import (
    DeadlineExceeded,
    ResourceExhausted,
    Unavailable,
    WeightInitError,
    error_of,
)

_FIRST_PAUSE = 0.1  # Seconds that a server is left alone after a failure; doubles up to the last.
_LAST_PAUSE = 5.0
_ATTEMPTS = 5  # In a row that reach no server, before a call gives up.


class Stalled(Exception):
    """Nothing came for too long, and the call was cancelled for it."""


class Failure(NamedTuple):
    """How an attempt failed."""

    error: WeightInitError
    # Whether another attempt may mend it: the connection failed, or there is no room now.
    broken: bool
    full: bool = False
    retry_delay: float | None = None  # Seconds, as the server said.


def stalled(seconds: float | None) -> Failure:
    """Of a call to which nothing came for so long."""
    return Failure(Unavailable(f"nothing came from the server for {seconds} s"), True)


def failure_of(error: Any) -> Failure:
    """Of an RpcError, with what its details name."""
    violations: list[tuple[str, str]] = []
    reason, delay = "", None
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in messages.Status.FromString(value).details:
            kind = detail.type_url.rpartition("/google.rpc.")[2]
            if kind == "BadRequest":
                bad_request = messages.BadRequest.FromString(detail.value)
                violations += [(v.field, v.description) for v in bad_request.field_violations]
            elif kind == "ErrorInfo":
                reason = messages.ErrorInfo.FromString(detail.value).reason
            elif kind == "RetryInfo":
                told = messages.RetryInfo.FromString(detail.value).retry_delay
                delay = min(max(told.seconds + told.nanos / 1e9, 0.0), 3600.0)
    code, said = error.code(), error.details() or ""
    # gRPC's own words for a message or metadata above its limits.
    large = "larger than max" in said or "metadata size exceeds" in said or reason == "TOO_LARGE"
    full = code == grpc.StatusCode.RESOURCE_EXHAUSTED and not large
    # Made up by gRPC when the other side resets a stream.
    reset = code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED) and "RST_STREAM" in said
    broken = full or reset or code == grpc.StatusCode.UNAVAILABLE
    return Failure(error_of(code.value[0], said, violations), broken, full, delay)


class Attempts:
    """The servers of one call: which is asked next, and when the call gives up.

    A server that is full may have room later, so that it is waited for by time: until the
    timeout, or for `max_wait` seconds. One that is not reached is tried a few times.
    """

    def __init__(self, names: Sequence[str], timeout: float | None, max_wait: float) -> None:
        """The timeout begins now."""
        self._names = names
        self._timeout = timeout
        self._max_wait = max_wait
        self._deadline = math.inf if timeout is None else time.monotonic() + timeout
        self._ready = [0.0] * len(names)  # When each may be asked.
        self._failures = [0] * len(names)  # In a row.
        self._forget()

    def _forget(self) -> None:
        self._fruitless = 0
        self._full_since: float | None = None
        self._last: dict[int, WeightInitError] = {}

    def left(self) -> float | None:
        """Seconds until the timeout."""
        if self._timeout is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._late()
        return left

    def choose(self, first: int) -> tuple[int, float]:
        """The server to ask, and the seconds to wait before."""
        count = len(self._names)
        order = [(first + i) % count for i in range(count)]
        now = time.monotonic()
        best = min(order, key=lambda i: max(self._ready[i], now))
        wait = max(0.0, self._ready[best] - now)
        # Each is asked, however short the wait may be.
        end = self._deadline if best not in self._last and wait == 0 else self._end_of_wait()
        if now + wait >= end:
            raise self._late()
        return best, wait

    def failed(self, server: int, failure: Failure, progress: bool) -> None:
        """An attempt was broken. Raises: the call gives up."""
        if progress:
            self._forget()
            self._failures[server] = 0
        pause = min(_FIRST_PAUSE * 2 ** self._failures[server], _LAST_PAUSE)
        pause *= random.uniform(0.5, 1.0)
        if failure.retry_delay is not None:
            pause = failure.retry_delay * random.uniform(1.0, 1.5)
        now = time.monotonic()
        self._failures[server] += 1
        self._ready[server] = now + pause
        self._last[server] = failure.error
        if failure.full and self._full_since is None:
            self._full_since = now
        self._fruitless += not progress
        if self._full_since is not None:
            return
        if self._fruitless >= max(_ATTEMPTS, len(self._names)):
            named = f"{self._names[server]}: {failure.error}"
            raise type(failure.error)(named, failure.error.violations)

    def _end_of_wait(self) -> float:
        if self._timeout is None and self._full_since is not None:
            return self._full_since + self._max_wait
        return self._deadline

    def _late(self) -> WeightInitError:
        said = "; ".join(f"{self._names[i]}: {error}" for i, error in sorted(self._last.items()))
        if self._full_since is not None:
            limit = f"{self._max_wait} s" if self._timeout is None else f"{self._timeout} s"
            return ResourceExhausted(f"no server had room within {limit}: {said}")
        return DeadlineExceeded(f"the timeout of {self._timeout} s came first. {said}".strip())


class _Entry:
    def __init__(self, call: Any) -> None:
        self.call = call
        self.since: float | None = None  # Waits for its server.
        self.stalled = False


class Watch:
    """Cancels streams whose server has sent nothing for too long, by a thread of its own."""

    def __init__(self, seconds: float | None) -> None:
        """The thread runs while there are streams."""
        self._seconds = seconds
        self._changed = threading.Condition()
        self._entries: set[_Entry] = set()
        self._running = False
        self._stopped = False

    def stop(self) -> None:
        """Ends the thread as soon as there are no streams."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def messages(self, call: Any) -> Iterator[bytes]:
        """Those of a stream. Time between them that their consumer takes does not count."""
        if self._seconds is None:
            yield from call
            return
        entry = _Entry(call)
        with self._changed:
            self._entries.add(entry)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, daemon=True).start()
        try:
            while True:
                entry.since = time.monotonic()
                try:
                    message = next(call)
                except StopIteration:
                    return
                except (grpc.RpcError, grpc.FutureCancelledError):
                    if entry.stalled:
                        raise Stalled from None
                    raise
                entry.since = None
                yield message
        finally:
            with self._changed:
                self._entries.discard(entry)
                if self._stopped:
                    self._changed.notify_all()

    def _run(self) -> None:
        assert self._seconds is not None
        while True:
            with self._changed:
                self._changed.wait(self._seconds / 4)
                if not self._entries:
                    self._running = False
                    return
                late = time.monotonic() - self._seconds
                found = [e for e in self._entries if e.since is not None and e.since < late]
            for entry in found:
                entry.stalled = True
                entry.call.cancel()


class Pause:
    """A wait that another thread may end."""

    def __init__(self) -> None:
        """Not ended."""
        self._ended = threading.Event()

    def wait(self, seconds: float) -> None:
        """Waits for so long, or until it is ended."""
        self._ended.wait(seconds)

    def cancel(self) -> None:
        """Ends it."""
        self._ended.set()


Attempt = Callable[[Any, "float | None"], Any]  # Of a channel and the seconds left.
