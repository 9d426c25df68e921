// SPDX-License-Identifier: Apache-2.0

#include "passes/KernelBuilder.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/IRMapping.h"
#include "passes/KernelRules.h"
#include "passes/LaunchCost.h"
#include "passes/LaunchShape.h"
#include "passes/Layouts.h"
#include "passes/Placement.h"
#include "passes/Target.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept {

static bool isSlice(Value value) { return layoutOf(value) && layoutOf(value).isSlice(); }

/// Memory elements of a dense value, a library format's padding included.
static int64_t storedElements(Value value, const Target &target) {
  Type element = getElementTypeOrSelf(value.getType());
  auto bytes = target.formatBytes(shapeOf(value), element, libraryFormat(layoutOf(value)));
  return succeeded(bytes) ? *bytes / elementBytes(element) : *countElements(shapeOf(value));
}

static SmallVector<Value> operandsAndResults(GroupOp group) {
  SmallVector<Value> values(group.getInputs());
  llvm::append_range(values, group.getOutputs());
  return values;
}

/// One size, all dense: rows and channels do not matter.
static bool isFlat(GroupOp group) {
  ArrayRef<int64_t> shape;
  for (Value value : operandsAndResults(group)) {
    if (shapeOf(value).empty())
      continue;
    if (isSlice(value) || (!shape.empty() && shapeOf(value) != shape))
      return false;
    shape = shapeOf(value);
  }
  return true;
}

static KernelFamily familyOf(GroupOp group) {
  bool reduces = llvm::any_of(group.getBody().front(), [](Operation &op) { return op.hasTrait<OpTrait::Reduce>(); });
  return reduces ? KernelFamily::Reduce : isFlat(group) ? KernelFamily::Flat : KernelFamily::Map;
}

/// The type in a kernel definition: dimensions unknown, no layout; flat kernels see vectors.
static Type erase(Type type, bool flat) {
  auto tensor = cast<RankedTensorType>(type);
  size_t rank = flat && tensor.getRank() > 0 ? 1 : tensor.getRank();
  return RankedTensorType::get(SmallVector<int64_t>(rank, ShapedType::kDynamic), tensor.getElementType());
}

namespace {

/// A kernel definition under construction, outside any module.
class Definition {
public:
  /// `loc` is the place of the first group that the kernel is made for.
  Definition(Location loc, KernelFamily family) : builder(loc.getContext()), flat(family == KernelFamily::Flat) {
    op = exec::KernelDefOp::create(builder, loc, "kernel", family);
    body = builder.createBlock(&op.getBody());
  }

  void addArgument(Value value) { mapping.map(value, body->addArgument(erase(value.getType(), flat), op.getLoc())); }

  /// An argument of partial sums (P,C) and the op that adds them up, which is called `sum` from here on.
  void addPartialSums(Value sum) { mapping.map(sum, addPartialSums()); }
  Value addPartialSums() {
    constexpr int64_t kDynamic = ShapedType::kDynamic;
    Value partials = body->addArgument(RankedTensorType::get({kDynamic, kDynamic}, builder.getF32Type()), op.getLoc());
    auto vector = RankedTensorType::get({kDynamic}, builder.getF32Type());
    return ChannelSumOp::create(builder, op.getLoc(), vector, partials).getDst();
  }

  Value addMeanLoss(Value sum, Value count) {
    return MeanLossOp::create(builder, op.getLoc(), sum.getType(), sum, count).getMean();
  }

  /// A copy of `original` without what launches pass as extents.
  void addOp(Operation *original) {
    Operation *clone = builder.clone(*original, mapping);
    clone->setLoc(op.getLoc());
    clone->removeAttr(InceptDialect::kPathAttr);
    if (auto counted = dyn_cast<CountedOpInterface>(clone))
      counted.setCount(0);
    if (auto kernel = dyn_cast<KernelOpInterface>(clone))
      kernel.eraseExtents();
    for (Value result : clone->getResults())
      result.setType(erase(result.getType(), flat));
  }

  /// The same with an argument for each operand, also where a value is two of them.
  void addOpaque(Operation *original) {
    for (Value operand : original->getOperands())
      addArgument(operand);
    addOp(original);
    body->back().setOperands(body->getArguments());
  }

