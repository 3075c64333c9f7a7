"""Tasks of the evaluation harness: scores of transformers, of our model in `HFLM`, and of the model `xlstm`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import lm_eval
import pytest
import torch
import transformers
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from conftest import CLASSICS, ROOT, rounding_bound
from xlstm_metal import UsageError
from xlstm_metal.hf import xLSTMForCausalLM
from xlstm_metal.lm_eval import XlstmLM

TASKS = "tests/transformers/tasks"
NAMES = ("books_choice", "books_perplexity", "books_continue")
SCORES = {
    "books_choice": ("acc,none", "acc_norm,none"),
    "books_perplexity": ("word_perplexity,none", "byte_perplexity,none", "bits_per_byte,none"),
    "books_continue": ("chrf,none",),
}


@dataclass
class Evaluation:
    """What the harness found: scores by task, and the answers to each document's requests."""

    scores: dict[str, dict[str, float]]
    answers: dict[str, list[Any]]


def evaluate(model: Any) -> Evaluation:
    tasks = TaskManager(include_path=TASKS, include_defaults=False)
    found = lm_eval.simple_evaluate(model=model, tasks=list(NAMES), task_manager=tasks, bootstrap_iters=0)
    assert found is not None
    scores = {name: {score: found["results"][name][score] for score in SCORES[name]} for name in NAMES}
    samples = {name: sorted(found["samples"][name], key=lambda doc: doc["doc_id"]) for name in NAMES}
    answers = {name: [[one[0] for one in doc["resps"]] for doc in samples[name]] for name in NAMES}
    return Evaluation(scores, answers)


@pytest.fixture(scope="module")
def module_at_root() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        yield


@pytest.fixture(scope="module")
def reference(module_at_root: None, tokenizer: Any) -> Evaluation:
    # One row at a time: transformers' xLSTM reads the padding of a batch.
    model = transformers.xLSTMForCausalLM.from_pretrained(CLASSICS, dtype=torch.float32)
    return evaluate(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=1))


@pytest.fixture(scope="module")
def harness(module_at_root: None) -> XlstmLM:
    return XlstmLM(str(CLASSICS), batch_size=4)


def check(found: Evaluation, wanted: Evaluation, model: xLSTMForCausalLM) -> None:
    """The same choices and texts; likelihoods as near as logits are.

    A log-probability is a difference of a logit and a sum over them: twice the bound of logits, of which none
    is over 30, the model's cap. Sums over tokens add these up.
    """
    assert found.answers["books_continue"] == wanted.answers["books_continue"]
    assert found.scores["books_continue"] == wanted.scores["books_continue"]
    assert found.scores["books_choice"] == wanted.scores["books_choice"]
    per_token = 2 * 30 * rounding_bound(model, 400)
    for ours, theirs in zip(found.answers["books_choice"], wanted.answers["books_choice"], strict=True):
        for (likelihood, greedy), (right, wanted_greedy) in zip(ours, theirs, strict=True):
            assert greedy == wanted_greedy
            assert abs(likelihood - right) <= 8 * per_token  # of 8 tokens at most
    for name, score in found.scores["books_perplexity"].items():
        # exp(sum / count): relative errors are those of a mean; a word has 3 tokens at most.
        assert abs(score / wanted.scores["books_perplexity"][name] - 1) <= 3 * per_token


def test_our_model_scores_in_hflm_as_transformers_does(
    reference: Evaluation, classics: xLSTMForCausalLM, tokenizer: Any
) -> None:
    found = evaluate(HFLM(pretrained=classics, tokenizer=tokenizer, batch_size=5))
    check(found, reference, classics)


def test_the_model_xlstm_scores_as_transformers_does(
    reference: Evaluation, classics: xLSTMForCausalLM, harness: XlstmLM
) -> None:
    harness.reuse.asked = harness.reuse.read = 0
    found = evaluate(harness)
    check(found, reference, classics)
    print(f"reuse: {harness.reuse}")
    # Three examples of 50 words stand before each of twelve documents, and four answers after each.
    assert harness.reuse.read < harness.reuse.asked / 5


def test_scores_are_worth_comparing(reference: Evaluation) -> None:
    """Choices that are right and wrong, and texts that are there."""
    assert 0.25 < reference.scores["books_choice"]["acc,none"] < 1.0
    assert len({text for [text] in reference.answers["books_continue"]}) > 6
    assert 10 < reference.scores["books_perplexity"]["word_perplexity,none"] < 1000


def instance(kind: str, *arguments: Any) -> Instance:
    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0)


CONTEXTS = [
    ("The old man looked at the sea, and", " the sea looked at him"),
    ("The old man looked at the sea, and", " the"),
    ("The old man looked at the sea, and", " the sea"),
    ("The old man looked at the sea, and then", " he went"),
    ("The old man looked at the sea ", "and"),
    ("", "The old man"),
    ("", "T"),
    ("The old man looked at the sea, and", " the"),
    ("Another beginning", " altogether"),
    ("It was " + "a long and a dark " * 60, "night"),
    ("It was " + "a long and a dark " * 60, "night " + "and a very cold one " * 60),
]


