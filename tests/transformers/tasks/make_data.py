#!/usr/bin/env python3
"""Makes the data of these tasks of the books in tests/data/books, of which the models have seen nothing.

    tests/transformers/tasks/make_data.py      writes choice.jsonl, fewshot.jsonl and texts.jsonl here
"""

import json
import pathlib
import random

HERE = pathlib.Path(__file__).resolve().parent
BOOKS = HERE.parents[1] / "data" / "books"


def paragraphs(book: str, words: int) -> list[str]:
    """Paragraphs of `book` that have at least `words` words, on a line each."""
    texts = (BOOKS / book).read_text(encoding="utf-8").split("\n\n")
    joined = [" ".join(text.split()) for text in texts]
    return [text for text in joined if len(text.split()) >= words]


def choices(book: str, count: int, draw: random.Random) -> list[dict[str, object]]:
    """A passage, how it goes on, and three wrong ways: of different lengths, one with the right beginning."""
    found = draw.sample(paragraphs(book, 48), count)
    out: list[dict[str, object]] = []
    for place, text in enumerate(found):
        words = text.split()
        right = " ".join(words[40 : 42 + place % 4])
        other = found[(place + 1) % count].split()
        wrong = [
            " ".join(words[40:41] + other[12:14]),
            " ".join(other[20 : 21 + place % 3]),
            " ".join(reversed(right.split())) + " indeed",
        ]
        answer = draw.randrange(4)
        out.append({
            "passage": " ".join(words[:40]),
            "choices": wrong[:answer] + [right] + wrong[answer:],
            "answer": answer,
        })
    return out


def write(name: str, rows: list[dict[str, object]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (HERE / name).write_text(text, encoding="utf-8")


def main() -> None:
    draw = random.Random(13)
    write("fewshot.jsonl", choices("wizard-of-oz.txt", 3, draw))
    write("choice.jsonl", choices("alice.txt", 12, draw))
    books = ("alice.txt", "time-machine.txt", "wizard-of-oz.txt")
    texts = [draw.choice(paragraphs(book, 60)) for book in books]
    write("texts.jsonl", [{"text": text} for text in [*texts, "Oh!"]])


if __name__ == "__main__":
    main()
