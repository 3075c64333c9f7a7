"""What Python code may do to the choice of a token: logits processors and samplers."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from .checks import listed
from .errors import InternalError, UsageError

__all__ = ["Hooks", "LogitsProcessor", "Sampler", "log_softmax", "only"]

#: ``processor(tokens, logits)``: the ids so far, int32 [n], prompt included, and the logits of the next
#: token, float32 [V]. It changes ``logits`` in place or returns another row; -inf forbids a token.
LogitsProcessor = Callable[[npt.NDArray[np.int32], npt.NDArray[np.float32]], Any]
#: ``sampler(logprobs)``: log-probabilities, float32 [V] -> the id of the next token.
Sampler = Callable[[npt.NDArray[np.float32]], Any]


class Hooks:
    """The hooks of an answer as one processor: each gets what the one before leaves, the sampler comes last.

    What they raise passes; but StopIteration, which would end a loop over the tokens as if the answer had
    ended, comes out as RuntimeError, as it does of a generator.
    """

    def __init__(self, processors: Iterable[LogitsProcessor] | None, sampler: Sampler | None) -> None:
        wanted = "a list of functions of (tokens, logits)"
        self._processors = [] if processors is None else listed(processors, "logits_processors", wanted)
        for processor in self._processors:
            if not callable(processor):
                raise UsageError(f"[logits_processors] wanted {wanted}, got {processor!r} in it")
        if sampler is not None and not callable(sampler):
            raise UsageError(f"[sampler] wanted a function of log-probabilities, got {sampler!r}")
        self._sampler = sampler

    def __bool__(self) -> bool:
        return bool(self._processors) or self._sampler is not None

    def __call__(self, tokens: npt.NDArray[np.int32], logits: npt.NDArray[np.float32]) -> Any:
        row = logits
        try:
            for processor in self._processors:
                changed = processor(tokens, row)
                row = row if changed is None else _floats(changed)
            return row if self._sampler is None else _only_sampled(self._sampler, row.reshape(-1))
        except StopIteration as error:
            raise RuntimeError("a hook raised StopIteration") from error

    def weakly(self) -> LogitsProcessor:
        """For the engine, whose references Python's collector does not see: a hook may hold the answer
        that holds it. Whoever runs the answer keeps the hooks."""
        me = weakref.ref(self)

        def process(tokens: npt.NDArray[np.int32], logits: npt.NDArray[np.float32]) -> Any:
            hooks = me()
            if hooks is None:
                raise InternalError("[hooks] wanted to be kept while their answer is under way, got dropped")
            return hooks(tokens, logits)

        return process


def _floats(given: Any) -> npt.NDArray[np.float32]:
    try:
        return np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError):
        found = type(given).__name__
        raise UsageError(f"[logits processor] wanted an array of floats or None, got a {found}") from None


def _only_sampled(sampler: Sampler, row: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Leaves only the token that `sampler` chooses."""
    chosen = sampler(log_softmax(row))
    try:
        id = int(chosen)
    except (TypeError, ValueError):
        raise UsageError(f"[sampler] wanted a token id, got {chosen!r}") from None
    return only(row, id)


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
