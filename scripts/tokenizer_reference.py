#!/usr/bin/env python3
"""What SentencePiece and transformers' Marian rules make of some texts, for the tests of src/tokenize/.

    tokenizer_reference.py MODEL_DIR [TEXT_FILE…] [--random N] > reference.jsonl

One JSON object a line: the text, its ids (SentencePiece's pieces looked up in vocab.json, and the end mark), and what
these ids decode to (as `MarianTokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)`).
Without text files it takes the hostile strings below: `models/NAME` so gives `tests/data/tokenizer.jsonl`, which has to
be made again when the bundled model changes. `--random N` adds N random strings and random id sequences.
Needs the Python package `sentencepiece`.
"""

import argparse
import json
import random
import sys
from pathlib import Path

import sentencepiece

HOSTILE = [
    "Bonjour le monde.",
    "L’Assemblée nationale a adopté, mardi 12 mars, le projet de loi relatif à l’aide à mourir.",
    "« Je pars, dit-il. Tu viens ? »",
    "Ça coûte 1\u202f234,56\u00a0€ — c’est trop cher…",
    "Île-de-France, Œuvre, Être, cœur, naïve, ÉCOLE",
    "</s>",
    "a</s>b",
    "<s> <unk> <pad> </s>",
    ">>eng<< Bonjour",
    ">>fra<<Bonjour",
    "▁déjà▁vu▁",
    "▁▁▁",
    "a▁ b",
    "",
    " ",
    "\t\n\r",
    "  deux  espaces   et\tune\ttabulation\n",
    "\u00a0\u3000\u2003x\u2009y\u200bz\ufeff",
    "\u0000NUL\u0000\u0000au milieu",
    "\u0001\u001f\u007f\u0085\u009f",
    "ﬁn, ²³¹ ½ ™ ℃ ㎏ Ⅷ ①",
    "e\u0301te\u0301 a\u0300 c\u0327a o\u0302\u0323",
    "ａｂｃ　１２３",
    "한국어 日本語 中文 русский עברית العربية हिन्दी ไทย",
    "\ufdfa \ufdfb",
    "👨‍👩‍👧‍👦 🇫🇷 ❤️ 👍🏽",
    "字字字 a 字 b",
    "𝕬𝖇𝖈 𝟙𝟚𝟛 \U0010ffff \ue000",
    "https://exemple.fr/chemin?a=1&b=2#ancre et prenom.nom@exemple.fr",
    "fn main() { println!(\"{}\", x[0]); } // commentaire",
    "C:\\Users\\x\\n 'un' \"deux\" `trois`",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "anticonstitutionnellement" * 8,
    "!!! ??? ... --- *** ___ ### $$$ %%% &&& @@@ ^^^ ~~~ ||| \\\\\\",
    "1234567890 3,14 1.000.000 12/03/2024 15h30 n° 5 XXe",
    "“ ” ‘ ’ „ ‚ ‹ › « » – — ― ‐ ‑ − • · … ′ ″ ‰ † ‡ § ¶",
    "İstanbul ǅ ß ẞ ſ ŉ ĳ ŀ",
    "\u0301 commence par un accent",
    "soft\u00adhyphen zero\u200cwidth\u200djoiner word\u2060joiner \u202edroite\u202c",
    "\u1100\u1161\u11a8 \u0e33 \u0958 \u2126 \u212b",
    "x\u0338 ≠ =\u0338",
    "fin avec espace insécable\u00a0",
    "<0xE2><0x80><0x94>",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("texts", type=Path, nargs="*")
    parser.add_argument("--random", type=int, default=0)
    arguments = parser.parse_args()

    source, target = (sentencepiece.SentencePieceProcessor() for _ in range(2))
    source.Load(str(arguments.model / "source.spm"))
    target.Load(str(arguments.model / "target.spm"))
    vocabulary = json.loads((arguments.model / "vocab.json").read_text(encoding="utf-8"))
    separate = arguments.model / "target_vocab.json"
    target_vocabulary = json.loads(separate.read_text(encoding="utf-8")) if separate.exists() else vocabulary
    pieces = {number: piece for piece, number in target_vocabulary.items()}
    special = {"</s>", "<unk>", "<pad>"}
    end, unknown = vocabulary["</s>"], vocabulary["<unk>"]

    def encode(text):
        found = (vocabulary.get(p, unknown) for p in source.encode(text, out_type=str))
        return [unknown if i in (end, vocabulary.get("<pad>")) else i for i in found] + [end]

    def decode(ids):
        kept = [pieces.get(i, "<unk>") for i in ids]
        kept = [piece for piece in kept if piece not in special]
        return target.decode_pieces(kept).replace("▁", " ").strip()

    def put(text, ids):
        record = {"text": text, "ids": ids, "decoded": decode(ids)}
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")

    texts = [line for path in arguments.texts for line in path.read_text(encoding="utf-8").split("\n")]
    for text in texts or HOSTILE:
        put(text, encode(text))
    randomness = random.Random(1)
    alphabet = sorted({c for text in HOSTILE for c in text} | {c for piece in list(vocabulary)[::7] for c in piece})
    words = sorted(vocabulary)
    for i in range(arguments.random):
        if i % 4 == 0:
            text = "".join(randomness.choices(alphabet, k=randomness.randrange(40)))
        elif i % 4 == 1:
            text = "".join(p.replace("▁", " ") for p in randomness.choices(words, k=randomness.randrange(12)))
        elif i % 4 == 2:
            text = "".join(chr(c) for c in (randomness.randrange(0x110000) for _ in range(20)) if not 0xD800 <= c < 0xE000)
        else:
            text = "".join(chr(randomness.randrange(0x3000)) for _ in range(randomness.randrange(40)))
        put(text, encode(text))
        # Decoding takes any ids, also those that no text gives.
        ids = randomness.choices(sorted(pieces), k=randomness.randrange(20))
        sys.stdout.write(json.dumps({"ids": ids, "decoded": decode(ids)}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
