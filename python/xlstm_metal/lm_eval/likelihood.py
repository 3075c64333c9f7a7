"""Log-likelihoods of continuations; what contexts have in common is read once. V is the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._native import State
from ..prefixes import StatePath, edges
from ..runner import xLSTMRunner
from .reuse import Reuse

__all__ = ["Likelihood", "likelihoods"]

Floats = npt.NDArray[np.float32]

# Columns of logits [columns, V] that a row has at once.
_COLUMNS = 128


@dataclass
class Likelihood:
    """Of ids[context:] after ids[:context]: the logarithm, and whether greedy decoding would say the same."""

    ids: Sequence[int]
    context: int  # >= 1
    log_probability: float = 0.0
    is_greedy: bool = True

    def add(self, first: int, logits: _Logits) -> None:
        """`logits` [n, V] are those after ids[first], ids[first + 1], ..."""
        begin = max(first, self.context - 1)
        end = min(first + len(logits.best), len(self.ids) - 1)
        if begin >= end:
            return
        targets = np.asarray(self.ids[begin + 1 : end + 1])
        rows = np.arange(begin - first, end - first)
        chosen = logits.values[rows, targets].astype(np.float64) - logits.log_sum[rows]
        self.log_probability += float(chosen.sum())
        self.is_greedy = self.is_greedy and bool((logits.best[rows] == targets).all())


class _Logits:
    """Logits [n, V], with what all who look into them need."""

    def __init__(self, values: Floats) -> None:
        self.values = values
        self.best = values.argmax(axis=1)
        top = values.max(axis=1, keepdims=True)
        self.log_sum = np.log(np.exp(values - top).sum(axis=1, dtype=np.float64)) + top[:, 0]


def likelihoods(
    runner: xLSTMRunner, wanted: Sequence[Likelihood], rows: int, least_saved: int, reuse: Reuse
) -> Iterator[int]:
    """Fills in `wanted`; tells from time to time how many more are done.

    `rows` ends of sequences are read side by side; `least_saved` as in ``edges``.
    """
    # The last id is never read: those who differ in it alone are one sequence.
    same: dict[tuple[int, ...], list[Likelihood]] = {}
    for one in wanted:
        same.setdefault(tuple(one.ids[:-1]), []).append(one)
        reuse.asked += len(one.ids) - 1
    sequences, askers = list(same), list(same.values())
    path = StatePath(runner.new_state())
    ends = _Ends(runner, rows)
    for edge in edges(sequences, least_saved):
        state = path.enter(edge)
        ids = sequences[edge.members[0]][edge.begin : edge.end]
        reuse.read += len(ids)
        asking = [one for member in edge.members for one in askers[member]]
        if not edge.is_leaf:
            path.keep(_read(runner, state, ids, edge.begin, asking))
        elif len(ids) <= _COLUMNS:
            ends.add(state, ids, edge.begin, asking)
        else:
            _read(runner, state, ids, edge.begin, asking)
        yield sum(len(askers[member]) for member in edge.members if len(sequences[member]) == edge.end)
    ends.flush()


def _read(
    runner: xLSTMRunner, state: State, ids: Sequence[int], begin: int, asking: Sequence[Likelihood]
) -> State:
    """Reads an edge by itself: without logits as far as nobody wants them, then some columns at a time."""
    silent = min(max(min(one.context for one in asking) - 1 - begin, 0), len(ids))
    if silent > 0:
        _, state = runner.forward(ids[:silent], state, last_only=True)
    for at in range(silent, len(ids), _COLUMNS):
        values, state = runner.forward(ids[at : at + _COLUMNS], state)
        logits = _Logits(values)
        for one in asking:
            one.add(begin + at, logits)
    return state


class _Ends:
    """Ends of sequences, which are read side by side: what is read after them does not matter."""

    def __init__(self, runner: xLSTMRunner, rows: int) -> None:
        self._runner = runner
        self._rows = rows
        self._waiting: list[tuple[State, Sequence[int], int, Sequence[Likelihood]]] = []

    def add(self, state: State, ids: Sequence[int], begin: int, asking: Sequence[Likelihood]) -> None:
        self._waiting.append((state, ids, begin, asking))
        if len(self._waiting) == self._rows:
            self.flush()

    def flush(self) -> None:
        if not self._waiting:
            return
        block = np.zeros((len(self._waiting), max(len(ids) for _, ids, _, _ in self._waiting)), np.int32)
        for row, (_, ids, _, _) in enumerate(self._waiting):
            block[row, : len(ids)] = ids
        values, _ = self._runner.forward(block, [state for state, _, _, _ in self._waiting])
        for row, (_, ids, begin, asking) in enumerate(self._waiting):
            logits = _Logits(values[row, : len(ids)])
            for one in asking:
                one.add(begin, logits)
        self._waiting.clear()
