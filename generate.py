#!/usr/bin/env python3
"""Continues a prompt: ``python generate.py --prompt "It was a dark and"``; ``--help`` says the rest.

The same as ``python -m xlstm_metal generate``, with the installed package or else the one of a build here.
"""

import sys
from pathlib import Path

try:
    from xlstm_metal.cli import main
except ModuleNotFoundError:
    sys.path[:0] = [str(built) for built in sorted(Path(__file__).parent.glob("build/*/python"))]
    try:
        from xlstm_metal.cli import main
    except ImportError as error:
        sys.exit(f"generate.py: wanted the package xlstm_metal ('pip install .' here), got: {error}")

if __name__ == "__main__":
    sys.exit(main(["generate", *sys.argv[1:]]))
