"""What the tests of the Python package share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import xlstm_metal
from xlstm_metal import xLSTMRunner

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models/classics-8m"
PROMPT = "The old man looked at the sea, and"


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody's caches are used or changed."""
    os.environ["XLSTM_CACHE"] = str(tmp_path_factory.mktemp("xlstm"))
    os.environ["HF_HOME"] = str(tmp_path_factory.mktemp("hf"))


@pytest.fixture(scope="session")
def runner() -> xLSTMRunner:
    """A runner that tests share: none may rely on its state."""
    return xLSTMRunner(MODEL)


@pytest.fixture(scope="session")
def greedy(runner: xLSTMRunner) -> xlstm_metal.Completion:
    """The answer that is wanted wherever the likeliest tokens are chosen."""
    return runner.complete(PROMPT, max_tokens=24, temperature=0)


@pytest.fixture(scope="session")
def program() -> str:
    """The path of the command line that was built with the package."""
    found = os.environ.get("XLSTM_PROGRAM")
    assert found, "XLSTM_PROGRAM names the program xlstm"
    return found


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """What another Python needs to find the package that is tested."""
    package = Path(xlstm_metal.__file__).resolve().parent.parent
    found = Path(xlstm_metal.__file__).parent.parent
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(found), str(package)])}
