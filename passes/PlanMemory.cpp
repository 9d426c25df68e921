// SPDX-License-Identifier: Apache-2.0
//
// Gives every value of a function a place: the storage of the variable it is written to, or an offset in the arena
// that it shares with values whose lifetimes do not meet.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/Placement.h"
#include "passes/Target.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

#include <vector>

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "passes/Passes.h.inc"

namespace {

/// A stretch of the arena, needed from group `first` to group `last` of the function.
struct Buffer {
  int64_t bytes = 0;
  int64_t first = 0, last = 0;
  int64_t offset = -1;

  int64_t groups() const { return last - first + 1; }
};

/// Disjoint stretches of the arena by offset; those that touch are one.
class Stretches {
public:
  using Stretch = std::pair<int64_t, int64_t>; ///< begin and end

  void add(Stretch added) {
    auto *first = llvm::lower_bound(all, added.first, [](const Stretch &s, int64_t begin) { return s.second < begin; });
    auto *last = first;
    for (; last != all.end() && last->first <= added.second; ++last)
      added = {std::min(added.first, last->first), std::max(added.second, last->second)};
    if (first == last) {
      all.insert(first, added);
      return;
    }
    *first = added;
    all.erase(std::next(first), last);
  }

  ArrayRef<Stretch> get() const { return all; }

private:
  SmallVector<Stretch, 0> all;
};

/// What is taken of the arena when: a tree of halves, quarters and so on of the time. Values that are kept for long lie
/// close together, so that a node has few stretches however many buffers it stands for.
class Occupancy {
public:
  /// Of times below `end`.
  explicit Occupancy(int64_t end) : nodes(2 * llvm::PowerOf2Ceil(std::max<int64_t>(end, 1))) {}

  void add(const Buffer &buffer) { add(buffer, 1, 0, int64_t(nodes.size()) / 2 - 1); }

  /// The smallest gap between what is taken during the buffer's lifetime that it fits in, or the end of all.
  int64_t findPlace(const Buffer &buffer) {
    taken.clear();
    collect(buffer, 1, 0, int64_t(nodes.size()) / 2 - 1);
    llvm::sort(taken);
    int64_t behind = 0, best = -1, bestGap = INT64_MAX;
    for (const Stretches::Stretch &stretch : taken) {
      int64_t gap = stretch.first - behind;
      if (gap >= buffer.bytes && gap < bestGap) {
        best = behind;
        bestGap = gap;
      }
      behind = std::max(behind, stretch.second);
    }
    return best >= 0 ? best : behind;
  }

private:
  /// A span of time: what is taken throughout, but not throughout the parent's, and what is taken at some time in it.
  struct Node {
    Stretches throughout, ever;
  };

  void add(const Buffer &buffer, size_t node, int64_t first, int64_t last) {
    if (buffer.last < first || last < buffer.first)
      return;
    Stretches::Stretch stretch = {buffer.offset, buffer.offset + buffer.bytes};
    nodes[node].ever.add(stretch);
    if (buffer.first <= first && last <= buffer.last)
      return nodes[node].throughout.add(stretch);
    int64_t middle = first + (last - first) / 2;
    add(buffer, 2 * node, first, middle);
    add(buffer, 2 * node + 1, middle + 1, last);
  }

  void collect(const Buffer &buffer, size_t node, int64_t first, int64_t last) {
    if (buffer.last < first || last < buffer.first)
      return;
    if (buffer.first <= first && last <= buffer.last)
      return llvm::append_range(taken, nodes[node].ever.get());
    llvm::append_range(taken, nodes[node].throughout.get());
    int64_t middle = first + (last - first) / 2;
    collect(buffer, 2 * node, first, middle);
    collect(buffer, 2 * node + 1, middle + 1, last);
  }

