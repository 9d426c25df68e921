#!/usr/bin/env bash
# Makes the Python environment that bench/compare.py compares with: the newest PyTorch, timm, ONNX Runtime and OpenVINO
# from PyPI, in build/bench-venv (6 GB: PyPI's wheel of PyTorch for Linux does not load without its CUDA libraries).
# Does nothing where that is there; --upgrade looks for newer versions.
# Usage: bench/setup.sh [--upgrade]
set -euo pipefail
cd "$(dirname "$0")/.."
venv=build/bench-venv

fail() {
  echo "setup.sh: error: $1" >&2
  exit 3
}

case "${1:-}" in
  "" | --upgrade) ;;
  *) echo "setup.sh: error: unknown option '$1': expected --upgrade or nothing" >&2 && exit 2 ;;
esac

# The last thing that is written, so that an interrupted installation is begun again.
[ -f "$venv/complete" ] && [ "${1:-}" != --upgrade ] && exit 0

command -v g++ >/dev/null || fail "torch.compile needs g++: run scripts/setup.sh"
python3 -m venv "$venv" 2>/dev/null || {
  # Debian has venv in a package of its own.
  [ "$(id -u)" -eq 0 ] && apt-get update -q >/dev/null && apt-get install -q -y python3-venv >/dev/null &&
    python3 -m venv "$venv"
} || fail "python3 -m venv does not work: install python3-venv"
echo "installing PyTorch, timm, ONNX Runtime and OpenVINO in $venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --upgrade torch timm numpy onnx onnxruntime \
  openvino || fail "pip could not install them: check the network"
"$venv/bin/python" -c '
import onnxruntime, openvino, timm, torch
print("PyTorch", torch.__version__, "timm", timm.__version__, "ONNX Runtime", onnxruntime.__version__, "OpenVINO",
      openvino.__version__)' || fail "they were installed, but do not load"
touch "$venv/complete"
