// SPDX-License-Identifier: Apache-2.0
//
// What becomes of one module: refused with a place and a sentence, or a program that computes what the interpreter
// does.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "passes/Phases.h"

#include <map>
#include <string>
#include <vector>

namespace incept::test {

struct Verdict {
  enum Kind { Refused, Equal, Wrong } kind;
  std::string why; ///< the first error, or what is wrong
};

class EditRun {
public:
  EditRun();

  mlir::MLIRContext &mlirContext() { return context; }
  /// The network as a module of a phase, as somebody would have it who wrote the compiler's IR to a file and read it
  /// again.
  mlir::OwningOpRef<mlir::ModuleOp> moduleOf(Phase phase);
  /// Compiles the module, which says that it is of `phase`, and runs it; with `cleans`, --cse and --canonicalize run
  /// behind each pass.
  Verdict judge(mlir::ModuleOp module, Phase phase, bool cleans = false);

private:
  mlir::FailureOr<std::string> writeProgram(mlir::ModuleOp module);
  mlir::FailureOr<std::string> compileKernels(mlir::ModuleOp module);
  Verdict compare(mlir::ModuleOp original, Phase phase, mlir::ModuleOp exec, const std::string &image, uint64_t seed);

  mlir::MLIRContext context;
  std::map<std::string, std::string> objects;   ///< by the text of a kernel
  std::map<std::string, std::string> libraries; ///< by the texts of all kernels
};

} // namespace incept::test
