#!/usr/bin/env python3
"""pip: the package from this tree in a fresh environment, and its wheel in a second one.

    run.py BUILD WORK CMAKE

The engine is not compiled again: BUILD is installed to a prefix, above which the package is built, and which
is gone when it runs. Nothing is fetched: environments get the wheels that set-up installed, as links. What
`pip install .` makes without a prefix differs in who compiles the engine alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROMPT = "The old man looked at the sea, and"
TOOLS = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence", "__pycache__")
AT_RUN_TIME = ("mlx", "numpy")


def run(*line: object) -> str:
    done = subprocess.run([str(word) for word in line], capture_output=True, text=True, check=False, cwd=WORK)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, line))}\nended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def site_packages(python: object) -> Path:
    return Path(run(python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").strip())


def environment(name: str, only: tuple[str, ...] = ()) -> Path:
    """The Python of a fresh environment with the wheels of set-up, or those whose names begin so."""
    venv.create(WORK / name, with_pip=True)
    python = WORK / name / "bin/python"
    to = site_packages(python)
    for entry in site_packages(sys.executable).iterdir():
        if entry.name.startswith(TOOLS) or (only and not entry.name.startswith(only)):
            continue
        if entry.is_dir():
            shutil.copytree(entry, to / entry.name, copy_function=link, symlinks=True)
        else:
            link(entry, to / entry.name)
    return python


def link(source: object, target: object) -> None:
    try:
        os.link(str(source), str(target))
    except OSError:  # another file system
        shutil.copy2(str(source), str(target))


def check_libraries(python: Path) -> None:
    """The module loads MLX's library from its own environment, and nothing from where it was built."""
    if not shutil.which("ldd"):
        return
    packages = site_packages(python)
    (module,) = (packages / "xlstm_metal").glob("_native*.so")
    loaded = run("ldd", module)
    for folder in (BUILD, PREFIX, ROOT / ".venv"):
        if f"{folder}/" in loaded.replace(str(packages), "SITE"):
            sys.exit(f"{module}: wanted no library of {folder}, got\n{loaded}")
    if "not found" in loaded or not any(
        "libmlx" in line and os.path.realpath(line.split()[2]).startswith(str(packages / "mlx"))
        for line in loaded.splitlines()
    ):
        sys.exit(f"{module}: wanted the MLX of {packages}, got\n{loaded}")


def check_runs(python: Path, wanted: str) -> None:
    """The same greedy text as the command line's, by the model that is in the package."""
    code = f"from xlstm_metal import xLSTMRunner as R; print(R().complete({PROMPT!r}, max_tokens=24, temperature=0).text)"
    for text in (
        run(python, "-c", code),
        run(python.parent / "xlstm-metal", "generate", "--prompt", PROMPT, "--max-tokens", 24, "--temperature", 0),
    ):
        if text != wanted:
            sys.exit(f"{python}: wanted {wanted!r}, got {text!r}")
    shares = "from xlstm_metal.arrays import shares_mlx; print(shares_mlx())"
    if run(python, "-c", shares) != "True\n":
        sys.exit(f"{python}: wanted arrays of mlx to be shared")


def main() -> None:
    for name in ("PYTHONPATH", "LD_LIBRARY_PATH", "XLSTM_MODELS", "MLX_DIR"):
        os.environ.pop(name, None)
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    wanted = run(
        BUILD / "bin/xlstm", "generate", "--prompt", PROMPT, "--max-tokens", 24, "--temperature", 0
    )
    run(CMAKE, "--install", BUILD, "--prefix", PREFIX)

    first = environment("first")
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    above = ["-C", f"build-dir={WORK / 'build'}", "-C", f"cmake.define.XLSTM_INSTALLED={PREFIX}"]
    run(first, "-m", "pip", "install", *offline, *above, ROOT)
    run(first, "-m", "pip", "wheel", *offline, *above, "-w", WORK, ROOT)
    PREFIX.rename(WORK / "gone")

    (wheel,) = WORK.glob("xlstm_metal-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for part in ("py.typed", "_native.pyi", "share/xlstm/models/classics-8m/config.json"):
        if f"xlstm_metal/{part}" not in names:
            sys.exit(f"{wheel.name}: wanted {part}, got {names}")
    second = environment("second", AT_RUN_TIME)
    run(second, "-m", "pip", "install", "--no-index", "--disable-pip-version-check", wheel)
    run(second, "-m", "pip", "check")
    for python in (first, second):
        check_libraries(python)
        check_runs(python, wanted)
    tests = [ROOT / f"tests/python/test_{name}.py" for name in ("arrays", "state", "errors", "tokenizer")]
    os.environ["XLSTM_PROGRAM"] = str(BUILD / "bin/xlstm")
    print(run(first, "-B", "-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", *tests).splitlines()[-1])
    print(f"{wheel.name}, {wheel.stat().st_size / 2**20:.1f} MiB: installed and run")
    shutil.rmtree(WORK)


BUILD, WORK, CMAKE = (Path(word) if i < 2 else word for i, word in enumerate(sys.argv[1:4]))
PREFIX = WORK / "prefix"
main()
