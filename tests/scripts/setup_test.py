#!/usr/bin/env python3
"""scripts/setup.sh on machines that lack things: what it installs, and what it says where it cannot.

The machine is made up: a PATH with a few real tools and pretended cmake, pkg-config, apt-get, brew,
sudo, id and uname, and a python3 whose virtual environments write down what is installed in them.
Most tests leave wheels out by MLX_DIR; the repository is a copy of what the script reads.
"""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REAL_TOOLS = "bash cat chmod cksum cp cut dirname env grep head make mkdir rm sed sort tr".split()
PRETENDED = {
    "c++": 'case "$1" in -dumpversion) echo 12 ;; *) echo "c++ 12" ;; esac',
    "cmake": 'echo "cmake version 3.28.1"',
    "ninja": "exit 0",
    "ccache": "exit 0",
    "python3": "exit 0",
    "id": "echo ${FAKE_UID:-0}",
    "uname": "echo ${FAKE_SYSTEM:-Linux}",
    # All modules are there but those that the file `missing` names.
    "pkg-config": '! grep -qx "$2" "$FAKE/missing"',
}
# Makes virtual environments with itself as their Python, and is as old as the file `version` says.
PYTHON = r'''#!/usr/bin/env bash
version=$(cat "$FAKE/version")
case "$*" in
  -V | --version) echo "Python 3.$version" ;;
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo "venv" >> "$FAKE/log" ;;
  "-m pip "*) echo "pip $*" >> "$FAKE/log" ;;
  "-c import os, sys, sysconfig"*) [ ! -e "$FAKE/headerless" ] ;;
  "-c import sys, venv, ensurepip"*"<= (3, 14))") [ "$version" -ge 10 ] && [ "$version" -le 14 ] ;;
  *) echo "unexpected: $*" >> "$FAKE/log"; exit 1 ;;
esac
'''
# Writes down what it was asked, and what was missing is there; `broken` makes it fail.
MANAGER = 'echo "$(basename_of "$0") $*" >> "$FAKE/log"\n[ ! -e "$FAKE/broken" ] || exit 100\n'
INSTALLER = (
    "#!/usr/bin/env bash\nbasename_of() { echo \"${1##*/}\"; }\n"
    + MANAGER
    + 'case " $* " in *" install "*) : > "$FAKE/missing" ;; esac\n'
)


