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


def test_prompt_cache_of_a_call_that_fails(runner: xLSTMRunner) -> None:
    """It is left as it was, and never gets what others have read."""
    cache = make_prompt_cache(runner)
    generate(runner, runner.tokenizer, PROMPT, max_tokens=2, prompt_cache=cache)
    before = cache[0].position
    runner.complete("An unrelated text that the runner has read", max_tokens=8)

    def broken(tokens: Any, logits: Any) -> Any:
        raise LookupError

    with pytest.raises(LookupError):
        generate(runner, runner.tokenizer, [5], prompt_cache=cache, logits_processors=[broken])
    for wrong in ({"max_tokens": -2}, {"regex": "("}, {"prompt": [9999]}):
        with pytest.raises(UsageError):
            generate(runner, runner.tokenizer, **{"prompt": [5], **wrong}, prompt_cache=cache)
    assert cache[0].position == before


def test_prompt_cache_beside_other_answers(runner: xLSTMRunner, greedy: Completion) -> None:
    cache = make_prompt_cache(runner)
    responses = stream_generate(runner, runner.tokenizer, PROMPT, max_tokens=12, prompt_cache=cache)
    next(responses)
    runner.complete("An unrelated text", max_tokens=30)
    assert len(list(responses)) == 11
    rest = generate(runner, runner.tokenizer, [], max_tokens=12, prompt_cache=cache)
    assert greedy.text.endswith(rest) and len(rest) > 10


def test_parameters_that_mean_nothing_here(runner: xLSTMRunner, greedy: Completion) -> None:
    read = []
    text = generate(
        runner,
        runner.tokenizer,
        PROMPT,
        max_tokens=24,
        sampler=None,
        logits_processors=None,
        draft_model=None,
        max_kv_size=None,
        prefill_step_size=512,
        kv_bits=None,
        prompt_progress_callback=lambda done, of: read.append((done, of)),
    )
    count = len(runner.prompt_ids(PROMPT))
    assert text == greedy.text and read == [(0, count), (count, count)]
    _, _, config = load(
        str(MODEL), {"trust_remote_code": True}, {}, adapter_path=None, lazy=True, return_config=True
    )
    assert config["vocab_size"] == 4096


def test_no_limit_of_tokens(runner: xLSTMRunner) -> None:
    first = "".join(r.text for r in stream_generate(runner, runner.tokenizer, "A", -1, regex="b{300}"))
    assert first == "b" * 300


def test_parameters_that_are_refused(runner: xLSTMRunner) -> None:
    for name, use in (
        ("draft_model", lambda: generate(runner, runner.tokenizer, "A", draft_model=runner)),
        ("input_embeddings", lambda: generate(runner, runner.tokenizer, "A", input_embeddings=mx.zeros(4))),
        ("adapter_path", lambda: load(str(MODEL), adapter_path="adapters")),
        ("model_config", lambda: load(str(MODEL), model_config={"num_heads": 2})),
        ("tokenizer_config", lambda: load(str(MODEL), tokenizer_config={"eos_token": "a"})),
        ("xtc_probability", lambda: make_sampler(0.5, xtc_probability=0.5)),
        ("min_tokens_to_keep", lambda: make_sampler(0.5, 0.9, 0.1, 2)),
    ):
        with pytest.raises(UsageError, match=rf"^\[{name}\] wanted"):
            use()


def test_parameters_of_other_types(runner: xLSTMRunner) -> None:
    with pytest.raises(UsageError, match="tokenizer_config"):
        load("classics-8m", "main")  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="max_tokens"):
        generate(runner, runner.tokenizer, "a", max_tokens=-1.0)  # type: ignore[arg-type]


def test_parameters_in_mlx_lms_order(runner: xLSTMRunner) -> None:
    by_name = make_sampler(temp=0.7, top_p=0.9, min_p=0.01, min_tokens_to_keep=1, top_k=40)
    assert make_sampler(0.7, 0.9, 0.01, 1, 40) == by_name
    with pytest.raises(UsageError, match="sampler"):  # a sampler of one's own, and a constraint
        generate(runner, runner.tokenizer, "A", sampler=lambda logprobs: mx.argmax(logprobs, -1), regex="a+")
