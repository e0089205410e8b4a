"""Prints a block of client/README.md that is fenced as LANGUAGE, asking the server at ADDRESS.

usage: snippet.py LANGUAGE ADDRESS [NUMBER]   NUMBER: of its blocks, from 1 (the default)
"""

import pathlib
import re
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "client" / "README.md"
PAGE_ADDRESS = "127.0.0.1:50051"


def snippet(language: str, address: str, number: str = "1") -> str:
    """The block of that number of the language."""
    blocks = re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    block = dict(enumerate(blocks, 1)).get(int(number), "")
    if PAGE_ADDRESS not in block:
        sys.exit(f"snippet: client/README.md has {len(blocks)} blocks of {language}; "
                 f"number {number} must be there, with {PAGE_ADDRESS}")
    return block.replace(PAGE_ADDRESS, address)


if __name__ == "__main__":
    print(snippet(*sys.argv[1:]), end="")
