#!/usr/bin/env python3
"""What quantising costs in quality: scripts/quality.py [--tool bench_quality] [--tokens N] [--reuse | --add]

Runs bench_quality over tests/data/books with models/classics-8m and writes docs/quality/*.json,
docs/quality/*.svg and the tables between the marks in docs/quality.md. --reuse only writes them anew,
from the JSON that is there, --add also measures what that lacks; --tokens cuts each book (by default the first study reads all of it, the
others 3072 tokens or fewer).
"""

import argparse
import datetime
import json
import math
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOKS = ["alice", "time-machine", "wizard-of-oz"]
FIGURES = ROOT / "docs" / "quality"

# Whole books, in the default recipe (embedding and head get 6 bits where the rest has fewer).
WHOLE = ["bfloat16"] + [f"affine:{bits}:64:default" for bits in (8, 6, 5, 4, 3, 2)]
WHOLE += ["mxfp4:default", "affine:4:64:minmax", "affine:4:32:default", "affine:4:128:default", "affine:4:64"]
WHOLE += ["affine:4:64:default:calibrated", "affine:8:64:default:run"]
# The first tokens of each book: every width and group, one format throughout, both roundings.
GRID = [
    f"affine:{bits}:{group}{rounding}"
    for bits in (2, 3, 4, 5, 6, 8)
    for group in (32, 64, 128)
    for rounding in (":minmax", "")
]
GRID += ["mxfp4:minmax", "mxfp4"]
GRID += [f"affine:{bits}:64:weighted" for bits in (2, 3, 4)]
# Where bits count: 4 bits, and one kind of matrix better or as it was.
KINDS = [f"affine:4:64:{what}" for what in ("head=6", "head=8", "embedding=6", "embedding=8",
                                            "head=6:embedding=6", "head=8:embedding=8")]
KINDS += [f"affine:4:64:keep={kind}" for kind in ("qkvo", "out", "up", "down")]

# What the kernels for quantised weights and a state in bfloat16 add: by segments of the prompt (run),
# and token by token (step).
RUNTIME = ["affine:8:64:default", "affine:8:64:default:run", "affine:8:64:default:run:step", "affine:4:64:default",
           "affine:4:64:default:run", "affine:4:64:default:run:step", "float32:step", "float32:bf16-state"]

STUDIES = {"whole": (WHOLE, 0), "grid": (GRID, 3072), "kinds": (KINDS, 3072), "runtime": (RUNTIME, 1024)}


def measure(tool, name, formats, tokens):
    books = [str(ROOT / "tests" / "data" / "books" / f"{book}.txt") for book in BOOKS]
    limit = ["--tokens", str(tokens)] if tokens else []
    command = [tool, *limit, *books, "--", *formats]
    print("+", name, *limit, len(formats), "formats", flush=True)
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    result["date"] = datetime.date.today().isoformat()
    result["machine"] = machine()
    (FIGURES / f"{name}.json").write_text(rounded_json(result), encoding="utf-8")


def measure_missing(tool, name, formats, tokens):
    """As measure(), but keeps what was measured before."""
    before = load(name)
    known = {each["format"] for each in before["formats"]}
    missing = [each for each in formats if each not in known]
    if not missing:
        return
    measure(tool, name, missing, tokens)
    after = load(name)
    before["formats"] += [each for each in after["formats"] if each["format"] in missing]
    text = json.dumps({**after, "formats": before["formats"]}, separators=(",", ":"))
    (FIGURES / f"{name}.json").write_text(text.replace('{"format"', '\n{"format"') + "\n", encoding="utf-8")


