"""Padded batches of ids -> logits and states. B rows, S columns, K of them kept, V the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .._native import State
from ..errors import UsageError
from ..runner import xLSTMRunner

__all__ = ["read_padded"]

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.integer]


def read_padded(
    runner: xLSTMRunner,
    ids: Integers,
    mask: npt.NDArray[np.bool_] | None,
    states: Sequence[State],
    kept: Integers,
) -> tuple[Floats, list[State]]:
    """Reads ids [B, S], each row on from its state.

    A column that ``mask`` [B, S] has False for leaves a row's state as it is: the logits there are those
    after the token before it, and zeros where there was none. Rows that read the same on from the same
    state are computed once.

    Returns the logits [B, K, V] after the columns ``kept`` [K], and the next states [B].
    """
    if mask is not None and mask.all():
        mask = None
    rows = [row if mask is None else row[mask[b]] for b, row in enumerate(ids)]
    groups = _groups(rows, states)
    last_only = kept.size == 1 and int(kept[0]) == ids.shape[1] - 1
    if mask is None and len(groups) == 1 and all(len(same) == 1 for same in groups[0]):
        logits, after = runner.forward(ids, states, last_only=last_only)
        if last_only:
            return logits[:, None], after
        return (logits if kept.size == ids.shape[1] else logits[:, kept]), after
    counts = _counts(ids, mask)[:, kept]
    out = np.zeros((len(rows), kept.size, runner.vocab_size), np.float32)
    next_states = list(states)
    for group in groups:
        firsts = [same[0] for same in group]
        if rows[firsts[0]].size == 0:
            for b in firsts:
                out[b] = _next_logits(states[b], b)
            continue
        logits, after = runner.forward(
            np.stack([rows[b] for b in firsts]), [states[b] for b in firsts], last_only=last_only
        )
        for place, same in enumerate(group):
            for b in same:
                next_states[b] = after[place]
                if last_only:
                    out[b, 0] = logits[place]
                else:
                    _spread(out[b], logits[place], counts[b], states[b])
    return out, next_states


def _groups(rows: Sequence[Integers], states: Sequence[State]) -> list[list[list[int]]]:
    """Rows that are read by one call, which have one length; of these, those that are the same together."""
    by_length: dict[int, dict[tuple[int, bytes], list[int]]] = {}
    for b, row in enumerate(rows):
        key = (id(states[b]), row.tobytes()) if row.size else (b, b"")
        by_length.setdefault(row.size, {}).setdefault(key, []).append(b)
    return [list(same.values()) for same in by_length.values()]


def _counts(ids: Integers, mask: npt.NDArray[np.bool_] | None) -> Integers:
    """Tokens of each row up to each column [B, S]."""
    everything = np.ones(ids.shape, np.bool_) if mask is None else mask
    counts: Integers = everything.cumsum(axis=1)
    return counts


def _spread(out: Floats, logits: Floats, counts: Integers, state: State) -> None:
    """Fills out [K, V]: at k, what logits [n, V] say after counts[k] tokens."""
    out[counts > 0] = logits[counts[counts > 0] - 1]
    if state.position > 0:
        out[counts == 0] = state.next_logits()


def _next_logits(state: State, row: int) -> Floats:
    if state.position == 0:
        raise UsageError(f"[forward] wanted a token in row {row}, got padding only: begin with BOS")
    return state.next_logits()
