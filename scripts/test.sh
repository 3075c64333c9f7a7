#!/usr/bin/env bash
# Builds one preset and runs its tests: scripts/test.sh [PRESET] [CTEST OPTION...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
[ $# -eq 0 ] || shift

scripts/build.sh "$preset"
. scripts/env.sh
cmake_tool ctest --preset "$preset" "$@"
