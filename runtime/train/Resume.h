// SPDX-License-Identifier: Apache-2.0
//
// How a run begins: anew, or where an earlier one stopped, if it is the same run.
#pragma once

#include "runtime/train/Checkpoint.h"
#include "runtime/train/Trainer.h"

namespace incept {

/// Where a training begins and ends.
struct Beginning {
  int64_t step = 0, lastStep = 0;
  uint64_t seed = 0;
  Metadata run; ///< for its checkpoints
};

/// Draws weights or reads those of `options.weights`, or loads the newest checkpoint of `folder`, which is null where
/// there is none. What was recorded of the run, hyper-parameters too, holds where the options say nothing; where they
/// say something else that changes the result, it is an error that lists it, unless they allow changes. Nothing on disk
/// changes where this fails.
Expected<Beginning> beginRun(Program &program, const TrainOptions &options, const Dataset &images,
                             const std::string &augmentation, const RunFolder *folder);

/// Draws weights, and reads those of `options.weights` where it names some: as a run begins. Where they are for another
/// number of classes, the names of those that begin anew are added to `anew`.
Status drawWeights(Program &program, const TrainOptions &options, uint64_t seed, std::vector<std::string> &anew);

} // namespace incept
