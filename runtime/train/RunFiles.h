// SPDX-License-Identifier: Apache-2.0
//
// What a run leaves in its folder besides checkpoints: what it is (run.json), its log (log.jsonl), its curve
// (curve.svg) and TensorBoard's events.
#pragma once

#include "runtime/train/Trainer.h"

#include <string>

namespace incept {

inline constexpr const char *kRunRecord = "run.json", *kRunLog = "log.jsonl", *kRunCurve = "curve.svg";

/// Writes DIR/run.json: network, description, command line, versions, classes, data, and when it began.
Status writeRunRecord(const std::string &directory, const Program &program, const TrainOptions &options,
                      const Metadata &run, const Dataset &images);

} // namespace incept
