// SPDX-License-Identifier: Apache-2.0
//
// Gives every tensor a physical layout and every library group its plan. Activations are NHWC; a convolution's weights
// are kept in the format its forward primitive wants, and so are their gradient and optimizer slots; where another
// primitive has no fast implementation for that format, or one that is much faster on activations in blocks of
// channels, reorder groups are inserted.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Layouts.h"
#include "passes/MemoryType.h"
#include "passes/Passes.h"
#include "passes/Placement.h"
#include "passes/Target.h"
#include "passes/TileGroups.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_ASSIGNLAYOUTSPASS
#include "passes/Passes.h.inc"

namespace {

class LayoutAssigner {
public:
  LayoutAssigner(ModuleOp module, const Target &target)
      : module(module), target(target), symbols(module), context(module.getContext()) {}

  LogicalResult run() {
    SmallVector<Operation *> calls;
    module.walk([&](GroupOp group) {
      if (group.isLibrary())
        calls.push_back(group.getFirstOp());
    });
    target.prepare(calls);
    // Forward convolutions decide the formats of the variables they read; infer decides for folded weights.
    for (func::FuncOp function : functionsInOrder())
      if (failed(chooseWeightFormats(function)))
        return failure();
    shareFormats();
    for (func::FuncOp function : functionsInOrder())
      if (failed(planFunction(function)))
        return failure();
    for (VariableOp variable : module.getOps<VariableOp>())
      variable.setType(withLayout(cast<RankedTensorType>(variable.getType()), variableLayout(variable)));
    return success();
  }

private:
  /// Training first: its convolutions decide where training and inference read the same weights. Inference last: it
  /// adds to what is prepared for it.
  SmallVector<func::FuncOp> functionsInOrder() {
    SmallVector<func::FuncOp> functions(module.getOps<func::FuncOp>());
    llvm::stable_sort(functions, [](func::FuncOp a, func::FuncOp b) {
      auto rank = [](func::FuncOp function) {
        return isEntry(function, EntryPoint::ForwardBackward) ? 0 : isEntry(function, EntryPoint::Infer) ? 2 : 1;
      };
      return rank(a) < rank(b);
    });
    return functions;
  }

  static ChannelSlice sliceOf(Value value) { return {layoutOf(value).getStride(), layoutOf(value).getOffset()}; }

  /// Begins an error about what the user wrote, not about the op that it has become.
  static InFlightDiagnostic refuse(GroupOp group) {
    StringRef path = getPath(group);
    return group.emitError() << "'" << (path.empty() ? group.getFirstOp()->getName().getStringRef() : path) << "' ";
  }

  LogicalResult chooseWeightFormats(func::FuncOp function) {
    for (GroupOp group : function.getOps<GroupOp>()) {
      auto op = dyn_cast<WeightsOpInterface>(group.getFirstOp());
      if (!group.isLibrary() || !op || !op.decidesWeightsFormat())
        continue;
      SmallVector<ReadOp> reads = readsOf(outerValue(group, op.getWeightsOperand()->get()));
      if (reads.empty() || llvm::any_of(reads, [&](ReadOp read) { return formats.contains(read.getVariable()); }))
        continue;
      std::string why;
      auto plan = target.plan(op, "any", why);
      if (failed(plan))
        return refuse(group) << "has no implementation on this target: " << why;
      if (reads.size() == 1)
        formats[reads.front().getVariable()] = plan->weightsFormat;
      else
        chooseJoinedFormat(reads, plan->weightsFormat);
    }
    return success();
  }

  /// The variables that a convolution's weights are: one, or several that are joined; none for a computed value.
  static SmallVector<ReadOp> readsOf(Value weights) {
    SmallVector<ReadOp> reads;
    if (auto join = weights.getDefiningOp<JoinRowsOp>())
      for (Value src : join.getSrcs())
        reads.push_back(src.getDefiningOp<ReadOp>());
    else if (auto read = weights.getDefiningOp<ReadOp>())
      reads.push_back(read);
    return reads;
  }

