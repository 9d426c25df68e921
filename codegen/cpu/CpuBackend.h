// SPDX-License-Identifier: Apache-2.0
//
// The target `cpu` as a whole.
#pragma once

#include "codegen/Codegen.h"

namespace incept::cpu {

std::unique_ptr<Backend> createBackend(const BackendOptions &options);

} // namespace incept::cpu
