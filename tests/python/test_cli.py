"""python -m xlstm_metal, and generate.py at the root."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

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


def test_exit_code_of_a_hub_that_is_not_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert cli.main(["generate", "--model", "org/no-such-model", "--prompt", "a"]) == 5
    assert "HF_HUB_OFFLINE" in capsys.readouterr().err


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


def shell(
    environment: dict[str, str], arguments: str, given: bytes = b"", **more: str
) -> tuple[int, bytes, bytes]:
    """The same by a shell, which closes and redirects; PYTHON stands for the interpreter."""
    line = f'"$PYTHON" -m xlstm_metal generate --max-tokens 3 --temperature 0 {arguments}'
    variables = {**environment, "PYTHON": sys.executable, **more}
    done = subprocess.run(["sh", "-c", line], env=variables, input=given, capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("code", "arguments", "said"),
    [
        (3, "<&-", b"[standard input] wanted"),
        (3, "--interactive <&-", b"[standard input] wanted"),
        (3, "0>/dev/null", b"[standard input] cannot be read: "),
        (3, "--prompt A >&-", b"[standard output] wanted"),
        (2, "--prompt A --seed -1", b"[seed] wanted an integer in [0, 2^64), got -1"),
        (2, "--prompt A --top-k 99999999999", b"[top_k] wanted an integer in [0, 2^31), got 99999999999"),
        (2, "--prompt A --model ''", b"[model] wanted a folder or a name, got an empty one"),
    ],
)
def test_what_cannot_be_done(environment: dict[str, str], code: int, arguments: str, said: bytes) -> None:
    done = shell(environment, arguments)
    assert (done[0], done[1]) == (code, b"")
    assert done[2].startswith(b"xlstm_metal: " + said) and done[2].count(b"\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")
def test_full_disk(environment: dict[str, str]) -> None:
    for what in ("--prompt A", "--info"):
        said = b"xlstm_metal: [standard output] cannot be written: No space left on device\n"
        assert shell(environment, f"{what} >/dev/full") == (3, b"", said)


def test_standard_error_that_is_closed(environment: dict[str, str], runner: xLSTMRunner) -> None:
    answer = runner.complete("A", max_tokens=3, temperature=0)
    assert shell(environment, "--prompt A 2>&-") == (0, answer.text.encode() + b"\n", b"")


def test_prompt_that_is_no_utf8(environment: dict[str, str]) -> None:
    said = b"xlstm_metal: [prompt] wanted Unicode text, got byte 0xff at 1\n"
    assert shell(environment, "", b"a\xff") == (2, b"", said)
    assert shell(environment, "--prompt \"$(printf 'a\\377')\"") == (2, b"", said)


def test_output_that_takes_ascii_alone(environment: dict[str, str], runner: xLSTMRunner) -> None:
    shown = runner.wiring("unicode").encode("ascii", "replace") + b"\n"
    assert shell(environment, "--show-wiring", PYTHONIOENCODING="ascii") == (0, shown, b"")


def test_interactive_begins_with_the_prompt_and_survives_a_line(
    environment: dict[str, str], runner: xLSTMRunner
) -> None:
    code, shown, said = shell(environment, f"-i --prompt '{PROMPT}'", b"a\xff\n And then\n")
    first = runner.complete(PROMPT, max_tokens=3, temperature=0)
    second = runner.complete(" And then", state=first.state, max_tokens=3, temperature=0)
    assert (code, shown.decode()) == (0, f"{first.text}\n{second.text}\n")
    assert said == b"xlstm_metal: [prompt] wanted Unicode text, got byte 0xff at 1\n"


def test_help_names_repositories(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["generate", "--help"])
    assert "org/name@revision" in capsys.readouterr().out
