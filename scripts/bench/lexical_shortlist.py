#!/usr/bin/env python3
"""lexical_shortlist.py MODEL_DIR PAIRS.tsv [--pairs 40000] [--common 1000] [--each 30]

Writes a shortlist.bin for a model with random weights, whose own translations say nothing (`fr2en models shortlist` is for all others),
so that `--shortlist` can be timed with candidates as a trained model has them. PAIRS holds French, a tab, English. Which target piece comes
of which source piece is learnt by IBM model 1 (P. Brown et al., 1993); each source piece keeps the `--each` likeliest, as `fr2en models
shortlist` does. For models with one vocabulary for both
languages. Needs numpy and sentencepiece.
"""
import argparse
import collections
import hashlib
import json
from pathlib import Path

import numpy as np
import sentencepiece

ROUNDS, LEAST = 3, 0.3                               # of the learning; expected counts below this say nothing


def encoded(path, texts, ids):
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
    unknown = ids["<unk>"]
    return [np.unique([ids.get(p, unknown) for p in row]) for row in pieces.encode(texts, out_type=str)]


def number(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes([*out, n])


def ascending(tokens):
    out, least = [number(len(tokens))], 0
    for token in sorted(tokens):
        out.append(number(token - least))
        least = token + 1
    return b"".join(out)


def expected(source, target, size):
    """(source, target, expected count) of all pairs of pieces that stand in a pair of sentences."""
    sides = [(np.repeat(s, len(t)), np.tile(t, len(s)), len(s), len(t)) for s, t in zip(source, target) if len(s) and len(t)]
    keys = np.concatenate([s.astype(np.int64) * size + t for s, t, _, _ in sides])
    # the target pieces of one sentence, numbered throughout: each of them comes of one source piece
    starts = np.cumsum([0] + [n for *_, n in sides])
    owners = np.concatenate([np.tile(np.arange(n), m) + start for (*_, m, n), start in zip(sides, starts)])
    keys, cell = np.unique(keys, return_inverse=True)
    chance = np.ones(len(keys))
    for _ in range(ROUNDS):
        weight = chance[cell]
        weight /= np.bincount(owners, weight)[owners]
        counts = np.bincount(cell, weight)
        of_source = np.bincount(keys // size, counts)
        chance = counts / of_source[keys // size]
    return keys // size, keys % size, counts


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", type=Path)
    p.add_argument("text", type=Path)
    for name, default in (("pairs", 40_000), ("common", 1000), ("each", 30)):
        p.add_argument(f"--{name}", type=int, default=default)
    a = p.parse_args()
    with a.text.open(encoding="utf-8") as lines:
        pairs = [line.rstrip("\n").split("\t") for _, line in zip(range(a.pairs), lines)]
    if (a.model / "target_vocab.json").exists():
        p.error(f"{a.model} has a vocabulary for each language")
    vocabulary = (a.model / "vocab.json").read_bytes()
    ids = json.loads(vocabulary)
    size = json.loads((a.model / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    source, target = (encoded(a.model / f"{side}.spm", [pair[i] for pair in pairs], ids) for i, side in enumerate(("source", "target")))
    frequent = collections.Counter(t for row in target for t in row.tolist())
    common = {t for t, _ in frequent.most_common(a.common)} | {ids["</s>"]}
    lists = collections.defaultdict(list)
    for s, t, count in zip(*(x.tolist() for x in expected(source, target, size))):
        if count >= LEAST and t not in common:
            lists[s].append((count, t))
    # as the program does: signs everywhere, and every piece may be copied
    common |= {t for piece, t in ids.items() if len(piece.lstrip("▁")) <= 1 and t < size}
    rows = [{t for _, t in sorted(lists.get(s, []), reverse=True)[:a.each]} | {s} - common for s in range(size)]
    numbers = number(size) + number(size) + b"".join(map(ascending, [common, *rows]))
    hashes = hashlib.sha256(vocabulary).digest() + hashlib.sha256(numbers).digest()
    (a.model / "shortlist.bin").write_bytes(b"fr2en shortlist 1\n" + hashes + numbers)
    print(f"{len(common)} common; a source piece has {sum(map(len, rows)) / size:.1f} of its own on average, one that was seen {sum(len(rows[s]) for s in lists) / max(1, len(lists)):.1f}")


if __name__ == "__main__":
    main()
