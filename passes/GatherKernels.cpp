// SPDX-License-Identifier: Apache-2.0
//
// Brings independent groups of one kernel together, so that one launch can do the work of all: the batch norms of the
// branches of a block. Then, beside them, groups of other kernels that are still alone: the branch's pool.

#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/KernelBuilder.h"
#include "passes/LaunchShape.h"
#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/Placement.h"
#include "passes/Target.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_GATHERKERNELSPASS
#include "passes/Passes.h.inc"

namespace {

/// A group takes at most this many ops along.
constexpr size_t kMostMoved = 32;

/// Where at most this much of the function's peak is alive, or of a budget, groups may be brought together though more
/// is alive then. Nearer to it buffers have to be placed without gaps, and each that lives longer makes that harder.
constexpr double kFull = 0.97;

/// A group looks for others to stand beside among so many ops before it, and behind it.
constexpr size_t kMostLookedAt = 96;

/// Groups side by side, in the order of the function.
using Batch = SmallVector<GroupOp, 2>;

class Gatherer {
public:
  /// `room`: bytes that may be alive at once whatever was before. `pairs`: different kernels go beside each other too.
  Gatherer(func::FuncOp function, const Target &target, PlacementAnalysis &placements, int64_t room, bool pairs)
      : function(function), target(target), placements(placements), definitions(ModuleOp::create(function.getLoc())),
        kernels(*definitions, target), pairs(pairs), room(room) {}

  LogicalResult run() {
    for (Operation &op : function.getBody().front().without_terminator())
      order.push_back(&op);
    if (failed(collect()))
      return failure();
    renumber();
    if (order.empty())
      return success();
    peak = mostAlive(order, 0, order.size() - 1);
    llvm::StringMap<SmallVector<unsigned>> ofKernel;
    for (Operation *op : SmallVector<Operation *>(order)) {
      auto group = dyn_cast<GroupOp>(op);
      if (!group)
        continue;
      FailureOr<StringRef> kernel = kernelOf(group);
      if (failed(kernel))
        return failure();
      if (kernel->empty())
        continue;
      auto &known = ofKernel[*kernel];
      if (llvm::any_of(known, [&](unsigned batch) { return tryAdd(group, batch); }))
        continue;
      known.push_back(batches.size());
      batchOf[group] = batches.size();
      batches.push_back({group});
    }
    if (pairs && failed(pairAll()))
      return failure();
    write();
    return success();
  }

private:
  /// What lives where and which groups and reads must stay where they are.
  LogicalResult collect() {
    DenseMap<Value, WriteOp> inVariables = valuesInVariables(function, placements);
    auto found = collectBuffers(function, target, placements, inVariables);
    if (failed(found))
      return failure();
    buffers = std::move(*found);
    DenseMap<StringAttr, SmallVector<ReadOp>> reads;
    llvm::SmallDenseSet<StringAttr> written;
    for (Operation *op : order) {
      if (auto group = dyn_cast<GroupOp>(op)) {
        group->removeAttr(kWithNextAttr);
        if (int64_t bytes = scratchpadBytes(group, target))
          scratchpads.push_back({op, bytes});
      } else if (auto read = dyn_cast<ReadOp>(op)) {
        reads[read.getVariableAttr().getAttr()].push_back(read);
        if (written.contains(read.getVariableAttr().getAttr()))
          fixed.insert(read);
      } else if (auto write = dyn_cast<WriteOp>(op)) {
        written.insert(write.getVariableAttr().getAttr());
      }
    }
    // A group that computes a new value in the place of the old one stays behind all who read the old one.
    for (auto &[value, write] : inVariables)
      for (ReadOp read : reads.lookup(WriteOp(write).getVariableAttr().getAttr()))
        if (!llvm::all_of(read->getUsers(), [value = value](Operation *user) { return user == value.getDefiningOp(); }))
          fixed.insert(value.getDefiningOp());
    return success();
  }

  /// The name of the kernel that `group` will be, where its launches can be joined with others; else empty.
  FailureOr<StringRef> kernelOf(GroupOp group) {
    auto isElementwise = [](Operation &op) { return op.hasTrait<OpTrait::Map>() || op.hasTrait<OpTrait::Reduce>(); };
    if (group.isLibrary() || fixed.contains(group) ||
        !llvm::all_of(group.getBody().front().without_terminator(), isElementwise))
      return StringRef();
    FailureOr<SmallVector<KernelLaunch, 2>> launches = kernels.get(group);
    if (failed(launches))
      return failure();
    StringRef symbol = launches->front().symbol;
    auto definition = definitions->lookupSymbol<exec::KernelDefOp>(symbol);
    // Flat launches are joined where they are neighbours in memory, whatever lies between them.
    return definition.getFamily() == KernelFamily::Flat ? StringRef() : symbol;
  }