def rounded_json(result):
    """Six digits are enough, and keep the file small; drift at about 48 points of a book."""

    def short(value):
        if isinstance(value, float):
            return float(f"{value:.6g}")
        if isinstance(value, list):
            return [short(each) for each in value]
        if isinstance(value, dict):
            return {key: short(each) for key, each in value.items()}
        return value

    for each in result["formats"]:
        for book in each["books"]:
            step = max(1, len(book["drift"]) // 48)
            book["drift_every"] = 512 * step
            book["drift"] = book["drift"][step - 1 :: step]
    return json.dumps(short(result), separators=(",", ":")).replace('{"format"', '\n{"format"') + "\n"


def machine():
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def load(name):
    return json.loads((FIGURES / f"{name}.json").read_text(encoding="utf-8"))


class Figures:
    """One format's figures against float32's."""

    def __init__(self, study, each):
        self.name = each["format"]
        self.bits = 8 * each["bytes"] / study["parameters"]
        reference = {book["book"]: book["perplexity"] for book in study["formats"][0]["books"]}
        self.books = {book["book"]: book for book in each["books"]}
        self.costs = [book["perplexity"] / reference[book["book"]] - 1 for book in each["books"]]

    def mean(self, key):
        return sum(book[key] for book in self.books.values()) / len(self.books)

    def cost(self):
        return sum(self.costs) / len(self.costs)


def figures_of(study):
    return [Figures(study, each) for each in study["formats"]]


def words(name):
    """affine:4:64:head=6:default -> "4 bits, groups of 64, head 6, default recipe"."""
    parts = name.split(":")
    if parts[0] == "affine":
        out, rest = f"{parts[1]} bits, groups of {parts[2]}", parts[3:]
    else:
        out, rest = parts[0], parts[1:]
    meaning = {"minmax": "min and max", "weighted": "weighted by activations",
               "calibrated": "calibrated with its own text", "apart": "calibrated, matrices apart", "run": "quantised kernels",
               "step": "token by token", "bf16-state": "token by token, state in bfloat16"}
    for each in rest:
        if each == "default":
            continue
        key, _, value = each.partition("=")
        out += ", " + (f"{key} {value} bits" if value.isdigit() else f"{value} kept" if value else meaning[each])
    return out


def percent(x):
    return f"{100 * x:+.2f}%"


def row(f, throughout):
    same = throughout and f.name.startswith("affine:4") and "default" not in f.name
    name = words(f.name) + (", one format throughout" if same else "")
    costs = " | ".join(percent(x) for x in f.costs)
    return (f"| {name} | {f.bits:.2f} | {costs} | {f.mean('kl_mean'):.5f} | {f.mean('kl_99'):.4f} "
            f"| {100 * f.mean('agreement'):.2f}% | {100 * f.mean_drift():.2f}% |")


def mean_drift(self):
    return sum(book["drift"][-1] for book in self.books.values()) / len(self.books)


Figures.mean_drift = mean_drift

HEAD = ("| weights | bits a parameter | " + " | ".join(BOOKS)
        + " | mean KL | 99th percentile | same top token | state's drift |\n|---|---|" + "---|" * 7)


def table(study, throughout):
    return "\n".join([HEAD] + [row(f, throughout) for f in figures_of(study)])


# --- plots -------------------------------------------------------------------------------------

COLOURS = ["#0b6e99", "#d1495b", "#6a994e", "#8e6c8a", "#edae49", "#444444", "#3d5a80", "#bc6c25"]


class Plot:
    """Lines and points with logarithmic or plain axes, as plain SVG."""

    WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 70, 170, 40, 50

    def __init__(self, title, x_label, y_label, x_range, y_range, log_y=False):
        self.log_y = log_y
        self.x_range, self.y_range = x_range, y_range
        self.body = [
            f'<text x="{self.LEFT}" y="22" font-size="15">{title}</text>',
            f'<text x="{(self.LEFT + self.WIDTH - self.RIGHT) / 2}" y="{self.HEIGHT - 10}" '
            f'text-anchor="middle">{x_label}</text>',
            f'<text transform="translate(16,{(self.TOP + self.HEIGHT - self.BOTTOM) / 2}) rotate(-90)" '
            f'text-anchor="middle">{y_label}</text>',
        ]
        self.named = 0

    def x(self, value):
        low, high = self.x_range
        return self.LEFT + (value - low) / (high - low) * (self.WIDTH - self.LEFT - self.RIGHT)

    def y(self, value):
        low, high = self.y_range
        if self.log_y:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, low))
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return self.HEIGHT - self.BOTTOM - share * (self.HEIGHT - self.TOP - self.BOTTOM)

    def axes(self, x_ticks, y_ticks, y_text):
        right, bottom = self.WIDTH - self.RIGHT, self.HEIGHT - self.BOTTOM
        for tick in y_ticks:
            y = self.y(tick)
            self.body.append(f'<path d="M{self.LEFT} {y:.1f}H{right}" stroke="#ddd"/>')
            self.body.append(f'<text x="{self.LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{y_text(tick)}</text>')
        for tick in x_ticks:
            x = self.x(tick)
            self.body.append(f'<path d="M{x:.1f} {bottom}v5" stroke="#888"/>')
            self.body.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tick:,}</text>')
        self.body.append(f'<path d="M{self.LEFT} {self.TOP}V{bottom}H{right}" fill="none" stroke="#888"/>')

    def line(self, points, name, dots=True):
        colour = COLOURS[self.named % len(COLOURS)]
        path = "L".join(f"{self.x(a):.1f} {self.y(b):.1f}" for a, b in points)
        self.body.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if dots:
            self.body += [f'<circle cx="{self.x(a):.1f}" cy="{self.y(b):.1f}" r="3.5" fill="{colour}"/>'
                          for a, b in points]
        y = self.TOP + 12 + 20 * self.named
        x = self.WIDTH - self.RIGHT + 12
        self.body.append(f'<path d="M{x} {y - 4}h18" stroke="{colour}" stroke-width="3"/>')
        self.body.append(f'<text x="{x + 24}" y="{y}">{name}</text>')
        self.named += 1

    def write(self, path):
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.WIDTH} {self.HEIGHT}" '
            f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(self.body) + "\n</svg>\n", encoding="utf-8")


