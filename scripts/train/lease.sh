#!/bin/sh
# The GPU machine's side of a training run: short commands that each end by themselves, while the trainer runs on, detached.
#
#   lease.sh begin PIECE MINUTES [arguments of train_marian.py]   unpacks, starts, waits until the trainer has read them (4 minutes at most)
#   lease.sh more PIECE             unpacks a further piece of the data; the trainer takes it up by itself
#   lease.sh wait SECONDS           returns when the run is over, or after that long
#   lease.sh end-in SECONDS         bends the schedule: the learning rate reaches zero that many seconds from now
#   lease.sh home DIR FIRST LAST    parts FIRST to LAST of the newest export to DIR; with the last part, all that belongs to it
#
# WORK (/tmp/fr2en-training without it) holds the data and the run; PYTHON and COMPILE are as in start.sh.
set -eu
cd "$(dirname "$0")"
work=${WORK:-/tmp/fr2en-training}
run=$work/run python=${PYTHON:-python3}
over() { grep -q '"done"' "$run/status.json" 2>/dev/null || ! kill -0 "$(cat "$run/pid")" 2>/dev/null; }
what=$1
shift
case $what in
begin)
    piece=$1 minutes=$2
    shift 2
    nvidia-smi --query-gpu=name,memory.total,memory.used --format=csv,noheader 2>/dev/null || echo 'no GPU here'
    $python pack.py unpack "$piece" "$work/data"
    sh start.sh "$work/data" "$run" "$minutes" "$@"
    for _ in $(seq 120); do
        sleep 2
        if over || grep -q ' parameters, ' "$run/log"; then break; fi
    done
    cat "$run/log"
    ;;
more)
    $python pack.py unpack "$1" "$work/data"
    tail -n 4 "$run/log"
    ;;
wait)
    end=$(($(date +%s) + $1))
    until over || [ "$(date +%s)" -ge "$end" ]; do sleep 2; done
    grep -v 'tokens/s' "$run/log" | tail -n 8
    tail -n 3 "$run/log"
    ;;
end-in)
    echo $(($(date +%s) + $1)) >"$run/finish-by"
    ;;
home)
    mkdir -p "$1"
    # One export: the parts must not change between the calls that fetch them, so only the first part makes them anew.
    if [ "$2" = 0 ]; then
        rm -rf "$work/home" && mkdir -p "$work/home"
        cp -r "$run/hf" "$work/home/hf"
        $python pack.py split "$work/home/hf/model.safetensors" "$work/home" --mb "${PART_MB:-15}"
    fi
    last=$(find "$work/home" -name 'model.safetensors.[0-9][0-9][0-9]' | wc -l)
    for i in $(seq "$2" "$3"); do
        part=$work/home/model.safetensors.$(printf %03d "$i")
        if [ -e "$part" ]; then cp "$part" "$1"; fi
    done
    if [ "$3" -ge $((last - 1)) ]; then
        cp "$work"/home/hf/*.json "$work/home/model.safetensors.sha256" "$run/log" "$1"
    fi
    ls -l "$1"
    echo "$last parts in all"
    ;;
*)
    sed -n '2,12p' "$0"
    exit 2
    ;;
esac
