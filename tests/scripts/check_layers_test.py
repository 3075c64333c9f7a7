#!/usr/bin/env python3
"""scripts/check_layers.py on small trees, each with one thing wrong."""

import sys
import tempfile
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
sys.dont_write_bytecode = True
import check_layers  # noqa: E402


class CheckLayersTest(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.TemporaryDirectory()
        self.root = Path(self.tree.name)
        self.write("xlstm/base/error.h", "#pragma once\n")

    def tearDown(self):
        self.tree.cleanup()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def faults(self):
        return [(str(path), line, what) for path, line, what in check_layers.check(self.root)[0]]

    def assert_one(self, path, line, word):
        faults = self.faults()
        self.assertEqual(len(faults), 1, faults)
        self.assertEqual(faults[0][:2], (path, line))
        self.assertIn(word, faults[0][2])

    def test_down_and_within_is_right(self):
        self.write(
            "xlstm/ops/a.cpp",
            '#include "xlstm/ops/a.h"\n#include "mlx/ops.h"\n#include "xlstm/kernels/x/x.h"\n',
        )
        self.write("xlstm/ops/a.h", '#pragma once\n#include "xlstm/base/error.h"\n')
        self.write("xlstm/kernels/x/x.h", '#pragma once\n#include "xlstm/kernels/y/y.h"\n')
        self.write("xlstm/kernels/y/y.h", "#pragma once\n")
        self.assertEqual(self.faults(), [])

    def test_up(self):
        self.write("xlstm/base/a.cpp", '\n#include "xlstm/engine/engine.h"\n')
        self.assert_one("xlstm/base/a.cpp", 2, "up")

    def test_sideways(self):
        self.write("xlstm/text/a.cpp", '#include "xlstm/weights/safetensors.h"\n')
        self.assert_one("xlstm/text/a.cpp", 1, "sideways")

    def test_commented_includes_do_not_count(self):
        self.write(
            "xlstm/base/a.cpp",
            '// #include "xlstm/ops/ops.h"\n/*\n#include "xlstm/ops/ops.h"\n*/\n'
            'const char* kUrl = "//";\n#include "xlstm/ops/ops.h"\n',
        )
        self.assert_one("xlstm/base/a.cpp", 6, "up")

    def test_mlx_below_ops(self):
        self.write("xlstm/wiring/a.cpp", "#include <mlx/array.h>\n")
        self.assert_one("xlstm/wiring/a.cpp", 1, "MLX")

    def test_relative_include(self):
        self.write("xlstm/base/a.cpp", '#include "error.h"\n')
        self.assert_one("xlstm/base/a.cpp", 1, "repository root")

    def test_own_header_first(self):
        self.write(
            "xlstm/base/error.cpp", '#include <string>\n#include "xlstm/base/error.h"\n'
        )
        self.assert_one("xlstm/base/error.cpp", 1, "own header")

    def test_unknown_folder(self):
        self.write("xlstm/utils/a.cpp", "int a;\n")
        self.assert_one("xlstm/utils/a.cpp", 1, "utils")

    def test_header_guard_and_names(self):
        self.write("xlstm/base/Bad.h", "#pragma once\n")
        self.assert_one("xlstm/base/Bad.h", 1, "snake_case")
        self.write("xlstm/base/Bad.h", "")
        self.assertEqual(len(self.faults()), 2)

    def test_inline_headers_of_highway_are_included_again(self):
        self.write("xlstm/kernels/x/x_dot-inl.h", "int a;\n")
        self.assertEqual(self.faults(), [])

    def test_length_needs_a_reason(self):
        self.write("xlstm/base/a.cpp", "int a;\n" + "\n" * 600)
        self.assert_one("xlstm/base/a.cpp", 600, "601 lines")
        self.write("xlstm/base/a.cpp", "// A table, long because Unicode is.\n" + "\n" * 600)
        self.assertEqual(self.faults(), [])
        self.write("tests/base/a_test.cpp", "\n" * 601)
        self.assert_one("tests/base/a_test.cpp", 600, "601 lines")


if __name__ == "__main__":
    unittest.main()
