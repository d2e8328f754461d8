#!/usr/bin/env python3
"""random_shortlist.py MODEL_DIR COMMON EACH

Writes a shortlist.bin of random candidates into a model directory, for timing models with random weights, whose own
translations say nothing: COMMON tokens that every sentence may have, EACH others a source token. Take numbers that a
trained model's table has (`fr2en models shortlist` prints them).
"""
import hashlib
import json
import os
import random
import sys


def number(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def token_list(tokens):
    out, least = [number(len(tokens))], 0
    for token in sorted(tokens):
        out.append(number(token - least))
        least = token + 1
    return b"".join(out)


def main():
    directory, common, each = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    random.seed(1)
    config = json.load(open(os.path.join(directory, "config.json")))
    source = config["vocab_size"]
    target = source if config.get("share_encoder_decoder_embeddings", True) else config["decoder_vocab_size"]
    vocabulary = open(os.path.join(directory, "vocab.json"), "rb").read()
    if os.path.exists(os.path.join(directory, "target_vocab.json")):
        vocabulary += open(os.path.join(directory, "target_vocab.json"), "rb").read()
    every = {config["eos_token_id"], *random.sample(range(target), common)}
    lists = [token_list(every)] + [token_list(random.sample(range(target), each)) for _ in range(source)]
    numbers = number(source) + number(target) + b"".join(lists)
    hashes = hashlib.sha256(vocabulary).digest() + hashlib.sha256(numbers).digest()
    with open(os.path.join(directory, "shortlist.bin"), "wb") as out:
        out.write(b"fr2en shortlist 1\n" + hashes + numbers)


if __name__ == "__main__":
    main()
