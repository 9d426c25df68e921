// SPDX-License-Identifier: Apache-2.0
//
// What an optimizer is made of, as data: the language reads its keys here, the optimizer pass its slots and step
// fields. The arithmetic is in its update op (UpdateOpInterface).
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

#include <limits>
#include <vector>

namespace incept {

/// A number that an update takes from the step region.
struct Hyperparameter {
  llvm::StringLiteral field; ///< of the step region
  llvm::StringLiteral key;   ///< in a description's `optimizer`; empty where it stands elsewhere (the learning rate)
  double least = 0, most = 1, fallback = 0;
  bool isCounter = false; ///< an i64 of the runtime's, not an f32
};

/// State that an optimizer keeps of each parameter.
struct OptimizerSlot {
  llvm::StringLiteral role; ///< its region, and the prefix of its variables' names
  double initial = 0;
};

struct Optimizer {
  llvm::StringLiteral kind; ///< in a description
  llvm::ArrayRef<OptimizerSlot> slots;
  llvm::ArrayRef<Hyperparameter> hyperparameters; ///< in the order of the update op's operands
  /// Behind these the op takes the sums of squares of the parameter and of the direction that the op builds (the
  /// gradient where it builds none), 0 for those without decay.
  bool takesNorms = false;

  /// Scalars that the update op takes, without `unscale`.
  size_t scalars() const { return hyperparameters.size() + (takesNorms ? 2 : 0); }
};

namespace optimizers {
inline constexpr double kMost = std::numeric_limits<double>::infinity();
inline constexpr Hyperparameter kLearningRate = {"learning_rate", ""}, kWeightDecay = {"weight_decay", ""},
                                kMomentum = {"momentum", "momentum", 0, 1, 0.9},
                                kStep = {.field = "step", .key = "", .isCounter = true}; // updates before this one

inline constexpr OptimizerSlot kSgdSlots[] = {{"momentum"}};
inline constexpr Hyperparameter kSgdNumbers[] = {kLearningRate, kMomentum, kWeightDecay};

inline constexpr OptimizerSlot kRmspropSlots[] = {{"mean_square", 1}, {"momentum"}};
inline constexpr Hyperparameter kRmspropNumbers[] = {kLearningRate,
                                                     kMomentum,
                                                     {"rms_decay", "decay", 0, 1, 0.9},
                                                     {"rms_epsilon", "epsilon", 1e-30, kMost, 1.0},
                                                     kWeightDecay};

inline constexpr Hyperparameter kLarsNumbers[] = {
    kLearningRate, kMomentum, {"trust", "trust", 0, kMost, 0.001}, kWeightDecay};

// A beta of 1 would keep a moment at 0, and there is no correction for that.
inline constexpr OptimizerSlot kAdamSlots[] = {{"first_moment"}, {"second_moment"}};
inline constexpr Hyperparameter kAdamNumbers[] = {kLearningRate,
                                                  {"beta1", "beta1", 0, 0.999999, 0.9},
                                                  {"beta2", "beta2", 0, 0.999999, 0.999},
                                                  {"epsilon", "epsilon", 1e-30, kMost, 1e-8},
                                                  kWeightDecay,
                                                  kStep};

inline constexpr Hyperparameter kLambNumbers[] = {
    kLearningRate, kAdamNumbers[1], kAdamNumbers[2], {"epsilon", "epsilon", 1e-30, kMost, 1e-6}, kWeightDecay, kStep};

inline constexpr Optimizer kSgd = {"sgd", kSgdSlots, kSgdNumbers};
inline constexpr Optimizer kNesterov = {"nesterov", kSgdSlots, kSgdNumbers};
inline constexpr Optimizer kRmsprop = {"rmsprop", kRmspropSlots, kRmspropNumbers};
inline constexpr Optimizer kAdam = {"adam", kAdamSlots, kAdamNumbers};
inline constexpr Optimizer kAdamw = {"adamw", kAdamSlots, kAdamNumbers};
inline constexpr Optimizer kLars = {"lars", kSgdSlots, kLarsNumbers, /*takesNorms=*/true};
inline constexpr Optimizer kLamb = {"lamb", kAdamSlots, kLambNumbers, /*takesNorms=*/true};
} // namespace optimizers

/// Those that a description may name.
inline constexpr const Optimizer *kOptimizers[] = {&optimizers::kSgd,  &optimizers::kNesterov, &optimizers::kRmsprop,
                                                   &optimizers::kAdam, &optimizers::kAdamw,    &optimizers::kLars,
                                                   &optimizers::kLamb};

/// The numbers that a description's `optimizer` may give: those of all optimizers, each key once, with the range and
/// the fallback that the optimizer `kind` has for it where it has one.
inline std::vector<const Hyperparameter *>
optimizerNumbers(llvm::StringRef kind = {}, llvm::ArrayRef<const Optimizer *> optimizers = kOptimizers) {
  std::vector<const Hyperparameter *> numbers;
  for (const Optimizer *optimizer : optimizers)
    for (const Hyperparameter &number : optimizer->hyperparameters) {
      auto known = llvm::find_if(numbers, [&](auto *known) { return known->key == number.key; });
      if (number.key.empty())
        continue;
      if (known == numbers.end())
        numbers.push_back(&number);
      else if (optimizer->kind == kind)
        *known = &number;
    }
  return numbers;
}

} // namespace incept
