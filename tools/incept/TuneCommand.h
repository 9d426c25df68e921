// SPDX-License-Identifier: Apache-2.0
//
// `incept tune`: what convolutions take on this machine, measured once and kept in the user's cache.
#pragma once

#include <optional>
#include <string>

namespace incept {

/// Measures for the processor called `cpu` (this machine's where it is empty), prints the costs, with `verbose` each
/// convolution that was measured too, and keeps them, unless only asked to print. Returns the exit status.
int tune(const std::string &cpu, bool verbose, bool keep);

/// The costs that `incept tune` has kept for the processor, as a target's setting has them.
std::optional<std::string> findTunedCosts(const std::string &cpu);

} // namespace incept
