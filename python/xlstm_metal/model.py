"""A model in memory: what it is, the state of its last sequence, and its numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _native
from .arrays import is_mlx, shares_mlx, to_mlx
from .checks import listed, sequences
from .download import model_folder, notice
from .errors import UsageError
from .model_info import model_info
from .quantize import Quantize, quantization_of
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    from ._native import State

__all__ = ["WIRING_STYLES", "Model", "check_wiring_style"]

WIRING_STYLES = ("unicode", "ascii", "json", "dot")


def check_wiring_style(style: str) -> None:
    """Tells a style that there is not before a model is loaded, which takes long."""
    if style not in WIRING_STYLES:
        raise UsageError(f"[wiring_style] wanted one of {', '.join(WIRING_STYLES)}, got {style!r}")


class Model:
    """A model in memory, and the state of the last sequence that it read.

    Args:
        model_path: a model's folder, the name of an embedded model ("classics-8m"), or of a repository
            of the Hugging Face hub ("org/name", "org/name@revision"), which is fetched into its cache.
        dtype: of the weights in memory: "float32", "bfloat16", or "auto": float32 on a CPU.
        quantize: quantises the weights while they are loaded: bits (2, 3, 4, 5, 6, 8), "mxfp4", or
            "4/32" for groups of 32.
        keep_quantized: keeps what was quantised, so that it is loaded the next time (``xlstm cache ls``
            shows and ``xlstm cache rm`` removes it).
        device: "cpu", "gpu" or "auto".
        threads: of the CPU; 0: all cores.
        memory_limit: bytes; a model that needs more is refused. 0: the machine's.
        show_wiring: prints the model's structure.
        wiring_style: of that: "unicode", "ascii", "json" or "dot".
        on_progress: gets the share, 0 to 1, that is loaded.

    Raises:
        MissingFileError, FormatError, ModelError: what is wrong with the folder.
        FileError, NetworkError: what is wrong with a download.
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
        keep_quantized: bool = True,
        device: str = "auto",
        threads: int = 0,
        memory_limit: int = 0,
        show_wiring: bool = False,
        wiring_style: str = "unicode",
        on_progress: Callable[[float], object] | None = None,
    ) -> None:
        check_wiring_style(wiring_style)
        self.model_path = model_folder(model_path)
        self._engine = _native.Engine.open(
            str(self.model_path),
            dtype=dtype,
            quantization=quantization_of(quantize),
            keep_quantized=keep_quantized,
            device=device,
            threads=threads,
            memory_limit=memory_limit,
            on_progress=on_progress,
            on_notice=notice,
        )
        self._facts = self._engine.facts()
        self._tokenizer = Tokenizer(self._engine) if self._engine.has_tokenizer else None
        self._state = self._engine.start()
        if show_wiring:
            print(self.wiring(wiring_style))

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
        return {"model_path": str(self.model_path), **model_info(self._engine)}

    def wiring(self, style: str = "unicode") -> str:
        """The model's structure as a tree ("unicode", "ascii"), as "json", or for Graphviz ("dot")."""
        return self._engine.wiring(style)

    def memory(self) -> dict[str, int]:
        """Bytes: the backend's (active, peak, cache), the process's (resident, peak_resident), limit."""
        return self._engine.memory()

    def __repr__(self) -> str:
        facts = self._facts
        return (
            f"<xlstm_metal.{type(self).__name__} of {facts['name']}: {facts['parameters']:,} parameters, "
            f"{facts['dtype']} on {facts['device']}, {self._state.position} tokens read>"
        )

    # --- the state ----------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What the last sequence has read: a value, which calls replace and never change."""
        return self._state

    @state.setter
    def state(self, state: State | None) -> None:
        self._state = self._start(state)

    def _start(self, state: State | None) -> State:
        """What to go on from: None is the start of a sequence."""
        if state is None:
            return self._engine.start()
        if not isinstance(state, _native.State):
            raise UsageError(f"[state] wanted a State or None, got {state!r}")
        return state

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
        states = None
        if state is not None:
            given = [state] if isinstance(state, _native.State) else listed(state, "state", "a State or several")
            states = [self._start(one) for one in given]
        wants_mlx = is_mlx(ids)
        direct = wants_mlx and shares_mlx()
        logits, after = self._engine.forward(ids, states, last_only, direct)
        is_flat = logits.ndim == (1 if last_only else 2)
        if wants_mlx and not direct:
            logits = to_mlx(logits)
        return logits, after[0] if is_flat else after

    def score(self, ids: Any, state: State | None = None) -> npt.NDArray[np.float32]:
        """Log-likelihoods (natural logarithm) of tokens, each given all before it: float32.

        A text at the start of a sequence is read after BOS, where the model has one, so that every token
        of it is scored: [S]. Of ids the first has no likelihood there: [S - 1]. After a ``state`` that
        has read something all have one.
        """
        reader = self._start(state).fork()
        return reader.score(self.prompt_ids(ids, reader))

    def score_batch(self, texts: Iterable[Any]) -> list[npt.NDArray[np.float32]]:
        """``score`` of several texts (or lists of ids) of any lengths, read side by side."""
        start = self._engine.start()
        given = sequences(texts, "score_batch")
        return self._engine.score_batch([self.prompt_ids(text, start) for text in given])

    def perplexity(self, ids: Any) -> float:
        """exp of the mean negative log-likelihood of a token, of a text or of ids."""
        return self._engine.perplexity(self.prompt_ids(ids, self._engine.start()))

    def prompt_ids(
        self, prompt: Any, state: State | None = None, *, add_bos: bool = True, parse_special: bool = True
    ) -> list[int]:
        """The ids that a prompt is read as: at the start of a sequence BOS comes first, for a text or none."""
        begins = state is None or self._start(state).position == 0
        bos = self._engine.bos_id
        if isinstance(prompt, str):
            ids: list[int] = self.tokenizer.encode(prompt, parse_special=parse_special)
        else:
            ids = _native.ids_of(() if prompt is None else prompt).tolist()
            add_bos = not ids
        if add_bos and begins and bos is not None and ids[:1] != [bos]:
            ids.insert(0, bos)
        return ids
