// SPDX-License-Identifier: Apache-2.0
//
// Labels with indices: "stage{i}.unit{j - 1}".
#pragma once

#include "frontend/Expression.h"

namespace incept {

struct Name;

/// Checks the form of `label` and reads its indices: `parse` gets the place of each in the label, and its text. A label
/// with a mistake becomes empty.
void readLabelIndices(Name &label, llvm::function_ref<std::optional<Expr>(size_t at, llvm::StringRef index)> parse,
                      std::vector<Expr> &indices, Diagnostics &diagnostics);

/// The label with the given numbers in its braces.
std::string fillLabel(llvm::StringRef label, llvm::ArrayRef<int64_t> indices);

} // namespace incept
