// SPDX-License-Identifier: Apache-2.0
//
// Lets normalised activations go after the forward pass and computes them again where the backward pass needs them,
// from values that are kept anyway (the convolution's result that batch norm's gradient reads).

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_RECOMPUTEACTIVATIONSPASS
#include "passes/Passes.h.inc"

namespace {

/// An activation computed again may read at most this many elements per element of its own: more would cost more time
/// than keeping it.
constexpr int64_t kMostReads = 2;
/// So it is with what is computed for it: at most this many elements per element of its own. An activation too far from
/// what is kept stays, and those behind it stand on it: a chain of any length is cut into short ones.
constexpr int64_t kMostWork = 4;
/// At most this many ops. It bounds the time of this pass where a description makes very many small ones; the branches
/// of an Inception block have about 15.
constexpr size_t kMostOps = 64;

int64_t elementsOf(Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); }

int64_t bytesOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getNumElements() * int64_t(llvm::divideCeil(tensor.getElementTypeBitWidth(), 8)) : 0;
}
int64_t bytesOf(Value value) { return bytesOf(value.getType()); }

/// Vectors and scalars cost next to nothing to keep.
bool isSmall(Value value) { return shapeOf(value).size() <= 1; }

bool fuses(Operation *op) { return op->hasTrait<OpTrait::Map>() || op->hasTrait<OpTrait::Reduce>(); }

class Recomputer {
public:
  explicit Recomputer(func::FuncOp function) : function(function), body(function.getBody().front()) {}

  void run(int64_t budget) {
    for (Operation &op : body)
      if (isa<LossOpInterface>(op))
        loss = loss ? loss : &op;
    if (!loss)
      return; // nothing is kept for a backward pass
    SmallVector<Value> candidates;
    for (Operation &op : body) {
      if (&op == loss)
        break;
      for (Value result : op.getResults()) {
        if (!isUsedLate(result))
          continue;
        late.insert(result);
        if (!isa<ReadOp>(op) && !isSmall(result))
          candidates.push_back(result);
      }
    }
    SmallVector<Value> chosen;
    for (Value value : candidates) // in program order: what a value stands on is decided before it
      if (choose(value))
        chosen.push_back(value);
    keepWhatFits(chosen, budget);
    // From the last one on: a concat takes its own copies of its parts before the parts look for their users.
    for (Value value : llvm::reverse(chosen))
      rebuild(value);
  }

private:
  /// Of what library calls share, keeps all but the largest, as much as fits into the budget.
  void keepWhatFits(ArrayRef<Value> chosen, int64_t budget) {
    SmallVector<Value> shared;
    for (Value value : chosen)
      if (llvm::any_of(value.getUses(), [&](OpOperand &use) { return isLate(use.getOwner()) && !takesIn(use); }))
        shared.push_back(value);
    llvm::stable_sort(shared, [](Value a, Value b) { return bytesOf(a) > bytesOf(b); });
    int64_t excess = budget > 0 ? variableBytes() + mostAlive() - budget : INT64_MAX;
    for (Value value : shared) {
      if (excess <= 0)
        kept.insert(value);
      else
        excess -= bytesOf(value);
    }
  }

  int64_t variableBytes() const {
    int64_t bytes = 0;
    for (auto variable : function->getParentOfType<ModuleOp>().getOps<VariableOp>())
      bytes += bytesOf(variable.getType());
    return bytes;
  }

  /// Bytes of the most values that are alive at once when activations are kept for library calls. A concat's are those
  /// of its parts.
  int64_t mostAlive() const {
    // Backwards, so that a concat's last reader is known when its parts ask for it.
    DenseMap<Value, Operation *> lastReaders;
    DenseMap<Operation *, int64_t> ends; // bytes that go behind an op
    for (Operation &op : llvm::reverse(body))
      for (Value result : op.getResults()) {
        Operation *last = &op;
        for (OpOperand &use : result.getUses()) {
          auto concat = dyn_cast<ConcatOp>(use.getOwner());
          Operation *reader = concat ? lastReaders.lookup(concat.getResult()) : use.getOwner();
          if (last->isBeforeInBlock(reader) && !(isLate(reader) && takesIn(use)))
            last = reader;
        }
        lastReaders[result] = last;
        if (hasMemory(op))
          ends[last] += bytesOf(result);
      }
    int64_t alive = 0, most = 0;
    for (Operation &op : body) {
      if (hasMemory(op))
        for (Value result : op.getResults())
          alive += bytesOf(result);
      most = std::max(most, alive);
      alive -= ends.lookup(&op);
    }
    return most;
  }
  /// False where results lie in a variable or in operands.
  static bool hasMemory(Operation &op) { return !isa<ReadOp, ConcatOp>(op); }

