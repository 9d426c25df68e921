// SPDX-License-Identifier: Apache-2.0
//
// cuDNN in the compiler's process, with or without a driver on this machine.
#pragma once

#include "runtime/device/cuda/Cudnn.h"

namespace incept::cuda {

/// Opens cuDNN from `directory`; where that is empty, from $INCEPT_CUDNN_DIR, else from the directory this project was
/// configured with, else from the loader's path. Where no driver works, opens the stub beside the compiler first
/// (DriverStub.c), so that engines whose kernels are compiled can be chosen too. Null with a sentence in `error`.
std::shared_ptr<const cudnn::Library> openCudnn(const std::string &directory, std::string &error);

/// What the plans of engines whose kernels are compiled depend on besides cuDNN, after `openCudnn`: "driver 13000,
/// nvrtc 13.0"; the driver may be "stub" or "none".
std::string planTools();

} // namespace incept::cuda
