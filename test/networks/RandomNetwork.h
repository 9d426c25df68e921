// SPDX-License-Identifier: Apache-2.0
//
// Descriptions drawn from the language's grammar: valid, small, and sooner or later with every op and option.
#pragma once

#include <cstdint>
#include <string>

namespace incept::test {

/// The text of a description, the same for the same seed.
std::string drawNetwork(uint64_t seed);

} // namespace incept::test
