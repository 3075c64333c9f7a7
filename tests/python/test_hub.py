"""Models of a hub by name, from the hub that tests/hub/ has on the loopback."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import MODEL, PROMPT, ROOT
from xlstm_metal import Completion, NetworkError, _native, xLSTMRunner
from xlstm_metal.download import model_folder

sys.path.insert(0, str(ROOT / "tests/hub"))
from server import HubServer  # noqa: E402

NAME = "people/classics"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    with HubServer() as server:
        files = {file.name: file.read_bytes() for file in MODEL.iterdir() if file.is_file()}
        server.commit = server.add(NAME, files, card={"license": "apache-2.0"}).branches["main"]
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def test_fetched_once_and_run(hub: Any, tmp_path: Path, greedy: Completion) -> None:
    runner = xLSTMRunner.from_pretrained(NAME)
    assert runner.model_path.is_relative_to(tmp_path / "hf/hub/models--people--classics/snapshots")
    assert runner.complete(PROMPT, max_tokens=24, temperature=0).tokens == greedy.tokens
    asked = len(hub.log)
    assert asked > 0
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        assert xLSTMRunner(NAME).model_path == runner.model_path
    finally:
        del os.environ["HF_HUB_OFFLINE"]
    assert len(hub.log) == asked


def test_cache_dir_revision_and_force(hub: Any, tmp_path: Path) -> None:
    commit = hub.commit
    folder = model_folder(NAME, cache_dir=tmp_path / "mine", revision=commit)
    assert folder.is_relative_to(tmp_path / "mine/models--people--classics")
    asked = len(hub.log)
    model_folder(NAME, cache_dir=tmp_path / "mine", revision=commit)
    again = len(hub.log) - asked
    model_folder(NAME, cache_dir=tmp_path / "mine", revision=commit, force_download=True)
    assert len(hub.log) - asked - again > again


def test_licence_is_told(hub: Any, caplog: pytest.LogCaptureFixture) -> None:
    model_folder(NAME)
    assert "apache-2.0" in caplog.text


def test_no_such_repository_or_revision(hub: Any) -> None:
    with pytest.raises(FileNotFoundError, match="nobody/nothing"):
        xLSTMRunner("nobody/nothing")
    with pytest.raises(FileNotFoundError, match="no-such-branch"):
        xLSTMRunner.from_pretrained(NAME, revision="no-such-branch")


def test_no_hub(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NetworkError):
        xLSTMRunner(NAME)


def test_interrupt_ends_a_download_and_the_next_goes_on(hub: Any, greedy: Completion) -> None:
    def interrupt(done: int, size: int | None) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        _native.Engine.resolve(NAME, on_progress=interrupt)
    assert xLSTMRunner(NAME).complete(PROMPT, max_tokens=24, temperature=0).tokens == greedy.tokens