class SetupTest(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.TemporaryDirectory()
        self.fake = Path(self.tree.name)
        self.bin = self.fake / "bin"
        self.bin.mkdir()
        for tool in REAL_TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        for name, text in PRETENDED.items():
            self.pretend(name, "#!/usr/bin/env bash\n" + text + "\n")
        (self.fake / "missing").write_text("")
        for folder in ("scripts", "requirements"):
            shutil.copytree(ROOT / folder, self.fake / "repository" / folder)
        self.mlx = self.fake / "mlx"
        self.mlx.mkdir()
        (self.mlx / "MLXConfig.cmake").write_text("")

    def tearDown(self):
        self.tree.cleanup()

    def pretend(self, name, text):
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def lack(self, *modules):
        (self.fake / "missing").write_text("".join(name + "\n" for name in modules))

    def setup(self, **extra):
        environment = {"PATH": str(self.bin), "FAKE": str(self.fake), "MLX_DIR": str(self.mlx)}
        return subprocess.run(
            [shutil.which("bash"), str(self.fake / "repository/scripts/setup.sh")],
            env={**environment, **extra},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def log(self):
        path = self.fake / "log"
        return path.read_text().splitlines() if path.exists() else []

    def test_nothing_missing_asks_no_package_manager_and_says_nothing(self):
        self.pretend("apt-get", INSTALLER)
        done = self.setup()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(self.log(), [])

    def test_apt_installs_only_what_is_missing(self):
        self.pretend("apt-get", INSTALLER)
        self.lack("libhwy", "gmock")
        done = self.setup()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            self.log(),
            [
                "apt-get -q update",
                "apt-get -q install -y --no-install-recommends libgmock-dev libhwy-dev",
            ],
        )

    def test_apt_goes_through_sudo_for_an_ordinary_user(self):
        self.pretend("apt-get", INSTALLER)
        self.pretend("sudo", '#!/usr/bin/env bash\necho "sudo $*" >> "$FAKE/log"\nshift\nexec "$@"\n')
        self.lack("CLI11")
        done = self.setup(FAKE_UID="1000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            self.log()[0], "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get -q update"
        )
        self.assertIn("apt-get -q install -y --no-install-recommends libcli11-dev", self.log())

    def test_brew_on_a_mac(self):
        self.pretend("brew", INSTALLER)
        self.lack("libutf8proc")
        done = self.setup(FAKE_SYSTEM="Darwin")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.log(), ["brew install utf8proc"])

    def test_nvidia_libraries_come_once_where_they_are_asked_for(self):
        (self.fake / "version").write_text("11")
        self.pretend("python3", PYTHON)
        for _ in range(2):
            done = self.setup(MLX_DIR="", BACKEND="cuda13")
            self.assertEqual(done.returncode, 0, done.stderr)
        venv, _, cuda = self.log()  # between them the wheels that all builds need
        self.assertEqual(venv, "venv")
        self.assertRegex(cuda, r"^pip .* --require-hashes .* -r requirements/cuda13.txt$")
        self.setup(MLX_DIR="", BACKEND="cuda12")
        self.assertIn("requirements/cuda12.txt", self.log()[-1])

    def test_backends_that_are_none_are_refused(self):
        for extra in ({"BACKEND": "cuda11"}, {"BACKEND": "cuda13", "FAKE_SYSTEM": "Darwin"}):
            done = self.setup(**extra)
            self.assertEqual(done.returncode, 2)
            self.assertIn("BACKEND", done.stderr)
        self.assertEqual(self.log(), [])

    def assert_gives_up(self, done, *words):
        self.assertEqual(done.returncode, 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_ordinary_user_without_sudo(self):
        self.pretend("apt-get", INSTALLER)
        self.lack("libhwy")
        self.assert_gives_up(self.setup(FAKE_UID="1000"), "neither root nor sudo", "libhwy-dev")
        self.assertEqual(self.log(), [])

    def test_no_package_manager(self):
        self.lack("libhwy", "CLI11")
        self.assert_gives_up(
            self.setup(), "neither apt-get nor brew", "libcli11-dev libhwy-dev", "cli11 highway"
        )

    def test_apt_that_fails(self):
        self.pretend("apt-get", INSTALLER)
        (self.fake / "broken").write_text("")
        self.lack("libhwy")
        self.assert_gives_up(self.setup(), "apt-get could not install", "libhwy-dev")

    def test_package_that_does_not_help(self):
        self.pretend("apt-get", INSTALLER.replace(': > "$FAKE/missing"', ":"))
        self.lack("libhwy")
        self.assert_gives_up(self.setup(), "installed, and yet not found", "libhwy-dev")

    def test_compiler_that_is_too_old_gets_a_newer_beside_it(self):
        old = PRETENDED["c++"].replace("12", "11")
        self.pretend("c++", "#!/usr/bin/env bash\n" + old + "\n")
        new = f'printf "#!/usr/bin/env bash\\necho 12\\n" > {self.bin}/g++-12; chmod +x {self.bin}/g++-12'
        self.pretend("apt-get", INSTALLER + new + "\n")
        done = self.setup()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("apt-get -q install -y --no-install-recommends g++-12", self.log())

    def setup_wheels(self, version=12):
        self.pretend("python3", PYTHON)
        (self.fake / "version").write_text(str(version))
        (self.fake / "log").write_text("")
        done = self.setup(MLX_DIR="", PYTHON=str(self.bin / "python3"))
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.log()

    def test_mlx_and_its_python_front_end_by_their_hashes_once(self):
        made, pip = self.setup_wheels()
        self.assertEqual(made, "venv")
        for part in ("--require-hashes", "--no-deps", "mlx-linux", "mlx-python", "python-build",
                     "python-tests", "huggingface-hub"):
            self.assertIn(part, pip)
        self.assertEqual(self.setup_wheels(), [])

    def test_headers_of_the_systems_python_where_they_are_missing(self):
        self.pretend("apt-get", INSTALLER + 'rm -f "$FAKE/headerless"\n')
        (self.fake / "headerless").write_text("")
        log = self.setup_wheels()
        self.assertIn("apt-get -q install -y --no-install-recommends python3-dev", log)

    def test_wheels_are_renewed_with_their_pins_and_with_python(self):
        self.assertEqual(len(self.setup_wheels()), 2)
        pins = self.fake / "repository/requirements/mlx-python.txt"
        pins.write_text(pins.read_text().replace("0.32.4", "0.32.5"))
        self.assertEqual(len(self.setup_wheels()), 2)
        self.assertEqual(self.setup_wheels(), [])
        self.assertEqual(len(self.setup_wheels(version=13)), 2)
        self.assertEqual(self.setup_wheels(version=13), [])

    def test_front_end_and_library_are_of_one_version_for_every_python_and_platform(self):
        versions = set()
        for name in ("mlx-linux", "mlx-macos", "mlx-python"):
            text = (ROOT / f"requirements/{name}.txt").read_text()
            versions |= set(re.findall(r"^mlx[a-z-]*==([0-9.]+) ", text, re.M))
        self.assertEqual(len(versions), 1, versions)
        # Five versions of Python on two kinds of Linux and three of macOS.
        self.assertEqual(len(set(re.findall(r"sha256:[0-9a-f]{64}", text))), 25)

    def test_pins_of_the_package_are_those_of_the_set_up(self):
        package = (ROOT / "pyproject.toml").read_text()
        pinned = {}
        for name in ("mlx-linux", "mlx-macos", "mlx-python", "python-build"):
            text = (ROOT / f"requirements/{name}.txt").read_text()
            pinned.update(re.findall(r"^([a-z-]+)==([0-9.]+) ", text, re.M))
        for name in ("scikit-build-core", "nanobind", "mlx-cpu", "mlx-metal", "mlx"):
            found = set(re.findall(rf'"{name}(?:\[cpu\])?==([0-9.]+)', package))
            self.assertEqual(found, {pinned[name]}, name)

    def test_every_package_of_the_hubs_client_has_its_hashes(self):
        text = (ROOT / "requirements/huggingface-hub.txt").read_text()
        hashes = {}
        for line in text.splitlines():
            if pin := re.match(r"([a-z0-9-]+)==", line):
                name = hashes.setdefault(pin[1], set())
            elif digest := re.search(r"sha256:[0-9a-f]{64}", line):
                name.add(digest[0])
        # Only PyYAML has machine code: five versions of Python, two kinds of Linux and macOS.
        self.assertEqual({name: len(found) for name, found in hashes.items()},
                         {name: 15 if name == "pyyaml" else 1 for name in hashes})
        self.assertIn("huggingface-hub", hashes)

    def test_mlx_dir_without_mlx(self):
        done = self.setup(MLX_DIR=str(self.fake))
        self.assert_gives_up(done, "MLXConfig.cmake", str(self.fake))


if __name__ == "__main__":
    unittest.main()
