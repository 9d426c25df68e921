// SPDX-License-Identifier: Apache-2.0
//
// What the time of a launch depends on, in words that every target has.
#pragma once

#include <cstdint>

namespace incept {

/// What a launch has to compute, and the bytes that it reads and writes.
struct LaunchCost {
  int64_t flops = 0, bytes = 0;

  friend LaunchCost operator+(LaunchCost a, LaunchCost b) { return {a.flops + b.flops, a.bytes + b.bytes}; }
};

/// What kind of code a launch runs: a library's, or generated loops that write what they read element by element, that
/// add up, or that do something else (pools, losses).
enum class LaunchKind { Library, Map, Reduction, Other };

/// Where products are made: in f32 units, or on tensor cores from operands of a type.
enum class Arithmetic { F32, Tf32, Bf16, F16 };

/// "library", "map", "reduction", "other".
constexpr const char *launchKindName(LaunchKind kind) {
  constexpr const char *kNames[] = {"library", "map", "reduction", "other"};
  return kNames[static_cast<int>(kind)];
}

struct LaunchWork {
  LaunchKind kind = LaunchKind::Map;
  Arithmetic arithmetic = Arithmetic::F32;
  LaunchCost cost;
  bool older = false;      ///< a library's code, made for an earlier device
  int64_t copiedBytes = 0; ///< of operands that a library copies before or after it computes
  int64_t blocks = 0;      ///< of its grid; 0 where the work can be cut into as many as fill the device
  int64_t resident = 1;    ///< blocks that are on a multiprocessor at once
};

} // namespace incept
