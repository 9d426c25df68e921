#!/usr/bin/env bash
# Checks what a compiler does not: format, length, licence lines, which folder includes which, paths of a machine.
# Usage: scripts/lint.sh [ROOT]     Prints a line per finding; exit status 1 where there are some.
set -uo pipefail
root=${1:-$(dirname "$0")/..}
cd "$root" || exit 2

list() { # tracked files and new ones, or all of a folder that is no checkout
  git -C . ls-files --cached --others --exclude-standard 2>/dev/null | grep . ||
    find . -type f -not -path './build/*' -not -path './.git/*' | sed 's,^\./,,'
}
mapfile -t all < <(list | while read -r file; do [ -f "$file" ] && echo "$file"; done | sort)
pick() { printf '%s\n' "${all[@]}" | grep -E "$1"; }
[ ${#all[@]} -gt 0 ] || { echo "lint.sh: error: no files in $root" >&2; exit 2; }

findings=$(mktemp)
trap 'rm -f "$findings"' EXIT

# Format. Other versions of clang-format disagree with the files, so it has to be this one.
command -v clang-format-14 >/dev/null || { echo "lint.sh: error: no clang-format-14: run scripts/setup.sh" >&2; exit 3; }
pick '\.(cpp|h|c)$' | xargs -r -P "$(nproc)" -n 16 clang-format-14 --dry-run -Werror 2>&1 |
  sed -nE 's/^([^ :]+:[0-9]+):[0-9]+: error: code should be clang-formatted.*/\1: not formatted: run clang-format-14 -i/p' >>"$findings"

code=$(pick '\.(cpp|h|c|td|py)$')

# Length.
for file in $code $(pick '\.(sh|cmake)$|CMakeLists\.txt$'); do
  lines=$(wc -l <"$file")
  [ "$lines" -lt 600 ] || echo "$file: expected fewer than 600 lines, but got $lines: split it by topic" >>"$findings"
done

# Lines of prose. Tables are as wide as they are, and the references are generated.
pick '\.md$' | grep -vE '^docs/(Dialect|Passes)\.md$' | xargs -r -d '\n' awk '
  FNR == 1 { code = 0 }
  /^ *(```|~~~)/ { code = !code }
  !code && !/^(\||<)/ && length > 132 {
    print FILENAME ":" FNR ": expected at most 132 columns of prose, but got " length
  }' >>"$findings"

# Licence.
for file in $code; do
  head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
    echo "$file:1: expected SPDX-License-Identifier: Apache-2.0 in the first lines" >>"$findings"
done

# Who may include whom: FOLDER, and a pattern of the project's headers that it may include. The runtime sees nothing of
# LLVM; the compiler sees the wrappers of the two libraries, the program's format, and files and errors
# (docs/Rationale.md).
includes() {
  pick "^$1/.*\.(cpp|h|c)$" | xargs -r grep -HnE '^#include' |
    grep -vE '#include (<[^>/]*>|<(sys|gtest|nlohmann|CLI|fmt)/[^>]*>|"('"$2"')")' | grep -E "$3" |
    sed -E 's/^([^:]+:[0-9]+):#include ["<]([^">]*)[">].*/\1: '"$1"' may not include \2/' >>"$findings"
}
own='"(dialect|frontend|passes|codegen|runtime|tools|test)/'
includes dialect 'dialect/[^"]*' "$own"
includes frontend '(dialect|frontend)/[^"]*' "$own"
includes passes '(dialect|passes)/[^"]*|runtime/support/Status\.h' "$own"
includes codegen '(dialect|passes|codegen)/[^"]*|runtime/(device/LibraryProblem|device/cpu/OneDnn|device/cuda/(Cudnn|Nvrtc)|program/(Kernels|ProgramFormat)|support/(Cache|Checksum|Files|Status))\.h' "$own"
includes runtime 'runtime/[^"]*' "$own|[\"<](mlir|llvm|lld|clang)(-c)?/"
includes tools '(dialect|frontend|passes|codegen|runtime|tools)/[^"]*' "$own"

# Paths of somebody's machine.
pick '' | grep -vE '^(scripts/lint\.sh|test/lint/.*)$' | xargs -r -d '\n' grep -HnIE '(^|[^A-Za-z0-9_.}])/(work|root|home|mnt|Users)/' |
  sed -E 's/^([^:]+:[0-9]+):.*/\1: a path of a machine: use one relative to the repository, or an option/' >>"$findings"

sort -u "$findings"
[ ! -s "$findings" ]