  std::vector<Node> nodes; ///< the root is 1, the halves of node i are 2i and 2i + 1
  SmallVector<Stretches::Stretch> taken;
};

/// Places the buffers in this order, each into the smallest gap between placed buffers whose lifetimes meet its own, or
/// behind them. Returns the total.
int64_t placeInOrder(ArrayRef<Buffer *> buffers, int64_t end) {
  Occupancy occupancy(end);
  int64_t total = 0;
  for (Buffer *buffer : buffers) {
    buffer->offset = occupancy.findPlace(*buffer);
    total = std::max(total, buffer->offset + buffer->bytes);
    occupancy.add(*buffer);
  }
  return total;
}

/// What decides which buffers are placed first: those that are hard to place later.
constexpr double (*kPriorities[])(const Buffer &) = {
    [](const Buffer &buffer) { return double(buffer.bytes); },
    [](const Buffer &buffer) { return double(buffer.bytes) * buffer.groups(); },
    [](const Buffer &buffer) { return double(buffer.groups()); },
};

/// Gives every buffer the offset that it has in the smallest of several placements. Returns the total, which is `bound`
/// or more.
int64_t placeBuffers(ArrayRef<Buffer *> buffers, int64_t end, int64_t bound) {
  SmallVector<int64_t> offsets(buffers.size());
  int64_t least = INT64_MAX;
  for (auto *priority : kPriorities) {
    if (least == bound)
      break;
    SmallVector<Buffer *> order(buffers);
    llvm::stable_sort(order, [&](const Buffer *a, const Buffer *b) { return priority(*a) > priority(*b); });
    int64_t total = placeInOrder(order, end);
    if (total >= least)
      continue;
    least = total;
    for (auto [offset, buffer] : llvm::zip_equal(offsets, buffers))
      offset = buffer->offset;
  }
  for (auto [offset, buffer] : llvm::zip_equal(offsets, buffers))
    buffer->offset = offset;
  return least;
}

/// The most bytes alive at once, less than which no placement needs, and when that is.
std::pair<int64_t, int64_t> lowerBound(ArrayRef<Buffer *> buffers, int64_t end) {
  SmallVector<int64_t> change(end + 2, 0);
  for (const Buffer *buffer : buffers) {
    change[buffer->first] += buffer->bytes;
    change[buffer->last + 1] -= buffer->bytes;
  }
  int64_t live = 0, most = 0, when = 0;
  for (auto [time, delta] : llvm::enumerate(change)) {
    live += delta;
    if (live > most)
      most = live, when = int64_t(time);
  }
  return {most, when};
}

class FunctionPlanner {
public:
  FunctionPlanner(func::FuncOp function, const Target &target, PlacementAnalysis &placements, bool reportPeak)
      : function(function), target(target), placements(placements), reportPeak(reportPeak) {}

  LogicalResult run() {
    if (failed(bindWrites()) || failed(collect()))
      return failure();
    SmallVector<Buffer *> all;
    for (auto &entry : values)
      all.push_back(&entry.second);
    for (auto &entry : scratchpads)
      all.push_back(&entry.second);
    auto [bound, peak] = lowerBound(all, end);
    int64_t total = placeBuffers(all, end, bound);
    annotate(total, bound);
    if (reportPeak)
      describePeak(peak);
    return success();
  }

private:
  /// Values that are written to a variable live in the variable, unless the old value is still needed or the value
  /// has another home; then a copy is written.
  LogicalResult bindWrites() {
    bound = valuesInVariables(function, placements);
    DenseMap<StringAttr, SmallVector<Value>> reads;
    for (ReadOp read : function.getOps<ReadOp>())
      reads[read.getVariableAttr().getAttr()].push_back(read.getValue());
    SmallVector<WriteOp> copies;
    for (WriteOp write : function.getOps<WriteOp>())
      if (bound.lookup(write.getValue()) != write)
        copies.push_back(write);
    auto isOldValueUsedAfter = [&](WriteOp write) {
      return llvm::any_of(reads[write.getVariableAttr().getAttr()],
                          [&](Value value) { return isUsedAfter(value, write); });
    };
    // Behind the last use, which may be another copy that moves.
    bool moves = true;
    for (size_t round = 0; moves && round < copies.size(); ++round) {
      moves = false;
      for (WriteOp write : llvm::reverse(copies))
        if (isOldValueUsedAfter(write)) {
          write->moveBefore(function.getBody().front().getTerminator());
          moves = true;
        }
    }
    for (WriteOp write : copies) {
      if (isOldValueUsedAfter(write))
        return write.emitOpError() << "expected the old value of '" << write.getVariable()
                                   << "' not to be used any more, but variables take each other's old values";
      bound[insertCopy(write)] = write;
    }
    return success();
  }

  Value insertCopy(WriteOp write) {
    OpBuilder builder(write);
    Value value = write.getValue();
    auto type = cast<RankedTensorType>(value.getType());
    if (layoutOf(value).isSlice())
      type = withLayout(type, LayoutAttr::get(type.getContext(), kNhwcFormat));
    auto group = GroupOp::create(builder, write.getLoc(), TypeRange(type), GroupKind::Kernel, ValueRange(value));
    OpBuilder::InsertionGuard guard(builder);
    Block *body = builder.createBlock(&group.getBody());
    Value argument = body->addArgument(value.getType(), write.getLoc());
    auto copy = CopyOp::create(builder, write.getLoc(), type, argument);
    YieldOp::create(builder, write.getLoc(), ValueRange(copy.getDst()));
    write.getValueMutable().set(group.getOutputs().front());
    return group.getOutputs().front();
  }

