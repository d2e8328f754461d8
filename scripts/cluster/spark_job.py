#!/usr/bin/env python3
"""spark_job.py INPUT OUT_DIR [--master URL] …: translates JSON lines or Parquet on Spark, with mapInPandas.

Each Python worker keeps one `fr2en batch --stdin-jsonl`. Start it again after any failure: it does the parts that are
missing. Needs: pip install pyspark pyarrow pandas, and Java 17.
"""
import argparse
import os
import sys

from pyspark.sql import SparkSession

import parts


def translator(job):
    """What runs on the workers: parts in, a line of figures a part out."""
    out_dir, program, options, field, into = job.out_dir, job.fr2en, job.options.split(), job.field, job.into

    def run(frames):
        import pandas
        import parts
        for frame in frames:
            found = [parts.translate(part, out_dir, program, options, field, into) for part in frame.to_dict("records")]
            yield pandas.DataFrame([[r["part"], r["rows"], r["failed"]] for r in found], columns=["part", "rows", "failed"])
    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--master", help="such as spark://host:7077; without it, this machine with --workers workers")
    job = parts.arguments(parser)
    waiting, total = parts.prepare(job.input, job.out_dir, job.rows, job.field, job.into, job.options)
    results = []
    if waiting:
        if not job.master:
            # The workers of this machine are this Python, not the first one that is found.
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        # On one machine Spark does not try again unless it is told to.
        master = job.master or f"local[{job.workers},8]"
        session = (SparkSession.builder.master(master).appName("fr2en").config("spark.task.maxFailures", 8)
                   .config("spark.ui.enabled", "false").config("spark.python.worker.reuse", "true").getOrCreate())
        session.sparkContext.setLogLevel("ERROR")
        session.sparkContext.addPyFile(parts.__file__)
        schema = "part long, kind string, path string, start long, end long"
        rows = [tuple(part[name] for name in ("part", "kind", "path", "start", "end")) for part in waiting]
        # A task a part: what fails is tried again alone.
        frame = session.createDataFrame(session.sparkContext.parallelize(rows, len(rows)), schema)
        done = frame.mapInPandas(translator(job), "part long, rows long, failed long")
        results = [row.asDict() for row in done.collect()]
        session.stop()
    return parts.finish(job, results, total, total - len(waiting))


if __name__ == "__main__":
    sys.exit(main())
