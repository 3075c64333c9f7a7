"""``load``, ``generate`` and ``stream_generate`` as users of mlx-lm know them.

Processors and samplers here are mlx-lm's: they get and give ``mlx.core.array``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from .errors import UsageError
from .lm_hooks import EngineSampler, Rows, make_sampler, refuse
from .lm_responses import Clock, GenerationResponse, responses
from .options import Options
from .runner import xLSTMRunner
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    from ._native import State

__all__ = ["GenerationResponse", "generate", "load", "make_prompt_cache", "make_sampler", "stream_generate"]


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
    if tokenizer_config is not None and not isinstance(tokenizer_config, Mapping):
        raise UsageError(f"[tokenizer_config] wanted a mapping or None, got {tokenizer_config!r}")
    tokenizer_config = {k: v for k, v in (tokenizer_config or {}).items() if k != "trust_remote_code"}
    refuse(tokenizer_config=tokenizer_config, model_config=model_config, adapter_path=adapter_path)
    model = xLSTMRunner.from_pretrained(path_or_hf_repo, revision=revision, **options)
    return (model, model.tokenizer, model.config) if return_config else (model, model.tokenizer)


def make_prompt_cache(model: xLSTMRunner, max_kv_size: int | None = None) -> list[State]:
    """What calls of ``generate`` with ``prompt_cache=`` go on from, and leave where they end.

    A state has one size at every length: ``max_kv_size`` means nothing.
    """
    del max_kv_size
    return [model.new_state()]


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
    refuse(draft_model=draft_model is not None, input_embeddings=input_embeddings is not None)
    rows = Rows(logits_processors or (), None if isinstance(sampler, EngineSampler) else sampler)
    unlimited = isinstance(max_tokens, int) and max_tokens == -1
    given = Options(max_tokens=_NO_LIMIT if unlimited else max_tokens, temperature=0.0)
    if isinstance(sampler, EngineSampler):
        given.update(sampler.options())
    elif sampler is not None:
        given["sampler"] = rows.sample
    if logprobs or logits_processors:
        given["logits_processors"] = [rows.process]
    given.update({k: v for k, v in options.items() if k not in _NOTHING_HERE})  # type: ignore[typeddict-item]
    state = prompt_cache[0] if prompt_cache else None
    clock = Clock(model, len(model.prompt_ids(prompt, state)), prompt_progress_callback)
    answer = model.stream(prompt, state=state, **given)
    try:
        yield from responses(answer, clock, rows)
    finally:
        ended = answer.answer()
        if prompt_cache and not ended.has_failed:
            prompt_cache[0].assign(ended.state())
