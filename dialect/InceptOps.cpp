// SPDX-License-Identifier: Apache-2.0
//
// The generated op definitions. Verifiers are in the topic files.

#include "dialect/InceptOps.h"
#include "mlir/IR/OpImplementation.h"

#define GET_OP_CLASSES
#include "dialect/InceptOps.cpp.inc"
