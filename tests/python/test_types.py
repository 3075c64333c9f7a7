"""Types: the package as mypy sees it, a program that uses it, and stubs that are true."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from xlstm_metal import _native

PACKAGE = ROOT / "python/xlstm_metal"

USER = """
import numpy as np
import numpy.typing as npt
from xlstm_metal import Completion, State, load, stream_generate, xLSTMRunner

def hook(tokens: npt.NDArray[np.int32], logits: npt.NDArray[np.float32]) -> None:
    logits[0] = -np.inf

runner: xLSTMRunner = xLSTMRunner.from_pretrained("classics-8m", quantize="4/32")
ids: list[int] = runner.generate("A", max_tokens=3, top_k=4, logits_processors=[hook], stop=["."])
answer: Completion = runner.complete([1, 2], seed=3, json_schema={"type": "object"})
state: State = runner.state.fork()
pieces: list[str] = [token.text for token in runner.stream("A", state=state)]
scores: npt.NDArray[np.float32] = runner.score("A")
model, tokenizer = load("classics-8m")
for response in stream_generate(model, tokenizer, "A"):
    text: str = response.text
reveal_type(runner.complete_batch(["A"], seed=[1]))
"""


def mypy(*arguments: str) -> str:
    line = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *arguments]
    done = subprocess.run(
        [*line, "--no-error-summary", "--cache-dir", "/dev/null"],
        env={"MYPYPATH": str(PACKAGE.parent)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_package_is_strict() -> None:
    assert mypy(str(PACKAGE), str(ROOT / "generate.py")) == ""


def test_program_that_uses_it(tmp_path: Path) -> None:
    program = tmp_path / "user.py"
    program.write_text(USER)
    (said,) = mypy(str(program)).splitlines()
    assert said.endswith('note: Revealed type is "list[xlstm_metal.generation.Completion]"')
    program.write_text('from xlstm_metal import xLSTMRunner\nxLSTMRunner("m").complete("A", top_q=1)\n')
    assert "top_q" in mypy(str(program))


def stub() -> ast.Module:
    return ast.parse((PACKAGE / "_native.pyi").read_text())


def members(body: list[ast.stmt]) -> set[str]:
    names = {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    return names | {
        node.target.id for node in body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def public(thing: object) -> set[str]:
    return {name for name in vars(thing) if not name.startswith("_")}


def test_stub_names_what_the_module_has() -> None:
    assert {name for name in members(stub().body) if not name.startswith("_")} == public(_native)


@pytest.mark.parametrize("name", [node.name for node in stub().body if isinstance(node, ast.ClassDef)])
def test_stub_names_what_a_class_has(name: str) -> None:
    (node,) = (node for node in stub().body if isinstance(node, ast.ClassDef) and node.name == name)
    found = {member for member in members(node.body) if not member.startswith("_")}
    assert found == public(getattr(_native, name))


def test_public_things_have_docstrings() -> None:
    import xlstm_metal

    for name in xlstm_metal.__all__:
        thing = getattr(xlstm_metal, name)
        assert thing.__doc__, name
        if isinstance(thing, type):
            for member in public(thing):
                value = getattr(thing, member)
                if callable(value) or isinstance(value, property):
                    assert value.__doc__, f"{name}.{member}"
