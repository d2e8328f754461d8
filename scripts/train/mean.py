"""The mean of two exported models: of a run's end and of where it started.

    python mean.py END START SHARE OUT

OUT gets SHARE of END's weights and the rest of START's, which gets as many encoder layers first as `--deepen` gave the run. Which
share is best shows in translations (../eval/evaluate.py), more than in the validation loss.
"""
import argparse
import os
import shutil

import model as marian


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('end')
    p.add_argument('start')
    p.add_argument('share', type=float)
    p.add_argument('out')
    a = p.parse_args()
    (end, eos), (start, _) = marian.load_hf(a.end), marian.load_hf(a.start)
    shape = marian.shape_of(end)
    marian.deepen(start, shape['enc'])
    if marian.shape_of(start) != shape:
        raise SystemExit(f'{a.end} has the shape {shape}, {a.start} {marian.shape_of(start)}')
    end, start = end.state_dict(), start.state_dict()
    vocab = len(end['shared.weight'])
    os.makedirs(a.out, exist_ok=True)
    marian.save_hf(marian.mean(end, start, a.share), a.out, vocab, vocab - 1, eos, **shape)
    for name in ('source.spm', 'target.spm', 'vocab.json'):
        if os.path.exists(f'{a.start}/{name}'):
            shutil.copyfile(f'{a.start}/{name}', f'{a.out}/{name}')


if __name__ == '__main__':
    main()
