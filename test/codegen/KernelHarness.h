// SPDX-License-Identifier: Apache-2.0
//
// Compiles the kernel of one group, launches it the way LowerToExec says, and compares it with the f64 interpreter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace incept::test {

/// An argument of a group; `low` and `high` bound its random values (integers are rounded down).
struct Argument {
  std::string name, type;
  double low = -1, high = 1;
};

/// A kernel group: `%name` of the arguments and of the `results` may be used in `body`, which defines the results.
struct GroupCase {
  std::string name;
  std::vector<Argument> arguments;
  std::string body;
  std::vector<std::pair<std::string, std::string>> results; ///< name, type
  double tolerance = 1e-5;                                  ///< relative to each result's largest value
};

/// Runs the case in three parts, as three threads would, and reports differences as test failures; bytes outside of the
/// results must not change.
void checkGroup(const GroupCase &group);

/// Compiles the kernel definitions in `text` for `cpu`. Returns the diagnostics, empty where it compiled.
std::string compileFor(const std::string &text, const std::string &cpu);

} // namespace incept::test
