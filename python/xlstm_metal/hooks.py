"""What Python code may do to the choice of a token: logits processors and samplers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import UsageError

__all__ = ["LogitsProcessor", "Sampler", "log_softmax"]

#: ``processor(tokens, logits)``: the ids so far, int32 [n], prompt included, and the logits of the next
#: token, float32 [V]. It changes ``logits`` in place or returns another row; -inf forbids a token.
LogitsProcessor = Callable[[npt.NDArray[np.int32], npt.NDArray[np.float32]], Any]
#: ``sampler(logprobs)``: log-probabilities, float32 [V] -> the id of the next token.
Sampler = Callable[[npt.NDArray[np.float32]], Any]


def processor_of(processors: Iterable[LogitsProcessor], sampler: Sampler | None) -> LogitsProcessor | None:
    """All of them as one: each gets what the one before leaves, the sampler comes last."""
    steps = list(processors)
    if sampler is not None:
        steps.append(_only_sampled(sampler))
    if not steps:
        return None

    def process(tokens: npt.NDArray[np.int32], logits: npt.NDArray[np.float32]) -> Any:
        row: Any = logits
        for step in steps:
            changed = step(tokens, row)
            row = row if changed is None else changed
        return row

    return process


def _only_sampled(sampler: Sampler) -> LogitsProcessor:
    """Leaves only the token that `sampler` chooses."""

    def process(tokens: npt.NDArray[np.int32], logits: npt.NDArray[np.float32]) -> Any:
        row = np.asarray(logits, dtype=np.float32).reshape(-1)
        return only(row, int(sampler(log_softmax(row))))

    return process


def only(logits: npt.NDArray[np.float32], chosen: int) -> npt.NDArray[np.float32]:
    """Logits [V] that leave no token but one."""
    if not 0 <= chosen < logits.size:
        raise UsageError(f"[sampler] wanted a token id in [0, {logits.size}), got {chosen}")
    row = np.full_like(logits, -np.inf)
    row[chosen] = 0.0
    return row


def log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Log-probabilities of logits [V]."""
    shifted = logits - np.max(logits)
    result: npt.NDArray[np.float32] = shifted - np.log(np.sum(np.exp(shifted)))
    return result
