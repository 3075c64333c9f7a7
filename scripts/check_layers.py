#!/usr/bin/env python3
"""Checks the rules of docs/architecture.md that a compiler does not: scripts/check_layers.py [ROOT]

- An include points down the levels, or stays in its folder; never sideways to another folder of the
  same level and never up. In `kernels` each op has a folder, and these may include each other.
- Only folders that work on MLX arrays include MLX.
- Names are snake_case; a header has `#pragma once`, but for `-inl.h`, which Highway includes once for
  each instruction set; a source includes its own header first.
- A file over 600 lines says in its first comment why ("long because ...").

Prints FILE:LINE: what, one a line, and ends with 1 where anything is wrong.
"""

import re
import sys
from pathlib import Path

LEVELS = {
    "base": 0,
    "kernels": 1,
    "weights": 1,
    "text": 1,
    "hub": 1,
    "wiring": 2,
    "ops": 2,
    "model": 3,
    "convert": 3,
    "generate": 4,
    "forecast": 4,
    "engine": 5,
    "serve": 6,
    "apps": 7,
    "python": 7,
}
USES_MLX = {"ops", "model", "generate", "forecast", "engine"}
SUFFIXES = {".h", ".cpp", ".cuh", ".cu", ".metal"}
MAX_LINES = 600
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
NAME = re.compile(r"^[a-z0-9]+(_[a-z0-9]+)*(\.[a-z]+|-inl\.h)$")


def without_comments(text):
    """`text` with comments blanked and its lines kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)

    def blank(match):
        found = match.group(0)
        return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    return pattern.sub(blank, text)


def includes(text):
    """(line number, path, quoted?) of every #include."""
    found = []
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            found.append((number, match.group(1) or match.group(2), match.group(1) is not None))
    return found


def direction_fault(folder, target):
    """What is wrong with `folder` including a file of folder `target`, or None."""
    if target not in LEVELS:
        return f"'{target}' is not a folder of the levels table (scripts/check_layers.py)"
    if target == folder or LEVELS[target] < LEVELS[folder]:
        return None
    way = "sideways" if LEVELS[target] == LEVELS[folder] else "up"
    return f"{folder} (level {LEVELS[folder]}) includes {way}: {target} (level {LEVELS[target]})"


def include_faults(folder, path, text, root):
    faults = []
    found = includes(text)
    for number, target, quoted in found:
        if target.startswith("xlstm/"):
            parts = target.split("/")
            fault = direction_fault(folder, parts[1]) if len(parts) > 2 else f"no folder: {target}"
            if fault:
                faults.append((number, fault))
        elif target.startswith("mlx/"):
            if folder not in USES_MLX:
                faults.append((number, f"{folder} does without MLX, and includes {target}"))
        elif quoted:
            faults.append((number, f'includes start at the repository root ("xlstm/..."): {target}'))
    own = path.with_suffix(".h")
    if path.suffix == ".cpp" and own.exists():
        wanted = own.relative_to(root).as_posix()
        if not found or found[0][1] != wanted:
            number = found[0][0] if found else 1
            faults.append((number, f"its own header comes first: {wanted}"))
    return faults


def first_comment(text):
    match = re.match(r"\s*((?://[^\n]*\n?)+|/\*.*?\*/)", text, re.S)
    return match.group(1) if match else ""


def file_faults(path, text):
    faults = []
    if not NAME.match(path.name):
        faults.append((1, "a file's name is snake_case"))
    once = path.suffix == ".h" and not path.name.endswith("-inl.h")
    if once and "#pragma once" not in text:
        faults.append((1, "a header has #pragma once"))
    lines = text.count("\n")
    if lines > MAX_LINES and "long because" not in first_comment(text):
        faults.append(
            (MAX_LINES, f'{lines} lines: split it, or begin it with a comment "... long because ..."')
        )
    return faults


def sources(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def check(root):
    """(path, line, what) of every fault under `root`, and the number of files looked at."""
    faults, count = [], 0
    for path in sources(root / "xlstm"):
        count += 1
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(root)
        found = file_faults(path, text)
        folder = name.parts[1] if len(name.parts) > 2 else ""
        if folder not in LEVELS:
            found.append((1, f"'{folder}' is not a folder of the levels table"))
        else:
            found += include_faults(folder, path, text, root)
        faults += [(name, number, what) for number, what in found]
    for extra in ("tests", "benchmarks"):
        for path in sources(root / extra):
            count += 1
            text = path.read_text(encoding="utf-8")
            faults += [(path.relative_to(root), *fault) for fault in file_faults(path, text)]
    return faults, count


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    faults, count = check(root)
    if count == 0:
        print(f"check_layers: no sources under {root}")
        return 1
    for path, number, what in faults:
        print(f"{path}:{number}: {what}")
    print(f"check_layers: {count} files, {len(faults)} faults", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
