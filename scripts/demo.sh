#!/usr/bin/env bash
# Installs what is missing, builds, trains a small Inception on Fashion-MNIST, then compiles Inception-v4 and runs
# training steps of it. Results go to build/demo.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh
PATH=$PWD/build/release/bin:$PATH
out=build/demo
mkdir -p "$out"

echo
echo "Compiling specs/inception_mini.json"
incept compile specs/inception_mini.json --batch-size=64 -o "$out/inception_mini"
echo "Training it on Fashion-MNIST (60,000 images; a linear model reaches 82.8 % on the test images)"
rm -f "$out/log.jsonl"
"$out/inception_mini" train --data=idx:/usr/share/datasets/fashion-mnist --epochs=3 --seed=1 \
  --log="$out/log.jsonl" --plot="$out/curve.svg" --save="$out/inception_mini.safetensors"
"$out/inception_mini" eval --data=idx:/usr/share/datasets/fashion-mnist --weights="$out/inception_mini.safetensors"
echo "The learning curve is $out/curve.svg"

echo
echo "Compiling specs/inception_v4.json at 299x299"
time incept compile specs/inception_v4.json --batch-size=8 -o "$out/inception_v4"
"$out/inception_v4" info
echo "Training steps of it on random images"
"$out/inception_v4" bench --steps=5

echo
if [ -x build/release/bin/incept-stub-cuda ]; then
  echo "Compiling specs/inception_v4.json for an NVIDIA H100, which need not be here"
  time incept compile specs/inception_v4.json --target=cuda:h100 --batch-size=64 --precision=f16 -o "$out/inception_v4_h100"
  "$out/inception_v4_h100" info
else
  echo "No CUDA toolkit with cuDNN here: scripts/setup.sh --cuda installs them, for incept compile --target=cuda:h100"
fi
