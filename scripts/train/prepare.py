"""Corpora (SOURCE.tsv.zst: French<TAB>English; SOURCE.tsv beside this program) to a SentencePiece model, vocab.json and id shards for train_marian.py.

    python prepare.py --corpus DIR --never DIR --out OUT [--vocab 16000 | --like MODEL] [--mixture mixture.toml …]

Four stages, each of which skips what is already there, so that an interrupted run goes on where it stopped:
lexicon which words translate which, from a part of every source, to find pairs that are no translations (lexicon.py)
clean   every source in chunks: filters of text.py, the check against the evaluation sets in --never, keys for duplicates
pieces  the SentencePiece model, on a sample (with --like MODEL its vocabulary is taken as it stands)
shards  variants of augment.py, ids, OUT/train-NN.bin (uint16, source then target, no eos) with .idx.npy (offset, lengths)
The counts of every source and filter are printed and kept in OUT/counts.json.
"""
import argparse
import collections
import glob
import io
import itertools
import json
import multiprocessing
import os
import random
import re
import shutil
import time
import tomllib

import numpy as np
import sentencepiece
import zstandard

import augment
import lexicon
import patterns
import text

CHUNK = 50_000
HERE = os.path.dirname(os.path.abspath(__file__))
# Letters, digits and signs that French and English print; the vocabulary has every one of them, however rare.
ALPHABET = ('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
            'àâäáãåăąæçćčđéèêëęěğíìîïıłñńňóòôöõøőœřśšşșßţțúùûüůűýÿźżžÀÂÄÁÃÅÆÇĆČĐÉÈÊËĞÍÎÏİŁÑÓÔÖØŒŘŚŠŞȘȚÚÙÛÜŸŹŻŽ'
            '.,;:!?\'"()[]{}<>-–—_/\\|@#&%$€£¥§°*+=±×÷~^«»“”’•·©®μ→')
MADE_SAMPLE = 2_000                                 # pairs from patterns in each part of the sample for the pieces
A = None                                            # the arguments, known to every worker


def sources():
    mixture = {}
    for path in A.mixture:
        for source, said in tomllib.load(open(path, 'rb')).items():
            mixture[source] = mixture.get(source, {}) | said
    return {s: m for s, m in mixture.items() if path_of(s)}, [s for s in mixture if not path_of(s)]


def path_of(source):
    """Where a source lies, if it does."""
    return next((p for p in (f'{A.corpus}/{source}.tsv.zst', f'{HERE}/{source}.tsv') if os.path.exists(p)), None)


# ---- clean ----------------------------------------------------------------------------------------------------------

def forbidden():
    """Keys of all lines and sentences of the evaluation sets (any text file under --never) of at least 12 letters."""
    keys, n = set(), 0
    for path in glob.glob(f'{A.never}/**/*', recursive=True):
        if not os.path.isfile(path) or path.endswith(('.py', '.tsv')):
            continue
        n += 1
        for line in open(path, encoding='utf-8', errors='replace'):
            parts = [line]
            if path.endswith('.jsonl'):
                try:
                    r = json.loads(line)
                    parts = [r.get('text', '')] + [s for s in r.get('sentences', []) if isinstance(s, str)]
                except ValueError:
                    pass
            for p in parts:
                for s in {p, *text.sentences(p), *text.INNER_END.split(' '.join(p.split()))}:
                    if sum(c.isalnum() for c in s) >= 12:
                        keys.add(text.key(s))
    print(f'evaluation: {n} files, {len(keys)} sentences that no pair may contain', flush=True)
    return keys


def evaluated(s):
    """Whether the text, or a sentence of it, stands in an evaluation set."""
    return any(text.key(p) in FORBIDDEN for p in text.sentences(s))


