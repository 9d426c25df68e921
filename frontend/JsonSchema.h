// SPDX-License-Identifier: Apache-2.0
//
// The form of JSON descriptions as a JSON Schema, for editors and other programs.
#pragma once

#include <string>

namespace incept {

/// A schema (draft 7) of what the reader's table (OpTable) allows: it accepts every description without a mistake, and
/// refuses those with an unknown, missing or wrong key, word or type. Names, numbers and shapes only the compiler
/// checks.
std::string jsonSchema();

} // namespace incept
