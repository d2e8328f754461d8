"""A training run to a model folder in the Hugging Face layout, checked against transformers and the trainer's own network.

    python export.py --run OUT --data DIR --to models/NAME [--check dev.fr] [--lines 100]

--run is a folder of train_marian.py (its hf/ is taken), --data holds source.spm, target.spm and vocab.json. With --check,
transformers.MarianMTModel (4.x) loads the folder and translates the first lines greedily; every translation must be
the one that the trainer's own network gives. Exits with 1 if one differs.
"""
import argparse
import hashlib
import json
import os
import shutil

import torch

import model as marian


def own(path, lines, limit, batch=16):
    """Greedy translations as id lists, by the trainer's network and the folder's vocabulary."""
    import sentencepiece
    net, eos = marian.load_hf(path)
    net.eval()
    sp = sentencepiece.SentencePieceProcessor(model_file=f'{path}/source.spm')
    v = json.load(open(f'{path}/vocab.json', encoding='utf-8'))
    rows = [[v.get(p, v['<unk>']) for p in sp.encode(s, out_type=str)] + [eos] for s in lines]
    out = []
    for i in range(0, len(rows), batch):
        part = rows[i:i + batch]
        width = max(map(len, part))
        out += net.greedy(torch.tensor([r + [net.pad] * (width - len(r)) for r in part]), eos, limit)
    return out, rows


def reference(path, lines, limit, batch=16):
    """The same by transformers, and the ids its tokenizer gives the source."""
    from transformers import MarianMTModel, MarianTokenizer
    tokenizer = MarianTokenizer.from_pretrained(path)
    net = MarianMTModel.from_pretrained(path, dtype=torch.float32).eval()
    out, rows = [], []
    skip = {net.config.pad_token_id, net.config.eos_token_id}
    for i in range(0, len(lines), batch):
        x = tokenizer(lines[i:i + batch], return_tensors='pt', padding=True)
        rows += [r[:int(m.sum())].tolist() for r, m in zip(x['input_ids'], x['attention_mask'])]
        with torch.no_grad():
            y = net.generate(**x, num_beams=1, do_sample=False, max_new_tokens=limit)
        out += [[t for t in r if t not in skip] for r in y.tolist()]
    return out, rows


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--run', help='folder of the training run; without it, --to is only checked')
    p.add_argument('--data')
    p.add_argument('--to', required=True)
    p.add_argument('--check', help='French lines to translate')
    p.add_argument('--lines', type=int, default=100)
    p.add_argument('--limit', type=int, default=200, help='ids of a translation at most')
    p.add_argument('--threads', type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    if a.run:
        os.makedirs(a.to, exist_ok=True)
        for f in ('model.safetensors', 'config.json', 'generation_config.json'):
            shutil.copyfile(f'{a.run}/hf/{f}', f'{a.to}/{f}')
        for f in ('source.spm', 'target.spm', 'vocab.json'):
            shutil.copyfile(f'{a.data}/{f}', f'{a.to}/{f}')
        json.dump(dict(source_lang='fr', target_lang='en', unk_token='<unk>', eos_token='</s>', pad_token='<pad>', model_max_length=512,
                       tokenizer_class='MarianTokenizer'), open(f'{a.to}/tokenizer_config.json', 'w'))
    total = 0
    for f in sorted(os.listdir(a.to)):
        data = open(f'{a.to}/{f}', 'rb').read()
        total += len(data)
        print(f'{hashlib.sha256(data).hexdigest()}  {f}  {len(data)} bytes')
    print(f'{total / 2 ** 20:.1f} MiB in all')
    if a.check:
        lines = [s.strip() for s in open(a.check, encoding='utf-8')][:a.lines]
        (y, x), (y2, x2) = own(a.to, lines, a.limit), reference(a.to, lines, a.limit)
        wrong = [i for i in range(len(lines)) if y[i] != y2[i] or x[i] != x2[i]]
        for i in wrong[:5]:
            print(f'line {i + 1}: {lines[i][:80]!r}\n  own          {x[i][:12]} -> {y[i][:24]}\n  transformers {x2[i][:12]} -> {y2[i][:24]}')
        print(f'{len(lines) - len(wrong)} of {len(lines)} translations are the same')
        raise SystemExit(bool(wrong))


if __name__ == '__main__':
    main()
