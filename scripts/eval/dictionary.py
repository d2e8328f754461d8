#!/usr/bin/env python3
"""dictionary.py MODEL [--write] [-o FILE] [--data DIR]

Makes a dictionary.tsv: the forms of French words and terms with the English that is right for them, which fr2en writes where the model has
none of it. They come from scripts/eval/dictionary/: `words.tsv` (lemma; noun, adjective, verb or adverb; translations), `terms.tsv`
(singular, plural, translations), `labels.tsv` (words and terms that count only where they stand alone) and `copied.tsv` (words that
count only where the model left them in French); compounds of two nationalities are made by rule, and count where the model is sure as
well, as words do with `!` before their first translation. With --write it goes into the model's directory; evaluate.py and the notes
`word_known` of a report say whether the model is better for it. Needs wordfreq and simplemma.
"""
import argparse
import collections
import re
from pathlib import Path

import simplemma

import inflection

KINDS = ("n", "a", "v", "d")


def read(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                french, second, english = line.rstrip("\n").split("\t")
                yield french, second, [word.strip() for word in english.split("|")]


def readings(french, kind, english):
    """(form, whether it is another than the headword, kind, translations) of a word; nothing of what is no word of its own."""
    verbal = kind in "na" and inflection.is_of_verb(french)
    lemmas = {french, simplemma.lemmatize(french, lang="fr")}
    for form, translations in inflection.forms(french, kind, english):
        # A form that is known as one of another word is left to that.
        own = form == french or simplemma.lemmatize(form, lang="fr") in lemmas
        # "Coopérant" is a participle before it is a noun, but "coopérants" is none.
        verbal_too = verbal and (form == french or not french.endswith("ant"))
        if own and not verbal_too and inflection.is_written(form, french, kind):
            yield form, form != french, kind, translations


def term(french, plural, english):
    """The same of a term, whose plural is given."""
    yield french, False, "d", english
    if plural and plural != french:
        yield plural, False, "d", inflection.plurals_of(english)


def copied(french, kind, english):
    """The same of a word that the model knows well, of interest only where it left it in French."""
    for form, *reading, translations in readings(french, kind, english):
        if not inflection.is_english(form):
            yield form, *reading, ["=" + translations[0]]


def compound(first, name, second, english):
    """The same of two nationalities joined by a hyphen: “franco-belge”."""
    for form, _ in inflection.forms(second, "a", [english]):
        if inflection.is_nationality(form, second):
            yield f"{first}-{form}", False, "d", [f"!{name[0]}-{english}", *(f"{other}-{english}" for other in name[1:])]


def label(french, second, english):
    """The same of a word or term that counts only where it stands alone; a verb then stands in the infinitive."""
    if second == "n":
        second = next(iter(inflection.plurals(french)), "")
    for form, *reading in term(french, "" if second in KINDS else second, english):
        yield form + ":", *reading


def table(data):
    """{form: translations}; of several readings of a form that of a headword comes first, and an adjective's before a noun's."""
    found = collections.defaultdict(list)
    for name, bent in (("words", readings), ("terms", term), ("labels", label)):
        for line in read(Path(data, f"{name}.tsv")):
            for form, *reading in bent(*line):
                found[form.lower()].append(reading)
    for first, name in inflection.COMBINED.items():
        for second, english in inflection.NATIONALITIES.items():
            if english != name[0]:
                for form, *reading in compound(first, name, second, english):
                    found[form].append(reading)
    for line in read(Path(data, "copied.tsv")):
        for form, *reading in copied(*line):
            if all(reading[-1][0].startswith("=") for reading in found[form.lower()]):
                found[form.lower()].append(reading)
    out = {}
    for form, all_readings in found.items():
        if re.fullmatch(r"\w+(?:[ '-]\w+)*:?", form):
            # "Pavé" is a stone before it is a participle.
            order = "dnav" if form.endswith("é") else "danv"
            all_readings.sort(key=lambda reading: (reading[0], order.index(reading[1])))
            words = list(dict.fromkeys(word.lstrip("=!") for *_, english in all_readings for word in english))
            words[0] = re.match("[=!]?", all_readings[0][-1][0])[0] + words[0]
            out[form] = words
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("-o", "--output")
    parser.add_argument("--data", default=Path(__file__).resolve().parent / "dictionary")
    parser.add_argument("--write", action="store_true")
    a = parser.parse_args()
    words = table(a.data)
    text = "".join(f"{form}\t{'|'.join(words[form])}\n" for form in sorted(words, key=str.encode))
    for path in [a.output, Path(a.model, "dictionary.tsv") if a.write else None]:
        if path:
            Path(path).write_text(text, encoding="utf-8")
    print(f"{len(words)} forms")


if __name__ == "__main__":
    main()
