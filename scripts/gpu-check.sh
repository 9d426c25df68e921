#!/usr/bin/env bash
# On a machine with a GPU: runs training steps of CUDA programs and of the same networks on the CPU, compares losses,
# gradients and new values, times steps, and prints a row for each. Steps that are graphs have to have the bits of steps
# that are launched one by one. What programs say of the card and of their plans is passed on. Exit status 1 where one
# disagrees or has other bits, 3 without a GPU.
#
# Usage: scripts/gpu-check.sh [--under=COMMAND] [--steps=N] [PROGRAM...]
#   PROGRAM    a CUDA program; beside it lies PROGRAM.cpu, the same network compiled for the CPU with the same batch size.
#              Without any, specs/inception_mini.incept is compiled for this machine's GPU in each precision.
#   --under    a command that runs CUDA programs, such as incept-sim; needs no GPU. Networks are compiled for an H100.
#   --steps    timed steps of each program (20)
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
under="" steps=20 programs=()
for argument in "$@"; do
  case $argument in
    --under=?*) under=${argument#*=} ;;
    --steps=[1-9]*) steps=${argument#*=} ;;
    -*) sed -nE 's/^# Usage: /usage: /p' "$0" >&2; exit 2 ;;
    *) programs+=("$argument") ;;
  esac
done

target=cuda:h100
if [ -z "$under" ]; then
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d '. ')
  if [ -z "$capability" ]; then
    echo "gpu-check.sh: error: nvidia-smi finds no GPU on this machine: use --under=incept-sim" >&2
    exit 3
  fi
  target=cuda:sm_$capability
fi

# compile SPEC BATCH PRECISION: one program for the GPU and one for the CPU, gradients kept.
out=$root/build/gpu-check
compile() {
  local name=$out/$(basename "$1" .json)-$3
  echo "compiling $1 for $target, batch $2, $3" >&2
  "$root/build/release/bin/incept" compile "$root/$1" --target="$target" --batch-size="$2" --precision="$3" \
    --keep-gradients -o "$name" &&
    "$root/build/release/bin/incept" compile "$root/$1" --batch-size="$2" --keep-gradients -o "$name.cpu" &&
    programs+=("$name")
}
failed=0
if [ ${#programs[@]} -eq 0 ]; then
  mkdir -p "$out"
  for precision in f32 bf16 f16; do
    compile specs/inception_mini.incept 16 "$precision" || failed=1
  done
fi

printf '%-24s %-5s %10s %10s %9s  %-40s %10s %11s  %s\n' program type 'cpu loss' 'gpu loss' error 'worst tensor' \
  'ms/step' images/s verdict
for program in "${programs[@]}"; do
  python3 "$root/scripts/gpu_check.py" "$program" "$program.cpu" "$steps" "$under" || failed=1
done
exit $failed
