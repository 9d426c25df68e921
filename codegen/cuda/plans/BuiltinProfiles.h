// SPDX-License-Identifier: Apache-2.0
//
// The files of codegen/cuda/devices/; the table is generated when the project is configured.
#pragma once

namespace incept::cuda {

struct BuiltinProfile {
  const char *name; ///< file name without ".json"; null after the last
  const char *text;
};

extern const BuiltinProfile kBuiltinProfiles[];

} // namespace incept::cuda
