// SPDX-License-Identifier: Apache-2.0
//
// What all our programs that use LLVM do alike: say their version, and say it in one sentence where the standard output
// cannot be written.
#pragma once

#include "llvm/ADT/StringRef.h"

#include <string>

namespace incept {

/// Lines of `--version`: the tool's, that of program images, and LLVM's.
std::string versionText(llvm::StringRef tool);

/// For the first line of main: what LLVM gives up on, such as a full disk, ends in a sentence of `tool` and exit status
/// 3, and `--version` of LLVM's command lines prints ours.
void prepareTool(const char *tool);

/// Writes a file, or the standard output where `path` is "-". Returns 0, or 3 after a sentence of `tool`.
int writeText(llvm::StringRef path, llvm::StringRef text, llvm::StringRef tool);

/// For the last line of main: flushes the standard output. Returns `status`, or 3 after a sentence where what was
/// printed did not arrive.
int finishOutput(int status, llvm::StringRef tool);

} // namespace incept
