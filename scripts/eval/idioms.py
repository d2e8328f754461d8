#!/usr/bin/env python3
"""Makes the `idioms.tsv` of a model from `dictionary/idioms.tsv`: idioms with a verb, and plain French that small models translate better.

    idioms.py MODEL --write     # into MODEL/idioms.tsv
    idioms.py --examples        # the examples, a paragraph each, to translate and to read

The list has three fields: the idiom with its verb in the infinitive; plain words that fit into the same place (the same subject and
complements, the same auxiliary but for "se" and "être", which fr2en changes); and a sentence with the idiom. Where an idiom ends in
"de+" or "à+", its contracted forms are meant as well, and stand for what the plain words want: "mettre sur le compte de+" and
"attribuer à" make "mettre sur le compte du" and "attribuer au".
"""
import argparse
import pathlib

LIST = pathlib.Path(__file__).parent / "dictionary" / "idioms.tsv"
CONTRACTED = {"de": {"de": "", "d'": "", "du": "le", "des": "les"}, "à": {"à": "", "au": "le", "aux": "les"}}
JOINED = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}


def lines():
    for line in LIST.read_text().splitlines():
        if not line.startswith("#"):
            yield line.split("\t")


def forms(idiom, plain):
    """(idiom, plain words) in all contractions."""
    if not idiom.endswith("+"):
        yield idiom, plain
        return
    stem, preposition = idiom[:-1].rsplit(" ", 1)
    first, _, last = plain.rpartition(" ")
    for written, article in CONTRACTED[preposition].items():
        joined = JOINED.get((last, article))
        yield f"{stem} {written}", f"{first} {joined}" if joined else f"{plain} {article}".strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, nargs="?")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--examples", action="store_true")
    arguments = parser.parse_args()
    if arguments.examples:
        print("\n\n".join(example for _, _, example in lines()))
        return
    table = dict(pair for idiom, plain, _ in lines() for pair in forms(idiom, plain))
    text = "".join(f"{idiom}\t{plain}\n" for idiom, plain in sorted(table.items()))
    if arguments.model and arguments.write:
        (arguments.model / "idioms.tsv").write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