  /// Joined weights have the format that the convolution wants, if their parts can be told apart in it, else they are
  /// dense.
  void chooseJoinedFormat(ArrayRef<ReadOp> reads, StringRef whole) {
    SmallVector<std::string> parts;
    for (ReadOp read : reads) {
      ArrayRef<int64_t> shape = shapeOf(read.getValue());
      auto part = target.rowsFormat(whole, shape[0]);
      // Offsets of rows are counted in elements: a format that pads would shift them.
      Type element = getElementTypeOrSelf(read.getValue().getType());
      auto bytes = succeeded(part) ? target.formatBytes(shape, element, *part) : FailureOr<int64_t>(failure());
      if (failed(bytes) || *bytes != *countElements(shape) * elementBytes(element))
        break;
      parts.push_back(*part);
    }
    bool apart = parts.size() == reads.size();
    for (auto [index, constRead] : llvm::enumerate(reads)) {
      ReadOp read = constRead;
      formats[read.getVariable()] = apart ? parts[index] : std::string();
      joinedFormats[read.getVariable()] = apart ? whole.str() : std::string();
    }
  }

  /// A parameter has the format of its copy in low precision; gradient, slots and what inference casts have that of the
  /// parameter. Where nothing is trained, it has that of what inference makes of it.
  void shareFormats() {
    module.walk([&](WriteOp write) {
      Value source = write.getValue(); // scaled, rounded
      for (GroupOp group; (group = source.getDefiningOp<GroupOp>()) && isa<CastOp, ReorderOp>(group.getFirstOp()) &&
                          group.getYield().getValues().front() == group.getFirstOp()->getResult(0);)
        source = outerValue(group, group.getFirstOp()->getOperand(0));
      auto read = source.getDefiningOp<ReadOp>();
      if (read && formats.contains(write.getVariable()))
        formats.try_emplace(read.getVariable(), std::string(formats.lookup(write.getVariable())));
    });
    SmallVector<VariableOp> owned;
    llvm::copy_if(module.getOps<VariableOp>(), std::back_inserter(owned),
                  [](VariableOp variable) { return variable.getOwner().has_value(); });
    for (VariableOp variable : owned)
      if (variable.getKind() == VariableKind::Copy) {
        formats[*variable.getOwner()] = formats.lookup(variable.getSymName());
        joinedFormats[*variable.getOwner()] = joinedFormats.lookup(variable.getSymName());
      }
    for (VariableOp variable : owned)
      if (variable.getKind() == VariableKind::Derived) {
        formats.try_emplace(*variable.getOwner(), formats.lookup(variable.getSymName())); // where nothing is trained
        formats[variable.getSymName()] = formats.lookup(*variable.getOwner());
      }
    for (VariableOp variable : owned)
      if (variable.getKind() == VariableKind::Gradient || variable.getKind() == VariableKind::Slot)
        if (auto found = formats.find(*variable.getOwner()); found != formats.end())
          formats[variable.getSymName()] = std::string(found->second);
  }

  LayoutAttr layout(StringRef format) {
    return LayoutAttr::get(context, format.empty() ? StringRef(kDenseFormat) : format);
  }

  LayoutAttr variableLayout(VariableOp variable) {
    if (auto found = formats.find(variable.getSymName()); found != formats.end())
      return layout(found->second);
    return layout(variable.hasIoRole("f32_input") ? kNhwcFormat : kDenseFormat);
  }

  LayoutAttr variableLayout(StringRef name) { return variableLayout(symbols.lookup<VariableOp>(name)); }

  static Value outerValue(GroupOp group, Value argument) {
    return group.getInputs()[cast<BlockArgument>(argument).getArgNumber()];
  }

  LogicalResult planFunction(func::FuncOp function) {
    for (Operation &op : llvm::make_early_inc_range(function.getBody().front())) {
      if (auto read = dyn_cast<ReadOp>(op)) {
        setLayout(read.getValue(), variableLayout(read.getVariable()));
      } else if (auto group = dyn_cast<GroupOp>(op)) {
        bool isLoss = isa<LossOpInterface>(group.getFirstOp()); // the group may be replaced
        if (failed(group.isLibrary() ? planLibrary(group) : layOutKernel(group)))
          return failure();
        // What the backward pass needs in blocks is reordered anew: a copy kept from the forward pass costs memory.
        if (isLoss)
          blocked.clear();
      } else if (auto join = dyn_cast<JoinRowsOp>(op)) {
        setLayout(join.getDst(), layout(joinedFormats.lookup(readsOf(join.getDst()).front().getVariable())));
      } else if (auto rows = dyn_cast<SliceRowsOp>(op)) {
        auto part = target.rowsFormat(libraryFormat(layoutOf(rows.getSrc())), shapeOf(rows.getDst())[0]);
        setLayout(rows.getDst(), layout(succeeded(part) ? StringRef(*part) : StringRef()));
      } else if (op.hasTrait<OpTrait::View>() || isa<StepValueOp>(op)) {
        for (Value result : op.getResults())
          setActivationLayout(result);
      }
    }
    SmallVector<GroupOp> groups(function.getOps<GroupOp>());
    for (GroupOp group : llvm::reverse(groups))
      if (group.isLibrary() && isa<ReorderOp>(group.getFirstOp()) && group.use_empty())
        group.erase();
    blocked.clear();
    return success();
  }

