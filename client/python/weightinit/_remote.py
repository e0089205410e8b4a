"""The source that asks servers."""

from __future__ import annotations

import contextvars
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import grpc

from weightinit import _messages as messages
from weightinit._arrays import Array
from weightinit._errors import (
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    FailedPrecondition,
    WeightInitError,
    error_of,
    invalid,
    invalid_type,
)
from weightinit._progress import progress_bar
from weightinit._receivers import ModelReceiver, Receiver, TensorReceiver
from weightinit._requests import integer, real
from weightinit._source import Source, timeout_of

if TYPE_CHECKING:
    from weightinit._description import ModelDescription

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    # A server that comes back is found soon.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5000),
    ("grpc.use_local_subchannel_pool", 1),
)
_FIRST_PAUSE = 0.1  # Seconds, after all servers have failed; doubles up to the last.
_LAST_PAUSE = 5.0
_ATTEMPTS = 5  # In a row that deliver nothing, before a call gives up.


class Cancellation:
    """Lets another thread cancel what the calls of a context do."""

    def __init__(self) -> None:
        """Nothing is cancelled."""
        self._lock = threading.Lock()
        self._cancelled = False
        self._call: Any = None

    def attach(self, call: Any) -> None:
        """`call` is under way now."""
        with self._lock:
            self._call = call
            if self._cancelled:
                call.cancel()

    def cancel(self) -> None:
        """Ends the call that is under way, and those that follow."""
        with self._lock:
            self._cancelled = True
            if self._call is not None:
                self._call.cancel()


cancellation: contextvars.ContextVar[Cancellation | None] = contextvars.ContextVar(
    "weightinit_cancellation", default=None
)


def _servers(servers: str | Sequence[str] | None) -> list[str]:
    field = "servers"
    if servers is None:
        field = "WEIGHTINIT_SERVER"
        servers = os.environ.get(field, "")
        if not servers:
            raise invalid("servers", "is not given, and WEIGHTINIT_SERVER is not set")
    if isinstance(servers, str):
        servers = servers.split(",")
    if not isinstance(servers, Sequence) or not servers:
        raise invalid_type(field, servers, "a str or a sequence of str, at least one")
    for i, server in enumerate(servers):
        if not isinstance(server, str):
            raise invalid_type(f"{field}[{i}]", server, "a str, host:port")
        if not server.strip():
            raise invalid(f"{field}[{i}]", "is empty, it has to be host:port")
    return [server.strip() for server in servers]


def _error_of(error: Any) -> WeightInitError:
    """The exception for an RpcError, with the violations that its details name."""
    violations: list[tuple[str, str]] = []
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in messages.Status.FromString(value).details:
                if detail.type_url.endswith("/google.rpc.BadRequest"):
                    bad_request = messages.BadRequest.FromString(detail.value)
                    violations += [(v.field, v.description) for v in bad_request.field_violations]
    return error_of(error.code().value[0], error.details() or "", violations)


def _is_broken(error: Any) -> bool:
    """Whether the connection failed, and not the call."""
    code = error.code()
    if code == grpc.StatusCode.UNAVAILABLE:
        return True
    # Made up by gRPC when the other side resets a stream.
    broken = (grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED)
    return code in broken and "RST_STREAM" in (error.details() or "")


