// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints: parameters, running statistics and optimizer slots, the place in training, and what the run is
// (Identity.h). Order of images, dropout and learning rate are functions of seed and step, so nothing else needs to be
// kept. A checkpoint is written whole or not at all, has a checksum, and never a value that is not finite.
#pragma once

#include "runtime/train/Identity.h"
#include "runtime/train/RunFolder.h"

namespace incept {

/// The kinds of tensors that a checkpoint holds.
const std::set<std::string> &checkpointKinds();
/// What the checkpoint of a step says of itself.
Metadata checkpointMetadata(const Metadata &run, int64_t step, double accuracy);

/// Writes the checkpoint of a step. `accuracy` is what the test images gave there, negative where they were not asked.
Status saveCheckpoint(Program &program, const RunFolder &folder, int64_t step, const Metadata &run, double accuracy);

/// A checkpoint that has been loaded.
struct Resumed {
  int64_t step = 0;
  std::string path;
  Metadata metadata;
  std::vector<std::pair<int64_t, std::string>> damaged; ///< newer ones that cannot be read: step, and why
};

/// Loads the newest checkpoint that is whole; damaged ones are passed over. An error where there is none, or where the
/// newest whole one is of another network or of a later version of incept.
Expected<Resumed> loadNewestCheckpoint(Program &program, const RunFolder &folder);

/// The accuracy that a checkpoint records, from 0 to 1; negative where it records none.
double recordedAccuracy(const Metadata &metadata);
/// The step of the checkpoint of the highest recorded accuracy, the earliest of equals; -1 where none records one.
int64_t findBest(const RunFolder &folder, double &accuracy);

/// A recorded integer; false where it is missing or none.
bool readRecorded(const Metadata &metadata, const char *key, int64_t &value);

} // namespace incept
