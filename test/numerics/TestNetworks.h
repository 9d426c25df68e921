// SPDX-License-Identifier: Apache-2.0
//
// Small networks, one per op that training differentiates, and what it takes to run them in the reference interpreter.
#pragma once

#include "dialect/reference/Interpreter.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <ostream>
#include <string>
#include <vector>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace incept::test {

/// An op, or a few, between a convolution that gives %x (2,4,6,6) and one that makes %y (2,channels,height,width)
/// logits with a weight of its own per pixel. So the op's gradient reaches a parameter and differs from pixel to pixel.
struct TestNetwork {
  const char *name;
  const char *variables; ///< variables that `body` reads
  const char *body;      ///< ops from %x to %y
  int channels, height, width;
};

/// What GoogleTest prints for a network.
inline void PrintTo(const TestNetwork &network, std::ostream *stream) { *stream << network.name; }

/// All networks.
const std::vector<TestNetwork> &testNetworks();

/// Text of the network as a module of the graph phase, with an optimizer of kind `optimizer`.
std::string moduleText(const TestNetwork &network, const std::string &optimizer = "sgd");

/// A module after some passes, and its interpreter with reproducible values in all parameters, states, slots and
/// inputs.
class TestRun {
public:
  /// Parses `text` and runs the passes that `build` adds. A failure is reported to GoogleTest and leaves !ok().
  /// `addDialects` adds those that are not the compiler's.
  TestRun(const std::string &text, llvm::function_ref<void(mlir::OpPassManager &)> build,
          void (*addDialects)(mlir::DialectRegistry &) = nullptr);

  bool ok() const { return interpreter != nullptr; }
  mlir::ModuleOp module() { return *owned; }
  std::map<std::string, reference::Tensor> &variables() { return interpreter->variables(); }
  std::map<std::string, double> &stepValues() { return interpreter->stepValues(); }
  /// Calls a function without arguments; a failure is reported to GoogleTest.
  void call(const std::string &function);
  /// Names of the variables of a kind, in the module's order.
  std::vector<std::string> namesOf(const std::string &kind);

private:
  void fillVariables();

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> owned;
  std::unique_ptr<reference::Interpreter> interpreter;
};

/// Adds the passes up to differentiation, batch norm still whole.
void addDifferentiation(mlir::OpPassManager &passes);

/// Adds the passes that `build` adds, with --cse and --canonicalize behind each of them.
void addWithCleaning(mlir::OpPassManager &passes, llvm::function_ref<void(mlir::OpPassManager &)> build);

/// Compares the gradients of the network's parameters with central differences of the loss.
void expectGradientsOf(const TestNetwork &network, void (*addDialects)(mlir::DialectRegistry &) = nullptr);

/// Largest absolute value of a tensor.
double largest(const reference::Tensor &tensor);

/// Checks that two tensors agree within `tolerance` times the largest value of `expected` (taken as at least 1e-3).
void expectClose(const reference::Tensor &expected, const reference::Tensor &actual, double tolerance,
                 const std::string &what);

} // namespace incept::test
