"""How a prompt is answered: the options that callers give by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from .hooks import LogitsProcessor, Sampler

__all__ = ["BatchOptions", "MoreOptions", "Options"]


class MoreOptions(TypedDict, total=False):
    """How a prompt is answered: what ``generate`` has no parameters for."""

    min_p: float  #: [0, 1]; drops tokens below min_p times the likeliest
    repetition_penalty: float  #: > 0; 1: off
    presence_penalty: float
    frequency_penalty: float
    logit_bias: Mapping[int, float] | None  #: id -> added to its logit; -inf: never
    stop: str | Sequence[str] | None  #: texts that end the answer; not shown
    logits_processors: Sequence[LogitsProcessor] | None  #: applied in order, before all parameters
    sampler: Sampler | None  #: chooses tokens instead of temperature, top_k, top_p and min_p; not with
    #: regex, json or json_schema, which forbid tokens after it
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
