#!/usr/bin/env python3
"""Choosing tokens in Python: a processor that forbids a letter, and a sampler. custom_sampler.py [MODEL]"""

import sys

import numpy as np
import numpy.typing as npt

from xlstm_metal import xLSTMRunner

Floats = npt.NDArray[np.float32]
PROMPT = "The old man looked at the sea, and"

runner = xLSTMRunner(sys.argv[1] if len(sys.argv) > 1 else "classics-8m")
tokenizer = runner.tokenizer

# A processor gets the ids so far and the logits [V] of the next token, and changes them: -inf forbids.
has_letter = np.array([b"e" in tokenizer.token_bytes(id).lower() for id in range(runner.vocab_size)])


def without_e(tokens: npt.NDArray[np.int32], logits: Floats) -> None:
    logits[has_letter] = -np.inf


answer = runner.complete(PROMPT, max_tokens=30, temperature=0, logits_processors=[without_e])
print("without e:", answer.text)
assert "e" not in answer.text.lower()


# A sampler gets log-probabilities [V] and returns an id. This one draws where the model is unsure and takes
# the likeliest token where it is not.
class Careful:
    def __init__(self, seed: int, nats: float) -> None:
        self.random = np.random.default_rng(seed)
        self.nats = nats
        self.drawn = 0

    def __call__(self, logprobs: Floats) -> int:
        probabilities = np.exp(logprobs.astype(np.float64))
        surprise = -np.sum(probabilities * logprobs)
        if surprise < self.nats:
            return int(np.argmax(logprobs))
        self.drawn += 1
        return int(self.random.choice(len(probabilities), p=probabilities / probabilities.sum()))


sampler = Careful(seed=1, nats=4.0)
answer = runner.complete(PROMPT, max_tokens=30, sampler=sampler)
print("careful:", answer.text)
print(f"drew {sampler.drawn} of {len(answer.tokens)} tokens")