  static void setLayout(Value value, LayoutAttr layout) {
    value.setType(withLayout(cast<RankedTensorType>(value.getType()), layout));
  }

  /// NHWC, as a slice where the value lies in a wider one; lower ranks are dense.
  void setActivationLayout(Value value) {
    if (shapeOf(value).size() != 4)
      return setLayout(value, layout(kDenseFormat));
    Placement placement = placementOf(value);
    ArrayRef<int64_t> root = shapeOf(placement.root);
    if (root.size() != 4 || root[1] == shapeOf(value)[1])
      return setLayout(value, layout(kNhwcFormat));
    setLayout(value, LayoutAttr::get(context, kNhwcFormat, root[1], placement.channelOffset));
  }

  /// Gives the arguments and ops in the group the layouts of the values outside.
  static void mirrorInside(GroupOp group) {
    Block &body = group.getBody().front();
    for (auto [argument, input] : llvm::zip(body.getArguments(), group.getInputs()))
      argument.setType(input.getType());
    for (auto [value, output] : llvm::zip(group.getYield().getValues(), group.getOutputs()))
      value.setType(output.getType());
  }

  /// What is computed of weights element by element keeps their layout; everything else is an activation or a vector.
  LogicalResult layOutKernel(GroupOp group) {
    DenseMap<Value, LayoutAttr> weights; // in the group
    for (auto [argument, input] : llvm::zip(group.getBody().getArguments(), group.getInputs()))
      if (layoutOf(input).getFormat() != kNhwcFormat && shapeOf(input).size() == 4)
        weights[argument] = layoutOf(input);
    for (Operation &op : group.getBody().front().without_terminator())
      for (OpResult result : op.getResults())
        if (OpOperand *source = layoutSource(result); source && weights.contains(source->get()))
          weights[result] = weights.lookup(source->get());
    for (auto [value, output] : llvm::zip(group.getYield().getValues(), group.getOutputs())) {
      if (LayoutAttr layout = weights.lookup(value); layout && placementOf(output).root == output)
        setLayout(output, layout);
      else
        setActivationLayout(output);
    }
    mirrorInside(group);
    return success();
  }

  LogicalResult planLibrary(GroupOp group) {
    Operation *op = group.getFirstOp();
    for (Value input : group.getInputs())
      if (layoutOf(input) && layoutOf(input).isSlice() && !target.acceptsSlice(op, input, sliceOf(input)))
        return group.emitOpError() << "reads a channel slice, which its library cannot: expected a copy before it";
    if (isa<ReorderOp>(op))
      return planExistingReorder(group, cast<ReorderOp>(op));
    if (auto weights = dyn_cast<WeightsOpInterface>(op)) {
      if (OpOperand *operand = weights.getWeightsOperand())
        return planWithWeights(group, operand->get());
      return planWeightGradient(group);
    }
    return finish(group, target.plan(op, "", why));
  }

  /// A library op that reads weights: in the format they have, or reordered first.
  LogicalResult planWithWeights(GroupOp group, Value weights) {
    unsigned index = cast<BlockArgument>(weights).getArgNumber();
    Value outer = group.getInputs()[index];
    Operation *op = group.getFirstOp();
    auto plan = target.plan(op, libraryFormat(layoutOf(outer)), why);
    if (failed(plan) || plan->reference)
      plan = target.plan(op, "any", why);
    if (succeeded(plan) && plan->weightsFormat != libraryFormat(layoutOf(outer))) {
      OpBuilder builder(group);
      auto reordered = insertReorder(builder, group, outer, layout(plan->weightsFormat));
      if (failed(reordered))
        return failure();
      group.getInputsMutable()[index].set(*reordered);
    }
    if (succeeded(plan) && tilesOf(*plan)) {
      setActivationLayout(group.getOutputs().front());
      convolveByTiles(group, *plan, group.getInputs()[index], symbols);
      return success();
    }
    return finish(group, plan);
  }