  /// Puts `group` behind the groups of a batch, and what it needs before them. False where it needs one of them, or
  /// more bytes would be alive at once.
  bool tryAdd(GroupOp group, unsigned number) {
    Batch &batch = batches[number];
    // Somebody else may have taken it along, to a place before the batch.
    if (batch.size() == size_t(kMostParts) || place.lookup(group) < place.lookup(batch.back()))
      return false;
    llvm::SetVector<Operation *> moved;
    if (!collectNeeded(group, number, moved))
      return false;
    SmallVector<Operation *> needed = llvm::to_vector(moved);
    llvm::sort(needed, [&](Operation *a, Operation *b) { return place.lookup(a) < place.lookup(b); });
    needed.pop_back(); // the group, which comes last
    DenseSet<Operation *> gone(needed.begin(), needed.end());
    SmallVector<Operation *> next;
    next.reserve(order.size());
    for (Operation *op : order) {
      if (op == batch.front().getOperation())
        llvm::append_range(next, needed);
      if (op != group.getOperation() && !gone.contains(op))
        next.push_back(op);
      if (op == batch.back().getOperation())
        next.push_back(group);
    }
    return take(group, number, std::move(next), place.lookup(batch.front()), place.lookup(group));
  }

  /// Makes `group` the last of a batch and `next` the order, which differs from the old one from `first` to `last`.
  /// False where more bytes would be alive at once than may be.
  bool take(GroupOp group, unsigned number, SmallVector<Operation *> next, size_t first, size_t last) {
    int64_t before = mostAlive(order, first, last);
    auto found = batchOf.find(group);
    std::optional<unsigned> old = found == batchOf.end() ? std::nullopt : std::optional(found->second);
    batches[number].push_back(group);
    batchOf[group] = number;
    if (mostAlive(next, first, last) > std::max({before, int64_t(kFull * double(peak)), room})) {
      batches[number].pop_back();
      batchOf.erase(group);
      if (old)
        batchOf[group] = *old;
      return false;
    }
    if (old)
      batches[*old].clear();
    order = std::move(next);
    renumber();
    return true;
  }

  /// Puts each group that is alone beside one of another kernel, or beside a batch: the nearest before it that it does
  /// not need, else the nearest behind it that does not need it.
  LogicalResult pairAll() {
    for (Operation *op : order) {
      auto group = dyn_cast<GroupOp>(op);
      if (!group)
        continue;
      FailureOr<bool> takesOthers = runsBesideOthers(group);
      if (failed(takesOthers))
        return failure();
      auto [found, isNew] = batchOf.try_emplace(group, batches.size());
      if (isNew)
        batches.push_back({group});
      if (!*takesOthers)
        paired.insert(found->second);
    }
    for (Operation *op : SmallVector<Operation *>(order)) {
      auto found = batchOf.find(op);
      if (found == batchOf.end() || batches[found->second].size() > 1 || paired.contains(found->second))
        continue;
      auto group = cast<GroupOp>(op);
      size_t at = place.lookup(op), end = std::min(order.size(), at + kMostLookedAt);
      bool isDone = false;
      for (size_t i = at; i > at - std::min(at, kMostLookedAt) && !isDone; --i)
        isDone = tryPair(group, order[i - 1], /*up=*/true);
      for (size_t i = at + 1; i < end && !isDone; ++i)
        isDone = tryPair(group, order[i], /*up=*/false);
    }
    return success();
  }

  /// Puts `group` beside the batch whose last group is `other`, if it is one.
  bool tryPair(GroupOp group, Operation *other, bool up) {
    auto found = batchOf.find(other);
    if (found == batchOf.end() || paired.contains(found->second))
      return false;
    unsigned number = found->second;
    if (batches[number].back() != other || !(up ? tryAdd(group, number) : trySink(group, number)))
      return false;
    paired.insert(number);
    return true;
  }

  /// Whether a launch of the group may do what others' do, too.
  FailureOr<bool> runsBesideOthers(GroupOp group) {
    if (group.isLibrary() || fixed.contains(group) || isTotal(group.getFirstOp()))
      return false;
    FailureOr<SmallVector<KernelLaunch, 2>> launches = kernels.get(group);
    if (failed(launches))
      return failure();
    auto definition = definitions->lookupSymbol<exec::KernelDefOp>(launches->front().symbol);
    return launches->size() == 1 && definition.getFamily() != KernelFamily::Flat && target.runsBesideOthers(definition);
  }

  /// Puts `group` behind the groups of a batch that come later, and what needs it behind it. False where one of them
  /// needs it, or more bytes would be alive at once.
  bool trySink(GroupOp group, unsigned number) {
    Batch &batch = batches[number];
    size_t first = place.lookup(group), last = place.lookup(batch.back());
    if (batch.size() == size_t(kMostParts) || first > place.lookup(batch.front()))
      return false;
    // A variable's new value may be there from then on.
    for (size_t i = first; i <= last; ++i)
      if (fixed.contains(order[i]))
        return false;
    llvm::SetVector<Operation *> moved;
    moved.insert(group);
    for (size_t i = 0; i < moved.size(); ++i)
      for (Operation *user : moved[i]->getUsers()) {
        if (place.lookup(user) > last || moved.contains(user))
          continue;
        auto found = batchOf.find(user);
        bool isBeside = found != batchOf.end() && (found->second == number || batches[found->second].size() > 1);
        if (isBeside || moved.size() > kMostMoved)
          return false;
        moved.insert(user);
      }
    SmallVector<Operation *> behind = llvm::to_vector(moved);
    llvm::sort(behind, [&](Operation *a, Operation *b) { return place.lookup(a) < place.lookup(b); });
    SmallVector<Operation *> next;
    next.reserve(order.size());
    for (Operation *op : order) {
      if (!moved.contains(op))
        next.push_back(op);
      if (op == batch.back().getOperation())
        llvm::append_range(next, behind);
    }
    return take(group, number, std::move(next), first, last);
  }

