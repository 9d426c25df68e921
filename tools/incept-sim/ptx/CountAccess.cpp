// SPDX-License-Identifier: Apache-2.0
//
// What a warp's access costs a GPU's memory: the sectors that it touches, and the turns that it takes in shared memory.

#include "tools/incept-sim/ptx/BlockRunner.h"

#include <algorithm>
#include <array>

namespace incept::sim::ptx {

namespace {

constexpr uint64_t kSector = 32, kWord = 4, kBanks = 32;

/// Turns beside the first. Lanes that want one word share it; wide accesses are made in parts of 128 bytes.
uint64_t bankConflicts(const std::array<uint64_t, kLanes> &addresses, uint64_t bytes, Mask mask) {
  const uint64_t words = std::max<uint64_t>(bytes / kWord, 1), lanes = kLanes / words;
  uint64_t conflicts = 0;
  for (uint64_t first = 0; first < kLanes; first += lanes) {
    std::array<std::array<uint64_t, kLanes>, kBanks> wanted;
    std::array<uint64_t, kBanks> turns{};
    for (uint64_t lane = first; lane < first + lanes; ++lane)
      for (uint64_t i = 0; i < words && (mask >> lane & 1); ++i) {
        uint64_t word = addresses[lane] / kWord + i, bank = word % kBanks;
        auto end = wanted[bank].begin() + static_cast<ptrdiff_t>(turns[bank]);
        if (std::find(wanted[bank].begin(), end, word) == end)
          wanted[bank][turns[bank]++] = word;
      }
    uint64_t most = *std::max_element(turns.begin(), turns.end());
    conflicts += most > 1 ? most - 1 : 0;
  }
  return conflicts;
}

/// An access is aligned to its size, so that a lane touches one sector.
uint64_t sectors(const std::array<uint64_t, kLanes> &addresses, Mask mask) {
  std::array<uint64_t, kLanes> touched;
  size_t count = 0;
  for (; mask; mask &= mask - 1)
    touched[count++] = addresses[static_cast<size_t>(std::countr_zero(mask))] / kSector;
  auto end = touched.begin() + static_cast<ptrdiff_t>(count);
  std::sort(touched.begin(), end);
  return static_cast<uint64_t>(std::unique(touched.begin(), end) - touched.begin());
}

} // namespace

void BlockRunner::countAccess(const Instruction &instruction, Space space, const Addresses &addresses, Mask mask) {
  const uint64_t bytes = uint64_t(instruction.memoryBytes) * instruction.elements;
  const uint64_t ofLanes = static_cast<uint64_t>(std::popcount(mask)) * bytes;
  if (space == Space::Global) {
    ++sums.globalRequests;
    sums.globalSectors += sectors(addresses, mask);
  } else if (space == Space::Shared) {
    sums.sharedBytes += ofLanes;
    sums.bankConflicts += bankConflicts(addresses, bytes, mask);
  } else if (space == Space::Local) {
    sums.localBytes += ofLanes;
  }
}

Counters BlockRunner::counters() const {
  Counters result = sums;
  const uint64_t granule = launch.races ? launch.races->granule : 0;
  result.distinctBytesRead = globalView.granulesRead * granule;
  result.distinctBytesWritten = globalView.granulesWritten * granule;
  return result;
}

} // namespace incept::sim::ptx