  /// The gradient of weights: in the format of the gradient variable, or reordered afterwards.
  LogicalResult planWeightGradient(GroupOp group) {
    Operation *op = group.getFirstOp();
    Value output = group.getOutputs().front();
    LayoutAttr wanted = wantedByUsers(output);
    auto plan = target.plan(op, libraryFormat(wanted), why);
    if (failed(plan) || plan->reference)
      plan = target.plan(op, "any", why);
    if (succeeded(plan))
      setLayout(output, layout(plan->weightsFormat));
    if (succeeded(plan) && tilesOf(*plan)) {
      group = correlateByTiles(group, *plan);
      output = group.getOutputs().front();
    } else if (failed(finish(group, plan))) {
      return failure();
    }
    if (layoutOf(output) == wanted)
      return success();
    OpBuilder builder(group);
    builder.setInsertionPointAfter(group);
    auto reordered = insertReorder(builder, group, output, wanted);
    if (failed(reordered))
      return failure();
    output.replaceAllUsesExcept(*reordered, reordered->getDefiningOp());
    return success();
  }

  /// The layout of the variable that a gradient is written to, or of the weights that it updates.
  LayoutAttr wantedByUsers(Value gradient) {
    for (Operation *user : gradient.getUsers())
      if (auto rows = dyn_cast<SliceRowsOp>(user))
        if (VariableOp variable = variableFor(rows.getDst()))
          return layout(joinedFormats.lookup(variable.getOwner().value_or(variable.getSymName())));
    VariableOp variable = variableFor(gradient);
    return variable ? variableLayout(variable) : layout(kDenseFormat);
  }

  /// The variable that a value is written to, at once or by kernels that compute element by element with it, or the
  /// parameter that is updated with it; null for other uses.
  VariableOp variableFor(Value value) {
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (auto write = dyn_cast<WriteOp>(user))
        return symbols.lookup<VariableOp>(write.getVariable());
      if (auto update = dyn_cast<UpdateOpInterface>(user); update && &use == &update.getGradientOperand()) {
        auto group = cast<GroupOp>(user->getParentOp());
        if (auto read = outerValue(group, update.getParameter()).getDefiningOp<ReadOp>())
          return symbols.lookup<VariableOp>(read.getVariable());
      }
      if (auto group = dyn_cast<GroupOp>(user); group && !group.isLibrary())
        if (VariableOp found = variableFor(group.getBody().getArgument(use.getOperandNumber())))
          return found;
      if (auto yield = dyn_cast<YieldOp>(user))
        if (VariableOp found = variableFor(yield->getParentOp()->getResult(use.getOperandNumber())))
          return found;
      for (OpResult result : user->getResults())
        if (layoutSource(result) == &use)
          if (VariableOp found = variableFor(result))
            return found;
    }
    return {};
  }

  LogicalResult planExistingReorder(GroupOp group, ReorderOp reorder) {
    Value output = group.getOutputs().front();
    VariableOp variable = variableFor(output);
    LayoutAttr to = variable ? variableLayout(variable) : layout(kDenseFormat);
    setLayout(output, to);
    LayoutAttr from = layoutOf(group.getInputs()[cast<BlockArgument>(reorder.getSrc()).getArgNumber()]);
    return finish(group, target.planReorder(shapeOf(output), getElementTypeOrSelf(output.getType()),
                                            libraryFormat(from), libraryFormat(to), bool(reorder.getScales()), why));
  }

  FailureOr<Value> insertReorder(OpBuilder &builder, GroupOp near, Value value, LayoutAttr to) {
    auto type = withLayout(cast<RankedTensorType>(value.getType()), to);
    auto group = GroupOp::create(builder, near.getLoc(), TypeRange(type), GroupKind::Library, ValueRange(value));
    setPath(group, getPath(near));
    OpBuilder::InsertionGuard guard(builder);
    Block *body = builder.createBlock(&group.getBody());
    Value argument = body->addArgument(value.getType(), near.getLoc());
    auto reorder = ReorderOp::create(builder, near.getLoc(), type, argument, Value());
    setPath(reorder, getPath(near));
    YieldOp::create(builder, near.getLoc(), ValueRange(reorder.getDst()));
    auto plan = target.planReorder(shapeOf(value), type.getElementType(), libraryFormat(layoutOf(value)),
                                   libraryFormat(to), false, why);
    if (failed(finish(group, plan)))
      return failure();
    return group.getOutputs().front();
  }