  exec::KernelDefOp yield(ValueRange values) {
    YieldOp::create(builder, op.getLoc(),
                    llvm::map_to_vector(values, [&](Value value) { return mapping.lookupOrDefault(value); }));
    return op;
  }

private:
  OpBuilder builder;
  bool flat;
  exec::KernelDefOp op;
  Block *body;
  IRMapping mapping;
};

/// The ops of a group by the launch that computes them, and the sums between the two.
class Stages {
public:
  explicit Stages(GroupOp group) {
    for (Operation &op : group.getBody().front().without_terminator())
      (llvm::any_of(op.getOperands(), [&](Value operand) { return isLate(operand); }) ? second : first).insert(&op);
    for (Operation *op : first)
      if (op->hasTrait<OpTrait::Reduce>())
        llvm::append_range(sums,
                           llvm::make_filter_range(op->getResults(), [](Value result) { return !result.use_empty(); }));
    for (auto [value, output] : llvm::zip(group.getYield().getValues(), group.getOutputs()))
      (isLate(value) ? combined : computed).push_back({value, output});
    for (auto [argument, input] : llvm::zip(group.getBody().getArguments(), group.getInputs())) {
      auto isIn = [](const Ops &ops) { return [&ops](Operation *user) { return ops.contains(user); }; };
      bool isForSecond = llvm::any_of(argument.getUsers(), isIn(second));
      if (isForSecond)
        secondInputs.push_back({argument, input});
      if (!isForSecond || llvm::any_of(argument.getUsers(), isIn(first)))
        firstInputs.push_back({argument, input});
    }
  }

  /// True where one kernel can do both: it knows the number of rows, and no other count.
  bool canJoin() const {
    return !sums.empty() && llvm::all_of(second, [&](Operation *op) {
      auto counted = dyn_cast<CountedOpInterface>(op);
      return !counted || llvm::all_of(sums, [&](Value sum) {
        return int64_t(counted.getCount()) == rowsOf(shapeOf(sum.getDefiningOp()->getOperand(0)));
      });
    });
  }

  using Ops = llvm::SetVector<Operation *>;
  using Pairs = SmallVector<std::pair<Value, Value>>; ///< values inside and outside the group
  Ops first, second;                                  ///< in program order
  Pairs firstInputs, secondInputs;
  SmallVector<Value> sums;  ///< those that are used
  Pairs computed, combined; ///< outputs of the first launch and of the second

private:
  /// True for what is there only when the partial sums have been added up.
  bool isLate(Value value) const {
    Operation *producer = value.getDefiningOp();
    return producer && (producer->hasTrait<OpTrait::Reduce>() || second.contains(producer));
  }
};

} // namespace

/// A kernel works on rows x channels: all full tensors must have the shape `domain`, all vectors a value per channel.
static LogicalResult verifyDomain(GroupOp group, ArrayRef<int64_t> domain) {
  if (domain.size() < 2)
    return group.emitOpError() << "expected vectors of one size in a kernel without full tensors";
  for (Value value : operandsAndResults(group))
    if (ArrayRef<int64_t> shape = shapeOf(value);
        shape.size() == 1 ? shape[0] != domain[1] : shape.size() && shape != domain)
      return group.emitOpError() << "expected tensors of shape " << formatShape(domain) << " and vectors of "
                                 << domain[1] << " in one kernel, but got " << formatShape(shape);
  return success();
}

/// Extents of all kernels over full tensors.
static LogicalResult mapExtents(GroupOp group, KernelFamily family, const Stages &stages, const Target &target,
                                KernelLaunch &launch) {
  SmallVector<Value> values = operandsAndResults(group);
  if (family == KernelFamily::Flat) {
    int64_t total = 0;
    for (Value value : values)
      if (!shapeOf(value).empty())
        total = std::max(total, storedElements(value, target));
    total = std::max<int64_t>(total, 1); // scalars alone: the sum of losses
    launch.extents.push_back(total);
    for (Operation &op : group.getBody().front())
      if (auto counted = dyn_cast<CountedOpInterface>(op))
        launch.extents.push_back(counted.getCount());
    return success();
  }
  ArrayRef<int64_t> domain;
  for (Value value : values)
    if (shapeOf(value).size() > domain.size())
      domain = shapeOf(value);
  if (failed(verifyDomain(group, domain)))
    return failure();
  if (family == KernelFamily::Map)
    for (Operation &op : group.getBody().front())
      if (auto counted = dyn_cast<CountedOpInterface>(op); counted && int64_t(counted.getCount()) != rowsOf(domain))
        return op.emitOpError() << "expected a count of " << rowsOf(domain) << ", the rows of its kernel, but got "
                                << counted.getCount();
  llvm::append_values(launch.extents, rowsOf(domain), domain[1]);
  if (family == KernelFamily::Reduce || family == KernelFamily::ReduceCombine)
    launch.extents.push_back(cutReduction(group, domain, target).chunk);
  if (family == KernelFamily::ReduceCombine)
    launch.extents.push_back(stages.sums.size());
  for (Value value : values)
    if (shapeOf(value).size() >= 2)
      launch.extents.push_back(strideOf(value));
  return success();
}

