// SPDX-License-Identifier: Apache-2.0
//
// What a run is: everything that the bits of its result depend on, as the metadata of its checkpoints.
#pragma once

#include "runtime/train/Program.h"

namespace incept {

/// Of the metadata of a checkpoint. Version 1 had network, spec_hash, step and seed alone.
inline constexpr int kCheckpointVersion = 2;

/// What the program does not know of its run.
struct RunFacts {
  uint64_t seed = 0;
  std::string data, dataHash;       ///< the source as it was given; a checksum of the training images
  std::string weightsHash;          ///< of the file it began from, empty where weights were drawn
  int64_t lastStep = 0;             ///< where it is to end
  std::string augmentation;         ///< what is done to training images, empty where nothing is
  std::vector<std::string> classes; ///< their names, if the data have some
};

/// The metadata of a run's checkpoints, but for the step.
Metadata describeRun(Program &program, const RunFacts &facts);

/// The names of classes that a file of weights records; empty where it records none.
std::vector<std::string> recordedClasses(const Metadata &metadata);
/// The names as they are recorded; empty where there are none.
std::string classesText(const std::vector<std::string> &classes);

/// Hyper-parameters as they were recorded; those that cannot be read are not there.
std::map<std::string, double> recordedHyperparameters(const Metadata &metadata);

/// What `recorded` and `own` say of each other that changes the result, as parts of a sentence: "threads is 1 there and
/// 2 here". What only one of them says is not compared, and hyper-parameters are not; a checkpoint that says nothing of
/// the augmentation had none.
std::vector<std::string> differences(const Metadata &recorded, const Metadata &own);

} // namespace incept
