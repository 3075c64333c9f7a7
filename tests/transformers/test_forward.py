"""Logits, states, losses and padding, as the transformers library has them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from conftest import Case, largest_difference, rounding_bound
from xlstm_metal import UsageError
from xlstm_metal.hf import xLSTMCache, xLSTMForCausalLM


def test_logits_are_those_of_the_reference(case: Case) -> None:
    out = case.ours(case.ids)
    wanted = case.golden["logits"][None]
    assert out.logits.dtype == torch.float32
    difference = largest_difference(out.logits, wanted)
    bound = rounding_bound(case.ours, case.ids.shape[1])
    print(f"{case.name}: logits {difference:.1e} (bound {bound:.1e})")
    assert difference <= bound


def test_loss_is_that_of_transformers(both: Case) -> None:
    labels = both.ids.clone()
    labels[0, :5] = -100
    with torch.no_grad():
        wanted = both.reference(both.ids, labels=labels).loss
    found = both.ours(both.ids, labels=labels).loss
    # A loss is a mean of differences of logits, two of them each.
    bound = 2 * rounding_bound(both.ours, both.ids.shape[1]) * float(np.abs(both.golden["logits"]).max())
    assert abs(float(found) - float(wanted)) <= bound


def test_a_sequence_read_in_pieces_is_the_sequence(case: Case) -> None:
    whole = case.ours(case.ids).logits
    cache, pieces = None, []
    for begin, end in ((0, 1), (1, 64), (64, 70), (70, case.ids.shape[1])):
        out = case.ours(case.ids[:, begin:end], past_key_values=cache)
        assert cache is None or out.past_key_values is cache
        cache = out.past_key_values
        pieces.append(out.logits)
    assert cache.get_seq_length() == case.ids.shape[1]
    assert largest_difference(torch.cat(pieces, dim=1), whole) <= rounding_bound(case.ours, case.ids.shape[1])


def test_kept_logits_are_the_last_ones(classics: xLSTMForCausalLM) -> None:
    ids = torch.arange(2, 26).reshape(2, 12)
    whole = classics(ids).logits
    bound = rounding_bound(classics, 12)
    for kept, columns in ((1, [11]), (3, [9, 10, 11]), (torch.tensor([4, 7]), [4, 7]), (0, list(range(12)))):
        found = classics(ids, logits_to_keep=kept).logits
        assert found.shape == (2, len(columns), 4096)
        assert largest_difference(found, whole[:, columns]) <= bound


@pytest.mark.parametrize("side", ["left", "right", "middle"])
def test_padding_is_not_read(classics: xLSTMForCausalLM, side: str) -> None:
    rows = [list(range(10, 17)), list(range(30, 33)), list(range(50, 55))]
    ids = torch.ones((3, 7), dtype=torch.long)
    mask = torch.zeros((3, 7), dtype=torch.long)
    places = []
    for b, row in enumerate(rows):
        begin = {"left": 7 - len(row), "right": 0, "middle": (7 - len(row)) // 2}[side]
        columns = list(range(begin, begin + len(row)))
        if side == "middle" and len(row) < 7:
            columns = [*columns[:-1], columns[-1] + 1]  # padding within the row, too
        ids[b, columns], mask[b, columns] = torch.tensor(row), 1
        places.append(columns)
    out = classics(ids, attention_mask=mask)
    bound = rounding_bound(classics, 7)
    for b, row in enumerate(rows):
        alone = classics(torch.tensor([row])).logits[0]
        assert largest_difference(out.logits[b, places[b]], alone) <= bound
        # After padding nothing has changed, and before the first token nothing is known.
        after = [column for column in range(7) if column > places[b][-1]]
        for column in after:
            assert torch.equal(out.logits[b, column], out.logits[b, places[b][-1]])
        assert not out.logits[b, : places[b][0]].any()
    last = classics(ids, attention_mask=mask, logits_to_keep=1).logits[:, 0]
    assert largest_difference(last, torch.stack([out.logits[b, places[b][-1]] for b in range(3)])) <= bound


def test_padding_after_what_was_read_leaves_the_state(classics: xLSTMForCausalLM) -> None:
    cache = classics(torch.tensor([[5, 6], [7, 8]])).past_key_values
    before = cache.states[1].next_logits()
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    out = classics(torch.tensor([[9, 10], [1, 1]]), attention_mask=mask, past_key_values=cache)
    assert np.array_equal(out.logits[1, 0].numpy(), before) and np.array_equal(out.logits[1, 1].numpy(), before)
    assert [state.position for state in cache.states] == [4, 2]
    alone = classics(torch.tensor([[5, 6, 9, 10]])).logits[0, 2:]
    assert largest_difference(out.logits[0], alone) <= rounding_bound(classics, 4)


def test_rows_that_are_the_same_are_read_once(classics: xLSTMForCausalLM) -> None:
    row = list(range(40, 60))
    out = classics(torch.tensor([row, row[::-1], row]))
    assert torch.equal(out.logits[0], out.logits[2]) and not torch.equal(out.logits[0], out.logits[1])
    states = out.past_key_values.states
    assert states[0] is states[2] and states[0] is not states[1]
    assert largest_difference(out.logits[1], classics(torch.tensor([row[::-1]])).logits[0]) <= rounding_bound(
        classics, 20
    )


def test_a_cache_that_is_copied_is_a_fork(classics: xLSTMForCausalLM) -> None:
    cache = classics(torch.tensor([[5, 6, 7]])).past_key_values
    fork = copy.deepcopy(cache)
    first = classics(torch.tensor([[8]]), past_key_values=fork).logits
    second = classics(torch.tensor([[8]]), past_key_values=cache).logits
    assert torch.equal(first, second)
    assert cache.get_seq_length() == fork.get_seq_length() == 4


def test_without_a_cache_nothing_is_kept(classics: xLSTMForCausalLM) -> None:
    assert classics(torch.tensor([[5, 6]]), use_cache=False).past_key_values is None
    logits, cache = classics(torch.tensor([[5, 6]]), return_dict=False)
    assert logits.shape == (1, 2, 4096) and isinstance(cache, xLSTMCache)


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_ids": None},
        {"input_ids": torch.tensor([1, 2])},
        {"input_ids": torch.tensor([[4096]])},
        {"input_ids": torch.tensor([[-1]])},
        {"input_ids": torch.zeros((1, 0), dtype=torch.long)},
        {"input_ids": torch.tensor([[0.5]])},
        {"input_ids": torch.tensor([[3, 4]]), "attention_mask": torch.ones((1, 1))},
        {"input_ids": torch.tensor([[3, 4]]), "attention_mask": torch.ones((2, 2))},
        {"input_ids": torch.tensor([[3, 4]]), "attention_mask": torch.zeros((1, 2))},
        {"input_ids": torch.tensor([[3, 4]]), "attention_mask": torch.ones((1, 1, 2, 2))},
        {"input_ids": torch.tensor([[3, 4]]), "past_key_values": xLSTMCache([])},
        {"input_ids": torch.tensor([[3, 4]]), "past_key_values": "a text"},
        {"input_ids": torch.tensor([[3, 4]]), "inputs_embeds": torch.ones((1, 2, 256))},
        {"input_ids": torch.tensor([[3, 4]]), "output_hidden_states": True},
        {"input_ids": torch.tensor([[3, 4]]), "output_attentions": True},
    ],
)
def test_what_cannot_be_read_is_refused(classics: xLSTMForCausalLM, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"^\[forward\] wanted .*, got ") as refused:
        classics(**wrong)
    assert len(str(refused.value)) < 200
