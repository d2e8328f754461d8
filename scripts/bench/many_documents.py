#!/usr/bin/env python3
"""many_documents.py TEXT [--program PATH] [--documents 500] [--runs 5] [-- OPTIONS OF fr2en]

How fast a directory of short documents is translated, beside one file with the same text. The paragraphs of TEXT (one a line) are
dealt out to so many documents; the file is those documents, one after the other. Both are translated by `fr2en batch`, in turns; prints
the words per second of each run, the medians, and their ratio: above 1 the directory is faster. Loading the model counts for both.
How many paragraphs differ is told: a quotation that one document leaves open goes on in the next one's text within the file.
"""
import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main():
    argv, rest = sys.argv[1:], []
    if "--" in argv:
        argv, rest = argv[: argv.index("--")], argv[argv.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--program", default="target/release/fr2en")
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5)
    a = parser.parse_args(argv)
    paragraphs = [line.strip() for line in a.text.read_text(encoding="utf-8").splitlines() if line.strip()]
    n = min(a.documents, len(paragraphs))
    cuts = [len(paragraphs) * i // n for i in range(n + 1)]
    documents = ["\n\n".join(paragraphs[i:j]) + "\n" for i, j in zip(cuts, cuts[1:])]
    words = sum(len(p.split()) for p in paragraphs)
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        many, one = work / "many", work / "one.txt"
        many.mkdir()
        for i, document in enumerate(documents):
            (many / f"{i:05}.txt").write_text(document, encoding="utf-8")
        one.write_text("\n".join(documents), encoding="utf-8")
        print(f"{n} documents, {words} words, {one.stat().st_size} bytes", flush=True)
        jobs = {"directory": [many, "--out-dir", work / "out"], "file": [one, "-o", work / "out.txt"]}
        speeds = {name: [] for name in jobs}
        for run in range(a.runs):
            for name, job in jobs.items():
                start = time.monotonic()
                subprocess.run([a.program, "batch", "--quiet", "--restart", *job, *rest], check=True)
                speeds[name].append(words / (time.monotonic() - start))
            print(f"run {run + 1}: " + ", ".join(f"{name} {s[-1]:.0f} words/s" for name, s in speeds.items()), flush=True)
        joined = "\n".join(p.read_text(encoding="utf-8") for p in sorted((work / "out").glob("*.txt"))).splitlines()
        whole = (work / "out.txt").read_text(encoding="utf-8").splitlines()
    medians = {name: statistics.median(s) for name, s in speeds.items()}
    print(", ".join(f"{name} {m:.0f} words/s" for name, m in medians.items()), end="")
    print(f": ratio {medians['directory'] / medians['file']:.2f}")
    if len(joined) != len(whole):
        sys.exit(f"{len(joined)} lines in the directory, {len(whole)} in the file")
    print(f"{sum(x != y for x, y in zip(joined, whole))} of {len(whole)} lines differ")


if __name__ == "__main__":
    main()
