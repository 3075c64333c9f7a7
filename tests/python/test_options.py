"""What callers may give, and how they are told what they may not."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from conftest import MODEL, PROMPT
from xlstm_metal import Completion, UsageError, xLSTMRunner


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("seed", -1),
        ("seed", 2**64),
        ("top_k", 2**40),
        ("max_tokens", 2.5),
        ("max_tokens", "many"),
        ("temperature", "hot"),
        ("stop", 5),
        ("stop", ["a", 5]),
        ("stop", "\ud800"),
        ("stop_tokens", 5),
        ("stop_tokens", ["a"]),
        ("stop_tokens", "A"),
        ("logit_bias", 5),
        ("logit_bias", {"a": 1.0}),
        ("regex", "\ud800"),
        ("json_schema", "\ud800"),
    ],
)
def test_option_is_named(runner: xLSTMRunner, name: str, wrong: Any) -> None:
    with pytest.raises(UsageError, match=rf"^\[{name}\] wanted .*, got "):
        runner.complete("A", **{name: wrong})


def test_surrogates(runner: xLSTMRunner) -> None:
    for use in (runner.complete, runner.generate, runner.score, runner.tokenizer.encode, xLSTMRunner):
        with pytest.raises(UsageError, match=r"^\[\w+\] wanted Unicode text, got half a character, U\+D800, at 1"):
            use("a\ud800")
    with pytest.raises(UsageError, match="got byte 0xff at 0"):
        runner.complete(os.fsdecode(b"\xff"))


def test_none_is_left_out(runner: xLSTMRunner, greedy: Completion) -> None:
    options: dict[str, Any] = dict.fromkeys(
        "stop logit_bias logits_processors sampler seed top_k top_p min_p stop_tokens regex json json_schema".split()
    )
    assert runner.complete(PROMPT, max_tokens=24, temperature=0, **options).tokens == greedy.tokens


def test_numbers_of_numpy(runner: xLSTMRunner, greedy: Completion) -> None:
    answer = runner.complete(
        PROMPT, max_tokens=np.int64(24), temperature=np.float32(0), seed=np.int64(3), stop_tokens=np.array([4095])
    )
    assert answer.tokens == greedy.tokens and answer.seed == 3
    end = greedy.tokens[5]
    for ids in ([end], (end,), {end}, np.array([end]), iter([end])):
        answer = runner.complete(PROMPT, temperature=0, stop_tokens=ids)
        assert answer.stop_reason == "end_token" and answer.tokens == greedy.tokens[: greedy.tokens.index(end) + 1]


def test_a_text_is_no_list_of_texts(runner: xLSTMRunner) -> None:
    with pytest.raises(UsageError, match=r"^\[complete_batch\] wanted a list of texts or of ids, got 'abc'"):
        runner.complete_batch("abc")
    with pytest.raises(UsageError, match=r"^\[score_batch\] wanted a list of texts or of ids, got 'abc'"):
        runner.score_batch("abc")


def test_seeds_and_prompts_of_any_iterable(runner: xLSTMRunner) -> None:
    wanted = [answer.tokens for answer in runner.complete_batch(["A", "B"], max_tokens=4, seed=[3, 4])]
    for seeds in ((3, 4), np.array([3, 4]), iter([3, 4]), range(3, 5)):
        answers = runner.complete_batch((p for p in "AB"), max_tokens=4, seed=seeds)
        assert [answer.tokens for answer in answers] == wanted
    with pytest.raises(UsageError, match=r"^\[seed\] wanted one for each prompt, 1, got 2"):
        runner.complete_batch(["A"], seed=iter([3, 4]))


def test_what_is_no_state(runner: xLSTMRunner) -> None:
    before = runner.state
    wrong: Any = 5
    with pytest.raises(UsageError, match=r"^\[state\] wanted a State or None, got 5"):
        runner.state = wrong
    for use in (
        lambda: runner.complete([1], state=wrong),
        lambda: runner.complete("A", state=wrong),
        lambda: runner.complete_batch(["A"], states=wrong),
        lambda: runner.score("A", wrong),
        lambda: runner.forward([1], wrong),
        lambda: runner.forward([[1]], [wrong]),
    ):
        with pytest.raises(UsageError, match=r"^\[state\] wanted"):
            use()
    assert runner.state is before


def test_names_of_models() -> None:
    assert xLSTMRunner.from_pretrained(id_or_path=MODEL).vocab_size == 4096
    with pytest.raises(UsageError, match=r"^\[model\] wanted a folder or a name, got an empty one"):
        xLSTMRunner("")
    for name in (MODEL, "classics-8m"):
        for option in ({"revision": "v9"}, {"force_download": True}):
            with pytest.raises(UsageError, match=rf"^\[{next(iter(option))}\] wanted a repository"):
                xLSTMRunner.from_pretrained(name, **option)


def test_wiring_style_is_told_before_the_model_loads() -> None:
    shares: list[float] = []
    with pytest.raises(UsageError, match=r"^\[wiring_style\] wanted one of unicode, .*, got 'oak'"):
        xLSTMRunner(MODEL, show_wiring=True, wiring_style="oak", on_progress=shares.append)
    assert shares == []
    with pytest.raises(UsageError, match=r"^\[wiring_style\]"):
        xLSTMRunner.from_pretrained("nobody/nothing", wiring_style="oak")  # before it is fetched, too
