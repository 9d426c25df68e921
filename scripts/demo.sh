#!/usr/bin/env bash
# Installs what is missing, builds, trains a small Inception on Fashion-MNIST, then compiles Inception-v4 and runs
# training steps of it. Results go to build/demo.
# Usage: scripts/demo.sh [--data=DIR] [--epochs=N]
#   --data=DIR   train on your colour photographs instead, at 96 pixels: DIR/train/CLASS/... and DIR/val/CLASS/..., or
#                DIR/CLASS/... alone (then a tenth of them tests)
#   --epochs=N   passes over the images (3; of photographs 10)
set -euo pipefail
data= epochs=
for argument in "$@"; do
  case $argument in
    --data=*) data=$(realpath "${argument#--data=}") ;;
    --epochs=*) epochs=${argument#--epochs=} ;;
    *) sed -n 's/^# //; 4,7p' "$0" >&2; exit 2 ;;
  esac
done
cd "$(dirname "$0")/.."
if [ -n "$data" ]; then
  [ -d "$data" ] || { echo "demo.sh: error: '$data' is no folder" >&2; exit 1; }
  root=$data validation=--val-fraction=0.1
  [ ! -d "$data/train" ] || root=$data/train
  for name in val test; do [ ! -d "$data/$name" ] || validation=; done
  classes=$(find -L "$root" -mindepth 1 -maxdepth 1 -type d -not -name '.*' | wc -l)
fi
incept=build/release/bin/incept
[ -x $incept ] || echo "The first time this installs the compiler's packages and builds it, which takes ten minutes or more on" \
  "two cores."
echo "Then: a training of some minutes, and a few steps of Inception-v4."
scripts/setup.sh --demo
scripts/build.sh incept
PATH=$PWD/build/release/bin:$PATH
out=build/demo
mkdir -p "$out"

# photographs: a small Inception for the classes of $data.
photographs() {
  echo "Compiling specs/inception_mini.incept for $classes classes of photographs at 96x96"
  incept compile specs/inception_mini.incept --set channels=3 --set size=96 --set classes="$classes" --set mean=0.5 \
    --set std=0.5 --batch-size=32 -o "$out/inception_mini"
  "$out/inception_mini" look --data="folder:$data" -o "$out/look.png"
  echo "What it sees is $out/look.png"
  "$out/inception_mini" train --data="folder:$data" $validation --epochs="${epochs:-10}" --seed=1 \
    --checkpoint-dir="$out/run" --overwrite --save="$out/inception_mini.safetensors"
  [ -n "$validation" ] || "$out/inception_mini" eval --data="folder:$data" --weights="$out/inception_mini.safetensors" \
    --per-class="$out/classes.csv" --confusion="$out/confusion.png"
  echo "The run is $out/run, its learning curve $out/run/curve.svg"
}

# fashion: a small Inception for Fashion-MNIST.
fashion() {
  echo "Compiling specs/inception_mini.incept"
  incept compile specs/inception_mini.incept --batch-size=64 -o "$out/inception_mini"
  echo "Training it on Fashion-MNIST (60,000 images; a linear model reaches 82.8 % on the test images)"
  rm -f "$out/log.jsonl"
  "$out/inception_mini" train --data=idx:/usr/share/datasets/fashion-mnist --epochs="${epochs:-3}" --seed=1 \
    --log="$out/log.jsonl" --plot="$out/curve.svg" --save="$out/inception_mini.safetensors"
  "$out/inception_mini" eval --data=idx:/usr/share/datasets/fashion-mnist --weights="$out/inception_mini.safetensors"
  echo "The learning curve is $out/curve.svg"
}

echo
if [ -n "$data" ]; then photographs; else fashion; fi

echo
echo "Compiling specs/inception_v4.incept at 299x299"
time incept compile specs/inception_v4.incept --batch-size=8 -o "$out/inception_v4"
"$out/inception_v4" info
echo "Training steps of it on random images"
"$out/inception_v4" bench --steps=5

echo
if [ -x build/release/bin/incept-stub-cuda ]; then
  echo "Compiling specs/inception_v4.incept for an NVIDIA H100, which need not be here"
  time incept compile specs/inception_v4.incept --target=cuda:h100 --batch-size=64 --precision=f16 -o "$out/inception_v4_h100"
  "$out/inception_v4_h100" info
else
  echo "No CUDA toolkit with cuDNN here: scripts/setup.sh --cuda installs them, for incept compile --target=cuda:h100"
fi
