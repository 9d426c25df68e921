#!/usr/bin/env bash
# On a machine with a GPU: runs training steps of CUDA programs and of the same networks on the CPU, compares losses,
# gradients and what became of variables, times steps and each launch, and prints a row for each. Steps that are graphs
# have to have the bits of steps that are launched one by one. What programs say of the card and of their plans is passed
# on. Then PyTorch's time for the same step, and what compute-sanitizer and ncu say of the first program, where the machine
# has them. Exit status 1 where one disagrees, has other bits or a report of compute-sanitizer, 3 without a GPU.
#
# Usage: scripts/gpu-check.sh [--under=COMMAND] [--steps=N] [--output=DIR] [PROGRAM...]
#   PROGRAM    a CUDA program. Where PROGRAM.cpu lies beside it, the same network compiled for the CPU with the same batch
#              size, their steps are compared; otherwise it is timed alone. Without any, specs/inception_mini.incept in each
#              precision and specs/inception_v4.incept in f16 are compiled for this machine's GPU.
#   --under    a command that runs CUDA programs, such as incept-sim; needs no GPU. Networks are compiled for an H100.
#   --steps    timed steps of each program (20)
#   --output   writes what was measured, each launch too, to DIR/PROGRAM.json, DIR/ncu.csv; and of each device its profile
#              with costs that come from these times, DIR/devices/DEVICE.json, for --target=cuda:DIR/devices/DEVICE.json
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
under="" steps=20 results="" programs=()
for argument in "$@"; do
  case $argument in
    --under=?*) under=${argument#*=} ;;
    --steps=[1-9]*) steps=${argument#*=} ;;
    --output=?*) results=${argument#*=} ;;
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
# The system's python3, where the first in PATH has no numpy.
python=python3
$python -c "import numpy" 2>/dev/null || python=/usr/bin/python3
[ -z "$results" ] || mkdir -p "$results" || exit 1

# compile SPEC BATCH PRECISION COMPARED: a program for the GPU; if it is to be compared, one for the CPU, gradients kept.
out=$root/build/gpu-check
compile() {
  local name=$out/$(basename "$1" .incept)-$3 incept=$root/build/release/bin/incept keep=()
  [ "$4" = no ] && name+=-$2 || keep=(--keep-gradients)
  echo "compiling $1 for $target, batch $2, $3" >&2
  "$incept" compile "$root/$1" --target="$target" --batch-size="$2" --precision="$3" "${keep[@]}" -o "$name" || return
  [ "$4" = no ] || "$incept" compile "$root/$1" --batch-size="$2" "${keep[@]}" -o "$name.cpu" || return
  programs+=("$name")
}
failed=0
if [ ${#programs[@]} -eq 0 ]; then
  mkdir -p "$out"
  for precision in f32 bf16 f16; do
    compile specs/inception_mini.incept 16 "$precision" yes || failed=1
  done
  compile specs/inception_v4.incept 8 f16 yes || failed=1
  compile specs/inception_v4.incept 64 f16 no || failed=1
fi

printf '%-24s %-5s %10s %10s %9s %9s  %-40s %10s %11s  %s\n' program type 'cpu loss' 'gpu loss' error expected \
  'worst tensor' 'ms/step' images/s verdict
for program in "${programs[@]}"; do
  "$python" "$root/scripts/gpu_check.py" "$program" "$steps" "$results" "$under" || failed=1
done

if [ -n "$results" ]; then
  "$python" "$root/scripts/gpu_costs.py" "$root/codegen/cuda/devices" "$results" "$under" || failed=1
fi

# PyTorch's step of the same networks, eager and compiled.
if "$python" -c "import torch, timm; assert torch.cuda.is_available()" 2>/dev/null; then
  for program in "${programs[@]}"; do
    [ -e "$program.cpu" ] || "$python" "$root/bench/gpu_torch.py" "$program" "$steps"
  done
else
  echo "PyTorch on a GPU with timm: not here, left out"
fi

# The first program's launches one by one: once under the sanitizer, then with the counters of the hardware.
first=${programs[0]-}
examine=(env INCEPT_CUDA=direct $under "$first" bench --steps=1)
if [ -n "$first" ] && command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck synccheck; do
    log=$(timeout 300 compute-sanitizer --tool=$tool --error-exitcode=9 "${examine[@]}" 2>&1)
    status=$?
    echo "compute-sanitizer $tool: $(grep -E 'SUMMARY' <<<"$log" | tail -n 1 | sed 's/=* *//') (status $status)"
    if [ $status = 9 ]; then
      failed=1
      grep -v SUMMARY <<<"$log" | head -n 30
    fi
  done
else
  echo "compute-sanitizer: not here, left out"
fi
if [ -n "$first" ] && [ -n "$results" ] && command -v ncu >/dev/null; then
  timeout 300 ncu --clock-control none --csv --page raw --log-file "$results/ncu.csv" --metrics \
    gpu__time_duration.sum,dram__bytes.sum,dram__throughput.avg.pct_of_peak_sustained_elapsed,launch__registers_per_thread,sm__warps_active.avg.pct_of_peak_sustained_active \
    "${examine[@]}" >/dev/null 2>&1
  echo "ncu: status $?, $(grep -c '^"[0-9]' "$results/ncu.csv" 2>/dev/null) launches in $results/ncu.csv"
else
  echo "ncu: not here or no --output, left out"
fi
exit $failed
