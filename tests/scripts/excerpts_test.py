#!/usr/bin/env python3
"""The code in docs/library.md is that of examples/: each of its lines but "..." stands in one of them."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = "docs/library.md"


def main():
    known = {
        line.strip() for file in (ROOT / "examples").glob("*.cpp") for line in file.read_text().splitlines()
    }
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    blocks = re.findall(r"^```cpp\n(.*?)^```", text, re.M | re.S)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    strange = [line for line in lines if line != "..." and line not in known]
    for line in strange:
        print(f"{PAGE}: in no file of examples/: {line}")
    if len(lines) < 20:
        print(f"{PAGE}: wanted code of examples/, got {len(lines)} lines")
    return 1 if strange or len(lines) < 20 else 0


sys.exit(main())
