// SPDX-License-Identifier: Apache-2.0
//
// The way from an exec-phase module to an executable. Which one it is, the module's target says (passes/Target.h).
#pragma once

#include "dialect/InceptOps.h"

#include <optional>
#include <string>
#include <vector>

namespace incept {

/// Peaks of a device, as its data sheet has them.
struct Peaks {
  double bytesPerSecond = 0;
  double flops = 0;           ///< f32 multiply and add units, per second
  double tensorCoreFlops = 0; ///< of the precision that is compiled for, dense
};

class Backend {
public:
  virtual ~Backend() = default;

  /// File name of the runtime executable, e.g. "incept-stub-cpu".
  virtual llvm::StringRef stub() const = 0;
  /// What a program depends on besides its module and the target's attribute: the processor or the device.
  virtual std::string identity() const = 0;
  /// Compiles kernels and gives the bytes of the program image, which codegen/image/Executable.h joins to the stub.
  /// Diagnostics are emitted on the module.
  virtual mlir::FailureOr<std::string> emitImage(mlir::ModuleOp module) const = 0;
  /// None where the target is this machine: `bench --profile` measures it. `precision` is "f32", "bf16" or "f16".
  virtual std::optional<Peaks> peaks(llvm::StringRef precision) const { return std::nullopt; }
  /// Where the costs come from by which the target estimates times: "assumed, not measured", "measured on CARD", or ""
  /// where it knows none.
  virtual std::string costs() const { return ""; }
  /// Memory of the device that programs may fill; 0 where it is the user's to say, and programs take as little as they
  /// can.
  virtual int64_t memoryBytes() const { return 0; }
  /// What else is known of a plan, line by line, for --explain.
  virtual std::vector<std::string> explain(exec::PlanOp plan) const { return {}; }
  /// Writes one part of the executable: `kind` is one of those of --emit. Returns failure with a diagnostic on the
  /// module for a kind that the target has not.
  virtual mlir::LogicalResult emitPart(mlir::ModuleOp module, llvm::StringRef kind,
                                       llvm::raw_ostream &stream) const = 0;
};

} // namespace incept
