// SPDX-License-Identifier: Apache-2.0
//
// The targets by name: what passes may ask one, and the way from an exec-phase module to an executable.
#pragma once

#include "dialect/InceptOps.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace incept {

class Target;

/// Which target, and what it should know.
struct BackendOptions {
  std::string target = "cpu"; ///< "cpu", "cuda:DEVICE"
  int threads = 1;            ///< of the program on a CPU; of plan building for a GPU
  std::string cpu;            ///< LLVM's name of the CPU; empty means this machine's
  bool tf32 = false;          ///< GPU, f32: products may be rounded to TF32
  std::string planCache;      ///< GPU: directory of finished plans; empty means the user's cache
  /// GPU: MiB of workspace that a cuDNN call may have. Larger ones make f32 without TF32 faster, but the arena has to
  /// hold the largest.
  int64_t workspaceLimit = 256;
};

/// Peaks of a device, as its data sheet has them.
struct Peaks {
  double bytesPerSecond = 0;
  double flops = 0;           ///< f32 multiply and add units, per second
  double tensorCoreFlops = 0; ///< of the precision that is compiled for, dense
};

class Backend {
public:
  virtual ~Backend() = default;

  virtual std::shared_ptr<const Target> target() const = 0;
  /// File name of the runtime executable, e.g. "incept-stub-cpu".
  virtual llvm::StringRef stub() const = 0;
  /// What a program depends on besides its module: libraries' versions, the processor or the device. Two machines with
  /// one identity can share programs.
  virtual std::string identity() const = 0;
  /// Compiles kernels and gives the bytes of the program image, which codegen/image/Executable.h joins to the stub.
  /// `specText` is kept in the image for `info`. Diagnostics are emitted on the module.
  virtual mlir::FailureOr<std::string> emitImage(mlir::ModuleOp module, llvm::StringRef specText) const = 0;
  /// None where the target is this machine: `bench --profile` measures it. `precision` is "f32", "bf16" or "f16".
  virtual std::optional<Peaks> peaks(llvm::StringRef precision) const { return std::nullopt; }
  /// What else is known of a plan, line by line, for --explain.
  virtual std::vector<std::string> explain(exec::PlanOp plan) const { return {}; }
  /// Writes one part of the executable: `kind` is one of those of --emit. Returns failure with a diagnostic on the
  /// module for a kind that the target has not.
  virtual mlir::LogicalResult emitPart(mlir::ModuleOp module, llvm::StringRef kind,
                                       llvm::raw_ostream &stream) const = 0;
};

/// The target called `options.target`. Null with a sentence in `error`, without a final stop, where there is none, and
/// then `isUsage` tells an unknown name from a machine that lacks what it needs.
std::unique_ptr<Backend> createBackend(const BackendOptions &options, std::string &error, bool &isUsage);

} // namespace incept
