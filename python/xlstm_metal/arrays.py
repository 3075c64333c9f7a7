"""Arrays of MLX, where they are asked for."""

from __future__ import annotations

import sys
from typing import Any

from . import _native

__all__ = ["is_mlx", "shares_mlx", "to_mlx"]


def is_mlx(array: object) -> bool:
    """Whether this is an mlx.core.array."""
    core = sys.modules.get("mlx.core")
    return core is not None and isinstance(array, core.array)


def shares_mlx() -> bool:
    """Whether the installed mlx gives and takes its arrays without a copy.

    That is so where its module and ours are bound by nanobind's of the same internals. Where it is not,
    MLX copies what it is given, and shows its own arrays to us as DLPack or by the buffer protocol.
    """
    import mlx.core  # noqa: F401  (the types are known once it is loaded)

    return _native.shares_mlx()


def to_mlx(array: Any) -> Any:
    """A copy of a numpy array as an mlx.core.array."""
    import mlx.core as mx

    return mx.array(array)
