"""What goes wrong, by who can mend it.

Every error of the engine is an :class:`XlstmError`, and also the builtin exception that people catch for
such a thing. Its text says where, what was wanted and what was found: ``[where] wanted ..., got ...``.
"""

from __future__ import annotations

import os

__all__ = [
    "CancelledError",
    "FileError",
    "FormatError",
    "InternalError",
    "MissingFileError",
    "ModelError",
    "NetworkError",
    "OutOfMemoryError",
    "UsageError",
    "XlstmError",
]


class XlstmError(Exception):
    """An error of the engine."""


class UsageError(XlstmError, ValueError):
    """An argument that the caller can correct."""


class FileError(XlstmError, OSError):
    """A file that cannot be opened, read or written."""


class MissingFileError(FileError, FileNotFoundError):
    """A file, a folder or a model that is not there."""


class FormatError(XlstmError, ValueError):
    """A file whose bytes are not what they claim to be."""


class ModelError(XlstmError, ValueError):
    """A sound file that describes a model which is not run here, or a state of another model."""


class OutOfMemoryError(XlstmError, MemoryError):
    """More memory wanted than there is or than was allowed."""


class NetworkError(XlstmError, ConnectionError):
    """A server that cannot be reached or does not answer as it should."""


class CancelledError(XlstmError):
    """What was asked for was stopped."""


class InternalError(XlstmError, RuntimeError):
    """A fault of ours."""


_KINDS: dict[str, type[XlstmError]] = {
    "usage": UsageError,
    "file": FileError,
    "format": FormatError,
    "model": ModelError,
    "memory": OutOfMemoryError,
    "network": NetworkError,
    "cancelled": CancelledError,
}


def error_of_kind(kind: str, message: str) -> XlstmError:
    """The exception for an error of the engine; called by the module ``_native``."""
    if kind == "file" and not os.path.lexists(_where(message)):
        return MissingFileError(message)
    return _KINDS.get(kind, InternalError)(message)


def _where(message: str) -> str:
    """What the brackets name that every message begins with."""
    return message[1:].partition("] ")[0] if message.startswith("[") else ""