class Client(Source):
    """Asks one of several equal servers; a broken stream is resumed on the next.

    Args:
        servers: "host:port", or several with commas between or as a sequence; default:
            the environment variable WEIGHTINIT_SERVER. Connections are not encrypted.
        timeout: Seconds that one call may take, with all its attempts; None: no limit.
        connect_timeout: Seconds that one attempt to connect may take, from 0.001 to 10^6.
        chunk_bytes: Of a message's data, 64 to 2097152, or 0 for what the server prefers.
            It changes speed only.

    A client is not used in a process forked from the one that made it: make a new one there.
    """

    def __init__(
        self,
        servers: str | Sequence[str] | None = None,
        *,
        timeout: float | None = None,
        connect_timeout: float = 5.0,
        chunk_bytes: int = 524288,
    ) -> None:
        """Makes the client; connects at the first call."""
        self._names = _servers(servers)
        self._timeout = timeout_of(timeout)
        connect_timeout = real("connect_timeout", connect_timeout)
        if not 0.001 <= connect_timeout <= 1e6:
            described = f"is {connect_timeout} s, it has to be from 0.001 s to 10^6 s"
            raise invalid("connect_timeout", described)
        self._chunk_bytes = integer("chunk_bytes", chunk_bytes, 0, 2097152)
        if 0 < self._chunk_bytes < 64:
            raise invalid("chunk_bytes", f"is {chunk_bytes}, it has to be 0 or from 64 to 2097152")
        self._pid = os.getpid()
        self._closed = False
        self._current = 0  # The server that was tried last.
        # That is what gRPC calls the least time which it gives an attempt.
        options = (*_OPTIONS, ("grpc.min_reconnect_backoff_ms", round(1000 * connect_timeout)))
        self._channels = [grpc.insecure_channel(s, options=options) for s in self._names]

    def __repr__(self) -> str:
        """Its servers."""
        return f"<weightinit.Client {', '.join(self._names)}>"

    def close(self) -> None:
        """Ends the connections and the calls under way; calls after it fail."""
        if not self._closed and os.getpid() == self._pid:
            self._closed = True
            for channel in self._channels:
                channel.close()

    def _check_usable(self) -> None:
        if os.getpid() != self._pid:
            raise FailedPrecondition(
                "the client was made in another process, before a fork; make a new one here"
            )
        if self._closed:
            raise FailedPrecondition("the client is closed")

    def _retry(self, attempt: Callable[[Any, float | None], Any], receiver: Receiver) -> Any:
        """attempt(channel, seconds left) on one server after the other."""
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        failures, pause = 0, _FIRST_PAUSE
        while True:
            self._check_usable()
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise DeadlineExceeded(f"the timeout of {self._timeout} s came first")
            before = receiver.progress
            try:
                return attempt(self._channels[self._current], left)
            except grpc.RpcError as error:
                if not _is_broken(error):
                    raise _error_of(error) from None
                last = _error_of(error)
            except ValueError:  # gRPC's, of a channel that is closed.
                self._check_usable()
                raise
            failed = self._names[self._current]
            self._current = (self._current + 1) % len(self._channels)
            if receiver.progress > before:
                failures, pause = 0, _FIRST_PAUSE
            failures += 1
            if failures >= max(_ATTEMPTS, len(self._channels)):
                raise type(last)(f"{failed}: {last}", last.violations)
            if failures % len(self._channels) == 0:
                wait = pause * random.uniform(0.5, 1.0)
                if deadline is not None:
                    wait = min(wait, max(0.0, deadline - time.monotonic()))
                time.sleep(wait)
                pause = min(2 * pause, _LAST_PAUSE)

    def _unary(self, method: str, request: bytes) -> bytes:
        def attempt(channel: Any, left: float | None) -> bytes:
            call = channel.unary_unary(messages.SERVICE + method).future(request, timeout=left)
            self._attach(call)
            return call.result()  # type: ignore[no-any-return]

        result: bytes = self._retry(attempt, Receiver(None))
        return result

    @staticmethod
    def _attach(call: Any) -> None:
        current = cancellation.get()
        if current is not None:
            current.attach(call)

    def _stream(self, method: str, receiver: Receiver) -> None:
        def attempt(channel: Any, left: float | None) -> None:
            request = receiver.start_stream()
            call = channel.unary_stream(messages.SERVICE + method)(request, timeout=left)
            self._attach(call)
            take = receiver.take
            try:
                for message in call:
                    take(message)
            except grpc.RpcError:
                raise
            except BaseException:
                call.cancel()
                raise
            if not receiver.done:
                raise DataLoss("the stream ended without a trailer")

        try:
            self._retry(attempt, receiver)
        except grpc.FutureCancelledError:
            raise Cancelled("the call was cancelled") from None

    def _describe(self, request: bytes) -> Any:
        answer = self._unary("DescribeTensor", request)
        return messages.DescribeTensorResponse.FromString(answer).description

    def _tensor(self, request: Any, out: Array | None, progress: bool) -> Array:
        total = self._describe(request.SerializeToString()).bytes if progress else 0
        request.chunk_bytes = self._chunk_bytes
        with progress_bar(progress, total) as advance:
            receiver = TensorReceiver(request, out, advance)
            self._stream("InitializeTensor", receiver)
        return receiver.array

    def _describe_model(self, request: bytes) -> tuple[Any, list[Any]]:
        def attempt(channel: Any, left: float | None) -> tuple[Any, list[Any]]:
            call = channel.unary_stream(messages.SERVICE + "DescribeModel")(request, timeout=left)
            self._attach(call)
            summary, tensors = None, []
            for message in call:
                part = messages.DescribeModelResponse.FromString(message)
                if part.WhichOneof("part") == "summary":
                    summary = part.summary
                else:
                    tensors += part.tensors.tensors
            if summary is None:
                raise DataLoss("the stream has no summary")
            return summary, tensors

        result: tuple[Any, list[Any]] = self._retry(attempt, Receiver(None))
        return result

    def _model(
        self,
        request: Any,
        description: ModelDescription,
        arrays: Mapping[str, Array],
        progress: bool,
    ) -> None:
        request.chunk_bytes = self._chunk_bytes
        with progress_bar(progress, description.bytes) as advance:
            self._stream("InitializeModel", ModelReceiver(request, arrays, advance))

    def _resolve_seed(self, seed_name: str) -> int:
        request = messages.ResolveSeedRequest(seed_name=seed_name).SerializeToString()
        answer = messages.ResolveSeedResponse.FromString(self._unary("ResolveSeed", request))
        return int(answer.seed)

    def _info(self) -> Any:
        return messages.GetServerInfoResponse.FromString(self._unary("GetServerInfo", b""))
