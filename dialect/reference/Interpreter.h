// SPDX-License-Identifier: Apache-2.0
//
// Runs functions of the graph, training and fused phases in f64: the definition of what every op computes, for gradient
// checks and differential tests. One plain loop nest per op, in the file of its family. An op computes in f64 whatever
// its type; results of type bf16 and f16 are rounded when it gives them, inside groups too.
#pragma once

#include "dialect/reference/Tensor.h"
#include "mlir/IR/BuiltinOps.h"

#include <map>
#include <string>

namespace incept::reference {

class Interpreter {
public:
  /// Starts with every variable of `module` at zero (variables of types that have no tensor are left out, and reading
  /// them is an error). The module must be verified and outlive the interpreter.
  explicit Interpreter(mlir::ModuleOp module);

  /// Variables by name. The caller may change values, not shapes.
  std::map<std::string, Tensor> &variables() { return variableValues; }

  /// Fields of the step region (`learning_rate`, `step`, `seed`, ...) by name; there are none at the start. Integers
  /// are exact up to 2^53.
  std::map<std::string, double> &stepValues() { return fields; }

  /// Runs `function` on `inputs` and fills `outputs`. All reads see the variables from before the call; its writes are
  /// done at the end, and none are where it fails. Errors are diagnostics at the op's location.
  mlir::LogicalResult run(llvm::StringRef function, llvm::ArrayRef<Tensor> inputs,
                          llvm::SmallVectorImpl<Tensor> &outputs);

private:
  mlir::ModuleOp module;
  std::map<std::string, Tensor> variableValues;
  std::map<std::string, double> fields;
};

} // namespace incept::reference
