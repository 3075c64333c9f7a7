"""Answers: their tokens while they come, and what is known at their end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import _native
from .errors import UsageError
from .options import BatchOptions, MoreOptions, Options
from .request import Asked

if TYPE_CHECKING:
    from ._native import State

__all__ = ["BatchOptions", "Completion", "MoreOptions", "Options", "Stream", "Token", "completion_of"]


@dataclass(frozen=True)
class Token:
    """A token of an answer, with the text that became certain with it: often none, or more than its own.

    ``id`` is None for text that was held back until the end. ``log_probability`` and ``top``, pairs of
    id and log-probability, are there where ``top_log_probabilities`` asked for them.
    """

    id: int | None
    text: str
    log_probability: float | None = None
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Completion:
    """An answer that has ended.

    ``stop_reason`` is "max_tokens", "end_token", "stop_string", "cancelled" or "complete" (a constraint
    lets nothing follow). ``tokens`` holds the token that ended it, too. ``state`` has read all of it.
    """

    text: str
    tokens: list[int]
    stop_reason: str
    prompt_tokens: int
    seed: int
    log_probabilities: list[float] = field(repr=False)
    top: list[list[tuple[int, float]]] = field(repr=False)
    statistics: dict[str, float] = field(repr=False)
    state: State | None = field(repr=False, default=None)


def completion_of(answer: _native.Answer, keep_state: bool = True) -> Completion:
    """What an answer of a batch holds; raises what ended it, if that was an error."""
    answer.raise_error()
    return Completion(
        text=answer.text,
        tokens=answer.tokens,
        stop_reason=answer.stop_reason,
        prompt_tokens=answer.prompt_tokens,
        seed=answer.seed,
        log_probabilities=answer.log_probabilities,
        top=answer.top,
        statistics=answer.statistics,
        state=answer.state() if keep_state else None,
    )


class Stream(Iterator[Token]):
    """The tokens of an answer, as they come. Whoever drops or closes it ends the answer.

    One caller at a time: while a token is computed, its hooks and other threads get UsageError.
    """

    def __init__(
        self, engine: _native.Engine, state: State, asked: Asked, on_end: Callable[[State], None]
    ) -> None:
        self._run = _Run(engine, state, asked)
        self._tokens = _tokens(self._run, on_end)
        self._turn = threading.Lock()

    @contextmanager
    def _alone(self) -> Generator[None, None, None]:
        if not self._turn.acquire(blocking=False):
            raise UsageError("[stream] wanted one caller at a time, got another while a token is computed")
        try:
            yield
        finally:
            self._turn.release()

    def __next__(self) -> Token:
        token = None
        with self._alone():
            token = next(self._tokens, None)
        if token is None:
            raise StopIteration
        return token

    def close(self) -> None:
        """Ends the answer where it is."""
        self.answer()

    def answer(self) -> _native.Answer:
        """What the engine knows of the answer, ended here where it is still under way."""
        with self._alone():
            self._tokens.close()
            return self._run.end()

    @property
    def completion(self) -> Completion:
        """All that is known of the answer, ended here where it is still under way."""
        return completion_of(self.answer())

    def __repr__(self) -> str:
        return f"<xlstm_metal.Stream: {'ended' if self._run.answer else 'under way'}>"


class _Run:
    """One answer, in a batch of its own, which goes when it has ended."""

    def __init__(self, engine: _native.Engine, state: State, asked: Asked) -> None:
        self.batch: _native.Batch | None = _native.batch(engine)
        self._row = self.batch.add(state, asked.request)
        self._asked: Asked | None = asked
        self.answer: _native.Answer | None = None

    def end(self) -> _native.Answer:
        if self.answer is None:
            assert self.batch is not None  # until there is an answer
            finished = self.batch.take_finished()
            self.answer = finished[0] if finished else self.batch.remove(self._row)
            self.batch = self._asked = None
        return self.answer


def _tokens(run: _Run, on_end: Callable[[State], None]) -> Generator[Token, None, None]:
    """Its tokens; whatever ends it, `on_end` gets the state where that was."""
    try:
        busy = True
        while busy and run.batch is not None:
            busy = run.batch.step()
            for record in run.batch.take_tokens():
                yield Token(record.id, record.text, record.log_probability, tuple(record.top))
    finally:
        answer = run.end()
        if not answer.has_failed:
            on_end(answer.state())
    answer.raise_error()
