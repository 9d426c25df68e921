// SPDX-License-Identifier: Apache-2.0
//
// Pieces of the text form.
#pragma once

#include "frontend/OpTable.h"

namespace incept {

/// What an option or parameter is given.
std::string formatValue(const Argument &argument);
/// "stride = 2, no batch_norm, same".
std::string formatOptions(llvm::ArrayRef<Argument> arguments, llvm::ArrayRef<KeyInfo> keys);
/// The op's word with what is behind it, up to its braces.
std::string formatHead(const Op &op);
/// Appends the comments inside the values of options, which have no place of their own in the text form.
void collectComments(llvm::ArrayRef<Argument> arguments, std::string &comment);

} // namespace incept
