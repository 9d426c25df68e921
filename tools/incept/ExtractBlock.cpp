// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/ExtractBlock.h"
#include "dialect/ExecMemory.h"
#include "dialect/InceptOps.h"
#include "frontend/Diagnostics.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/SetVector.h"

#include <set>

using namespace mlir;

namespace incept {

namespace {

/// What an argument is the result of, in the IR that it was taken from.
constexpr StringLiteral kFromAttr = "incept.from";

class Extractor {
public:
  Extractor(ModuleOp module, StringRef path, std::string &problem) : module(module), path(path), problem(problem) {}

  FailureOr<OwningOpRef<ModuleOp>> run() {
    OwningOpRef<ModuleOp> extracted = ModuleOp::create(module.getLoc());
    for (NamedAttribute attribute : module->getAttrs())
      if (attribute.getName() != "incept.spec_text" && attribute.getName() != "incept.spec_hash")
        (*extracted)->setAttr(attribute.getName(), attribute.getValue());
    SmallVector<func::FuncOp> functions;
    for (func::FuncOp function : module.getOps<func::FuncOp>())
      extractFrom(function.getBody().front(), function, functions);
    if (functions.empty()) {
      complain();
      return failure();
    }
    copySymbols(functions, *extracted);
    for (func::FuncOp function : functions)
      extracted->push_back(function);
    if (failed(verify(*extracted))) {
      problem = ("'" + path + "' cannot be taken out of its network").str();
      return failure();
    }
    return extracted;
  }

private:
  bool matches(StringRef other) const {
    return path == "." || other == path || (other.starts_with(path) && other.drop_front(path.size()).starts_with("."));
  }

  /// Whether the op is the block's, or an op of its group is; a block that holds the one that is meant is not.
  bool matches(Operation *op) const {
    if (path == ".")
      return !op->hasTrait<mlir::OpTrait::IsTerminator>();
    if (matches(getPath(op)))
      return true;
    auto group = dyn_cast<GroupOp>(op);
    return group && llvm::any_of(group.getBody().front(), [&](Operation &inner) { return matches(getPath(&inner)); });
  }

  /// Whether the op writes to a variable what one of `ops` computes.
  static bool writes(Operation *op, const llvm::SetVector<Operation *> &ops) {
    auto write = dyn_cast<WriteOp>(op);
    return write && write.getValue().getDefiningOp() && ops.contains(write.getValue().getDefiningOp());
  }

  /// Ops of `block` that match become a function; blocks of the description in it are looked into.
  void extractFrom(mlir::Block &block, func::FuncOp function, SmallVectorImpl<func::FuncOp> &functions) {
    llvm::SetVector<Operation *> ops;
    for (Operation &op : block)
      if (matches(&op) || writes(&op, ops))
        ops.insert(&op);
      else if (auto inner = dyn_cast<BlockOp>(op))
        extractFrom(inner.getBody().front(), function, functions);
    if (!ops.empty())
      functions.push_back(makeFunction(block, ops, function));
  }

  /// What has no operands and no place in the description is taken along: a read, a slice, a step value.
  static bool isTaken(Value value) {
    Operation *op = value.getDefiningOp();
    return op && op->getNumOperands() == 0 && op->getNumRegions() == 0 && getPath(op).empty();
  }

  /// Whether one of `ops` is among those behind `launch` that run in one with it.
  static bool runsWithLater(exec::KernelOp launch, const llvm::SetVector<Operation *> &ops) {
    return llvm::any_of(ArrayRef(exec::launchOf(launch)).drop_front(),
                        [&](exec::KernelOp later) { return ops.contains(later); });
  }

