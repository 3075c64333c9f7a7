"""KeyboardInterrupt: it ends a call, and what is kept goes on. Signals are sent from within, at known places."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from conftest import MODEL, PROMPT
from xlstm_metal import Completion, xLSTMRunner


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_within_a_processor(runner: xLSTMRunner, greedy: Completion) -> None:
    before = runner.state
    calls = []

    def third_time(tokens: np.ndarray, logits: np.ndarray) -> None:
        calls.append(len(tokens))
        if len(calls) == 3:
            interrupt()

    with pytest.raises(KeyboardInterrupt):
        runner.generate(PROMPT, max_tokens=10**9, stop_tokens=[], logits_processors=[third_time])
    assert len(calls) == 3 and runner.state is before
    assert runner.complete(PROMPT, max_tokens=24, temperature=0).tokens == greedy.tokens


def test_from_another_thread(runner: xLSTMRunner, greedy: Completion) -> None:
    """The answer has no other end than the signal, which comes once the answer has begun."""
    begun = threading.Event()
    sender = threading.Thread(target=lambda: (begun.wait(), interrupt()))
    sender.start()
    with pytest.raises(KeyboardInterrupt):
        runner.generate(
            PROMPT, max_tokens=10**9, stop_tokens=[], logits_processors=[lambda tokens, logits: begun.set()]
        )
    sender.join()
    assert runner.complete(PROMPT, max_tokens=24, temperature=0).tokens == greedy.tokens


def test_between_tokens_of_a_stream(runner: xLSTMRunner, greedy: Completion) -> None:
    taken = []
    with pytest.raises(KeyboardInterrupt):
        for token in runner.stream(PROMPT, max_tokens=10**9, temperature=0):
            taken.append(token.id)
            if len(taken) == 5:
                interrupt()
    assert taken == greedy.tokens[:5]
    read = runner.state.position - len(runner.prompt_ids(PROMPT))
    assert read in (4, 5)
    rest = runner.complete(greedy.tokens[read:5], state=runner.state, max_tokens=19, temperature=0)
    assert rest.tokens == greedy.tokens[5:]


def test_within_a_batch(runner: xLSTMRunner) -> None:
    begun = threading.Event()
    sender = threading.Thread(target=lambda: (begun.wait(), interrupt()))
    sender.start()
    with pytest.raises(KeyboardInterrupt):
        runner.complete_batch(
            [PROMPT, "A"],
            max_tokens=10**9,
            stop_tokens=[],
            logits_processors=[lambda tokens, logits: begun.set()],
        )
    sender.join()
    assert len(runner.complete_batch([PROMPT, "A"], max_tokens=2)) == 2


def test_while_a_model_is_loaded() -> None:
    shares = []

    def told(share: float) -> None:
        shares.append(share)
        interrupt()

    with pytest.raises(KeyboardInterrupt):
        xLSTMRunner(MODEL, on_progress=told)
    assert len(shares) == 1


def test_error_while_a_model_is_loaded() -> None:
    def told(share: float) -> None:
        raise LookupError(f"at {share}")

    with pytest.raises(LookupError, match="at "):
        xLSTMRunner(MODEL, on_progress=told)
