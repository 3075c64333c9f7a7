"""Answers: how they are asked for, their tokens while they come, and what is known at their end."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import numpy.typing as npt

from . import _native
from .errors import UsageError

if TYPE_CHECKING:
    from ._native import State

__all__ = ["Completion", "LogitsProcessor", "Options", "Sampler", "Token"]

#: ``processor(tokens, logits)``: the ids so far, int32 [n], prompt included, and the logits of the next
#: token, float32 [V]. It changes ``logits`` in place or returns another row; -inf forbids a token.
LogitsProcessor = Callable[[npt.NDArray[np.int32], npt.NDArray[np.float32]], Any]
#: ``sampler(logprobs)``: log-probabilities, float32 [V] -> the id of the next token.
Sampler = Callable[[npt.NDArray[np.float32]], Any]


class Options(TypedDict, total=False):
    """What ``generate``, ``complete``, ``stream`` and ``complete_batch`` take besides what they name."""

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


def make_request(engine: _native.Engine, named: Mapping[str, Any], options: Options) -> _native.Request:
    """A request of the arguments that a call names and of its further options."""
    known = Options.__annotations__
    for name in options:
        if name not in known:
            raise TypeError(f"unknown option {name!r}; there are {', '.join(sorted(known))}")
    request = _native.Request()
    request.parse_special = True
    for name, value in named.items():
        if value is not None:
            setattr(request, name, value)
    for name in _PLAIN_OPTIONS:
        value = options.get(name)
        if value is not None:
            setattr(request, name, value)
    if "logit_bias" in options:
        request.logit_bias = dict(options["logit_bias"])
    stop = options.get("stop", ())
    request.stop = [stop] if isinstance(stop, str) else list(stop)
    request.process_logits = _processor(options)
    request.constraint = _constraint(engine, options)
    return request


_PLAIN_OPTIONS = (
    "min_p",
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
    "top_log_probabilities",
    "add_bos",
    "parse_special",
)


def _processor(options: Options) -> LogitsProcessor | None:
    steps = list(options.get("logits_processors", ()))
    sampler = options.get("sampler")
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
        chosen = int(sampler(log_softmax(row)))
        if not 0 <= chosen < row.size:
            raise UsageError(f"[sampler] wanted a token id in [0, {row.size}), got {chosen}")
        only = np.full_like(row, -np.inf)
        only[chosen] = 0.0
        return only

    return process


def log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Log-probabilities of logits [V]."""
    shifted = logits - np.max(logits)
    result: npt.NDArray[np.float32] = shifted - np.log(np.sum(np.exp(shifted)))
    return result


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


class Generation:
    """One answer under way: an iterator of its tokens, and where it ended."""

    def __init__(self, engine: _native.Engine, state: State, request: _native.Request) -> None:
        self._batch = _native.batch(engine)
        self._row = self._batch.add(state, request)
        self._answer: _native.Answer | None = None

    def __iter__(self) -> Iterator[Token]:
        busy = True
        while busy:
            busy = self._batch.step()
            for record in self._batch.take_tokens():
                yield Token(record.id, record.text, record.log_probability, tuple(record.top))

    def end(self) -> _native.Answer:
        """The answer, ended here where it is still under way."""
        if self._answer is None:
            finished = self._batch.take_finished()
            self._answer = finished[0] if finished else self._batch.remove(self._row)
        return self._answer
