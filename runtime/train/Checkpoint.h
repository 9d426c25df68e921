// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints: DIR/step-N.safetensors with parameters, running statistics, optimizer slots and the place in training.
// Order of images, dropout and learning rate are functions of seed and step, so nothing else needs to be kept.
#pragma once

#include "runtime/train/Program.h"

namespace incept {

struct Progress {
  int64_t step = 0; ///< updates done
  uint64_t seed = 0;
};

Status saveCheckpoint(Program &program, const std::string &directory, const Progress &progress);

/// Loads the newest checkpoint of the directory; an error where there is none or it is of another network.
Expected<Progress> loadNewestCheckpoint(Program &program, const std::string &directory);

} // namespace incept
