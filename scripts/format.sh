#!/usr/bin/env bash
# Formats every C++, CUDA and Metal file of the repository; with --check only says which would change.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Versions of clang-format disagree in details: 14 is the one that counts.
tool=${CLANG_FORMAT:-}
for candidate in clang-format-14 clang-format; do
  [ -n "$tool" ] || { command -v "$candidate" >/dev/null 2>&1 && tool=$candidate; }
done
[ -n "$tool" ] || { echo "format: clang-format not found (scripts/setup.sh --tools)" >&2; exit 1; }
case "$("$tool" --version)" in
  *"version 14."*) ;;
  *) echo "format: note: $("$tool" --version); the project's files are formatted with 14" >&2 ;;
esac

files() { git ls-files -z -- '*.h' '*.cpp' '*.cuh' '*.cu' '*.metal'; }
if [ "${1:-}" = --check ]; then
  files | xargs -0 -r "$tool" --dry-run --Werror
  echo "format: $(files | tr -dc '\0' | wc -c | tr -d ' ') files are formatted" >&2
else
  files | xargs -0 -r "$tool" -i
fi
