#!/usr/bin/env python3
"""Tokens a second of Python's stream() beside those of the command line, in pairs.

    python_stream.py [--program build/release/bin/xlstm] [--model classics-8m] [--pairs 15] [--tokens 400]

Each pair runs both, one after the other and in turns first, so that what else the machine does meets both.
Rates are of decoding alone: tokens after the first, by the time from the first to the last. The command
line's are its own (--stats); Python's are measured around the iterator, the work of the loop included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time

from xlstm_metal import xLSTMRunner

PROMPT = "The old man looked at the sea, and"


def of_python(runner: xLSTMRunner, tokens: int) -> float:
    stream = runner.stream(PROMPT, max_tokens=tokens, temperature=0, stop_tokens=[])
    text = next(stream).text
    start, count = time.perf_counter(), 0
    for token in stream:
        text += token.text
        count += token.id is not None
    return count / (time.perf_counter() - start)


def of_program(program: str, model: str, tokens: int) -> float:
    line = [program, "generate", "--model", model, "--prompt", PROMPT, "--max-tokens", str(tokens)]
    options = ["--temperature", "0", "--ignore-eos", "--json"]
    done = subprocess.run([*line, *options], capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["statistics"]["decode_tokens_per_second"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="build/release/bin/xlstm")
    parser.add_argument("--model", default="classics-8m")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--tokens", type=int, default=400)
    options = parser.parse_args()
    runner = xLSTMRunner(options.model)
    of_python(runner, 50)
    ratios, rates = [], []
    for pair in range(options.pairs):
        calls = [
            lambda: of_python(runner, options.tokens),
            lambda: of_program(options.program, options.model, options.tokens),
        ]
        if pair % 2:
            program, python = calls[1](), calls[0]()
        else:
            python, program = calls[0](), calls[1]()
        ratios.append(python / program)
        rates.append((python, program))
        print(f"pair {pair + 1}: Python {python:.0f}, program {program:.0f} tokens/s, {ratios[-1]:.3f}")
    python, program = (statistics.median(rate[i] for rate in rates) for i in range(2))
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"median: Python {python:.0f}, program {program:.0f} tokens/s; ratio {middle:.3f} ({low:.3f} to {high:.3f})")


main()
