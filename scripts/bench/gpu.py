#!/usr/bin/env python3
"""gpu.py --fr2en PROGRAM --tokenizer DIR --input LINES.fr [--reference LINES.en] [--device cuda] [--out DIR] [--minutes 9]

Everything that there is to measure on a GPU, in one run of under ten minutes, in the order of its worth: a part for which
no time is left is named as left out. Rehearse it without a GPU: --device cpu --compute f32 --limit 60.

1. doctor: what the program sees.
2. parity: the bundled model on the device against the CPU in f32: BLEU (with --reference), share of identical lines.
3. laws: the shape of an article, the same bytes twice, one line for one, other batch sizes; a batch that has no room
   because another process holds nearly all memory; the whole program on the bundled model.
4. throughput at beam 1 and 4 of models of base and tc-big size (random weights, every translation --length tokens long)
   beside transformers (f16, SDPA) at several batch sizes, with the share of time that the GPU was busy.
5. memory and words/s against the size of batches, and two workers on one GPU.

DIR holds a tokenizer and a configuration (config.json, source.spm, target.spm, vocab.json). Needs numpy; torch,
transformers and sentencepiece for the comparison; sacrebleu for BLEU. What is missing fails alone. Prints one JSON
object a measurement, and tables at the end.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

SIZES = {  # name: width, heads, feed-forward width, activation
    "base": (512, 8, 2048, "swish"),
    "big": (1024, 16, 4096, "relu"),
    "tiny": (64, 4, 128, "swish"),
}


def make_model(tokenizer, out, width, heads, inner, activation):
    """A Marian directory with random weights in f16, written without torch."""
    import numpy
    known = json.load(open(os.path.join(tokenizer, "config.json")))
    config = dict(
        architectures=["MarianMTModel"], model_type="marian", vocab_size=known["vocab_size"], d_model=width,
        decoder_vocab_size=known["vocab_size"], encoder_layers=6, decoder_layers=6, encoder_attention_heads=heads,
        decoder_attention_heads=heads, encoder_ffn_dim=inner, decoder_ffn_dim=inner, activation_function=activation,
        max_position_embeddings=512, scale_embedding=True, static_position_embeddings=True, num_beams=4, max_length=512,
        share_encoder_decoder_embeddings=True, tie_word_embeddings=True, forced_eos_token_id=known["eos_token_id"],
        **{name: known[name] for name in ("pad_token_id", "eos_token_id", "decoder_start_token_id")})
    shapes = {"model.shared.weight": (known["vocab_size"], width), "final_logits_bias": (1, known["vocab_size"])}
    for side, attentions in ("encoder", ["self_attn"]), ("decoder", ["self_attn", "encoder_attn"]):
        for layer in range(6):
            at = f"model.{side}.layers.{layer}."
            for attention in attentions:
                for name in "q_proj", "k_proj", "v_proj", "out_proj":
                    shapes[f"{at}{attention}.{name}.weight"], shapes[f"{at}{attention}.{name}.bias"] = (width, width), (width,)
            for norm in [attention + "_layer_norm" for attention in attentions] + ["final_layer_norm"]:
                shapes[f"{at}{norm}.weight"] = shapes[f"{at}{norm}.bias"] = (width,)
            shapes[at + "fc1.weight"], shapes[at + "fc1.bias"] = (inner, width), (inner,)
            shapes[at + "fc2.weight"], shapes[at + "fc2.bias"] = (width, inner), (width,)
    random, header, place = numpy.random.default_rng(1), {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes.items():
        size = 2 * int(numpy.prod(shape))
        header[name] = dict(dtype="F16", shape=list(shape), data_offsets=[place, place + size])
        place += size
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "model.safetensors"), "wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for name, shape in shapes.items():
            values = numpy.ones(shape) if name.endswith("norm.weight") else 0.02 * random.standard_normal(shape, numpy.float32)
            file.write(values.astype(numpy.float16).tobytes())
    json.dump(config, open(os.path.join(out, "config.json"), "w"))
    for file in "source.spm", "target.spm", "vocab.json":
        shutil.copy(os.path.join(tokenizer, file), out)


PEER = r"""
import json, sys, time, torch, sentencepiece, transformers
model, path, device, batches, beams, length, reps = sys.argv[1:]
length = int(length)
transformers.logging.set_verbosity_error()
half = device != "cpu"
net = transformers.MarianMTModel.from_pretrained(model, attn_implementation="sdpa",
    dtype=torch.float16 if half else torch.float32).eval().to(device)
