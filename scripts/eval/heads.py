#!/usr/bin/env python3
"""heads.py MODEL TEXT.fr [--lines 300] [--write]

Finds which heads of a Marian model's cross-attention align best. Ground truth are the names and figures that the model copies:
a word with a capital or a figure that stands once in the source and once, equal, in the translation. For every layer and head, every two
heads and all of them, at the step that writes a token and at the next one (when the token is the decoder's input), prints the share of
such words' attention that falls on their source, and how often the greatest weight does. With --write the best goes into the model's
generation_config.json as `alignment`, where fr2en reads it. Needs torch and transformers 4.
"""
import argparse
import collections
import itertools
import json

import torch
from transformers import MarianMTModel, MarianTokenizer

import generation


def words(pieces):
    """(word, indices of its pieces) for a list of SentencePiece pieces."""
    groups = []
    for i, piece in enumerate(pieces):
        if piece.startswith("▁") or not groups:
            groups.append([])
        groups[-1].append(i)
    return [("".join(pieces[i] for i in g).strip("▁").strip('.,;:"()'), g) for g in groups]


def copies(source, target):
    """Pairs of piece indices of words that were copied."""
    counts = [collections.Counter(word for word, _ in side) for side in (source, target)]
    places = dict(target)
    for word, pieces in source:
        if len(word) > 1 and not word[0].islower() and word[0].isalnum() and counts[0][word] == counts[1][word] == 1:
            yield pieces, places[word]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--write", action="store_true")
    a = parser.parse_args()
    tokenizer = MarianTokenizer.from_pretrained(a.model)
    model = MarianMTModel.from_pretrained(a.model, attn_implementation="eager", dtype=torch.float32).eval()
    eos, heads = model.config.eos_token_id, model.config.decoder_attention_heads
    # A set: of two heads, both are all.
    groups = {tuple(range(heads)), *((h,) for h in range(heads)), *itertools.combinations(range(heads), 2)}
    lines = [line.strip() for line in open(a.text, encoding="utf-8")][: a.lines]
    mass, hits, count = collections.Counter(), collections.Counter(), 0
    for start in range(0, len(lines), 16):
        batch = tokenizer(lines[start : start + 16], return_tensors="pt", padding=True)
        with torch.no_grad():
            found = model.generate(**batch, num_beams=1, max_length=256)
            seen = model(**batch, decoder_input_ids=found, output_attentions=True).cross_attentions
        for k, ids in enumerate(batch["input_ids"]):
            ids = ids[batch["attention_mask"][k].bool()].tolist()[:-1]
            out = found[k].tolist()[1:]
            out = out[: out.index(eos)] if eos in out else out[:-1]
            pairs = copies(*(words(tokenizer.convert_ids_to_tokens(side)) for side in (ids, out)))
            for source, target in pairs:
                for token in target:
                    count += 1
                    for layer, weights in enumerate(seen):
                        for later in (False, True):
                            rows = weights[k, :, token + later, : len(ids) + 1]
                            for group in groups:
                                row = rows[list(group)].mean(0)
                                mass[layer, group, later] += float(row[source].sum())
                                hits[layer, group, later] += int(row.argmax()) in source
    print(f"{count} tokens of copied words\n\n| layer | heads | step | attention | greatest |\n| --- | --- | --- | --- | --- |")
    order = sorted(mass, key=lambda key: -hits[key] - mass[key])
    for key in order[:16]:
        layer, group, later = key
        print(f"| {layer} | {', '.join(map(str, group))} | {'next' if later else 'own'} | {mass[key] / count:.3f} | {hits[key] / count:.3f} |")
    layer, group, later = order[0]
    best = {"layer": layer, "heads": list(group), "next_step": later}
    print("\nalignment:", json.dumps(best))
    if a.write:
        generation.keep(a.model, alignment=best)


if __name__ == "__main__":
    main()
