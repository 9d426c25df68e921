// SPDX-License-Identifier: Apache-2.0
//
// Puts every computing op into an incept.group: one library call or one generated kernel. Chains of elementwise ops
// become one kernel with the reduction or the last op that consumes them, and what is computed of a reduction's sums
// alone one with the reduction.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_FORMGROUPSPASS
#include "passes/Passes.h.inc"

namespace {

/// A kernel has at most this many ops: a longer chain is cut. The compile time of a kernel grows faster than its
/// length, and pieces of one length are one kernel.
constexpr size_t kMostMembers = 64;
/// What a kernel computes again may cost it this many more reads of its domain in all. Each step of a residual trunk
/// alone seems cheap, but the steps back to its beginning read one branch each.
constexpr size_t kMostExtraReads = 8;

bool isMap(Operation *op) { return op && op->hasTrait<OpTrait::Map>(); }
bool isReduce(Operation *op) { return op && op->hasTrait<OpTrait::Reduce>(); }

bool isChannelVector(Value value) {
  return shapeOf(value).size() == 1 && isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

/// True for an op on full tensors that gives channel vectors.
bool givesVectors(Operation *op) {
  return isMap(op) && llvm::all_of(op->getResults(), isChannelVector) &&
         llvm::any_of(op->getOperands(), [](Value operand) { return shapeOf(operand).size() > 1; });
}

/// The reduction whose sums `op` goes on with, channel by channel. The launch that adds up the partial sums can compute
/// it, if all else that it reads is there before the reduction.
Operation *reductionBefore(Operation *op, const DenseMap<Operation *, unsigned> &order) {
  if (!isMap(op) || !llvm::all_of(op->getOperands(), isChannelVector) ||
      !llvm::all_of(op->getResults(), isChannelVector))
    return nullptr;
  Operation *reduction = nullptr;
  for (Value operand : op->getOperands())
    if (Operation *producer = operand.getDefiningOp();
        isReduce(producer) && (!reduction || order.lookup(producer) > order.lookup(reduction)))
      reduction = producer;
  bool isLate = llvm::any_of(op->getOperands(), [&](Value operand) {
    Operation *producer = operand.getDefiningOp();
    return reduction && producer && producer != reduction && order.lookup(producer) > order.lookup(reduction);
  });
  return isLate ? nullptr : reduction;
}

/// The shape a map or reduce op iterates over: that of its operand of highest rank, or of its result if it has none.
ArrayRef<int64_t> domainOf(Operation *op) {
  ArrayRef<int64_t> domain;
  if (op->getNumOperands() == 0)
    return shapeOf(op->getResult(0));
  for (Value operand : op->getOperands())
    if (shapeOf(operand).size() >= domain.size())
      domain = shapeOf(operand);
  return domain;
}

/// Operands of the op's own domain, each a pass over memory. Elementwise ops that only it uses are computed with it, so
/// theirs count in their place.
void collectFullOperands(Operation *op, llvm::SmallPtrSetImpl<Value> &operands) {
  ArrayRef<int64_t> domain = domainOf(op);
  for (Value operand : op->getOperands()) {
    Operation *producer = operand.getDefiningOp();
    if (isMap(producer) && operand.hasOneUse() && domainOf(producer) == domain)
      collectFullOperands(producer, operands);
    else if (shapeOf(operand) == domain)
      operands.insert(operand);
  }
}

/// Ops that will be one kernel; `anchor` is the last of them in program order.
class Grouping {
public:
  Grouping(Operation *anchor, const DenseMap<Operation *, unsigned> &order, bool recompute, bool isForward)
      : anchor(anchor), order(order), recompute(recompute), isForward(isForward), domain(domainOf(anchor)) {
    members.insert(anchor);
  }

  /// Takes in producers until none fits. `taken` holds the members of other groups.
  void grow(const DenseSet<Operation *> &taken) {
    for (size_t i = 0; i < members.size(); ++i)
      for (Value operand : members[i]->getOperands())
        if (Operation *producer = operand.getDefiningOp(); isMap(producer) && !taken.contains(producer))
          tryTake(producer);
  }

  /// Members in program order.
  SmallVector<Operation *> sorted() const {
    SmallVector<Operation *> result(members.begin(), members.end());
    llvm::sort(result, [&](Operation *a, Operation *b) { return order.lookup(a) < order.lookup(b); });
    return result;
  }

  /// Members that other groups compute again for themselves.
  bool isClone(Operation *op) const { return clones.contains(op); }

private:
  void tryTake(Operation *producer) {
    bool vectors = givesVectors(producer);
    if (vectors && !isMap(anchor)) // a reduction's kernel writes no vectors but sums
      return;
    if (members.size() == kMostMembers || members.contains(producer) || domainOf(producer) != domain ||
        (!vectors && (producer->getNumResults() != 1 || shapeOf(producer->getResult(0)) != domain)))
      return;
    // Writes of vectors follow their kernel.
    bool allLater = llvm::all_of(producer->getUsers(), [&](Operation *user) {
      return (members.contains(user) && !clones.contains(user)) || order.lookup(user) > order.lookup(anchor) ||
             (vectors && isa<WriteOp>(user));
    });
    // The first consumer in program order computes the value and, for later ones, keeps it.
    if (allLater) {
      members.insert(producer);
      return;
    }
    if (vectors)
      return;
    size_t extra = recompute ? readsOf(producer) - 1 : 0;
    if (!recompute || extra > 1 || extraReads + extra > kMostExtraReads)
      return;
    // Reading two operands again costs no more than writing and reading the result, but what others read from memory is
    // written anyway, and is still there in the forward pass. Behind it, it need not be.
    if (extra > 0 && isForward && llvm::any_of(producer->getUsers(), readsMemory))
      return;
    extraReads += extra;
    members.insert(producer);
    clones.insert(producer);
  }

  /// True for what reads its operands from memory: library calls, opaque ops, views, and groups, which are formed.
  static bool readsMemory(Operation *user) { return !isMap(user) && !isReduce(user); }

  static size_t readsOf(Operation *producer) {
    llvm::SmallPtrSet<Value, 4> operands;
    collectFullOperands(producer, operands);
    return std::max<size_t>(operands.size(), 1);
  }

  Operation *anchor;
  const DenseMap<Operation *, unsigned> &order;
  bool recompute;
  bool isForward; ///< in inference, or before the loss
  ArrayRef<int64_t> domain;
  llvm::SetVector<Operation *> members;
  DenseSet<Operation *> clones;
  size_t extraReads = 0; ///< of the clones, for the values that they replace
};

/// Replaces `members` (program order) by one group, in the place of `anchor`, that yields what others use. Later groups
/// stand in the order as their anchors did.
void buildGroup(GroupKind kind, Operation *anchor, ArrayRef<Operation *> members, const DenseSet<Operation *> &clones,
                DenseMap<Operation *, unsigned> &order) {
  unsigned position = order.lookup(anchor);
  DenseSet<Operation *> inside(members.begin(), members.end());
  llvm::SetVector<Value> inputs;
  SmallVector<Value> outputs;
  for (Operation *op : members) {
    for (Value operand : op->getOperands())
      if (!inside.contains(operand.getDefiningOp()))
        inputs.insert(operand);
    if (clones.contains(op))
      continue;
    // A library, and a kernel of an op's own, write all results, whether they are used or not.
    bool givesAll = !isMap(op) && !isReduce(op);
    for (Value result : op->getResults())
      if (givesAll || llvm::any_of(result.getUsers(),
                                   [&](Operation *user) { return !inside.contains(user) || clones.contains(user); }))
        outputs.push_back(result);
  }
  OpBuilder builder(anchor);
  auto group = GroupOp::create(builder, anchor->getLoc(), ValueRange(outputs).getTypes(), kind, inputs.getArrayRef());
  setPath(group, getPath(anchor));
  Block *body = builder.createBlock(&group.getBody());
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body->addArgument(input.getType(), input.getLoc()));
  for (Operation *op : members)
    builder.clone(*op, mapping);
  SmallVector<Value> yielded = llvm::map_to_vector(outputs, [&](Value value) { return mapping.lookup(value); });
  YieldOp::create(builder, anchor->getLoc(), yielded);
  for (auto [old, result] : llvm::zip(outputs, group.getOutputs()))
    old.replaceUsesWithIf(
        result, [&](OpOperand &use) { return !inside.contains(use.getOwner()) || clones.contains(use.getOwner()); });
  for (Operation *op : llvm::reverse(members))
    if (!clones.contains(op))
      op->erase();
  // A variable's new value may be written at any time after its reads.
  for (Value output : group.getOutputs())
    for (Operation *user : llvm::make_early_inc_range(output.getUsers()))
      if (isa<WriteOp>(user) && order.lookup(user) < position)
        user->moveAfter(group);
  order[group] = position;
}

struct FormGroupsPass : impl::FormGroupsPassBase<FormGroupsPass> {
  using Base::Base;

