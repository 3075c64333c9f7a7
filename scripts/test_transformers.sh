#!/usr/bin/env bash
# Runs the tests of the Python package beside PyTorch, transformers and the evaluation harness:
#
#   scripts/test_transformers.sh [PYTEST OPTION...]
#
# These are pinned in requirements/transformers.txt and go into .venv-transformers, made the first time
# (some 2 GB to download on Linux, where PyTorch's wheel on PyPI is the one for CUDA; 4.7 GB on the disk).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=.venv-transformers
requirements=requirements/transformers.txt

say() { echo "test-transformers: $*" >&2; }

scripts/build.sh release xlstm_python
# The module is for the Python that it was built with.
python=.venv/bin/python
if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'; then
  say "wanted Python 3.11 to 3.14, which PyTorch's wheel is for, got $("$python" -V 2>&1)"
  exit 1
fi
stamp="$(cksum < "$requirements") $("$python" -V)"
if [ "$(cat "$venv/wheels" 2>/dev/null)" != "$stamp" ]; then
  say "making $venv with $requirements"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  # No dependencies: the file has what is imported, and leaves out what a machine without a GPU does not load.
  "$venv/bin/python" -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps \
    --only-binary :all: -r "$requirements"
  echo "$stamp" > "$venv/wheels"
fi
# Safe path: the folder xlstm/ here would be taken for the package of that name, which transformers asks for.
export PYTHONSAFEPATH=1 PYTHONPATH="$PWD/build/release/python"
"$venv/bin/python" -B -m pytest -c pyproject.toml tests/transformers "$@"
