#!/usr/bin/env python3
"""test.py --fr2en PROGRAM [--rows N] [--only ray,spark,slurm]: runs the cluster scripts on this machine, kills a translator
and a worker of each in the middle, and compares what comes out with what one process writes. Exit code 1 if anything differs.

Needs what the scripts need; Slurm is played by this script, which sets its variables and sends its signals.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pyarrow
import pyarrow.parquet

HERE = os.path.dirname(os.path.abspath(__file__))
SENTENCES = os.path.join(HERE, "../../tests/data/sentences.fr.txt")


def processes(*words):
    """Running processes whose command line holds all the words."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = open(f"/proc/{pid}/cmdline", "rb").read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if all(word in line for word in words) and int(pid) != os.getpid():
            found.append(int(pid))
    return found


def parent(pid):
    return int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])


def killing(command, mark, out_dir, worker):
    """Runs a job; when it has some parts, kills a translator (and with `worker` the worker that keeps it)."""
    job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    killed = 0
    while job.poll() is None and killed == 0:
        time.sleep(0.05)
        done = [name for name in (os.listdir(out_dir) if os.path.isdir(out_dir) else []) if name.startswith("part-")]
        victims = processes("--stdin-jsonl", mark)
        if done and victims:
            victim = parent(victims[0]) if worker else victims[0]
            os.kill(victim, signal.SIGKILL)
            killed += 1
    text = job.communicate()[0]
    if job.returncode != 0:
        print(text[-3000:])
    return job.returncode, killed, text.strip().splitlines()[-1]


def same(a, b):
    return os.path.exists(a) and os.path.exists(b) and open(a, "rb").read() == open(b, "rb").read()


def engine(name, arguments, work, lines, table, whole):
    wrong = 0
    script = os.path.join(HERE, f"{name}_job.py")
    for worker in (False, True):
        out = os.path.join(work, f"{name}-{'worker' if worker else 'child'}")
        memory = os.path.join(out + ".memory")
        options = f"--beam 1 --threads 1 --memory {memory}"
        command = [sys.executable, script, lines, out, "--join", out + ".jsonl", "--fr2en", arguments.fr2en,
                   "--rows", str(max(arguments.rows // 20, 1)), "--options", options]
        code, killed, said = killing(command, memory, out, worker)
        if code != 0:
            # The engine gave up: the same command goes on.
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
        good = same(whole, out + ".jsonl") and killed
        wrong += not good
        print(f"{name}: {'worker' if worker else 'translator'} killed: {killed}, ended with {code}; {said}; "
              f"{'the same bytes' if good else 'DIFFERENT'}", flush=True)
    # A job that is stopped and started again does what is missing; and Parquet.
    out = os.path.join(work, f"{name}-parquet")
    command = [sys.executable, script, table, out, "--fr2en", arguments.fr2en, "--into", "text_en",
               "--rows", str(max(arguments.rows // 10, 1)), "--options", "--beam 1 --threads 1"]
    job = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while job.poll() is None and not any(n.startswith("part-") for n in (os.listdir(out) if os.path.isdir(out) else [])):
        time.sleep(0.05)
    if job.poll() is None:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    names = sorted(n for n in os.listdir(out) if n.startswith("part-") and n.endswith(".parquet"))
    found = pyarrow.concat_tables([pyarrow.parquet.read_table(os.path.join(out, n)) for n in names])
    rows = [json.loads(line) for line in open(whole, encoding="utf-8")]
    good = (found.column("id").to_pylist() == [row["id"] for row in rows]
            and found.column("text_en").to_pylist() == [row["text"] for row in rows])
    print(f"{name}: Parquet, the whole job killed and started again: {said}; {'the same texts' if good else 'DIFFERENT'}", flush=True)
    return wrong + (not good)


def slurm(arguments, work, lines, whole):
    out, killed, turns = os.path.join(work, "slurm.jsonl"), 0, 0
    environment = dict(os.environ, FR2EN=arguments.fr2en, SLURM_ARRAY_TASK_COUNT="3", SLURM_CPUS_PER_TASK="1")
    for task in range(1, 4):
        signals = [signal.SIGKILL, signal.SIGTERM, None]
        while True:
            turns += 1
            job = subprocess.Popen([os.path.join(HERE, "slurm.sh"), lines, out, "--beam", "1"], start_new_session=True,
                                   env=dict(environment, SLURM_ARRAY_TASK_ID=str(task)), stderr=subprocess.DEVNULL)
            how = signals.pop(0)
            journal = os.path.join(work, f"slurm.{task}-of-3.jsonl.journal")
            while how and job.poll() is None:
                time.sleep(0.02)
                if os.path.exists(journal) and '"at"' in open(journal).read():
                    # A node that dies takes all with it; the scheduler's signal goes to the script alone.
                    os.killpg(job.pid, how) if how == signal.SIGKILL else os.kill(job.pid, how)
                    killed += 1
                    break
            code = job.wait()
            if code == 0:
                break
            if code not in (75, -signal.SIGKILL):
                print(f"slurm: task {task} ended with {code}")
                return 1
    subprocess.run([arguments.fr2en, "batch", lines, "-o", out, "--join", "3"], check=True)
    good = same(whole, out) and killed
    print(f"slurm: 3 tasks in {turns} turns, {killed} stopped in the middle; {'the same bytes' if good else 'DIFFERENT'}", flush=True)
    return not good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fr2en", required=True)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--only", default="ray,spark,slurm")
    arguments = parser.parse_args()
    arguments.fr2en = os.path.abspath(arguments.fr2en)
    work = tempfile.mkdtemp(prefix="fr2en-cluster-")
    chance, sentences = random.Random(1), open(SENTENCES, encoding="utf-8").read().splitlines()
    rows = [{"id": i, "text": f"{i} : {chance.choice(sentences)} {chance.choice(sentences)}"} for i in range(arguments.rows)]
    lines, table, whole = (os.path.join(work, name) for name in ("rows.jsonl", "rows.parquet", "whole.jsonl"))
    with open(lines, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), table, row_group_size=700)
    subprocess.run([arguments.fr2en, "batch", lines, "-o", whole, "--beam", "1"], check=True)
    wrong = 0
    for name in arguments.only.split(","):
        wrong += slurm(arguments, work, lines, whole) if name == "slurm" else engine(name, arguments, work, lines, table, whole)
    shutil.rmtree(work)
    print(f"{wrong} differences")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
