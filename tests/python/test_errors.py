"""Errors: their kinds, and the builtin exceptions that they are too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conftest import MODEL
from xlstm_metal import errors, xLSTMRunner


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.UsageError, ValueError),
        (errors.FileError, OSError),
        (errors.MissingFileError, FileNotFoundError),
        (errors.FormatError, ValueError),
        (errors.ModelError, ValueError),
        (errors.OutOfMemoryError, MemoryError),
        (errors.InternalError, RuntimeError),
    ],
)
def test_kinds(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, errors.XlstmError) and issubclass(kind, builtin)
    assert str(kind("[x] wanted a, got b")) == "[x] wanted a, got b"


def test_no_model_there() -> None:
    with pytest.raises(FileNotFoundError, match="wanted a model folder, got nothing there"):
        xLSTMRunner("./models/classics-8n")
    with pytest.raises(errors.MissingFileError):
        xLSTMRunner("no-such-embedded-model")


def test_damaged_files(tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(MODEL, model)
    (model / "config.json").write_text("{")
    with pytest.raises(errors.FormatError):
        xLSTMRunner(model)
    (model / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(errors.ModelError):
        xLSTMRunner(model)


def test_file_that_is_there_and_cannot_be_read(tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(MODEL, model)
    (model / "config.json").unlink()
    (model / "config.json").mkdir()
    with pytest.raises(errors.FileError) as raised:
        xLSTMRunner(model)
    assert not isinstance(raised.value, FileNotFoundError)


def test_too_little_memory() -> None:
    with pytest.raises(MemoryError, match="limit of 10 MiB"):
        xLSTMRunner(MODEL, memory_limit=10 << 20)


@pytest.mark.parametrize(
    "wrong", [{"dtype": "float7"}, {"device": "tpu"}, {"quantize": 7}, {"quantize": "four"}, {"quantize": "4/31"}]
)
def test_options(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^\[.*\] wanted .*, got "):
        xLSTMRunner(MODEL, **wrong)  # type: ignore[arg-type]


def test_model_without_a_tokenizer() -> None:
    runner = xLSTMRunner(MODEL.parent.parent / "tests/data/golden/large-plain")
    assert runner.forward([1, 2])[0].shape == (2, runner.vocab_size)
    assert len(runner.generate([1, 2], max_tokens=3)) == 5
    with pytest.raises(errors.ModelError, match="tokenizer"):
        runner.generate("a text")
    with pytest.raises(errors.ModelError):
        runner.tokenizer.encode("a text")
