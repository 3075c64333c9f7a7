"""xLSTMRunner: what it answers, and what it says of itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

import xlstm_metal
from conftest import MODEL, PROMPT
from xlstm_metal import Completion, UsageError, xLSTMRunner


def test_greedy_text_is_that_of_the_command_line(runner: xLSTMRunner, program: str) -> None:
    for prompt in (PROMPT, "Once upon a time", "\u201cNo,\u201d said caf\u00e9 owner \U0001f600"):
        line = [program, "generate", "--model", str(MODEL), "--prompt", prompt]
        done = subprocess.run(
            [*line, "--temperature", "0", "--max-tokens", "60"], capture_output=True, text=True, check=True
        )
        answer = runner.complete(prompt, temperature=0, max_tokens=60)
        assert answer.text + "\n" == done.stdout


def test_drawn_text_is_that_of_the_command_line(runner: xLSTMRunner, program: str) -> None:
    line = [program, "generate", "--model", str(MODEL), "--prompt", PROMPT, "--max-tokens", "40"]
    drawn = ["--temperature", "0.9", "--top-k", "50", "--top-p", "0.9", "--seed", "11"]
    done = subprocess.run([*line, *drawn], capture_output=True, text=True, check=True)
    answer = runner.complete(PROMPT, max_tokens=40, temperature=0.9, top_k=50, top_p=0.9, seed=11)
    assert answer.text + "\n" == done.stdout


def test_generate_returns_prompt_and_answer(runner: xLSTMRunner, greedy: Completion) -> None:
    ids = runner.generate(PROMPT, max_tokens=24, temperature=0)
    bos = runner.tokenizer.bos_token_id
    assert ids == [bos, *runner.tokenizer.encode(PROMPT), *greedy.tokens]
    assert all(type(id) is int for id in ids)
    assert runner.generate(ids[: -len(greedy.tokens)], max_tokens=24, temperature=0) == ids
    assert runner.tokenizer.decode(greedy.tokens) == greedy.text


def test_first_parameters_by_place(runner: xLSTMRunner) -> None:
    by_place = runner.generate([5, 6], 8, 0.7, 20, 0.9, [3], 4)
    by_name = runner.generate(
        prompt_ids=[5, 6], max_tokens=8, temperature=0.7, top_k=20, top_p=0.9, stop_tokens=[3], seed=4
    )
    assert by_place == by_name


def test_seed(runner: xLSTMRunner) -> None:
    draws = [runner.generate(PROMPT, max_tokens=20, seed=seed) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_stop_tokens_end_the_answer_and_are_returned(runner: xLSTMRunner, greedy: Completion) -> None:
    stop = greedy.tokens[5]
    first = greedy.tokens.index(stop)
    ids = runner.generate(PROMPT, max_tokens=24, temperature=0, stop_tokens=[stop])
    assert ids[-first - 1 :] == greedy.tokens[: first + 1]
    assert runner.complete(PROMPT, max_tokens=24, temperature=0, stop_tokens=[stop]).stop_reason == "end_token"
    # The model's own end token is one like any other where others are named.
    bos = runner.tokenizer.eos_token_id
    assert bos is not None
    always_end = {"logit_bias": {bos: 100.0}, "max_tokens": 3}
    assert runner.complete(PROMPT, **always_end).stop_reason == "end_token"
    assert runner.complete(PROMPT, stop_tokens=[], **always_end).tokens == [bos] * 3


def test_stop_texts(runner: xLSTMRunner, greedy: Completion) -> None:
    stop = greedy.text[8:11]
    answer = runner.complete(PROMPT, max_tokens=24, temperature=0, stop=stop)
    assert answer.stop_reason == "stop_string"
    assert answer.text == greedy.text[: greedy.text.index(stop)]


def test_stream_gives_the_same(runner: xLSTMRunner, greedy: Completion) -> None:
    stream = runner.stream(PROMPT, max_tokens=24, temperature=0)
    tokens = list(stream)
    assert "".join(token.text for token in tokens) == greedy.text
    assert [token.id for token in tokens if token.id is not None] == greedy.tokens
    assert stream.completion.tokens == greedy.tokens
    assert list(stream) == []


def test_stream_that_is_left_early_keeps_what_was_read(runner: xLSTMRunner, greedy: Completion) -> None:
    stream = runner.stream(PROMPT, max_tokens=24, temperature=0)
    taken = [next(stream).id for _ in range(4)]
    stream.close()
    assert taken == greedy.tokens[:4]
    prompt = len(runner.prompt_ids(PROMPT))
    read = runner.state.position - prompt
    assert read in (3, 4)  # the last token may be yet to be read
    rest = runner.complete(greedy.tokens[read:4], state=runner.state, max_tokens=20, temperature=0)
    assert rest.tokens == greedy.tokens[4:]


def test_log_probabilities(runner: xLSTMRunner, greedy: Completion) -> None:
    answer = runner.complete(PROMPT, max_tokens=6, temperature=0, top_log_probabilities=2)
    assert len(answer.log_probabilities) == len(answer.top) == 6
    for token, likely, top in zip(answer.tokens, answer.log_probabilities, answer.top, strict=True):
        assert top[0] == (token, pytest.approx(likely))  # greedy: the chosen one is the likeliest
        assert top[0][1] >= top[1][1]
    scores = runner.score(runner.prompt_ids(PROMPT) + answer.tokens)[-6:]
    # Of float32 logits below 30, read as one piece and step by step: some 2^-24 x 30 x 100 apart.
    np.testing.assert_allclose(answer.log_probabilities, scores, atol=2e-4)
    assert greedy.log_probabilities == [] and greedy.top == []
    assert next(runner.stream(PROMPT, top_log_probabilities=0)).log_probability is not None


def test_next_token_moves_the_state_on(runner: xLSTMRunner, greedy: Completion) -> None:
    runner.reset_state()
    ids = runner.prompt_ids(PROMPT)
    produced: list[int] = []
    for _ in range(6):
        ids = runner.generate_next_token(ids, temperature=0)
        assert len(ids) == 1
        produced += ids
    assert produced == greedy.tokens[:6]
    assert runner.state.position == len(runner.prompt_ids(PROMPT)) + 5


def test_going_on_from_a_state(runner: xLSTMRunner, greedy: Completion) -> None:
    begun = runner.complete(PROMPT, max_tokens=10, temperature=0)
    rest = runner.complete([], state=begun.state, max_tokens=14, temperature=0)
    assert begun.tokens + rest.tokens == greedy.tokens
    assert runner.state.position == len(runner.prompt_ids(PROMPT)) + 24


def test_scores_and_perplexity(runner: xLSTMRunner) -> None:
    text = "She had been a very good little girl."
    ids = runner.prompt_ids(text)
    scores = runner.score(text)
    assert scores.dtype == np.float32 and scores.shape == (len(ids) - 1,)
    assert runner.perplexity(text) == pytest.approx(float(np.exp(-scores.mean())), rel=1e-5)
    logits, _ = runner.forward(ids)
    shifted = logits[:-1].astype(np.float64)
    likely = shifted[np.arange(len(ids) - 1), ids[1:]] - np.log(np.exp(shifted).sum(axis=1))
    np.testing.assert_allclose(scores, likely, atol=2e-4)
    for alone, together in zip(
        [runner.score(t) for t in (text, "Yes.")], runner.score_batch([text, "Yes."]), strict=True
    ):
        np.testing.assert_allclose(alone, together, atol=2e-4)
    state = runner.new_state()
    state.score(ids)
    assert runner.score([7, 8], state).shape == (2,) and state.position == len(ids)


def test_perplexity_is_that_of_the_command_line(runner: xLSTMRunner, program: str, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("It was a very old house, and nobody had lived in it.")
    line = [program, "perplexity", "--model", str(MODEL), "--file", str(text)]
    said = subprocess.run(line, capture_output=True, text=True, check=True)
    assert f"{runner.perplexity(text.read_text()):.3f}" in said.stdout + said.stderr


def test_model_info(runner: xLSTMRunner) -> None:
    info = runner.get_model_info()
    wanted = {
        "num_blocks": 8,
        "embedding_dim": 256,
        "num_heads": 4,
        "vocab_size": 4096,
        "qk_dim": 128,
        "v_dim": 256,
        "chunk_size": 64,
        "gate_soft_cap": 15.0,
        "output_logit_soft_cap": 30.0,
        "total_blocks": 8,
        "block_types": ["mlstm"] * 8,
        "has_embedding": True,
        "has_out_norm": True,
        "has_lm_head": True,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": 1,
        "model_path": str(MODEL),
    }
    assert {name: info[name] for name in wanted} == wanted
    assert runner.config["num_heads"] == 4
    assert runner.memory()["active"] > 0


def test_from_pretrained_prints_the_wiring(capsys: pytest.CaptureFixture[str]) -> None:
    runner = xLSTMRunner.from_pretrained(MODEL, show_wiring=True, wiring_style="ascii")
    shown = capsys.readouterr().out
    assert shown.strip() == runner.wiring("ascii").strip() and "mlstm" in shown
    assert runner.wiring("dot").startswith("digraph")
    with pytest.raises(UsageError, match="wiring_style"):
        runner.wiring("oil")


@pytest.mark.parametrize("quantize", [4, "4", "8/32", "mxfp4"])
def test_quantised_while_it_is_loaded(runner: xLSTMRunner, quantize: int | str) -> None:
    small = xLSTMRunner(MODEL, quantize=quantize, keep_quantized=False)
    assert small.get_model_info()["weight_bytes"] < 0.5 * runner.get_model_info()["weight_bytes"]
    assert small.generate(PROMPT, max_tokens=4, temperature=0)


def test_quantised_copy_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLSTM_CACHE", str(tmp_path))
    texts = []
    for keep in (False, True, True):
        texts.append(xLSTMRunner(MODEL, quantize=4, keep_quantized=keep).generate(PROMPT, 9, 0.0))
        assert len(list(tmp_path.rglob("config.json"))) == (1 if keep else 0)
    assert texts[1] == texts[2]


def test_reprs(runner: xLSTMRunner) -> None:
    assert "classics-8m: 8,542,528 parameters, float32 on cpu" in repr(runner)
    assert repr(runner.new_state()) == "<xlstm_metal.State of classics-8m: 0 tokens read, 266368 bytes>"
    assert repr(runner.tokenizer) == "<xlstm_metal.Tokenizer: 4096 tokens, without a chat template>"
    assert "under way" in repr(runner.stream(PROMPT))
    assert "stop_reason='max_tokens'" in repr(runner.complete(PROMPT, max_tokens=1))


def test_embedded_model_by_name() -> None:
    assert xlstm_metal.xLSTMRunner("classics-8m").vocab_size == 4096
