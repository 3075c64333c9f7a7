#!/usr/bin/env bash
# Makes this machine able to build the project: system packages (requirements/system.tsv), and wheels,
# pinned by version and hash, in a private .venv (MLX's library and its Python front end; what the Python
# package is built and tested with; for tests the Hugging Face hub's Python client). Where all is there it
# says nothing and takes a fraction of a second, so every build starts with it.
#
#   scripts/setup.sh           what a build and its tests need
#   scripts/setup.sh --tools   also clang, its fuzzer runtime, clang-format and an emulator
#   BACKEND=cuda13 scripts/setup.sh   also what the CUDA backend calls besides NVIDIA's driver; or cuda12
#   MLX_DIR=/path/share/cmake/MLX scripts/setup.sh    use that MLX: no wheel is fetched
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

tools=no
case "${1:-}" in
  "") ;;
  --tools) tools=yes ;;
  *) echo "usage: scripts/setup.sh [--tools]" >&2; exit 2 ;;
esac

say() { echo "setup: $*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
is_mac() { [ "$(uname -s)" = Darwin ]; }
is_x86_linux() { [ "$(uname -s) $(uname -m)" = "Linux x86_64" ]; }

# A Python that can make a virtual environment, and that MLX's wheels are for: 3.10 to 3.14. One of
# the PATH may come without ensurepip (Debian splits it off), so the system's own is tried as well.
find_python() {
  local candidate newest="3, 14"
  [ -z "${MLX_DIR:-}" ] || newest="4, 0"
  for candidate in ${PYTHON:-} python3 /usr/bin/python3 python3.12 python3.13 python3.14 python3.11 \
                   python3.10; do
    if "$candidate" -c "import sys, venv, ensurepip
sys.exit(not (3, 10) <= sys.version_info[:2] <= ($newest))" >/dev/null 2>&1; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# Whether C++ can be compiled for a Python. Debian splits its headers off; other Pythons have theirs or
# cannot be mended from here: the Python package is then not built.
has_python_headers() {
  "$1" -c "import os, sys, sysconfig
include = sysconfig.get_paths()['include']
sys.exit(sys.prefix == '/usr' and not os.path.exists(os.path.join(include, 'Python.h')))" 2>/dev/null
}

fuzzer_links() {
  echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' |
    "${CLANGXX:-clang++}" -fsanitize=fuzzer,address -x c++ - -o /dev/null >/dev/null 2>&1
}

# Whether what a row of the table asks for is here.
probe() {
  case "$1" in
    cmd:c++) "${CXX:-c++}" --version >/dev/null 2>&1 ;;
    cmd:clang-format) have clang-format || have clang-format-14 ;;
    cmd:*) have "${1#cmd:}" ;;
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    python) [ -n "$(find_python)" ] ;;
    python-headers) [ -n "${MLX_DIR:-}" ] || has_python_headers "$(find_python)" ;;
    fuzzer) is_mac || fuzzer_links ;;
    emulator) ! is_x86_linux || have qemu-x86_64 || have qemu-x86_64-static ;;
    *) say "requirements/system.tsv: unknown probe '$1'"; exit 1 ;;
  esac
}

# Prints the packages, by the names of package manager column $1 (apt or brew), of what is missing.
missing_packages() {
  local when what apt brew purpose names
  grep -v '^#' requirements/system.tsv | while IFS=$'\t' read -r when what apt brew purpose; do
    [ "$when" = always ] || [ "$tools" = yes ] || continue
    probe "$what" && continue
    names=$apt
    [ "$1" = brew ] && names=$brew
    [ "$names" = - ] && names="($purpose)"
    echo "$names"
  done
}

# What to do by hand, then the end.
give_up() {
  say "$1"
  say "missing here, by their names in Debian and Ubuntu:"
  say "  $(missing_packages apt | sort -u | tr '\n' ' ')"
  say "in Homebrew:"
  say "  $(missing_packages brew | sort -u | tr '\n' ' ')"
  say "install them with your package manager, then run the same command again"
  exit 1
}

# Runs a command as root, asking for a password only where somebody can type one.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

install_with_apt() {
  [ "$(id -u)" -eq 0 ] || have sudo || give_up "neither root nor sudo: cannot install packages"
  say "installing: $*"
  # A repository that has nothing to do with us may be down; what counts is whether the packages come.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >&2 ||
    say "apt-get update failed; trying with the lists that are there"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@" >&2 ||
    give_up "apt-get could not install all packages"
}

install_with_brew() {
  say "installing: $*"
  brew install "$@" >&2 || give_up "brew could not install all packages"
}

