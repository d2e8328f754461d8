#!/usr/bin/env python3
"""Makes a trained model the one that comes with fr2en: weights, manifest, model card, what tests expect, names.

    scripts/bundle.py FLOATS NAME --corpus sentences.fr.txt --program target/release/fr2en [--quantize] [--sets DIR --peers FILE]
                      [--counts counts.json] [--training TEXT]
    scripts/bundle.py --sentences                         only tests/data/bundled.en.txt, when the program changed

FLOATS is what scripts/train/export.py wrote. It becomes models/NAME, as it is or, with --quantize, with weights in bytes, and the model
that was bundled goes. From --corpus, some hundred thousand French sentences of the training data, the table for `--shortlist` is made.
--sets has evaluate.py (sacrebleu) fill in the scores; --counts, from prepare.py, fills in the data; --training says in a line how long
and on what it was trained. Needs sentencepiece. Read the card afterwards and write its last section by hand. Nothing is committed.
"""
import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUNDLED, TESTED = ROOT / "src/store/bundled.rs", ROOT / "tests/data"
MOST = 60 * 2**20
CARD = """# {name}: a French→English Marian model

It was trained from scratch for fr2en, so that the program works as it comes.

| | |
| --- | --- |
| shape | d {d_model}, {encoder_layers} encoder and {decoder_layers} decoder layers, ffn {encoder_ffn_dim}, {encoder_attention_heads} heads, swish; {parameters:.1f}M parameters, {stored} ({megabytes:.1f} MB) |
| vocabulary | one SentencePiece unigram model for both languages, {vocab_size} entries; digits are pieces of their own; `</s>` {eos_token_id}, `<pad>` {pad_token_id}, which also starts the decoder |
| layout | Hugging Face Marian{loaders} |
| training | {training} |
| licence | as fr2en: MIT or Apache-2.0; made from the sources below, which are to be named |

## Scores

Through the whole program (`scripts/eval/evaluate.py`), int8 on a CPU:

{scores}

## What it was made from

No sentence of an evaluation set is in it ({evaluated} pairs were left out for holding one). `scripts/train/` says how pairs are cleaned and weighed.

{data}

## A sample

`tests/data/article.fr.txt` through the program:

{sample}

## Known weaknesses

(Read the sample and a few pages more, and say here what goes wrong, with examples.)
"""


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, cwd=ROOT, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}")
    return done.stdout


def scores(program, model, sets, peers):
    """The table of scores, and what others have where a table of theirs is given."""
    rows, said, signature = ["| set | beam | BLEU | chrF |", "| --- | --- | --- | --- |"], [], ""
    for beam in (1, 4):
        command = [sys.executable, ROOT / "scripts/eval/evaluate.py", "--program", program, "--model", model, "--sets", sets, "--beam", beam]
        out = run(*command, *(["--peers", peers] if peers else []))
        print(out)
        for line in out.splitlines():
            if found := re.match(r"(\S+): BLEU ([\d.]+)  chrF ([\d.]+)", line):
                rows.append(f"| {found[1]} | {beam} | {found[2]} | {found[3]} |")
                name = found[1]
            elif line.startswith("    BLEU") and beam == 1:
                said.append(f"{name}: {line.strip()}")
            elif line.startswith("BLEU "):
                signature = line.removeprefix("BLEU ")
    others = "\n\nPublished by others: " + "; ".join(said) + "." if said else ""
    return "\n".join(rows) + f"\n\nsacreBLEU `{signature}`.{others}"


def data(counts):
    mixture = tomllib.loads((ROOT / "scripts/train/mixture.toml").read_text(encoding="utf-8"))
    rows = ["| source | pairs used | licence |", "| --- | --- | --- |"]
    for source, of in counts.items():
        if of.get("pairs"):
            rows.append(f"| {source} | {of['pairs']:,} | {mixture.get(source, {}).get('licence', 'made for fr2en')} |")
    return "\n".join(rows)


