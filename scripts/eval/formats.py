#!/usr/bin/env python3
"""Holds the formats against real files: identity, structure, and whether office programs open the result.

    cargo build --release --example stand_in --bin fr2en
    scripts/eval/formats.py DIR [--program target/release/fr2en] [--stand-in target/release/examples/stand_in] [--model]

Every file in DIR (recursively) whose extension fr2en knows is translated
  - by an engine that returns its input: the bytes must be the same;
  - by one that returns the words of every sentence backwards, aligned, so that all markup moves: each kind of tag must be
    there as often as in the source, balanced, and XML well-formed;
  - with --model, by the program with its default model: likewise;
and what became of office documents is converted to PDF and text by LibreOffice, where that is installed.
Prints a table and every fault; exits with 1 if there was one.
"""
import argparse
import collections
import html.parser
import io
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
import zipfile

TEXT = {".md": "markdown", ".html": "html", ".htm": "html", ".xhtml": "html", ".srt": "srt", ".vtt": "vtt", ".po": "po",
        ".xlf": "xliff", ".xliff": "xliff"}
ARCHIVES = {".docx": "docx", ".odt": "odt", ".epub": "epub"}
# Tags of text and formatting may be merged or divided; all others must be there as often as before.
FREE = {"r", "t", "rPr", "b", "bCs", "i", "iCs", "u", "color", "sz", "szCs", "rFonts", "lang", "noProof", "rStyle", "vertAlign",
        "proofErr", "lastRenderedPageBreak", "softHyphen", "noBreakHyphen", "s", "soft-page-break", "strike", "highlight", "shd",
        "kern", "spacing", "position", "caps", "smallCaps", "bdr", "em", "w", "effect", "webHidden", "cs", "rtl", "vanish", "dstrike",
        "target"}
VOID = set("area base br col embed hr img input link meta param source track wbr".split())


