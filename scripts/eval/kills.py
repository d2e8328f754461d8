#!/usr/bin/env python3
"""kills.py --fr2en PROGRAM [--kills 50] [--work DIR] [--seed N] [--documents N] [--rows N] [-- OPTIONS OF fr2en batch]

Kills `fr2en batch` at random moments (SIGKILL, on its whole process group), starts it again, and so on until it ends by
itself; then compares what it wrote, byte for byte and name for name, with what an uninterrupted run wrote. Two jobs take
turns: a tree of documents with a record file in it, and one record file that is longer than a window. All of them share
one translation memory, which has to survive as well; the uninterrupted runs have none. Prints a line a kill and a
summary; exit code 1 if anything differs.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SENTENCES = os.path.join(os.path.dirname(__file__), "../../tests/data/sentences.fr.txt")


def make_inputs(work, documents, rows, seed):
    chance = random.Random(seed)
    sentences = open(SENTENCES, encoding="utf-8").read().splitlines()
    tree = os.path.join(work, "tree")
    row = lambda i: '{"id": %d, "text": "%s"}\n' % (i, chance.choice(sentences).replace("\\", "\\\\").replace('"', '\\"'))
    for i in range(documents):
        place = os.path.join(tree, *chance.choice([(), ("a",), ("b", "c"), ("été",)]))
        os.makedirs(place, exist_ok=True)
        texts = chance.sample(sentences, 6)
        kind = chance.choice(["txt", "md", "html", "jsonl"])
        with open(os.path.join(place, f"{i:03}.{kind}"), "w", encoding="utf-8") as file:
            if kind == "html":
                file.writelines(f"<p>{text}</p>\n" for text in texts)
            elif kind == "jsonl":
                file.writelines(row(j) for j in range(6))
            else:
                file.writelines(text + "\n\n" for text in texts)
    with open(os.path.join(tree, "zz.jsonl"), "w", encoding="utf-8") as file:
        file.writelines(row(i) for i in range(rows // 4))
    lines = os.path.join(work, "rows.jsonl")
    with open(lines, "w", encoding="utf-8") as file:
        file.writelines(row(i) for i in range(rows))
    return tree, lines


def written(place):
    """Every file of an output but the journal, with its bytes; what was left half-written would be among them."""
    found = {}
    for folder, _, names in os.walk(place):
        for name in names:
            if not name.endswith(".journal"):
                path = os.path.join(folder, name)
                found[os.path.relpath(path, place)] = open(path, "rb").read()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fr2en", required=True)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--work")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=150)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("options", nargs="*")
    arguments = parser.parse_args()
    work = arguments.work or tempfile.mkdtemp(prefix="fr2en-kills-")
    os.makedirs(work, exist_ok=True)
    chance = random.Random(arguments.seed)
    tree, lines = make_inputs(work, arguments.documents, arguments.rows, arguments.seed)
    memory = ["--memory", os.path.join(work, "memory")]

    def command(job, out):
        target = ["--out-dir", out] if job == tree else ["-o", os.path.join(out, "out.jsonl")]
        return [arguments.fr2en, "batch", job, *target, "--quiet", *arguments.options]

    expected, usual = {}, {}
    for job in (tree, lines):
        out = os.path.join(work, "whole-" + os.path.basename(job))
        os.makedirs(out, exist_ok=True)
        start = time.monotonic()
        subprocess.run(command(job, out), check=True)
        usual[job] = time.monotonic() - start
        expected[job] = written(out)
        print(f"uninterrupted: {os.path.basename(job)}: {len(expected[job])} files, {usual[job]:.1f} s", flush=True)

    kills = rounds = different = 0
    while kills < arguments.kills:
        job = (tree, lines)[rounds % 2]
        out = os.path.join(work, "killed")
        shutil.rmtree(out, ignore_errors=True)
        os.makedirs(out)
        # A memory that knows everything would leave no time to kill: every other pair of rounds begins without.
        if rounds % 4 == 0:
            for end in ("", "-wal", "-shm"):
                if os.path.exists(memory[1] + end):
                    os.remove(memory[1] + end)
        rounds += 1
        while True:
            child = subprocess.Popen(command(job, out) + memory, start_new_session=True)
            # In the last rounds a run may be let end by itself.
            patience = chance.uniform(0, usual[job] * 0.5) if kills < arguments.kills else None
            try:
                code = child.wait(patience)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                kills += 1
                there = written(out)
                whole = sum(expected[job].get(name) == data for name, data in there.items())
                print(f"kill {kills}: round {rounds}, {os.path.basename(job)} after {patience:.2f} s: "
                      f"{whole} whole outputs, {len(there) - whole} unfinished", flush=True)
                wrong = [n for n, data in there.items() if not n.endswith("fr2en-part") and expected[job].get(n) != data]
                if wrong:
                    different += 1
                    print(f"  half-written: {wrong[:5]}", flush=True)
                continue
            if code != 0:
                sys.exit(f"fr2en ended with {code}")
            break
        if written(out) != expected[job]:
            different += 1
            names = {n for n in expected[job].keys() | written(out).keys() if expected[job].get(n) != written(out).get(n)}
            print(f"round {rounds}: DIFFERENT: {sorted(names)[:5]}", flush=True)
        else:
            print(f"round {rounds}: the same {len(expected[job])} files", flush=True)
    print(f"{kills} kills in {rounds} jobs, {different} differences")
    if not arguments.work:
        shutil.rmtree(work)
    return different > 0


if __name__ == "__main__":
    sys.exit(main())