  /// Adds to `needed` the ops behind the batch that `op` depends on, and itself. False where they cannot move before
  /// it.
  bool collectNeeded(Operation *op, unsigned batch, llvm::SetVector<Operation *> &needed) {
    needed.insert(op);
    for (size_t i = 0; i < needed.size(); ++i) {
      if (fixed.contains(needed[i]) || needed.size() > kMostMoved)
        return false;
      for (Value operand : needed[i]->getOperands()) {
        Operation *producer = operand.getDefiningOp();
        if (!producer || place.lookup(producer) < place.lookup(batches[batch].front()))
          continue;
        auto found = batchOf.find(producer);
        if (found != batchOf.end() && (found->second == batch || batches[found->second].size() > 1))
          return false;
        needed.insert(producer);
      }
    }
    return true;
  }

  void renumber() {
    for (auto [index, op] : llvm::enumerate(order))
      place[op] = index;
  }

  /// The most bytes alive at once while the ops from `from` to `to` run; the groups of a batch are at one time.
  int64_t mostAlive(ArrayRef<Operation *> ops, size_t from, size_t to) const {
    DenseMap<Operation *, size_t> times;
    size_t time = 0;
    for (Operation *op : ops) {
      times[op] = time;
      auto found = batchOf.find(op);
      time += found == batchOf.end() || GroupOp(batches[found->second].back()).getOperation() == op;
    }
    SmallVector<int64_t> change(time + 2, 0);
    auto add = [&](size_t first, size_t last, int64_t bytes) {
      change[first] += bytes;
      change[last + 1] -= bytes;
    };
    for (const ArenaBuffer &buffer : buffers) {
      size_t first = SIZE_MAX, last = 0;
      for (Operation *user : buffer.users) {
        first = std::min(first, times.lookup(user));
        last = std::max(last, times.lookup(user));
      }
      add(first, last, buffer.bytes);
    }
    for (auto &[op, bytes] : scratchpads)
      add(times.lookup(op), times.lookup(op), bytes);
    int64_t alive = 0, most = 0;
    for (auto [at, bytes] : llvm::enumerate(change)) {
      alive += bytes;
      if (at >= times.lookup(ops[from]) && at <= times.lookup(ops[to]))
        most = std::max(most, alive);
    }
    return most;
  }

  void write() {
    for (Operation *op : order)
      op->moveBefore(function.getBody().front().getTerminator());
    for (Batch &batch : batches)
      for (GroupOp group : ArrayRef(batch).drop_back(batch.empty() ? 0 : 1))
        group->setAttr(kWithNextAttr, UnitAttr::get(group.getContext()));
  }

  func::FuncOp function;
  const Target &target;
  PlacementAnalysis &placements;
  OwningOpRef<ModuleOp> definitions; ///< of kernels, to compare groups by
  KernelTable kernels;
  SmallVector<Operation *> order;
  DenseMap<Operation *, size_t> place; ///< in the order
  SmallVector<ArenaBuffer> buffers;
  SmallVector<std::pair<Operation *, int64_t>> scratchpads;
  DenseSet<Operation *> fixed; ///< that do not move
  bool pairs;
  int64_t room, peak = 0;
  SmallVector<Batch, 0> batches;
  DenseMap<Operation *, unsigned> batchOf;
  llvm::SmallDenseSet<unsigned> paired; ///< batches that take no group of another kernel, or have one
};

/// What a budget leaves to values beside the variables.
int64_t roomIn(int64_t budget, ModuleOp module) {
  int64_t variables = 0;
  for (auto variable : module.getOps<VariableOp>()) {
    RankedTensorType type = variable.getTensorType();
    variables += type.getNumElements() * elementBytes(type.getElementType());
  }
  return int64_t(kFull * double(budget)) - variables;
}

struct GatherKernelsPass : impl::GatherKernelsPassBase<GatherKernelsPass> {
  using Base::Base;

  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    if (!target->joinsLaunches())
      return markAllAnalysesPreserved();
    int64_t room = roomIn(memoryBudget, getOperation());
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (failed(Gatherer(function, *target, getChildAnalysis<PlacementAnalysis>(function), room, pair).run()))
        return signalPassFailure();
    markAnalysesPreserved<PlacementAnalysis>();
  }
};

} // namespace
} // namespace incept
