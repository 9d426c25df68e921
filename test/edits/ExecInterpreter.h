// SPDX-License-Identifier: Apache-2.0
//
// What a module of the exec phase for the CPU means, in plain loops: bodies of kernels in the reference interpreter,
// library calls from the problem that their plan describes. Memory is that of the program, byte by byte; what a launch
// computes is in f64.
#pragma once

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"

#include <map>
#include <string>
#include <vector>

namespace incept::test {

class ExecInterpreter {
public:
  /// All of memory is zero.
  explicit ExecInterpreter(mlir::ModuleOp module);

  /// The bytes at `offset` of a region.
  char *at(llvm::StringRef region, int64_t offset) { return memory[region.str()].data() + offset; }
  void fill(llvm::StringRef region, float value);

  /// Runs the launches of an entry point. Empty where that went well, otherwise a sentence.
  std::string run(EntryPoint entry);

private:
  mlir::ModuleOp module;
  std::map<std::string, std::vector<char>> memory;
};

} // namespace incept::test
