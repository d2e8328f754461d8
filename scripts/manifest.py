#!/usr/bin/env python3
"""Writes the manifest of a model directory: the size and SHA-256 of each file that the program embeds.

    manifest.py models/NAME

Run it whenever a file of the bundled model changes; a test holds the embedded files against it.
"""

import hashlib
import json
import sys
from pathlib import Path

FILES = ["config.json", "generation_config.json", "model.safetensors", "source.spm", "target.spm", "vocab.json", "shortlist.bin", "dictionary.tsv", "idioms.tsv"]

directory = Path(sys.argv[1])
files = {}
for name in FILES:
    data = (directory / name).read_bytes()
    files[name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
manifest = {"name": directory.name, "files": files}
(directory / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