class Tags(html.parser.HTMLParser):
    """Counts tags; tells which are closed without having been opened, or never closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.count, self.open, self.crossed = collections.Counter(), [], 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.count[tag] += 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.count[tag] += 1

    def handle_endtag(self, tag):
        self.count["/" + tag] += 1
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag in self.open:
            self.crossed += 1
            while self.open.pop() != tag:
                pass
        else:
            self.crossed += 1


def html_faults(source, output):
    a, b = Tags(source), Tags(output)
    faults = [f"<{tag}> {a.count[tag]} times, then {b.count[tag]}" for tag in sorted(a.count | b.count) if a.count[tag] != b.count[tag]]
    if b.crossed > a.crossed:
        faults.append(f"{b.crossed} tags crossed, {a.crossed} in the source")
    return faults


def xml_faults(source, output):
    def tags(text):
        return collections.Counter(e.tag.rsplit("}", 1)[-1] for e in xml.etree.ElementTree.fromstring(text).iter())
    try:
        a, b = tags(source), tags(output)
    except xml.etree.ElementTree.ParseError as error:
        return [f"not well-formed: {error}"]
    return [f"<{tag}> {a[tag]} times, then {b[tag]}" for tag in sorted(a | b) if tag not in FREE and a[tag] != b[tag]]


def xliff_faults(source, output):
    """Everything but targets must be there as often as before, and in every target what is in its source."""
    def frame(text):
        count, faults = collections.Counter(), []
        def walk(element):
            name = element.tag.rsplit("}", 1)[-1]
            if name in ("trans-unit", "segment"):
                texts = {e.tag.rsplit("}", 1)[-1]: collections.Counter(i.tag for i in e.iter() if i is not e) for e in element}
                if any(texts.get("target", ())) and "source" in texts and texts["target"] != texts["source"]:
                    faults.append(f"unit {element.get('id')}: target with {dict(texts['target'])}, source with {dict(texts['source'])}")
            if name != "target":
                count[name] += 1
                for inner in element:
                    walk(inner)
        walk(xml.etree.ElementTree.fromstring(text))
        return count, faults
    try:
        (a, old), (b, new) = frame(source), frame(output)
    except xml.etree.ElementTree.ParseError as error:
        return [f"not well-formed: {error}"]
    faults = [f"<{tag}> {a[tag]} times, then {b[tag]}" for tag in sorted(a | b) if a[tag] != b[tag]]
    return faults + [fault for fault in new if fault not in old]


def markdown_faults(source, output):
    faults = []
    for name, pattern in {"code fences": r"^\s*(```|~~~)", "headings": r"^#{1,6} ", "items": r"^\s*([-*+]|\d+[.)]) ", "cells": r"\|",
                          "link targets": r"\]\([^)\s]+", "signs of code": "`", "quotes": r"^\s*>"}.items():
        a, b = (len(re.findall(pattern, text, re.M)) for text in (source, output))
        if a != b:
            faults.append(f"{name}: {a}, then {b}")
    if source.count("\n\n") != output.count("\n\n"):
        faults.append(f"blank lines: {source.count(chr(10) * 2)}, then {output.count(chr(10) * 2)}")
    return faults


def cue_faults(source, output):
    def frame(text):
        return re.findall(r"^.*-->.*$", text, re.M)
    return [] if frame(source) == frame(output) else ["times differ"]


def po_faults(source, output):
    def frame(text):
        return [line for line in text.split("\n") if not line.startswith(('"', "msgstr"))]
    faults = [] if frame(source) == frame(output) else ["lines other than translations differ"]
    for message in re.findall(r'^msgid ("(?:.*"\n")*.*")\nmsgstr(?:\[0\])? ("(?:.*"\n")*.*")', output, re.M):
        source_text, text = ("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', part)) for part in message)
        for pattern in (r"%(?:\d+\$)?[sd]", r"%\(\w+\)s", r"\{\w*\}"):
            if text and source_text and sorted(re.findall(pattern, source_text)) != sorted(re.findall(pattern, text)):
                faults.append(f"placeholders of {source_text!r}: {text!r}")
    return faults


def archive_faults(source, output):
    faults = []
    a, b = (zipfile.ZipFile(io.BytesIO(data)) for data in (source, output))
    if a.namelist() != b.namelist():
        return ["other entries, or in another order"]
    for x, y in zip(a.infolist(), b.infolist()):
        if x.CRC == y.CRC:
            continue
        if not x.filename.endswith((".xml", ".xhtml", ".html", ".opf", ".ncx")):
            faults.append(f"{x.filename} differs")
            continue
        faults += [f"{x.filename}: {fault}" for fault in xml_faults(a.read(x), b.read(y))]
    return faults


def decoded(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        # Any encoding of one byte a character shows the tags.
        return data.decode("latin-1")


def faults_of(path, source, output):
    kind = path.suffix.lower()
    if kind in ARCHIVES:
        return archive_faults(source, output)
    source, output = decoded(source), decoded(output)
    checks = {"markdown": markdown_faults, "srt": cue_faults, "vtt": cue_faults, "po": po_faults, "xliff": xliff_faults}
    if kind in (".xhtml",) or TEXT[kind] == "html" and source.lstrip("\ufeff").startswith("<?xml"):
        return html_faults(source, output) + xml_faults(source, output)
    return checks.get(TEXT[kind], html_faults)(source, output)


def opens(path, folder):
    """Whether LibreOffice makes PDF and text of a document; None where there is no LibreOffice."""
    office = shutil.which("soffice")
    if not office:
        return None
    made = []
    for target in ("pdf", "txt:Text"):
        command = [office, "--headless", "--convert-to", target, "--outdir", folder, path]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=180, check=False)
        result = pathlib.Path(folder, path.stem + "." + target.split(":")[0])
        made.append(result.exists() and result.stat().st_size > 0)
    return all(made)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--program", default="target/release/fr2en")
    parser.add_argument("--stand-in", default="target/release/examples/stand_in")
    parser.add_argument("--model", action="store_true", help="translate with the program and its default model as well")
    args = parser.parse_args()
    files = sorted(p for p in args.dir.rglob("*") if p.is_file() and p.suffix.lower() in TEXT | ARCHIVES)
    table = collections.defaultdict(collections.Counter)
    failed = False
    for path in files:
        source = path.read_bytes()
        row = table[(TEXT | ARCHIVES)[path.suffix.lower()]]
        row["files"] += 1
        row["bytes"] += len(source)
        commands = {kind: [args.stand_in, kind] for kind in ("same", "backwards")}
        if args.model:
            commands["model"] = [args.program, "--beam", "1", "--out-dir"]
        for kind, command in commands.items():
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run([*command, folder, path], capture_output=True, text=True, check=False)
                result = pathlib.Path(folder, path.name)
                if not result.exists():
                    faults = [done.stderr.strip() or "no result"]
                elif kind == "same":
                    faults = [] if result.read_bytes() == source else ["the bytes differ"]
                else:
                    faults = faults_of(path, source, result.read_bytes())
                    if path.suffix.lower() in (".docx", ".odt"):
                        opened = opens(result, folder)
                        row[kind + " opens"] += bool(opened)
                        faults += ["LibreOffice does not open it"] if opened is False else []
            row[kind] += not faults
            failed |= bool(faults)
            for fault in faults[:5]:
                print(f"{path} ({kind}): {fault}", flush=True)
    if not shutil.which("soffice"):
        print("LibreOffice is not installed: whether it opens the results was not tried")
    columns = ["files", "bytes", "same", "backwards", "model", "backwards opens", "model opens"]
    print("\n| format | " + " | ".join(columns) + " |\n|" + " --- |" * (len(columns) + 1))
    for kind, row in sorted(table.items()):
        print(f"| {kind} | " + " | ".join(str(row[c]) if c in row or c in columns[:4] else "" for c in columns) + " |")
    sys.exit(failed)


if __name__ == "__main__":
    main()
