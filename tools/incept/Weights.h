// SPDX-License-Identifier: Apache-2.0
//
// `incept weights`: weights of another library as ours, and back.
#pragma once

#include "tools/incept/Driver.h"

namespace incept {

struct WeightsOptions {
  std::string map; ///< a file, or NAME for maps/NAME.json
  std::string input, output;
  bool reverse = false; ///< from our names to theirs
};

/// Renames the tensors of a safetensors file. `network` says whose parameters these are; its `spec` may be empty where
/// the map names one. Nothing is written unless every tensor of the network is there with its shape, and no other.
/// Returns the exit status; errors have been printed, one line each.
int convertWeights(const WeightsOptions &options, CompileOptions network);

} // namespace incept
