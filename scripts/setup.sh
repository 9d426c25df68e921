#!/usr/bin/env bash
# Installs what a Debian 12 machine lacks to build and test incept. Quick when nothing is missing.
# Usage: scripts/setup.sh [--build-only] [--demo] [--cuda] [--cudnn-newest]
#   --build-only    leave out the packages that only tests and the demo need
#   --demo          leave out those that only tests need
#   --cuda          also what plans for CUDA devices need (ptxas, NVRTC, headers, cuDNN; 0.8 GB in build/cuda-toolchain),
#                   unless /usr/local/cuda has it; --cuda=wheels does not look there. The disassembler that a test of
#                   kernels needs comes with it (build/cuda-nvdisasm)
#   --cudnn-newest  also a newer cuDNN, which scripts/test.sh --all then tests too (build/cudnn-newest)
set -euo pipefail
cd "$(dirname "$0")/.."

also=test cuda=no newest=0
for argument in "$@"; do
  case $argument in
    --build-only) also= ;;
    --demo) also=demo ;;
    --cuda) cuda=system ;;
    --cuda=wheels) cuda=wheels ;;
    --cudnn-newest) newest=1 ;;
    *) sed -n 's/^# //; 3,9p' "$0" >&2; exit 2 ;;
  esac
done
nvdisasm=no
if [ $cuda = wheels ] || { [ $cuda = system ] && [ ! -x /usr/local/cuda/bin/nvdisasm ]; }; then nvdisasm=yes; fi
if [ $cuda = system ] && [ -x /usr/local/cuda/bin/ptxas ] && [ -f /usr/local/cuda/include/cudnn_backend.h ]; then cuda=no; fi

# Python wheels are unpacked, not installed: --no-deps, so that nothing but these versions comes. All are pinned, since
# they do not pin each other, and ptxas must be as new as what it reads.
toolchain=(nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96 nvidia-cuda-nvrtc==13.0.88
           nvidia-cudnn-cu13==9.19.0.56)
# Reads machine code of older versions too; the registry has none of 13.0.
disassembler=(nvidia-cuda-nvdisasm==13.2.51)
newest_cudnn=(nvidia-cudnn-cu13==9.28.1.4 nvidia-cublas==13.1.0.3 nvidia-cuda-nvrtc==13.0.88)

# unpack DIRECTORY WHEEL...: quick where DIRECTORY already holds exactly these.
unpack() {
  local directory=$1 stamp=$1/.wheels
  shift
  [ "$(cat "$stamp" 2>/dev/null)" = "$*" ] && return
  echo "unpacking $*"
  rm -rf "$directory"
  python3 -m venv "$directory/venv"
  "$directory/venv/bin/pip" install -q --disable-pip-version-check --no-deps --target "$directory" "$@" ||
    { echo "setup.sh: error: pip could not get $*: check the network" >&2; exit 3; }
  rm -rf "$directory/venv"
  echo "$*" >"$stamp"
}

build=(g++ cmake ninja-build ccache git libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools liblld-22-dev
       nlohmann-json3-dev libcli11-dev libfmt-dev libdnnl-dev zlib1g-dev libzstd-dev libxxhash-dev libgtest-dev libjpeg62-turbo-dev
       libspng-dev)
demo=(dataset-fashion-mnist)
test=(graphviz python3 python3-jsonschema python3-numpy python3-psutil python3-torch python3-torchvision binutils
      clang-format-14 clang-14 libclang-rt-14-dev)

packages=("${build[@]}")
[ "$also" = "" ] || packages+=("${demo[@]}")
[ "$also" != test ] || packages+=("${test[@]}")
[ $cuda$nvdisasm$newest = nono0 ] || packages+=(python3 python3-venv)

missing=()
installed=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' 2>/dev/null | awk '$2 ~ /^ii/ {print $1}')
for package in "${packages[@]}"; do
  grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
if [ ${#missing[@]} -ne 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup.sh: error: cannot install ${missing[*]}: run as root or install sudo" >&2; exit 3; }
    as_root=(sudo)
  fi
  echo "installing ${missing[*]}"
  output=/dev/null
  [ ! -t 1 ] || output=/dev/stdout # on a terminal, what apt-get says of its progress
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -q >/dev/null ||
    { echo "setup.sh: error: apt-get update failed: check the network and /etc/apt/sources.list" >&2; exit 3; }
  "${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}" >$output ||
    { echo "setup.sh: error: apt-get could not install ${missing[*]}" >&2; exit 3; }
fi

if [ $cuda != no ]; then unpack build/cuda-toolchain "${toolchain[@]}"; fi
if [ $nvdisasm = yes ]; then unpack build/cuda-nvdisasm "${disassembler[@]}"; fi
if [ $newest -eq 1 ]; then unpack build/cudnn-newest "${newest_cudnn[@]}"; fi
