#!/usr/bin/env python3
"""scripts/check_layers.py on small trees, each with one thing wrong."""

import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
sys.dont_write_bytecode = True
import check_layers  # noqa: E402


class CheckLayersTest(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.TemporaryDirectory()
        self.root = Path(self.tree.name)
        self.write(
            "xlstm/folders.txt",
            "# folder level MLX may include\n"
            "base 0 no\nkernels 1 no base\nweights 1 no base\ntext 1 no base\n"
            "wiring 2 no base weights\nops 2 yes base kernels\nmodel 3 yes base wiring ops\n"
            "engine 4 yes base kernels weights text wiring ops model\n",
        )
        self.write("docs/architecture.md", "| 0 | `base` | errors | - | no |\n")
        self.write("xlstm/base/error.h", "#pragma once\n")

    def tearDown(self):
        self.tree.cleanup()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def faults(self):
        """All but those of the page, which only the tests of the page write."""
        return [fault for fault in self.all_faults() if fault[0] != "docs/architecture.md"]

    def all_faults(self):
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

    def test_past_the_table(self):
        self.write("xlstm/model/a.cpp", '#include "xlstm/kernels/x/x.h"\n')
        self.assert_one("xlstm/model/a.cpp", 1, "past the table")

    def test_the_table_points_down(self):
        self.write("xlstm/folders.txt", "base 0 no\ntext 1 no base\nweights 1 no base text\n")
        self.assert_one("xlstm/folders.txt", 3, "sideways: text")
        self.write("xlstm/folders.txt", "base 0 no\ntext 1 no base wiring\nwiring 2 no base\n")
        self.assert_one("xlstm/folders.txt", 2, "no line above")
        self.write("xlstm/folders.txt", "base 0 no\ntext one no base\n")
        self.assert_one("xlstm/folders.txt", 2, "folder level")

    def test_the_page_says_what_the_table_says(self):
        page = "docs/architecture.md"
        self.assertEqual(self.all_faults(), [])
        self.write("xlstm/ops/a.h", "#pragma once\n")
        self.assertIn("ops is missing", self.all_faults()[0][2])
        self.write("xlstm/kernels/x/x.h", "#pragma once\n")
        right = (
            "| 0 | `base` | errors | - | no |\n| 1 | `kernels` | products | base | no |\n"
            "| 2 | `ops` | arrays | all below | yes |\n"
        )
        self.write(page, right)
        self.assertEqual(self.all_faults(), [])
        self.write(page, right.replace("all below", "kernels"))
        self.assertEqual([fault[:2] for fault in self.all_faults()], [(page, 3)])
        self.write(page, right.replace("yes", "no"))
        self.assertEqual([fault[:2] for fault in self.all_faults()], [(page, 3)])
        self.write(page, right + "| 5 | `serve` | requests | base | no |\n")
        self.assertIn("no folder serve", self.all_faults()[0][2])

    def test_nothing_asks_for_its_device(self):
        self.write("xlstm/text/a.cpp", "\nbool b = run_on_cpu(), c = ops::on_cpu();\n")
        self.assertIn((("xlstm/text/a.cpp", 2, "a backend knows its device: no on_cpu")), self.faults())

    def test_thread_local(self):
        text = "// thread_local\nvoid f() {\n  thread_local int a = 0;\n}\n"
        self.write("xlstm/text/a.cpp", text)
        self.assert_one("xlstm/text/a.cpp", 3, "thread_local")
        with mock.patch.dict(check_layers.MAY_BE_THREAD_LOCAL, {"xlstm/text/a.cpp": "a reason"}):
            self.assertEqual(self.faults(), [])

    def assert_state(self, text, *lines):
        self.write("xlstm/text/a.cpp", text)
        faults = self.faults()
        self.assertEqual([line for _, line, _ in faults], list(lines), faults)
        self.assertTrue(all("state of its own" in what for _, _, what in faults), faults)

    def test_variables_of_a_namespace(self):
        self.assert_state("int a;\n\nnamespace n {\nnamespace {\nstd::atomic<int> b{0};\n}\n}\n", 1, 5)
        self.assert_state("std::function<void(int)> f = [](int) {};\nT g[3] = {};\nstruct stat s;\n", 1, 2, 3)
        self.assert_state('const char* a = "{";\nextern int b;\ninline T c{};\nvoid f() {}\nint* d;\n', 1, 2, 3, 5)

    def test_static_members_and_locals(self):
        self.assert_state("struct S {\n  static int a;\n  int b;\n  static int f(int c);\n};\n", 2)
        self.assert_state("void f() {\n  if (x) {\n    static T a(1);\n  }\n}\n", 3)
        self.assert_state("T& f() {\n  static T& a = *new T;\n  return a;\n}\n", 2)
        self.assert_state("inline static T a = [] { static int b; return b; }();\n", 1, 1)

    def test_what_is_no_state(self):
        self.assert_state(
            "// int a;\n#define A int a;\n/* int b; */\nconstexpr int kC = 20'000;\nstatic const T kD[] = {1};\n"
            "const char* const kE = \"int e; {\";\nconstexpr char kF = '{';\nconst auto kR = R\"(int a; {)\";\n"
            "using T = int;\nclass C;\nclass D final : public n::C {\n  int a = 1;\n  mutable int b;\n};\n"
            "template <class T = int, int N = (3 > 2)>\nstruct E<T> : T {};\nenum class F : int { kA, kB };\n"
            "template <typename T>\ninline constexpr bool kG = true;\nT f(int a = 1);\nT operator<(T a, T b);\n"
            "D::D() : a_{1}, b_{2} {\n  int c = 1;\n  for (int i = 0; i < 2; ++i) g(i);\n}\n"
            "void g() {\n  static const std::map<int, int> kH = {{1, 2}};\n  static constexpr int kI = 1;\n"
            "  auto x = static_cast<int>(y);\n}\nextern \"C\" {\nint h(int);\n}\n[[nodiscard]] int i() noexcept;\n"
        )

    def test_a_file_may_have_a_reason(self):
        self.write("xlstm/text/a.cpp", "int a;\n")
        self.assertEqual(len(self.faults()), 1)
        with mock.patch.dict(check_layers.MAY_HAVE_STATE, {"xlstm/text/a.cpp": "a reason"}):
            self.assertEqual(self.faults(), [])

    def test_commented_includes_do_not_count(self):
        self.write(
            "xlstm/base/a.cpp",
            '// #include "xlstm/ops/ops.h"\n/*\n#include "xlstm/ops/ops.h"\n*/\n'
            'const char* const kUrl = "//";\n#include "xlstm/ops/ops.h"\n',
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
        self.write("xlstm/utils/a.cpp", "int a();\n")
        self.assert_one("xlstm/utils/a.cpp", 1, "utils")

    def test_header_guard_and_names(self):
        self.write("xlstm/base/Bad.h", "#pragma once\n")
        self.assert_one("xlstm/base/Bad.h", 1, "snake_case")
        self.write("xlstm/base/Bad.h", "")
        self.assertEqual(len(self.faults()), 2)

    def test_inline_headers_of_highway_are_included_again(self):
        self.write("xlstm/kernels/x/x_dot-inl.h", "int a();\n")
        self.assertEqual(self.faults(), [])

    def test_names_of_tests(self):
        self.write("tests/base/a_test.cpp", "TEST(Config, NumbersOutOfRange) {\n}\n\nTEST_F(A, B2) {\n}\n")
        self.assertEqual(self.faults(), [])
        self.write("tests/base/a_test.cpp", "TEST(Config, NumbersOutOfRange) {\n}\n\nTEST_F(A,\n b_c) {\n}\n")
        self.assert_one("tests/base/a_test.cpp", 4, "A.b_c")

    def test_length_needs_a_reason(self):
        self.write("xlstm/base/a.cpp", "int a();\n" + "\n" * 600)
        self.assert_one("xlstm/base/a.cpp", 600, "601 lines")
        self.write("xlstm/base/a.cpp", "// A table, long because Unicode is.\n" + "\n" * 600)
        self.assertEqual(self.faults(), [])
        self.write("tests/base/a_test.cpp", "\n" * 601)
        self.assert_one("tests/base/a_test.cpp", 600, "601 lines")


if __name__ == "__main__":
    unittest.main()
