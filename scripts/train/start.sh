#!/bin/sh
# start.sh DATA RUN MINUTES [more arguments of train_marian.py]: trains in a session of its own and returns at once.
# RUN/log grows; RUN/status.json says how far it is; RUN/pid is the process group to end it by: kill -TERM -$(cat RUN/pid)
set -eu
data=$1 run=$2 minutes=$3
shift 3
mkdir -p "$run"
rm -f "$run/status.json" "$run/finish-by"
cd "$(dirname "$0")"
PYTHONUNBUFFERED=1 setsid "${PYTHON:-python3}" train_marian.py --data "$data" --out "$run" --minutes "$minutes" ${COMPILE---compile} "$@" >>"$run/log" 2>&1 </dev/null &
echo $! >"$run/pid"
echo "started: $run/log"
