// SPDX-License-Identifier: Apache-2.0
//
// The ops that compute convolutions by transforms of tiles: what a target may make of a convolution in the layout
// phase.
#pragma once

#include "dialect/InceptOps.h"
#include "dialect/TileConvolution.h"

#define GET_OP_CLASSES
#include "dialect/InceptTileOps.h.inc"
