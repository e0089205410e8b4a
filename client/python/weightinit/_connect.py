"""From the arguments of a client to its connections."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import grpc

from weightinit._errors import InvalidArgument, NotFound, Violation, invalid, invalid_type

if TYPE_CHECKING:
    Path = str | os.PathLike[str]

_KEEPALIVE_MS = 20000  # After so long without a word the server is asked whether it lives,
_KEEPALIVE_TIMEOUT_MS = 10000  # and has so long to answer.


def servers_of(servers: str | Sequence[str] | None) -> list[str]:
    """The addresses of the argument, or else those of WEIGHTINIT_SERVER."""
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
            raise invalid_type(f"{field}[{i}]", server, "a str, host:port or unix:PATH")
        if not server.strip():
            raise invalid(f"{field}[{i}]", "is empty, it has to be host:port or unix:PATH")
    return [server.strip() for server in servers]


def _is_socket(server: str) -> bool:
    return server.startswith(("unix:", "unix-abstract:"))


def _is_loopback(server: str) -> bool:
    host = server.removeprefix("dns:///")
    return host.startswith(("localhost:", "[::1]:")) or bool(
        re.fullmatch(r"127(\.[0-9]{1,3}){3}:[0-9]+", host)
    )


def _read(field: str, path: Path, mark: bytes) -> bytes:
    """A PEM file in which `mark` has to occur."""
    if not isinstance(path, (str, os.PathLike)):
        raise invalid_type(field, path, "the path of a PEM file")
    described = f"{os.fspath(path)!r}"
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        description = f"there is no file {described}"
        raise NotFound(f"{field}: {description}", [Violation(field, description)]) from None
    except OSError as error:
        raise invalid(field, f"{described} cannot be read: {error.strerror}") from None
    if mark not in content:
        raise invalid(field, f"{described} is no PEM file with a {mark.decode()}")
    return content


class Security:
    """How connections are secured, and what calls say of their client."""

    def __init__(
        self,
        servers: Sequence[str],
        tls: bool | None,
        ca: Path | None,
        cert: Path | None,
        key: Path | None,
        token: str | None,
        allow_plaintext_token: bool,
    ) -> None:
        """Takes the arguments of a client, and the environment."""
        ca_field, token_field = "ca", "token"
        if ca is None and tls is not False:
            ca = os.environ.get("WEIGHTINIT_CA") or None
            ca_field = "WEIGHTINIT_CA"
        if tls not in (None, True, False):
            raise invalid_type("tls", tls, "a bool or None")
        for field, file in ((ca_field, ca), ("cert", cert)):
            if tls is False and file is not None:
                raise invalid(field, "is given although tls is False")
        if (cert is None) != (key is None):
            missing, given = ("cert", "key") if cert is None else ("key", "cert")
            raise invalid(missing, f"has to be given too where {given} is")
        self._credentials: Any = None
        if tls or ca is not None or cert is not None:
            begin = b"-----BEGIN CERTIFICATE-----"
            self._credentials = grpc.ssl_channel_credentials(
                None if ca is None else _read(ca_field, ca, begin),
                None if key is None else _read("key", key, b"PRIVATE KEY-----"),
                None if cert is None else _read("cert", cert, begin),
            )
        if token is None:
            token = os.environ.get("WEIGHTINIT_TOKEN") or None
            token_field = "WEIGHTINIT_TOKEN"
        self.metadata: tuple[tuple[str, str], ...] = ()
        if token is not None:
            self._check_token(token_field, token, servers, allow_plaintext_token)
            self.metadata = (("authorization", f"Bearer {token}"),)

    def _check_token(
        self, field: str, token: str, servers: Sequence[str], allow_plaintext: bool
    ) -> None:
        # No error names the token itself.
        if not isinstance(token, str):
            raise invalid_type(field, token, "a str")
        if not re.fullmatch(r"[!-~]+", token):
            raise invalid(field, "has to be printable ASCII without spaces, at least 1 character")
        if self._credentials is not None or allow_plaintext:
            return
        for server in servers:
            if not _is_socket(server) and not _is_loopback(server):
                raise InvalidArgument(
                    f"{field}: is not sent to {server} over a connection that is not encrypted; "
                    "use ca or tls, or allow_plaintext_token",
                    [Violation(field, "is not sent over a connection that is not encrypted")],
                )

    def channel(self, server: str, options: Sequence[tuple[str, Any]]) -> Any:
        """A channel to one address; a socket of the file system is never encrypted."""
        options = [
            *options,
            ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
            ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
            ("grpc.http2.ping_timeout_ms", _KEEPALIVE_TIMEOUT_MS),  # What newer gRPC looks at.
            # Also in a stream on which nothing is sent for long.
            ("grpc.http2.max_pings_without_data", 0),
        ]
        if _is_loopback(server):
            # A proxy named in the environment does not lead back to this machine.
            options.append(("grpc.enable_http_proxy", 0))
        if self._credentials is None or _is_socket(server):
            return grpc.insecure_channel(server, options=options)
        return grpc.secure_channel(server, self._credentials, options=options)