def clean_chunk(job):
    source, number, lines = job
    base, counts, names = f'{A.out}/clean/{source}.{number:03}', collections.Counter(), collections.Counter()
    keys, out = [], []
    for line in lines:
        t = line.rstrip('\n').split('\t')
        counts['read'] += 1
        if len(t) < 2:
            counts['no pair'] += 1
            continue
        r = text.clean(t[0], t[1], source, A.longest, LEXICON, MIXTURE[source].get('aligned', 0.2))
        if isinstance(r, str):
            counts[r] += 1
            continue
        if evaluated(r[0]) or evaluated(r[1]):
            counts['evaluation'] += 1
            continue
        kf, ke = text.key(r[0]), text.key(r[1])
        out.append(r)
        keys.append((kf ^ (ke * 3 & 0xffffffffffffffff), text.key(r[0], True)))
        for n in set(augment.NAME.findall(r[0])):
            if n in r[1] and n not in augment.NOT_NAMES and n.lower() not in COMMON:
                names[n] += 1
    np.save(base + '.keys.npy', np.array(keys, np.uint64).reshape(-1, 2))
    json.dump(names, open(base + '.names.json', 'w'), ensure_ascii=False)
    with open(base + '.tsv', 'w', encoding='utf-8') as w:
        w.writelines(f'{f}\t{e}\n' for f, e in out)
    json.dump(counts, open(base + '.json.tmp', 'w'))
    os.replace(base + '.json.tmp', base + '.json')    # the chunk is done when this file is there
    return source, counts


def lines_of(source):
    path = path_of(source)
    with open(path, 'rb') as raw:
        plain = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw) if path.endswith('.zst') else raw
        lines = io.TextIOWrapper(plain, encoding='utf-8', newline='\n')
        yield from itertools.islice(lines, A.limit or None)


def chunks(wanted):
    for source in wanted:
        lines, number = lines_of(source), 0
        while chunk := list(itertools.islice(lines, CHUNK)):
            yield source, number, chunk
            number += 1


def word_list(wanted):
    """OUT/lexicon.json: which words translate which, and the words that occur in small letters; from the short pairs of every source."""
    path = f'{A.out}/lexicon.json'
    if not os.path.exists(path):
        sample, small = [], collections.Counter()
        for source in wanted:
            most = 80_000 if source == 'europarl' else 20_000
            fit = (t for t in (line.rstrip('\n').split('\t') for line in lines_of(source)) if len(t) > 1 and max(len(t[0]), len(t[1])) < 120)
            for t in itertools.islice(fit, most):
                sample.append((text.tidy_french(t[0]), text.tidy_english(t[1])))
                small.update(w for s in sample[-1] for w in set(text.WORD.findall(s)) if w.islower() and len(w) > 3)
        tables = lexicon.learn(sample)
        json.dump([*tables, sorted(w for w, n in small.items() if n > 2)], open(path + '.tmp', 'w', encoding='utf-8'), ensure_ascii=False)
        os.replace(path + '.tmp', path)
    return lexicon.Lexicon(path)


def clean(wanted, pool):
    os.makedirs(f'{A.out}/clean', exist_ok=True)
    todo = (j for j in chunks(wanted) if not os.path.exists(f'{A.out}/clean/{j[0]}.{j[1]:03}.json'))
    gate = multiprocessing.Semaphore(6)               # a few chunks ahead, not the whole corpus in memory

    def fed():
        for j in todo:
            gate.acquire()
            yield j
    for _ in pool.imap_unordered(clean_chunk, fed()):
        gate.release()
    counts = collections.defaultdict(collections.Counter)
    for path in sorted(glob.glob(f'{A.out}/clean/*.json')):
        if not path.endswith('.names.json'):
            counts[os.path.basename(path).split('.')[0]].update(json.load(open(path)))
    return counts


def unique(wanted, counts):
    """Writes OUT/clean/*.keep.npy: the pairs that no earlier one repeats and whose template is not worn out."""
    paths = [p for s in wanted for p in sorted(glob.glob(f'{A.out}/clean/{s}.*.keys.npy'))]
    parts = [np.load(p) for p in paths]
    keys = np.concatenate(parts)
    first = np.zeros(len(keys), bool)
    first[np.unique(keys[:, 0], return_index=True)[1]] = True
    # the how-manieth pair of its template each first pair is: its place among the equal ones of a stable sort
    rows = np.nonzero(first)[0]
    order = np.argsort(keys[rows, 1], kind='stable')
    template = keys[rows[order], 1]
    start = np.r_[True, template[1:] != template[:-1]]
    place = np.arange(len(order)) - np.maximum.accumulate(np.where(start, np.arange(len(order)), 0))
    keep = first.copy()
    keep[rows[order[place >= A.templates]]] = False
    at = 0
    for path, part in zip(paths, parts):
        here, source = slice(at, at + len(part)), os.path.basename(path).split('.')[0]
        at += len(part)
        counts[source].update({'duplicate': int((~first[here]).sum()), 'template': int((first[here] & ~keep[here]).sum()), 'kept': int(keep[here].sum())})
        np.save(path.replace('.keys.npy', '.keep.npy'), keep[here])


