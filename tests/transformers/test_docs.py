"""The Python of docs/transformers.md runs, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re

from conftest import ROOT

PAGE = ROOT / "docs/transformers.md"
BLOCK = re.compile(r"^```python\n(.*?)^```\n```output\n(.*?)^```\n", re.M | re.S)


def test_the_page_prints_what_it_says() -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 1
    for code, wanted in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, PAGE.name, "exec"), {})
        assert printed.getvalue() == wanted