  /// Lifetimes, counted in groups; those that run together have one time.
  LogicalResult collect() {
    auto buffers = collectBuffers(function, target, placements, bound);
    if (failed(buffers))
      return failure();
    DenseMap<Operation *, int64_t> times;
    int64_t groups = 0;
    for (GroupOp group : function.getOps<GroupOp>()) {
      times[group] = end;
      if (int64_t bytes = scratchpadBytes(group, target))
        scratchpads[group] = {bytes, end, end};
      if (moments.size() == size_t(end))
        moments.push_back({groups, getPath(group)});
      ++groups;
      end += !group->hasAttr(kWithNextAttr);
    }
    end = moments.size();
    for (const ArenaBuffer &buffer : *buffers)
      values[buffer.root] = {buffer.bytes, times.lookup(buffer.users.front()), times.lookup(buffer.users.back())};
    return success();
  }

  void annotate(int64_t total, int64_t bound_) {
    Builder builder(function.getContext());
    for (GroupOp group : function.getOps<GroupOp>()) {
      SmallVector<int64_t> offsets;
      for (Value output : group.getOutputs()) {
        Placement placement = placements.of(output);
        auto found = values.find(placement.root);
        int64_t inRoot = placement.elementOffset() * elementBytes(getElementTypeOrSelf(output.getType()));
        offsets.push_back(found == values.end() ? -1 : found->second.offset + inRoot);
      }
      group.setOffsets(offsets);
      if (auto found = scratchpads.find(group); found != scratchpads.end()) {
        group.setScratchpad(found->second.bytes);
        group.setScratchpadOffset(found->second.offset);
      }
    }
    for (ConcatViewOp view : function.getOps<ConcatViewOp>())
      if (auto found = values.find(view.getDst()); found != values.end())
        view.setOffset(found->second.offset);
    function->setAttr("incept.arena_bytes", builder.getI64IntegerAttr(total));
    function->setAttr("incept.arena_lower_bound", builder.getI64IntegerAttr(bound_));
  }

  /// Lists who is alive at the peak as `incept.peak` of the function, largest first.
  void describePeak(int64_t peak) {
    Builder builder(function.getContext());
    SmallVector<std::tuple<const Buffer *, std::string>> alive;
    auto add = [&](const Buffer &buffer, const Twine &what) {
      if (buffer.first <= peak && peak <= buffer.last)
        alive.push_back({&buffer, what.str()});
    };
    for (auto &[value, buffer] : values)
      add(buffer, getPath(value.getDefiningOp()) + " " + formatShape(shapeOf(value)));
    for (auto &[op, buffer] : scratchpads)
      add(buffer, "scratchpad of " + getPath(op));
    llvm::stable_sort(alive, [](auto &a, auto &b) { return std::get<0>(a)->bytes > std::get<0>(b)->bytes; });
    SmallVector<Attribute> entries;
    for (auto &[buffer, what] : alive)
      entries.push_back(builder.getDictionaryAttr(
          {builder.getNamedAttr("bytes", builder.getI64IntegerAttr(buffer->bytes)),
           builder.getNamedAttr("what", builder.getStringAttr(what)),
           builder.getNamedAttr("first", builder.getI64IntegerAttr(moments[buffer->first].group)),
           builder.getNamedAttr("last", builder.getI64IntegerAttr(moments[buffer->last].group)),
           builder.getNamedAttr("until", builder.getStringAttr(moments[buffer->last].path))}));
    function->setAttr("incept.peak", builder.getArrayAttr(entries));
    function->setAttr("incept.peak_group", builder.getI64IntegerAttr(moments.empty() ? 0 : moments[peak].group));
  }

  func::FuncOp function;
  const Target &target;
  PlacementAnalysis &placements;
  bool reportPeak;
  /// A time of the function, by the first of its groups.
  struct Moment {
    int64_t group; ///< its number
    StringRef path;
  };
  SmallVector<Moment> moments;
  int64_t end = 0; ///< number of times
  DenseMap<Value, WriteOp> bound;
  llvm::MapVector<Value, Buffer> values;
  llvm::MapVector<Operation *, Buffer> scratchpads;
};

struct PlanMemoryPass : impl::PlanMemoryPassBase<PlanMemoryPass> {
  using Base::Base;

  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (failed(FunctionPlanner(function, *target, getChildAnalysis<PlacementAnalysis>(function), reportPeak).run()))
        return signalPassFailure();
    markAnalysesPreserved<PlacementAnalysis>();
  }
};

} // namespace

} // namespace incept
