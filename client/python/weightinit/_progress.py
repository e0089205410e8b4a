"""Progress bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from weightinit._errors import FailedPrecondition


@contextmanager
def progress_bar(shown: bool, total: int) -> Iterator[Callable[[int], object]]:
    """Gives a function that is told of delivered bytes, `total` in all."""
    if not shown:
        yield lambda _: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise FailedPrecondition(
            "progress=True needs tqdm: pip install 'weightinit[progress]'"
        ) from None
    with tqdm(total=total, unit="B", unit_scale=True) as bar:
        yield bar.update
