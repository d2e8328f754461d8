"""Runs the whole program on evaluation sets and prints sacreBLEU and chrF, beside the figures of other systems.

    python evaluate.py --program target/release/fr2en --sets DIR [--only flores-dev wmt12] [--beam N] [--peers PEERS.md]
    python evaluate.py --program target/release/fr2en --documents DIR …

--sets      folder of NAME.fr and NAME.en, one sentence a line. The file goes through the program as it stands; if it does
            not come back with as many lines, the lines are sent again as paragraphs of their own, and that is said.
--documents folder of sets, each a folder of DOC.fr and DOC.en: every document goes through the program as a file, and is
            scored as a whole (doc) and paragraph by paragraph (par; a document whose paragraphs do not match counts as
            empty ones), with the share of documents whose paragraphs match.
--peers     Markdown file with a table whose first line is `set | SYSTEM | …`; the line of each set is printed under ours.
Needs sacrebleu. Anything after `--` goes to the program as it stands.
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from sacrebleu.metrics import BLEU, CHRF


def run(a, files, *where):
    """Seconds that the program took for `files`; `where` is `-o FILE` or `--out-dir FOLDER`."""
    command = [a.program, *files, *where, *(['--beam', str(a.beam)] if a.beam else []), *(['--model', a.model] if a.model else []), *a.rest]
    t = time.time()
    r = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors='replace')
    if r.returncode:
        sys.exit(f'{" ".join(command[:6])} … ended with {r.returncode}:\n{r.stderr[-2000:]}')
    return time.time() - t


def lines(path):
    with open(path, encoding='utf-8', newline='') as f:
        return f.read().removesuffix('\n').split('\n')


def paragraphs(path):
    text = open(path, encoding='utf-8', errors='replace').read().replace('\r\n', '\n').strip()
    return [' '.join(p.split()) for p in re.split(r'\n[ \t]*\n+', text) if p.strip()]


def peers(path, name):
    """(system, figure) pairs of every table of the file that has a line for the set."""
    found, header, title = [], None, ''
    for line in open(path, encoding='utf-8'):
        cells = [c.strip() for c in line.strip().strip('|').split('|')]
        if line.startswith('#') or '|' not in line and 3 < len(line) < 80:
            title = line.strip('# \n')
        elif cells[0] == 'set':
            header = cells[1:]
        elif header and cells[0] == name:
            found.append((title, list(zip(header, cells[1:]))))
    return found


def score(hypotheses, references):
    bleu, chrf = BLEU(), CHRF()
    b, c = bleu.corpus_score(hypotheses, [references]), chrf.corpus_score(hypotheses, [references])
    return b, c, str(bleu.get_signature()), str(chrf.get_signature())


def show(name, b, c, extra=''):
    print(f'{name}: BLEU {b.score:.2f}  chrF {c.score:.2f}  (length {b.sys_len / max(1, b.ref_len):.3f}{extra})', flush=True)


def sentences(a, name):
    source, reference = f'{a.sets}/{name}.fr', lines(f'{a.sets}/{name}.en')
    with tempfile.TemporaryDirectory() as work:
        plain, out = f'{work}/{name}.txt', f'{work}/{name}.out.txt'
        text = lines(source)
        with open(plain, 'w', encoding='utf-8') as w:
            w.write('\n'.join(text) + '\n')
        seconds, hypothesis = run(a, [plain], '-o', out, '--wrapped=no'), lines(out)
        if len(hypothesis) != len(text):
            print(f'{name}: {len(hypothesis)} lines came back for {len(text)}; the lines go as paragraphs now', flush=True)
            with open(plain, 'w', encoding='utf-8') as w:
                w.write('\n\n'.join(text) + '\n')
            seconds, hypothesis = run(a, [plain], '-o', out), lines(out)[::2]
            if len(hypothesis) != len(text):
                sys.exit(f'{name}: {len(hypothesis)} paragraphs for {len(text)}')
        if a.keep:
            os.makedirs(a.keep, exist_ok=True)
            with open(f'{a.keep}/{name}.en', 'w', encoding='utf-8') as w:
                w.write('\n'.join(hypothesis) + '\n')
    words = sum(len(s.split()) for s in text)
    b, c, *signature = score(hypothesis, reference)
    empty = sum(not h.strip() for h, s in zip(hypothesis, text) if s.strip())
    show(name, b, c, f', {len(text)} lines, {empty} empty, {seconds:.1f} s, {words / seconds:.0f} source words/s with start')
    return signature


def documents(a, folder):
    name = os.path.basename(folder)
    texts = sorted(glob.glob(f'{folder}/*.fr'))
    keep = tempfile.TemporaryDirectory() if not a.keep else None
    base = keep.name if keep else f'{a.keep}/{name}'
    os.makedirs(f'{base}/in', exist_ok=True)
    files = [f'{base}/in/{os.path.basename(path)[:-3]}.txt' for path in texts]
    for path, plain in zip(texts, files):
        shutil.copyfile(path, plain)
    seconds = run(a, files, '--out-dir', f'{base}/out')
    dh, dr, ph, pr, right = [], [], [], [], 0
    for path, plain in zip(texts, files):
        out = f'{base}/out/{os.path.basename(plain)}'
        h, r = paragraphs(out), paragraphs(path[:-3] + '.en')
        dh.append(' '.join(h))
        dr.append(' '.join(r))
        right += len(h) == len(r)
        ph += h if len(h) == len(r) else [''] * len(r)
        pr += r
    b, c, *signature = score(dh, dr)
    show(f'{name} doc', b, c, f', {len(texts)} documents, {seconds:.1f} s')
    b, c, *_ = score(ph, pr)
    show(f'{name} par', b, c, f', paragraphs right in {100 * right / len(texts):.0f} % of the documents')
    return signature


def main():
    argv, rest = (sys.argv[1:], []) if '--' not in sys.argv else (sys.argv[1:sys.argv.index('--')], sys.argv[sys.argv.index('--') + 1:])
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--program', required=True)
    p.add_argument('--sets')
    p.add_argument('--documents')
    p.add_argument('--only', nargs='*', help='names of sets; without it, all of the folder')
    p.add_argument('--beam', type=int)
    p.add_argument('--model')
    p.add_argument('--peers')
    p.add_argument('--keep', help='folder for the translations')
    a = p.parse_args(argv)
    a.rest = rest
    if not a.sets and not a.documents:
        p.error('give --sets or --documents')
    signature = None
    for kind, folder, names in (('sentences', a.sets, [os.path.basename(f)[:-3] for f in sorted(glob.glob(f'{a.sets}/*.fr'))] if a.sets else []),
                                ('documents', a.documents, [os.path.basename(d.rstrip('/')) for d in sorted(glob.glob(f'{a.documents}/*/'))] if a.documents else [])):
        for name in names:
            if a.only and name not in a.only:
                continue
            signature = sentences(a, name) if kind == 'sentences' else documents(a, f'{folder}/{name}')
            for title, figures in peers(a.peers, name) if a.peers else []:
                print(f'    {title}: ' + ', '.join(f'{s} {v}' for s, v in figures if v))
    if not signature:
        sys.exit('no set found')
    print('BLEU', signature[0])
    print('chrF', signature[1])


if __name__ == '__main__':
    main()
