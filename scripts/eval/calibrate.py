#!/usr/bin/env python3
"""calibrate.py MODEL --sets DIR [--fit flores-dev ntrex-fra] [--check wmt12] [--program PATH] [--write]

Fits the confidence that reports give for a segment: the chance that its translation agrees with a human one to chrF 50 or more. It is a
logistic function of the mean log-probability of a token, the logarithm of the number of source words, and how far the length is from
what is usual (|ln((target + 5) / (0.87 source + 5))|, in characters). Fitted with the model's own beam on NAME.fr and NAME.en of DIR; prints
how good it is on the sets it was not fitted on: what was said and what came true, by tenths. With --write it goes into the model's
generation_config.json as `confidence`, where fr2en reads it. Needs numpy and sacrebleu.
"""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from sacrebleu.metrics import CHRF

import generation

NAMES, GOOD = ["bias", "score", "words", "length"], 50.0


def observations(a, name):
    """Features of the lines that are one segment, and whether each came out well."""
    source, reference = (Path(a.sets, f"{name}.{side}").read_text(encoding="utf-8").splitlines() for side in ("fr", "en"))
    with tempfile.TemporaryDirectory() as work:
        Path(work, "in.txt").write_text("\n\n".join(source) + "\n", encoding="utf-8")
        report = Path(work, "report.json")
        command = [a.program, f"{work}/in.txt", "-o", f"{work}/out.txt", "--report", report, "--model", a.model]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        segments = json.loads(report.read_text(encoding="utf-8"))["documents"][0]["segments"]
    lines, chrf = {}, CHRF()
    for segment in segments:
        lines.setdefault(segment["block"], []).append(segment)
    x, y = [], []
    for line, own in lines.items():
        if len(own) == 1 and "score" in own[0]:
            french, english = own[0]["source"], own[0]["target"]
            length = abs(np.log((len(english) + 5) / (0.87 * len(french) + 5)))
            x.append([1.0, own[0]["score"], np.log(len(french.split())), length])
            y.append(chrf.sentence_score(english, [reference[line]]).score >= GOOD)
    return np.array(x), np.array(y, dtype=float)


def fit(x, y):
    """Logistic regression by Newton's method, with a breath of regularisation."""
    w = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ w))
        w -= np.linalg.solve((x.T * (p * (1 - p))) @ x + 1e-3 * np.eye(len(w)), x.T @ (p - y) + 1e-3 * w)
    return w


def show(name, p, y):
    order = np.argsort(np.argsort(p)) + 1
    good, bad = y.sum(), len(y) - y.sum()
    area = (order[y == 1].sum() - good * (good + 1) / 2) / (good * bad)
    tenths = np.minimum((p * 10).astype(int), 9)
    error = sum(abs(p[tenths == t].mean() - y[tenths == t].mean()) * (tenths == t).mean() for t in set(tenths))
    print(f"\n{name}: {len(y)} segments, {100 * y.mean():.0f} % good; area under the curve {area:.3f}, mean calibration error {error:.3f}")
    print("| said | segments | came true |\n| --- | --- | --- |")
    for t in sorted(set(tenths)):
        print(f"| {p[tenths == t].mean():.2f} | {(tenths == t).sum()} | {y[tenths == t].mean():.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--sets", required=True)
    parser.add_argument("--fit", nargs="+", default=["flores-dev", "ntrex-fra"])
    parser.add_argument("--check", nargs="+", default=["wmt12"])
    parser.add_argument("--program", default="target/release/fr2en")
    parser.add_argument("--write", action="store_true")
    a = parser.parse_args()
    data = {name: observations(a, name) for name in a.fit + a.check}
    w = fit(*(np.concatenate(part) for part in zip(*(data[name] for name in a.fit))))
    for name, (x, y) in data.items():
        show(name + (" (fitted)" if name in a.fit else ""), 1 / (1 + np.exp(-x @ w)), y)
    found = {name: round(float(value), 3) for name, value in zip(NAMES, w)}
    print("\nconfidence:", json.dumps(found))
    if a.write:
        generation.keep(a.model, confidence=found)


if __name__ == "__main__":
    main()
