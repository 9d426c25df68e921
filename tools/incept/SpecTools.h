// SPDX-License-Identifier: Apache-2.0
//
// Commands that read descriptions and write descriptions: format, convert, new, schema, and check.
#pragma once

#include "tools/incept/Driver.h"

#include <string>
#include <vector>

namespace incept {

/// Reports the mistakes in each file. A file without a network is checked for what needs no shapes. Returns the exit
/// status.
int checkSpecs(const std::vector<std::string> &paths, const CompileOptions &options);

/// Writes each file of the text form anew in the one style, or with `check` only names those that are not in it (exit
/// status 1).
int formatSpecs(const std::vector<std::string> &paths, bool check);

/// Writes the other form of `input`, or the one that the extension of `output` names; "-" is standard output.
int convertSpec(const std::string &input, const std::string &output);

/// The JSON Schema of descriptions, on standard output.
int printSchema();

/// Writes NAME.incept, a network to begin with; refuses to replace a file.
int newSpec(const std::string &name);

} // namespace incept