  void runOnOperation() override {
    Block &body = getOperation().getBody().front();
    DenseMap<Operation *, unsigned> order;
    SmallVector<Operation *> ops;
    unsigned forward = isEntry(getOperation(), EntryPoint::Infer) ? UINT_MAX : 0; // ops of the forward pass
    // The first loss ends it, also where there are several: Differentiate puts all of them behind the forward pass.
    for (Operation &op : body) {
      if (forward == 0 && isa<LossOpInterface>(op))
        forward = ops.size();
      order[&op] = ops.size();
      ops.push_back(&op);
    }
    DenseSet<Operation *> gone;
    DenseMap<Operation *, SmallVector<Operation *>> epilogues; ///< of reductions, last first
    for (Operation *op : llvm::reverse(ops)) {
      if (gone.contains(op))
        continue;
      if (op->hasTrait<OpTrait::Library>() || op->hasTrait<OpTrait::Opaque>()) {
        gone.insert(op);
        buildGroup(op->hasTrait<OpTrait::Library>() ? GroupKind::Library : GroupKind::Kernel, op, {op}, {}, order);
        continue;
      }
      if (!isMap(op) && !isReduce(op))
        continue;
      if (isOpTriviallyDead(op)) { // such as the gradient of an image that is normalised
        op->erase();
        continue;
      }
      if (Operation *reduction = fuse ? reductionBefore(op, order) : nullptr) {
        epilogues[reduction].push_back(op);
        gone.insert(op);
        continue;
      }
      Grouping grouping(op, order, recompute, /*isForward=*/order.lookup(op) < forward);
      if (fuse)
        grouping.grow(gone);
      SmallVector<Operation *> members = grouping.sorted();
      DenseSet<Operation *> clones;
      for (Operation *member : members)
        if (grouping.isClone(member))
          clones.insert(member);
        else
          gone.insert(member);
      llvm::append_range(members, llvm::reverse(epilogues[op]));
      buildGroup(GroupKind::Kernel, op, members, clones, order);
    }
  }
};

} // namespace
} // namespace incept
