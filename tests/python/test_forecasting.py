"""Forecasters and their streams, as Python sees them."""

from __future__ import annotations

import copy
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from conftest import ROOT
from xlstm_metal import FileError, Forecaster, ModelError, UsageError, xLSTMRunner


def months(years: int) -> npt.NDArray[np.float64]:
    """A season of twelve values between 90 and 110."""
    return 100 + 10 * np.sin(np.arange(12 * years) * 2 * np.pi / 12)


@pytest.fixture(scope="module")
def tides() -> Forecaster:
    return Forecaster(ROOT / "models/tides-1m", threads=2)


def test_facts(tides: Forecaster) -> None:
    facts = tides.facts
    assert (facts.name, facts.family, facts.context, facts.patch, facts.horizon) == ("tides-1m", "tirex", 2048, 32, 0)
    assert facts.levels == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    assert not (facts.several_targets or facts.past_covariates or facts.known_covariates)


def test_forecasts_a_season(tides: Forecaster) -> None:
    forecast = tides.forecast(months(10), horizon=12)
    assert forecast.shape == (12, 9)
    assert forecast.dtype == np.float32
    assert np.abs(forecast[:, 4] - months(11)[-12:]).max() < 3


def test_takes_lists_and_arrays_of_any_type(tides: Forecaster) -> None:
    values = np.round(months(5)).astype(np.int64)
    wanted = tides.forecast(values, horizon=3)
    for same in (values.tolist(), values.astype(np.float32), [float(x) for x in values], values[None]):
        assert np.array_equal(np.reshape(tides.forecast(same, horizon=3), (3, 9)), wanted)


class Labelled:
    """Values that are found by labels from 5 on, as a part of a data frame's column is."""

    def __init__(self, values: npt.NDArray[np.float64]) -> None:
        self.values = values
        self.ndim = 1

    def __array__(self, dtype: npt.DTypeLike = None, copy: bool | None = None) -> npt.NDArray[np.float64]:
        return self.values if dtype is None else self.values.astype(dtype)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, label: int) -> float:
        if label < 5:
            raise KeyError(label)
        return float(self.values[label - 5])


def test_takes_columns_of_data_frames_generators_and_masks(tides: Forecaster) -> None:
    values = months(5)
    wanted = tides.forecast(values, horizon=3)
    assert np.array_equal(tides.forecast(Labelled(values), horizon=3), wanted)
    assert np.array_equal(tides.forecast((float(x) for x in values), horizon=3), wanted)
    (batched,) = tides.forecast_batch([Labelled(values)], horizon=3)
    assert np.array_equal(batched, wanted)
    gap = values.copy()
    gap[7] = np.nan
    wanted = tides.forecast(gap, horizon=3)
    masked = np.ma.array(values, mask=np.arange(len(values)) == 7)
    assert np.array_equal(tides.forecast(masked, horizon=3), wanted)
    assert np.array_equal(tides.forecast([None if np.isnan(x) else x for x in gap], horizon=3), wanted)
    stream = tides.stream()
    stream.append(masked)
    assert stream.forecast(horizon=3)[0] == pytest.approx(wanted)


def test_no_covariates_are_none(tides: Forecaster) -> None:
    values = months(5)
    assert np.array_equal(tides.forecast(values, past=[], known=[], horizon=3), tides.forecast(values, horizon=3))


@pytest.mark.parametrize(
    "values",
    [
        3.0,
        np.float32(3),
        None,
        ["1", "2"],
        np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
        np.array([1 + 2j, 3]),
        np.zeros((2, 2, 2)),
    ],
)
def test_what_is_no_series_is_refused(tides: Forecaster, values: object) -> None:
    with pytest.raises(UsageError, match="wanted"):
        tides.forecast(values)


def test_a_copy_of_a_stream_is_a_fork(tides: Forecaster) -> None:
    stream = tides.stream()
    stream.append(months(5))
    for other in (copy.copy(stream), copy.deepcopy(stream)):
        other.append(1000)
        assert (stream.position, other.position) == (60, 61)


def test_levels_and_missing_values(tides: Forecaster) -> None:
    values = months(5)
    values[3] = np.nan
    forecast = tides.forecast(values, horizon=2, quantiles=[0.5, 0.99])
    assert forecast.shape == (2, 2)
    assert np.array_equal(forecast[:, 1], tides.forecast(values, horizon=2)[:, 8])
    assert np.isfinite(tides.forecast([np.nan, np.nan], horizon=2)).all()


def test_batches(tides: Forecaster) -> None:
    series = [months(years) for years in (1, 5, 20)]
    forecasts = tides.forecast_batch(series, horizon=4, batch=2)
    for values, forecast in zip(series, forecasts, strict=True):
        assert forecast == pytest.approx(tides.forecast(values, horizon=4), abs=1e-3)
    assert tides.forecast_batch([]) == []


def test_what_is_wrong_is_named(tides: Forecaster) -> None:
    with pytest.raises(UsageError, match=r"\[series 2\] wanted a series with values"):
        tides.forecast_batch([[1, 2], []])
    with pytest.raises(UsageError, match=r"\[horizon\]"):
        tides.forecast([1, 2], horizon=0)
    with pytest.raises(UsageError, match="tides-1m reads none"):
        tides.forecast([1, 2], past=[3, 4])
    with pytest.raises(UsageError, match="one target"):
        tides.forecast([[1, 2], [3, 4]])
    with pytest.raises(UsageError, match="wanted numbers"):
        tides.forecast(["a", "b"])
    with pytest.raises(UsageError, match=r"\[options\].*accelerated_steps"):
        tides.forecast([1, 2], horizons=3)  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="finite values"):
        tides.forecast([1, np.inf])


def test_models_of_the_other_kind() -> None:
    with pytest.raises(ModelError, match="a forecaster"):
        Forecaster(ROOT / "models/classics-8m")
    with pytest.raises(ModelError, match="xlstm forecast"):
        xLSTMRunner(ROOT / "models/tides-1m")


def test_embeddings(tides: Forecaster) -> None:
    assert tides.embed(months(10)).shape == (4, 6, 128)


def test_streams(tides: Forecaster, tmp_path: Path) -> None:
    stream = tides.stream()
    with pytest.raises(UsageError, match="values before a forecast"):
        stream.forecast()
    for value in months(3):
        stream.append(value)
    assert stream.position == 36
    (forecast,) = stream.forecast(horizon=5)
    assert np.array_equal(forecast, tides.forecast(months(3), horizon=5))

    stream.save(tmp_path / "stream")
    fork = stream.fork()
    fork.append([1, 2, 3])
    loaded = tides.load_stream(tmp_path / "stream")
    assert (stream.position, fork.position, loaded.position) == (36, 39, 36)
    assert np.array_equal(loaded.forecast(horizon=5)[0], forecast)
    with pytest.raises(FileError):
        tides.load_stream(tmp_path / "none")


def test_threads_share_one(tides: Forecaster) -> None:
    wanted = tides.forecast(months(4))
    got: list[npt.NDArray[np.float32]] = []
    threads = [threading.Thread(target=lambda: got.append(tides.forecast(months(4)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 3
    assert all(np.array_equal(each, wanted) for each in got)