/// The values inside the group, and outside.
static SmallVector<Value> inside(const Stages::Pairs &pairs) {
  return SmallVector<Value>(llvm::make_first_range(pairs));
}
static SmallVector<Value> outside(const Stages::Pairs &pairs) {
  return SmallVector<Value>(llvm::make_second_range(pairs));
}

/// The definition of a group's first launch, and what that launch reads and writes.
static exec::KernelDefOp defineFirst(KernelFamily family, const Stages &stages, Location loc, KernelLaunch &launch) {
  Definition definition(loc, family);
  for (Value argument : inside(stages.firstInputs))
    definition.addArgument(argument);
  for (Operation *op : stages.first)
    definition.addOp(op);
  launch.operands = outside(stages.firstInputs);
  launch.reads = launch.operands.size();
  llvm::append_range(launch.operands, outside(stages.computed));
  llvm::append_range(launch.operands, stages.sums);
  SmallVector<Value> results = inside(stages.computed);
  llvm::append_range(results, stages.sums);
  return definition.yield(results);
}

/// Of partial sums.
static int64_t countAdditions(const Stages &stages, int64_t partials) {
  return int64_t(stages.sums.size()) * partials * shapeOf(stages.sums.front())[0];
}

/// The same of the second one, which adds `partials` partial sums of each sum.
static exec::KernelDefOp defineCombine(const Stages &stages, int64_t partials, Location loc, KernelLaunch &launch) {
  int64_t channels = shapeOf(stages.sums.front())[0];
  launch.extents = {partials, channels};
  launch.flops = countAdditions(stages, partials);
  Definition definition(loc, KernelFamily::Combine);
  for (Value sum : stages.sums)
    definition.addPartialSums(sum);
  for (Value argument : inside(stages.secondInputs))
    definition.addArgument(argument);
  for (Operation *op : stages.second) {
    definition.addOp(op);
    if (auto counted = dyn_cast<CountedOpInterface>(op))
      launch.extents.push_back(counted.getCount());
  }
  launch.operands = stages.sums;
  llvm::append_range(launch.operands, outside(stages.secondInputs));
  launch.reads = launch.operands.size();
  llvm::append_range(launch.operands, outside(stages.combined));
  return definition.yield(inside(stages.combined));
}

/// The definition of a group's only launch, a reduction that adds up its partial sums too. Partial sums follow the full
/// tensors.
static exec::KernelDefOp defineWhole(const Stages &stages, GroupOp group, KernelLaunch &launch) {
  Definition definition(group.getLoc(), KernelFamily::ReduceCombine);
  for (Value argument : group.getBody().getArguments())
    definition.addArgument(argument);
  for (const Stages::Ops *ops : {&stages.first, &stages.second})
    for (Operation *op : *ops)
      definition.addOp(op);
  launch.operands.assign(group.getInputs().begin(), group.getInputs().end());
  launch.reads = launch.operands.size();
  SmallVector<Value> results = inside(stages.computed);
  llvm::append_range(launch.operands, outside(stages.computed));
  for (SmallVector<Value> *values : {&results, &launch.operands})
    llvm::append_range(*values, stages.sums);
  llvm::append_range(results, inside(stages.combined));
  llvm::append_range(launch.operands, outside(stages.combined));
  return definition.yield(results);
}

FailureOr<KernelLaunch> KernelTable::getOpaque(GroupOp group, Operation *op) {
  auto kernel = dyn_cast<KernelOpInterface>(op);
  if (!kernel)
    return op->emitOpError() << "has no kernel rule: its dialect has to attach one";
  KernelLaunch launch;
  for (Value operand : op->getOperands())
    launch.operands.push_back(group.getInputs()[cast<BlockArgument>(operand).getArgNumber()]);
  launch.reads = launch.operands.size();
  llvm::append_range(launch.operands, group.getOutputs());
  launch.extents = kernel.getExtents();
  Definition definition(op->getLoc(), KernelFamily::Opaque);
  definition.addOpaque(op);
  finish(launch, definition.yield(op->getResults()));
  return launch;
}

