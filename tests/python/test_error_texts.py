"""Which exception an error of a file becomes: its own text says so, not what the disk has afterwards."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from xlstm_metal import errors, xLSTMRunner


def told(number: int) -> str:
    return f"[a/file] cannot open: {os.strerror(number)}"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (told(errno.ENOENT), errors.MissingFileError),
        (told(errno.EACCES), errors.AccessError),
        (told(errno.EPERM), errors.AccessError),
        (told(errno.ENOTDIR), errors.FileError),
        (told(errno.EISDIR), errors.FileError),
        (told(errno.ENOSPC), errors.FileError),
        ("[x] wanted a model folder, got nothing there; did you mean 'y'?", errors.MissingFileError),
        ("[x] wanted a checkpoint file or folder, got nothing of that name", errors.MissingFileError),
        ("[x] wanted a file config.json, got none", errors.MissingFileError),
        ("[x] wanted a model folder, got no such folder, and no such model in 'y'", errors.MissingFileError),
        ("[x] wanted a file of the repository, got status 404 from y", errors.MissingFileError),
        ("[x] wanted a model folder, got a file", errors.FileError),
        ("[x] wanted access to a gated repository, got status 403: accept", errors.FileError),
        ("[got none/it] wanted 3 GiB of free space, got 2 GiB", errors.FileError),
    ],
)
def test_kind(message: str, kind: type[Exception]) -> None:
    raised = errors.error_of_kind("file", message)
    assert type(raised) is kind and str(raised) == message
    assert type(errors.error_of_kind("format", message)) is errors.FormatError


def test_builtin_of_access() -> None:
    assert issubclass(errors.AccessError, (errors.FileError, PermissionError))
    assert not issubclass(errors.AccessError, FileNotFoundError)


def test_a_missing_folder(runner: xLSTMRunner, tmp_path: Path) -> None:
    with pytest.raises(errors.MissingFileError):
        runner.new_state().save(tmp_path / "no/folder/x.state")
    with pytest.raises(errors.MissingFileError):
        runner.new_state().load(tmp_path / "no.state")


def test_a_file_in_the_place_of_a_folder(runner: xLSTMRunner, tmp_path: Path) -> None:
    """Nothing lies at these paths, and yet that is not what is wrong."""
    (tmp_path / "file").write_text("x")
    for call in (runner.new_state().save, runner.new_state().load):
        with pytest.raises(errors.FileError) as raised:
            call(tmp_path / "file/x.state")
        assert type(raised.value) is errors.FileError


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(errors.MissingFileError, match="got none of them"):
        xLSTMRunner(tmp_path)
