#!/usr/bin/env python3
"""Counts the source files that one decoded token enters: scripts/files_per_token.py [GENERATE OPTION...]

Builds `xlstm` with gcov's counters in build/coverage (needs g++; some minutes), lets it generate 1 token
and then 33, and takes the functions that the second run enters at least 32 times more often: those that
every token enters. A function of a header belongs to the header, wherever it was inlined. Functions that
no one wrote (a struct's copying, say) do not count.

Prints a table for docs/architecture.md: first the folders above the kernels, then `kernels` and what
these may include. Options are for `xlstm generate`; without any, it continues a fixed prompt with the
embedded model.
"""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from check_layers import read_table

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "coverage"
TOKENS = 32  # that the second run decodes more than the first
SETTINGS = ["--prompt", "The old house stood at", "--seed", "1", "--ignore-eos"]
MADE_BY_THE_COMPILER = re.compile(r"^\s*(?:template\s*<.*>\s*)?(?:class|struct|union)\b[^()]*$")


def run(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, **more)


def build():
    flags = "-O0 -DNDEBUG --coverage -fprofile-update=atomic"
    run(
        "cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
        f"-DCMAKE_CXX_COMPILER={os.environ.get('CXX', 'g++')}", f"-DCMAKE_CXX_FLAGS_DEBUG={flags}",
        "-DXLSTM_BUILD_TESTS=OFF", "-DXLSTM_BUILD_BENCHMARKS=OFF", stdout=subprocess.DEVNULL,
    )  # fmt: skip
    run("cmake", "--build", BUILD, "--target", "xlstm", stdout=sys.stderr)


def counts(tokens, options):
    """{(file, function): how often it was entered} in a run that generates `tokens` tokens."""
    for old in BUILD.rglob("*.gcda"):
        old.unlink()
    program = BUILD / "bin" / "xlstm"
    run(program, "generate", *options, "--max-tokens", tokens, stdout=subprocess.DEVNULL)
    found = defaultdict(int)
    for data in sorted(BUILD.rglob("*.gcda")):
        printed = run(
            os.environ.get("GCOV", "gcov"), "--json-format", "--stdout", data,
            cwd=BUILD, capture_output=True,
        ).stdout  # fmt: skip
        for report in map(json.loads, printed.splitlines()):
            for file in report["files"]:
                path = Path(report["current_working_directory"], file["file"]).resolve()
                if path.is_relative_to(ROOT / "xlstm"):
                    for function in file["functions"]:
                        key = (path, function["start_line"], function["name"])
                        found[key] += function["execution_count"]
    return found


def written(path, line):
    """Whether a person wrote the function that begins here: the compiler's begin where a class does."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return not MADE_BY_THE_COMPILER.match(lines[line - 1])


def entered(before, after):
    """The files of which some function was entered once more for each token."""
    return {
        path
        for (path, line, name), count in after.items()
        if count - before[path, line, name] >= TOKENS and written(path, line)
    }


def table(files, folders):
    below = {"kernels", *folders["kernels"].includes}
    lists = defaultdict(list)
    for path in sorted(files):
        name = path.relative_to(ROOT / "xlstm")
        lists[name.parts[0]].append(name.relative_to(name.parts[0]).as_posix())
    order = list(folders)
    lines = []
    for title, here in (
        ("above the kernels", [name for name in reversed(order) if name not in below]),
        ("the kernels and below", [name for name in reversed(order) if name in below]),
    ):
        total = sum(len(lists[name]) for name in here)
        lines += [f"| {title} | {total} | |"]
        for name in here:
            if lists[name]:
                names = ", ".join(f"`{each}`" for each in lists[name])
                lines.append(f"| `{name}` | {len(lists[name])} | {names} |")
    return ["| folder | files | |", "|---|---|---|", *lines]


def main():
    options = sys.argv[1:] or SETTINGS
    build()
    files = entered(counts(1, options), counts(1 + TOKENS, options))
    if not files:
        print("files_per_token: no file is entered for each token", file=sys.stderr)
        return 1
    folders, _ = read_table(ROOT)
    print("\n".join(table(files, folders)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
