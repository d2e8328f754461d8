"""Moves shards and results through a narrow door: packs, splits, joins, and checks every byte by SHA-256.

    pack.py pack DATA PIECES [--only NAME…]    each shard as PIECES/NAME.xz (and vocab.json); prints the sizes
    pack.py pieces PIECES OUT [--mb 58]        the packed shards in folders OUT/0, OUT/1, … of at most that size; dev in the first
    pack.py unpack PIECES DATA                 shards that DATA lacks; run it again whenever more pieces have come
    pack.py split FILE DIR [--mb 15]           FILE as DIR/FILE.000 … with DIR/FILE.sha256
    pack.py join DIR FILE                      the file again; fails if a part is missing or a byte differs

Only the standard library and numpy are needed on the far side.
"""
import argparse
import glob
import hashlib
import lzma
import multiprocessing
import os
import shutil

import numpy as np


def pack_one(job):
    """A shard is 8 bytes of count, the lengths as one byte each (source then target of every pair), and the ids."""
    base, out = job
    index = np.load(base + '.idx.npy')
    lengths = index[:, 1:].astype(np.uint16)
    ids = np.fromfile(base + '.bin', np.uint16)
    # low bytes first, then high ones: the high bytes of like pieces compress together
    raw = np.uint64(len(index)).tobytes() + lengths.tobytes() + (ids & 255).astype(np.uint8).tobytes() + (ids >> 8).astype(np.uint8).tobytes()
    with open(out + '.tmp', 'wb') as w:
        w.write(lzma.compress(raw, preset=1))
    os.replace(out + '.tmp', out)
    return os.path.basename(out), len(index), os.path.getsize(out)


def unpack_one(job):
    path, base = job
    raw = lzma.decompress(open(path, 'rb').read())
    n = int(np.frombuffer(raw[:8], np.uint64)[0])
    lengths = np.frombuffer(raw[8:8 + 4 * n], np.uint16).reshape(n, 2).astype(np.int64)
    body = np.frombuffer(raw[8 + 4 * n:], np.uint8)
    half = len(body) // 2
    (body[:half].astype(np.uint16) | body[half:].astype(np.uint16) << 8).tofile(base + '.bin')
    offset = np.concatenate([[0], np.cumsum(lengths.sum(1))[:-1]])
    np.save(base + '.tmp.npy', np.concatenate([offset[:, None], lengths], 1))
    os.replace(base + '.tmp.npy', base + '.idx.npy')  # last: a trainer that runs takes the shard once this is there
    return os.path.basename(base), n


def pack(a):
    os.makedirs(a.target, exist_ok=True)
    names = a.only or [os.path.basename(f)[:-8] for f in sorted(glob.glob(f'{a.source}/*.idx.npy'))]
    jobs = [(f'{a.source}/{n}', f'{a.target}/{n}.xz') for n in names if not os.path.exists(f'{a.target}/{n}.xz')]
    shutil.copyfile(f'{a.source}/vocab.json', f'{a.target}/vocab.json')
    with multiprocessing.Pool() as pool:
        for name, n, size in pool.imap(pack_one, jobs):
            print(f'{name}: {n} pairs, {size / 1e6:.1f} MB', flush=True)


def pieces(a):
    limit, size, number = (a.mb or 58) * 1e6, 0, 0
    first = ['vocab.json', 'dev.xz']
    names = [n for n in first if os.path.exists(f'{a.source}/{n}')] + [n for n in sorted(os.listdir(a.source)) if n.endswith('.xz') and n not in first]
    for name in names:
        here = os.path.getsize(f'{a.source}/{name}')
        if here > limit:
            raise SystemExit(f'{name} has {here / 1e6:.1f} MB: prepare with a smaller --shard-mb')
        if size + here > limit:
            number, size = number + 1, 0
        size += here
        os.makedirs(f'{a.target}/{number}', exist_ok=True)
        shutil.copyfile(f'{a.source}/{name}', f'{a.target}/{number}/{name}')
    print(f'{len(names)} files in {number + 1} pieces')


def unpack(a):
    os.makedirs(a.target, exist_ok=True)
    if os.path.exists(f'{a.source}/vocab.json'):
        shutil.copyfile(f'{a.source}/vocab.json', f'{a.target}/vocab.json')
    names = [os.path.basename(f)[:-3] for f in sorted(glob.glob(f'{a.source}/*.xz'))]
    jobs = [(f'{a.source}/{n}.xz', f'{a.target}/{n}') for n in names if not os.path.exists(f'{a.target}/{n}.idx.npy')]
    with multiprocessing.Pool() as pool:
        for name, n in pool.imap(unpack_one, jobs):
            print(f'{name}: {n} pairs', flush=True)


def split(a):
    os.makedirs(a.target, exist_ok=True)
    name, data = os.path.basename(a.source), open(a.source, 'rb').read()
    size = int((a.mb or 15) * 1e6)
    for i in range(0, len(data), size):
        with open(f'{a.target}/{name}.{i // size:03}', 'wb') as w:
            w.write(data[i:i + size])
    with open(f'{a.target}/{name}.sha256', 'w') as w:
        w.write(f'{hashlib.sha256(data).hexdigest()}  {name}\n')
    print(f'{name}: {len(data)} bytes in {-(-len(data) // size)} parts')


def join(a):
    name = os.path.basename(a.target)
    parts = sorted(glob.glob(f'{a.source}/{name}.[0-9][0-9][0-9]'))
    data = b''.join(open(p, 'rb').read() for p in parts)
    if hashlib.sha256(data).hexdigest() != open(f'{a.source}/{name}.sha256').read().split()[0]:
        raise SystemExit(f'{name}: {len(parts)} parts do not make the file that was split; fetch them again')
    with open(a.target, 'wb') as w:
        w.write(data)
    print(f'{name}: {len(data)} bytes, checksum right')


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('what', choices=('pack', 'pieces', 'unpack', 'split', 'join'))
    p.add_argument('source')
    p.add_argument('target')
    p.add_argument('--only', nargs='*')
    p.add_argument('--mb', type=float)
    a = p.parse_args()
    globals()[a.what](a)
