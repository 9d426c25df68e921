// SPDX-License-Identifier: Apache-2.0
//
// The answers of `cuda:DEVICE` to passes: every library op is a cuDNN plan. Weights of convolutions are O,H,W,I in
// memory ("ohwi"), activations NHWC, also as channel slices where an engine takes them without a copy.
#pragma once

#include "codegen/cuda/PlanSource.h"
#include "codegen/cuda/plans/LaunchCosts.h"
#include "passes/Target.h"

#include <optional>

namespace incept::cuda {

/// `plans` is asked while passes run; it and `backend`, what the target calls its own, must outlive the target. Without
/// `costs` it knows no times.
std::shared_ptr<const Target> createCudaTarget(PlanSource &plans, bool tf32, int64_t multiprocessors,
                                               const Backend *backend = nullptr,
                                               const std::optional<LaunchCosts> &costs = std::nullopt);

/// The cuDNN problem that an exec.plan's configuration says; failure with a sentence in `error` for another library's.
mlir::FailureOr<cudnn::Problem> problemOf(mlir::DictionaryAttr config, std::string &error);

} // namespace incept::cuda
