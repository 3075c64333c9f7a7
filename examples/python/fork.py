#!/usr/bin/env python3
"""A state is a value: read a beginning once, and let it end in several ways. fork.py [MODEL]"""

import sys
import tempfile
from pathlib import Path

from xlstm_metal import xLSTMRunner

runner = xLSTMRunner(sys.argv[1] if len(sys.argv) > 1 else "classics-8m")

# Reading is the only thing that costs, and is done once. A state has the same size however much was read.
beginning = runner.complete("Once upon a time there was a poor man who had", max_tokens=0).state
assert beginning is not None
print(f"read {beginning.position} tokens; the state has {beginning.nbytes} bytes")

# Calls go on from a state and leave it as it is, so one beginning serves any number of them.
for ending in (" a daughter, and", " a ship, and", " an old debt, and"):
    answer = runner.complete(ending, state=beginning, max_tokens=24, temperature=0.7, seed=1)
    print(f"...{ending}{answer.text}")

# What went on is a state too; score() moves one on, so it gets a fork.
fork = beginning.fork()
print("likelihood of ' three sons':", round(float(fork.score(runner.tokenizer.encode(" three sons")).sum()), 2))
print(f"the fork has read {fork.position} tokens, the beginning still {beginning.position}")

# Files: written whole or not at all, and taken by the same model on any machine.
with tempfile.TemporaryDirectory() as folder:
    beginning.save(Path(folder) / "beginning.state")
    loaded = runner.new_state()
    loaded.load(Path(folder) / "beginning.state")
again = runner.complete(" a ship, and", state=loaded, max_tokens=24, temperature=0.7, seed=1)
print(f"from the file: ... a ship, and{again.text}")
