"""Arrays of MLX, where they are asked for."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _native

__all__ = ["is_mlx", "to_mlx"]


def is_mlx(array: object) -> bool:
    """Whether this is an mlx.core.array."""
    core = sys.modules.get("mlx.core")
    return core is not None and isinstance(array, core.array)


def to_mlx(array: npt.NDArray[np.float32]) -> Any:
    """An mlx.core.array of the same memory; a copy where the installed mlx does not share its types."""
    import mlx.core as mx

    return _native.to_mlx(np.ascontiguousarray(array)) if _native.shares_mlx() else mx.array(array)
