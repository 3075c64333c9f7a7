"""A model that answers: the class that the project was first known for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from . import _native
from .checks import listed, sequences
from .download import model_folder
from .errors import UsageError
from .generation import (
    BatchOptions,
    Completion,
    MoreOptions,
    Options,
    Stream,
    completion_of,
)
from .model import Model, check_wiring_style
from .quantize import Quantize
from .request import Asked, make_request

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._native import State

__all__ = ["xLSTMRunner"]


class xLSTMRunner(Model):
    """A model that answers prompts: ``xLSTMRunner("classics-8m")``.

    ``Model`` says what it is opened with. ``complete``, ``stream`` and ``complete_batch`` take the options
    of ``xlstm_metal.generation.Options``.
    """

    @classmethod
    def from_pretrained(
        cls,
        id_or_path: str | os.PathLike[str],
        cache_dir: str | os.PathLike[str] | None = None,
        force_download: bool = False,
        revision: str | None = None,
        dtype: str = "auto",
        quantize: Quantize = None,
        show_wiring: bool = False,
        wiring_style: str = "unicode",
        **options: Any,
    ) -> xLSTMRunner:
        """The same, by the names and the order of arguments that the transformers library has.

        Args:
            cache_dir: the hub's cache; None: the one that all of its users share.
            force_download: fetches what is there, too.
            revision: branch, tag or commit; None: "main", or what the name says.
            options: the rest of what ``Model`` takes.

        ``force_download`` and ``revision`` are refused (UsageError) where the model is no repository's.
        """
        check_wiring_style(wiring_style)
        return cls(
            model_folder(id_or_path, cache_dir, force_download, revision),
            dtype=dtype,
            quantize=quantize,
            show_wiring=show_wiring,
            wiring_style=wiring_style,
            **options,
        )

    def generate_next_token(
        self,
        ids: Any,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        *,
        seed: int | None = None,
    ) -> list[int]:
        """Reads ids on from ``state``, which moves on, and chooses the token that comes next, unread.

        Returns a list of that token, so that it can be given to the next call.
        """
        options = Options(max_tokens=1, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        asked = make_request(self._engine, ids, options)
        asked.request.stop_at_end_token = asked.request.read_last = False
        stream = self._stream(self._state, asked)
        for _ in stream:
            pass
        return stream.answer().tokens

    def generate(
        self,
        prompt_ids: Any,
        max_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        stop_tokens: Sequence[int] | None = None,
        seed: int | None = None,
        *,
        state: State | None = None,
        **more: Unpack[MoreOptions],
    ) -> list[int]:
        """Answers a prompt; returns the ids of both, a token that ended the answer included.

        Args:
            prompt_ids: ids as a list or an array, or a text.
            state: what to go on from, which stays as it is; None: the start of a sequence.
            stop_tokens: ids that end the answer; None: the model's own.
            more: the rest of ``xlstm_metal.generation.Options``.

        ``runner.state`` has then read prompt and answer, or what was read of them where an interrupt
        (Ctrl-C) ended the call.
        """
        options = Options(
            max_tokens=max_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            stop_tokens=stop_tokens,
            seed=seed,
            **more,
        )
        ids = self.prompt_ids(
            prompt_ids,
            state,
            add_bos=options.get("add_bos", True),
            parse_special=options.get("parse_special", True),
        )
        prompt = prompt_ids if isinstance(prompt_ids, str) else ids
        return ids + self._answer(prompt, state, options).tokens

    def complete(
        self, prompt: Any, *, state: State | None = None, **options: Unpack[Options]
    ) -> Completion:
        """Answers a prompt, a text or ids; returns all that is known of the answer."""
        return completion_of(self._answer(prompt, state, options))

    def stream(
        self, prompt: Any, *, state: State | None = None, **options: Unpack[Options]
    ) -> Stream:
        """Answers a prompt, a text or ids, token by token, as they come.

        Whoever stops iterating ends the answer. ``runner.state`` has then read what was handed over.
        """
        return self._stream(state, self._request(prompt, state, options))

    def complete_batch(
        self,
        prompts: Iterable[Any],
        *,
        seed: int | Iterable[int] | None = None,
        states: State | Iterable[State] | None = None,
        max_rows: int = 0,
        keep_states: bool = False,
        **options: Unpack[BatchOptions],
    ) -> list[Completion]:
        """Answers to prompts of any lengths, computed together: each is what ``complete`` gives.

        Args:
            seed: for all, or one for each.
            states: what all go on from, or one for each.
            max_rows: how many are under way at once; 0: all.
            keep_states: whether each completion has its state.

        ``runner.state`` stays.
        """
        given = sequences(prompts, "complete_batch")
        seeds, starts = _for_each(seed, len(given), "seed"), _for_each(states, len(given), "states")
        batch = _native.batch(self._engine, max_rows)
        places: dict[int, int] = {}
        kept = []  # hooks, until all answers have ended
        for place, prompt in enumerate(given):
            state = starts[place]
            asked = self._request(prompt, state, Options(seed=seeds[place], **options))
            kept.append(asked)
            places[batch.add(self._start(state), asked.request)] = place
        completions: dict[int, Completion] = {}
        busy = True
        while busy:
            busy = batch.step()
            batch.take_tokens()
            for answer in batch.take_finished():
                completions[places[answer.row]] = completion_of(answer, keep_states)
        return [completions[place] for place in range(len(given))]

    def _request(self, prompt: Any, state: State | None, options: Options) -> Asked:
        given = prompt if isinstance(prompt, str) else self.prompt_ids(prompt, state)
        return make_request(self._engine, given, options)

    def _stream(self, state: State | None, asked: Asked) -> Stream:
        def keep(ended: State) -> None:
            self._state = ended

        return Stream(self._engine, self._start(state), asked, keep)

    def _answer(self, prompt: Any, state: State | None, options: Options) -> _native.Answer:
        stream = self._stream(state, self._request(prompt, state, options))
        for _ in stream:
            pass
        return stream.answer()


def _for_each(given: Any, count: int, name: str) -> list[Any]:
    """`given` as a list of `count`: its own elements, or itself for each."""
    if not isinstance(given, Iterable):
        return [given] * count
    elements = listed(given, name, "one for all, or one for each prompt")
    if len(elements) != count:
        raise UsageError(f"[{name}] wanted one for each prompt, {count}, got {len(elements)}")
    return elements
