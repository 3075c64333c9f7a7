#!/usr/bin/env python3
"""Writes xlstm/text/unicode_tables.cpp: character classes as the `tokenizers` package has them.

The package mixes several versions of Unicode (its regular expressions, its normalisation and Rust's
own tables each bring one), so the classes are found by asking it about every code point.
Needs: pip install tokenizers==0.23.3 unicodedata2 (newest Unicode data: which marks and
decompositions the package's normalisation is too old to know).

Usage: make_unicode_tables.py > xlstm/text/unicode_tables.cpp
"""
import sys
import unicodedata

import unicodedata2 as newest
from tokenizers import Regex, normalizers, pre_tokenizers

POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
FLAGS = ["Letter", "Number", "Space", "Numeric", "Punctuation", "Word", "Mark", "Inert"]


def kept(splitter):
    """Code points that `splitter` does not remove when they stand alone between spaces."""
    found = set()
    for i in range(0, len(POINTS), 4096):
        text = "".join(map(chr, POINTS[i : i + 4096]))
        for piece, _ in splitter.pre_tokenize_str(text):
            found.update(map(ord, piece))
    return found


def matches(pattern):
    return kept(pre_tokenizers.Split(Regex(pattern), "removed", invert=True))


def isolated_by(splitter):
    """Code points that `splitter` cuts off from letters on either side."""
    found = set()
    for i in range(0, len(POINTS), 4096):
        text = "".join("a" + chr(c) for c in POINTS[i : i + 4096])
        for piece, (begin, end) in splitter.pre_tokenize_str(text):
            if end - begin == 1 and begin % 2 == 1:
                found.add(ord(text[begin]))
    return found


def joined_by_word():
    """Code points of the Rust regular expressions' \\w: those that stay with a letter before them."""
    found = set()
    splitter = pre_tokenizers.Whitespace()
    for i in range(0, len(POINTS), 4096):
        text = "".join("a" + chr(c) + " " for c in POINTS[i : i + 4096])
        for piece, (begin, end) in splitter.pre_tokenize_str(text):
            if end - begin == 2 and begin % 3 == 0:
                found.add(ord(text[begin + 1]))
    return found


def inert():
    """Code points that decompose or reorder by newest Unicode but not in the package."""
    nfkd = normalizers.NFKD()
    nfd = normalizers.NFD()

    def reordered(c):
        # Two marks of known, different classes: a known mark moves past one of them.
        return any(nfd.normalize_str(s) != s for s in ("a\u0345" + chr(c), "a" + chr(c) + "\u0334"))

    found = set()
    for c in POINTS:
        combining = newest.combining(chr(c)) != 0
        decomposes = newest.normalize("NFKD", chr(c)) != chr(c)
        if decomposes and nfkd.normalize_str(chr(c)) == chr(c):
            found.add(c)
            # Nor does the package compose its parts. By Unicode's stability rules one of them at
            # least is as new; the old ones (U+0307, say) are in Unicode 3.2 already.
            parts = newest.normalize("NFD", chr(c))
            found.update(ord(p) for p in parts if unicodedata.ucd_3_2_0.category(p) == "Cn")
        if combining and not reordered(c):
            found.add(c)
    return found


def lowercase_changes():
    """Code points whose lower case is newer than Unicode 15 (utf8proc 2.8), as {point: lower}."""
    lower = normalizers.Lowercase()
    changes = {}
    for c in POINTS:
        wanted = lower.normalize_str(chr(c))
        if len(wanted) == 1 and wanted != chr(c).lower():
            changes[c] = ord(wanted)
    return changes


def runs(sets):
    """[(first code point, flags)] wherever the flags change."""
    result = []
    for c in range(0x110000):
        flags = sum(1 << bit for bit, members in enumerate(sets) if c in members)
        if not result or result[-1][1] != flags:
            result.append((c, flags))
    return result


def table(items):
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > 100:
            lines.append(line)
            line = "   "
        line += " " + item + ","
    return "\n".join(lines + [line])


def main():
    marks = {c for c in POINTS if normalizers.StripAccents().normalize_str(chr(c)) == ""}
    sets = [
        matches(r"\p{L}"),
        matches(r"\p{N}"),
        matches(r"\s"),
        isolated_by(pre_tokenizers.Digits(individual_digits=True)),
        isolated_by(pre_tokenizers.Punctuation()),
        joined_by_word(),
        marks,
        inert(),
    ]
    for name, members in zip(FLAGS, sets):
        print(name, len(members), file=sys.stderr)
    lower = lowercase_changes()
    print(
        """// Made by tests/text/make_unicode_tables.py from tokenizers 0.23.3; not to be edited.
#include "xlstm/text/unicode_tables.h"

namespace xlstm::text {

// clang-format off
const std::vector<ClassRun>& class_runs() {
  static const std::vector<ClassRun> runs = {"""
    )
    print(table(f"{{{first:#x}, {flags}}}" for first, flags in runs(sets)))
    print(
        """  };
  return runs;
}

const std::vector<LowercaseChange>& lowercase_changes() {
  static const std::vector<LowercaseChange> changes = {"""
    )
    print(table(f"{{{c:#x}, {low:#x}}}" for c, low in sorted(lower.items())))
    print(
        """  };
  return changes;
}
// clang-format on

}  // namespace xlstm::text"""
    )


if __name__ == "__main__":
    main()
