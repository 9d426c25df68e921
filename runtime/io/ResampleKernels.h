// SPDX-License-Identifier: Apache-2.0
//
// The inner loops of Resampler, each as plain C++ and for AVX2. Private to it. Both add products of 16 bits exactly in
// 32 bits, so they have the same integers.
#pragma once

#include <cstdint>

namespace incept::resample {

/// True where this processor has what the vector versions need.
bool hasVectors();

/// An output is the sum of `size` inputs from `first` on.
struct Entry {
  int64_t first = 0, size = 0;
};

/// The weights of `count` outputs: `stride` each, a multiple of 4, with zeros behind the last.
struct Table {
  const Entry *entries;
  const int16_t *values;
  int64_t count, stride;
  int shift;          ///< weights are this many bits larger
  int64_t inputs = 0; ///< behind the last input that a row has
};

/// `rows` rows of pixels, from[k] to to[k]; from[k] is where input 0 would be. At most 4 rows.
void across(bool vectors, const Table &table, int64_t channels, const uint8_t *const *from, uint8_t *const *to,
            int rows);
/// One row of `bytes`, the sum of `size` rows that lie `bytes` apart.
void down(bool vectors, const uint8_t *from, const int16_t *weights, int64_t size, int shift, int64_t bytes,
          uint8_t *to);

} // namespace incept::resample
