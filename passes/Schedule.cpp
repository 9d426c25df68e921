// SPDX-License-Identifier: Apache-2.0
//
// Reorders independent ops of a function so that less memory is alive at once. Several list schedules are made, in both
// directions of time; the best one is taken if its peak is lower than that of the order the function has.

#include "dialect/InceptOps.h"
#include "passes/Passes.h"
#include "passes/Placement.h"
#include "passes/Target.h"

#include <set>

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_SCHEDULEPASS
#include "passes/Passes.h.inc"

namespace {

/// An op of the function and what it does to the arena.
struct Node {
  Operation *op;
  SmallVector<unsigned> before;  ///< nodes that must come before it
  SmallVector<unsigned> behind;  ///< nodes that must come behind it
  SmallVector<unsigned> buffers; ///< that it reads or writes, each once
  int64_t scratchpad = 0;        ///< bytes while it runs
};

/// Lives from the first op that touches it to the last.
struct Lifetime {
  int64_t bytes;
  SmallVector<unsigned> nodes; ///< that touch it
};

using Order = SmallVector<unsigned>;

/// How a list schedule chooses among the ops that may come next.
struct Policy {
  bool fromTheEnd; ///< builds the order from its last op to its first
  bool leastFirst; ///< takes the op that lets memory grow least; otherwise any that does not let it grow, then in order
};
constexpr Policy kPolicies[] = {{false, false}, {true, false}, {false, true}, {true, true}};

class ListScheduler {
public:
  /// `rank` is each node's place in the order that decides between equals.
  ListScheduler(ArrayRef<Node> nodes, ArrayRef<Lifetime> buffers, ArrayRef<unsigned> rank, Policy policy)
      : nodes(nodes), buffers(buffers), rank(rank), policy(policy), waitsFor(nodes.size()),
        keys(nodes.size(), kNotReady) {
    for (const Lifetime &buffer : buffers)
      untouched.push_back(buffer.nodes.size());
  }

  Order run() {
    for (unsigned node = 0; node < nodes.size(); ++node) {
      waitsFor[node] = first(node).size();
      if (waitsFor[node] == 0)
        insert(node);
    }
    Order order;
    while (!ready.empty()) {
      unsigned node = std::get<2>(*ready.begin());
      ready.erase(ready.begin());
      order.push_back(node);
      touchBuffers(node);
      for (unsigned next : policy.fromTheEnd ? nodes[node].before : nodes[node].behind)
        if (--waitsFor[next] == 0)
          insert(next);
    }
    if (policy.fromTheEnd)
      std::reverse(order.begin(), order.end());
    return order;
  }

private:
  using Key = std::tuple<int64_t, unsigned, unsigned>;
  static constexpr Key kNotReady = {0, 0, ~0u};

  ArrayRef<unsigned> first(unsigned node) const { return policy.fromTheEnd ? nodes[node].behind : nodes[node].before; }

  /// Bytes that are alive after `node`, but not before it; negative where it is the last to touch some.
  int64_t growth(unsigned node) const {
    int64_t bytes = 0;
    for (unsigned buffer : nodes[node].buffers) {
      bytes += untouched[buffer] == buffers[buffer].nodes.size() ? buffers[buffer].bytes : 0;
      bytes -= untouched[buffer] == 1 ? buffers[buffer].bytes : 0;
    }
    return bytes;
  }

  void insert(unsigned node) {
    int64_t grows = growth(node);
    unsigned place = policy.fromTheEnd ? nodes.size() - rank[node] : rank[node];
    keys[node] = {policy.leastFirst ? grows : grows > 0, place, node};
    ready.insert(keys[node]);
  }

  /// What the others let memory grow by changes when a buffer begins and when one op is left that needs it.
  void touchBuffers(unsigned node) {
    for (unsigned buffer : nodes[node].buffers) {
      bool begins = untouched[buffer] == buffers[buffer].nodes.size();
      --untouched[buffer];
      if (!begins && untouched[buffer] != 1)
        continue;
      for (unsigned other : buffers[buffer].nodes)
        if (ready.erase(keys[other]))
          insert(other);
    }
  }

  ArrayRef<Node> nodes;
  ArrayRef<Lifetime> buffers;
  ArrayRef<unsigned> rank;
  Policy policy;
  SmallVector<unsigned> waitsFor; ///< per node: how many must still come first
  SmallVector<Key> keys;
  SmallVector<size_t> untouched; ///< per buffer: nodes that have still to touch it
  std::set<Key> ready;
};

class FunctionScheduler {
public:
  FunctionScheduler(func::FuncOp function, const Target &target, PlacementAnalysis &placements)
      : function(function), target(target), placements(placements),
        inVariables(valuesInVariables(function, placements)) {}

