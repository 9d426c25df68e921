// SPDX-License-Identifier: Apache-2.0
//
// Weights for inference, from a file.
#pragma once

#include "runtime/train/Program.h"

#include <string>
#include <vector>

namespace incept {

/// Which values of a file: the weights, or their moving averages.
enum class Averages { No, IfThere, Yes };

struct LoadedWeights {
  std::vector<std::string> classes; ///< names, where the file has those of this program's
  bool fromAverages = false;
};

/// Reads parameters and running statistics, or their averages; a checkpoint will do, its slots are passed over. With
/// IfThere nothing is read from a file that has no averages.
Expected<LoadedWeights> loadWeights(Program &program, const std::string &path, Averages averages);

} // namespace incept
