// SPDX-License-Identifier: Apache-2.0
//
// A description with everything it imports.
#pragma once

#include "frontend/Spec.h"

namespace incept {

/// Where to look for things and which network to take.
struct LoadPaths {
  std::vector<std::string> imports; ///< folders in which imports are looked for, after that of the importing file
  std::string network;              ///< which network of the file; empty where it has one
};

/// Reads the network in `path` and the files it imports (paths are relative to the importing file), and checks what can
/// be checked without shapes: that blocks, parameters and named values exist and no block uses itself. Reports
/// mistakes; nothing is returned only where the file could not be read at all.
std::optional<Spec> loadSpec(llvm::StringRef path, const LoadPaths &paths, Diagnostics &diagnostics);

/// Reads one file, without what it imports: the text form, or JSON where the name ends in .json or the text begins with
/// a bracket. `number` is the file's in `diagnostics`.
std::optional<SpecFile> readSpecFile(uint32_t number, Diagnostics &diagnostics);

/// Opens a regular file; returns its number, or nothing after a report at `import` (which may be null).
std::optional<uint32_t> openSpecFile(const std::string &path, const Name *import, Diagnostics &diagnostics);

} // namespace incept
