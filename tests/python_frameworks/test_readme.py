"""The snippets of client/python/README.md that need frameworks."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT

SNIPPETS = re.findall(
    r"^```python\n(.*?)^```",
    (ROOT / "client/python/README.md").read_text(),
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize("framework", ["torch"])
def test_the_snippet_runs(framework: str) -> None:
    snippets = [text for text in SNIPPETS if f"weightinit.{framework}" in text]
    assert snippets
    for text in snippets:
        exec(compile(text, "README.md", "exec"), {})
