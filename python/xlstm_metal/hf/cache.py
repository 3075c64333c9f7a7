"""The states of a batch, as ``generate`` carries them from step to step."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .._native import State

__all__ = ["xLSTMCache"]


class xLSTMCache:
    """What the B rows of a batch have read: what ``past_key_values`` is for a model with a state.

    Its size does not depend on how much was read. States are values that reading never changes, so that
    several rows may hold the same one; ``copy.deepcopy`` forks them, in constant time.

    Args:
        states: [B]; ``runner.new_state()`` is one at the start of a sequence.
        columns: of ``input_ids`` that were read to come here, padding included.
    """

    # Asked by generate(), the last two by newer versions of the library.
    is_compileable = False
    is_croppable = False
    is_linear = (False,)  # so that it cuts off ids that were read before

    def __init__(self, states: Sequence[State], columns: int = 0) -> None:
        self.states = list(states)
        self._columns = columns

    def move_to(self, states: Sequence[State], columns: int) -> None:
        """Other states in place of these, after `columns` more columns."""
        self.states = list(states)
        self._columns += columns

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Columns of ``input_ids`` read so far: the same for all rows and layers."""
        return self._columns

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Row b becomes what row beam_idx[b] was."""
        self.states = [self.states[row] for row in beam_idx.tolist()]

    def __len__(self) -> int:
        return len(self.states)

    def __repr__(self) -> str:
        return f"<xlstm_metal.hf.xLSTMCache: {len(self)} rows, {self._columns} columns read>"
