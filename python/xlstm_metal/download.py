"""Models by name: folders, embedded models, repositories of the Hugging Face hub."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from . import _native
from .checks import text
from .errors import UsageError

__all__ = ["model_folder", "notice"]

_LOG = logging.getLogger("xlstm_metal")


def notice(sentence: str) -> None:
    """Tells what a person may want to know meanwhile, e.g. the licence of a model that is fetched."""
    _LOG.warning("%s", sentence)


def model_folder(
    name: str | os.PathLike[str],
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
    revision: str | None = None,
) -> Path:
    """The folder of a model, fetched into the hub's cache where it is not there yet."""
    wanted = text(os.fspath(name), "model")
    if not wanted:
        raise UsageError("[model] wanted a folder or a name, got an empty one")
    _check_repository(wanted, {"revision": revision, "force_download": force_download})
    bar = _Bar()
    try:
        folder = _native.Engine.resolve(
            wanted,
            revision=revision or "",
            cache_dir="" if cache_dir is None else cache_dir,
            force_download=force_download,
            on_progress=bar.show if bar.wanted() else None,
            on_notice=notice,
        )
    finally:
        bar.end()
    return Path(folder)


def _check_repository(name: str, options: dict[str, object]) -> None:
    """Refuses what a folder or an embedded model cannot follow."""
    if name.startswith("hf://") or ("/" in name and not os.path.exists(name)):
        return
    for option, value in options.items():
        if value:
            raise UsageError(f"[{option}] wanted a repository of the hub, org/name, got {name!r}")


class _Bar:
    """A line on a terminal: how much is here."""

    def __init__(self) -> None:
        self._shown = False

    def wanted(self) -> bool:
        off = os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS", "").upper() in ("1", "ON", "YES", "TRUE")
        try:
            return sys.stderr.isatty() and not off
        except (AttributeError, ValueError):  # None, or closed
            return False

    def show(self, done: int, size: int | None) -> None:
        of = f" of {size / 1e6:.0f} MB, {100 * done / max(size, 1):.0f} %" if size is not None else " MB"
        print(f"\rDownloading {done / 1e6:.0f}{of}", end="", file=sys.stderr, flush=True)
        self._shown = True

    def end(self) -> None:
        if self._shown:
            print(file=sys.stderr)
