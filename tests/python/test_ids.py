"""Token ids: which shapes and types are read, and which are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xlstm_metal import UsageError, xLSTMRunner

NESTED: list[Any] = []
NESTED.append(NESTED)


@pytest.mark.parametrize(
    "wrong",
    [
        NESTED,
        [NESTED],
        [[1], NESTED],
        [[[1, 2]]],
        [[[1, 2]], [[3, 4]]],
        [1, [2]],
        [[1], 2],
        [["12"]],
        ["12"],
        [[1, 2], "12"],
        b"12",
        bytearray(b"12"),
        [b"12", b"34"],
        [np.array([[1, 2]])],
        np.array([[[1, 2]]]),
        np.array(5),
        [[1.5]],
        [np.array([1.5])],
        np.array([True, False]),
    ],
    ids=repr,
)
def test_refused(runner: xLSTMRunner, wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"^\[forward\] wanted "):
        runner.forward(wrong)
    with pytest.raises(UsageError, match="^.* wanted "):
        runner.new_state().score(wrong)


@pytest.mark.parametrize("dtype", [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)])
def test_integers_of_every_width(runner: xLSTMRunner, dtype: str) -> None:
    wanted = runner.forward([[5, 100], [7, 127]], last_only=True)[0]
    ids = np.array([[5, 100], [7, 127]], dtype)
    np.testing.assert_array_equal(runner.forward(ids, last_only=True)[0], wanted)
    np.testing.assert_array_equal(runner.forward(list(ids), last_only=True)[0], wanted)
    np.testing.assert_array_equal(runner.forward(ids[0], last_only=True)[0], runner.forward([5, 100])[0][-1])


def test_bytes_above_127(runner: xLSTMRunner) -> None:
    given = np.array([200, 255], np.uint8)
    np.testing.assert_array_equal(runner.forward(given)[0], runner.forward([200, 255])[0])
    with pytest.raises(UsageError, match="token ids in"):
        runner.forward(np.array([-1], np.int8))


def test_one_sequence_in_either_shape(runner: xLSTMRunner) -> None:
    for given in ([5, 6], [[5, 6]], [np.array([5, 6])], ((5, 6),), range(5, 7), iter([5, 6])):
        assert runner.generate(given, max_tokens=0) == [5, 6]
