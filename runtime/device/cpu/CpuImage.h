// SPDX-License-Identifier: Apache-2.0
//
// What is known of a CPU program before anything of this machine is asked.
#pragma once

#include "runtime/program/Image.h"

namespace incept::cpu {

/// Dense in the order of its shape, or of its physical dimensions: nothing to convert.
bool isPlain(const program::Tensor &tensor);

/// What is packed fits its tensor, so that it can be read and written; every plan can be read, and what its launches
/// touch lies in their regions. Whether oneDNN has a primitive for it depends on the machine.
Status checkImage(const program::Image &image);

/// Adds what `info` says of the target.
void describeImage(const program::Image &image, nlohmann::ordered_json &info);
/// What a plan writes.
std::vector<program::PlanResult> planResults(const program::Image &image, size_t plan);

} // namespace incept::cpu
