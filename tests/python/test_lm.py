"""load, generate and stream_generate, as users of mlx-lm know them."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from conftest import MODEL, PROMPT
from xlstm_metal import Completion, UsageError, generate, load, stream_generate, xLSTMRunner
from xlstm_metal.lm import GenerationResponse, make_prompt_cache, make_sampler


def test_load() -> None:
    model, tokenizer = load(str(MODEL))
    assert isinstance(model, xLSTMRunner) and tokenizer.decode(tokenizer.encode("A b")) == "A b"


def test_generate_is_greedy(runner: xLSTMRunner, greedy: Completion) -> None:
    text = generate(runner, runner.tokenizer, prompt=PROMPT, max_tokens=24)
    assert text == greedy.text
    ids = runner.prompt_ids(PROMPT)
    assert generate(runner, runner.tokenizer, prompt=ids, max_tokens=24, logprobs=False) == greedy.text


def test_verbose_prints(
    runner: xLSTMRunner, greedy: Completion, capsys: pytest.CaptureFixture[str]
) -> None:
    generate(runner, runner.tokenizer, prompt=PROMPT, max_tokens=24, verbose=True)
    shown = capsys.readouterr().out
    assert shown.startswith(greedy.text + "\n==========\nPrompt: 10 tokens, ")
    assert "Generation: 24 tokens, " in shown and "Peak memory: 0." in shown


def test_responses(runner: xLSTMRunner, greedy: Completion) -> None:
    responses = list(stream_generate(runner, runner.tokenizer, PROMPT, max_tokens=24))
    assert "".join(response.text for response in responses) == greedy.text
    assert [response.token for response in responses] == greedy.tokens
    assert [response.generation_tokens for response in responses] == list(range(1, 25))
    assert [response.finish_reason for response in responses] == [None] * 23 + ["length"]
    last = responses[-1]
    assert last.prompt_tokens == len(runner.prompt_ids(PROMPT))
    assert min(last.prompt_tps, last.generation_tps, last.peak_memory) > 0 and not last.from_draft
    for response in responses:
        assert isinstance(response.logprobs, mx.array) and response.logprobs.shape == (4096,)
        assert int(mx.argmax(response.logprobs)) == response.token


def test_end_token(runner: xLSTMRunner) -> None:
    end = runner.tokenizer.eos_token_id

    def ends(tokens: Any, logits: Any) -> Any:
        assert tokens.dtype == mx.int32 and logits.shape == (1, 4096)
        return mx.where(mx.arange(4096) == end, 0.0, -mx.inf)[None]

    for most in (1, 5):  # also where it is the last that may come
        (only,) = stream_generate(
            runner, runner.tokenizer, PROMPT, max_tokens=most, logits_processors=[ends]
        )
        assert (only.token, only.text, only.finish_reason) == (end, "", "stop")


def test_samplers(runner: xLSTMRunner, greedy: Completion) -> None:
    def answer(**options: Any) -> str:
        return generate(runner, runner.tokenizer, PROMPT, max_tokens=24, **options)

    assert answer(sampler=lambda logprobs: mx.argmax(logprobs, axis=-1)) == greedy.text
    assert answer(sampler=make_sampler(0.0)) == greedy.text
    drawn = runner.complete(PROMPT, max_tokens=24, temperature=0.8, top_p=0.9, top_k=40, seed=5)
    assert answer(sampler=make_sampler(0.8, top_p=0.9, top_k=40), seed=5) == drawn.text
    with pytest.raises(UsageError):
        make_sampler(0.8)(mx.zeros((1, 4096)))


def test_prompt_cache_is_gone_on_from(runner: xLSTMRunner, greedy: Completion) -> None:
    cache = make_prompt_cache(runner)
    parts = [
        generate(runner, runner.tokenizer, prompt, max_tokens=12, prompt_cache=cache)
        for prompt in (runner.prompt_ids(PROMPT), [])
    ]
    assert "".join(parts) == greedy.text
    assert cache[0].position == len(runner.prompt_ids(PROMPT)) + 24


def test_fields_are_those_of_mlx_lm() -> None:
    fields = list(GenerationResponse.__dataclass_fields__)
    assert fields == (
        "text token logprobs from_draft prompt_tokens prompt_tps generation_tokens generation_tps "
        "peak_memory finish_reason"
    ).split()


def test_processor_that_returns_numpy(runner: xLSTMRunner) -> None:
    (only,) = stream_generate(
        runner,
        runner.tokenizer,
        PROMPT,
        max_tokens=1,
        logits_processors=[lambda tokens, logits: np.where(np.arange(4096) == 9, 0.0, -np.inf)[None]],
    )
    assert only.token == 9
