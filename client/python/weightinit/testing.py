"""A server for tests.

In pytest::

    @pytest.fixture(scope="session")
    def weightinit_server():
        with weightinit.testing.server() as address:
            yield address
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from weightinit._errors import NotFound, Unavailable

__all__ = ["server"]


@contextmanager
def server(
    binary: str | os.PathLike[str] | None = None, arguments: Sequence[str] = ()
) -> Iterator[str]:
    """Runs weightinit-server on a free port of the loopback address and gives "host:port".

    Args:
        binary: The program; default: the environment variable WEIGHTINIT_SERVER_BINARY, or
            weightinit-server in PATH.
        arguments: More arguments of the program.

    Raises:
        NotFound: There is no such program.
        Unavailable: It did not start.
    """
    program = binary or os.environ.get("WEIGHTINIT_SERVER_BINARY") or "weightinit-server"
    found = shutil.which(os.fspath(program))
    if found is None:
        raise NotFound(
            f"binary: there is no program {os.fspath(program)!r}; name it as argument or in "
            "WEIGHTINIT_SERVER_BINARY, or put weightinit-server into PATH"
        )
    process = subprocess.Popen(
        [found, "--listen", "127.0.0.1:0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if " listening on " not in line:
            raise Unavailable(f"{found} did not start; it printed {line!r}")
        yield line.rsplit(" ", 1)[1]
    finally:
        process.kill()
        process.communicate()
