// SPDX-License-Identifier: Apache-2.0

#include "passes/KernelBuilder.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/IRMapping.h"
#include "passes/LaunchCost.h"
#include "passes/LaunchShape.h"
#include "passes/Layouts.h"
#include "passes/Target.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept {

/// Distance of rows in elements.
static int64_t strideOf(Value value) {
  LayoutAttr layout = layoutOf(value);
  return layout && layout.isSlice() ? layout.getStride() : shapeOf(value)[1];
}

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

/// Ops that are a family by themselves. Where a target has no library for a reorder, that is one too.
static bool isOneOpFamily(Operation *op) { return op->hasTrait<OpTrait::Opaque>() || isa<ReorderOp>(op); }

static StringRef familyOf(GroupOp group) {
  bool reduces = false;
  for (Operation &op : group.getBody().front()) {
    if (isOneOpFamily(&op))
      return op.getName().stripDialect();
    reduces |= op.hasTrait<OpTrait::Reduce>();
  }
  return reduces ? "reduce" : isFlat(group) ? "flat" : "map";
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
  Definition(MLIRContext *context, StringRef family) : builder(context), flat(family == "flat") {
    op = exec::KernelDefOp::create(builder, builder.getUnknownLoc(), "kernel", family);
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

  /// A copy of `original` without what launches pass as extents.
  void addOp(Operation *original) {
    Operation *clone = builder.clone(*original, mapping);
    clone->setLoc(op.getLoc());
    clone->removeAttr(InceptDialect::kPathAttr);
    if (clone->hasAttr("count"))
      clone->setAttr("count", builder.getI64IntegerAttr(0));
    if (clone->hasAttr("kernel")) {
      clone->setAttr("kernel", builder.getDenseI64ArrayAttr({1, 1}));
      clone->setAttr("stride", builder.getDenseI64ArrayAttr({1, 1}));
      clone->setAttr("pad_begin", builder.getDenseI64ArrayAttr({0, 0}));
      clone->setAttr("pad_end", builder.getDenseI64ArrayAttr({0, 0}));
    }
    for (Value result : clone->getResults())
      result.setType(erase(result.getType(), flat));
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

/// Extents of a pool: the op's window between `src` (or diff_src) and `dst` (or diff_dst).
static void poolExtents(Operation *op, ArrayRef<int64_t> src, ArrayRef<int64_t> dst, KernelLaunch &launch) {
  llvm::append_values(launch.extents, src[0], src[2], src[3], src[1], dst[2], dst[3]);
  for (StringRef name : {"kernel", "stride", "pad_begin", "pad_end"}) {
    auto values = op->getAttrOfType<DenseI64ArrayAttr>(name);
    llvm::append_values(launch.extents, values[0], values[1]);
  }
}

/// Extents and units of the opaque families.
static void opaqueExtents(GroupOp group, Operation *op, KernelLaunch &launch) {
  Value src = group.getInputs().front(), dst = group.getOutputs().front();
  ArrayRef<int64_t> in = shapeOf(src), out = shapeOf(dst);
  auto &extents = launch.extents;
  auto appendStrides = [&] {
    for (Value value : operandsAndResults(group))
      extents.push_back(strideOf(value));
  };
  if (isa<MaxPoolOp, MaxPoolWithIndexOp, AvgPoolOp>(op)) {
    poolExtents(op, in, out, launch);
    appendStrides();
    launch.units = in[0] * out[2];
  } else if (isa<MaxPoolBackwardOp, AvgPoolBackwardOp>(op)) {
    poolExtents(op, out, in, launch);
    appendStrides();
    launch.units = out[0] * out[2];
  } else if (isa<GlobalAvgPoolOp>(op)) {
    llvm::append_values(extents, in[0], in[2] * in[3], in[1], strideOf(src), strideOf(dst));
    launch.units = in[0];
  } else if (isa<GlobalAvgPoolBackwardOp>(op)) {
    llvm::append_values(extents, in[0], out[2] * out[3], in[1], strideOf(src), strideOf(dst));
    launch.units = in[0];
  } else if (isa<DropoutOp>(op)) {
    int64_t pixels = rowsOf(in) / in[0];
    llvm::append_values(extents, in[0], in[1], pixels, strideOf(src), strideOf(dst));
    launch.units = in[0];
  } else if (isa<SoftmaxCrossEntropyOp>(op)) {
    llvm::append_values(extents, in[0], in[1], strideOf(src));
    launch.units = 1;
  } else if (isa<SoftmaxCrossEntropyBackwardOp>(op)) {
    llvm::append_values(extents, in[0], in[1], strideOf(src), strideOf(dst));
    launch.units = in[0];
  } else if (isa<ReorderOp>(op)) {
    llvm::append_values(extents, out[0], *countElements(out) / out[0]);
    launch.units = out[0];
  } else if (isa<NormalizeImageOp>(op)) {
    llvm::append_values(extents, rowsOf(out), out[1], strideOf(dst));
    launch.units = rowsOf(out);
  } else {
    llvm::append_values(extents, out[0], out[1], out[2] * out[3], strideOf(dst));
    launch.units = rowsOf(out);
  }
}

/// Extents and units of flat, map and reduce kernels.
static void mapExtents(GroupOp group, StringRef family, const Target &target, KernelLaunch &launch) {
  SmallVector<Value> values = operandsAndResults(group);
  if (family == "flat") {
    int64_t total = 0;
    for (Value value : values)
      if (!shapeOf(value).empty())
        total = std::max(total, storedElements(value, target));
    total = std::max<int64_t>(total, 1); // scalars alone: the sum of losses
    launch.extents.push_back(total);
    for (Operation &op : group.getBody().front())
      if (auto count = op.getAttrOfType<IntegerAttr>("count"))
        launch.extents.push_back(count.getInt());
    launch.units = llvm::divideCeil(total, kFlatUnit);
    return;
  }
  ArrayRef<int64_t> domain;
  for (Value value : values)
    if (shapeOf(value).size() > domain.size())
      domain = shapeOf(value);
  int64_t rows = rowsOf(domain);
  llvm::append_values(launch.extents, rows, domain[1]);
  launch.units = rows;
  if (family == "reduce") {
    Reduction reduction = target.cutReduction(rows, domain[1]);
    launch.extents.push_back(reduction.chunk);
    launch.units = reduction.partials;
  }
  for (Value value : values)
    if (shapeOf(value).size() >= 2)
      launch.extents.push_back(strideOf(value));
}

/// The values inside the group, and outside.
static SmallVector<Value> inside(const Stages::Pairs &pairs) {
  return SmallVector<Value>(llvm::make_first_range(pairs));
}
static SmallVector<Value> outside(const Stages::Pairs &pairs) {
  return SmallVector<Value>(llvm::make_second_range(pairs));
}

/// The definition of a group's first launch, and what that launch reads and writes.
static exec::KernelDefOp defineFirst(StringRef family, const Stages &stages, MLIRContext *context,
                                     KernelLaunch &launch) {
  Definition definition(context, family);
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

/// The same of the second one, which adds `partials` partial sums of each sum.
static exec::KernelDefOp defineCombine(const Stages &stages, int64_t partials, MLIRContext *context,
                                       KernelLaunch &launch) {
  int64_t channels = shapeOf(stages.sums.front())[0];
  launch.extents = {partials, channels};
  launch.units = llvm::divideCeil(channels, kCombineUnit);
  launch.flops = int64_t(stages.sums.size()) * partials * channels;
  Definition definition(context, "combine");
  for (Value sum : stages.sums)
    definition.addPartialSums(sum);
  for (Value argument : inside(stages.secondInputs))
    definition.addArgument(argument);
  for (Operation *op : stages.second) {
    definition.addOp(op);
    if (auto count = op->getAttrOfType<IntegerAttr>("count"))
      launch.extents.push_back(count.getInt());
  }
  launch.operands = stages.sums;
  llvm::append_range(launch.operands, outside(stages.secondInputs));
  launch.reads = launch.operands.size();
  llvm::append_range(launch.operands, outside(stages.combined));
  return definition.yield(inside(stages.combined));
}

SmallVector<KernelLaunch, 2> KernelTable::get(GroupOp group) {
  StringRef family = familyOf(group);
  Stages stages(group);
  SmallVector<KernelLaunch, 2> launches(1);
  Operation *op = &group.getBody().front().front();
  if (isOneOpFamily(op))
    opaqueExtents(group, op, launches[0]);
  else
    mapExtents(group, family, target, launches[0]);
  launches[0].flops = countFlops(group);
  launches[0].symbol = intern(defineFirst(family, stages, group.getContext(), launches[0]));
  if (!stages.sums.empty()) {
    launches.emplace_back();
    launches[1].symbol = intern(defineCombine(stages, launches[0].units, group.getContext(), launches[1]));
  }
  return launches;
}

StringRef KernelTable::getCombine() {
  Definition definition(module.getContext(), "combine");
  return intern(definition.yield(definition.addPartialSums()));
}

StringRef KernelTable::getCountNonfinite(Type element) {
  OpBuilder builder(module.getContext());
  Location loc = builder.getUnknownLoc();
  auto definition = exec::KernelDefOp::create(builder, loc, "kernel", "count_nonfinite");
  Block *body = builder.createBlock(&definition.getBody());
  Value argument = body->addArgument(RankedTensorType::get({ShapedType::kDynamic}, element), loc);
  Value count = CountNonfiniteOp::create(builder, loc, RankedTensorType::get({}, builder.getF32Type()), argument);
  YieldOp::create(builder, loc, count);
  return intern(definition);
}

/// "scale_shift_relu": the ops of a body, so that profiles and IR can be read.
static std::string describe(exec::KernelDefOp definition) {
  bool isCombine = definition.getFamily() == "combine";
  std::string name = isCombine ? "combine" : "";
  StringRef previous = isCombine ? "channel_sum" : "";
  for (Operation &op : definition.getBody().front().without_terminator()) {
    StringRef op_ = op.getName().stripDialect();
    if (op_ != previous)
      name += (Twine(name.empty() ? "" : "_") + op_).str();
    previous = op_;
  }
  if (name.empty())
    name = definition.getFamily().str();
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
