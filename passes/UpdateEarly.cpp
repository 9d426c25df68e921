// SPDX-License-Identifier: Apache-2.0
//
// Updates weights as soon as their gradient is there, so that gradients need no memory of their own.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_UPDATEEARLYPASS
#include "passes/Passes.h.inc"

namespace {

class EarlyUpdater {
public:
  EarlyUpdater(ModuleOp module, func::FuncOp training, func::FuncOp update)
      : symbols(module), training(training), update(update) {}

  void run() {
    for (WriteOp write : training.getOps<WriteOp>())
      writes[write.getVariable()] = write;
    for (ReadOp read : training.getOps<ReadOp>())
      reads[read.getVariable()].push_back(read);
    for (UpdateOpInterface op : llvm::to_vector(update.getOps<UpdateOpInterface>()))
      if (shapeOf(op.getParameter()).size() > 1) // vectors: one launch updates all of them
        move(op);
  }

private:
  /// Moves an update, with its reads and writes, behind the gradient and the last use of the old value.
  void move(UpdateOpInterface op) {
    auto gradient = op.getGradient().getDefiningOp<ReadOp>();
    bool isLocal = llvm::all_of(
        op->getOperands(), [](Value operand) { return isa_and_nonnull<ReadOp, StepValueOp>(operand.getDefiningOp()); });
    if (!gradient || !isLocal || !gradient->hasOneUse())
      return; // it waits for something that @update computes
    WriteOp write = writes.lookup(gradient.getVariable());
    if (!write || reads.contains(gradient.getVariable()))
      return; // or it is a sum over several runs of the training function
    // The old values that it replaces: of the parameter, and of its copy in low precision.
    Operation *last = write;
    for (Operation *user : op->getUsers())
      if (auto written = dyn_cast<WriteOp>(user))
        for (ReadOp read : reads[written.getVariable()])
          last = lastUse(read, last);
    OpBuilder builder(training.getContext());
    builder.setInsertionPointAfter(last);
    IRMapping mapping;
    mapping.map(gradient.getValue(), write.getValue());
    for (Value operand : op->getOperands())
      if (!mapping.contains(operand))
        mapping.map(operand, bring(builder, operand));
    builder.clone(*op, mapping);
    for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
      if (auto written = dyn_cast<WriteOp>(user)) {
        builder.clone(*written, mapping);
        written->erase();
      }
    readElsewhere(op);
    SmallVector<Value> operands(op->getOperands());
    op->erase();
    for (Value operand : operands)
      if (auto read = operand.getDefiningOp<ReadOp>(); read && read->use_empty())
        read->erase();
    symbols.erase(symbols.lookup(write.getVariable()));
    write->erase();
  }

  /// What else @update computes of the new parameter, as its average, reads it when @update runs.
  void readElsewhere(UpdateOpInterface op) {
    if (op.getNewParameter().use_empty())
      return;
    auto parameter = cast<ReadOp>(op.getParameter().getDefiningOp());
    OpBuilder builder(op);
    Value value = ReadOp::create(builder, op.getLoc(), parameter.getValue().getType(), parameter.getVariable());
    op.getNewParameter().replaceAllUsesWith(value);
  }

  /// The last of `last` and the ops that compute with `op`'s results or views of them.
  static Operation *lastUse(Operation *op, Operation *last) {
    for (Operation *user : op->getUsers()) {
      if (user->hasTrait<OpTrait::View>())
        last = lastUse(user, last);
      else if (last->isBeforeInBlock(user))
        last = user;
    }
    return last;
  }

  /// What `operand` of @update is in the training function: the same read, or the same field of the step region.
  Value bring(OpBuilder &builder, Value operand) {
    auto field = operand.getDefiningOp<StepValueOp>();
    if (!field)
      return builder.clone(*operand.getDefiningOp())->getResult(0);
    Value &value = fields[field.getField()];
    if (!value) {
      OpBuilder start = OpBuilder::atBlockBegin(&training.getBody().front());
      value = start.clone(*field.getOperation())->getResult(0);
    }
    return value;
  }

  SymbolTable symbols;
  func::FuncOp training, update;
  llvm::StringMap<WriteOp> writes;
  llvm::StringMap<SmallVector<ReadOp>> reads;
  llvm::StringMap<Value> fields;
};

struct UpdateEarlyPass : impl::UpdateEarlyPassBase<UpdateEarlyPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp training = findEntry(module, EntryPoint::ForwardBackward);
    func::FuncOp update = findEntry(module, EntryPoint::Update);
    if (training && update && !module->hasAttr("incept.keep_gradients"))
      EarlyUpdater(module, training, update).run();
  }
};

} // namespace
} // namespace incept
