// SPDX-License-Identifier: Apache-2.0
//
// Checks of a description that need no shapes.
#pragma once

#include "frontend/Spec.h"

namespace incept {

/// Reports uses of blocks, parameters, tables and named values that do not exist, missing and unknown arguments of
/// blocks, and blocks that use themselves; in every block, used or not.
void checkSpec(const Spec &spec, Diagnostics &diagnostics);

/// Reports arguments of `op` that `block` has no parameters for, and parameters that are given nothing.
void checkBlockArguments(const Op &op, const BlockDef &block, Diagnostics &diagnostics);

/// The members of `in`, the input of the enclosing block: channels, height and width.
llvm::ArrayRef<std::string> inputMembers();

} // namespace incept
