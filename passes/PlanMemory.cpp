// SPDX-License-Identifier: Apache-2.0
//
// Gives every value of a function a place: the storage of the variable it is written to, or an offset in the arena
// that it shares with values whose lifetimes do not meet.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "passes/Buffers.h"
#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/Target.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "passes/Passes.h.inc"

namespace {

/// A stretch of the arena, needed from group `first` to group `last` of the function.
struct Buffer {
  int64_t bytes = 0;
  int64_t first = INT64_MAX;
  int64_t last = -1;
  int64_t offset = -1;

  void touch(int64_t time) {
    first = std::min(first, time);
    last = std::max(last, time);
  }
  int64_t groups() const { return last - first + 1; }
  bool meets(const Buffer &other) const { return first <= other.last && other.first <= last; }
};

/// Places the buffers in this order, each into the smallest gap between placed buffers whose lifetimes meet its own, or
/// behind them. Returns the total.
int64_t placeInOrder(ArrayRef<Buffer *> buffers) {
  SmallVector<Buffer *> placed; // by offset
  int64_t total = 0;
  for (Buffer *buffer : buffers) {
    int64_t end = 0, best = -1, bestGap = INT64_MAX;
    for (Buffer *other : placed) {
      if (!buffer->meets(*other))
        continue;
      int64_t gap = other->offset - end;
      if (gap >= buffer->bytes && gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      end = std::max(end, other->offset + other->bytes);
    }
    buffer->offset = best >= 0 ? best : end;
    total = std::max(total, buffer->offset + buffer->bytes);
    placed.insert(llvm::upper_bound(placed, buffer, [](Buffer *a, Buffer *b) { return a->offset < b->offset; }),
                  buffer);
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
int64_t placeBuffers(ArrayRef<Buffer *> buffers, int64_t bound) {
  SmallVector<int64_t> offsets(buffers.size());
  int64_t least = INT64_MAX;
  for (auto *priority : kPriorities) {
    if (least == bound)
      break;
    SmallVector<Buffer *> order(buffers);
    llvm::stable_sort(order, [&](const Buffer *a, const Buffer *b) { return priority(*a) > priority(*b); });
    int64_t total = placeInOrder(order);
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
  FunctionPlanner(func::FuncOp function, const Target &target, bool reportPeak)
      : function(function), target(target), reportPeak(reportPeak) {}

  LogicalResult run() {
    bindWrites();
    if (failed(collect()))
      return failure();
    SmallVector<Buffer *> all;
    for (auto &entry : values)
      all.push_back(&entry.second);
    for (auto &entry : scratchpads)
      all.push_back(&entry.second);
    auto [bound, peak] = lowerBound(all, time);
    int64_t total = placeBuffers(all, bound);
    annotate(total, bound);
    if (reportPeak)
      describePeak(peak);
    return success();
  }

private:
  /// Values that are written to a variable live in the variable, unless the old value is still needed or the value
  /// has another home; then a copy is written.
  void bindWrites() {
    bound = valuesInVariables(function);
    for (WriteOp write : llvm::to_vector(function.getOps<WriteOp>()))
      if (bound.lookup(write.getValue()) != write)
        bound[insertCopy(write)] = write;
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

  LogicalResult collect() {
    for (GroupOp group : function.getOps<GroupOp>()) {
      for (Value input : group.getInputs())
        if (failed(touch(input)))
          return failure();
      for (Value output : group.getOutputs())
        if (failed(touch(output)))
          return failure();
      if (int64_t bytes = scratchpadBytes(group, target)) {
        Buffer &buffer = scratchpads[group];
        buffer.bytes = bytes;
        buffer.touch(time);
      }
      ++time;
    }
    return success();
  }

  LogicalResult touch(Value value) {
    Placement placement = placementOf(value);
    Operation *op = placement.root.getDefiningOp();
    if (isa<ReadOp, StepValueOp, JoinRowsOp>(op) || bound.contains(placement.root))
      return success();
    Buffer &buffer = values[placement.root];
    buffer.touch(time);
    if (buffer.bytes)
      return success();
    auto bytes = bufferBytes(placement.root, target);
    if (failed(bytes))
      return failure();
    buffer.bytes = *bytes;
    return success();
  }

  void annotate(int64_t total, int64_t bound_) {
    Builder builder(function.getContext());
    for (GroupOp group : function.getOps<GroupOp>()) {
      SmallVector<int64_t> offsets;
      for (Value output : group.getOutputs()) {
        Placement placement = placementOf(output);
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
    SmallVector<StringRef> paths; // of the groups, in time
    for (GroupOp group : function.getOps<GroupOp>())
      paths.push_back(getPath(group));
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
      entries.push_back(
          builder.getDictionaryAttr({builder.getNamedAttr("bytes", builder.getI64IntegerAttr(buffer->bytes)),
                                     builder.getNamedAttr("what", builder.getStringAttr(what)),
                                     builder.getNamedAttr("first", builder.getI64IntegerAttr(buffer->first)),
                                     builder.getNamedAttr("last", builder.getI64IntegerAttr(buffer->last)),
                                     builder.getNamedAttr("until", builder.getStringAttr(paths[buffer->last]))}));
    function->setAttr("incept.peak", builder.getArrayAttr(entries));
    function->setAttr("incept.peak_group", builder.getI64IntegerAttr(peak));
  }

  func::FuncOp function;
  const Target &target;
  bool reportPeak;
  int64_t time = 0;
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
      if (failed(FunctionPlanner(function, *target, reportPeak).run()))
        return signalPassFailure();
  }
};

} // namespace

} // namespace incept
