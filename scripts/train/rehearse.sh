#!/bin/sh
# rehearse.sh PYTHON CORPUS EVAL WORK: the whole chain with a tiny model on the CPU, as a GPU lease will run it:
# prepare (twice: the second goes on), pack, train while shards arrive, kill, resume, finish early, bring home, export, check.
set -eu
python=$1 corpus=$2 eval=$3 work=$4
cd "$(dirname "$0")"
mkdir -p "$work/far"
prepare="$python prepare.py --corpus $corpus --never $eval --dev $eval/bleu/flores-dev --out $work/data --limit 1500 --vocab 2000 --spm-pairs 8000 --patterns 2000 --shard-mb 1"
echo '== prepare'
$prepare
rm "$work"/data/train-*.idx.npy
echo '== prepare again: cleaned chunks and pieces are taken as they are'
$prepare | tail -2
echo '== pack, pieces'
$python pack.py pack "$work/data" "$work/packed"
$python pack.py pieces "$work/packed" "$work/pieces" --mb 0.8
ls "$work/pieces"
echo '== the far side: first piece and start, further pieces'
tiny='--d 64 --enc 2 --dec 1 --ffn 128 --heads 4 --tokens 3000 --log 5 --save-every 0.2 --warmup 20 --round 2000 --average 0.5 --average-every 2'
export PYTHON=$python COMPILE= WORK=$work/far PART_MB=0.1
sh lease.sh begin "$work/pieces/0" 5 $tiny
until [ -f "$work/far/run/checkpoint.pt" ]; do sleep 1; done
for piece in "$work"/pieces/*; do sh lease.sh more "$piece"; done
for f in "$work"/data/*.bin; do cmp "$f" "$work/far/data/$(basename "$f")"; done
echo '== kill, resume, finish early'
kill -9 "-$(cat "$work/far/run/pid")"
sh start.sh "$work/far/data" "$work/far/run" 5 $tiny --resume
sh lease.sh wait 20
sh lease.sh end-in 20
sh lease.sh wait 300
grep -q '"done"' "$work/far/run/status.json"
cat "$work/far/run/log"
echo '== home: parts, export, check against transformers'
sh lease.sh home "$work/parts" 0 0
sh lease.sh home "$work/parts" 1 9
mkdir -p "$work/run/hf"
$python pack.py join "$work/parts" "$work/run/hf/model.safetensors"
cp "$work"/parts/*.json "$work/run/hf/"
$python export.py --run "$work/run" --data "$work/data" --to "$work/model" --check "$eval/bleu/flores-dev.fr" --lines 12 --limit 30
echo 'rehearsal passed'
