// SPDX-License-Identifier: Apache-2.0
//
// A device that computes nothing: a script writes what a step gives, and what every step was given is kept. So the code
// above the device is tested with logits, losses and statistics that a test chooses.
#pragma once

#include "runtime/device/Device.h"

#include <map>

namespace incept::tests {

/// What one step was given when it was started.
struct ScriptedStep {
  Work work;
  std::vector<uint8_t> images;  ///< (N,H,W,C)
  std::vector<int64_t> labels;  ///< (N)
  std::vector<std::byte> block; ///< the step block
};

/// The script of the next device that `scriptedBackend` creates, and what it has seen.
struct Script {
  size_t depth = 1;
  int64_t blockBytes = 64;
  /// Writes logits (N,K) and loss of a step.
  std::function<void(const ScriptedStep &step, std::vector<float> &logits, float &loss)> compute;
  std::vector<ScriptedStep> steps;
  std::vector<std::string> entries;                      ///< entry points that were run by themselves
  std::map<std::string, std::vector<std::byte>> tensors; ///< by name, in logical order
  std::vector<std::string> written;                      ///< names of tensors, in the order of writing
  float memory = 0;                                      ///< what every f32 that is read as memory is
  int memoryWritten = 0;                                 ///< how often memory was written
};
Script &script();

/// Makes devices of the script for programs of kind "cpu"; refuses nothing.
const Backend &scriptedBackend();

/// The header of a program for it: gray images of 2x2, `classes` classes, batch `batch`, one parameter "linear.weight"
/// (classes,4), one running statistic "bn.running_mean" (4), and no launches.
nlohmann::json scriptedHeader(int64_t batch, int64_t classes);

} // namespace incept::tests
