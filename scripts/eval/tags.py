#!/usr/bin/env python3
"""tags.py DIR [--program PATH] [--spans PATH] [--most 40] [--worst 10]

    cargo build --release --example spans --bin fr2en

Whether markup stands round the right words. Every stretch that markup marks in the documents of DIR (of which something stands outside,
so that it could be wrong; at most so many of a document, chosen at random) is translated once more on its own, and compared by chrF with

  inside   what the markup marks in the output,
  best     the run of words of the output's paragraph that agrees most: what perfect placing could reach with this model.

Prints a table with a line for each format: the means, how many stretches are placed as well as the best (within 5 points), how many marks
are lost; and the worst. Needs sacrebleu. `formats.py` tells whether tags are all there and balanced.
"""
import argparse
import collections
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from quotes import best, chrf, letters

LONGEST = 20


def flat(text):
    return " ".join(text.split())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--program", default="target/release/fr2en")
    parser.add_argument("--spans", default="target/release/examples/spans")
    parser.add_argument("--most", type=int, default=40)
    parser.add_argument("--worst", type=int, default=10)
    a = parser.parse_args()
    chance = random.Random(1)
    rows, counts = [], collections.defaultdict(collections.Counter)
    for path in sorted(p for p in a.dir.rglob("*") if p.is_file()):
        done = subprocess.run([a.spans, path], stdout=subprocess.PIPE, text=True, check=True)
        spans = [json.loads(line) for line in done.stdout.splitlines()]
        count = counts[path.suffix]
        count["files"] += 1
        count["marks"] += len(spans)
        count["lost"] += sum(span["found"] is None for span in spans)
        # Too long a stretch says little of where it ends; all of a paragraph cannot be wrong.
        fair = [s for s in spans if s["found"] is not None and 0 < letters(s["inner"]) < letters(s["source"]) - 2
                and len(s["inner"].split()) <= LONGEST]
        rows += chance.sample(fair, min(a.most, len(fair)))
    with tempfile.TemporaryDirectory() as work:
        alone = Path(work, "alone.txt")
        alone.write_text("\n\n".join(flat(row["inner"]) for row in rows) + "\n", encoding="utf-8")
        output = Path(work, "output.txt")
        subprocess.run([a.program, "-q", "--wrapped=no", alone, "-o", output], check=True)
        translated = output.read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    assert len(translated) == len(rows), (len(translated), len(rows))
    scored = collections.defaultdict(list)
    for row, wanted in zip(rows, translated):
        wanted, found = (flat(text).strip(" ,.;:“”‘’") for text in (wanted, row["found"]))
        inside = chrf(found, wanted)
        scored[Path(row["file"]).suffix].append((inside, max(inside, best(row["target"], wanted)), wanted, row))
    print("| format | files | marks | lost | judged | inside | best | as good as the best |\n|" + " --- |" * 8)
    for kind, count in sorted(counts.items()):
        own = scored[kind]
        n = max(1, len(own))
        placed = sum(inside >= most - 5 for inside, most, *_ in own)
        print(f"| {kind} | {count['files']} | {count['marks']} | {count['lost']} | {len(own)} | {sum(s[0] for s in own) / n:.1f} | "
              f"{sum(s[1] for s in own) / n:.1f} | {100 * placed / n:.1f} % |")
    for inside, most, wanted, row in sorted(sum(scored.values(), []), key=lambda s: s[0] - s[1])[: a.worst]:
        print(f"\n{Path(row['file']).name}: inside {inside:.0f}, best {most:.0f}\n  source  {flat(row['source'])}\n  output  {flat(row['target'])}\n"
              f"  marked  {flat(row['inner'])}\n  alone   {wanted}\n  inside  {flat(row['found'])}")


if __name__ == "__main__":
    sys.exit(main())
