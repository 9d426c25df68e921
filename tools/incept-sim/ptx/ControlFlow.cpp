// SPDX-License-Identifier: Apache-2.0
//
// Immediate post-dominators of basic blocks, by the iterative algorithm of Cooper, Harvey and Kennedy on the reversed
// graph.

#include "tools/incept-sim/ptx/Graph.h"

#include <algorithm>

namespace incept::sim::ptx {

namespace {

constexpr uint32_t kUnknown = ~uint32_t(0);

bool ends(const Instruction &instruction) {
  return instruction.kind == Kind::Branch || instruction.kind == Kind::BranchIndexed || instruction.kind == Kind::Exit;
}

/// 1 where a block begins.
std::vector<uint32_t> leaders(const KernelCode &kernel) {
  const uint32_t size = static_cast<uint32_t>(kernel.code.size());
  std::vector<uint32_t> leads(size + 1, 0);
  leads[0] = leads[size] = 1;
  for (uint32_t i = 0; i < size; ++i) {
    const Instruction &instruction = kernel.code[i];
    if (ends(instruction))
      leads[i + 1] = 1;
    if (instruction.kind == Kind::Branch)
      leads[instruction.target] = 1;
  }
  for (uint32_t target : kernel.targets)
    leads[target] = 1;
  return leads;
}

/// Blocks from which the end can be reached, in post-order of the reversed graph (the end comes last).
std::vector<uint32_t> postOrder(const Graph &graph) {
  std::vector<uint32_t> order;
  std::vector<bool> seen(graph.begin.size());
  std::vector<std::pair<uint32_t, size_t>> stack;
  uint32_t end = static_cast<uint32_t>(graph.begin.size()) - 1;
  seen[end] = true;
  stack.push_back({end, 0});
  while (!stack.empty()) {
    auto &[block, next] = stack.back();
    if (next == graph.predecessors[block].size()) {
      order.push_back(block);
      stack.pop_back();
      continue;
    }
    uint32_t other = graph.predecessors[block][next++];
    if (!seen[other]) {
      seen[other] = true;
      stack.push_back({other, 0});
    }
  }
  return order;
}

std::vector<uint32_t> immediatePostDominators(const Graph &graph) {
  std::vector<uint32_t> order = postOrder(graph), number(graph.begin.size(), kUnknown);
  for (uint32_t i = 0; i < order.size(); ++i)
    number[order[i]] = i;
  std::vector<uint32_t> dominator(graph.begin.size(), kUnknown);
  uint32_t end = static_cast<uint32_t>(graph.begin.size()) - 1;
  dominator[end] = end;
  auto intersect = [&](uint32_t a, uint32_t b) {
    while (a != b) {
      while (number[a] < number[b])
        a = dominator[a];
      while (number[b] < number[a])
        b = dominator[b];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = order.size() - 1; i-- > 0;) {
      uint32_t block = order[i], best = kUnknown;
      for (uint32_t next : graph.successors[block])
        if (dominator[next] != kUnknown)
          best = best == kUnknown ? next : intersect(best, next);
      changed |= dominator[block] != best;
      dominator[block] = best;
    }
  }
  return dominator;
}

} // namespace

Graph::Graph(const KernelCode &kernel) {
  const uint32_t size = static_cast<uint32_t>(kernel.code.size());
  std::vector<uint32_t> blockOf = leaders(kernel);
  for (uint32_t i = 0, block = 0; i <= size; ++i) {
    if (blockOf[i])
      begin.push_back(i), ++block;
    blockOf[i] = block - 1;
  }
  const uint32_t end = static_cast<uint32_t>(begin.size()) - 1;
  successors.resize(end + 1);
  predecessors.resize(end + 1);
  for (uint32_t block = 0; block < end; ++block) {
    const Instruction &last = kernel.code[begin[block + 1] - 1];
    bool falls = last.guard != kNoRow || !ends(last);
    if (falls)
      connect(block, block + 1);
    // A guarded exit does not send the remaining lanes to the end.
    if (last.kind == Kind::Exit && !falls)
      connect(block, end);
    if (last.kind == Kind::Branch)
      connect(block, blockOf[last.target]);
    for (uint32_t i = 0; last.kind == Kind::BranchIndexed && i < last.targetCount; ++i)
      connect(block, blockOf[kernel.targets[last.firstTarget + i]]);
  }
}

void Graph::connect(uint32_t from, uint32_t to) {
  successors[from].push_back(to);
  predecessors[to].push_back(from);
}

void findReconvergence(KernelCode &kernel) {
  Graph graph(kernel);
  std::vector<uint32_t> dominator = immediatePostDominators(graph);
  const uint32_t end = static_cast<uint32_t>(kernel.code.size());
  for (size_t block = 0; block + 1 < graph.begin.size(); ++block) {
    Instruction &last = kernel.code[graph.begin[block + 1] - 1];
    last.reconvergence = dominator[block] == kUnknown ? end : graph.begin[dominator[block]];
  }
}

} // namespace incept::sim::ptx