  func::FuncOp makeFunction(mlir::Block &block, llvm::SetVector<Operation *> &ops, func::FuncOp function) {
    llvm::SetVector<Value> inputs;
    llvm::SetVector<Operation *> taken;
    for (Operation *op : ops)
      for (Value operand : op->getOperands()) // what it holds is isolated
        if (Operation *from = operand.getDefiningOp(); from && ops.contains(from))
          continue;
        else if (isTaken(operand))
          taken.insert(from);
        else
          inputs.insert(operand);
    SmallVector<Value> outputs;
    for (Operation *op : ops)
      for (Value result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !ops.contains(user); }))
          outputs.push_back(result);

    OpBuilder builder(module.getContext());
    SmallVector<Type> inputTypes(ValueRange(inputs.getArrayRef()).getTypes()), outputTypes;
    for (Value output : outputs)
      outputTypes.push_back(output.getType());
    auto made =
        func::FuncOp::create(function.getLoc(), function.getName(), builder.getFunctionType(inputTypes, outputTypes));
    mlir::Block *body = made.addEntryBlock();
    builder.setInsertionPointToStart(body);
    IRMapping mapping;
    for (auto [index, input] : llvm::enumerate(inputs)) {
      mapping.map(input, body->getArgument(index));
      Operation *from = input.getDefiningOp();
      if (from && !getPath(from).empty())
        made.setArgAttr(index, kFromAttr, builder.getStringAttr(getPath(from)));
    }
    // In the order of the IR, each where it was.
    for (Operation &op : block)
      if (ops.contains(&op) || taken.contains(&op)) {
        Operation *copy = builder.clone(op, mapping);
        // One that runs in a launch with another block's is alone here.
        if (auto launch = dyn_cast<exec::KernelOp>(op); launch && !runsWithLater(launch, ops))
          cast<exec::KernelOp>(copy).setWithNext(false);
      }
    SmallVector<Value> results;
    for (Value output : outputs)
      results.push_back(mapping.lookup(output));
    func::ReturnOp::create(builder, function.getLoc(), results);
    return made;
  }

  /// Copies the symbols that the functions name, and those that these name, in the order of the module.
  void copySymbols(ArrayRef<func::FuncOp> functions, ModuleOp to) {
    SymbolTable symbols(module);
    llvm::SetVector<Operation *> wanted;
    auto collect = [&](Operation *root) {
      root->walk([&](Operation *op) {
        op->getAttrDictionary().walk([&](SymbolRefAttr name) {
          if (Operation *symbol = symbols.lookup(name.getRootReference()); symbol && !isa<func::FuncOp>(symbol))
            wanted.insert(symbol);
        });
      });
    };
    for (func::FuncOp function : functions)
      collect(function);
    for (size_t next = 0; next < wanted.size(); ++next)
      collect(wanted[next]);
    for (Operation &op : *module.getBody())
      if (wanted.contains(&op))
        to.push_back(op.clone());
  }

  /// Which paths there are: a near one, or the first parts of all.
  void complain() {
    std::set<std::string> seen;
    std::vector<std::string> all, tops;
    for (func::FuncOp function : module.getOps<func::FuncOp>())
      function.walk<WalkOrder::PreOrder>([&](Operation *op) {
        for (StringRef rest = getPath(op); !rest.empty() && seen.insert(rest.str()).second;
             rest = rest.contains('.') ? rest.rsplit('.').first : StringRef()) {
          all.push_back(rest.str());
          if (!rest.contains('.'))
            tops.push_back(rest.str());
        }
      });
    auto phase = module->getAttrOfType<StringAttr>(InceptDialect::kPhaseAttr);
    problem = ("expected the path of an op or block for --only, but phase '" + (phase ? phase.getValue() : "") +
               "' has no '" + path + "'" + suggestion(path, nearestName(path, all) ? all : tops))
                  .str();
  }

  ModuleOp module;
  StringRef path;
  std::string &problem;
};

} // namespace

FailureOr<OwningOpRef<ModuleOp>> extractBlock(ModuleOp module, StringRef path, std::string &problem) {
  return Extractor(module, path, problem).run();
}

} // namespace incept
