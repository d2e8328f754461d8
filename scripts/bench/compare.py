#!/usr/bin/env python3
"""compare.py --fr2en PROGRAM --model DIR --input LINES [--reps 5] [--cases throughput,beam,…] [--length N] [--document FILE]

Times fr2en against CTranslate2 on the same Marian directory (Hugging Face layout) and the same sentences, one a line,
alternating, each in a process of its own, and prints medians, ratios, versions and the machine. With --length N every
translation is forced to N target tokens (for random weights, which never stop sensibly); without it each engine stops
by itself. The cases `shortlist` and `shortlist-beam` need a model with a shortlist; CTranslate2 runs without one. With
--document FILE the whole process is timed as well, from a cold start, on a document, against a short Python script. Needs: pip install ctranslate2 'transformers<5' torch sentencepiece. CTranslate2 gets its best settings: two
single-threaded workers, sorted batches of 64 (32 for beams), and CT2_FORCE_CPU_ISA=AVX512 where the processor has it.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

# name: fr2en's options, CTranslate2's (compute type, workers, threads each, batch, beam)
CASES = {
    "throughput": (["--compute", "int8", "--beam", "1"], ("int8", None, 1, 64, 1)),
    "beam": (["--compute", "int8", "--beam", "4"], ("int8", None, 1, 32, 4)),
    "latency": (["--compute", "int8", "--beam", "1", "--latency", "--threads", "1"], ("int8", 1, 1, 1, 1)),
    "shortlist": (["--compute", "int8", "--beam", "1", "--shortlist"], ("int8", None, 1, 64, 1)),
    "shortlist-beam": (["--compute", "int8", "--beam", "4", "--shortlist"], ("int8", None, 1, 32, 4)),
    "f32": (["--compute", "f32", "--beam", "1"], ("float32", None, 1, 32, 1)),
}

PEER = r"""
import json, resource, sys, time
import ctranslate2, sentencepiece
directory, model, path, workers, threads, batch, beam, length, compute = sys.argv[1:]
batch, length = int(batch), int(length)
lines = [line.strip() for line in open(path, encoding="utf-8") if line.strip()]
processor = sentencepiece.SentencePieceProcessor(model_file=model + "/source.spm")
back = sentencepiece.SentencePieceProcessor(model_file=model + "/target.spm")
engine = ctranslate2.Translator(directory, device="cpu", compute_type=compute, inter_threads=int(workers), intra_threads=int(threads))
limits = dict(min_decoding_length=length, max_decoding_length=length) if length else dict(max_decoding_length=512)
def run():
    tokens = [pieces + ["</s>"] for pieces in processor.encode(lines, out_type=str)]
    order = sorted(range(len(tokens)), key=lambda i: -len(tokens[i])) if batch > 1 else list(range(len(tokens)))
    futures = []
    for i in range(0, len(order), batch):
        futures += engine.translate_batch([tokens[j] for j in order[i:i + batch]], beam_size=int(beam), max_batch_size=0, asynchronous=batch > 1, **limits)
    results = [future.result() if batch > 1 else future for future in futures]
    hypotheses = [result.hypotheses[0] for result in results]
    back.decode(hypotheses)
    return sum(map(len, hypotheses))
run_limit = lines
lines = lines[:64]; run(); lines = run_limit                      # warm up
start = time.perf_counter(); tokens = run(); seconds = time.perf_counter() - start
print(json.dumps(dict(seconds=seconds, target_tokens=tokens, words=sum(len(l.split()) for l in lines),
    peak_memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, version=ctranslate2.__version__)))