def plot_grid(study):
    found = {f.name: f for f in figures_of(study)}
    plot = Plot("Divergence from float32, one format throughout", "bits a parameter, scales included",
                "mean KL divergence, nats", (2, 9.5), (1e-5, 3), log_y=True)
    plot.axes(range(2, 10), [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1], lambda tick: f"{tick:g}")
    for group in (32, 64, 128):
        for rounding, name in ((":minmax", "min, max"), ("", "least error")):
            each = [found[f"affine:{bits}:{group}{rounding}"] for bits in (2, 3, 4, 5, 6, 8)]
            plot.line([(f.bits, f.mean("kl_mean")) for f in each], f"groups of {group}, {name}")
    plot.line([(found["mxfp4"].bits, found["mxfp4"].mean("kl_mean"))], "mxfp4")
    plot.write(FIGURES / "divergence.svg")


def plot_drift(study):
    book = BOOKS[-1]
    wanted = ["affine:8:64:default", "affine:6:64:default", "affine:4:64:default", "affine:3:64:default",
              "mxfp4:default", "bfloat16"]
    chosen = [f for f in figures_of(study) if f.name in wanted]
    last = max(f.books[book]["drift_every"] * len(f.books[book]["drift"]) for f in chosen)
    plot = Plot(f"Norms of the state against float32's, {book}", "tokens read",
                "relative distance, mean of the blocks", (0, last), (1e-5, 1), log_y=True)
    plot.axes(range(0, last + 1, 10000), [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1], lambda tick: f"{tick:g}")
    for f in chosen:
        drift, every = f.books[book]["drift"], f.books[book]["drift_every"]
        plot.line([(every * (i + 1), max(value, 1e-5)) for i, value in enumerate(drift)], words(f.name), dots=False)
    plot.write(FIGURES / "drift.svg")


def put(text, name, content):
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    if not rest:
        raise SystemExit(f"docs/quality.md has no mark {begin.strip()}")
    return before + begin + content + "\n" + end + after


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default=str(ROOT / "build" / "bin" / "bench_quality"))
    parser.add_argument("--tokens", type=int, help="of each book, in every study")
    parser.add_argument("--reuse", action="store_true", help="measure nothing")
    parser.add_argument("--add", action="store_true", help="measure what is not in the JSON yet")
    parser.add_argument("--study", choices=sorted(STUDIES), action="append", help="only this one")
    options = parser.parse_args()
    FIGURES.mkdir(exist_ok=True)
    for name in [] if options.reuse else options.study or STUDIES:
        formats, tokens = STUDIES[name]
        how = measure_missing if options.add else measure
        how(options.tool, name, formats, options.tokens or tokens)
    page = ROOT / "docs" / "quality.md"
    text = page.read_text(encoding="utf-8")
    for name in STUDIES:
        study = load(name)
        tokens = sum(book["tokens"] for book in study["formats"][0]["books"])
        note = f"\n\n{tokens:,} tokens, {study['date']}, {study['machine']}."
        throughout = name == "whole"  # where others have the default recipe
        text = put(text, name, table(study, throughout) + note)
    page.write_text(text, encoding="utf-8")
    plot_grid(load("grid"))
    plot_drift(load("whole"))


if __name__ == "__main__":
    main()
