// SPDX-License-Identifier: Apache-2.0
//
// An optimizer and a loss that the compiler does not know: what it takes to add them, without touching a file of it.
#pragma once

#include "dialect/InceptOps.h"

#include "test/extension/optimizer/TrainerDialect.h.inc"
#define GET_OP_CLASSES
#include "test/extension/optimizer/TrainerOps.h.inc"

namespace incept::trainer {

inline constexpr OptimizerSlot kAdamwSlots[] = {{"first_moment"}, {"second_moment"}};
inline constexpr Hyperparameter kAdamwNumbers[] = {optimizers::kLearningRate,
                                                   {"beta1", "beta1", 0, 0.999999, 0.9},
                                                   {"beta2", "beta2", 0, 0.999999, 0.999},
                                                   {"epsilon", "epsilon", 1e-30, optimizers::kMost, 1e-8},
                                                   optimizers::kWeightDecay,
                                                   optimizers::kStep};
inline constexpr Optimizer kAdamw = {"adamw_of_tests", kAdamwSlots, kAdamwNumbers};

/// The dialect, and what the interpreter and the code generators have to know of its ops.
void registerTrainer(mlir::DialectRegistry &registry);

} // namespace incept::trainer
