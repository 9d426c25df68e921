// SPDX-License-Identifier: Apache-2.0
//
// Values that are infinite or no numbers: which launch made the first of them, and weights as they were before.
#pragma once

#include "runtime/train/Program.h"

namespace incept {

/// How many of `bytes` / size elements of `type` are not finite; 0 for types that are no floats.
uint64_t countNonfinite(std::string_view type, const std::byte *values, uint64_t bytes);

/// Looks at what each launch of a step writes.
class FiniteCheck {
public:
  explicit FiniteCheck(Program &program);
  ~FiniteCheck();
  FiniteCheck(const FiniteCheck &) = delete;
  FiniteCheck &operator=(const FiniteCheck &) = delete;

  /// Makes a batch's part of a step, as Program::startTraining, with checks. Clears temporary memory before: what an
  /// earlier step has left there is not this one's.
  Status run(int64_t number, int64_t stepsPerEpoch, uint64_t seed);
  /// Whether a launch has written such a value; nothing is run from there on.
  bool isFound() const { return !finding.empty(); }
  /// "'conv1' (net.incept:7:3), kernel map_3: 2 of 64 values".
  const std::string &sentence() const { return finding; }

private:
  struct Range {
    program::Operand place;
    uint64_t rowBytes, strideBytes, bytes;
    std::string type;
  };
  std::vector<Range> resultsOf(const program::Launch &launch) const;
  Status check(const program::Launch &launch);

  Program &program;
  const program::Launch *last = nullptr; ///< where gradients are scaled: overflows behind the loss are no mistakes
  std::vector<std::byte> values;
  std::string finding;
  bool isDone = false;
};

/// A copy of everything that a step changes and the next one reads.
class KeptState {
public:
  explicit KeptState(Program &program);
  uint64_t bytes() const { return total; }
  /// Takes the values there are, unless some are not finite: then the copy is that of before, and the result false.
  Expected<bool> keep();
  /// Brings the copy back.
  Status bringBack();

private:
  struct Part {
    size_t region;
    uint64_t offset, bytes;
    bool isChecked; ///< f32; copies in low precision are what their parameters are
  };
  Program &program;
  std::vector<Part> parts;
  std::vector<std::byte> kept, fresh;
  uint64_t total = 0;
};

} // namespace incept
