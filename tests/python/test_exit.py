"""The interpreter's end while other threads compute: the process ends well, and without a word."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGINNING = """
import os, threading
from xlstm_metal import UsageError, xLSTMRunner
runner = xLSTMRunner("classics-8m")
begun = threading.Event()
def begin(*arguments):
    begun.set()
def for_ever(call):
    def loop():
        while True:
            call()
            begun.set()
    threading.Thread(target=loop, daemon=True).start()
"""

# What daemon threads do, until the event `begun` and after it.
THREADS = {
    "forward": "for_ever(lambda: runner.forward([1] * 300))",
    "perplexity": "for_ever(lambda: runner.perplexity([1] * 300))",
    "score": "for_ever(lambda: runner.new_state().score([1] * 300))",
    "stream": "for_ever(lambda: list(runner.stream('A', max_tokens=50)))",
    "encode": "for_ever(lambda: runner.tokenizer.encode('the sea ' * 999))",
    "load": "for_ever(lambda: xLSTMRunner('classics-8m', on_progress=begin))",
    "error": """
def wrong():
    try:
        runner.forward([-1])
    except UsageError:
        pass
for_ever(wrong)
""",
    "hook": "for_ever(lambda: runner.complete('A', max_tokens=50, logits_processors=[begin]))",
    "several": "for n in range(4): for_ever(lambda: runner.complete('A', max_tokens=9))",
    # Within a hook, and so in possession of the model, when the end comes.
    "waiting hook": """
def wait(tokens, logits):
    begun.set()
    threading.Event().wait()
for_ever(lambda: runner.complete('A', logits_processors=[wait]))
""",
    "busy hook": """
def compute(tokens, logits):
    begun.set()
    while True:
        pass
for_ever(lambda: runner.complete('A', logits_processors=[compute]))
""",
}

ENDING = """
begun.wait()
print("done")
"""


def run(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", code]
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("name", THREADS)
def test_daemon_threads(name: str, environment: dict[str, str]) -> None:
    """What is left at the end is dropped while such a thread may hold the model."""
    left = "state = runner.new_state()\nstream = runner.stream('B')\nnext(stream)\n"
    done = run(BEGINNING + left + THREADS[name] + ENDING, environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_atexit(environment: dict[str, str]) -> None:
    code = "import atexit\natexit.register(lambda: print(len(runner.generate([1], max_tokens=2))))\n"
    done = run(BEGINNING + code + "print('done')", environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n3\n", "")


def test_calls_while_it_ends_are_refused(environment: dict[str, str]) -> None:
    code = """
class Late:
    def __init__(self):
        self.state, self.error, self.write = runner.new_state(), RuntimeError, os.write
    def __del__(self):
        try:
            self.state.next_logits()
        except self.error as error:
            self.write(1, str(error).encode())
late = Late()
"""
    done = run(BEGINNING + code, environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "[python] wanted a call before the interpreter's end, got one while it ends"
