// SPDX-License-Identifier: Apache-2.0
//
// The targets `cuda:DEVICE` as a whole.
#pragma once

#include <string>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace incept::cuda {

/// Registers the targets `#incept.target<cuda, "PROFILE", threads = N, tf32, workspace_limit = MiB>`: `threads` that
/// make plans (default: one per core), whether products in f32 may be rounded to TF32, and how much workspace a cuDNN
/// call may have (default 256; more makes f32 without TF32 faster, but the arena has to hold the largest). Finished
/// plans and cubins are kept in the directory `planCache`; empty means the user's caches.
void registerTarget(mlir::DialectRegistry &registry, const std::string &planCache);

} // namespace incept::cuda
