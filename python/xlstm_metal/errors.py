"""What goes wrong, by who can mend it.

Every error of the engine is an :class:`XlstmError`, and also the builtin exception that people catch for
such a thing. Its text says where, what was wanted and what was found: ``[where] wanted ..., got ...``.
"""

from __future__ import annotations

import errno
import os
import re

__all__ = [
    "AccessError",
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


class AccessError(FileError, PermissionError):
    """A file or a folder that this user may not read, or not write."""


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
    of_kind = _of_file(message) if kind == "file" else _KINDS.get(kind, InternalError)
    return of_kind(message)


_FOUND_NOTHING = re.compile(r"\bgot (nothing|none|no such|status 404)\b")


def _of_file(message: str) -> type[XlstmError]:
    """What kind of FileError a message tells of, by what was found or by the system's words for it."""
    found = message.partition("] ")[2]
    if os.strerror(errno.ENOENT) in found or _FOUND_NOTHING.search(found):
        return MissingFileError
    if any(os.strerror(number) in found for number in (errno.EACCES, errno.EPERM)):
        return AccessError
    return FileError
