"""The source that asks servers."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import grpc

from weightinit import _messages as messages
from weightinit._arrays import Array
from weightinit._connect import Security, servers_of
from weightinit._errors import Cancelled, DataLoss, FailedPrecondition, invalid
from weightinit._progress import progress_bar
from weightinit._receivers import ModelReceiver, Receiver, TensorReceiver
from weightinit._requests import integer, real
from weightinit._retry import Attempt, Attempts, Pause, Stalled, Watch, failure_of, stalled
from weightinit._source import Source, timeout_of

if TYPE_CHECKING:
    from weightinit._connect import Path
    from weightinit._description import ModelDescription

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    # A server that comes back is found soon.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5000),
    ("grpc.use_local_subchannel_pool", 1),
)


class Cancellation:
    """Lets another thread cancel what the calls of a context do."""

    def __init__(self) -> None:
        """Nothing is cancelled."""
        self._lock = threading.Lock()
        self.cancelled = False
        self._call: Any = None

    def attach(self, call: Any) -> None:
        """`call` is under way now."""
        with self._lock:
            self._call = call
            if self.cancelled:
                call.cancel()

    def cancel(self) -> None:
        """Ends the call that is under way, and those that follow."""
        with self._lock:
            self.cancelled = True
            if self._call is not None:
                self._call.cancel()


cancellation: contextvars.ContextVar[Cancellation | None] = contextvars.ContextVar(
    "weightinit_cancellation", default=None
)


def _seconds(field: str, value: float | None, least: float, or_none: bool) -> float | None:
    if value is None and or_none:
        return None
    seconds = real(field, value)
    if not least <= seconds <= 1e6:
        described = f"is {seconds} s, it has to be from {least:g} s to 10^6 s"
        raise invalid(field, described + (" or None" if or_none else ""))
    return seconds


class Client(Source):
    """Asks one of several equal servers; a broken stream is resumed on the next.

    A server that is full is passed over. While all are, the call waits for the one that may
    have room first.

    Args:
        servers: "host:port" or "unix:PATH", or several with commas between or as a sequence;
            default: the environment variable WEIGHTINIT_SERVER.
        timeout: Seconds that one call may take, with all its attempts; None: no limit.
        connect_timeout: Seconds that one attempt to connect may take, from 0.001 to 10^6.
        stall_timeout: Seconds without a message after which a stream goes on at another
            server, from 0.001 to 10^6; None: no limit.
        max_wait_when_full: Seconds that a call without a timeout waits for room while all
            servers are full, from 0 to 10^6.
        chunk_bytes: Of a message's data, 64 to 2097152, or 0 for what the server prefers.
            It changes speed only.
        tls: Whether connections are encrypted; default: where `ca` or `cert` is given.
            Those of unix:PATH never are.
        ca: PEM file of the authorities that sign the servers' certificates; default: the
            environment variable WEIGHTINIT_CA, or else gRPC's own list.
        cert: PEM file with this client's certificate, where servers ask for one.
        key: PEM file with its private key.
        token: What servers know this client by; default: the environment variable
            WEIGHTINIT_TOKEN. It goes over encrypted connections and to this machine only.
        allow_plaintext_token: Whether it goes over others too.

    A client is not used in a process forked from the one that made it: make a new one there.
    """

    def __init__(
        self,
        servers: str | Sequence[str] | None = None,
        *,
        timeout: float | None = None,
        connect_timeout: float = 5.0,
        stall_timeout: float | None = 60.0,
        max_wait_when_full: float = 60.0,
        chunk_bytes: int = 524288,
        tls: bool | None = None,
        ca: Path | None = None,
        cert: Path | None = None,
        key: Path | None = None,
        token: str | None = None,
        allow_plaintext_token: bool = False,
    ) -> None:
        """Makes the client; connects at the first call."""
        self._names = servers_of(servers)
        self._timeout = timeout_of(timeout)
        connecting = _seconds("connect_timeout", connect_timeout, 0.001, False)
        self._stall = _seconds("stall_timeout", stall_timeout, 0.001, True)
        self._max_wait = _seconds("max_wait_when_full", max_wait_when_full, 0.0, False)
        self._chunk_bytes = integer("chunk_bytes", chunk_bytes, 0, 2097152)
        if 0 < self._chunk_bytes < 64:
            raise invalid("chunk_bytes", f"is {chunk_bytes}, it has to be 0 or from 64 to 2097152")
        self._pid = os.getpid()
        self._closed = False
        self._current = 0  # The server that was tried last.
        # That is what gRPC calls the least time which it gives an attempt.
        assert connecting is not None
        options = (*_OPTIONS, ("grpc.min_reconnect_backoff_ms", round(1000 * connecting)))
        security = Security(self._names, tls, ca, cert, key, token, allow_plaintext_token)
        self._metadata = security.metadata
        self._watch = Watch(self._stall)
        self._pauses: set[Pause] = set()
        self._channels = [security.channel(name, options) for name in self._names]

    def __repr__(self) -> str:
        """Its servers."""
        return f"<weightinit.Client {', '.join(self._names)}>"

    def close(self) -> None:
        """Ends the connections and the calls under way; calls after it fail."""
        if not self._closed and os.getpid() == self._pid:
            self._closed = True
            self._watch.stop()
            for pause in tuple(self._pauses):
                pause.cancel()
            for channel in self._channels:
                channel.close()

    def _check_usable(self) -> None:
        if os.getpid() != self._pid:
            raise FailedPrecondition(
                "the client was made in another process, before a fork; make a new one here"
            )
        if self._closed:
            raise FailedPrecondition("the client is closed")
        current = cancellation.get()
        if current is not None and current.cancelled:
            raise Cancelled("the call was cancelled")

    def _retry(self, attempt: Attempt, receiver: Receiver) -> Any:
        """attempt(channel, seconds left) on one server after the other."""
        assert self._max_wait is not None
        attempts = Attempts(self._names, self._timeout, self._max_wait)
        while True:
            self._check_usable()
            server, wait = attempts.choose(self._current)
            if wait > 0:
                self._pause(wait)
                continue
            before = receiver.progress
            try:
                return attempt(self._channels[server], attempts.left())
            except Stalled:
                failure = stalled(self._stall)
            except grpc.RpcError as error:
                failure = failure_of(error)
                if not failure.broken:
                    raise failure.error from None
            except ValueError:  # gRPC's, of a channel that is closed.
                self._check_usable()
                raise
            attempts.failed(server, failure, receiver.progress > before)
            self._current = (server + 1) % len(self._channels)

    def _pause(self, seconds: float) -> None:
        pause = Pause()
        self._pauses.add(pause)
        try:
            self._attach(pause)
            if not self._closed:
                pause.wait(seconds)
        finally:
            self._pauses.discard(pause)

    def _unary(self, method: str, request: bytes) -> bytes:
        def attempt(channel: Any, left: float | None) -> bytes:
            stall = self._stall
            stalls = stall is not None and (left is None or stall < left)
            call = channel.unary_unary(messages.SERVICE + method).future(
                request, timeout=stall if stalls else left, metadata=self._metadata
            )
            self._attach(call)
            try:
                return call.result()  # type: ignore[no-any-return]
            except grpc.RpcError as error:
                if stalls and error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise Stalled from None
                raise

        result: bytes = self._retry(attempt, Receiver(None))
        return result

    def _messages(self, channel: Any, method: str, request: bytes, left: float | None) -> Any:
        """Those of a stream, which ends with whoever takes them."""
        call = channel.unary_stream(messages.SERVICE + method)(
            request, timeout=left, metadata=self._metadata
        )
        self._attach(call)
        try:
            yield from self._watch.messages(call)
        finally:
            call.cancel()  # Of no effect once it has ended.

    @staticmethod
    def _attach(call: Any) -> None:
        current = cancellation.get()
        if current is not None:
            current.attach(call)

    def _stream(self, method: str, receiver: Receiver) -> None:
        def attempt(channel: Any, left: float | None) -> None:
            take = receiver.take
            with closing(self._messages(channel, method, receiver.start_stream(), left)) as parts:
                for part in parts:
                    take(part)
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
            summary, tensors = None, []
            with closing(self._messages(channel, "DescribeModel", request, left)) as parts:
                for message in parts:
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
