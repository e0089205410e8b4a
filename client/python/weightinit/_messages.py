"""What :mod:`weightinit._contract` has, loaded when it is first used.

Importing Protobuf takes as long as importing all the rest beside NumPy and gRPC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weightinit._contract import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        from weightinit import _contract

        value = getattr(_contract, name)
        globals()[name] = value
        return value
