"""A bilingual word list drawn from the corpora themselves, to find pairs that are no translations of each other.

Two words belong together when they stand in the same pairs far more often than chance would have it (Dice's
coefficient over short pairs). `Lexicon.score(french words, english words)` is the share of the words it knows that have a
partner on the other side, the lower of the two directions; 1.0 where it knows too few words to say.
"""
import collections
import json

import numpy as np

import text

ENOUGH = 4                                           # known words without which nothing is said


def content(words):
    return {w for w in words if len(w) > 3}


def learn(pairs, most=40_000, partners=8, least=0.04):
    """{french: [english…]} and {english: [french…]} from (french, english) texts, best taken short."""
    pairs = [(content(text.WORD.findall(f.lower())), content(text.WORD.findall(e.lower()))) for f, e in pairs]
    tables, sides = [], []
    for side in (0, 1):
        counts = collections.Counter(w for p in pairs for w in p[side])
        words = [w for w, n in counts.most_common(most) if n > 2]
        number = {w: i for i, w in enumerate(words)}
        sides.append([np.array([number[w] for w in p[side] if w in number], np.int64) for p in pairs])
        tables.append((words, np.array([counts[w] for w in words])))
    (french, cf), (english, ce) = tables
    codes, together = np.concatenate([(a[:, None] * most + b).ravel() for a, b in zip(*sides)]), None
    codes, together = np.unique(codes, return_counts=True)
    codes, together = codes[together > 1], together[together > 1]
    a, b = codes // most, codes % most
    dice = 2 * together / (cf[a] + ce[b])
    out = []
    for own, other, words, others in ((a, b, french, english), (b, a, english, french)):
        table = {}
        for i in np.lexsort((-dice, own)):
            if dice[i] >= least:
                row = table.setdefault(words[own[i]], [])
                if len(row) < partners:
                    row.append(others[other[i]])
        out.append(table)
    return out


class Lexicon:
    def __init__(self, path):
        *tables, small = json.load(open(path, encoding='utf-8'))
        self.tables, self.small = [{w: frozenset(p) for w, p in t.items()} for t in tables], frozenset(small)

    def score(self, french, english):
        f, e = content(french), content(english)
        if min(len(f), len(e)) < ENOUGH:
            return 1.0
        stems = {w[:5] for w in f} & {w[:5] for w in e}
        return min(self.share(f, e, self.tables[0], stems), self.share(e, f, self.tables[1], stems))

    @staticmethod
    def share(own, other, table, stems):
        known = [(w, table[w]) for w in own if w in table]
        if len(known) < ENOUGH:
            return 1.0
        return sum(w[:5] in stems or not p.isdisjoint(other) for w, p in known) / len(known)
