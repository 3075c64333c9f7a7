"""What callers give, held against what is wanted before the engine sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .errors import UsageError

__all__ = ["listed", "sequences", "text"]


def text(given: Any, where: str) -> str:
    """A text of whole Unicode characters."""
    if not isinstance(given, str):
        raise UsageError(f"[{where}] wanted a text, got {given!r}")
    try:
        given.encode()
    except UnicodeEncodeError as error:
        code = ord(given[error.start])
        is_byte = 0xDC80 <= code <= 0xDCFF  # as Python keeps bytes that it cannot decode
        found = f"byte 0x{code - 0xDC00:02x}" if is_byte else f"half a character, U+{code:04X},"
        raise UsageError(f"[{where}] wanted Unicode text, got {found} at {error.start}") from None
    return given


def listed(given: Any, where: str, wanted: str) -> list[Any]:
    """The elements of anything that has some, but of a text."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise UsageError(f"[{where}] wanted {wanted}, got {given!r}")
    return list(given)


def sequences(given: Any, where: str) -> list[Any]:
    """Several texts or lists of ids: a text alone would be read as one for each of its characters."""
    return listed(given, where, "a list of texts or of ids")
