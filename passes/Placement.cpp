// SPDX-License-Identifier: Apache-2.0

#include "passes/Placement.h"
#include "dialect/VerifierUtils.h"
#include "passes/LaunchShape.h"
#include "passes/Layouts.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept {

SmallVector<ChannelSlice> slicesOf(ValueRange values) {
  SmallVector<ChannelSlice> slices;
  int64_t channels = 0;
  for (Value value : values) {
    slices.push_back({0, channels});
    channels += shapeOf(value)[1];
  }
  for (ChannelSlice &slice : slices)
    slice.stride = channels;
  return slices;
}

/// The value that `value` is a view or a part of, and its place there; itself where it has a buffer of its own.
static Placement stepFrom(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto slice = dyn_cast_or_null<SliceViewOp>(op))
    return {slice.getSrc(), int64_t(slice.getOffset()), 0};
  if (auto rows = dyn_cast_or_null<SliceRowsOp>(op)) {
    auto type = cast<RankedTensorType>(rows.getSrc().getType());
    return {rows.getSrc(), 0, int64_t(rows.getOffset()) * (type.getNumElements() / type.getDimSize(0))};
  }
  if (isa_and_nonnull<FlattenOp, PixelRowsOp, ChannelSampleOp>(op))
    return {op->getOperand(0), 0, 0};
  for (Operation *user : value.getUsers())
    if (auto concat = dyn_cast<ConcatViewOp>(user))
      for (auto [src, slice] : llvm::zip_equal(concat.getSrcs(), slicesOf(concat.getSrcs())))
        if (src == value)
          return {concat.getDst(), slice.offset, 0};
  return {value, 0, 0};
}

Placement PlacementAnalysis::of(Value value) {
  SmallVector<std::pair<Value, Placement>> path; // a value and its place in the next
  for (Value at = value; !places.contains(at);) {
    Placement next = stepFrom(at);
    path.push_back({at, next});
    if (next.root == at)
      break;
    at = next.root;
  }
  for (auto &[at, next] : llvm::reverse(path)) {
    Placement place = places.lookup(next.root); // empty for a root
    places[at] = {place.root ? place.root : at, place.channelOffset + next.channelOffset,
                  place.rowElements + next.rowElements};
  }
  return places.lookup(value);
}

bool isUsedAfter(Value value, Operation *op) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    if (user->hasTrait<OpTrait::View>())
      return llvm::any_of(user->getResults(), [&](Value view) { return isUsedAfter(view, op); });
    return user != op && op->isBeforeInBlock(user);
  });
}

namespace {

/// The writes of rows of one value, by their first row, and the gradients that they write.
class RowWrites {
public:
  explicit RowWrites(func::FuncOp function) : module(function->getParentOfType<ModuleOp>()) {}

  /// The writes of all rows of `value`, if they are all that uses it and write gradients of parameters that lie side by
  /// side in this order, as their gradients then do; else none.
  SmallVector<WriteOp> of(Value value) {
    SmallVector<std::pair<int64_t, SliceRowsOp>> parts;
    for (Operation *user : value.getUsers()) {
      auto rows = dyn_cast<SliceRowsOp>(user);
      if (!rows || !rows.getDst().hasOneUse() || !isa<WriteOp>(*rows.getDst().user_begin()))
        return {};
      parts.push_back({int64_t(rows.getOffset()), rows});
    }
    llvm::sort(parts, llvm::less_first());
    SmallVector<WriteOp> writes;
    SmallVector<StringRef> owners;
    int64_t next = 0;
    for (auto [first, rows] : parts) {
      auto write = cast<WriteOp>(*rows.getDst().user_begin());
      auto variable = symbols().lookup<VariableOp>(write.getVariable());
      auto type = cast<RankedTensorType>(rows.getDst().getType());
      bool isGradient = variable && variable.getKind() == VariableKind::Gradient && variable.getOwner();
      // What follows a gradient is aligned.
      if (first != next || !isGradient || variable.getTensorType() != type ||
          type.getNumElements() % parameterAlignment(1) != 0)
        return {};
      next += type.getDimSize(0);
      writes.push_back(write);
      owners.push_back(*variable.getOwner());
    }
    if (writes.size() < 2 || next != shapeOf(value)[0] || !isJoin(owners))
      return {};
    return writes;
  }

private:
  SymbolTable &symbols() {
    if (!table)
      table.emplace(module);
    return *table;
  }

  /// True where these parameters, or copies of them, are joined in this order somewhere.
  bool isJoin(ArrayRef<StringRef> names) {
    auto parameterOf = [&](Value src) -> StringRef {
      auto read = src.getDefiningOp<ReadOp>();
      auto variable = read ? symbols().lookup<VariableOp>(read.getVariable()) : VariableOp();
      if (!variable)
        return "";
      return variable.getKind() == VariableKind::Copy ? *variable.getOwner() : variable.getSymName();
    };
    auto found = module.walk([&](JoinRowsOp join) {
      bool isThis = llvm::equal(llvm::map_range(join.getSrcs(), parameterOf), names);
      return isThis ? WalkResult::interrupt() : WalkResult::advance();
    });
    return found.wasInterrupted();
  }

  ModuleOp module;
  std::optional<SymbolTable> table;
};

} // namespace

