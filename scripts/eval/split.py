#!/usr/bin/env python3
"""split.py --program PATH GOLD.jsonl...

Scores `fr2en split --jsonl` on files of lines {"id", "text", "sentences"}: precision, recall and F1 of the boundaries inside each
text (a boundary is the number of characters before it that are no white space), the texts that are wholly right, and the texts whose
characters were changed. Prints one table row a file and one for all of them together. Needs only Python.
"""
import argparse
import json
import subprocess


def solid(text):
    return "".join(text.split())


def boundaries(sentences):
    found, count = set(), 0
    for sentence in sentences:
        count += len(solid(sentence))
        found.add(count)
    return found - {0, count}


def row(name, right, found, wanted, exact, texts, altered):
    precision = right / found if found else 1.0
    recall = right / wanted if wanted else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    print(f"| {name} | {texts} | {wanted} | {100 * precision:.2f} | {100 * recall:.2f} | {100 * f1:.2f} | {100 * exact / max(1, texts):.1f} | {altered} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/fr2en")
    parser.add_argument("gold", nargs="+")
    arguments = parser.parse_args()
    print("| set | texts | boundaries | P | R | F1 | wholly right % | altered |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
    total = [0] * 6
    for path in arguments.gold:
        gold = [json.loads(line) for line in open(path, encoding="utf-8")]
        rows = "".join(json.dumps({"id": i, "text": g["text"]}, ensure_ascii=False) + "\n" for i, g in enumerate(gold))
        out = subprocess.run([arguments.program, "split", "--jsonl"], input=rows.encode(), stdout=subprocess.PIPE, check=True).stdout
        found = [json.loads(line)["sentences"] for line in out.decode().splitlines()]
        counts = [0] * 6
        for wanted, got in zip(gold, found, strict=True):
            a, b = boundaries(wanted["sentences"]), boundaries(got)
            same = solid("".join(wanted["sentences"])) == solid("".join(got))
            for i, n in enumerate((len(a & b), len(b), len(a), int(a == b and same), 1, int(not same))):
                counts[i] += n
        row(path.rsplit("/", 1)[-1], *counts)
        total = [x + y for x, y in zip(total, counts)]
    if len(arguments.gold) > 1:
        row("together", *total)


if __name__ == "__main__":
    main()
