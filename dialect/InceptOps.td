// SPDX-License-Identifier: Apache-2.0
//
// All of the dialect, for TableGen.
include "dialect/InceptAttrs.td"
include "dialect/InceptConvOps.td"
include "dialect/InceptElementwiseOps.td"
include "dialect/InceptExecOps.td"
include "dialect/InceptInterfaces.td"
include "dialect/InceptNormOps.td"
include "dialect/InceptPoolOps.td"
include "dialect/InceptStructureOps.td"
include "dialect/InceptTrainingOps.td"
