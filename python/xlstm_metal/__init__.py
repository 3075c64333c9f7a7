"""xLSTM language models on the C++ engine of xLSTM-Metal.

    >>> from xlstm_metal import xLSTMRunner
    >>> runner = xLSTMRunner("classics-8m")
    >>> for token in runner.stream("It was a dark and", max_tokens=20):
    ...     print(token.text, end="")

``load``, ``generate`` and ``stream_generate`` are the same as mlx-lm's users know them.
"""

from ._native import State
from .errors import (
    AccessError,
    FileError,
    FormatError,
    InternalError,
    MissingFileError,
    ModelError,
    NetworkError,
    OutOfMemoryError,
    UsageError,
    XlstmError,
)
from .forecasting import Forecaster, ForecasterFacts, ForecastStream
from .generation import Completion, Stream, Token
from .lm import generate, load, stream_generate
from .runner import xLSTMRunner
from .tokenizer import Tokenizer

__all__ = [
    "AccessError",
    "Completion",
    "FileError",
    "ForecastStream",
    "Forecaster",
    "ForecasterFacts",
    "FormatError",
    "InternalError",
    "MissingFileError",
    "ModelError",
    "NetworkError",
    "OutOfMemoryError",
    "State",
    "Stream",
    "Token",
    "Tokenizer",
    "UsageError",
    "XlstmError",
    "generate",
    "load",
    "stream_generate",
    "xLSTMRunner",
]
