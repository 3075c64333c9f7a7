"""Nothing grows: not memory, not objects of Python, not those of C++."""

from __future__ import annotations

import gc
import itertools
import subprocess
import sys
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest

from conftest import PROMPT
from xlstm_metal import xLSTMRunner

GENERATIONS = 1000
WARM_UP = 200  # until allocators keep what they will keep


def resident_bytes() -> int:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096


def generate(runner: xLSTMRunner, n: int) -> None:
    def hook(tokens: object, logits: object) -> None:
        pass

    runner.generate(PROMPT, max_tokens=2, seed=n)
    for _ in runner.stream([5, 6], max_tokens=3, logits_processors=[hook]):
        break


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="counts by /proc")
def test_resident_memory(runner: xLSTMRunner) -> None:
    """A row of logits, 16 KiB, is the smallest array of an answer, a state has 260 KiB: a leak of one of
    them in each of 800 rounds would be 12.5 MiB or more. Half of that is allowed."""
    for n in range(WARM_UP):
        generate(runner, n)
    gc.collect()
    before = resident_bytes()
    for n in range(GENERATIONS - WARM_UP):
        generate(runner, n)
    gc.collect()
    assert resident_bytes() - before < (GENERATIONS - WARM_UP) * 8192


def test_objects_of_python(runner: xLSTMRunner) -> None:
    """The smallest object has 16 bytes: less than that a round is none a round."""
    for n in range(20):
        generate(runner, n)
    gc.collect()
    tracemalloc.start()
    try:
        generate(runner, 0)
        gc.collect()
        objects, before = len(gc.get_objects()), tracemalloc.get_traced_memory()[0]
        for n in range(WARM_UP):
            generate(runner, n)
        gc.collect()
        assert len(gc.get_objects()) - objects < WARM_UP
        assert tracemalloc.get_traced_memory()[0] - before < WARM_UP * 16
    finally:
        tracemalloc.stop()


class Holder:
    """A hook that holds the answer whose hook it is."""

    def __init__(self, runner: xLSTMRunner, count: int) -> None:
        self.stream = runner.stream("A", max_tokens=count, logits_processors=[self.hook], sampler=self.sample)

    def hook(self, tokens: object, logits: object) -> None:
        pass

    def sample(self, logprobs: np.ndarray) -> int:
        return int(logprobs.argmax())


@pytest.mark.parametrize("taken", [0, 1, 3], ids=["not begun", "under way", "ended"])
def test_hook_that_holds_its_stream(runner: xLSTMRunner, taken: int) -> None:
    holder = Holder(runner, 3)
    assert sum(1 for _ in itertools.islice(holder.stream, taken + (taken == 3))) == taken
    left = weakref.ref(holder)
    del holder
    gc.collect()
    assert left() is None


def test_ended_stream_keeps_no_batch(runner: xLSTMRunner) -> None:
    def hook(tokens: object, logits: object) -> None:
        pass

    kept = weakref.ref(hook)
    ended = runner.stream("A", max_tokens=2, logits_processors=[hook])
    closed = runner.stream("A", max_tokens=2, logits_processors=[hook])
    assert len(list(ended)) == 2
    closed.close()
    del hook
    gc.collect()
    assert kept() is None
    assert ended._run.batch is None and closed._run.batch is None
    assert ended.completion.stop_reason == "max_tokens"


# What C++ has bound is counted by nanobind, which says at the end what is left.
EVERYTHING = """
from xlstm_metal import _native, xLSTMRunner, UsageError
_native.set_leak_warnings(True)
runner = xLSTMRunner("classics-8m")
state = runner.forward([[1, 2], [3, 4]])[1][0].fork()
runner.complete("A", max_tokens=2, state=state, regex="a+", logits_processors=[lambda t, l: l])
stream = runner.stream("B")
next(stream)
left_open = runner.stream("C")
next(left_open)
runner.complete_batch(["A", "B"], max_tokens=2, keep_states=True)
runner.score("A")
try:
    runner.complete("A", temperature=-1)
except UsageError:
    pass
def broken(tokens, logits):
    raise LookupError
try:
    runner.complete("A", logits_processors=[broken])
except LookupError:
    pass
print("done")
"""


def test_objects_of_cpp_at_the_end(environment: dict[str, str]) -> None:
    line = [sys.executable, "-c", EVERYTHING]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_what_a_leak_would_look_like(environment: dict[str, str]) -> None:
    """The test before this one can fail."""
    leak = "import ctypes; ctypes.pythonapi.Py_IncRef(ctypes.py_object(state))"
    line = [sys.executable, "-c", EVERYTHING + leak]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert "leaked" in done.stderr