def pairs(base):
    keep = np.load(base + '.keep.npy')
    with open(base + '.tsv', encoding='utf-8', newline='\n') as f:
        for ok, line in zip(keep, f):
            if ok:
                yield line.rstrip('\n').split('\t')


# ---- pieces ---------------------------------------------------------------------------------------------------------

def vary_sample(job):
    base, share, seed = job
    rng = random.Random(seed)
    chosen = made(MADE_SAMPLE, rng) if base is None else (p for p in pairs(base) if rng.random() < share)
    return [s for f, e in chosen for s in augment.vary(f, e, rng, 'full', NAMES)]


def made(n, rng):
    p = patterns.Patterns(NAMES)
    for _ in range(n):
        f, e = p.make(rng)
        yield text.tidy_french(f), text.tidy_english(e)


def pieces(pool, jobs):
    if A.like:
        for f in ('source.spm', 'target.spm', 'vocab.json'):
            shutil.copyfile(f'{A.like}/{f}', f'{A.out}/{f}')
        return
    if os.path.exists(f'{A.out}/vocab.json'):
        return
    total = sum(int(np.load(b + '.keep.npy').sum()) * m['share'] for b, m, _ in jobs if b)
    share = A.spm_pairs / total
    sample = [s for part in pool.imap(vary_sample, [(b, share * m['share'], i) for b, m, i in jobs]) for s in part]
    print(f'pieces: {len(sample)} lines', flush=True)
    # vocab.json holds </s>, <unk> and <pad> beside the pieces, SentencePiece counts the first two: a round size is fastest
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sample), model_prefix=f'{A.out}/spm', vocab_size=A.vocab - 1, model_type='unigram', character_coverage=0.9999,
        required_chars=ALPHABET, normalization_rule_name='nmt_nfkc', num_threads=A.processes, split_digits=True, byte_fallback=A.bytes,
        unk_id=0, bos_id=-1, eos_id=1, pad_id=-1, max_sentence_length=2000, minloglevel=1)
    os.replace(f'{A.out}/spm.model', f'{A.out}/source.spm')
    shutil.copyfile(f'{A.out}/source.spm', f'{A.out}/target.spm')
    sp = sentencepiece.SentencePieceProcessor(model_file=f'{A.out}/source.spm')
    vocabulary = {'</s>': 0, '<unk>': 1}
    for i in range(sp.get_piece_size()):
        vocabulary.setdefault(sp.id_to_piece(i), len(vocabulary))
    vocabulary['<pad>'] = len(vocabulary)
    json.dump(vocabulary, open(f'{A.out}/vocab.json.tmp', 'w', encoding='utf-8'), ensure_ascii=False, indent=0)
    os.replace(f'{A.out}/vocab.json.tmp', f'{A.out}/vocab.json')
    lost = [c for c in ALPHABET if sp.unk_id() in sp.encode(c)]
    print(f'pieces: {len(vocabulary)} in the vocabulary; letters and signs without one: {"".join(lost) or "none"}', flush=True)


# ---- shards ---------------------------------------------------------------------------------------------------------

class Ids:
    """Text to vocabulary ids, as the Marian tokenizer does it: pieces of source.spm, ids of vocab.json."""
    def __init__(self):
        self.sp = sentencepiece.SentencePieceProcessor(model_file=f'{A.out}/source.spm')
        v = json.load(open(f'{A.out}/vocab.json', encoding='utf-8'))
        self.lut = np.array([v.get(self.sp.id_to_piece(i), v['<unk>']) for i in range(self.sp.get_piece_size())], np.uint16)
        self.unk = v['<unk>']
        sign = lambda c: self.sp.unk_id() in self.sp.encode(c)
        self.style = 'plain' if sign('“') or sign('’') else 'full'
    def __call__(self, lines):
        return [self.lut[i] for i in self.sp.encode(lines)]


