#!/usr/bin/env python3
"""ray_job.py INPUT OUT_DIR [--workers N] [--gpus 1] …: translates JSON lines or Parquet on Ray Data.

Each actor keeps one `fr2en batch --stdin-jsonl`. Start it again after any failure: it does the parts that are missing.
Needs: pip install 'ray[data]' pyarrow.
"""
import argparse
import os
import sys

import ray

import parts


class Translator:
    def __init__(self, job):
        self.job = job

    def __call__(self, batch):
        job = self.job
        found = [parts.translate(part, job.out_dir, job.fr2en, job.options.split(), job.field, job.into)
                 for part in batch["item"]]
        return {name: [result[name] for result in found] for name in ("part", "rows", "failed")}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpus", type=float, default=0, help="of each actor")
    parser.add_argument("--cpus", type=float, default=1, help="of each actor")
    job = parts.arguments(parser)
    waiting, total = parts.prepare(job.input, job.out_dir, job.rows, job.field, job.into, job.options)
    results = []
    if waiting:
        # Workers find the shared module wherever they run.
        ray.init(runtime_env={"py_modules": [parts.__file__]} if os.environ.get("RAY_ADDRESS") else None)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        data = ray.data.from_items([{"item": part} for part in waiting], override_num_blocks=len(waiting))
        done = data.map_batches(
            Translator, fn_constructor_args=(job,), batch_size=1, concurrency=min(job.workers, len(waiting)),
            num_cpus=job.cpus, num_gpus=job.gpus, max_restarts=-1, max_task_retries=-1)
        results = done.take_all()
        ray.shutdown()
    return parts.finish(job, results, total, total - len(waiting))


if __name__ == "__main__":
    sys.exit(main())
