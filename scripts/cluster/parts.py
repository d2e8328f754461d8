"""What the cluster scripts share: one `fr2en batch --stdin-jsonl` a worker, and input and output in numbered parts.

A part is some rows of the input. Its output is a file of its own that is written under another name first, so it is
whole or not there: a part that a dead worker left is done again by another, and a job that is started again does only
the parts that are missing. Neither loses a row or doubles one. Joined in order, the parts are what one process writes.
"""
import hashlib
import json
import os
import subprocess
import threading

import pyarrow
import pyarrow.parquet


class Child:
    """A translator that stays: it is started once and answers line by line."""

    def __init__(self, program, options):
        self.process = subprocess.Popen([program, "batch", "--stdin-jsonl", *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def answers(self, lines):
        """One answer (bytes, with its line end) for each line, in order. Fails if the translator ends early."""
        def feed():
            try:
                for line in lines:
                    self.process.stdin.write(line if line.endswith(b"\n") else line + b"\n")
                self.process.stdin.flush()
            except (BrokenPipeError, ValueError):
                pass  # the reader below sees the end
        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        found = [self.process.stdout.readline() for _ in lines]
        feeder.join()
        if not all(answer.endswith(b"\n") for answer in found):
            raise RuntimeError(f"fr2en ended with {self.process.wait()}")
        return found

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


_children = {}


def child(program, options):
    """The translator of this process."""
    key = (os.getpid(), program, *options)
    if key not in _children or _children[key].process.poll() is not None:
        _children[key] = Child(program, options)
    return _children[key]


def answers(program, options, lines):
    """The answers of this process's translator. One that was killed is started again; one that cannot run fails."""
    for attempt in range(3):
        try:
            return child(program, options).answers(lines)
        except RuntimeError:
            if attempt == 2:
                raise


def slices(path, rows):
    """The parts of an input: byte ranges of JSON lines, or ranges of rows of a Parquet file."""
    kind = "parquet" if path.endswith(".parquet") else "jsonl"
    edges = [0]
    if kind == "parquet":
        count = pyarrow.parquet.ParquetFile(path).metadata.num_rows
        edges += list(range(rows, count, rows)) + [count]
    else:
        with open(path, "rb") as file:
            at = 0
            for number, line in enumerate(file, 1):
                at += len(line)
                if number % rows == 0:
                    edges.append(at)
            edges.append(at)
    pairs = [(start, end) for start, end in zip(edges, edges[1:]) if end > start]
    return [dict(part=i, kind=kind, path=path, start=s, end=e) for i, (s, e) in enumerate(pairs)]


def prepare(path, out_dir, rows, field, into, options):
    """The parts that are still to be done. Refuses to go on with a job that was begun otherwise."""
    os.makedirs(out_dir, exist_ok=True)
    state = os.stat(path)
    begun = dict(input=os.path.abspath(path), size=state.st_size, changed=state.st_mtime_ns, rows=rows, field=field,
                 into=into, options=options)
    note = os.path.join(out_dir, "_job.json")
    if os.path.exists(note):
        if json.load(open(note)) != json.loads(json.dumps(begun)):
            raise SystemExit(f"{note}: this job was begun with another input or other settings; name another directory")
    else:
        write(note, json.dumps(begun).encode())
    everything = slices(path, rows)
    return [part for part in everything if not os.path.exists(target(out_dir, part))], len(everything)


def target(out_dir, part):
    return os.path.join(out_dir, f"part-{part['part']:06}.{part['kind']}")


def write(path, data):
    # The name is this attempt's own: a worker that was given up may still be writing.
    mine = f"{path}.{os.getpid()}-{threading.get_ident()}.tmp"
    with open(mine, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(mine, path)


def failure(answer):
    """What the translator says is wrong with a row, if its answer is no row."""
    try:
        row = json.loads(answer)
    except ValueError:
        return None
    return row["error"] if isinstance(row, dict) and set(row) == {"id", "error"} else None


def translate(part, out_dir, program, options, field="text", into=None):
    """Does one part; answers how many rows it has and how many failed. A row that failed stays as it was."""
    own = ["--field", field] + (["--into", into] if into and part["kind"] == "jsonl" else []) + list(options)
    if part["kind"] == "jsonl":
        with open(part["path"], "rb") as file:
            file.seek(part["start"])
            lines = file.read(part["end"] - part["start"]).splitlines(keepends=True)
        found = answers(program, own, lines)
        errors = [failure(answer) for answer in found]
        rows = [line if error else answer for line, answer, error in zip(lines, found, errors)]
        if rows and not lines[-1].endswith(b"\n"):
            rows[-1] = rows[-1].rstrip(b"\n")
        data = b"".join(rows)
    else:
        table = read_rows(part)
        texts = table.column(field).to_pylist()
        chosen = [i for i, text in enumerate(texts) if text]
        found = answers(program, own, [json.dumps({"id": i, field: texts[i]}, ensure_ascii=False).encode() for i in chosen])
        errors = [failure(answer) for answer in found]
        for i, answer, error in zip(chosen, found, errors):
            if not error:
                texts[i] = json.loads(answer)[field]
        column = pyarrow.array(texts, pyarrow.string())
        name = into or field
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, column) if at >= 0 else table.append_column(name, column)
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, sink)
        lines, data = texts, sink.getvalue().to_pybytes()
    write(target(out_dir, part), data)
    return dict(part=part["part"], rows=len(lines), failed=sum(error is not None for error in errors),
                digest=hashlib.sha256(data).hexdigest())


def read_rows(part):
    """Some rows of a Parquet file, without reading the others' row groups."""
    file = pyarrow.parquet.ParquetFile(part["path"])
    tables, at = [], 0
    for group in range(file.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        start, end = max(part["start"] - at, 0), min(part["end"] - at, size)
        if start < end:
            tables.append(file.read_row_group(group).slice(start, end - start))
        at += size
    return pyarrow.concat_tables(tables)


def join(out_dir, output):
    """Puts the parts of a job in JSON lines together."""
    names = sorted(name for name in os.listdir(out_dir) if name.startswith("part-") and name.endswith(".jsonl"))
    with open(output + ".tmp", "wb") as out:
        for name in names:
            with open(os.path.join(out_dir, name), "rb") as file:
                while block := file.read(1 << 20):
                    out.write(block)
        out.flush()
        os.fsync(out.fileno())
    os.replace(output + ".tmp", output)


def arguments(parser):
    """The options of a job, from those that all jobs have and the parser's own."""
    parser.add_argument("input", help="JSON lines or a Parquet file, on storage that all workers see")
    parser.add_argument("out_dir", help="where the parts go, on the same storage; give the same one to go on")
    parser.add_argument("--join", metavar="FILE", help="when all parts are done, put them together (JSON lines only)")
    parser.add_argument("--fr2en", default="fr2en", help="the program, on every worker")
    parser.add_argument("--rows", type=int, default=1000, help="rows of a part: what a dead worker costs")
    parser.add_argument("--field", default="text")
    parser.add_argument("--into", help="the field or column that gets the translation")
    parser.add_argument("--workers", type=int, default=2, help="translators at a time")
    parser.add_argument("--options", default="", help="further options of fr2en, such as '--beam 1 --threads 4'")
    job = parser.parse_args()
    # Workers run elsewhere.
    job.input, job.out_dir = os.path.abspath(job.input), os.path.abspath(job.out_dir)
    if os.sep in job.fr2en:
        job.fr2en = os.path.abspath(job.fr2en)
    return job


def finish(job, results, total, done_before):
    """Says what was done; the exit code."""
    failed = sum(result["failed"] for result in results)
    rows = sum(result["rows"] for result in results)
    print(f"{len(results)} parts done now, {done_before} before, of {total}; {rows} rows, {failed} failed")
    if len(results) + done_before == total:
        # What dead workers left half-written.
        for name in os.listdir(job.out_dir):
            if name.endswith(".tmp"):
                os.remove(os.path.join(job.out_dir, name))
        if job.join:
            join(job.out_dir, job.join)
    return 1 if failed else 0