  LogicalResult run() {
    // Other writes than those in place become copies (incept-plan-memory).
    auto needs = collectBuffers(function, target, placements, inVariables);
    if (failed(needs))
      return failure();
    for (Operation &op : function.getBody().front().without_terminator()) {
      auto group = dyn_cast<GroupOp>(op);
      index[&op] = nodes.size();
      nodes.push_back({&op, {}, {}, {}, group ? scratchpadBytes(group, target) : 0});
    }
    for (const ArenaBuffer &need : *needs) {
      for (Operation *user : need.users)
        nodes[index[user]].buffers.push_back(buffers.size());
      buffers.push_back({need.bytes, llvm::map_to_vector(need.users, [&](Operation *user) { return index[user]; })});
    }
    for (Node &node : nodes)
      for (Value operand : node.op->getOperands())
        if (auto producer = index.find(operand.getDefiningOp()); producer != index.end())
          addEdge(producer->second, index[node.op]);
    orderWrites();

    Order given = llvm::to_vector(llvm::seq<unsigned>(0, nodes.size()));
    Order best = improve(given);
    if (best != given)
      for (unsigned node : best)
        nodes[node].op->moveBefore(function.getBody().front().getTerminator());
    return success();
  }

private:
  /// The order with the lowest peak that the policies find, from `given` on; `given` where none is lower.
  Order improve(const Order &given) const {
    Order best = given;
    int64_t lowest = peakOf(given);
    for (unsigned round = 0; round < kMostRounds; ++round) {
      SmallVector<unsigned> rank(nodes.size());
      for (auto [place, node] : llvm::enumerate(best))
        rank[node] = place;
      bool improved = false;
      for (Policy policy : kPolicies) {
        Order order = ListScheduler(nodes, buffers, rank, policy).run();
        int64_t peak = peakOf(order);
        if (order.size() != nodes.size() || peak >= lowest)
          continue;
        best = std::move(order);
        lowest = peak;
        improved = true;
      }
      if (!improved)
        break;
    }
    return best;
  }

  int64_t peakOf(ArrayRef<unsigned> order) const {
    SmallVector<size_t> untouched;
    for (const Lifetime &buffer : buffers)
      untouched.push_back(buffer.nodes.size());
    int64_t alive = 0, most = 0;
    for (unsigned node : order) {
      for (unsigned buffer : nodes[node].buffers)
        alive += untouched[buffer] == buffers[buffer].nodes.size() ? buffers[buffer].bytes : 0;
      most = std::max(most, alive + nodes[node].scratchpad);
      for (unsigned buffer : nodes[node].buffers)
        alive -= --untouched[buffer] == 0 ? buffers[buffer].bytes : 0;
    }
    return most;
  }

  void addEdge(unsigned first, unsigned second) {
    if (first == second)
      return;
    nodes[first].behind.push_back(second);
    nodes[second].before.push_back(first);
  }

  /// Whoever needs the old value of a variable comes before the op that changes its memory: the one that computes the
  /// new value in place, or the copy.
  void orderWrites() {
    DenseMap<StringAttr, SmallVector<ReadOp>> reads;
    for (ReadOp read : function.getOps<ReadOp>())
      reads[read.getVariableAttr().getAttr()].push_back(read);
    for (WriteOp write : function.getOps<WriteOp>()) {
      bool isInPlace = inVariables.lookup(write.getValue()) == write;
      Operation *changes = isInPlace ? write.getValue().getDefiningOp() : write.getOperation();
      for (ReadOp read : reads[write.getVariableAttr().getAttr()]) {
        DenseSet<Operation *> seen;
        addEdge(index[read], index[write]);
        orderUsers(read, index[changes], seen);
      }
    }
  }

  /// Puts the ops that compute with a result of `op`, or a view of it, before `node`.
  void orderUsers(Operation *op, unsigned node, DenseSet<Operation *> &seen) {
    for (Operation *user : op->getUsers()) {
      if (!seen.insert(user).second || !index.count(user))
        continue;
      if (user->hasTrait<OpTrait::View>())
        orderUsers(user, node, seen);
      else
        addEdge(index[user], node);
    }
  }

  /// Each round begins with the best order of the round before; after the first few nothing changes.
  static constexpr unsigned kMostRounds = 4;

  func::FuncOp function;
  const Target &target;
  PlacementAnalysis &placements;
  DenseMap<Value, WriteOp> inVariables;
  SmallVector<Node> nodes;
  SmallVector<Lifetime> buffers;
  DenseMap<Operation *, unsigned> index;
};

struct SchedulePass : impl::SchedulePassBase<SchedulePass> {
  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (failed(FunctionScheduler(function, *target, getChildAnalysis<PlacementAnalysis>(function)).run()))
        return signalPassFailure();
    markAnalysesPreserved<PlacementAnalysis>();
  }
};

} // namespace

} // namespace incept
