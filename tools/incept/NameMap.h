// SPDX-License-Identifier: Apache-2.0
//
// Maps of weights' names: which name another library gives to a parameter. The format: docs/Spec.md.
#pragma once

#include "frontend/JsonTree.h"
#include "frontend/Spec.h"

namespace incept {

/// Our prefix, theirs, and rules for what follows the prefix; none leaves it as it is.
struct NameRule {
  Name ours, theirs;
  std::vector<NameRule> rules;
};

struct NameMap {
  std::string spec;    ///< the description whose names these are, relative to the map's file; may be empty
  std::string network; ///< which of its networks; may be empty
  std::vector<NameRule> rules;
};

/// Reads file number `file`; reports mistakes and returns nothing where there are any.
std::optional<NameMap> readNameMap(uint32_t file, Diagnostics &diagnostics);

/// Their name of our `name`; reports a rule that cannot be applied and returns nothing.
std::optional<std::string> mapName(const NameMap &map, llvm::StringRef name, Diagnostics &diagnostics);

} // namespace incept