DenseMap<Value, WriteOp> valuesInVariables(func::FuncOp function, PlacementAnalysis &placements) {
  DenseMap<StringAttr, SmallVector<ReadOp>> reads;
  for (ReadOp read : function.getOps<ReadOp>())
    reads[read.getVariableAttr().getAttr()].push_back(read);
  DenseMap<Value, WriteOp> result;
  for (WriteOp write : function.getOps<WriteOp>()) {
    Value value = write.getValue();
    auto producer = value.getDefiningOp<GroupOp>();
    if (!producer || placements.of(value).root != value || result.contains(value))
      continue;
    bool isNeeded = llvm::any_of(reads[write.getVariableAttr().getAttr()],
                                 [&](ReadOp read) { return isUsedAfter(read.getValue(), producer); });
    if (!isNeeded)
      result[value] = write;
  }
  RowWrites rowWrites(function);
  for (SliceRowsOp rows : function.getOps<SliceRowsOp>()) {
    Value value = rows.getSrc();
    if (!value.getDefiningOp<GroupOp>() || placements.of(value).root != value || result.contains(value))
      continue;
    SmallVector<WriteOp> writes = rowWrites.of(value);
    if (writes.empty() ||
        llvm::any_of(writes, [&](WriteOp write) { return reads.contains(write.getVariableAttr().getAttr()); }))
      continue;
    result[value] = writes.front();
    for (WriteOp write : writes)
      result[write.getValue()] = write;
  }
  return result;
}

FailureOr<SmallVector<ArenaBuffer>> collectBuffers(func::FuncOp function, const Target &target,
                                                   PlacementAnalysis &placements,
                                                   const DenseMap<Value, WriteOp> &inVariables) {
  if (function.isDeclaration() || function.getNumArguments() + function.getNumResults() > 0)
    return function.emitOpError() << "expected a body without arguments and results, but got "
                                  << function.getFunctionType() << ": read and write variables instead";
  SmallVector<ArenaBuffer> buffers;
  DenseMap<Value, unsigned> indices;
  auto touch = [&](Operation *user, Value value) -> LogicalResult {
    Value root = placements.of(value).root;
    Operation *op = root.getDefiningOp();
    if (isa<ReadOp, StepValueOp, JoinRowsOp>(op) || inVariables.contains(root))
      return success();
    if (!isa<GroupOp, ConcatViewOp>(op))
      return op->emitOpError() << "computes a value outside a group, which has no place in memory";
    auto [entry, isNew] = indices.try_emplace(root, buffers.size());
    if (isNew) {
      auto type = cast<RankedTensorType>(root.getType());
      auto bytes = target.formatBytes(type.getShape(), type.getElementType(), libraryFormat(layoutOf(root)));
      if (failed(bytes))
        return op->emitOpError() << "has a result of unknown size: " << type;
      buffers.push_back({root, std::max<int64_t>(llvm::alignTo(*bytes, kAlignment), kAlignment), {}});
    }
    auto &users = buffers[entry->second].users;
    if (users.empty() || users.back() != user)
      users.push_back(user);
    return success();
  };
  auto touchAll = [&](Operation *user, ValueRange values) {
    return success(llvm::all_of(values, [&](Value value) { return succeeded(touch(user, value)); }));
  };
  for (Operation &op : function.getBody().front()) {
    if (auto group = dyn_cast<GroupOp>(op)) {
      if (failed(touchAll(group, group.getInputs())) || failed(touchAll(group, group.getOutputs())))
        return failure();
    } else if (auto write = dyn_cast<WriteOp>(op); write && inVariables.lookup(write.getValue()) != write) {
      if (failed(touch(write, write.getValue())))
        return failure();
    }
  }
  return buffers;
}

Reduction cutReduction(GroupOp group, ArrayRef<int64_t> domain, const Target &target) {
  int64_t narrowest = INT64_MAX;
  for (ValueRange values : {ValueRange(group.getInputs()), ValueRange(group.getOutputs())})
    for (Value value : values)
      if (shapeOf(value).size() >= 2)
        narrowest = std::min(narrowest, elementBytes(getElementTypeOrSelf(value.getType())));
  return target.cutReduction(rowsOf(domain), domain[1], narrowest);
}

Reduction cutLoss(GroupOp group, const Target &target) {
  ArrayRef<int64_t> logits = shapeOf(cast<SoftmaxCrossEntropyOp>(group.getFirstOp()).getLogits());
  if (target.combinesInOneLaunch())
    return {logits[0], 1};
  return cutLoss(logits[0], logits[1]);
}

int64_t scratchpadBytes(GroupOp group, const Target &target) {
  if (group.isLibrary())
    return llvm::alignTo(group.getScratchpad().value_or(0), kAlignment);
  int64_t bytes = 0;
  for (Operation &op : group.getBody().front()) {
    if (isTotal(&op))
      bytes += llvm::alignTo((kMostCounts + int64_t(op.getNumOperands())) * 4, kAlignment);
    if (isa<SoftmaxCrossEntropyOp>(op))
      if (int64_t parts = cutLoss(group, target).partials; parts > 1)
        bytes += int64_t(op.getNumResults()) * llvm::alignTo(parts * 4, kAlignment);
    if (op.hasTrait<OpTrait::Reduce>()) {
      int64_t partials = cutReduction(group, shapeOf(op.getOperand(0)), target).partials;
      for (Value result : op.getResults())
        bytes += llvm::alignTo(partials * shapeOf(result)[0] * 4, kAlignment);
    }
  }
  return bytes;
}

} // namespace incept
