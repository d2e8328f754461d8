#!/bin/sh
# rehearse.sh PYTHON CORPUS EVAL WORK: the whole chain with a tiny model on the CPU, as a GPU lease will run it:
# prepare (twice: the second goes on), pack, train while shards arrive, kill, resume, finish early, bring home, export, check.
set -eu
python=$1 corpus=$2 eval=$3 work=$4
cd "$(dirname "$0")"
mkdir -p "$work/far"
prepare="$python prepare.py --corpus $corpus --never $eval --dev $eval/bleu/flores-dev --out $work/data --limit 1500 --vocab 2000 --spm-pairs 8000 --shard-mb 1"
echo '== prepare'
$prepare
rm "$work"/data/train-*.idx.npy
echo '== prepare again: cleaned chunks and pieces are taken as they are'
$prepare | tail -2
echo '== pack, pieces'
$python pack.py pack "$work/data" "$work/packed"
$python pack.py pieces "$work/packed" "$work/pieces" --mb 0.8
ls "$work/pieces"
echo '== the far side: first piece, start, second piece'
$python pack.py unpack "$work/pieces/0" "$work/far/data"
tiny='--d 64 --enc 2 --dec 1 --ffn 128 --heads 4 --tokens 3000 --log 5 --save-every 0.3 --warmup 20 --round 2000 --average 0.5 --average-every 2'
export PYTHON=$python COMPILE=
sh start.sh "$work/far/data" "$work/far/run" 5 $tiny
until [ -f "$work/far/run/checkpoint.pt" ]; do sleep 1; done
for piece in "$work"/pieces/*; do $python pack.py unpack "$piece" "$work/far/data"; done
for f in "$work"/data/*.bin; do cmp "$f" "$work/far/data/$(basename "$f")"; done
at=$(grep -c step "$work/far/run/log")
until [ "$(grep -c step "$work/far/run/log")" -gt $((at + 3)) ]; do sleep 1; done
echo '== kill, resume, finish early'
kill -9 "-$(cat "$work/far/run/pid")"
sh start.sh "$work/far/data" "$work/far/run" 5 $tiny --resume
sleep 15
echo $(($(date +%s) + 20)) >"$work/far/run/finish-by"
until grep -q '"done"' "$work/far/run/status.json"; do sleep 1; done
cat "$work/far/run/log"
echo '== home: parts, export, check against transformers'
$python pack.py split "$work/far/run/hf/model.safetensors" "$work/parts" --mb 0.1
mkdir -p "$work/run/hf"
$python pack.py join "$work/parts" "$work/run/hf/model.safetensors"
cp "$work"/far/run/hf/*.json "$work/run/hf/"
$python export.py --run "$work/run" --data "$work/data" --to "$work/model" --check "$eval/bleu/flores-dev.fr" --lines 12 --limit 30
echo 'rehearsal passed'
