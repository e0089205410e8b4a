"""A server in front of another one, which refuses what a test tells it to."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from weightinit import _messages as messages


def details_of(code: grpc.StatusCode, *, retry_delay: float | None = None) -> bytes:
    """The google.rpc.Status of an error as servers send it."""
    status = messages.Status(code=code.value[0])
    if retry_delay is not None:
        retry = messages.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(retry_delay * 1e9))
        status.details.add(
            type_url="type.googleapis.com/google.rpc.RetryInfo", value=retry.SerializeToString()
        )
    return bytes(status.SerializeToString())


class Front(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Hands calls on to the server at `behind`; a context."""

    def __init__(
        self,
        behind: str,
        *,
        full: int = 0,
        retry_delay: float | None = None,
    ) -> None:
        """The first `full` calls are refused."""
        self.refused = 0
        self._full = full
        self._retry_delay = retry_delay
        self._channel = grpc.insecure_channel(behind)
        self._pool = ThreadPoolExecutor(8)
        self._server = grpc.server(self._pool, handlers=[self])
        port = self._server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{port}"

    def __enter__(self) -> Front:
        """Serves."""
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends."""
        self._server.stop(0).wait()
        self._channel.close()
        self._pool.shutdown()

    def service(self, call: Any) -> Any:
        """All methods are alike on the wire."""
        return grpc.unary_stream_rpc_method_handler(
            lambda request, context: self._serve(call.method, request, context)
        )

    def _serve(self, method: str, request: bytes, context: Any) -> Iterator[bytes]:
        if self.refused < self._full:
            self.refused += 1
            details = details_of(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_delay=self._retry_delay)
            context.set_trailing_metadata((("grpc-status-details-bin", details),))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no room")
        yield from self._channel.unary_stream(method)(request)
