"""TLS and tokens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ROOT, SERVER

import weightinit

sys.path.insert(0, str(ROOT / "tests" / "python"))
from certificates import Authority  # type: ignore[import-not-found]

_TOKEN = "s3cret-token"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEIGHTINIT_CA", raising=False)
    monkeypatch.delenv("WEIGHTINIT_TOKEN", raising=False)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an authority, another one, and what the first has signed."""
    directory = tmp_path_factory.mktemp("certificates")
    ca = Authority(str(directory), "ca")
    ca.issue("server")
    ca.issue("client")
    Authority(str(directory), "other")
    return directory


@contextmanager
def _encrypted(certificates: Path, *arguments: str) -> Iterator[str]:
    pair = ["--tls-cert", f"{certificates}/server.pem", "--tls-key", f"{certificates}/server.key"]
    with weightinit.testing.server(SERVER, [*pair, *arguments]) as address:
        yield address


@pytest.fixture
def access(tmp_path: Path) -> str:
    """An access file: `_TOKEN` may do all, "describes" only that."""
    file = tmp_path / "access"
    file.write_text(
        f"all describe,generate,seed token:{_TOKEN}\ndescribes describe token:describes\n"
    )
    file.chmod(0o600)
    return str(file)


def test_an_encrypted_server_is_asked_with_its_authority(
    certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _encrypted(certificates) as address:
        with weightinit.Client(address, ca=certificates / "ca.pem") as client:
            assert client.tensor(3, scheme="ones").sum() == 3
        monkeypatch.setenv("WEIGHTINIT_CA", str(certificates / "ca.pem"))
        with weightinit.Client(address) as client:
            assert client.info().version


def test_an_authority_that_has_not_signed_is_unavailable(certificates: Path) -> None:
    with _encrypted(certificates) as address:
        for arguments in ({"ca": certificates / "other.pem"}, {"tls": True}, {}):
            with weightinit.Client(address, **arguments) as client:  # type: ignore[arg-type]
                with pytest.raises(weightinit.Unavailable):
                    client.tensor(3)


def test_a_server_may_ask_for_a_certificate(certificates: Path) -> None:
    ca = certificates / "ca.pem"
    with _encrypted(certificates, "--tls-client-ca", str(ca)) as address:
        with weightinit.Client(address, ca=ca) as client:
            with pytest.raises(weightinit.Unavailable):
                client.tensor(3)
        own = {"cert": certificates / "client.pem", "key": certificates / "client.key"}
        with weightinit.Client(address, ca=ca, **own) as client:  # type: ignore[arg-type]
            assert client.tensor(3, scheme="ones").sum() == 3


def test_every_call_has_the_token(access: str, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = {"version": 1, "entries": [{"name": "w", "tensor": {"shape": [3]}}]}
    with weightinit.testing.server(SERVER, ["--access-file", access]) as address:
        with weightinit.Client(address, token=_TOKEN) as client:
            client.info()
            client.describe(3)
            client.tensor(3)
            client.model(manifest)
            with pytest.raises(weightinit.FailedPrecondition, match="root seed"):
                client.resolve_seed("team/experiment")
        monkeypatch.setenv("WEIGHTINIT_TOKEN", _TOKEN)
        with weightinit.Client(address) as client:
            client.info()


def test_a_token_that_is_missing_wrong_or_of_another_role_is_said(
    certificates: Path, access: str
) -> None:
    with _encrypted(certificates, "--access-file", access) as address:

        def client(token: str | None) -> weightinit.Client:
            return weightinit.Client(address, ca=certificates / "ca.pem", token=token)

        with client(None) as unknown, pytest.raises(weightinit.Unauthenticated):
            unknown.info()
        with client("another") as wrong:
            with pytest.raises(weightinit.Unauthenticated) as caught:
                wrong.tensor(3)
            assert "another" not in f"{wrong!r} {caught.value}"
        with client("describes") as limited:
            assert limited.describe(3).shape == (3,)
            with pytest.raises(weightinit.PermissionDenied, match="generate"):
                limited.tensor(3)


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
