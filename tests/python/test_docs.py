"""docs/python.md, the README's Python and examples/python/ run, and print what they say."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

BLOCKS = re.compile(r"^```python\n(.*?)^```\n(?:```output\n(.*?)^```\n)?", re.M | re.S)

# What each example must print, by regular expressions in their order.
EXAMPLES = {
    "fork.py": [
        r"^read \d+ tokens; the state has 266368 bytes$",
        r"^\.\.\. a daughter, and[\s\S]{20}",
        r"^likelihood of ' three sons': -\d+\.\d+$",
        r"^the fork has read \d+ tokens, the beginning still \d+$",
        r"^from the file: \.\.\. a ship, and[\s\S]{20}",
    ],
    "best_of_n.py": [r"^ -\d\.\d\d ['\"]", r"^the best goes on: The captain looked at the sea, and[\s\S]{40}"],
    "custom_sampler.py": [r"^without e:", r"^careful: [\s\S]{20}", r"^drew \d+ of 30 tokens$"],
    "score.py": [
        r"^log-probability -5\.\d+: little girl$",
        r"^log-probability -7\.\d+: philosopher$",
        r"^log-probability -14\.\d+: steam engine$",
        r"^likeliest: little girl$",
        r"^\d\.\d\d nats a token: She had been there",
        r"^perplexity \d+\.\d$",
    ],
}


def run_blocks(page: Path) -> int:
    """Runs the Python of a page, block by block in one namespace; returns how many blocks there are."""
    blocks = BLOCKS.findall(page.read_text(encoding="utf-8"))
    names: dict[str, object] = {"__name__": page.stem}
    for number, (code, wanted) in enumerate(blocks, 1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, f"{page.name}, block {number}", "exec"), names)
        if wanted:
            assert printed.getvalue() == wanted, f"{page.name}, block {number}"
    return len(blocks)


def test_manual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_blocks(ROOT / "docs/python.md") >= 8


def test_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_blocks(ROOT / "README.md") >= 1


def test_every_example_is_tested() -> None:
    assert {file.name for file in (ROOT / "examples/python").glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str, environment: dict[str, str]) -> None:
    line = [sys.executable, str(ROOT / "examples/python" / name)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    at = 0
    for pattern in EXAMPLES[name]:
        found = re.compile(pattern, re.M).search(done.stdout, at)
        assert found, f"wanted {pattern!r} in {done.stdout[at:]!r}"
        at = found.end()
