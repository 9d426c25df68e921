// SPDX-License-Identifier: Apache-2.0
//
// What a network is made of: layers, parameters and multiply-accumulates.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace incept {

/// Who is alive when a function needs most memory.
struct PeakReport {
  struct Entry {
    int64_t bytes = 0, first = 0, last = 0; ///< alive from one group of the function to another
    std::string what, until;                ///< the value or scratchpad; the path of the last group
  };
  std::string function;
  int64_t group = 0, arenaBytes = 0; ///< which group has the peak; bytes of the function's arena
  std::vector<Entry> entries;        ///< largest first
};

/// The peaks of a module's functions, from `incept.peak` of the planned phase.
std::vector<PeakReport> collectPeaks(mlir::ModuleOp module);

/// One launch of a compiled network, and the time that it takes.
struct LaunchReport {
  std::string entry;      ///< "forward_backward"
  std::string path, what; ///< the op in the description; the kernel, or the library's engine
  std::string kind;       ///< "library", "map", "reduction", "other"
  /// What it does, in order: "conv2d" and "relu" of a library call, or the ops of a kernel.
  std::vector<std::string> ops;
  int64_t flops = 0, bytes = 0, workspaceBytes = 0;
  int64_t blocks = 0, resident = 1; ///< of its grid, 0 where it is not known; of a multiprocessor at once
  double bound = 0;                 ///< seconds of its operations or bytes at the device's peaks, the longer
  double seconds = 0;               ///< by the target's costs; 0 where it has none
  bool library = false, tensorCore = false;
  bool updates = false; ///< it writes variables of an optimizer
};

struct SummaryOptions {
  bool json = false;
  int depth = 1 << 20;              ///< of the table: levels of blocks and labels that it opens, 1 or more
  mlir::DictionaryAttr memory = {}; ///< byte counts by name, `incept.memory` of the exec phase; or none
  std::vector<PeakReport> peaks;
  std::vector<LaunchReport> launches; ///< in the order of their entry points
  std::vector<LaunchReport> unfused;  ///< the same without what joins ops or launches; or none
  std::string costs;                  ///< where the times of launches come from
};

/// Prints a table: a row for each block and label with the sums of what is in it, a row for each op of the description
/// (a convolution with its batch norm and ReLU is one), and the totals in the last row; then memory, peaks, and sums of
/// the launches. Or, as JSON, an object of `network`, `parameters` (trainable scalars), `states` (running statistics),
/// `macs` (multiply-accumulates of convolutions and linear layers, one image, forward) and `layers[]` with `name`,
/// `op`, `src` and `dst` (shapes with the batch; `src` is that of the first operand), `parameters`, `macs`; `memory`,
/// `peaks`, `step` with the sums of a training step, and `launches` with a list for each entry point. `step` also has
/// `unfused`, the same sums without fusion, and `lower_bound`, what no fusion saves: the operands of each convolution
/// and linear layer once, staging and updates. The module is in the graph phase.
void printSummary(mlir::ModuleOp module, llvm::raw_ostream &os, const SummaryOptions &options);

} // namespace incept
