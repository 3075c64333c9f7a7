"""A model that is run: the class that the project was first known for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _native
from .arrays import is_mlx, to_mlx
from .errors import UsageError
from .generation import Completion, Generation, Options, Token, completion_of, make_request
from .quantize import Quantize, quantization_of
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._native import State

__all__ = ["xLSTMRunner"]


class xLSTMRunner:
    """A model in memory, and the state of the last sequence that it read.

    Args:
        model_path: a model's folder, or the name of an embedded model ("classics-8m").
        dtype: of the weights in memory: "float32", "bfloat16", or "auto": float32 on a CPU.
        quantize: quantises the weights while they are loaded: bits (2, 3, 4, 5, 6, 8), "mxfp4", or
            "4/32" for groups of 32.
        device: "cpu", "gpu" or "auto".
        threads: of the CPU; 0: all cores.
        memory_limit: bytes; a model that needs more is refused. 0: the machine's.
        show_wiring: prints the model's structure.
        wiring_style: of that: "unicode", "ascii", "json" or "dot".
        on_progress: gets the share, 0 to 1, that is loaded.

    Raises:
        MissingFileError, FormatError, ModelError: what is wrong with the folder.
        OutOfMemoryError: the model does not fit; told before any weight is read.
        UsageError: an option that there is not.

    Any number of threads may use a runner; calls that compute take turns. B, S and V in what follows are
    the batch, the tokens of a sequence, and the vocabulary.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str] = "classics-8m",
        *,
        dtype: str = "auto",
        quantize: Quantize = None,
        device: str = "auto",
        threads: int = 0,
        memory_limit: int = 0,
        show_wiring: bool = False,
        wiring_style: str = "unicode",
        on_progress: Callable[[float], object] | None = None,
    ) -> None:
        self.model_path = Path(_native.Engine.resolve(os.fspath(model_path)))
        self._engine = _native.Engine.open(
            os.fspath(model_path),
            dtype=dtype,
            quantization=quantization_of(quantize),
            device=device,
            threads=threads,
            hard_memory_limit=memory_limit,
            on_progress=on_progress,
        )
        self._facts = self._engine.facts()
        self._tokenizer = Tokenizer(self._engine) if self._engine.has_tokenizer else None
        self._state = self._engine.start()
        if show_wiring:
            print(self.wiring(wiring_style))

    @classmethod
    def from_pretrained(
        cls,
        model_id: str | os.PathLike[str],
        cache_dir: str | os.PathLike[str] | None = None,
        force_download: bool = False,
        revision: str | None = None,
        dtype: str = "auto",
        quantize: Quantize = None,
        show_wiring: bool = False,
        wiring_style: str = "unicode",
        **options: Any,
    ) -> xLSTMRunner:
        """The same, by the name and order of arguments that the transformers library has."""
        if cache_dir is not None or force_download or revision is not None:
            raise UsageError("[from_pretrained] wanted a folder or an embedded model, got a download")
        return cls(
            model_id,
            dtype=dtype,
            quantize=quantize,
            show_wiring=show_wiring,
            wiring_style=wiring_style,
            **options,
        )

    # --- what it is ---------------------------------------------------------------------------------

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer. Raises ModelError where its folder has none."""
        if self._tokenizer is None:
            self._tokenizer = Tokenizer(self._engine)
        return self._tokenizer

    @property
    def vocab_size(self) -> int:
        """V: rows of logits."""
        return int(self._facts["V"])

    @property
    def config(self) -> dict[str, Any]:
        """What the model's config.json says."""
        with open(self.model_path / "config.json", encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
        return found

    def get_model_info(self) -> dict[str, Any]:
        """Sizes and constants of the model."""
        sizes, constants = self._facts["sizes"], self._facts["constants"]
        layers: list[tuple[str, str]] = self._facts["layers"]
        blocks = [kind for name, kind in layers if name.startswith("blocks.") and kind != "ffn"]
        heads = sizes.get("NH")
        return {
            "model_path": str(self.model_path),
            "name": self._facts["name"],
            "family": self._facts["family"],
            "num_blocks": sizes.get("L"),
            "embedding_dim": sizes.get("D"),
            "num_heads": heads,
            "vocab_size": self.vocab_size,
            "qk_dim": heads * sizes["DHQK"] if heads else None,
            "v_dim": heads * sizes["DHV"] if heads else None,
            "ffn_dim": sizes.get("F"),
            "chunk_size": constants.get("chunk_size"),
            "gate_soft_cap": constants.get("gate_soft_cap"),
            "output_logit_soft_cap": constants.get("output_logit_soft_cap"),
            "total_blocks": len(blocks),
            "block_types": blocks,
            "has_embedding": any(kind == "embedding" for _, kind in layers),
            "has_out_norm": any(name == "out_norm" for name, _ in layers),
            "has_lm_head": any(kind == "lm_head" for _, kind in layers),
            "pad_token_id": self._facts["pad_id"],
            "bos_token_id": self._engine.bos_id,
            "eos_token_id": next(iter(self._engine.end_ids), None),
            "parameters": self._facts["parameters"],
            "dtype": self._facts["dtype"],
            "device": self._facts["device"],
            "weight_bytes": self._facts["weight_bytes"],
            "state_bytes": self._facts["state_bytes"],
        }

    def wiring(self, style: str = "unicode") -> str:
        """The model's structure as a tree ("unicode", "ascii"), as "json", or for Graphviz ("dot")."""
        return self._engine.wiring(style)

    def memory(self) -> dict[str, int]:
        """Bytes: the backend's (active, peak, cache), the process's (resident, peak_resident), limit."""
        return self._engine.memory()

    def __repr__(self) -> str:
        facts = self._facts
        return (
            f"<xlstm_metal.xLSTMRunner of {facts['name']}: {facts['parameters']:,} parameters, "
            f"{facts['dtype']} on {facts['device']}, {self._state.position} tokens read>"
        )

    # --- the state ----------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What the last sequence has read: a value, which calls replace and never change."""
        return self._state

    @state.setter
    def state(self, state: State | None) -> None:
        self._state = self._engine.start() if state is None else state

    def new_state(self) -> State:
        """The state at the start of a sequence."""
        return self._engine.start()

    def reset_state(self) -> None:
        """Back to the start of a sequence."""
        self._state = self._engine.start()

    # --- numbers ------------------------------------------------------------------------------------

    def forward(
        self, ids: Any, state: State | Sequence[State] | None = None, *, last_only: bool = False
    ) -> tuple[Any, Any]:
        """Reads ids on from a state, which stays as it is.

        Args:
            ids: [S] or [B, S]: a list, or an array of any kind. S >= 1.
            state: for [S] a state, for [B, S] one for each row; None: the start of a sequence.
            last_only: only the logits of the last position.

        Returns:
            Logits, float32 [S, V] or [B, S, V] ([V] or [B, V] with ``last_only``): an mlx.core.array
            where ids is one, else a numpy array. And the next state, or the list [B] of them.
        """
        shape = np.shape(ids) if not hasattr(ids, "shape") else tuple(ids.shape)
        flat = len(shape) == 1
        rows = 1 if flat or not shape else int(shape[0])
        if state is None:
            states = [self._engine.start() for _ in range(rows)]
        else:
            states = list(state) if isinstance(state, Sequence) else [state]
        logits, after = self._engine.forward(ids, states, last_only)
        result: Any = logits[0] if flat else logits
        return (to_mlx(result) if is_mlx(ids) else result), (after[0] if flat else after)

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
        named = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
        request = make_request(self._engine, {**named, "max_tokens": 1, "read_last": False}, {})
        request.prompt_ids = ids
        request.stop_at_end_token = False
        generation = Generation(self._engine, self._state, request)
        for _ in generation:
            pass
        answer = generation.end()
        answer.raise_error()
        self._state = answer.state()
        return answer.tokens

    def score(self, ids: Any, state: State | None = None) -> npt.NDArray[np.float32]:
        """Log-likelihoods (natural logarithm) of tokens, each given all before it: float32.

        A text at the start of a sequence is read after BOS, where the model has one, so that every token
        of it is scored: [S]. Of ids the first has no likelihood there: [S - 1]. After a ``state`` that
        has read something all have one.
        """
        reader = self._engine.start() if state is None else state.fork()
        return reader.score(self._ids(ids, reader))

    def score_batch(self, texts: Sequence[Any]) -> list[npt.NDArray[np.float32]]:
        """``score`` of several texts (or lists of ids) of any lengths, read side by side."""
        start = self._engine.start()
        return self._engine.score_batch([self._ids(text, start) for text in texts])

    def perplexity(self, ids: Any) -> float:
        """exp of the mean negative log-likelihood of a token, of a text or of ids."""
        return self._engine.perplexity(self._ids(ids, self._engine.start()))

    # --- answers ------------------------------------------------------------------------------------

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
        **options: Unpack[Options],
    ) -> list[int]:
        """Answers a prompt; returns the ids of both, a token that ended the answer included.

        Args:
            prompt_ids: ids as a list or an array, or a text.
            max_tokens: of the answer.
            temperature: 0: always the likeliest token.
            top_k, top_p: cuts before a token is drawn; None: off.
            stop_tokens: ids that end the answer; None: the model's own.
            seed: same seed, same answer.
            state: what to go on from; None: the start of a sequence.
            options: see ``xlstm_metal.generation.Options``.

        ``runner.state`` has then read prompt and answer, or what was read of them where an interrupt
        (Ctrl-C) ended the call.
        """
        answer = self._answer(
            prompt_ids, max_tokens, temperature, top_k, top_p, stop_tokens, seed, state, options
        )
        ids = self._ids(prompt_ids, state, options.get("add_bos", True), options.get("parse_special", True))
        return ids + answer.tokens

    def complete(
        self,
        prompt: Any,
        max_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        stop_tokens: Sequence[int] | None = None,
        seed: int | None = None,
        *,
        state: State | None = None,
        **options: Unpack[Options],
    ) -> Completion:
        """The same; returns the answer with all that is known of it."""
        answer = self._answer(prompt, max_tokens, temperature, top_k, top_p, stop_tokens, seed, state, options)
        return completion_of(answer)

    def stream(
        self,
        prompt: Any,
        max_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        stop_tokens: Sequence[int] | None = None,
        seed: int | None = None,
        *,
        state: State | None = None,
        **options: Unpack[Options],
    ) -> Iterator[Token]:
        """The same, token by token, as they come.

        Whoever stops iterating ends the answer. ``runner.state`` has then read what was handed over.
        """
        request = self._request(prompt, max_tokens, temperature, top_k, top_p, stop_tokens, seed, options)
        generation = Generation(self._engine, self._engine.start() if state is None else state, request)
        return self._tokens(generation)

    def complete_batch(
        self,
        prompts: Sequence[Any],
        max_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        stop_tokens: Sequence[int] | None = None,
        seed: int | Sequence[int] | None = None,
        *,
        states: Sequence[State] | None = None,
        max_rows: int = 0,
        keep_states: bool = False,
        **options: Unpack[Options],
    ) -> list[Completion]:
        """Answers of prompts of any lengths, computed together: each is what ``complete`` gives.

        ``seed`` is for all, or one for each; ``states`` are what each goes on from. ``max_rows`` bounds
        how many are under way at once (0: all). ``keep_states`` keeps the state of each completion.
        ``runner.state`` stays.
        """
        seeds = _for_each(seed, len(prompts), "seed")
        starts = _for_each(states, len(prompts), "states")
        batch = _native.batch(self._engine, max_rows)
        places: dict[int, int] = {}
        for place, prompt in enumerate(prompts):
            request = self._request(
                prompt, max_tokens, temperature, top_k, top_p, stop_tokens, seeds[place], options
            )
            places[batch.add(starts[place] or self._engine.start(), request)] = place
        completions: dict[int, Completion] = {}
        busy = True
        while busy:
            busy = batch.step()
            batch.take_tokens()
            for answer in batch.take_finished():
                completions[places[answer.row]] = completion_of(answer, keep_states)
        return [completions[place] for place in range(len(prompts))]

    # --- inside -------------------------------------------------------------------------------------

    def _ids(
        self, prompt: Any, state: State | None, add_bos: bool = True, parse_special: bool = True
    ) -> list[int]:
        """The ids of a prompt, with the BOS that it is read with."""
        if not isinstance(prompt, str):
            ids: list[int] = _native.ids_of(prompt).tolist()
            return ids
        ids = self.tokenizer.encode(prompt, parse_special=parse_special)
        bos = self._engine.bos_id
        begins = state is None or state.position == 0
        if add_bos and begins and bos is not None and ids[:1] != [bos]:
            ids.insert(0, bos)
        return ids

    def _request(
        self,
        prompt: Any,
        max_tokens: int,
        temperature: float,
        top_k: int | None,
        top_p: float | None,
        stop_tokens: Sequence[int] | None,
        seed: int | None,
        options: Options,
    ) -> _native.Request:
        named = {
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "seed": seed,
        }
        request = make_request(self._engine, named, options)
        if isinstance(prompt, str):
            request.prompt = prompt
        else:
            request.prompt_ids = prompt
        if stop_tokens is not None:
            request.end_tokens = list(stop_tokens)
            request.stop_at_end_token = False
        return request

    def _answer(
        self,
        prompt: Any,
        max_tokens: int,
        temperature: float,
        top_k: int | None,
        top_p: float | None,
        stop_tokens: Sequence[int] | None,
        seed: int | None,
        state: State | None,
        options: Options,
    ) -> _native.Answer:
        request = self._request(prompt, max_tokens, temperature, top_k, top_p, stop_tokens, seed, options)
        generation = Generation(self._engine, self._engine.start() if state is None else state, request)
        for _ in self._tokens(generation):
            pass
        return generation.end()

    def _tokens(self, generation: Generation) -> Iterator[Token]:
        """The tokens of an answer; whatever ends it, ``state`` is then where it was."""
        try:
            yield from generation
        finally:
            answer = generation.end()
            if not answer.has_failed:
                self._state = answer.state()
        answer.raise_error()


def _for_each(given: Any, count: int, name: str) -> list[Any]:
    """`given` as a list of `count`: its own elements, or itself for each."""
    if not isinstance(given, Sequence):
        return [given] * count
    if len(given) != count:
        raise UsageError(f"[{name}] wanted one for each prompt, {count}, got {len(given)}")
    return list(given)