def lines_of_chunk(base, m, rng, counts):
    """The variants of one chunk in corpus order; the trainer's batches shuffle them."""
    if base is None:
        return [augment.vary(f, e, rng, 'full', NAMES) for f, e in made(int(m['pairs'] * A.scale), rng)]
    lines, running, every = [], m.get('running', True), list(pairs(base))
    for i, (f, e) in enumerate(every):
        share = m['share'] * A.scale
        if 'short' in m and len(f) < 60:
            share *= m['short']
        if 'parliament' in m and len(text.PARLIAMENT.findall(f)) > 1:
            share *= m['parliament']
        for _ in range(int(share) + (rng.random() < share - int(share))):
            a, b, k = f, e, i
            if rng.random() < A.joined:              # two sentences and more in one segment, up to a random length
                room = rng.random() * A.longest
                while True:
                    k = k - 1 if running else int(rng.random() * len(every))
                    if k < 0 or not joins(every[k], (a, b)) or len(every[k][0]) + len(a) > room:
                        break
                    a, b = every[k][0] + ' ' + a, every[k][1] + ' ' + b
            if a is not f:
                counts['joined'] += 1
            lines.append(augment.vary(a, b, rng, 'full', NAMES))
    return lines


def joins(first, second):
    """Whether two pairs may stand one after the other: whole sentences on both sides, and not the same one again."""
    return all(a[-1] in '.!?' and b[0].isupper() and a not in b for a, b in zip(first, second))


def shard_chunk(job):
    """The variants of one chunk as (ids, lengths), and how often each sign was seen in French and in English."""
    base, m, seed = job
    rng, ids, counts = random.Random(seed), Ids(), collections.Counter()
    lines = lines_of_chunk(base, m, rng, counts)
    F, E = ids([a for a, _ in lines]), ids([b for _, b in lines])
    flat, lengths, seen = [np.zeros(0, np.uint16)], [], collections.Counter()
    for a, b, (f, e) in zip(F, E, lines):
        if not 0 < len(a) <= A.max_tokens or not 0 < len(b) <= A.max_tokens:
            counts['long in pieces'] += 1
        elif (a == ids.unk).any() or (b == ids.unk).any():
            counts['unknown letters'] += 1
        else:
            flat += (a, b)
            lengths.append((len(a), len(b)))
            seen.update('<' + c for c in set(f))
            seen.update('>' + c for c in set(e))
    counts['pairs'] = len(lengths)
    return base, counts, np.concatenate(flat), np.array(lengths, np.int32).reshape(-1, 2), seen


class Shard:
    """OUT/NAME.bin and .idx.npy; the index is written last, so that a reader never sees half a shard."""
    def __init__(self, name):
        self.name, self.flat, self.lengths, self.size = f'{A.out}/{name}', [], [], 0
    def add(self, flat, lengths):
        self.flat.append(flat), self.lengths.append(lengths)
        self.size += flat.nbytes
    def write(self):
        lengths = np.concatenate(self.lengths).astype(np.int64)
        np.concatenate(self.flat).tofile(self.name + '.bin')
        offset = np.concatenate([[0], np.cumsum(lengths.sum(1))[:-1]])
        np.save(self.name + '.idx.tmp.npy', np.concatenate([offset[:, None], lengths], 1))
        os.replace(self.name + '.idx.tmp.npy', self.name + '.idx.npy')
        print(f'{os.path.basename(self.name)}: {len(lengths)} pairs, {lengths[:, 0].sum()} + {lengths[:, 1].sum()} pieces', flush=True)


def shards(pool, jobs, counts):
    """Chunks in random order, so that every shard is a fair sample of the whole mixture."""
    jobs = [j for j in jobs if j[0] or A.scale]
    random.Random(A.seed).shuffle(jobs)
    number, shard, seen = 0, Shard('train-00'), collections.Counter()
    for base, c, flat, lengths, signs in pool.imap(shard_chunk, jobs):
        counts[os.path.basename(base).split('.')[0] if base else 'patterns'].update(c)
        seen.update(signs)
        shard.add(flat, lengths)
        if shard.size > A.shard_mb * 1e6:
            shard.write()
            number, shard = number + 1, Shard(f'train-{number + 1:02}')
    if shard.size:
        shard.write()
    rare = [f'{c} {seen["<" + c]}+{seen[">" + c]}' for c in ALPHABET if min(seen['<' + c], seen['>' + c]) < 100]
    print('letters and signs that fewer than 100 lines of a side hold:', ', '.join(rare) or 'none', flush=True)


