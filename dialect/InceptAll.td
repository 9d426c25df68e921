// SPDX-License-Identifier: Apache-2.0
//
// The whole dialect, for its documentation.
include "dialect/InceptOps.td"
include "dialect/InceptTileOps.td"