void KernelTable::finish(KernelLaunch &launch, exec::KernelDefOp definition) {
  launch.units = definition.getReach(launch.extents).units;
  launch.symbol = intern(definition);
}

FailureOr<SmallVector<KernelLaunch, 2>> KernelTable::get(GroupOp group) {
  SmallVector<KernelLaunch, 2> launches(1);
  Operation *op = &group.getBody().front().front();
  if (op->hasTrait<OpTrait::Opaque>() || isa<KernelOpInterface>(op)) {
    FailureOr<KernelLaunch> launch = getOpaque(group, op);
    if (failed(launch))
      return failure();
    launches[0] = std::move(*launch);
    launches[0].flops = countFlops(group);
    return launches;
  }
  KernelFamily family = familyOf(group);
  Stages stages(group);
  if (family == KernelFamily::Reduce && target.combinesInOneLaunch() && stages.canJoin())
    family = KernelFamily::ReduceCombine;
  if (failed(mapExtents(group, family, stages, target, launches[0])))
    return failure();
  launches[0].flops = countFlops(group);
  if (family == KernelFamily::ReduceCombine) {
    finish(launches[0], defineWhole(stages, group, launches[0]));
    launches[0].flops += countAdditions(stages, launches[0].units);
    return launches;
  }
  finish(launches[0], defineFirst(family, stages, group.getLoc(), launches[0]));
  if (!stages.sums.empty()) {
    launches.emplace_back();
    finish(launches[1], defineCombine(stages, launches[0].units, group.getLoc(), launches[1]));
  }
  return launches;
}

StringRef KernelTable::getCombine() {
  Definition definition(module.getLoc(), KernelFamily::Combine);
  return intern(definition.yield(definition.addPartialSums()));
}

StringRef KernelTable::getMeanLoss() {
  Definition definition(module.getLoc(), KernelFamily::Combine);
  Value sum = definition.addPartialSums(), count = definition.addPartialSums();
  return intern(definition.yield({definition.addMeanLoss(sum, count), count}));
}

StringRef KernelTable::getTotal(Operation *op, Type element) {
  OpBuilder builder(module.getContext());
  Location loc = builder.getUnknownLoc();
  auto definition = exec::KernelDefOp::create(builder, loc, "kernel", KernelFamily::Opaque);
  Block *body = builder.createBlock(&definition.getBody());
  Value argument = body->addArgument(RankedTensorType::get({ShapedType::kDynamic}, element), loc);
  OperationState state(loc, op->getName());
  state.addOperands(argument);
  state.addTypes(RankedTensorType::get({}, builder.getF32Type()));
  YieldOp::create(builder, loc, builder.create(state)->getResults());
  return intern(definition);
}

/// "scale_shift_relu": the ops of a body, so that profiles and IR can be read.
static std::string describe(exec::KernelDefOp definition) {
  bool isCombine = definition.getFamily() == KernelFamily::Combine;
  std::string name = isCombine ? "combine" : "";
  StringRef previous = isCombine ? "channel_sum" : "";
  for (Operation &op : definition.getBody().front().without_terminator()) {
    StringRef op_ = op.getName().stripDialect();
    if (op_ != previous)
      name += (Twine(name.empty() ? "" : "_") + op_).str();
    previous = op_;
  }
  return name.size() > 60 ? name.substr(0, 60) : name;
}

StringRef KernelTable::intern(exec::KernelDefOp definition) {
  // Most differ in the kinds of their ops already; the others are compared.
  llvm::hash_code hash = llvm::hash_value(definition.getFamily());
  for (Operation &op : definition.getBody().front())
    hash = llvm::hash_combine(hash, OperationEquivalence::computeHash(&op, OperationEquivalence::ignoreHashValue,
                                                                      OperationEquivalence::ignoreHashValue,
                                                                      OperationEquivalence::IgnoreLocations));
  auto &alike = byHash[hash];
  for (exec::KernelDefOp known : alike)
    if (known.getFamily() == definition.getFamily() &&
        OperationEquivalence::isRegionEquivalentTo(&known.getBody(), &definition.getBody(),
                                                   OperationEquivalence::IgnoreLocations)) {
      definition.erase();
      return known.getSymName();
    }
  alike.push_back(definition);
  definition.setSymName(("k" + Twine(count++) + "_" + describe(definition)).str());
  Block *body = module.getBody();
  body->getOperations().insert(last ? std::next(last->getIterator()) : body->begin(), definition);
  last = definition;
  return definition.getSymName();
}

} // namespace incept
