"""``load``, ``generate`` and ``stream_generate`` as users of mlx-lm know them.

Processors and samplers here are mlx-lm's: they get and give ``mlx.core.array``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import hooks
from .errors import UsageError
from .generation import Options, Stream, Token
from .runner import xLSTMRunner
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    from ._native import State

__all__ = ["GenerationResponse", "generate", "load", "make_prompt_cache", "make_sampler", "stream_generate"]


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


def load(path_or_hf_repo: str, revision: str | None = None, **options: Any) -> tuple[xLSTMRunner, Tokenizer]:
    """A model, by folder, embedded name or repository, and its tokenizer.

    ``options`` are those of ``xLSTMRunner.from_pretrained``.
    """
    model = xLSTMRunner.from_pretrained(path_or_hf_repo, revision=revision, **options)
    return model, model.tokenizer


def make_prompt_cache(model: xLSTMRunner) -> list[State]:
    """What calls of ``generate`` with ``prompt_cache=`` go on from, and leave where they end."""
    return [model.new_state()]


def make_sampler(
    temp: float = 0.0, top_p: float = 0.0, min_p: float = 0.0, top_k: int = 0
) -> Callable[[Any], Any]:
    """A sampler of mlx-lm's parameters, which the engine itself runs."""
    return _EngineSampler(temp, top_p, min_p, top_k)


def generate(
    model: xLSTMRunner,
    tokenizer: Tokenizer,
    prompt: str | Sequence[int],
    verbose: bool = False,
    **options: Any,
) -> str:
    """The answer to a prompt as a text; ``verbose`` prints it as it comes, and then the rates.

    ``options`` are those of ``stream_generate``.
    """
    text, last = "", None
    for last in stream_generate(model, tokenizer, prompt, **options):
        text += last.text
        if verbose:
            print(last.text, end="", flush=True)
    if verbose and last is not None:
        print(
            f"\n{'=' * 10}\nPrompt: {last.prompt_tokens} tokens, {last.prompt_tps:.3f} tokens-per-sec\n"
            f"Generation: {last.generation_tokens} tokens, {last.generation_tps:.3f} tokens-per-sec\n"
            f"Peak memory: {last.peak_memory:.3f} GB"
        )
    return text


def stream_generate(
    model: xLSTMRunner,
    tokenizer: Tokenizer,
    prompt: str | Sequence[int],
    *,
    max_tokens: int = 256,
    sampler: Callable[[Any], Any] | None = None,
    logits_processors: Sequence[Callable[[Any, Any], Any]] = (),
    prompt_cache: list[State] | None = None,
    logprobs: bool = True,
    **options: Any,
) -> Iterator[GenerationResponse]:
    """The answer to a prompt, token by token; greedy without a ``sampler``, as mlx-lm's.

    Args:
        sampler: log-probabilities [1, V] -> ids [1]; or one of ``make_sampler``.
        logits_processors: each (tokens [n], logits [1, V]) -> logits [1, V].
        prompt_cache: of ``make_prompt_cache``.
        logprobs: whether responses have them; without, tokens come a little sooner.
        options: further ones of ``xlstm_metal.generation.Options``.
    """
    del tokenizer  # the model's own
    rows = _Rows(logits_processors, None if isinstance(sampler, _EngineSampler) else sampler)
    given = Options(max_tokens=max_tokens, temperature=0.0)
    if isinstance(sampler, _EngineSampler):
        given.update(sampler.options())
    if logprobs or rows.changes:
        given["logits_processors"] = [rows]
    given.update(options)  # type: ignore[typeddict-item]
    state = prompt_cache[0] if prompt_cache else None
    clock = _Clock(model, len(model.prompt_ids(prompt, state)))
    try:
        yield from _responses(model.stream(prompt, state=state, **given), clock, rows)
    finally:
        if prompt_cache:
            prompt_cache[0].assign(model.state)


def _responses(
    stream: Stream, clock: _Clock, rows: _Rows
) -> Iterator[GenerationResponse]:
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


class _Clock:
    """Counts and rates of an answer."""

    def __init__(self, model: xLSTMRunner, prompt_tokens: int) -> None:
        self._model = model
        self._prompt_tokens = prompt_tokens
        self._tokens = 0
        self._start = time.perf_counter()
        self._first = 0.0

    def response(self, token: Token, logprobs: npt.NDArray[np.float32] | None) -> GenerationResponse:
        now = time.perf_counter()
        self._tokens += 1
        if self._tokens == 1:
            self._first = now
        taken = max(now - self._first, 1e-9)
        memory = self._model.memory()
        return GenerationResponse(
            text=token.text,
            token=-1 if token.id is None else token.id,
            logprobs=None if logprobs is None else _mlx(logprobs),
            from_draft=False,
            prompt_tokens=self._prompt_tokens,
            prompt_tps=self._prompt_tokens / max(self._first - self._start, 1e-9),
            generation_tokens=self._tokens,
            generation_tps=(self._tokens - 1) / taken if self._tokens > 1 else 0.0,
            peak_memory=max(memory["peak"], memory["peak_resident"]) / 1e9,
        )


class _Rows:
    """mlx-lm's processors and sampler as one processor of ours, which keeps the log-probabilities."""

    def __init__(
        self, processors: Sequence[Callable[[Any, Any], Any]], sampler: Callable[[Any], Any] | None
    ) -> None:
        self.changes = bool(processors) or sampler is not None
        self.logprobs: npt.NDArray[np.float32] | None = None
        self._processors = list(processors)
        self._sampler = sampler

    def __call__(self, tokens: npt.NDArray[np.int32], logits: npt.NDArray[np.float32]) -> Any:
        row = logits
        if self._processors:
            ids, changed = _mlx(tokens), _mlx(logits[None])
            for processor in self._processors:
                changed = processor(ids, changed)
            row = np.array(changed, dtype=np.float32, copy=True).reshape(-1)
        self.logprobs = hooks.log_softmax(row)
        if self._sampler is None:
            return row
        chosen = self._sampler(_mlx(self.logprobs[None]))
        return hooks.only(row, int(np.array(chosen).reshape(-1)[0]))


@dataclass(frozen=True)
class _EngineSampler:
    temp: float
    top_p: float
    min_p: float
    top_k: int

    def options(self) -> Options:
        top_p = self.top_p if 0 < self.top_p < 1 else None
        top_k = self.top_k if self.top_k > 0 else None
        return Options(temperature=self.temp, top_p=top_p, min_p=self.min_p, top_k=top_k)

    def __call__(self, logprobs: Any) -> Any:
        raise UsageError("[sampler] wanted a call by stream_generate or generate, got one by other code")


def _mlx(array: npt.NDArray[Any]) -> Any:
    import mlx.core as mx

    return mx.array(array)
