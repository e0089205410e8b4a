"""Prints the block of client/README.md that is fenced as LANGUAGE, asking the server at ADDRESS.

usage: snippet.py LANGUAGE ADDRESS
"""

import pathlib
import re
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "client" / "README.md"
PAGE_ADDRESS = "127.0.0.1:50051"


def snippet(language: str, address: str) -> str:
    """The one block of the language."""
    blocks = re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    if len(blocks) != 1 or PAGE_ADDRESS not in blocks[0]:
        sys.exit(f"snippet: client/README.md has {len(blocks)} blocks of {language}; "
                 f"there must be one, with {PAGE_ADDRESS}")
    return blocks[0].replace(PAGE_ADDRESS, address)


if __name__ == "__main__":
    print(snippet(*sys.argv[1:]), end="")
