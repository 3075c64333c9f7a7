"""Answers: how they are asked for, their tokens while they come, and what is known at their end."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from . import _native, hooks
from .errors import UsageError
from .hooks import LogitsProcessor, Sampler

if TYPE_CHECKING:
    from ._native import State

__all__ = ["BatchOptions", "Completion", "MoreOptions", "Options", "Stream", "Token"]

class MoreOptions(TypedDict, total=False):
    """How a prompt is answered: what ``generate`` has no parameters for."""

    min_p: float  #: [0, 1]; drops tokens below min_p times the likeliest
    repetition_penalty: float  #: > 0; 1: off
    presence_penalty: float
    frequency_penalty: float
    logit_bias: Mapping[int, float]  #: id -> added to its logit; -inf: never
    stop: str | Sequence[str]  #: texts that end the answer; not shown
    logits_processors: Sequence[LogitsProcessor]  #: applied in order, before all parameters
    sampler: Sampler  #: chooses tokens instead of temperature, top_k, top_p and min_p
    regex: str  #: the answer as a whole matches this expression
    json: bool  #: the answer is a JSON object
    json_schema: str | Mapping[str, Any]  #: the answer is JSON that this schema describes
    top_log_probabilities: int  #: asks for log-probabilities, and for this many of the likeliest
    add_bos: bool  #: a text at the start of a sequence begins with BOS (True)
    parse_special: bool  #: the text of special tokens in a prompt is read as these (True)


class BatchOptions(MoreOptions, total=False):
    """What all rows of a batch have in common."""

    max_tokens: int  #: of the answer (100)
    temperature: float  #: 0: always the likeliest token (1.0)
    top_k: int | None  #: draws among the likeliest k alone
    top_p: float | None  #: draws among the likeliest with this mass together
    stop_tokens: Sequence[int] | None  #: ids that end the answer; None: the model's own


class Options(BatchOptions, total=False):
    """How a prompt is answered; all may be left out."""

    seed: int | None  #: same seed, same answer


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


def make_request(engine: _native.Engine, prompt: Any, options: Options) -> _native.Request:
    """What the engine is asked for: `prompt` is a text, or ids of any kind."""
    for name in options:
        if name not in Options.__optional_keys__:
            there = ", ".join(sorted(Options.__optional_keys__))
            raise TypeError(f"unknown option {name!r}; there are {there}")
    request = _native.Request()
    request.max_tokens = 100
    request.parse_special = True
    for name, value in options.items():
        if name in _PLAIN and value is not None:
            setattr(request, name, value)
    if isinstance(prompt, str):
        request.prompt = prompt
    else:
        request.prompt_ids = prompt
    request.logit_bias = dict(options.get("logit_bias", {}))
    stop = options.get("stop", ())
    request.stop = [stop] if isinstance(stop, str) else list(stop)
    stop_tokens = options.get("stop_tokens")
    if stop_tokens is not None:
        request.end_tokens = list(stop_tokens)
        request.stop_at_end_token = False
    request.process_logits = hooks.processor_of(
        options.get("logits_processors", ()), options.get("sampler")
    )
    request.constraint = _constraint(engine, options)
    return request


# Options that a request has by the same names.
_PLAIN = frozenset(
    "max_tokens temperature top_k top_p min_p seed repetition_penalty presence_penalty frequency_penalty "
    "top_log_probabilities add_bos parse_special".split()
)


def _constraint(engine: _native.Engine, options: Options) -> _native.Constraint | None:
    given = [name for name in ("regex", "json", "json_schema") if options.get(name)]
    if len(given) > 1:
        raise UsageError(f"[options] wanted one of regex, json and json_schema, got {' and '.join(given)}")
    if given == ["regex"]:
        return _native.regex_constraint(engine, options["regex"])
    if given == ["json"]:
        return _native.json_constraint(engine)
    if given == ["json_schema"]:
        schema = options["json_schema"]
        text = schema if isinstance(schema, str) else json_module.dumps(schema)
        return _native.json_schema_constraint(engine, text)
    return None


class Stream(Iterator[Token]):
    """The tokens of an answer, as they come. Whoever drops or closes it ends the answer."""

    def __init__(
        self,
        engine: _native.Engine,
        state: State,
        request: _native.Request,
        on_end: Callable[[State], None],
    ) -> None:
        self._run = _Run(engine, state, request)
        self._tokens = _tokens(self._run, on_end)

    def __next__(self) -> Token:
        return next(self._tokens)

    def close(self) -> None:
        """Ends the answer where it is."""
        self._tokens.close()

    def answer(self) -> _native.Answer:
        """What the engine knows of the answer, ended here where it is still under way."""
        self.close()
        return self._run.end()

    @property
    def completion(self) -> Completion:
        """All that is known of the answer, ended here where it is still under way."""
        return completion_of(self.answer())

    def __repr__(self) -> str:
        return f"<xlstm_metal.Stream: {'ended' if self._run.answer else 'under way'}>"


class _Run:
    """One answer, in a batch of its own."""

    def __init__(self, engine: _native.Engine, state: State, request: _native.Request) -> None:
        self.batch = _native.batch(engine)
        self.row = self.batch.add(state, request)
        self.answer: _native.Answer | None = None

    def end(self) -> _native.Answer:
        if self.answer is None:
            finished = self.batch.take_finished()
            self.answer = finished[0] if finished else self.batch.remove(self.row)
        return self.answer


def _tokens(run: _Run, on_end: Callable[[State], None]) -> Generator[Token, None, None]:
    """Its tokens; whatever ends it, `on_end` gets the state where that was."""
    try:
        busy = True
        while busy:
            busy = run.batch.step()
            for record in run.batch.take_tokens():
                yield Token(record.id, record.text, record.log_probability, tuple(record.top))
    finally:
        answer = run.end()
        if not answer.has_failed:
            on_end(answer.state())
    answer.raise_error()
