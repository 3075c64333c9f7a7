"""Threads: with runners of their own, with one, with one state; and who waits for whom."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from conftest import MODEL, PROMPT
from xlstm_metal import Completion, UsageError, xLSTMRunner


def both(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """Their results, of two threads that begin together."""
    gate = threading.Barrier(2)

    def run(call: Callable[[], Any]) -> Any:
        gate.wait()
        return call()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, (first, second)))


def test_two_runners(greedy: Completion) -> None:
    runners = [xLSTMRunner(MODEL) for _ in range(2)]
    answers = both(
        *(lambda runner=runner: runner.complete(PROMPT, max_tokens=24, temperature=0) for runner in runners)
    )
    assert [answer.tokens for answer in answers] == [greedy.tokens] * 2


def test_one_runner(runner: xLSTMRunner, greedy: Completion) -> None:
    def answer() -> list[list[int]]:
        return [runner.complete(PROMPT, max_tokens=24, temperature=0).tokens for _ in range(4)]

    assert both(answer, answer) == [[greedy.tokens] * 4] * 2


def test_one_state(runner: xLSTMRunner) -> None:
    state = runner.new_state()

    def read() -> None:
        for _ in range(20):
            state.score([5, 6, 7])
            assert state.fork().position % 3 == 0
            state.next_logits()

    both(read, read)
    assert state.position == 2 * 20 * 3


def test_who_waits_for_the_engine_lets_python_run(runner: xLSTMRunner) -> None:
    """One thread answers with a hook in Python, the other makes and drops states: neither waits for ever."""

    def answer() -> int:
        hook = [lambda tokens, logits: None]
        return len(runner.complete(PROMPT, max_tokens=60, stop_tokens=[], logits_processors=hook).tokens)

    def make_and_drop() -> int:
        states = [runner.forward([n, n + 1])[1] for n in range(60)]
        del states[::2]
        return len(states)

    assert both(answer, make_and_drop) == [60, 30]


def test_a_call_from_its_own_callback(runner: xLSTMRunner) -> None:
    positions = []

    def asks(tokens: np.ndarray, logits: np.ndarray) -> None:
        positions.append(runner.forward([1, 2, 3])[1].position)  # the engine may be used

    runner.complete(PROMPT, max_tokens=2, logits_processors=[asks])
    assert positions == [3, 3]

    stream = runner.stream(PROMPT, logits_processors=[lambda tokens, logits: stream._run.batch.step()])
    with pytest.raises(UsageError, match="from within"):
        next(stream)
