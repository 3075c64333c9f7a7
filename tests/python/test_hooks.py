"""Logits processors, samplers and constraints."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import numpy as np
import pytest

from conftest import PROMPT
from xlstm_metal import Completion, UsageError, xLSTMRunner


def test_processor_changes_the_row_in_place(runner: xLSTMRunner, greedy: Completion) -> None:
    forbidden = greedy.tokens[0]

    def without(tokens: np.ndarray, logits: np.ndarray) -> None:
        assert tokens.dtype == np.int32 and logits.dtype == np.float32 and logits.shape == (4096,)
        logits[forbidden] = -np.inf

    answer = runner.complete(PROMPT, max_tokens=24, temperature=0, logits_processors=[without])
    assert forbidden not in answer.tokens
    assert answer.tokens[0] == np.argsort(runner.forward(runner.prompt_ids(PROMPT))[0][-1])[-2]


def test_processor_sees_all_tokens_and_may_keep_them(runner: xLSTMRunner, greedy: Completion) -> None:
    seen = []
    runner.complete(
        PROMPT,
        max_tokens=4,
        temperature=0,
        logits_processors=[lambda tokens, logits: seen.append((tokens, logits))],
    )
    prompt = runner.prompt_ids(PROMPT)
    assert [tokens.tolist() for tokens, _ in seen] == [prompt + greedy.tokens[:n] for n in range(4)]
    assert [int(np.argmax(logits)) for _, logits in seen] == greedy.tokens[:4]


def test_processors_in_their_order_and_arrays_that_they_return(runner: xLSTMRunner) -> None:
    import mlx.core as mx

    def only_seven(tokens: Any, logits: Any) -> Any:
        return np.where(np.arange(4096) == 7, 0.0, -np.inf)  # float64

    def counted(tokens: Any, logits: Any) -> Any:
        assert logits.dtype == np.float32 and logits.shape == (4096,)
        return (logits == 0).astype(int) * 1000

    for last in (lambda t, l: l[None], lambda t, l: mx.array(l), lambda t, l: list(l), lambda t, l: None, counted):
        answer = runner.complete("A", max_tokens=2, logits_processors=[only_seven, last])
        assert answer.tokens == [7, 7]


@pytest.mark.parametrize("wrong", [np.zeros(5), "text", np.zeros((2, 2048)), 5, object()], ids=str)
def test_what_a_processor_must_not_return(runner: xLSTMRunner, wrong: Any) -> None:
    with pytest.raises(UsageError, match="logits processor"):
        runner.complete("A", logits_processors=[lambda tokens, logits: wrong])


def test_error_of_a_processor_passes_and_leaves_the_state(runner: xLSTMRunner) -> None:
    before = runner.state

    def broken(tokens: np.ndarray, logits: np.ndarray) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        runner.generate(PROMPT, logits_processors=[broken])
    assert runner.state is before


def test_sampler_chooses(runner: xLSTMRunner, greedy: Completion) -> None:
    def likeliest(logprobs: np.ndarray) -> int:
        assert logprobs.shape == (4096,)
        # A sum of 4096 float32 numbers, relative error below 4096 x 2^-24.
        assert float(np.exp(logprobs).sum()) == pytest.approx(1, abs=2.5e-4)
        return int(np.argmax(logprobs))

    assert runner.complete(PROMPT, max_tokens=24, sampler=likeliest).tokens == greedy.tokens
    with pytest.raises(UsageError, match="sampler"):
        runner.complete(PROMPT, sampler=lambda logprobs: 4096)


def test_sampler_and_constraint_exclude_each_other(runner: xLSTMRunner) -> None:
    for constraint in ({"regex": "a+"}, {"json": True}, {"json_schema": {"type": "object"}}):
        with pytest.raises(UsageError, match=rf"^\[sampler\] wanted none beside {next(iter(constraint))}"):
            runner.complete("A", sampler=lambda logprobs: logprobs.argmax(), **constraint)


def test_what_are_no_hooks(runner: xLSTMRunner) -> None:
    for name, wrong in (("sampler", 5), ("logits_processors", [5]), ("logits_processors", lambda t, l: l)):
        with pytest.raises(UsageError, match=rf"^\[{name}\] wanted .*, got "):
            runner.complete("A", **{name: wrong})
    with pytest.raises(UsageError, match=r"^\[sampler\] wanted a token id, got 'a'"):
        runner.complete("A", sampler=lambda logprobs: "a")


def test_stop_iteration_of_a_hook_is_no_end(runner: xLSTMRunner) -> None:
    def stop(tokens: Any, logits: Any) -> None:
        raise StopIteration

    for call in (runner.complete, runner.generate, lambda p, **o: runner.complete_batch([p], **o)):
        with pytest.raises(RuntimeError, match="StopIteration"):
            call("A", logits_processors=[stop])


def test_own_stream_within_a_hook(runner: xLSTMRunner, greedy: Completion) -> None:
    refused = []

    def meddle(tokens: Any, logits: Any) -> None:
        for use in (lambda: next(stream), stream.close, stream.answer, lambda: stream.completion):
            with pytest.raises(UsageError, match="one caller at a time"):
                use()
        refused.append(len(tokens))

    stream = runner.stream(PROMPT, max_tokens=3, temperature=0, logits_processors=[meddle])
    assert [token.id for token in stream] == greedy.tokens[:3] and len(refused) == 3


def test_stream_of_two_threads(runner: xLSTMRunner, greedy: Completion) -> None:
    said: list[BaseException] = []

    def use() -> None:
        try:
            next(stream)
        except UsageError as error:
            said.append(error)

    def meddle(tokens: Any, logits: Any) -> None:
        other = threading.Thread(target=use)
        other.start()
        other.join()

    stream = runner.stream(PROMPT, max_tokens=2, temperature=0, logits_processors=[meddle])
    assert [token.id for token in stream] == greedy.tokens[:2] and len(said) == 2


def test_bias_and_penalties(runner: xLSTMRunner, greedy: Completion) -> None:
    answer = runner.complete(PROMPT, max_tokens=5, temperature=0, logit_bias={11: 1000.0})
    assert answer.tokens == [11] * 5
    other = runner.complete(PROMPT, max_tokens=24, temperature=0, repetition_penalty=1.5)
    assert other.tokens != greedy.tokens


def test_regex(runner: xLSTMRunner) -> None:
    pattern = r"(Yes|No), [a-z ]{5,20}\."
    answer = runner.complete(PROMPT, max_tokens=60, seed=2, regex=pattern)
    assert answer.stop_reason == "complete" and re.fullmatch(pattern, answer.text)
    with pytest.raises(UsageError):
        runner.complete(PROMPT, regex="(")


def test_json(runner: xLSTMRunner) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"enum": ["Tom", "Huck"]}, "old": {"type": "boolean"}},
        "required": ["name", "old"],
        "additionalProperties": False,
    }
    for given in (schema, json.dumps(schema)):
        answer = runner.complete("Tom is:", max_tokens=80, seed=3, json_schema=given)
        found = json.loads(answer.text)
        assert found["name"] in ("Tom", "Huck") and isinstance(found["old"], bool)
    assert runner.complete("{", max_tokens=5, seed=1, json=True).text.lstrip().startswith("{")
    with pytest.raises(UsageError, match="one of"):
        runner.complete("A", json=True, regex="a")


def test_options_that_there_are_not(runner: xLSTMRunner) -> None:
    with pytest.raises(TypeError, match="temprature"):
        runner.complete("A", temprature=1)  # type: ignore[call-arg]
    for wrong in ({"temperature": -1.0}, {"top_p": 2.0}, {"max_tokens": -1}, {"min_p": 7.0}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            runner.complete("A", **wrong)
