// SPDX-License-Identifier: Apache-2.0
//
// `incept runs` and `incept plot`: what trainings left in their folders.
#pragma once

#include <string>
#include <vector>

namespace incept {

/// Prints a line for each run in the folder, which may be one itself: network, steps, loss, test accuracy. Returns an
/// exit status.
int listRuns(const std::string &directory);

/// Draws the learning curves of runs, given by their folders or their logs, in one picture (SVG).
int plotRuns(const std::vector<std::string> &runs, const std::string &output);

} // namespace incept
