#!/usr/bin/env bash
# Installs what a Debian 12 machine lacks to build and test incept. Quick when nothing is missing.
# Usage: scripts/setup.sh [--build-only]     (--build-only leaves out the packages that only tests and the demo need)
set -euo pipefail

build=(g++ cmake ninja-build ccache git libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools liblld-22-dev
       nlohmann-json3-dev libcli11-dev libfmt-dev libdnnl-dev zlib1g-dev libzstd-dev libxxhash-dev libgtest-dev libturbojpeg0-dev
       libspng-dev)
test=(dataset-fashion-mnist python3 python3-numpy python3-torch python3-torchvision binutils clang-format-14)

packages=("${build[@]}")
[ "${1:-}" = --build-only ] || packages+=("${test[@]}")

missing=()
installed=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' 2>/dev/null | awk '$2 ~ /^ii/ {print $1}')
for package in "${packages[@]}"; do
  grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup.sh: error: cannot install ${missing[*]}: run as root or install sudo" >&2; exit 3; }
  as_root=(sudo)
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q >/dev/null ||
  { echo "setup.sh: error: apt-get update failed: check the network and /etc/apt/sources.list" >&2; exit 3; }
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}" >/dev/null ||
  { echo "setup.sh: error: apt-get could not install ${missing[*]}" >&2; exit 3; }
