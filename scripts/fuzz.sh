#!/usr/bin/env bash
# Feeds libFuzzer's inputs to everything that reads what strangers made. Inputs that found something new are kept in
# build/fuzz/corpus, those that failed in build/fuzz/failures; exit status 1 where there are some.
# Usage: scripts/fuzz.sh [--build] [--seconds=N] [--runs=N] [--jobs=N] [--seed=N] [TARGET...]
#   --build    build only, into build/fuzz
#   --seconds  for each target (3600)
#   --runs     inputs for each target, at most (as many as the time allows)
#   --jobs     targets at a time (one per core)
#   --seed     the same inputs again, as far as time and --runs go (0: others every time)
#   TARGET     spec text expression safetensors idx picture tar image elf ptx plan checkpoint; default: all
set -uo pipefail
cd "$(dirname "$0")/.."
build=build/fuzz
targets=() seconds=3600 jobs=$(nproc) only_build=0 seed=0 runs=-1
for argument in "$@"; do
  case $argument in
    --build) only_build=1 ;;
    --seconds=[1-9]*) seconds=${argument#*=} ;;
    --runs=[1-9]*) runs=${argument#*=} ;;
    --jobs=[1-9]*) jobs=${argument#*=} ;;
    --seed=[0-9]*) seed=${argument#*=} ;;
    -*) sed -nE 's/^# Usage: /usage: /p; s/^#   (--|TARGET)/  \1/p' "$0" >&2; exit 2 ;;
    *) targets+=("$argument") ;;
  esac
done

# Debian's clang, or another one that has libFuzzer.
clang=${INCEPT_FUZZ_CXX:-$(command -v clang++-14 || command -v clang++)} ||
  { echo "fuzz.sh: error: no clang++: run scripts/setup.sh" >&2; exit 3; }
launcher=$(command -v ccache || true)
cmake -S test/fuzz -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_COMPILER="$clang" \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" >/dev/null && cmake --build "$build" -- --quiet ||
  { echo "fuzz.sh: error: the fuzz targets could not be built" >&2; exit 3; }
python3 test/fuzz/make_seeds.py "$build/seeds" || exit 3
known=()
for folder in "$build"/seeds/*/; do known+=("$(basename "$folder")"); done
for target in "${known[@]}"; do ln -sf fuzz "$build/fuzz-$target"; done
[ $only_build -eq 0 ] || exit 0
[ ${#targets[@]} -gt 0 ] || targets=("${known[@]}")

# fuzz TARGET: its output is shown where it failed.
fuzz() {
  local target=$1 log=$build/$1.log
  local corpus=$build/corpus/$target failures=$build/failures/$target
  [ -e "$build/fuzz-$target" ] || { echo "fuzz.sh: error: unknown target '$target'" >&2; return 2; }
  mkdir -p "$corpus" "$failures"
  # Decoders are libraries without instruments, and pictures are large: give them the memory that a picture may have.
  "$build/fuzz-$target" -seed="$seed" -runs="$runs" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=65536 -print_final_stats=1 \
    -dict=test/fuzz/dictionaries/"$target".dict -artifact_prefix="$failures/" -close_fd_mask=0 \
    "$corpus" "$build/seeds/$target" >"$log" 2>&1
  local status=$?
  if [ $status -eq 0 ]; then
    echo "$target: $(sed -nE 's/^stat::number_of_executed_units: *//p' "$log") inputs, no failure"
  else
    echo "$target: FAILED, status $status; the input is in $failures"
    tail -n 60 "$log"
    return 1
  fi
}
export -f fuzz
export build seconds seed runs
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'fuzz {}' || exit 1
