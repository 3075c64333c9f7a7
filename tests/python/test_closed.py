"""Answers that are closed before their end say that they were cancelled."""

from __future__ import annotations

from conftest import PROMPT
from xlstm_metal import _native, xLSTMRunner
from xlstm_metal.request import make_request


def test_a_closed_stream(runner: xLSTMRunner) -> None:
    stream = runner.stream(PROMPT, max_tokens=100, stop_tokens=[])
    first = next(stream)
    stream.close()
    answer = stream.completion
    assert answer.stop_reason == "cancelled"
    assert answer.tokens[0] == first.id and len(answer.tokens) < 100
    assert answer.state is not None


def test_one_closed_before_its_first_token(runner: xLSTMRunner) -> None:
    stream = runner.stream(PROMPT, max_tokens=5)
    assert stream.completion.stop_reason == "cancelled"


def test_one_that_has_ended_keeps_its_reason(runner: xLSTMRunner) -> None:
    stream = runner.stream(PROMPT, max_tokens=3, stop_tokens=[])
    assert len([next(stream) for _ in range(3)]) == 3
    stream.close()
    assert stream.completion.stop_reason == "max_tokens"


def test_a_row_that_is_taken_out(runner: xLSTMRunner) -> None:
    engine = runner._engine
    batch = _native.batch(engine)
    asked = [make_request(engine, PROMPT, {"max_tokens": 9, "stop_tokens": []}) for _ in range(2)]
    rows = [batch.add(runner.new_state(), each.request) for each in asked]
    batch.step()
    removed = batch.remove(rows[0])
    assert (removed.stop_reason, removed.has_failed) == ("cancelled", False)
    while batch.step():
        pass
    ended = batch.take_finished()
    assert [(answer.row, answer.stop_reason) for answer in ended] == [(rows[1], "max_tokens")]
