// SPDX-License-Identifier: Apache-2.0
//
// Which values a thread still needs where, by the usual backward analysis, and places for them by a linear scan over
// the instructions. What holds for a thread holds for a lane of a row: no lane writes another's.

#include "tools/incept-sim/ptx/Graph.h"

#include <algorithm>
#include <map>
#include <queue>

namespace incept::sim::ptx {

namespace {

using Set = std::vector<uint64_t>;

bool has(const Set &set, Row row) { return set[row / 64] >> row % 64 & 1; }
void insert(Set &set, Row row) { set[row / 64] |= uint64_t(1) << row % 64; }

/// visit(row, isOverwritten) for each row of an instruction. What may keep its old value, or is written behind the
/// first row, counts as read.
template <typename Visit>
void forEachRow(const Instruction &instruction, Visit visit) {
  size_t overwritten = 0;
  if (instruction.guard != kNoRow)
    visit(instruction.guard, false);
  else if (instruction.kind == Kind::Load)
    overwritten = instruction.elements;
  else if (instruction.kind == Kind::Compute || (instruction.kind == Kind::Collective && !instruction.warpSync))
    overwritten = 1;
  if (instruction.address != kNoRow)
    visit(instruction.address, false);
  for (size_t i = instruction.rows.size(); i-- > 0;) // what is read comes first
    if (instruction.rows[i] != kNoRow)
      visit(instruction.rows[i], i < overwritten);
}

/// From the first to the last instruction where a row must keep its value.
struct Life {
  uint32_t first = ~uint32_t(0), last = 0;
  void include(uint32_t at) {
    first = std::min(first, at);
    last = std::max(last, at);
  }
};

std::vector<Life> findLives(const KernelCode &kernel, size_t rows) {
  const Graph graph(kernel);
  const size_t blocks = graph.begin.size() - 1, words = (rows + 63) / 64;
  std::vector<Set> reads(blocks, Set(words)), kills = reads, before, after = reads;
  std::vector<Life> lives(rows);
  for (size_t block = 0; block < blocks; ++block)
    for (uint32_t i = graph.begin[block]; i < graph.begin[block + 1]; ++i)
      forEachRow(kernel.code[i], [&](Row row, bool isOverwritten) {
        lives[row].include(i);
        if (isOverwritten)
          insert(kills[block], row);
        else if (!has(kills[block], row))
          insert(reads[block], row);
      });
  before = reads;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t block = blocks; block-- > 0;)
      for (size_t word = 0; word < words; ++word) {
        uint64_t live = 0;
        for (uint32_t next : graph.successors[block])
          live |= next < blocks ? before[next][word] : 0;
        after[block][word] = live;
        live = reads[block][word] | (live & ~kills[block][word]);
        changed |= live != before[block][word];
        before[block][word] = live;
      }
  }
  for (size_t block = 0; block < blocks; ++block)
    for (Row row = 0; row < rows; ++row) {
      if (has(before[block], row))
        lives[row].include(graph.begin[block]);
      if (has(after[block], row))
        lives[row].include(graph.begin[block + 1] - 1);
    }
  return lives;
}

} // namespace

std::vector<Row> shareRows(const KernelCode &kernel, std::span<const uint32_t> bytes) {
  const std::vector<Life> lives = findLives(kernel, bytes.size());
  std::vector<Row> order, places(bytes.size());
  for (Row row = 0; row < bytes.size(); ++row) {
    places[row] = row;
    if (bytes[row] > 0 && lives[row].first <= lives[row].last)
      order.push_back(row);
  }
  std::stable_sort(order.begin(), order.end(), [&](Row a, Row b) { return lives[a].first < lives[b].first; });
  using Ending = std::pair<uint32_t, Row>;
  std::priority_queue<Ending, std::vector<Ending>, std::greater<>> busy;
  std::map<uint32_t, std::vector<Row>> idle; // by size; the last one is the likeliest in the cache
  for (Row row : order) {
    // An instruction's operands never share a place.
    for (; !busy.empty() && busy.top().first < lives[row].first; busy.pop())
      idle[bytes[busy.top().second]].push_back(busy.top().second);
    std::vector<Row> &fitting = idle[bytes[row]];
    if (!fitting.empty()) {
      places[row] = fitting.back();
      fitting.pop_back();
    }
    busy.push({lives[row].last, places[row]});
  }
  return places;
}

} // namespace incept::sim::ptx
