// SPDX-License-Identifier: Apache-2.0
//
// Which bytes of a region launches have written so far.
#pragma once

#include "dialect/ExecMemory.h"

#include <map>
#include <vector>

namespace incept {

/// Knows exactly what dense tensors, and channel slices that lie beside each other in one buffer, make of a region.
/// Rows that other rows complete in any other way count as missing.
class DefinedBytes {
public:
  /// The rows from the byte `offset` on are written.
  void write(int64_t offset, const exec::Footprint &rows);
  /// What bytes [offset, offset + bytes) hold is known no more.
  void forget(int64_t offset, int64_t bytes);
  /// True where all rows from the byte `offset` on have been written.
  bool covers(int64_t offset, const exec::Footprint &rows) const;

private:
  struct Rows {
    int64_t offset;
    exec::Footprint footprint; ///< of two rows or more
    int64_t end() const { return offset + footprint.bytes(); }
  };

  void writeDense(int64_t begin, int64_t end);
  bool coversDense(int64_t begin, int64_t end) const;

  std::map<int64_t, int64_t> dense; ///< begins and ends of stretches that do not touch
  std::vector<Rows> slices;
};

} // namespace incept
