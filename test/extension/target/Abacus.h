// SPDX-License-Identifier: Apache-2.0
//
// A target of the tests' own, as docs/AddingATarget.md says how one is made: `#incept.target<abacus, "small", beads =
// 8>`. Its library moves beads in rows: it takes channel slices that begin at a row, keeps weights of convolutions in
// the order of its rows ("rows"), and gives them back as they are. Nothing outside this folder knows it.
#pragma once

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace incept::test {

/// Registers the targets `abacus`: devices "small" and "large", and how many beads a row has (`beads`, default 8).
void registerAbacus(mlir::DialectRegistry &registry);

} // namespace incept::test
