// SPDX-License-Identifier: Apache-2.0
//
// Hyper-parameters of training: what the description says, what --set replaces, and the learning rate of each step.
#pragma once

#include "runtime/support/Status.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace incept {

class Hyperparameters {
public:
  /// Reads the `training` object of an image; what is missing keeps its default. Each of the step block's `fields` that
  /// has none is a number of the optimizer's or of the section itself, and must be there.
  static Expected<Hyperparameters> fromJson(const nlohmann::json &training,
                                            const std::vector<std::string> &fields = {});

  /// Replaces one, "KEY=VALUE"; an unknown key lists the known ones, and each has a range.
  Status set(const std::string &setting);
  /// True where `set` has replaced it.
  bool isSet(std::string_view key) const { return given.find(key) != given.end(); }
  /// Takes a value as it was recorded, if it is one that `set` would take; false otherwise.
  bool restore(std::string_view key, double value);
  /// Replaces the length of the training, in which the cosine falls.
  void setEpochs(double epochs) { values["epochs"] = epochs; }
  using Values = std::map<std::string, double, std::less<>>; // looked up in every step: without making a string
  double get(std::string_view key) const { return values.find(key)->second; } ///< of a key that there is
  const Values &all() const { return values; }
  const std::string &schedule() const {
    return kind;
  } ///< "constant", "step", "cosine", "multi_step", "polynomial" or "one_cycle"

  /// Whether the rate depends on the length of the training.
  bool dependsOnLength() const { return kind == "cosine" || kind == "polynomial" || kind == "one_cycle"; }

  /// Learning rate of the step `step` (from 0), with `stepsPerEpoch` steps in an epoch:
  ///   constant  base
  ///   step      base * gamma^floor(epoch / every_epochs)
  ///   cosine    final + (base - final) * (1 + cos(pi * epoch / epochs)) / 2
  ///   multi_step  base * gamma^(milestones that are not after epoch)
  ///   polynomial  final + (base - final) * (1 - epoch / epochs)^power
  ///   one_cycle   by cosines, from base / start_divisor up to base at the share `rise` of the steps, and down to
  ///               base / start_divisor / end_divisor in the last one
  /// and, before `warmup_epochs`, times the share of the warm-up that has passed.
  double learningRate(int64_t step, int64_t stepsPerEpoch) const;

private:
  std::string kind = "constant";
  std::set<std::string, std::less<>> given;
  std::vector<double> milestones; ///< epochs, ascending
  Values values = {{"learning_rate", 0.01}, {"gamma", 1},       {"every_epochs", 1}, {"final_learning_rate", 0},
                   {"warmup_epochs", 0},    {"epochs", 1},      {"momentum", 0.9},   {"rms_decay", 0.9},
                   {"rms_epsilon", 1},      {"weight_decay", 0}};
};

} // namespace incept
