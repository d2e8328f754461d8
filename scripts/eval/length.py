#!/usr/bin/env python3
"""length.py MODEL --sets DIR [--fit flores-dev ntrex-fra] [--check wmt12] [--program PATH] [--write]

Tries length penalties for the model's beam through the whole program, prints BLEU and chrF of every set, and names the one with the highest
sum of both over the sets of --fit; those of --check show whether it holds elsewhere. With --write it goes into the model's
generation_config.json as `length_penalty`, where fr2en and transformers read it. Before calibrate.py: it changes what there is to be
confident of. Needs sacrebleu.
"""
import argparse
import subprocess

import generation
from evaluate import lines, score


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--sets", required=True)
    parser.add_argument("--fit", nargs="+", default=["flores-dev", "ntrex-fra"])
    parser.add_argument("--check", nargs="*", default=["wmt12"])
    parser.add_argument("--penalties", nargs="+", type=float, default=[0.2, 0.4, 0.6, 0.8, 1.0, 1.2])
    parser.add_argument("--program", default="target/release/fr2en")
    parser.add_argument("--write", action="store_true")
    a = parser.parse_args()
    best = (0.0, None)
    print("| penalty | set | BLEU | chrF | length |\n| --- | --- | --- | --- | --- |")
    for penalty in a.penalties:
        total = 0.0
        for name in a.fit + a.check:
            command = [a.program, f"{a.sets}/{name}.fr", "--wrapped=no", "--model", a.model, "--length-penalty", str(penalty), "--quiet"]
            out = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode().removesuffix("\n").split("\n")
            bleu, chrf, *_ = score(out, lines(f"{a.sets}/{name}.en"))
            print(f"| {penalty} | {name} | {bleu.score:.2f} | {chrf.score:.2f} | {bleu.sys_len / bleu.ref_len:.3f} |", flush=True)
            total += (bleu.score + chrf.score) * (name in a.fit)
        best = max(best, (total, penalty))
    print(f"best: {best[1]}")
    if a.write:
        generation.keep(a.model, length_penalty=best[1])


if __name__ == "__main__":
    main()
