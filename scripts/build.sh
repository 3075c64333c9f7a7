#!/usr/bin/env bash
# Sets up, configures and builds one preset: scripts/build.sh PRESET [TARGET...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:?usage: scripts/build.sh PRESET [TARGET...]}
shift

scripts/setup.sh
. scripts/env.sh
# Configuring again is quick; its hundred lines matter only where it fails.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake_tool cmake --preset "$preset" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
grep -A3 -E 'CMake (Deprecation )?Warning' "$log" >&2 || true
targets=()
for target in "$@"; do targets+=(--target "$target"); done
# Progress belongs to whoever watches; standard output is the program's.
cmake_tool cmake --build --preset "$preset" ${targets[@]+"${targets[@]}"} >&2
