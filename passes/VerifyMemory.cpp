// SPDX-License-Identifier: Apache-2.0

#include "passes/Layouts.h"
#include "passes/VerifyPhase.h"

#include <map>

using namespace mlir;

namespace incept {

namespace {

/// A stretch of the arena and the groups between which it is needed.
struct Stretch {
  Operation *op; ///< for messages
  int64_t offset, bytes, first, last;
  bool isScratchpad;
};

class MemoryVerifier {
public:
  MemoryVerifier(func::FuncOp function, const Target &target, PlacementAnalysis &placements)
      : function(function), target(target), placements(placements),
        inVariables(valuesInVariables(function, placements)) {}

  LogicalResult run() {
    auto bytes = function->getAttrOfType<IntegerAttr>("incept.arena_bytes");
    if (!bytes)
      return function.emitOpError() << "expected incept.arena_bytes in phase planned";
    arenaBytes = bytes.getInt();
    auto buffers = collectBuffers(function, target, placements, inVariables);
    if (failed(buffers) || failed(verifyOffsets()))
      return failure();
    SmallVector<Stretch> stretches;
    for (const ArenaBuffer &buffer : *buffers)
      stretches.push_back({buffer.root.getDefiningOp(), rootOffset(buffer.root), buffer.bytes,
                           times.lookup(buffer.users.front()), times.lookup(buffer.users.back()), false});
    for (GroupOp group : function.getOps<GroupOp>())
      if (int64_t scratchpad = scratchpadBytes(group, target))
        stretches.push_back(
            {group, int64_t(*group.getScratchpadOffset()), scratchpad, times.lookup(group), times.lookup(group), true});
    return verifyStretches(stretches);
  }

private:
  /// Where the buffer of a root begins.
  static int64_t rootOffset(Value root) {
    if (auto view = root.getDefiningOp<ConcatViewOp>())
      return view.getOffset().value_or(-1);
    auto group = root.getDefiningOp<GroupOp>();
    return (*group.getOffsets())[cast<OpResult>(root).getResultNumber()];
  }

  /// Results have the offsets that their roots give them, -1 where they live in a variable.
  LogicalResult verifyOffsets() {
    int64_t time = 0;
    for (Operation &op : function.getBody().front()) {
      times[&op] = time++;
      if (auto write = dyn_cast<WriteOp>(op); write && inVariables.lookup(write.getValue()) != write)
        return write.emitOpError()
               << "expected a value that is computed in the variable, but it lives elsewhere: a copy is "
                  "missing";
      auto group = dyn_cast<GroupOp>(op);
      if (!group)
        continue;
      if (!group.getOffsets() || group.getOffsets()->size() != group.getOutputs().size())
        return group.emitOpError() << "expected an offset per result in phase planned";
      if (scratchpadBytes(group, target) > 0 && !group.getScratchpadOffset())
        return group.emitOpError() << "expected scratchpad_offset in phase planned";
      for (auto [offset, output] : llvm::zip_equal(*group.getOffsets(), group.getOutputs())) {
        Placement placement = placements.of(output);
        if (placement.root == output) {
          if (inVariables.contains(output) != (offset == -1))
            return group.emitOpError()
                   << "expected offset -1 for a result that lives in the variable it is written to, "
                      "and for no other, but got "
                   << offset;
          continue;
        }
        int64_t expected = rootOffset(placement.root) +
                           placement.elementOffset() * elementBytes(getElementTypeOrSelf(output.getType()));
        if (offset != expected)
          return group.emitOpError() << "expected offset " << expected << ", its place in the concat, but got "
                                     << offset;
      }
    }
    return success();
  }

  LogicalResult verifyStretches(MutableArrayRef<Stretch> stretches) {
    for (const Stretch &stretch : stretches) {
      if (stretch.offset < 0 || stretch.offset % kAlignment != 0 || stretch.offset > arenaBytes - stretch.bytes)
        return stretch.op->emitOpError() << "expected " << what(stretch) << " of " << stretch.bytes
                                         << " bytes at a multiple of " << kAlignment << " inside the arena of "
                                         << arenaBytes << " bytes, but got offset " << stretch.offset;
    }
    // In time, so that only what is alive is compared: by offset, with its neighbours there.
    SmallVector<std::pair<int64_t, const Stretch *>> begins, ends;
    for (const Stretch &stretch : stretches) {
      begins.push_back({stretch.first, &stretch});
      ends.push_back({stretch.last, &stretch});
    }
    auto byTime = [](auto &a, auto &b) { return a.first < b.first; };
    llvm::stable_sort(begins, byTime);
    llvm::stable_sort(ends, byTime);
    std::map<int64_t, const Stretch *> alive;
    const auto *end = ends.begin();
    for (auto [time, stretch] : begins) {
      for (; end != ends.end() && end->first < time; ++end)
        alive.erase(end->second->offset);
      auto next = alive.lower_bound(stretch->offset);
      const Stretch *other = nullptr;
      if (next != alive.end() && next->first < stretch->offset + stretch->bytes)
        other = next->second;
      else if (next != alive.begin() && std::prev(next)->first + std::prev(next)->second->bytes > stretch->offset)
        other = std::prev(next)->second;
      if (other) {
        auto diagnostic = stretch->op->emitOpError() << "expected " << what(*stretch) << " at " << stretch->offset
                                                     << " apart from what is needed at "
                                                     << "the same time, but " << what(*other) << " of " << other->bytes
                                                     << " bytes lies at " << other->offset;
        diagnostic.attachNote(other->op->getLoc()) << "which is this op's";
        return diagnostic;
      }
      alive[stretch->offset] = stretch;
    }
    return success();
  }

  static StringRef what(const Stretch &stretch) { return stretch.isScratchpad ? "a scratchpad" : "a result"; }

  func::FuncOp function;
  const Target &target;
  PlacementAnalysis &placements;
  DenseMap<Value, WriteOp> inVariables;
  DenseMap<Operation *, int64_t> times;
  int64_t arenaBytes = 0;
};

} // namespace

LogicalResult verifyMemory(func::FuncOp function, const Target &target, PlacementAnalysis &placements) {
  return MemoryVerifier(function, target, placements).run();
}

} // namespace incept
