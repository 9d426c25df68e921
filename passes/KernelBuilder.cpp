// SPDX-License-Identifier: Apache-2.0

#include "passes/KernelBuilder.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/IRMapping.h"
#include "passes/LaunchShape.h"
#include "passes/Layouts.h"
#include "passes/Target.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept {

/// Rows of a full tensor: everything but channels.
static int64_t rowsOf(ArrayRef<int64_t> shape) {
  int64_t rows = 1;
  for (auto [index, dim] : llvm::enumerate(shape))
    rows *= index == 1 ? 1 : dim;
  return rows;
}

/// Distance of rows in elements.
static int64_t strideOf(Value value) {
  LayoutAttr layout = layoutOf(value);
  return layout && layout.isSlice() ? layout.getStride() : shapeOf(value)[1];
}

static bool isSlice(Value value) { return layoutOf(value) && layoutOf(value).isSlice(); }

/// Memory elements of a dense value, a library format's padding included; `format` sizes are told by the variable it
/// is read from or written to, so it is the logical count unless such a variable says more.
static int64_t storedElements(Value value) {
  int64_t elements = *countElements(shapeOf(value));
  auto consider = [&](StringRef name, Operation *from) {
    auto variable = SymbolTable::lookupNearestSymbolFrom<VariableOp>(from, StringAttr::get(from->getContext(), name));
    if (auto bytes = variable ? variable->getAttrOfType<IntegerAttr>("incept.bytes") : IntegerAttr())
      elements = std::max(elements, bytes.getInt() / elementBytes(getElementTypeOrSelf(value.getType())));
  };
  if (auto read = value.getDefiningOp<ReadOp>())
    consider(read.getVariable(), read);
  for (Operation *user : value.getUsers())
    if (auto write = dyn_cast<WriteOp>(user))
      consider(write.getVariable(), write);
  return elements;
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

/// Clones the group's body with what launches pass as extents taken out.
static exec::KernelDefOp define(GroupOp group, StringRef family) {
  OpBuilder builder(group.getContext());
  Location loc = builder.getUnknownLoc();
  auto definition = exec::KernelDefOp::create(builder, loc, "kernel", family);
  Block *body = builder.createBlock(&definition.getBody());
  bool flat = family == "flat";
  IRMapping mapping;
  for (BlockArgument argument : group.getBody().getArguments())
    mapping.map(argument, body->addArgument(erase(argument.getType(), flat), loc));
  for (Operation &op : group.getBody().front()) {
    Operation *clone = builder.clone(op, mapping);
    clone->walk([&](Operation *nested) { nested->setLoc(loc); });
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
  return definition;
}

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
        total = std::max(total, storedElements(value));
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

KernelLaunch KernelTable::get(GroupOp group) {
  KernelLaunch launch;
  StringRef family = familyOf(group);
  Operation *first = &group.getBody().front().front();
  if (isOneOpFamily(first))
    opaqueExtents(group, first, launch);
  else
    mapExtents(group, family, target, launch);
  for (Value value : group.getYield().getValues())
    launch.isSum.push_back(value.getDefiningOp() && value.getDefiningOp()->hasTrait<OpTrait::Reduce>());
  launch.symbol = intern(define(group, family));
  return launch;
}

StringRef KernelTable::getCombine(size_t count) {
  OpBuilder builder(module.getContext());
  Location loc = builder.getUnknownLoc();
  auto definition = exec::KernelDefOp::create(builder, loc, "kernel", "combine");
  Block *body = builder.createBlock(&definition.getBody());
  auto vector = RankedTensorType::get({ShapedType::kDynamic}, builder.getF32Type());
  for (size_t i = 0; i < count; ++i)
    body->addArgument(vector, loc);
  YieldOp::create(builder, loc, body->getArguments());
  return intern(definition);
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
  std::string name;
  StringRef previous;
  for (Operation &op : definition.getBody().front().without_terminator()) {
    StringRef op_ = op.getName().stripDialect();
    if (op_ != previous)
      name += (name.empty() ? "" : "_") + op_.str();
    previous = op_;
  }
  if (name.empty())
    name = definition.getFamily().str();
  return name.size() > 60 ? name.substr(0, 60) : name;
}

StringRef KernelTable::intern(exec::KernelDefOp definition) {
  std::string text;
  llvm::raw_string_ostream(text) << *definition.getOperation();
  auto [entry, isNew] = byText.try_emplace(text);
  if (!isNew) {
    definition.erase();
    return entry->second.getValue();
  }
  std::string name = "k" + std::to_string(byText.size() - 1) + "_" + describe(definition);
  entry->second = StringAttr::get(module.getContext(), name);
  definition.setSymName(name);
  Block *body = module.getBody();
  body->getOperations().insert(last ? std::next(last->getIterator()) : body->begin(), definition);
  last = definition;
  return entry->second.getValue();
}

} // namespace incept
