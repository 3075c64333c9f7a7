"""Formats of quantised weights, as people write them."""

from __future__ import annotations

from .errors import UsageError

__all__ = ["Quantize", "quantization_of"]

#: Bits, a name, or both with the size of groups: 4, "4", "4/32", "mxfp4"; None: not quantised.
Quantize = int | str | None

_WANTED = '2, 3, 4, 5, 6 or 8 bits, with groups of 32, 64 or 128 ("4/32"), or "mxfp4"'


def quantization_of(choice: Quantize) -> tuple[str, int, int] | None:
    """Mode, bits and group size, as the engine takes them."""
    if choice is None:
        return None
    if choice == "mxfp4":
        return ("mxfp4", 4, 32)
    bits, _, group = str(choice).partition("/")
    if not bits.isdecimal() or not (group or "64").isdecimal():
        raise UsageError(f"[quantize] wanted {_WANTED}, got {choice!r}")
    return ("affine", int(bits), int(group or 64))
