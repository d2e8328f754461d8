#!/usr/bin/env python3
"""quotes.py [--program PATH] [--worst 10] DOCUMENT... [-- OPTIONS OF THE PROGRAM]

Whether the words inside each quotation of the output translate the words inside the source's. Every quoted stretch of a segment (of
which something stands outside, so that it could be wrong) is translated once more on its own, and compared by chrF with

  inside   what stands inside the output's corresponding quotation marks,
  best     the run of words of the output's segment that agrees most: what perfect placing could reach with this model.

Prints the means, how many quotations are placed as well as the best (within 5 points), and the worst. Needs sacrebleu.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from sacrebleu.metrics import CHRF

CHRF_SENTENCE = CHRF()
OPEN, CLOSE = "“‘", "”’"


def chrf(a, b):
    return CHRF_SENTENCE.sentence_score(a, [b]).score if a.strip() else 0.0


def spans(marks, length):
    """(start, end) between the marks (start, end, opens, depth), in the order of their beginnings; a mark without a partner reaches to the
    text's edge."""
    found, open_ = [], []
    for start, end, opens, depth in marks:
        if opens:
            open_.append((end, depth))
        else:
            while open_ and open_[-1][1] > depth:
                found.append((open_.pop()[0], length))
            found.append((open_.pop()[0] if open_ and open_[-1][1] == depth else 0, start))
    found += [(start, length) for start, _ in open_]
    return sorted(found, key=lambda s: (s[0], -s[1]))


def english(text):
    """The curly marks of an output. A closing single mark between letters, or with no open one, is an apostrophe."""
    marks, depth, single = [], 0, 0
    for i, c in enumerate(text):
        if c in OPEN:
            marks.append((i, i + 1, True, depth))
            depth, single = depth + 1, single + (c == "‘")
        elif c == "”" or (c == "’" and single and not text[i + 1 : i + 2].isalnum()):
            depth, single = depth - 1, single - (c == "’")
            marks.append((i, i + 1, False, depth))
    low = min([m[3] for m in marks], default=0)
    return [(a, b, o, d - low) for a, b, o, d in marks]


def run(arguments, *more):
    return subprocess.run([arguments.program, *more], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def letters(text):
    return sum(c.isalnum() for c in text)


def best(text, wanted):
    words, most = text.split(), 0.0
    near = len(wanted.split())
    for i in range(len(words)):
        for n in range(max(1, near // 2), near * 2 + 2):
            if i + n <= len(words):
                most = max(most, chrf(" ".join(words[i : i + n]).strip("“”‘’,.;:"), wanted))
    return most


def main():
    argv, rest = sys.argv[1:], []
    if "--" in argv:
        argv, rest = argv[: argv.index("--")], argv[argv.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/fr2en")
    parser.add_argument("--worst", type=int, default=10)
    parser.add_argument("documents", nargs="+")
    a = parser.parse_args(argv)
    rows, whole, odd = [], 0, 0
    with tempfile.TemporaryDirectory() as work:
        report = f"{work}/report.json"
        # Curly marks say which way they face.
        run(a, *a.documents, "--quotes", "curly", "--out-dir", f"{work}/out", "--report", report, *rest)
        for document in json.load(open(report, encoding="utf-8"))["documents"]:
            name = Path(document["name"]).name
            split = [json.loads(line) for line in run(a, "split", "--json", document["name"]).splitlines()]
            for segment, read in zip(document["segments"], split, strict=True):
                source, target = segment["source"].encode(), segment["target"]
                base = read["start"]
                marks = [(q["range"]["start"] - base, q["range"]["end"] - base, q["role"] != "close", q["depth"]) for q in read["quotes"]]
                ours, theirs = spans(marks, len(source)), spans(english(target), len(target))
                if len(ours) != len(theirs):
                    odd += 1
                    continue
                for (s, e), (t, u) in zip(ours, theirs):
                    inner = source[s:e].decode().strip(" \u00a0\u202f")
                    if letters(inner) == 0:
                        continue
                    if letters(inner) + 2 >= letters(source.decode()):
                        whole += 1
                        continue
                    rows.append((name, source.decode(), inner, target, target[t:u].strip(" ,.;:“”‘’")))
        alone = f"{work}/alone.txt"
        Path(alone).write_text("\n\n".join(" ".join(r[2].split()) for r in rows) + "\n", encoding="utf-8")
        translated = run(a, alone, *rest).decode().rstrip("\n").split("\n\n")
    assert len(translated) == len(rows), (len(translated), len(rows))
    scored = []
    for row, wanted in zip(rows, translated):
        wanted = wanted.strip(" ,.;:“”‘’")
        scored.append((chrf(row[4], wanted), best(row[3], wanted), wanted, *row))
    n = max(1, len(scored))
    placed = sum(inside >= most - 5 for inside, most, *_ in scored)
    print(f"{len(scored)} quotations inside a segment ({whole} more are whole segments; {odd} segments with other marks than the source)")
    print(f"chrF inside {sum(s[0] for s in scored) / n:.1f}, best {sum(s[1] for s in scored) / n:.1f}; as good as the best: {placed} ({100 * placed / n:.1f} %)")
    for inside, most, wanted, name, source, inner, target, got in sorted(scored, key=lambda s: s[0] - s[1])[: a.worst]:
        print(f"\n{name}: inside {inside:.0f}, best {most:.0f}\n  source  {' '.join(source.split())}\n  output  {' '.join(target.split())}\n  quoted  {' '.join(inner.split())}\n  alone   {wanted}\n  inside  {got}")


if __name__ == "__main__":
    main()
