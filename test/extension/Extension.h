// SPDX-License-Identifier: Apache-2.0
//
// Ops that the compiler does not know: what it takes to add some, without touching a file of the compiler.
#pragma once

#include "dialect/InceptOps.h"

#include "test/extension/ExtensionDialect.h.inc"
#define GET_OP_CLASSES
#include "test/extension/ExtensionOps.h.inc"

namespace incept::extension {

/// The dialect, and what the interpreter and the code generators have to know of its ops.
void registerExtension(mlir::DialectRegistry &registry);

} // namespace incept::extension
