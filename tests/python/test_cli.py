"""python -m xlstm_metal, and generate.py at the root."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

from conftest import MODEL, PROMPT, ROOT
from xlstm_metal import Completion, cli, xLSTMRunner

GREEDY = ["--prompt", PROMPT, "--temperature", "0", "--max-tokens", "24"]


def run(environment: dict[str, str], start: Sequence[str], *options: str, **more: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, *start, "--model", str(MODEL), *options],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **more,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("start", [["-m", "xlstm_metal", "generate"], [str(ROOT / "generate.py")]])
def test_text(environment: dict[str, str], greedy: Completion, start: list[str]) -> None:
    assert run(environment, start, *GREEDY) == (0, greedy.text + "\n", "")


def test_prompt_of_standard_input(environment: dict[str, str], greedy: Completion) -> None:
    done = run(environment, ["-m", "xlstm_metal", "generate"], *GREEDY[2:], input=PROMPT)
    assert done == (0, greedy.text + "\n", "")


def test_flags(capsys: pytest.CaptureFixture[str], runner: xLSTMRunner) -> None:
    drawn = ["--max-tokens", "9", "--temperature", "0.7", "--top-k", "20", "--top-p", "0.9", "--seed", "3"]
    assert cli.main(["generate", "--prompt", PROMPT, *drawn]) == 0
    answer = runner.complete(PROMPT, max_tokens=9, temperature=0.7, top_k=20, top_p=0.9, seed=3)
    assert capsys.readouterr().out == answer.text + "\n"


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["generate", "--info"]) == 0
    assert json.loads(capsys.readouterr().out)["num_blocks"] == 8


def test_wiring(capsys: pytest.CaptureFixture[str], runner: xLSTMRunner) -> None:
    assert cli.main(["generate", "--show-wiring", "--wiring-style", "ascii"]) == 0
    assert capsys.readouterr().out == runner.wiring("ascii") + "\n"


def test_interactive(environment: dict[str, str], runner: xLSTMRunner) -> None:
    line = ["-m", "xlstm_metal", "generate"]
    options = ["--interactive", "--temperature", "0", "--max-tokens", "8"]
    code, shown, _ = run(environment, line, *options, input=f"{PROMPT}\n And then\n")
    first = runner.complete(PROMPT, max_tokens=8, temperature=0)
    second = runner.complete(" And then", state=first.state, max_tokens=8, temperature=0)
    assert (code, shown) == (0, f"{first.text}\n{second.text}\n")


def test_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    for code, line in (
        (2, ["--prompt", "A", "--temperature", "-1"]),
        (2, ["--prompt", "A", "--quantize", "7"]),
        (3, ["--model", "./no/model", "--prompt", "A"]),
    ):
        assert cli.main(["generate", *line]) == code
        said = capsys.readouterr()
        assert said.out == "" and said.err.startswith("xlstm_metal: [") and said.err.count("\n") == 1
    with pytest.raises(SystemExit, match="2"):
        cli.main(["generate", "--nonsense"])


def test_interrupt(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(runner: object, prompt: object, options: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(cli, "_answer", interrupted)
    assert cli.main(["generate", "--prompt", "A"]) == 130


def test_reader_that_leaves(environment: dict[str, str]) -> None:
    line = [sys.executable, "-m", "xlstm_metal", "generate", "--prompt", PROMPT, "--max-tokens", "2000"]
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (0, b"")
