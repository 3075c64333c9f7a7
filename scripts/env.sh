# shellcheck shell=bash
# Sourced, in the root of the repository, by the other scripts: what this checkout's build runs with.

# Prints the compiler to use, or nothing where there is none that does.
find_compiler() {
  local candidate major
  for candidate in c++ g++-14 g++-13 g++-12 clang++ clang++-18 clang++-15; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    major=$("$candidate" -dumpversion 2>/dev/null | cut -d. -f1)
    if "$candidate" --version 2>/dev/null | grep -q clang; then
      [ "${major:-0}" -ge 14 ] || continue
    else
      [ "${major:-0}" -ge 12 ] || continue
    fi
    echo "$candidate"
    return 0
  done
  return 1
}

# The CMake to use: the one that setup.sh put into .venv where the system's is too old.
cmake_tool() {
  local name=$1
  shift
  if [ -x ".venv/bin/$name" ]; then ".venv/bin/$name" "$@"; else "$name" "$@"; fi
}

# Whether the system's cmake is 3.25 or newer.
cmake_is_new_enough() {
  local version
  version=$(cmake --version 2>/dev/null | sed -n '1s/[^0-9]*\([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
  [ -n "$version" ] || return 1
  # shellcheck disable=SC2086
  set -- $version
  [ "$1" -gt 3 ] || { [ "$1" -eq 3 ] && [ "$2" -ge 25 ]; }
}

# Where the default compiler is too old a newer one is chosen, unless CXX says what to take.
if [ -z "${CXX:-}" ]; then
  chosen=$(find_compiler || true)
  # The default compiler is CMake's choice as well: only a departure from it needs saying.
  if [ -n "$chosen" ] && [ "$chosen" != c++ ]; then
    CXX=$chosen
    export CXX
  fi
  unset chosen
fi