@pytest.mark.parametrize("least_saved", [1, 8, 10**9])
@pytest.mark.parametrize("rows", [1, 3])
def test_reuse_changes_no_likelihood(
    classics: xLSTMForCausalLM, tokenizer: Any, least_saved: int, rows: int
) -> None:
    ours = XlstmLM(str(CLASSICS), batch_size=rows, least_saved=least_saved)
    theirs = HFLM(pretrained=classics, tokenizer=tokenizer, batch_size=1)
    requests = [instance("loglikelihood", *pair) for pair in CONTEXTS]
    found = ours.loglikelihood(requests, disable_tqdm=True)
    wanted = theirs.loglikelihood(requests, disable_tqdm=True)
    for (likelihood, greedy), (right, wanted_greedy) in zip(found, wanted, strict=True):
        assert greedy == wanted_greedy
        assert abs(likelihood - right) <= 1e-4 + 1e-6 * abs(right)  # HFLM adds up in float32
    read = ours.reuse.read
    if least_saved == 1:
        assert read == len(beginnings(ours))
    else:
        assert len(beginnings(ours)) < read <= sum(map(len, sequences(ours))) < ours.reuse.asked
    assert ours.reuse.asked == sum(len(tokens(ours, *pair)) - 1 for pair in CONTEXTS)


def tokens(model: XlstmLM, context: str, continuation: str) -> list[int]:
    if not context:
        return [model.prefix_token_id, *model.tok_encode(continuation)]
    first, rest = model._encode_pair(context, continuation)
    return first + rest


def sequences(model: XlstmLM) -> set[tuple[int, ...]]:
    """What has to be read for CONTEXTS; those that differ in their last token alone are one."""
    return {tuple(tokens(model, *pair)[:-1]) for pair in CONTEXTS}


def beginnings(model: XlstmLM) -> set[tuple[int, ...]]:
    """The least that can be read: a token for each beginning of a sequence that there is."""
    return {ids[:end] for ids in sequences(model) for end in range(1, len(ids) + 1)}


def test_answers_do_not_depend_on_reuse(harness: XlstmLM) -> None:
    texts = [context for context, _ in CONTEXTS if context]
    wanted = {"until": ["."], "max_gen_toks": 12, "do_sample": True, "temperature": 0.8, "top_k": 30}
    requests = [instance("generate_until", text, wanted) for text in texts]
    apart = XlstmLM(str(CLASSICS), batch_size=3, least_saved=10**9)
    together = XlstmLM(str(CLASSICS), batch_size=1, least_saved=1)
    first = apart.generate_until(requests, disable_tqdm=True)
    assert together.generate_until(requests, disable_tqdm=True) == first
    assert together.reuse.read < apart.reuse.read <= apart.reuse.asked
    # Each place has a seed of its own, and another seed is another answer.
    same = [text for text, [context, _] in zip(first, [r.args for r in requests]) if context == texts[0]]
    assert len(set(same)) > 1
    assert XlstmLM(str(CLASSICS), seed=5).generate_until(requests, disable_tqdm=True) != first


def test_a_penalty_counts_the_whole_context(harness: XlstmLM) -> None:
    wanted = {"until": ["."], "max_gen_toks": 12, "repetition_penalty": 1.5}
    requests = [instance("generate_until", context, wanted) for context, _ in CONTEXTS[:4]]
    found = XlstmLM(str(CLASSICS), least_saved=1).generate_until(requests, disable_tqdm=True)
    assert found == XlstmLM(str(CLASSICS), least_saved=10**9).generate_until(requests, disable_tqdm=True)
    plain = [instance("generate_until", context, {**wanted, "repetition_penalty": 1.0}) for context, _ in CONTEXTS]
    assert found != harness.generate_until(plain[:4], disable_tqdm=True)


def test_what_a_task_cannot_ask_for_is_refused(harness: XlstmLM) -> None:
    request = instance("generate_until", "It was", {"num_beams": 4, "max_gen_toks": 3})
    with pytest.raises(UsageError, match="wanted generation_kwargs of .*, got num_beams"):
        harness.generate_until([request], disable_tqdm=True)


def test_texts_begin_with_bos_where_asked(harness: XlstmLM) -> None:
    plain = harness.tok_encode("It was")
    with_bos = XlstmLM(str(CLASSICS), add_bos_token=True)
    assert with_bos.tok_encode("It was") == [0, *plain]
    assert with_bos.tok_encode("<|endoftext|>It was") == [0, *plain]
    assert with_bos.tok_encode("It was", add_special_tokens=False) == plain


def test_on_the_harness_command_line(tmp_path: Any) -> None:
    line = [sys.executable, "-P", "-m", "xlstm_metal.lm_eval", "run", "--model", "xlstm"]
    line += ["--model_args", f"pretrained={CLASSICS}", "--tasks", "books_perplexity", "--include_path", TASKS]
    line += ["--batch_size", "2", "--limit", "2", "--output_path", str(tmp_path)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "word_perplexity" in done.stdout
    assert list(tmp_path.rglob("results*.json"))


def test_registered_the_harness_opens_a_folder_with_us(registered: None, harness: XlstmLM) -> None:
    opened = HFLM(pretrained=str(CLASSICS), dtype="float32", device="cpu", batch_size=2)
    assert isinstance(opened.model, xLSTMForCausalLM)
    request = [instance("loglikelihood", "The old man looked at the sea, and", " the sea")]
    [(found, _)], [(wanted, _)] = opened.loglikelihood(request), harness.loglikelihood(request)
    assert abs(found - wanted) <= 1e-4


def test_an_empty_list_is_answered(harness: XlstmLM) -> None:
    assert harness.loglikelihood([]) == harness.loglikelihood_rolling([]) == harness.generate_until([]) == []
