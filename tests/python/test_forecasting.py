"""Forecasters and their streams, as Python sees them."""

from __future__ import annotations

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