"""

# A document as such scripts do it: lines cut after stops, translated in one call.
SCRIPT = r"""
import re, sys
import ctranslate2, sentencepiece
directory, model, path, threads, beam = sys.argv[1:]
source = sentencepiece.SentencePieceProcessor(model_file=model + "/source.spm")
target = sentencepiece.SentencePieceProcessor(model_file=model + "/target.spm")
engine = ctranslate2.Translator(directory, device="cpu", compute_type="int8", inter_threads=int(threads), intra_threads=1)
lines = open(path, encoding="utf-8").read().split("\n")
parts = [re.split(r"(?<=[.!?]) ", line) if line.strip() else [] for line in lines]
flat = [part for line in parts for part in line]
tokens = [pieces + ["</s>"] for pieces in source.encode(flat, out_type=str)]
found = iter([target.decode(r.hypotheses[0]) for r in engine.translate_batch(tokens, beam_size=int(beam), max_batch_size=32)])
print("\n".join(" ".join(next(found) for _ in line) for line in parts))
"""


def convert(model, compute, work):
    """The CTranslate2 form of a Hugging Face directory."""
    out = os.path.join(work, os.path.basename(os.path.normpath(model)) + "-" + compute)
    if not os.path.exists(os.path.join(out, "model.bin")):
        converter = os.path.join(os.path.dirname(sys.executable), "ct2-transformers-converter")
        subprocess.check_call([converter, "--model", model, "--output_dir", out, "--quantization", compute, "--force"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out


def peer(arguments, case, directory):
    compute, workers, threads, batch, beam = case
    workers = workers or arguments.threads
    command = [sys.executable, "-c", PEER, directory, arguments.model, arguments.input, workers, threads, batch, beam, arguments.length, compute]
    environment = dict(os.environ)
    if "avx512_vnni" in cpu_flags():
        environment["CT2_FORCE_CPU_ISA"] = "AVX512"
    return json.loads(subprocess.check_output([str(c) for c in command], env=environment).splitlines()[-1])


def ours(arguments, options):
    command = [arguments.fr2en, "bench", arguments.input, "--model", arguments.model, "--reps", "1", *options]
    if "--threads" not in options:
        command += ["--threads", str(arguments.threads)]
    if arguments.length:
        command += ["--min-length", str(arguments.length), "--max-length", str(arguments.length)]
    found = json.loads(subprocess.check_output(command).splitlines()[-1])
    return dict(seconds=found["median"], target_tokens=found["target_tokens"], words=found["words"],
                peak_memory_mib=found["peak_memory_mib"], version=found["program"])


def document(arguments, beam):
    """Median seconds of whole processes, alternating: fr2en's and the script's."""
    directory = convert(arguments.model, "int8", arguments.work)
    threads, beam = str(arguments.threads), str(beam)
    environment = dict(os.environ)
    if "avx512_vnni" in cpu_flags():
        environment["CT2_FORCE_CPU_ISA"] = "AVX512"
    commands = [[arguments.fr2en, arguments.document, "--model", arguments.model, "--beam", beam, "--threads", threads, "--quiet"],
                [sys.executable, "-c", SCRIPT, directory, arguments.model, arguments.document, threads, beam]]
    times = ([], [])
    for _ in range(arguments.reps):
        for command, seconds in zip(commands, times):
            start = time.perf_counter()
            subprocess.check_call(command, stdout=subprocess.DEVNULL, env=environment)
            seconds.append(time.perf_counter() - start)
    return [statistics.median(seconds) for seconds in times]


def cpu_flags():
    try:
        return next(line for line in open("/proc/cpuinfo") if line.startswith("flags"))
    except (OSError, StopIteration):
        return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fr2en", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--length", type=int, default=0)
    parser.add_argument("--cases", default="throughput,beam,latency,f32")
    parser.add_argument("--document", help="a French text to translate as a whole")
    parser.add_argument("--limit", type=int, default=0, help="only the first so many lines")
    parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "fr2en-bench"))
    arguments = parser.parse_args()
    os.makedirs(arguments.work, exist_ok=True)
    if arguments.limit:
        lines = open(arguments.input, encoding="utf-8").read().splitlines()[: arguments.limit]
        arguments.input = os.path.join(arguments.work, f"first-{arguments.limit}.txt")
        open(arguments.input, "w", encoding="utf-8").write("\n".join(lines) + "\n")
    model = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor())
    print(f"machine: {model}, {os.cpu_count()} cores; model: {arguments.model}; input: {arguments.input}")
    print("| case | fr2en s | CTranslate2 s | fr2en words/s | CTranslate2 words/s | ratio | fr2en tokens | CTranslate2 tokens | fr2en MiB | CTranslate2 MiB |")
    print("| --- " * 10 + "|")
    versions = set()
    for name in filter(None, arguments.cases.split(",")):
        options, case = CASES[name]
        directory = convert(arguments.model, case[0], arguments.work)
        runs = [(ours(arguments, options), peer(arguments, case, directory)) for _ in range(arguments.reps)]
        a, b = ([pair[i] for pair in runs] for i in (0, 1))
        ta, tb = (statistics.median(x["seconds"] for x in side) for side in (a, b))
        versions |= {a[0]["version"], "CTranslate2 " + b[0]["version"]}
        # Per token where the engines stop by themselves, so that a shorter translation wins nothing.
        ratio = (tb / b[0]["target_tokens"]) / (ta / a[0]["target_tokens"])
        print(f"| {name} | {ta:.2f} | {tb:.2f} | {a[0]['words'] / ta:.0f} | {b[0]['words'] / tb:.0f} | {ratio:.2f} | {a[0]['target_tokens']} "
              f"| {b[0]['target_tokens']} | {a[0]['peak_memory_mib']:.0f} | {b[0]['peak_memory_mib']:.0f} |", flush=True)
    for beam in (1, 4) if arguments.document else ():
        ta, tb = document(arguments, beam)
        print(f"{arguments.document}, whole process, beam {beam}: fr2en {ta:.3f} s, script with CTranslate2 {tb:.3f} s, ratio {tb / ta:.2f}", flush=True)
    print("median of", arguments.reps, "alternating runs;", ", ".join(sorted(versions)))


if __name__ == "__main__":
    main()
