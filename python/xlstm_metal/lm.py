"""``load``, ``generate`` and ``stream_generate`` as users of mlx-lm know them.

Processors and samplers here are mlx-lm's: they get and give ``mlx.core.array``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

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


@overload
def load(
    path_or_hf_repo: str,
    tokenizer_config: Mapping[str, Any] | None = None,
    model_config: Mapping[str, Any] | None = None,
    adapter_path: str | None = None,
    lazy: bool = False,
    return_config: Literal[False] = False,
    revision: str | None = None,
    trust_remote_code: bool = False,
    **options: Any,
) -> tuple[xLSTMRunner, Tokenizer]: ...


@overload
def load(
    path_or_hf_repo: str,
    tokenizer_config: Mapping[str, Any] | None = None,
    model_config: Mapping[str, Any] | None = None,
    adapter_path: str | None = None,
    lazy: bool = False,
    *,
    return_config: Literal[True],
    revision: str | None = None,
    trust_remote_code: bool = False,
    **options: Any,
) -> tuple[xLSTMRunner, Tokenizer, dict[str, Any]]: ...


def load(
    path_or_hf_repo: str,
    tokenizer_config: Mapping[str, Any] | None = None,
    model_config: Mapping[str, Any] | None = None,
    adapter_path: str | None = None,
    lazy: bool = False,
    return_config: bool = False,
    revision: str | None = None,
    trust_remote_code: bool = False,
    **options: Any,
) -> Any:
    """A model, by folder, embedded name or repository, and its tokenizer; with ``return_config`` its
    configuration, too.

    ``options`` are those of ``xLSTMRunner.from_pretrained``. ``lazy`` and ``trust_remote_code`` mean nothing
    here: weights are mapped, and no code of a model is run. UsageError for an adapter, or a configuration
    that is to replace the model's own.
    """
    del lazy, trust_remote_code
    tokenizer_config = {k: v for k, v in (tokenizer_config or {}).items() if k != "trust_remote_code"}
    _refuse(tokenizer_config=tokenizer_config, model_config=model_config, adapter_path=adapter_path)
    model = xLSTMRunner.from_pretrained(path_or_hf_repo, revision=revision, **options)
    return (model, model.tokenizer, model.config) if return_config else (model, model.tokenizer)


def make_prompt_cache(model: xLSTMRunner, max_kv_size: int | None = None) -> list[State]:
    """What calls of ``generate`` with ``prompt_cache=`` go on from, and leave where they end.

    A state has one size at every length: ``max_kv_size`` means nothing.
    """
    del max_kv_size
    return [model.new_state()]


def make_sampler(
    temp: float = 0.0,
    top_p: float = 0.0,
    min_p: float = 0.0,
    min_tokens_to_keep: int = 1,
    top_k: int = 0,
    xtc_probability: float = 0.0,
    xtc_threshold: float = 0.1,
    xtc_special_tokens: Sequence[int] | None = None,
) -> Callable[[Any], Any]:
    """A sampler of mlx-lm's parameters, which the engine itself runs.

    UsageError for what the engine does not: XTC, and ``min_tokens_to_keep`` other than 1.
    """
    del xtc_threshold, xtc_special_tokens  # they mean nothing without a probability
    _refuse(xtc_probability=xtc_probability)
    if min_tokens_to_keep != 1:
        raise UsageError(f"[min_tokens_to_keep] wanted 1, got {min_tokens_to_keep!r}")
    return _EngineSampler(temp, top_p, min_p, top_k)


def _refuse(**options: Any) -> None:
    """Options of mlx-lm that would change what is computed, and cannot be followed."""
    for name, given in options.items():
        if given:
            raise UsageError(f"[{name}] wanted none, which is not supported, got {given!r}")


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


# Parameters of mlx-lm for caches that grow, and for draft models: a state has one size.
_NOTHING_HERE = frozenset(
    "max_kv_size prefill_step_size kv_bits kv_group_size quantized_kv_start num_draft_tokens".split()
)
_NO_LIMIT = 2**63 - 1


def stream_generate(
    model: xLSTMRunner,
    tokenizer: Tokenizer,
    prompt: str | Sequence[int],
    max_tokens: int = 256,
    draft_model: None = None,
    stream: Any = None,
    *,
    sampler: Callable[[Any], Any] | None = None,
    logits_processors: Sequence[Callable[[Any, Any], Any]] | None = None,
    prompt_cache: list[State] | None = None,
    prompt_progress_callback: Callable[[int, int], object] | None = None,
    input_embeddings: None = None,
    logprobs: bool = True,
    **options: Any,
) -> Iterator[GenerationResponse]:
    """The answer to a prompt, token by token; greedy without a ``sampler``, as mlx-lm's.

    Args:
        max_tokens: of the answer; -1: until the model ends it.
        sampler: log-probabilities [1, V] -> ids [1]; or one of ``make_sampler``.
        logits_processors: each (tokens [n], logits [1, V]) -> logits [1, V].
        prompt_cache: of ``make_prompt_cache``; a call that fails leaves it as it was.
        prompt_progress_callback: gets the tokens of the prompt that are read, and how many there are:
            before the first and after the last.
        logprobs: whether responses have them; without, tokens come a little sooner.
        options: further ones of ``xlstm_metal.generation.Options``. Those of mlx-lm for caches that grow
            mean nothing here, nor does ``stream``; a ``draft_model`` and ``input_embeddings`` are refused.
    """
    del tokenizer, stream  # the model's own, and MLX's
    _refuse(draft_model=draft_model is not None, input_embeddings=input_embeddings is not None)
    rows = _Rows(logits_processors or (), None if isinstance(sampler, _EngineSampler) else sampler)
    given = Options(max_tokens=_NO_LIMIT if max_tokens == -1 else max_tokens, temperature=0.0)
    if isinstance(sampler, _EngineSampler):
        given.update(sampler.options())
    elif sampler is not None:
        given["sampler"] = rows.sample
    if logprobs or logits_processors:
        given["logits_processors"] = [rows.process]
    given.update({k: v for k, v in options.items() if k not in _NOTHING_HERE})  # type: ignore[typeddict-item]
    state = prompt_cache[0] if prompt_cache else None
    clock = _Clock(model, len(model.prompt_ids(prompt, state)), prompt_progress_callback)
    answer = model.stream(prompt, state=state, **given)
    try:
        yield from _responses(answer, clock, rows)
    finally:
        ended = answer.answer()
        if prompt_cache and not ended.has_failed:
            prompt_cache[0].assign(ended.state())


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
            logprobs=None if logprobs is None else _mlx(logprobs),
            from_draft=False,
            prompt_tokens=self._prompt_tokens,
            prompt_tps=self._prompt_tokens / max(self._first - self._start, 1e-9),
            generation_tokens=self._tokens,
            generation_tps=(self._tokens - 1) / taken if self._tokens > 1 else 0.0,
            peak_memory=max(memory["peak"], memory["peak_resident"]) / 1e9,
        )


class _Rows:
    """mlx-lm's processors and sampler as ours, and the log-probabilities that they leave."""

    def __init__(
        self, processors: Sequence[Callable[[Any, Any], Any]], sampler: Callable[[Any], Any] | None
    ) -> None:
        self.logprobs: npt.NDArray[np.float32] | None = None
        self._processors = list(processors)
        self._sampler = sampler

    def process(self, tokens: npt.NDArray[np.int32], logits: npt.NDArray[np.float32]) -> Any:
        row = logits
        if self._processors:
            ids, changed = _mlx(tokens), _mlx(logits[None])
            for processor in self._processors:
                changed = processor(ids, changed)
            row = np.array(changed, dtype=np.float32, copy=True).reshape(-1)
        self.logprobs = hooks.log_softmax(row)
        return row

    def sample(self, logprobs: npt.NDArray[np.float32]) -> Any:
        assert self._sampler is not None  # else the engine does
        return np.array(self._sampler(_mlx(logprobs[None]))).reshape(-1)[0]


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
