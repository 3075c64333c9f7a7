"""``python -m xlstm_metal``."""

import sys

from .cli import main

sys.exit(main())
