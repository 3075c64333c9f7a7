#!/usr/bin/env python3
"""Several answers to one prompt, computed together; the likeliest goes on. best_of_n.py [MODEL]"""

import sys

from xlstm_metal import Completion, xLSTMRunner

PROMPT = "The captain looked at the sea, and"

runner = xLSTMRunner(sys.argv[1] if len(sys.argv) > 1 else "classics-8m")
read = runner.complete(PROMPT, max_tokens=0).state
assert read is not None

# The prompt is read already: each row goes on from its state. The weights are read once a step for all.
answers = runner.complete_batch(
    [[]] * 5,
    states=read,
    seed=range(1, 6),
    max_tokens=20,
    temperature=0.8,
    top_log_probabilities=0,  # the chosen tokens', no others
    keep_states=True,
)


def likelihood(answer: Completion) -> float:
    """Of a token, on average; of the model's own logits, whatever the temperature was."""
    return sum(answer.log_probabilities) / len(answer.log_probabilities)


answers.sort(key=likelihood, reverse=True)
for answer in answers:
    print(f"{likelihood(answer):6.2f} {answer.text!r}")

best = answers[0]
rest = runner.complete([], state=best.state, max_tokens=30, temperature=0.8, seed=1)
print(f"the best goes on: {PROMPT}{best.text}{rest.text}")
