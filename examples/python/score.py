#!/usr/bin/env python3
"""How likely texts are: continuations ranked, and the perplexity of a text. score.py [MODEL]"""

import sys

from xlstm_metal import xLSTMRunner

PROMPT = "Alice had been a very good"
CONTINUATIONS = (" little girl", " philosopher", " steam engine")

runner = xLSTMRunner(sys.argv[1] if len(sys.argv) > 1 else "classics-8m")

# The prompt is read once; each continuation is scored on a fork of what it left.
read = runner.complete(PROMPT, max_tokens=0).state
scores = {text: float(runner.score(runner.tokenizer.encode(text), read).sum()) for text in CONTINUATIONS}
for text, score in sorted(scores.items(), key=lambda item: -item[1]):
    print(f"log-probability {score:.2f}:{text}")
print(f"likeliest:{max(scores, key=lambda text: scores[text])}")

# Whole texts, read side by side.
texts = ["She had been there before, and knew the way.", "Way the knew and, before there been had she."]
for text, nats in zip(texts, runner.score_batch(texts)):
    print(f"{-nats.mean():.2f} nats a token: {text}")
print(f"perplexity {runner.perplexity(texts[0]):.1f}")
