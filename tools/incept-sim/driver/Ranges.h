// SPDX-License-Identifier: Apache-2.0
//
// A set of bytes as ranges.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

namespace incept::sim {

class Ranges {
public:
  using Range = std::pair<uint64_t, uint64_t>; ///< [first, second)

  void add(uint64_t begin, uint64_t end) {
    if (begin >= end)
      return;
    auto at = ranges.upper_bound(begin);
    if (at != ranges.begin() && std::prev(at)->second >= begin)
      --at;
    while (at != ranges.end() && at->first <= end) {
      begin = std::min(begin, at->first);
      end = std::max(end, at->second);
      at = ranges.erase(at);
    }
    ranges.emplace(begin, end);
  }

  void remove(uint64_t begin, uint64_t end) {
    if (begin >= end)
      return;
    auto at = ranges.upper_bound(begin);
    if (at != ranges.begin() && std::prev(at)->second > begin)
      --at;
    while (at != ranges.end() && at->first < end) {
      auto [first, last] = *at;
      at = ranges.erase(at);
      if (first < begin)
        ranges.emplace(first, begin);
      if (last > end)
        ranges.emplace(end, last);
    }
  }

  void add(const Ranges &others) {
    for (auto [begin, end] : others.ranges)
      add(begin, end);
  }

  /// The parts of [begin, end) that are not in the set.
  std::vector<Range> missing(uint64_t begin, uint64_t end) const {
    std::vector<Range> result;
    auto at = ranges.upper_bound(begin);
    if (at != ranges.begin() && std::prev(at)->second > begin)
      --at;
    for (; at != ranges.end() && at->first < end; ++at) {
      if (at->first > begin)
        result.push_back({begin, at->first});
      begin = std::max(begin, at->second);
    }
    if (begin < end)
      result.push_back({begin, end});
    return result;
  }

private:
  std::map<uint64_t, uint64_t> ranges; ///< apart from each other
};

} // namespace incept::sim
