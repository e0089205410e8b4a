"""The programs that the tests drive, and what they share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import weightinit

ROOT = Path(__file__).resolve().parents[2]
LENET = ROOT / "client" / "models" / "lenet5.yaml"
TIED = {
    "version": 1,
    "defaults": {"dtype": "bfloat16", "activation": "relu"},
    "entries": [
        {"name": "emb", "embedding": {"num_embeddings": 50, "embedding_dim": 8}},
        {"name": "head.weight", "alias": "emb.weight"},
        {"name": "rnn", "lstm": {"input_size": 8, "hidden_size": 4}},
        {"name": "ü", "tensor": {"shape": [3, 5], "dtype": "float32"}},
    ],
}
BINARIES = Path(os.environ.get("WEIGHTINIT_BINARIES", ROOT / "build" / "ci" / "bin"))
SERVER = BINARIES / "weightinit-server"


def cli(*arguments: str) -> bytes:
    """Standard output of the command line."""
    command = [BINARIES / "weightinit", *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


@contextmanager
def listening(*command: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that says where it listens."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip().rsplit(" ", 1)[1]
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A server's."""
    with weightinit.testing.server(SERVER) as started:
        yield started


@pytest.fixture(params=["local", "client"])
def source(request: pytest.FixtureRequest) -> Iterator[weightinit.Source]:
    """Each of the sources."""
    if request.param == "local":
        yield weightinit.Local()
    else:
        with weightinit.Client(request.getfixturevalue("address")) as client:
            yield client


@pytest.fixture
def without_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the compiled part is not installed."""
    import sys

    monkeypatch.delattr(weightinit, "_core", raising=False)
    monkeypatch.setitem(sys.modules, "weightinit._core", None)


@pytest.fixture
def fake() -> Iterator[Callable[[str], weightinit.Client]]:
    """Makes clients of servers with a fault."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(fault: str) -> weightinit.Client:
            _, where = stack.enter_context(listening(BINARIES / "fake_server", fault))
            return stack.enter_context(weightinit.Client(where))

        yield start
