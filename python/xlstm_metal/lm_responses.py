"""What ``stream_generate`` gives: the tokens of an answer as mlx-lm's users know them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .arrays import to_mlx
from .generation import Stream, Token
from .lm_hooks import Rows
from .runner import xLSTMRunner

__all__ = ["Clock", "GenerationResponse", "responses"]


@dataclass
class GenerationResponse:
    """A token of an answer, and how the answer goes so far.

    ``finish_reason`` is None until the end: "length" or "stop". ``logprobs`` is an mlx.core.array [V];
    ``peak_memory`` is in GB (10^9 bytes), rates are in tokens per second.
    """

    text: str
    token: int
    logprobs: Any
    from_draft: bool
    prompt_tokens: int
    prompt_tps: float
    generation_tokens: int
    generation_tps: float
    peak_memory: float
    finish_reason: str | None = None


def responses(stream: Stream, clock: Clock, rows: Rows) -> Iterator[GenerationResponse]:
    """Each is handed over once the next is known, for the last one says why the answer ended."""
    waiting: GenerationResponse | None = None
    for token in stream:
        if token.id is None:
            if waiting is not None:
                waiting.text += token.text
            continue
        if waiting is not None:
            yield waiting
        waiting = clock.response(token, rows.logprobs)
    if waiting is not None:
        waiting.finish_reason = "length" if stream.answer().stop_reason == "max_tokens" else "stop"
        yield waiting


class Clock:
    """Counts and rates of an answer."""

    def __init__(
        self, model: xLSTMRunner, prompt_tokens: int, on_prompt: Callable[[int, int], object] | None
    ) -> None:
        self._model = model
        self._on_prompt = on_prompt or (lambda read, of: None)
        self._prompt_tokens = prompt_tokens
        self._tokens = 0
        self._start = time.perf_counter()
        self._first = 0.0
        self._on_prompt(0, prompt_tokens)

    def response(self, token: Token, logprobs: npt.NDArray[np.float32] | None) -> GenerationResponse:
        now = time.perf_counter()
        self._tokens += 1
        if self._tokens == 1:
            self._first = now
            self._on_prompt(self._prompt_tokens, self._prompt_tokens)
        taken = max(now - self._first, 1e-9)
        memory = self._model.memory()
        return GenerationResponse(
            text=token.text,
            token=-1 if token.id is None else token.id,
            logprobs=None if logprobs is None else to_mlx(logprobs),
            from_draft=False,
            prompt_tokens=self._prompt_tokens,
            prompt_tps=self._prompt_tokens / max(self._first - self._start, 1e-9),
            generation_tokens=self._tokens,
            generation_tps=(self._tokens - 1) / taken if self._tokens > 1 else 0.0,
            peak_memory=max(memory["peak"], memory["peak_resident"]) / 1e9,
        )
