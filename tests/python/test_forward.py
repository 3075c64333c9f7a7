"""forward(): logits and states of batches."""

from __future__ import annotations

import numpy as np
import pytest

from xlstm_metal import UsageError, xLSTMRunner

# Sums of float32 in another order: 256 terms of size 1 in each of some 60 products, relative 2^-24 each,
# to logits below 30: 256^0.5 x 60 x 2^-24 x 30 = 1.7e-3.
TOLERANCE = 2e-3


def test_rows_and_pieces_are_as_alone(runner: xLSTMRunner) -> None:
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 4096, (3, 700))  # more than a segment
    whole, states = runner.forward(ids)
    assert whole.shape == (3, 700, 4096) and whole.dtype == np.float32
    assert [state.position for state in states] == [700] * 3
    for row in range(3):
        alone, state = runner.forward(ids[row, :500])
        np.testing.assert_allclose(whole[row, :500], alone, atol=TOLERANCE)
        rest, after = runner.forward(ids[row, 500:], state)
        np.testing.assert_allclose(whole[row, 500:], rest, atol=TOLERANCE)
        assert state.position == 500 and after.position == 700
        np.testing.assert_allclose(states[row].next_logits(), after.next_logits(), atol=TOLERANCE)


def test_last_only(runner: xLSTMRunner) -> None:
    ids = np.arange(40).reshape(2, 20)
    logits, _ = runner.forward(ids)
    last, states = runner.forward(ids, last_only=True)
    assert last.shape == (2, 4096)
    np.testing.assert_allclose(last, logits[:, -1], atol=TOLERANCE)
    np.testing.assert_array_equal(last[1], states[1].next_logits())
    assert runner.forward(ids[0], last_only=True)[0].shape == (4096,)


def test_shapes_follow_the_ids(runner: xLSTMRunner) -> None:
    assert runner.forward([7])[0].shape == (1, 4096)
    assert runner.forward([[7]])[0].shape == (1, 1, 4096)
    logits, states = runner.forward([[7, 8], [9, 10]])
    assert logits.shape == (2, 2, 4096) and len(states) == 2
    again, state = runner.forward([[3]], states[:1])
    assert again.shape == (1, 1, 4096) and state[0].position == 3
    assert runner.forward([[3]], states[0])[1][0].position == 3


def test_states_of_unequal_positions(runner: xLSTMRunner) -> None:
    states = [runner.forward(list(range(1, n)))[1] for n in (3, 70)]
    logits, after = runner.forward([[5], [6]], states)
    assert [state.position for state in after] == [3, 70]
    for row, id in enumerate((5, 6)):
        alone, _ = runner.forward([id], states[row])
        np.testing.assert_allclose(logits[row], alone, atol=TOLERANCE)


def test_what_cannot_be_read(runner: xLSTMRunner) -> None:
    state = runner.new_state()
    for ids, states in (([], None), ([[]], None), (np.zeros((0, 3), int), None), ([[1], [2]], state)):
        with pytest.raises(UsageError, match=r"\[forward\]"):
            runner.forward(ids, states)
    assert state.position == 0
