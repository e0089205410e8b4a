"""TLS and tokens."""

from __future__ import annotations

import subprocess
from pathlib import Path

import grpc
import pytest
from conftest import SERVER
from front import Front

import weightinit

_TOKEN = "s3cret-token"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEIGHTINIT_CA", raising=False)
    monkeypatch.delenv("WEIGHTINIT_TOKEN", raising=False)


def _openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an authority, another one, and what the first has signed."""
    directory = tmp_path_factory.mktemp("certificates")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for authority in ("ca", "other"):
        _openssl(
            directory, "req", "-x509", *new_key, "-days", "2", "-subj", f"/CN={authority}",
            "-keyout", f"{authority}.key", "-out", f"{authority}.pem",
        )  # fmt: skip
    (directory / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "client"):
        _openssl(
            directory, "req", *new_key, "-subj", f"/CN={name}", "-keyout", f"{name}.key",
            "-out", f"{name}.csr",
        )  # fmt: skip
        _openssl(
            directory, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.pem",
        )  # fmt: skip
    return directory


def _credentials(certificates: Path, *, ask: bool = False) -> grpc.ServerCredentials:
    pair = ((certificates / "server.key").read_bytes(), (certificates / "server.pem").read_bytes())
    authority = (certificates / "ca.pem").read_bytes() if ask else None
    return grpc.ssl_server_credentials([pair], authority, require_client_auth=ask)


def test_an_encrypted_server_is_asked_with_its_authority(
    address: str, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Front(address, credentials=_credentials(certificates)) as front:
        with weightinit.Client(front.address, ca=certificates / "ca.pem") as client:
            assert client.tensor(3, scheme="ones").sum() == 3
        monkeypatch.setenv("WEIGHTINIT_CA", str(certificates / "ca.pem"))
        with weightinit.Client(front.address) as client:
            assert client.info().version


def test_an_authority_that_has_not_signed_is_unavailable(address: str, certificates: Path) -> None:
    with Front(address, credentials=_credentials(certificates)) as front:
        for arguments in ({"ca": certificates / "other.pem"}, {"tls": True}, {}):
            with weightinit.Client(front.address, **arguments) as client:  # type: ignore[arg-type]
                with pytest.raises(weightinit.Unavailable):
                    client.tensor(3)


def test_a_server_may_ask_for_a_certificate(address: str, certificates: Path) -> None:
    with Front(address, credentials=_credentials(certificates, ask=True)) as front:
        ca = certificates / "ca.pem"
        with weightinit.Client(front.address, ca=ca) as client:
            with pytest.raises(weightinit.Unavailable):
                client.tensor(3)
        own = {"cert": certificates / "client.pem", "key": certificates / "client.key"}
        with weightinit.Client(front.address, ca=ca, **own) as client:  # type: ignore[arg-type]
            assert client.tensor(3, scheme="ones").sum() == 3


def test_every_call_has_the_token(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = {"version": 1, "entries": [{"name": "w", "tensor": {"shape": [3]}}]}
    with Front(address, token=_TOKEN) as front:
        with weightinit.Client(front.address, token=_TOKEN) as client:
            client.info()
            client.describe(3)
            client.tensor(3)
            client.model(manifest)
            with pytest.raises(weightinit.FailedPrecondition, match="root seed"):
                client.resolve_seed("team/experiment")
        monkeypatch.setenv("WEIGHTINIT_TOKEN", _TOKEN)
        with weightinit.Client(front.address) as client:
            client.info()
        assert front.refused == 0


def test_a_token_that_is_missing_or_wrong_is_said(address: str) -> None:
    with Front(address, token=_TOKEN) as front:
        with weightinit.Client(front.address) as client:
            with pytest.raises(weightinit.Unauthenticated, match="no token"):
                client.info()
        with weightinit.Client(front.address, token="another") as client:
            with pytest.raises(weightinit.PermissionDenied, match="wrong token") as caught:
                client.tensor(3)
            assert "another" not in f"{client!r} {caught.value}"
        assert front.refused == 2


@pytest.mark.parametrize("server", ["10.0.0.1:50051", "example.com:50051", "127.evil.com:1"])
def test_a_token_is_not_sent_in_plaintext_to_another_machine(
    server: str, certificates: Path
) -> None:
    with pytest.raises(weightinit.InvalidArgument, match="not encrypted") as caught:
        weightinit.Client(["127.0.0.1:1", server], token=_TOKEN)
    assert server in str(caught.value)
    assert _TOKEN not in str(caught.value)
    assert caught.value.violations[0].field == "token"
    weightinit.Client(server, token=_TOKEN, allow_plaintext_token=True).close()
    weightinit.Client(server, token=_TOKEN, ca=certificates / "ca.pem").close()


@pytest.mark.parametrize("server", ["127.0.0.1:1", "localhost:1", "[::1]:1", "unix:/run/w.sock"])
def test_a_token_may_go_to_this_machine(server: str) -> None:
    weightinit.Client(server, token=_TOKEN).close()


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"cert": "ca.pem"}, "key"),
        ({"key": "ca.key"}, "cert"),
        ({"ca": "ca.key"}, "ca"),
        ({"cert": "ca.pem", "key": "ca.pem"}, "key"),
        ({"ca": "."}, "ca"),
        ({"ca": 3}, "ca"),
        ({"tls": False, "ca": "ca.pem"}, "ca"),
        ({"tls": "yes"}, "tls"),
        ({"token": ""}, "token"),
        ({"token": "two words"}, "token"),
        ({"token": "line\n"}, "token"),
        ({"token": b"bytes"}, "token"),
    ],
)
def test_what_cannot_be_is_named(
    arguments: dict, field: str, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(certificates)
    with pytest.raises(weightinit.InvalidArgument) as caught:
        weightinit.Client("127.0.0.1:1", **arguments)
    assert caught.value.violations[0].field == field


def test_a_file_that_is_not_there_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(weightinit.NotFound, match=r"ca: there is no file '/nowhere/ca\.pem'"):
        weightinit.Client("127.0.0.1:1", ca="/nowhere/ca.pem")
    monkeypatch.setenv("WEIGHTINIT_CA", "/nowhere/ca.pem")
    with pytest.raises(weightinit.NotFound, match="WEIGHTINIT_CA"):
        weightinit.Client("127.0.0.1:1")
    weightinit.Client("127.0.0.1:1", tls=False).close()


def test_a_socket_of_the_file_system_is_an_address(tmp_path: Path) -> None:
    socket = tmp_path / "weightinit.sock"
    with weightinit.testing.server(SERVER, ["--listen", f"unix:{socket}"]):
        with weightinit.Client(f"unix:{socket}") as client:
            assert client.tensor(3, scheme="ones").sum() == 3
