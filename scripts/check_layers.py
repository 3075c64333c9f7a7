#!/usr/bin/env python3
"""Checks the rules of docs/architecture.md that a compiler does not: scripts/check_layers.py [ROOT]

- An include stays in its folder or goes to one that xlstm/folders.txt lets it use, all of them of a
  lower level. In `kernels` each op has a folder, and these may include each other.
- Only folders that the table says so of include MLX.
- The table of docs/architecture.md says what xlstm/folders.txt says.
- Nothing asks whether it runs on a CPU (`on_cpu`), nothing is `thread_local`, and no variable of a
  namespace, static member or static local can change, but for the files listed below.
- Names are snake_case; a header has `#pragma once`, but for `-inl.h`, which Highway includes once for
  each instruction set; a source includes its own header first.
- A test's suite and name are in UpperCamelCase: TEST(Config, NumbersOutOfRange).
- A file over 600 lines says in its first comment why ("long because ...").

Prints FILE:LINE: what, one a line, and ends with 1 where anything is wrong.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from state_rules import code_only, mutable_state

TABLE = "xlstm/folders.txt"
PAGE = "docs/architecture.md"
# Files that may hold what nothing else may, each with its reason.
MAY_BE_THREAD_LOCAL = {}
MAY_HAVE_STATE = {
    "xlstm/apps/interrupts.cpp": "a signal handler finds nothing but what belongs to the process",
    "xlstm/apps/ranks.cpp": "the process is one rank of one group",
    "xlstm/apps/streams.cpp": "the process has one standard input and one output",
    "xlstm/apps/terminal_mode.cpp": "a signal handler puts back the mode of the process's terminal",
    "xlstm/kernels/simd/simd.cpp": "the instructions of the processor, asked once",
}
SUFFIXES = {".h", ".cpp", ".cuh", ".cu", ".metal"}
MAX_LINES = 600
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
TEST = re.compile(r"^(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)", re.M)
CAMEL = re.compile(r"[A-Z][A-Za-z0-9]*$")
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


@dataclass
class Folder:
    level: int
    mlx: bool
    includes: list


def read_table(root):
    """{name: Folder}, in the order of xlstm/folders.txt, and (line, what) of each fault in it."""
    folders, faults = {}, []
    for number, line in enumerate((root / TABLE).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        if len(words) < 3 or not words[1].isdigit() or words[2] not in ("yes", "no"):
            faults.append((number, 'a line is "folder level yes|no folder..."'))
            continue
        name, folder = words[0], Folder(int(words[1]), words[2] == "yes", words[3:])
        for other in folder.includes:
            if other not in folders:
                faults.append((number, f"{name} includes {other}, which no line above has"))
            elif folders[other].level >= folder.level:
                way = "sideways" if folders[other].level == folder.level else "up"
                faults.append((number, f"{name} (level {folder.level}) includes {way}: {other}"))
        folders[name] = folder
    return folders, faults


def page_faults(root, folders):
    """(line, what) where the table of docs/architecture.md differs from that of the folders there are."""
    there = [name for name in folders if (root / "xlstm" / name).is_dir()]
    wanted = {}
    for name in there:
        below = [other for other in there if folders[other].level < folders[name].level]
        includes = [other for other in below if other in folders[name].includes]
        text = "all below" if includes == below and len(below) > 1 else ", ".join(includes) or "-"
        wanted[name] = [str(folders[name].level), text, "yes" if folders[name].mlx else "no"]
    faults, last = [], 1
    for number, line in enumerate((root / PAGE).read_text(encoding="utf-8").splitlines(), 1):
        match = re.match(r"\| (\d+) \| `(\w+)` \|.*\| ([^|]*) \| (\w+) \|$", line)
        if not match:
            continue
        last = number
        level, name, includes, mlx = match.groups()
        if name not in wanted:
            faults.append((number, f"there is no folder {name}, or a second line of it"))
        elif [level, includes, mlx] != wanted[name]:
            faults.append((number, f"{name}: {TABLE} says {' | '.join(wanted[name])}"))
        wanted.pop(name, None)
    faults += [(last, f"{name} is missing: {' | '.join(row)}") for name, row in wanted.items()]
    return faults


def direction_fault(folder, target, folders):
    """What is wrong with `folder` including a file of folder `target`, or None."""
    if target not in folders:
        return f"'{target}' is not a folder of {TABLE}"
    if target == folder or target in folders[folder].includes:
        return None
    levels = folders[target].level - folders[folder].level
    way = "past the table" if levels < 0 else "sideways" if levels == 0 else "up"
    return f"{folder} includes {way}: {target} ({TABLE})"


def owner_faults(name, text):
    """(line, what) of all that belongs to nobody, or to a thread."""
    code = code_only(text)
    faults = [
        (text.count("\n", 0, match.start()) + 1, "a backend knows its device: no on_cpu")
        for match in re.finditer(r"\bon_cpu\b", text)
    ]
    if name not in MAY_BE_THREAD_LOCAL:
        faults += [
            (code.count("\n", 0, match.start()) + 1, "thread_local: a pool or a backend owns memory")
            for match in re.finditer(r"\bthread_local\b", code)
        ]
    if name not in MAY_HAVE_STATE:
        faults += [
            (number, f"the process has no state of its own: {what}")
            for number, what in mutable_state(text)
        ]
    return faults


def include_faults(folder, path, text, root, folders):
    faults = []
    found = includes(text)
    for number, target, quoted in found:
        if target.startswith("xlstm/"):
            parts = target.split("/")
            fault = direction_fault(folder, parts[1], folders) if len(parts) > 2 else f"no folder: {target}"
            if fault:
                faults.append((number, fault))
        elif target.startswith("mlx/"):
            if not folders[folder].mlx:
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


def test_faults(text):
    return [
        (text.count("\n", 0, match.start()) + 1, f"UpperCamelCase for a test: {'.'.join(match.groups())}")
        for match in TEST.finditer(text)
        if not all(CAMEL.match(word) for word in match.groups())
    ]


def sources(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def check(root):
    """(path, line, what) of every fault under `root`, and the number of files looked at."""
    folders, found = read_table(root)
    faults, count = [(TABLE, *fault) for fault in found], 0
    faults += [(PAGE, *fault) for fault in page_faults(root, folders)]
    for path in sources(root / "xlstm"):
        count += 1
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(root)
        found = file_faults(path, text)
        folder = name.parts[1] if len(name.parts) > 2 else ""
        found += owner_faults(name.as_posix(), text)
        if folder not in folders:
            found.append((1, f"'{folder}' is not a folder of {TABLE}"))
        else:
            found += include_faults(folder, path, text, root, folders)
        faults += [(name, number, what) for number, what in found]
    for extra in ("tests", "benchmarks"):
        for path in sources(root / extra):
            count += 1
            text = path.read_text(encoding="utf-8")
            name = path.relative_to(root)
            found = file_faults(path, text) + test_faults(text)
            faults += [(name, *fault) for fault in found]
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
