// SPDX-License-Identifier: Apache-2.0
//
// The losses that a description may name: the kinds that loss ops give (LossOpInterface).
#pragma once

#include "llvm/ADT/StringRef.h"

namespace incept {

/// The first is that of a description which names none.
inline constexpr llvm::StringRef kLosses[] = {"softmax_cross_entropy"};

} // namespace incept
