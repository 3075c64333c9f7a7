"""complete_batch(): answers of prompts of unequal length, computed together."""

from __future__ import annotations

import pytest

from conftest import PROMPT
from xlstm_metal import Completion, UsageError, xLSTMRunner

PROMPTS = [PROMPT, "Yes", "It was the best of times, it was the worst of times, it was " * 8, [5, 6, 7], "A"]


def test_each_is_as_alone(runner: xLSTMRunner) -> None:
    together = runner.complete_batch(PROMPTS, max_tokens=16, temperature=0)
    for prompt, answer in zip(PROMPTS, together, strict=True):
        alone = runner.complete(prompt, max_tokens=16, temperature=0)
        assert (answer.text, answer.tokens) == (alone.text, alone.tokens)
        assert answer.prompt_tokens == alone.prompt_tokens and answer.state is None


def test_seeds(runner: xLSTMRunner) -> None:
    seeds = list(range(len(PROMPTS)))
    together = runner.complete_batch(PROMPTS, max_tokens=8, seed=seeds)
    for prompt, seed, answer in zip(PROMPTS, seeds, together, strict=True):
        assert answer.seed == seed
        assert answer.tokens == runner.complete(prompt, max_tokens=8, seed=seed).tokens
    same = runner.complete_batch([PROMPT] * 3, max_tokens=8, seed=7)
    assert len({tuple(answer.tokens) for answer in same}) == 1
    with pytest.raises(UsageError, match="seed"):
        runner.complete_batch(PROMPTS, seed=[1, 2])


def test_from_states_few_at_a_time(runner: xLSTMRunner, greedy: Completion) -> None:
    read = runner.complete(PROMPT, max_tokens=0).state
    assert read is not None
    before = runner.state
    answers = runner.complete_batch(
        [[], [], " and"], states=read, max_rows=2, keep_states=True, max_tokens=24, temperature=0
    )
    assert answers[0].tokens == answers[1].tokens == greedy.tokens
    assert runner.state is before
    assert [answer.state.position - read.position for answer in answers if answer.state] == [24, 24, 25]


def test_nothing_to_answer(runner: xLSTMRunner) -> None:
    assert runner.complete_batch([]) == []


def test_an_error_of_one_row(runner: xLSTMRunner) -> None:
    def broken(tokens: object, logits: object) -> None:
        raise KeyError("of a processor")

    with pytest.raises(KeyError, match="of a processor"):
        runner.complete_batch(["A", "B"], logits_processors=[broken])
    with pytest.raises(UsageError):
        runner.complete_batch(["A", [9999]])