  bool isLate(Operation *op) const { return loss->isBeforeInBlock(op); }
  bool isUsedLate(Value value) const {
    return llvm::any_of(value.getUsers(), [&](Operation *user) { return isLate(user); });
  }

  /// What it takes to compute a value again.
  struct Recipe {
    llvm::SmallSetVector<Value, 8> leaves; ///< the kept values it begins with
    llvm::SmallDenseSet<Operation *> ops;  ///< computed anew
    int64_t work = 0;                      ///< their elements
  };

  /// Decides whether `value` is computed again. It stays where it cannot be, or would take too much.
  bool choose(Value value) {
    Recipe recipe;
    if (!collect(value, kMostWork * elementsOf(value), recipe))
      return false;
    int64_t reads = 0;
    for (Value leaf : recipe.leaves)
      reads += elementsOf(leaf);
    if (reads > kMostReads * elementsOf(value))
      return false;
    rebuilt.insert({value, reads <= elementsOf(value)});
    return true;
  }

  /// True for a value that is there in the backward pass anyway.
  bool stays(Value value) const {
    return isSmall(value) || kept.contains(value) || (late.contains(value) && !rebuilt.count(value));
  }

  /// True where a late use gets a copy of its own: a kernel that takes the computation in and reads no more for it.
  bool takesIn(OpOperand &use) const {
    return rebuilt.lookup(use.get()) && fuses(use.getOwner()) && !isa<ConcatOp>(use.getOwner());
  }

  /// Adds to `recipe` what `value` takes; false if it cannot be computed again, or not with `mostWork`.
  bool collect(Value value, int64_t mostWork, Recipe &recipe) const {
    Operation *op = value.getDefiningOp();
    if (!op || op->getNumResults() != 1 || !(op->hasTrait<OpTrait::Map>() || isa<ConcatOp>(op)))
      return false;
    if (!recipe.ops.insert(op).second)
      return true; // several consumers share it
    recipe.work += elementsOf(value);
    if (recipe.work > mostWork || recipe.ops.size() > kMostOps)
      return false;
    for (Value operand : op->getOperands()) {
      if (isSmall(operand))
        continue;
      if (stays(operand))
        recipe.leaves.insert(operand);
      else if (!collect(operand, mostWork, recipe))
        return false;
    }
    return true;
  }

  /// Gives the late users of `value` copies of it. A kernel that can take the computation in gets one of its own, if
  /// that reads no more than the value itself; the others share one, made just before the first of them.
  void rebuild(Value value) {
    SmallVector<OpOperand *> shared;
    for (OpOperand &use : llvm::make_early_inc_range(value.getUses())) {
      if (!isLate(use.getOwner()))
        continue;
      if (takesIn(use))
        use.set(cloneBefore(use.getOwner(), value));
      else
        shared.push_back(&use);
    }
    if (shared.empty() || kept.contains(value))
      return;
    Operation *first = shared.front()->getOwner();
    for (OpOperand *use : shared)
      if (use->getOwner()->isBeforeInBlock(first))
        first = use->getOwner();
    Value copy = cloneBefore(first, value);
    for (OpOperand *use : shared)
      use->set(copy);
  }

  /// The ops from the kept values to `value` once more, before `user`.
  Value cloneBefore(Operation *user, Value value) {
    IRMapping mapping;
    OpBuilder builder(user);
    return clone(builder, value, mapping);
  }

  Value clone(OpBuilder &builder, Value value, IRMapping &mapping) {
    if (Value done = mapping.lookupOrNull(value))
      return done;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      mapping.map(operand, stays(operand) ? operand : clone(builder, operand, mapping));
    return builder.clone(*op, mapping)->getResult(0);
  }

  func::FuncOp function;
  Block &body;
  Operation *loss = nullptr;
  DenseSet<Value> late;          ///< values of the forward pass that are used after the loss
  DenseMap<Value, bool> rebuilt; ///< whether computing it again reads no more than it would
  DenseSet<Value> kept;          ///< of these, what library calls read as it was
};

struct RecomputeActivationsPass : impl::RecomputeActivationsPassBase<RecomputeActivationsPass> {
  using Base::Base;
  void runOnOperation() override { Recomputer(getOperation()).run(memoryBudget); }
};

} // namespace
} // namespace incept