pieces = sentencepiece.SentencePieceProcessor(model_file=model + "/source.spm")
vocabulary = json.load(open(model + "/vocab.json"))
lines = [line.strip() for line in open(path, encoding="utf-8") if line.strip()]
pad, eos, unk = net.config.pad_token_id, net.config.eos_token_id, vocabulary["<unk>"]
@torch.inference_mode()
def run(lines, batch, beam):
    ids = [[vocabulary.get(p, unk) for p in line] + [eos] for line in pieces.encode(lines, out_type=str)]
    order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
    tokens = 0
    for start in range(0, len(order), batch):
        chosen = [ids[i] for i in order[start:start + batch]]
        width = max(map(len, chosen))
        source = torch.tensor([c + [pad] * (width - len(c)) for c in chosen], device=device)
        out = net.generate(input_ids=source, attention_mask=(source != pad).long(), num_beams=beam, do_sample=False,
                           min_new_tokens=length, max_new_tokens=length)
        tokens += out[:, 1:].numel()
        out.cpu()
    return tokens
for beam in map(int, beams.split(",")):
    for batch in map(int, batches.split(",")):
        try:
            run(lines[:batch], batch, beam)  # warm up
            seconds, began = [], time.monotonic()
            for _ in range(int(reps)):
                start = time.perf_counter(); tokens = run(lines, batch, beam); seconds.append(time.perf_counter() - start)
            found = dict(seconds=seconds, target_tokens=tokens, words=sum(len(l.split()) for l in lines), began=began, ended=time.monotonic(),
                version="transformers " + transformers.__version__ + ", torch " + torch.__version__)
        except torch.OutOfMemoryError:
            found = dict(failed="out of memory")
        print(json.dumps(dict(beam=beam, batch=batch, **found)), flush=True)