install_system_packages() {
  local manager names
  if have apt-get; then manager=apt; elif have brew; then manager=brew; else manager=none; fi
  names=$(missing_packages "$manager" | sort -u | tr '\n' ' ')
  [ -n "$names" ] || return 0
  case "$names" in
    *"("*) give_up "some of what is missing does not come from a package manager" ;;
  esac
  # shellcheck disable=SC2086
  case "$manager" in
    apt) install_with_apt $names ;;
    brew) install_with_brew $names ;;
    none) give_up "found neither apt-get nor brew" ;;
  esac
  hash -r
  [ -z "$(missing_packages "$manager")" ] || give_up "installed, and yet not found"
}

# Ubuntu 22.04's default compiler is g++ 11; its g++ 12 is a package beside it.
install_newer_compiler() {
  [ -n "${CXX:-}" ] && return 0
  [ -n "$(find_compiler)" ] && return 0
  if have apt-get; then install_with_apt g++-12; fi
  [ -n "$(find_compiler)" ] || give_up "wanted g++ 12 or clang 14 or newer, got $(c++ --version | head -1)"
}

# Prints the requirement files of the wheels that this machine needs.
wanted_wheels() {
  if [ -z "${MLX_DIR:-}" ]; then
    if is_mac; then echo requirements/mlx-macos.txt; else echo requirements/mlx-linux.txt; fi
    printf 'requirements/%s.txt\n' mlx-python python-build python-tests huggingface-hub
  fi
  if ! cmake_is_new_enough; then
    if is_mac; then
      give_up "wanted CMake 3.25 or newer, got $(cmake --version | head -1)"
    fi
    echo requirements/cmake-linux.txt
  fi
}

# What .venv holds where it holds the wheels of files $1; its Python may have been replaced by another
# version, which does not find them.
stamp_of() {
  # shellcheck disable=SC2086
  echo "$(cat $1 | cksum) $(.venv/bin/python -V 2>&1)"
}

# Makes .venv anew unless it already holds exactly these wheels.
install_wheels() {
  local files python args file
  files=$(wanted_wheels)
  [ -n "$files" ] || return 0
  if [ -f .venv/wheels ] && [ "$(cat .venv/wheels)" = "$(stamp_of "$files")" ]; then return 0; fi
  python=$(find_python)
  say "making .venv with $("$python" --version 2>&1) and ${files//$'\n'/ }"
  rm -rf .venv
  "$python" -m venv .venv
  args=()
  for file in $files; do args+=(-r "$file"); done
  if ! .venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps \
      --only-binary :all: "${args[@]}" >&2; then
    say "could not install the pinned wheels (they are for Linux x86_64 and aarch64 with glibc"
    say "2.35 or newer, and for Apple Silicon with macOS 14 or newer)"
    say "to use an MLX of your own: MLX_DIR=/folder/of/MLXConfig.cmake and the same command again"
    exit 1
  fi
  stamp_of "$files" > .venv/wheels
}

# Adds NVIDIA's libraries to .venv, once for each choice; the program finds them there.
install_cuda() {
  local file=requirements/$BACKEND.txt stamp
  stamp=$(cksum "$file")
  if [ -f .venv/cuda ] && [ "$(cat .venv/cuda)" = "$stamp" ]; then return 0; fi
  say "installing NVIDIA's libraries into .venv: $(sed -n 's/^\([a-z0-9-]*==[0-9.]*\).*/\1/p' "$file" | tr '\n' ' ')"
  [ -x .venv/bin/python ] || "$(find_python)" -m venv .venv
  .venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps \
    --only-binary :all: -r "$file" >&2 || { say "could not install $file"; exit 1; }
  echo "$stamp" > .venv/cuda
}

case "${BACKEND:-}" in
  "") ;;
  cuda12 | cuda13)
    [ "$(uname -s)" = Linux ] || { say "BACKEND=$BACKEND: CUDA is for Linux, this is $(uname -s)"; exit 2; } ;;
  *) say "BACKEND: wanted cuda12 or cuda13, got '$BACKEND'"; exit 2 ;;
esac
if [ -n "${MLX_DIR:-}" ] && [ ! -f "$MLX_DIR/MLXConfig.cmake" ]; then
  say "MLX_DIR: wanted a folder with MLXConfig.cmake, got '$MLX_DIR'"
  exit 1
fi
install_system_packages
install_newer_compiler
. scripts/env.sh
install_wheels
[ -z "${BACKEND:-}" ] || install_cuda