def sentences(program, model=None):
    """tests/data/bundled.en.txt: what the model makes of tests/data/bundled.fr.txt."""
    out = run(program, TESTED / "bundled.fr.txt", *(["--model", model] if model else []))
    (TESTED / "bundled.en.txt").write_text(out, encoding="utf-8")
    print(out)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("floats", nargs="?", type=Path)
    p.add_argument("name", nargs="?")
    p.add_argument("--program", type=Path, default=ROOT / "target/release/fr2en")
    p.add_argument("--corpus", type=Path)
    p.add_argument("--sets", type=Path)
    p.add_argument("--peers", type=Path)
    p.add_argument("--counts", type=Path)
    p.add_argument("--quantize", action="store_true")
    p.add_argument("--training", default="(how long, on what)")
    p.add_argument("--sentences", action="store_true")
    a = p.parse_args()
    program = a.program.resolve()
    if a.sentences:
        return sentences(program)
    if not (a.floats and a.name and a.corpus):
        p.error("give FLOATS, NAME and --corpus, or --sentences")
    code = BUNDLED.read_text(encoding="utf-8")
    old = re.search(r'macro_rules! bundled_name \{\s*\(\) => \{\s*"([^"]+)"', code)[1]
    model = ROOT / "models" / a.name
    if a.name == old:
        sys.exit(f"{a.name} is bundled already: choose another name, so that nobody mistakes one for the other")
    if a.quantize:
        run(program, "models", "quantize", a.floats.resolve(), "-o", model)
    else:
        shutil.copytree(a.floats, model)
    run(program, "models", "shortlist", model, "--corpus", a.corpus.resolve())
    # Words that small models do not know: those of the last will do for the next.
    for name in ("dictionary.tsv", "idioms.tsv"):
        shutil.copy(ROOT / "models" / old / name, model)
    run(sys.executable, ROOT / "scripts/manifest.py", model)
    size = sum(f.stat().st_size for f in model.iterdir())
    if size > MOST:
        sys.exit(f"{model} has {size / 2**20:.1f} MiB, more than {MOST / 2**20:.0f}")
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    counts = json.loads(a.counts.read_text(encoding="utf-8")) if a.counts else {}
    article = run(program, TESTED / "article.fr.txt", "--model", model)
    # floats of two bytes, and one line of them for the bias of the vocabulary
    parameters = (a.floats / "model.safetensors").stat().st_size / 2 - config["vocab_size"]
    (model / "README.md").write_text(CARD.format(
        **config, name=a.name, parameters=parameters / 1e6, megabytes=(model / "model.safetensors").stat().st_size / 1e6, training=a.training,
        stored="stored in bytes" if a.quantize else "stored in f16",
        loaders=", with weights as `fr2en models quantize` writes them" if a.quantize else "; `transformers` 4 and CTranslate2 4 load it as it stands",
        scores=scores(program, model, a.sets.resolve(), a.peers.resolve() if a.peers else None) if a.sets else "(not measured)",
        evaluated=f"{sum(c.get('evaluation', 0) for c in counts.values()):,}", data=data(counts), sample="\n".join(f"> {line}".rstrip() for line in article.splitlines())),
        encoding="utf-8")
    sentences(program, model)
    reference = run(sys.executable, ROOT / "scripts/tokenizer_reference.py", model)
    (TESTED / "tokenizer.jsonl").write_text(reference, encoding="utf-8")
    BUNDLED.write_text(code.replace(f'"{old}"', f'"{a.name}"', 1), encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace(f"models/{old}/", f"models/{a.name}/"), encoding="utf-8")
    shutil.rmtree(ROOT / "models" / old)
    print(f"models/{a.name}: {size / 2**20:.1f} MiB, in the place of models/{old}. Read its card, then: cargo build --release && cargo test --release")


if __name__ == "__main__":
    main()
