// SPDX-License-Identifier: Apache-2.0
//
// What tools ask of the frontend: a description's file to a module of the graph phase.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace incept {

class Diagnostics;

struct LoadOptions {
  int64_t batchSize = 32;
  /// Values of the network's parameters by name, as text ("299", "0.5"); they replace the defaults.
  std::map<std::string, std::string> parameters;
  std::vector<std::string> importPaths; ///< folders in which imports are looked for
  std::string network;                  ///< which network of the file; empty where it has one
  bool warnings = false;                ///< print warnings too
  bool jsonDiagnostics = false;         ///< print mistakes as JSON, an object per line
  bool acceptLibrary = false;           ///< a file without a network gives an empty module, no mistake
};

/// Reads the network in `path` with its imports and emits the graph phase. Mistakes go to `diagnostics`, all
/// independent ones at once, as `file:line:col: error:` with the place underlined. The context must have the incept and
/// func dialects.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> loadNetwork(mlir::MLIRContext &context, llvm::StringRef path,
                                                               const LoadOptions &options,
                                                               llvm::raw_ostream &diagnostics);

/// The same for those who go on after mistakes: they are left in `diagnostics`, and the module, null where there is no
/// network, has what could be emitted.
mlir::OwningOpRef<mlir::ModuleOp> emitNetwork(mlir::MLIRContext &context, llvm::StringRef path,
                                              const LoadOptions &options, Diagnostics &diagnostics);

} // namespace incept