"""


HOLD = """
import sys, torch
free, _ = torch.cuda.mem_get_info()
held = torch.empty(max(free - (int(sys.argv[1]) << 20), 0), dtype=torch.uint8, device="cuda")
print(torch.cuda.mem_get_info()[0] >> 20, flush=True)
sys.stdin.read()
"""


class Watch:
    """Samples what nvidia-smi says while a command runs; says nothing where there is none."""

    def __enter__(self):
        self.samples, self.process = [], None
        command = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", "-lms", "100"]
        try:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            threading.Thread(target=self.read, daemon=True).start()
        except OSError:
            pass
        return self

    def read(self):
        for line in self.process.stdout:
            numbers = [field.strip() for field in line.split(",")]
            if len(numbers) == 2 and all(n.isdigit() for n in numbers):
                self.samples.append((time.monotonic(), *map(int, numbers)))

    def __exit__(self, *_):
        self.end = time.monotonic()
        if self.process:
            self.process.terminate()

    def found(self, start, end):
        """Between two times of the monotonic clock: the share of time that a kernel was running, and the most memory that was in use."""
        last = [s for s in self.samples if start < s[0] < end]
        if not last:
            return {}
        return dict(busy_percent=round(statistics.mean(s[1] for s in last), 1), peak_memory_mib=max(s[2] for s in last))


class Run:
    def __init__(self, arguments):
        self.arguments, self.rows, self.left_out = arguments, [], []
        self.end = time.monotonic() + 60 * arguments.minutes
        self.cpu = arguments.device == "cpu"

    def note(self, part, **found):
        row = dict(part=part, **found)
        self.rows.append(row)
        print(json.dumps(row, ensure_ascii=False), flush=True)

    def attempt(self, part, seconds, work):
        """Does a part if it is likely to fit in the time that is left; one that fails does not take the rest with it."""
        if time.monotonic() + seconds > self.end:
            self.left_out.append(part)
            return None
        try:
            return work()
        except subprocess.CalledProcessError as error:
            self.note(part, failed=error.returncode, stderr=(error.stderr or "")[-2000:])
        except subprocess.TimeoutExpired as error:
            self.note(part, failed=f"not done after {error.timeout:.0f} s")
        except Exception as error:
            self.note(part, failed=f"{type(error).__name__}: {error}")
        return None

    def call(self, command, **options):
        left = max(self.end + 30 - time.monotonic(), 1)
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True, timeout=left, **options)
        return done.stdout

    def fr2en(self, *options):
        return self.call([self.arguments.fr2en, *options], env=dict(os.environ, FR2EN_CONFIG="", FR2EN_OFFLINE="1"))

    def placed(self, device=None):
        return ["--device", device or self.arguments.device, "--compute", self.arguments.compute]

    def doctor(self):
        self.note("doctor", found=json.loads(self.fr2en("doctor", "--json", *self.placed())))

    def parity(self, lines, references):
        texts, options = {}, ["--wrapped=no", "--quiet"]
        kinds = dict(cpu=["--device", "cpu", "--compute", "f32"], device=self.placed())
        if not self.cpu:
            kinds["bf16"] = ["--device", self.arguments.device, "--compute", "bf16"]
            kinds["f32"] = ["--device", self.arguments.device, "--compute", "f32"]
        for beam in 4, 1:
            for kind, place in kinds.items():
                texts[kind] = self.fr2en(lines, *options, "--beam", beam, *place).splitlines()
                found = dict(kind=kind, beam=beam, lines=len(texts[kind]))
                same = sum(a == b for a, b in zip(texts["cpu"], texts[kind]))
                found["identical_percent"] = round(100 * same / max(len(texts["cpu"]), 1), 2)
                try:
                    import sacrebleu
                    if references:
                        found["bleu"] = round(sacrebleu.corpus_bleu(texts[kind], [references]).score, 2)
                except ImportError:
                    pass
                self.note("parity", **found)

    def laws(self, lines):
        shape = lambda text: [(len(l) - len(l.lstrip()), not l.strip()) for l in text.split("\n")]
        article = open(self.arguments.article, encoding="utf-8").read() if self.arguments.article else "  Le chat.\n\nIl dort.\n"
        path = os.path.join(self.arguments.out, "article.txt")
        open(path, "w", encoding="utf-8").write(article)
        self.note("law", law="the shape stays", holds=shape(article) == shape(self.fr2en(path, *self.placed())))
        once = self.fr2en(lines, "--wrapped=no", "--quiet", *self.placed())
        count = len(open(lines, encoding="utf-8").read().splitlines())
        self.note("law", law="one line for one", holds=len(once.splitlines()) == count)
        again = self.fr2en(lines, "--wrapped=no", "--quiet", *self.placed())
        self.note("law", law="the same bytes twice", holds=once == again)
        for tokens in 1024, 10_000_000:
            other = self.fr2en(lines, "--wrapped=no", "--quiet", "--batch-tokens", tokens, *self.placed())
            same = sum(a == b for a, b in zip(once.splitlines(), other.splitlines()))
            self.note("law", law="neighbours do not matter", batch_tokens=tokens, identical_percent=round(100 * same / count, 2))

    def halving(self, lines, few):
        """One batch of everything, while another process leaves it hardly any memory."""
        expected = self.fr2en(lines, "--wrapped=no", "--quiet", *self.placed()).splitlines()
        hold = subprocess.Popen([sys.executable, "-c", HOLD, str(self.arguments.leave)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        try:
            left = json.loads(hold.stdout.readline() or "null")
            if left is None:
                raise RuntimeError("PyTorch holds no memory of this device")
            found = self.fr2en(few, "--wrapped=no", "--quiet", "--batch-tokens", 10_000_000, *self.placed()).splitlines()
        finally:
            hold.kill()
        same = sum(a == b for a, b in zip(expected * self.arguments.few, found))
        self.note("halving", mib_left=left, lines=len(found), identical_percent=round(100 * same / len(found), 2))

    def whole(self, many):
        """The whole program on the bundled model, from its start to the file that is written."""
        words = len(open(many, encoding="utf-8").read().split())
        report = os.path.join(self.arguments.out, "report.json")
        for beam in 4, 1:
            start = time.perf_counter()
            self.fr2en(many, "--wrapped=no", "--quiet", "--beam", beam, "-o", os.path.join(self.arguments.out, "many.en"),
                       "--report", report, *self.placed())
            seconds = time.perf_counter() - start
            stages = json.load(open(report, encoding="utf-8"))["totals"]["seconds"]
            self.note("whole program", beam=beam, seconds=round(seconds, 2), words_per_second=round(words / seconds),
                      stages={name: round(time, 3) for name, time in stages.items()})

    def ours(self, part, name, directory, lines, beam, *options, device=None):
        length = self.arguments.length
        command = ["bench", lines, "--model", directory, "--beam", beam, "--reps", 3, "--min-length", length - 1,
                   "--max-length", length - 1, *self.placed(device), *options]
        with Watch() as watch:
            found = json.loads(self.fr2en(*command).splitlines()[-1])
        keys = ("seconds", "target_tokens", "batch_tokens", "load_seconds")
        self.note(part, program="fr2en", size=name, beam=beam, device=device or self.arguments.device,
                  words_per_second=round(found["words_per_second"]), **{k: found[k] for k in keys},
                  **watch.found(watch.end - sum(found["seconds"]), watch.end))

    def theirs(self, name, directory, lines):
        """Every beam and size of batches in one process, which loads PyTorch once; what it printed counts also where it ended early."""
        command = [sys.executable, "-c", PEER, directory, lines, self.arguments.device.split(",")[0], self.arguments.batches,
                   self.arguments.beams, self.arguments.length, 2]
        with Watch() as watch:
            left = max(self.end - time.monotonic(), 1)
            process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            timer = threading.Timer(left, process.kill)
            timer.start()
            out, errors = process.communicate()
            timer.cancel()
        for line in out.splitlines():
            found = json.loads(line)
            if "seconds" in found:
                found.update(words_per_second=round(found.pop("words") / min(found["seconds"])),
                             **watch.found(found.pop("began"), found.pop("ended")))
            self.note("throughput", program="transformers", size=name, **found)
        if process.returncode:
            self.note("throughput", program="transformers", size=name, failed=process.returncode, stderr=errors[-2000:])

    def model(self, name):
        directory = os.path.join(self.arguments.out, "model-" + name)
        if not os.path.exists(os.path.join(directory, "vocab.json")):
            make_model(self.arguments.tokenizer, directory, *SIZES[name])
        return directory

    def tables(self):
        rows = [row for row in self.rows if row["part"] in ("throughput", "memory") and "words_per_second" in row]
        print("\n| part | size | beam | program | device, batch | words/s | GPU busy % | peak MiB |\n" + "| --- " * 8 + "|")
        for row in rows:
            place = f"{row.get('device', '')} {row.get('batch_tokens', row.get('batch', ''))}".strip()
            print(f"| {row['part']} | {row['size']} | {row['beam']} | {row['program']} | {place} | {row['words_per_second']} "
                  f"| {row.get('busy_percent', '?')} | {row.get('peak_memory_mib', '?')} |")
        for size in self.arguments.sizes.split(","):
            for beam in map(int, self.arguments.beams.split(",")):
                best = {}
                for row in rows:
                    if row["part"] == "throughput" and (row["size"], row["beam"]) == (size, beam):
                        best[row["program"]] = max(best.get(row["program"], 0), row["words_per_second"])
                if len(best) == 2:
                    print(f"{size}, beam {beam}: {best['fr2en'] / best['transformers']:.2f} times transformers at its best batch size")
        print("left out for want of time:", ", ".join(self.left_out) or "nothing")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fr2en", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--reference")
    parser.add_argument("--article", help="a document whose shape must stay")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--compute", default="f16")
    parser.add_argument("--out", default="gpu-bench")
    parser.add_argument("--parts", default="right,halving,fast",
                        help="right: 1 to 3; halving: of them what takes the memory of all others; fast: 4 and 5, which want the GPU for themselves")
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--sizes", default="base,big")
    parser.add_argument("--batches", default="512,2048,4096", help="sentences of a batch of transformers")
    parser.add_argument("--beams", default="1,4")
    parser.add_argument("--length", type=int, default=40)
    parser.add_argument("--copies", type=int, default=16, help="how often the lines are repeated for throughput")
    parser.add_argument("--few", type=int, default=4, help="the same for transformers, and for the figures against the size of batches")
    parser.add_argument("--leave", type=int, default=1500, help="MiB that fr2en is left with where its batch is to have no room")
    parser.add_argument("--limit", type=int, default=0, help="only the first so many lines")
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    read = lambda path: [l for l in open(path, encoding="utf-8").read().splitlines()][: arguments.limit or None]
    lines, few, many = (os.path.join(arguments.out, name) for name in ("lines.fr", "few.fr", "many.fr"))
    text = read(arguments.input)
    open(lines, "w", encoding="utf-8").write("\n".join(text) + "\n")
    for path, copies in (few, arguments.few), (many, arguments.copies):
        open(path, "w", encoding="utf-8").write("\n".join(text * copies) + "\n")
    references = read(arguments.reference) if arguments.reference else None

    run = Run(arguments)
    parts = arguments.parts.split(",")
    if "right" in parts:
        run.attempt("doctor", 5, run.doctor)
        run.attempt("parity", 30, lambda: run.parity(lines, references))
        run.attempt("laws", 20, lambda: run.laws(lines))
        run.attempt("whole program", 15, lambda: run.whole(many))
    if "halving" in parts:
        run.attempt("halving", 20, lambda: run.halving(lines, few))
    sizes = arguments.sizes.split(",") if "fast" in parts else []
    directories = {name: run.attempt("model " + name, 10, lambda: run.model(name)) for name in sizes}
    directories = {name: directory for name, directory in directories.items() if directory}
    beams = [int(beam) for beam in arguments.beams.split(",")]
    for name, directory in directories.items():
        for beam in beams:
            run.attempt(f"{name} beam {beam}", 10, lambda: run.ours("throughput", name, directory, many, beam))
        run.attempt(f"transformers {name}", 30, lambda: run.theirs(name, directory, few))
    for name, directory in directories.items():
        if not run.cpu:
            twice = "cuda:0,0"
            for beam in beams:
                run.attempt(f"{name} {twice} beam {beam}", 10,
                            lambda: run.ours("throughput", name, directory, many, beam, device=twice))
        for tokens in 8192, 32768, 131072:
            run.attempt(f"{name} memory {tokens}", 10,
                        lambda: run.ours("memory", name, directory, few, 4, "--batch-tokens", tokens))
    run.tables()
    json.dump(run.rows, open(os.path.join(arguments.out, "gpu.json"), "w"), ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