def dev_shard():
    """OUT/dev: a held-out set given as two files, for the validation loss only."""
    ids, d = Ids(), Shard('dev')
    F = ids([text.tidy_french(s) for s in open(A.dev + '.fr', encoding='utf-8')])
    E = ids([text.tidy_english(s) for s in open(A.dev + '.en', encoding='utf-8')])
    d.add(np.concatenate([x for p in zip(F, E) for x in p]), np.array([(len(a), len(b)) for a, b in zip(F, E)], np.int32))
    d.write()


def main():
    global A, FORBIDDEN, NAMES, LEXICON, COMMON, MIXTURE
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--corpus', required=True, help='folder of SOURCE.tsv.zst, beside the SOURCE.tsv of this folder')
    p.add_argument('--never', required=True, help='folder of evaluation sets; no pair may hold one of their sentences')
    p.add_argument('--dev', help='PREFIX of PREFIX.fr and PREFIX.en, for the validation loss')
    p.add_argument('--out', required=True)
    p.add_argument('--mixture', nargs='+', default=[f'{HERE}/mixture.toml'], help='each file changes what those before it say')
    p.add_argument('--like', help='take the vocabulary of this model folder')
    for k, v, h in (('vocab', 16000, 'entries of vocab.json'), ('processes', os.cpu_count(), ''), ('longest', 600, 'letters of the longest text'), ('max-tokens', 160, 'pieces of the longest side'),
                    ('templates', 4, 'pairs that may differ in digits only'), ('spm-pairs', 250_000, 'pairs the pieces are learnt from'), ('shard-mb', 30, 'size of a shard before packing'),
                    ('patterns', 40_000, 'pairs made from patterns.tsv'), ('limit', 0, 'lines of each source, for rehearsals'), ('seed', 7, '')):
        p.add_argument(f'--{k}', type=int, default=v, help=h)
    p.add_argument('--scale', type=float, default=1.0, help='all shares times this')
    p.add_argument('--joined', type=float, default=0.25, help='share of the pairs that sentences before them are joined to')
    p.add_argument('--bytes', action='store_true', help='byte fallback: letters outside the vocabulary are spelt in bytes')
    A = p.parse_args()
    t = time.time()
    wanted, absent = sources()
    MIXTURE = wanted
    if absent:
        print('not in the corpus folder:', *absent)
    os.makedirs(A.out, exist_ok=True)
    FORBIDDEN, NAMES = forbidden(), augment.Names()
    LEXICON = word_list(wanted)
    COMMON = LEXICON.small
    print(f'lexicon: {time.time() - t:.0f} s, {len(LEXICON.tables[0])} French words', flush=True)
    with multiprocessing.Pool(A.processes) as pool:
        counts = clean(wanted, pool)
    FORBIDDEN = set()
    unique(wanted, counts)
    names = collections.Counter()
    for path in glob.glob(f'{A.out}/clean/*.names.json'):
        names.update(json.load(open(path)))
    NAMES = augment.Names(sorted(n for n, c in names.items() if 2 <= c <= 1000))
    print(f'clean: {time.time() - t:.0f} s, {len(NAMES)} names for swapping', flush=True)
    with multiprocessing.Pool(A.processes) as pool:
        bases = [(b[:-9], m) for s, m in wanted.items() for b in sorted(glob.glob(f'{A.out}/clean/{s}.*.keep.npy'))]
        jobs = [(b, m, A.seed * 100_000 + i) for i, (b, m) in enumerate([*bases, *[(None, dict(share=1.0, pairs=A.patterns // 8))] * 8])]
        pieces(pool, jobs)
        print(f'pieces: {time.time() - t:.0f} s', flush=True)
        if A.dev:
            dev_shard()
        shards(pool, jobs, counts)
    for s, c in counts.items():
        print(f'{s}: ' + ', '.join(f'{k} {v}' for k, v in c.most_common()))
    total = collections.Counter()
    for c in counts.values():
        total.update(c)
    print('all: ' + ', '.join(f'{k} {v}' for k, v in total.most_common()))
    json.dump({s: dict(c) for s, c in counts.items()}, open(f'{A.out}/counts.json', 'w'), indent=1)
    print(f'done: {time.time() - t:.0f} s', flush=True)


if __name__ == '__main__':
    main()
