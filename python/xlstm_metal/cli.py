"""``python -m xlstm_metal generate``: the command line that the project was first known for.

The program ``xlstm`` of the C++ build does more, and does not need Python.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from .errors import FileError, NetworkError, OutOfMemoryError, UsageError, XlstmError
from .model import WIRING_STYLES
from .runner import xLSTMRunner

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit code, which is that of ``xlstm`` for the same error."""
    options = _parser().parse_args(arguments)
    try:
        _open_streams()
        code = _generate(options)
        sys.stdout.flush()
        return code
    except XlstmError as error:
        print(f"xlstm_metal: {error}", file=sys.stderr)
        return _exit_code(error)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:  # who reads has seen enough
        _drop_output()
        return 0
    except OSError as error:
        print(f"xlstm_metal: [standard output] cannot be written: {error.strerror}", file=sys.stderr)
        _drop_output()
        return 3


def _open_streams() -> None:
    """What a text cannot be written as is written as "?"; bytes that are no text are told as such later."""
    if sys.stdout is None:
        raise FileError("[standard output] wanted one that is open, got none")
    for stream, errors in ((sys.stdout, "replace"), (sys.stdin, "surrogateescape")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _drop_output() -> None:
    """What is left in the buffer goes nowhere, so that the end of Python does not try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="xlstm_metal", description="xLSTM language models")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("generate", help="continue a prompt")
    command.add_argument(
        "--model",
        "-m",
        default="classics-8m",
        help="folder, name of an embedded model (classics-8m), or of a repository of the Hugging Face hub: "
        "org/name, org/name@revision",
    )
    command.add_argument("--prompt", "-p", help="the text to continue; standard input where it is left out")
    command.add_argument("--max-tokens", type=int, default=100, help="tokens of the answer (100)")
    command.add_argument("--temperature", type=float, default=1.0, help="0: always the likeliest token (1.0)")
    command.add_argument("--top-k", type=int, help="draw among the likeliest K alone")
    command.add_argument("--top-p", type=float, help="draw among the likeliest with this mass together")
    command.add_argument("--seed", type=int, help="same seed, same text")
    command.add_argument("--quantize", help='quantise while loading: 2 to 6 or 8, "4/32", mxfp4')
    command.add_argument(
        "--interactive",
        "-i",
        action="store_true",
        help="ask for prompts, after --prompt; each goes on from the last answer",
    )
    command.add_argument("--info", action="store_true", help="print what the model is, as JSON, and leave")
    command.add_argument("--show-wiring", action="store_true", help="print the model's structure")
    command.add_argument(
        "--wiring-style", default="unicode", choices=WIRING_STYLES, help="of that"
    )
    return parser


def _generate(options: argparse.Namespace) -> int:
    runner = xLSTMRunner.from_pretrained(
        options.model,
        quantize=options.quantize,
        show_wiring=options.show_wiring,
        wiring_style=options.wiring_style,
    )
    if options.info:
        print(json.dumps(runner.get_model_info(), indent=2))
        return 0
    if options.show_wiring and options.prompt is None and not options.interactive:
        return 0
    if options.interactive:
        return _converse(runner, options)
    prompt = _read(_standard_input().read) if options.prompt is None else options.prompt
    _answer(runner, prompt, options)
    return 0


def _standard_input() -> TextIO:
    if sys.stdin is None:
        raise FileError("[standard input] wanted one that is open, or --prompt, got neither")
    return sys.stdin


def _read(read: Callable[[], str]) -> str:
    try:
        return read()
    except OSError as error:
        raise FileError(f"[standard input] cannot be read: {error.strerror}") from error


def _answer(runner: xLSTMRunner, prompt: str, options: argparse.Namespace) -> None:
    stream = runner.stream(
        prompt,
        state=runner.state,
        max_tokens=options.max_tokens,
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        seed=options.seed,
    )
    for token in stream:
        print(token.text, end="", flush=True)
    print()


def _prompts(first: str | None) -> Iterator[str]:
    if first is not None:
        yield first
    is_terminal = _standard_input().isatty()
    while True:
        try:
            yield _read(lambda: input("> " if is_terminal else ""))
        except EOFError:
            return


def _converse(runner: xLSTMRunner, options: argparse.Namespace) -> int:
    """Prompts until the end of the input; one that cannot be answered ends nothing, nor does Ctrl-C within
    an answer."""
    for prompt in _prompts(options.prompt):
        try:
            _answer(runner, prompt, options)
        except KeyboardInterrupt:
            print()
        except XlstmError as error:
            print(f"xlstm_metal: {error}", file=sys.stderr)
    return 0


def _exit_code(error: XlstmError) -> int:
    for kind, code in ((UsageError, 2), (OutOfMemoryError, 4), (NetworkError, 5)):
        if isinstance(error, kind):
            return code
    return 3 if isinstance(error, (FileError, ValueError)) else 1
