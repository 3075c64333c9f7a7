"""Forecasts of time series, and streams that follow one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import numpy.typing as npt

from . import _native
from .download import model_folder, notice
from .errors import UsageError
from .quantize import Quantize, quantization_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Forecaster", "ForecasterFacts", "ForecastStream", "ForecastOptions"]

_Floats = npt.NDArray[np.float32]
_Rows = tuple[list[_Floats], list[_Floats], list[_Floats]]  # targets, past, known


class ForecastOptions(TypedDict, total=False):
    """How series are forecast; all may be left out."""

    horizon: int  #: steps (32); of a model with a limit at most that many come
    context: int  #: of each series the newest values that are read; 0: all that the model takes
    quantiles: Sequence[float]  #: levels, rising; none: the model's own
    batch: int  #: series that are handed to the model together (64)
    accelerated_steps: int  #: TiRex: patches that one pass forecasts (1)
    resample: bool  #: TiRex: slow seasons are read at a lower rate (False)
    difference_trends: bool | None  #: TiRex-2: rows with a trend by differences; None: as its config says
    flip_sign: bool | None  #: TiRex-2: the mean with the negated rows' forecast; None: as its config says
    pad_context: bool  #: TiRex-2: short series are filled up to the model's context (True)


@dataclass(frozen=True)
class ForecasterFacts:
    """What a forecaster can do."""

    name: str
    family: str  #: "tirex", "tirex-2"
    context: int  #: the most values of a series that are read
    patch: int  #: values of a token
    horizon: int  #: the most steps; 0: any
    levels: list[float]  #: of its quantiles
    several_targets: bool
    past_covariates: bool
    known_covariates: bool


def _row(values: Any, where: str) -> _Floats:
    """Numbers [T]; what is masked, or None, is missing."""
    if np.ma.isMaskedArray(values):
        values = np.ma.filled(values.astype(np.float32), np.nan)
    try:
        array = np.asarray(values)
        # Lists with None, and data frames' columns of such, are arrays of objects. Times, complex numbers and
        # texts are no values, though NumPy makes numbers of them.
        if array.dtype.kind not in "biufO":
            raise TypeError(f"an array of {array.dtype}")
        row = np.ascontiguousarray(array, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"[{where}] wanted numbers, got {type(values).__name__}: {error}") from None
    if array.ndim != 1:
        raise UsageError(f"[{where}] wanted an array [T], got one of {array.ndim} axes")
    return row


def _rows(values: Any, where: str) -> tuple[list[_Floats], bool]:
    """Rows [V, T], or the one of [T], and whether it is that; of lists, whatever their lengths. None: no rows."""
    if values is None:
        return [], False
    if hasattr(values, "ndim"):
        is_one = values.ndim < 2
    else:
        try:
            values = list(values)
        except TypeError:
            raise UsageError(f"[{where}] wanted an array [T] or [V, T], got {type(values).__name__}") from None
        is_one = bool(values) and not hasattr(values[0], "__len__")
    return ([_row(values, where)] if is_one else [_row(row, where) for row in values]), is_one


def _described(options: Any) -> str:
    return ", ".join(f"{name} {type(value).__name__}" for name, value in options.items())


def _options(options: ForecastOptions) -> _native.ForecastOptions:
    try:
        return _native.ForecastOptions(**options)
    except TypeError:
        known = ", ".join(ForecastOptions.__annotations__)
        raise UsageError(f"[options] wanted values of their types for some of {known}, got {_described(options)}") from None


class ForecastStream:
    """A series that goes on, at constant cost: made by ``Forecaster.stream``."""

    def __init__(self, native: _native.ForecastStream) -> None:
        self._native = native

    def append(self, *rows: Any) -> None:
        """Adds new values: of each target, then of each past covariate, all of one length.

        A number is one value.
        """
        self._native.append([_row(np.atleast_1d(row), "stream") for row in rows])

    def forecast(self, **options: Unpack[ForecastOptions]) -> list[_Floats]:
        """Quantiles [steps, levels] of each target, of all that was read."""
        return self._native.forecast(_options(options))

    def fork(self) -> ForecastStream:
        """One that goes on from the same place by itself."""
        return ForecastStream(self._native.fork())

    def __copy__(self) -> ForecastStream:
        return self.fork()

    def __deepcopy__(self, memo: object) -> ForecastStream:
        return self.fork()

    def save(self, file: str | os.PathLike[str]) -> None:
        """Writes the stream whole or not at all; ``Forecaster.load_stream`` reads it."""
        self._native.save(os.fspath(file))

    @property
    def position(self) -> int:
        """Values read, of each row."""
        return self._native.position


class Forecaster:
    """A model that forecasts time series: ``Forecaster("tides-1m").forecast(values, horizon=24)``.

    Values are numbers at equal distances in time, NaN for a missing one. What the arguments mean,
    ``xlstm_metal.xLSTMRunner`` says. Any number of threads may use a forecaster; calls take turns.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str] = "tides-1m",
        *,
        dtype: str = "auto",
        quantize: Quantize = None,
        keep_quantized: bool = True,
        device: str = "auto",
        threads: int = 0,
        memory_limit: int = 0,
        on_progress: Callable[[float], object] | None = None,
    ) -> None:
        self.model_path = model_folder(model_path)
        self._native = _native.Forecaster.open(
            str(self.model_path),
            dtype=dtype,
            device=device,
            quantization=quantization_of(quantize),
            keep_quantized=keep_quantized,
            threads=threads,
            memory_limit=memory_limit,
            on_progress=on_progress,
            on_notice=notice,
        )

    @property
    def facts(self) -> ForecasterFacts:
        """What the model can do."""
        return ForecasterFacts(**self._native.facts())

    def forecast(
        self, targets: Any, *, past: Any = None, known: Any = None, **options: Unpack[ForecastOptions]
    ) -> _Floats:
        """Quantiles of the values that follow: [steps, levels], or [V, steps, levels] of targets [V, T].

        Args:
            targets: a series [T], or several over the same times [V, T], of models that read them together.
            past: covariates known up to now, [T] or [C, T].
            known: covariates known ahead, each of at least T + horizon values.
        """
        rows, is_one = _rows(targets, "targets")
        (forecasts,) = self._native.forecast(
            [(rows, _rows(past, "past")[0], _rows(known, "known")[0])], _options(options)
        )
        return forecasts[0] if is_one else np.stack(forecasts)

    def forecast_batch(self, series: Iterable[Any], **options: Unpack[ForecastOptions]) -> list[_Floats]:
        """The same for many series [T] of one target each, of any lengths, much faster than one by one.

        Series with covariates, or of several targets, are for ``forecast``.
        """
        rows: list[_Rows] = [([_row(values, f"series {i + 1}")], [], []) for i, values in enumerate(series)]
        return [forecasts[0] for forecasts in self._native.forecast(rows, _options(options))]

    def embed(self, values: Any) -> _Floats:
        """What each block makes of the tokens that hold values: [tokens, blocks, width]."""
        return self._native.embed(_row(values, "values"))

    def stream(self, targets: int = 1, past_covariates: int = 0) -> ForecastStream:
        """A stream that has read nothing."""
        return ForecastStream(self._native.stream(targets, past_covariates))

    def load_stream(self, file: str | os.PathLike[str]) -> ForecastStream:
        """A stream that was saved with this model."""
        return ForecastStream(self._native.load_stream(os.fspath(file)))
