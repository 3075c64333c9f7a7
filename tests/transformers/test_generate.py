"""What is written, by `generate` and `pipeline`, beside what transformers writes."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, TextIteratorStreamer, pipeline

from conftest import CLASSICS, Case
from xlstm_metal.hf import xLSTMForCausalLM

PROMPT = 20  # ids before the golden greedy ones


def text_of(ids: torch.Tensor) -> str:
    return " ".join(f"<{int(id)}>" for id in ids)


def exactly(count: int) -> dict[str, int]:
    """So many tokens: the end token is not to be chosen, as it was not in the golden files."""
    return {"max_new_tokens": count, "min_new_tokens": count}


def written(write: Any, prompt: torch.Tensor, **options: Any) -> list[int]:
    """The ids that a pipeline writes, greedily, after those of `prompt`."""
    [answer] = write(text_of(prompt), do_sample=False, return_tensors=True, **options)
    ids = answer["generated_token_ids"]
    assert ids[: len(prompt)] == prompt.tolist()
    return [int(id) for id in ids[len(prompt) :]]


def test_pipeline_writes_the_golden_ids(case: Case, numbers: PreTrainedTokenizerFast) -> None:
    write = pipeline("text-generation", model=case.ours, tokenizer=numbers)
    wanted = case.golden["greedy"].tolist()
    assert written(write, case.ids[0, :PROMPT], **exactly(len(wanted))) == wanted


def test_pipeline_writes_what_transformers_does(both: Case, numbers: PreTrainedTokenizerFast) -> None:
    found = []
    for model in (both.reference, both.ours):
        write = pipeline("text-generation", model=model, tokenizer=numbers)
        found.append([written(write, both.ids[0, at : at + 9], **exactly(40)) for at in (0, 31, 77)])
    assert found[0] == found[1]
    assert [len(ids) for ids in found[1]] == [40, 40, 40]


def test_pipeline_ends_where_transformers_does(both: Case, numbers: PreTrainedTokenizerFast) -> None:
    end = int(both.golden["greedy"][7])  # an id that is sure to come
    found = []
    for model in (both.reference, both.ours):
        write = pipeline("text-generation", model=model, tokenizer=numbers)
        found.append(written(write, both.ids[0, :PROMPT], eos_token_id=end, max_new_tokens=24))
    assert found[0] == found[1]
    assert found[1][-1] == end and len(found[1]) <= 8


def test_a_padded_batch_is_its_rows(case: Case, numbers: PreTrainedTokenizerFast) -> None:
    prompts = [text_of(case.ids[0, :length]) for length in (3, 20, 11)]
    batch = numbers(prompts, padding=True, return_tensors="pt")
    assert int(batch["attention_mask"].sum()) == 34
    together = case.ours.generate(**batch, do_sample=False, **exactly(16))[:, 20:]
    for row, prompt in zip(together, prompts):
        one = numbers([prompt], return_tensors="pt")
        alone = case.ours.generate(**one, do_sample=False, **exactly(16))[0, one["input_ids"].shape[1] :]
        assert row.tolist() == alone.tolist()


def test_a_padded_batch_in_a_pipeline(classics: xLSTMForCausalLM, tokenizer: Any) -> None:
    tokenizer.padding_side = "left"
    write = pipeline("text-generation", model=classics, tokenizer=tokenizer, batch_size=3)
    prompts = ["It was", "The captain looked at the sea, and", "'Oh!' said"]
    together = write(prompts, max_new_tokens=12, do_sample=False)
    alone = [write(prompt, max_new_tokens=12, do_sample=False) for prompt in prompts]
    assert together == alone


def test_streams_what_it_writes(classics: xLSTMForCausalLM, tokenizer: Any) -> None:
    ids = tokenizer("The old man looked at the sea, and", return_tensors="pt")
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True)
    arguments = {**ids, "streamer": streamer, "max_new_tokens": 24, "do_sample": False}
    writer = Thread(target=classics.generate, kwargs=arguments)
    writer.start()
    pieces = list(streamer)
    writer.join()
    whole = classics.generate(**ids, max_new_tokens=24, do_sample=False)[0, ids["input_ids"].shape[1] :]
    assert "".join(pieces) == tokenizer.decode(whole)
    assert len([piece for piece in pieces if piece]) > 5


def test_goes_on_from_a_cache(classics: xLSTMForCausalLM) -> None:
    ids = torch.arange(30, 50)[None]
    whole = classics.generate(ids, max_new_tokens=20, do_sample=False)
    first = classics.generate(ids, max_new_tokens=8, do_sample=False, return_dict_in_generate=True)
    cache = first.past_key_values
    read = cache.get_seq_length()
    assert read == 27  # the last token is not read yet
    assert cache.states[0].position == 27
    rest = classics.generate(first.sequences, past_key_values=cache, max_new_tokens=12, do_sample=False)
    assert rest.tolist() == whole.tolist()
    assert cache.states[0].position == 39  # nothing was read again


def test_beams_are_those_of_transformers(both: Case) -> None:
    ids = both.ids[:, :12]
    found = both.ours.generate(ids, num_beams=4, do_sample=False, **exactly(10))
    # transformers' own cache cannot be put into another order; without one it reads all again each time.
    wanted = both.reference.generate(
        ids, num_beams=4, do_sample=False, use_cache=False, **exactly(10)
    )
    assert found.tolist() == wanted.tolist()


def test_without_a_cache_the_same_is_written(classics: xLSTMForCausalLM) -> None:
    ids = torch.arange(30, 42)[None]
    with_cache = classics.generate(ids, max_new_tokens=10, do_sample=False)
    without = classics.generate(ids, max_new_tokens=10, do_sample=False, use_cache=False)
    assert with_cache.tolist() == without.tolist()


def test_samples_are_drawn_by_torch(both: Case) -> None:
    """The same seed gives the same answer as transformers, whose logits differ by rounding alone."""
    answers = []
    for model in (both.reference, both.ours):
        torch.manual_seed(3)
        answers.append(
            model.generate(both.ids[:, :12], do_sample=True, top_k=20, **exactly(20))
        )
    assert answers[0].tolist() == answers[1].tolist()


def test_several_answers_of_one_prompt(classics: xLSTMForCausalLM) -> None:
    torch.manual_seed(1)
    ids = torch.arange(30, 42)[None]
    answers = classics.generate(ids, max_new_tokens=8, do_sample=True, num_return_sequences=4)
    assert answers.shape[0] == 4 and len({tuple(answer) for answer in answers.tolist()}) > 1


def test_a_model_is_no_assistant_that_goes_back(classics: xLSTMForCausalLM) -> None:
    with pytest.raises(ValueError, match="stateful"):
        classics.generate(torch.tensor([[5, 6]]), assistant_model=classics, max_new_tokens=4)


def test_not_registered_the_library_makes_its_own() -> None:
    assert isinstance(AutoModelForCausalLM.from_pretrained(CLASSICS), transformers.xLSTMForCausalLM)


def test_registered_the_library_makes_our_models(registered: None) -> None:
    model = AutoModelForCausalLM.from_pretrained(CLASSICS, dtype=torch.bfloat16, device_map="auto")
    assert isinstance(model, xLSTMForCausalLM) and model.dtype == torch.bfloat16
    write = pipeline("text-generation", model=str(CLASSICS), dtype=torch.float32)
    assert isinstance(write.model, xLSTMForCausalLM)
    [answer] = write("It was a dark and", max_new_tokens=5, do_sample=False)
    assert answer["generated_text"].startswith("It was a dark and ")
