// SPDX-License-Identifier: Apache-2.0
//
// The phases of a compilation by name, and the passes that lead from one to the next.
#pragma once

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace incept {

enum class Phase { Graph, Training, Fused, Layout, Planned, Exec };

inline constexpr Phase kPhases[] = {Phase::Graph,  Phase::Training, Phase::Fused,
                                    Phase::Layout, Phase::Planned,  Phase::Exec};

/// "graph", "training", ...
llvm::StringRef phaseName(Phase phase);
std::optional<Phase> parsePhase(llvm::StringRef name);

/// Rewrites that can be turned off.
struct PhaseOptions {
  bool commutePools = true;      ///< let a 1x1 convolution go before the average pool that feeds it
  bool mergeSiblings = true;     ///< make 1x1 convolutions that read the same value one
  bool fuse = true;              ///< join elementwise ops with their consumers
  bool convStats = true;         ///< let convolutions give the sums that batch norm needs
  bool backwardNorm = true;      ///< let gradients of convolutions go on with those of batch norms before them
  bool convNormalization = true; ///< let convolutions normalise what they read
  bool tileNormalization = true; ///< let convolutions by tiles normalise what they read
  bool recompute = true;         ///< compute cheap values again instead of keeping them
  bool updateEarly = true;       ///< update weights as soon as their gradient is there
  bool schedule = true;          ///< order independent ops so that less memory is alive at once
  bool coalesce = true;          ///< join optimizer updates of adjacent parameters
  bool join = true;              ///< let one launch do what independent ones of a kernel would
  bool pair = true;              ///< let one launch do what independent ones of two kernels would
  bool reportPeak = false;       ///< list who is alive when most memory is needed (incept.peak of a planned function)
  std::string precision = "f32"; ///< of activations: f32, bf16 or f16
  int64_t memoryBudget = 0;      ///< bytes of a program before `recompute` costs time to save memory; 0: it always may

  static PhaseOptions none() {
    return {false, false, false, false, false, false, false, false, false, false, false, false, false, false, "f32", 0};
  }
};

/// Adds the passes that lead from the phase before `phase` to `phase` (none for graph), ending with its verifier. From
/// the training phase on they need a module with a target.
void buildPhase(mlir::OpPassManager &passes, Phase phase, const PhaseOptions &options);

/// Registers one pipeline per phase, `incept-to-PHASE`.
void registerPhasePipelines();

} // namespace incept
