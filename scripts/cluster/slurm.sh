#!/usr/bin/env bash
# Translates a file of JSON lines, or a directory of documents, as a Slurm array: a share a task.
#
#   sbatch --array=1-8 scripts/cluster/slurm.sh rows.jsonl out.jsonl [OPTIONS OF fr2en batch]
#   sbatch --array=1-8 scripts/cluster/slurm.sh docs/ english/ [OPTIONS OF fr2en batch]
#
# Output and journals lie on storage that all nodes see. A task that is preempted, killed or out of disk goes on where it
# was when it runs again. A file of JSON lines is put together afterwards, in the order of the source:
#   fr2en batch rows.jsonl -o out.jsonl --join 8
#SBATCH --job-name=fr2en
#SBATCH --cpus-per-task=4
#SBATCH --requeue
# A minute before the time is up fr2en is told to end the work in hand and leave.
#SBATCH --signal=B:TERM@60
set -uo pipefail
input=$1 output=$2
shift 2
if [ -d "$input" ]; then target=(--out-dir "$output"); else target=(-o "$output"); fi
"${FR2EN:-fr2en}" batch "$input" "${target[@]}" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    --threads "${SLURM_CPUS_PER_TASK:-1}" --log-format json "$@" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM INT
# A signal ends `wait` early: then wait for the work in hand.
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
# 75: not finished; the scheduler may give it another turn.
if [ "$code" -eq 75 ] && [ -n "${SLURM_JOB_ID:-}" ] && command -v scontrol >/dev/null; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
