// SPDX-License-Identifier: Apache-2.0
//
// Compiles the kernel of one group, launches it the way LowerToExec says, and compares it with the f64 interpreter.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"

#include <cstdint>
#include <string>
#include <vector>

namespace incept {
class Target;
}

namespace incept::test {

/// An argument of a group; `low` and `high` bound its random values (integers are rounded down). The first elements
/// have the `first` values instead, as many of them as there are elements.
struct Argument {
  std::string name, type;
  double low = -1, high = 1;
  std::vector<double> first = {};
};

/// A kernel group: `%name` of the arguments and of the `results` may be used in `body`, which defines the results.
struct GroupCase {
  std::string name;
  std::vector<Argument> arguments;
  std::string body;
  std::vector<std::pair<std::string, std::string>> results; ///< name, type
  double tolerance = 1e-5; ///< relative to each result's largest finite value; NaN and infinities have to be the same
};

/// An operand of a launch: its memory and where in it the tensor begins.
struct LaunchOperand {
  mlir::MemRefType type;
  std::vector<char> *bytes;
  int64_t offsetBytes;
  bool isOutput;
};

struct Launch {
  std::string symbol;
  std::vector<LaunchOperand> operands;
  std::vector<int64_t> extents;
  int64_t units;
};

/// A target that kernels can be run on.
class KernelRunner {
public:
  virtual ~KernelRunner() = default;
  virtual const Target &target() const = 0;
  /// Compiles the kernel definitions of `module` and runs the launches in order. Reports failures as test failures.
  virtual void run(mlir::ModuleOp module, const std::vector<Launch> &launches) = 0;
};

/// The CPU this runs on: a launch in three parts, as three threads would.
KernelRunner &cpuRunner();
/// A GPU, interpreted, with its memory checked.
KernelRunner &cudaRunner();

/// Runs the case and reports differences as test failures; bytes outside of the results must not change. The case may
/// use dialects that `addDialects` adds.
void checkGroup(const GroupCase &group, KernelRunner &runner, void (*addDialects)(mlir::DialectRegistry &) = nullptr);

/// Compiles the kernel definitions in `text` for `cpu`. Returns the diagnostics, empty where it compiled.
std::string compileFor(const std::string &text, const std::string &cpu);

} // namespace incept::test
