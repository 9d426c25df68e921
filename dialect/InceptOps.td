// SPDX-License-Identifier: Apache-2.0
//
// The ops that passes of all phases know (dialect/InceptOps.h). Those that only the layout phase makes have a header of their
// own (dialect/TileOps.h).
include "dialect/InceptAttrs.td"
include "dialect/InceptConvOps.td"
include "dialect/InceptElementwiseOps.td"
include "dialect/InceptExecOps.td"
include "dialect/InceptInterfaces.td"
include "dialect/InceptNormOps.td"
include "dialect/InceptPoolOps.td"
include "dialect/InceptStructureOps.td"
include "dialect/InceptTrainingOps.td"