  /// Names the plan of a group, shared with other groups of the same problem, and lays out what is left.
  LogicalResult finish(GroupOp group, const FailureOr<LibraryPlan> &plan) {
    if (failed(plan))
      return refuse(group) << "has no implementation on this target: " << why;
    if (plan->reference)
      return refuse(group) << "has only a reference implementation (" << plan->impl
                           << "), which is about 200 times too slow";
    for (Value output : group.getOutputs())
      if (!layoutOf(output))
        setActivationLayout(output);
    if (!plan->activations.empty() && failed(reorderActivations(group, layout(plan->activations))))
      return failure();
    for (Value output : group.getOutputs())
      if (layoutOf(output).isSlice() && !target.acceptsSlice(group.getFirstOp(), output, sliceOf(output)))
        return group.emitOpError() << "writes a channel slice, which its library cannot: expected a copy after it";
    noteCandidates(group, *plan);
    if (plan->generated) {
      group.setKind(GroupKind::Kernel);
    } else {
      auto signature = librarySignature(group, plan->swapOperands, target);
      if (failed(signature))
        return refuse(group) << "has a tensor of unknown size";
      group.setPlanAttr(FlatSymbolRefAttr::get(context, planSymbol(*plan, *signature)));
      group.setScratchpad(plan->scratchpadBytes);
    }
    mirrorInside(group);
    return success();
  }

  /// Gives the library call its activations in the format that it wants, and everyone else its result in NHWC.
  LogicalResult reorderActivations(GroupOp group, LayoutAttr wanted) {
    OpBuilder before(group);
    for (OpOperand &operand : group.getInputsMutable()) {
      Value value = operand.get();
      if (layoutOf(value).getFormat() != kNhwcFormat)
        continue;
      Value &copy = blocked[{value, wanted}];
      if (!copy) {
        auto reordered = insertReorder(before, group, value, wanted);
        if (failed(reordered))
          return failure();
        copy = *reordered;
      }
      operand.set(copy);
    }
    for (Value output : group.getOutputs()) {
      if (layoutOf(output).getFormat() != kNhwcFormat)
        continue;
      LayoutAttr others = layoutOf(output);
      setLayout(output, wanted);
      OpBuilder after(group);
      after.setInsertionPointAfter(group);
      auto reordered = insertReorder(after, group, output, others);
      if (failed(reordered))
        return failure();
      output.replaceAllUsesExcept(*reordered, reordered->getDefiningOp());
      blocked[{*reordered, wanted}] = output;
    }
    return success();
  }

  StringRef planSymbol(const LibraryPlan &plan, FunctionType signature) {
    Builder builder(context);
    NamedAttrList config;
    for (const auto &[key, value] : plan.config)
      if (key != kCandidates)
        config.set(key, builder.getStringAttr(value));
    config.set("impl", builder.getStringAttr(plan.impl));
    config.set("weights_bytes", builder.getI64IntegerAttr(plan.weightsBytes));
    config.set("scratchpad_bytes", builder.getI64IntegerAttr(plan.scratchpadBytes));
    if (plan.tensorCore)
      config.set("tensor_core", builder.getBoolAttr(true));
    auto dictionary = config.getDictionary(context);
    auto &symbol = plans[{PlanKindAttr::get(context, plan.kind), dictionary, signature, unsigned(plan.swapOperands)}];
    if (!symbol) {
      symbol = StringAttr::get(context, "plan_" + std::to_string(plans.size() - 1));
      OpBuilder at = OpBuilder::atBlockBegin(module.getBody());
      if (lastPlan)
        at.setInsertionPointAfter(lastPlan);
      lastPlan = exec::PlanOp::create(at, module.getLoc(), symbol.getValue(), plan.kind, dictionary, signature,
                                      plan.swapOperands);
    }
    return symbol.getValue();
  }

  ModuleOp module;
  const Target &target;
  SymbolTable symbols;
  MLIRContext *context;
  std::string why;
  llvm::StringMap<std::string> formats;                  ///< variable name -> physical format of its weights
  llvm::StringMap<std::string> joinedFormats;            ///< variable name -> format of the join_rows it is part of
  DenseMap<std::pair<Value, LayoutAttr>, Value> blocked; ///< NHWC value, blocks of channels -> the same in those
  DenseMap<std::tuple<PlanKindAttr, DictionaryAttr, FunctionType, unsigned>, StringAttr> plans;
  Operation *lastPlan = nullptr;
};

struct AssignLayoutsPass : impl::AssignLayoutsPassBase<AssignLayoutsPass> {
  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    if (failed(LayoutAssigner(getOperation(), *target).run()))
      signalPassFailure();
  }
};

} // namespace

} // namespace incept
