// SPDX-License-Identifier: Apache-2.0
//
// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace incept {

using PhiloxWords = std::array<uint32_t, 4>;

/// The four random words of a counter under a key.
inline PhiloxWords philox(PhiloxWords counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(0xD2511F53u) * counter[0], b = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {uint32_t(b >> 32) ^ counter[1] ^ key0, uint32_t(b), uint32_t(a >> 32) ^ counter[3] ^ key1, uint32_t(a)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

/// A stream of random numbers named by seed and a text: two streams never depend on each other's use.
class PhiloxStream {
public:
  PhiloxStream(uint64_t seed, uint64_t name) : key(seed ^ (name * 0x9E3779B97F4A7C15ull)), name(name) {}

  uint32_t next() {
    if (position == 4) {
      words = philox({uint32_t(counter), uint32_t(counter >> 32), uint32_t(name), uint32_t(name >> 32)}, uint32_t(key),
                     uint32_t(key >> 32));
      ++counter;
      position = 0;
    }
    return words[position++];
  }
  /// Uniform in (0, 1): never 0, so that its logarithm exists.
  double uniform() { return (next() + 0.5) / 4294967296.0; }
  /// Uniform in [0, bound), by rejection.
  uint64_t below(uint64_t bound) {
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    while (true) {
      uint64_t high = next();
      uint64_t value = high << 32 | next();
      if (value < limit)
        return value % bound;
    }
  }

private:
  uint64_t key, name, counter = 0;
  PhiloxWords words{};
  int position = 4;
};

/// FNV-1a, the hash of names: stable across machines and versions.
inline uint64_t hashName(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325ull;
  for (unsigned char c : text)
    hash = (hash ^ c) * 0x100000001B3ull;
  return hash;
}

} // namespace incept
