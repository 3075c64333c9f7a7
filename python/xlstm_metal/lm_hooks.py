"""mlx-lm's samplers and logits processors as ours: theirs get and give ``mlx.core.array``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import hooks
from .arrays import to_mlx
from .errors import UsageError
from .options import Options

__all__ = ["EngineSampler", "Rows", "make_sampler", "refuse"]


def refuse(**options: Any) -> None:
    """Options of mlx-lm that would change what is computed, and cannot be followed."""
    for name, given in options.items():
        if given:
            raise UsageError(f"[{name}] wanted none, which is not supported, got {given!r}")


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
    refuse(xtc_probability=xtc_probability)
    if min_tokens_to_keep != 1:
        raise UsageError(f"[min_tokens_to_keep] wanted 1, got {min_tokens_to_keep!r}")
    return EngineSampler(temp, top_p, min_p, top_k)


class Rows:
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
            ids, changed = to_mlx(tokens), to_mlx(logits[None])
            for processor in self._processors:
                changed = processor(ids, changed)
            row = np.array(changed, dtype=np.float32, copy=True).reshape(-1)
        self.logprobs = hooks.log_softmax(row)
        return row

    def sample(self, logprobs: npt.NDArray[np.float32]) -> Any:
        assert self._sampler is not None  # else the engine does
        return np.array(self._sampler(to_mlx(logprobs[None]))).reshape(-1)[0]


@dataclass(frozen=True)
class EngineSampler:
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
