#!/usr/bin/env python3
"""packaging/homebrew/xlstm.rb and .github/workflows/ci.yml say what the rest of the repository says."""

import json
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORMULA = ROOT / "packaging/homebrew/xlstm.rb"
WORKFLOW = ROOT / ".github/workflows/ci.yml"
# Rows of requirements/system.tsv that an installation from a formula does without, or has by itself.
NOT_OF_A_FORMULA = {"-", "ccache", "google-benchmark", "googletest", "python@3.12"}


def pythons():
    """This one, and that of set-up, which has a parser of YAML."""
    return [sys.executable, *map(str, (ROOT / ".venv/bin").glob("python"))]


class FormulaTest(unittest.TestCase):
    def setUp(self):
        self.formula = FORMULA.read_text(encoding="utf-8")

    def test_the_wheels_are_those_of_set_up(self):
        text = (ROOT / "requirements/mlx-macos.txt").read_text(encoding="utf-8")
        (version,) = re.findall(r"^mlx-metal==(\S+)", text, re.M)
        wheels = re.findall(r'url "(\S+)"\n\s+sha256 "([0-9a-f]{64})"', self.formula)
        self.assertEqual({digest for _, digest in wheels}, set(re.findall(r"sha256:([0-9a-f]{64})", text)))
        for url, _ in wheels:
            self.assertRegex(url, rf"/mlx_metal-{re.escape(version)}-py3-none-macosx_(14|15|26)_0_arm64\.whl$")
        self.assertEqual(len({url for url, _ in wheels}), 3)

    def test_the_packages_are_those_of_set_up(self):
        table = (ROOT / "requirements/system.tsv").read_text(encoding="utf-8")
        wanted = {row.split("\t")[3] for row in table.splitlines() if row.startswith("always\t")}
        named = set(re.findall(r'^\s+(?:depends_on|uses_from_macos) "([^"]+)"', self.formula, re.M))
        self.assertEqual(named, wanted - NOT_OF_A_FORMULA)

    def test_ruby_reads_it(self):
        ruby = shutil.which("ruby")
        if ruby is None:
            print("left out: the formula's syntax (no ruby)")
            return
        done = subprocess.run([ruby, "-c", FORMULA], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_options_of_the_build_exist(self):
        cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        for option in re.findall(r"-D(XLSTM_\w+)=", self.formula):
            self.assertIn(f"option({option} ", cmake)


class WorkflowTest(unittest.TestCase):
    def test_it_is_yaml_and_runs_the_two_commands_everywhere(self):
        code = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)['jobs']))"
        for python in pythons():
            done = subprocess.run(
                [python, "-c", code],
                input=WORKFLOW.read_text(encoding="utf-8"),
                capture_output=True,
                text=True,
                check=False,
            )
            if "No module named 'yaml'" not in done.stderr:
                break
        else:
            print("left out: the workflow's syntax (no parser of YAML)")
            return
        self.assertEqual(done.returncode, 0, done.stderr)
        job = json.loads(done.stdout)["two-commands"]
        commands = [step.get("run") for step in job["steps"]]
        self.assertIn("make run", commands)
        self.assertIn("make test", commands)
        systems = [each["os"] for each in job["strategy"]["matrix"]["include"]]
        for prefix in ("macos-", "ubuntu-"):
            self.assertTrue([name for name in systems if name.startswith(prefix)], prefix)
        self.assertTrue([name for name in systems if name.endswith("-arm")])


if __name__ == "__main__":
    unittest.main()
