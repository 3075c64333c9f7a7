"""Answers of a task's contexts; what contexts have in common is read once."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs

from .._native import State
from ..errors import UsageError
from ..prefixes import StatePath, edges
from ..runner import xLSTMRunner
from .reuse import Reuse

__all__ = ["Asked", "answers"]

_OPTIONS = ("top_k", "top_p", "min_p", "repetition_penalty")


@dataclass
class Asked:
    """What a task asks of its answers."""

    max_tokens: int
    temperature: float = 0.0
    stop: list[str] = field(default_factory=list)
    seed: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(wanted: Mapping[str, Any], max_tokens: int, end: str, seed: int) -> Asked:
        """From a task's ``generation_kwargs``; `end` is the text of the model's end token."""
        given: dict[str, Any] = dict(normalize_gen_kwargs(dict(wanted), max_tokens))
        asked = Asked(
            max_tokens=given.pop("max_gen_toks"),
            temperature=float(given.pop("temperature", 1.0 if given["do_sample"] else 0.0)),
            stop=[text for text in handle_stop_sequences(given.pop("until"), end) if text],
            seed=given.pop("seed", seed),
            options={name: given.pop(name) for name in _OPTIONS if name in given},
        )
        given.pop("do_sample")
        if given:
            raise UsageError(
                f"[generate_until] wanted generation_kwargs of {', '.join(_OPTIONS)}, got {', '.join(given)}"
            )
        return asked

    def least_saved(self, least_saved: int) -> int:
        """Penalties count a call's own prompt: where there are some it has to be the whole context."""
        return sys.maxsize if self.options.get("repetition_penalty", 1.0) != 1.0 else least_saved


def answers(
    runner: xLSTMRunner,
    contexts: Sequence[Sequence[int]],
    asked: Asked,
    rows: int,
    least_saved: int,
    reuse: Reuse,
) -> Iterator[tuple[int, str]]:
    """The answers of `contexts`, each with its place, as they are ready; `rows` run side by side.

    The answer at place i is drawn with seed + i, so that it does not depend on what it runs beside.
    """
    same: dict[tuple[int, ...], list[int]] = {}
    for place, ids in enumerate(contexts):
        same.setdefault(tuple(ids), []).append(place)
    sequences = list(same)
    path = StatePath(runner.new_state())
    waiting: list[tuple[int, State, Sequence[int]]] = []
    for edge in edges(sequences, asked.least_saved(least_saved)):
        state = path.enter(edge)
        ids = sequences[edge.members[0]][edge.begin : edge.end]
        if not edge.is_leaf:
            _, state = runner.forward(ids, state, last_only=True)
            path.keep(state)
            reuse.read += len(ids)
            ids = ()
        for member in edge.members:
            if len(sequences[member]) == edge.end:
                waiting.extend((place, state, ids) for place in same[sequences[member]])
        if len(waiting) >= 4 * rows:  # so few that their states fit into memory
            yield from _run(runner, waiting, asked, rows, reuse)
            waiting = []
    yield from _run(runner, waiting, asked, rows, reuse)
    reuse.asked += sum(map(len, contexts))


def _run(
    runner: xLSTMRunner,
    waiting: Sequence[tuple[int, State, Sequence[int]]],
    asked: Asked,
    rows: int,
    reuse: Reuse,
) -> Iterator[tuple[int, str]]:
    reuse.read += sum(len(ids) for _, _, ids in waiting)
    completions = runner.complete_batch(
        [list(ids) for _, _, ids in waiting],
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        seed=[asked.seed + place for place, _, _ in waiting],
        states=[state for _, state, _ in waiting],
        max_rows=rows,
        stop=asked.stop,
        **asked.options,
    )
    for (place, _, _), completion in zip(waiting, completions):
        yield place, completion.text
