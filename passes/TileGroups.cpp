// SPDX-License-Identifier: Apache-2.0

#include "passes/TileGroups.h"
#include "dialect/EntryPoints.h"
#include "dialect/TileOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Layouts.h"

using namespace mlir;

namespace incept {

namespace {

using BuildOp = llvm::function_ref<Operation *(OpBuilder &, ValueRange)>;

/// A group of the one op that `build` makes of `inputs`, with results of these types.
GroupOp insertKernel(OpBuilder &builder, GroupOp near, ValueRange inputs, TypeRange outputs, BuildOp build) {
  auto group = GroupOp::create(builder, near.getLoc(), outputs, GroupKind::Kernel, inputs);
  setPath(group, getPath(near));
  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(&group.getBody());
  for (Value input : inputs)
    body->addArgument(input.getType(), near.getLoc());
  Operation *op = build(builder, body->getArguments());
  setPath(op, getPath(near));
  YieldOp::create(builder, near.getLoc(), op->getResults());
  return group;
}

/// Puts a kernel group in the place of `group`, whose result is the kernel's first.
void takePlace(GroupOp group, GroupOp kernel, const LibraryPlan &plan) {
  group.getOutputs().front().replaceAllUsesWith(kernel.getOutputs().front());
  noteCandidates(kernel, plan);
  group.erase();
}

RankedTensorType vectorType(MLIRContext *context, int64_t elements) {
  return RankedTensorType::get({elements}, Float32Type::get(context), LayoutAttr::get(context, kDenseFormat));
}

/// The value outside of an operand inside.
Value outerValue(GroupOp group, Value argument) {
  return group.getInputs()[cast<BlockArgument>(argument).getArgNumber()];
}

/// The library group that brings `weights` into another order, null where none does.
GroupOp reorderOf(Value weights) {
  auto group = weights.getDefiningOp<GroupOp>();
  return group && group.isLibrary() && isa<ReorderOp>(group.getFirstOp()) && group.getInputs().size() == 1 ? group
                                                                                                           : GroupOp();
}

/// What inference reads of variables, as they are or in another order, is transformed once, in prepare_inference: a
/// read of that, null elsewhere.
Value prepareWeights(GroupOp group, Value weights, SymbolTable &symbols,
                     llvm::function_ref<Value(OpBuilder &, Value)> transform) {
  auto module = cast<ModuleOp>(symbols.getOp());
  func::FuncOp prepare = findEntry(module, EntryPoint::PrepareInference);
  GroupOp reorder = reorderOf(weights);
  auto read = (reorder ? reorder.getInputs().front() : weights).getDefiningOp<ReadOp>();
  if (!prepare || !read || !isEntry(group->getParentOfType<func::FuncOp>(), EntryPoint::Infer))
    return {};
  auto variable = symbols.lookup<VariableOp>(read.getVariable());
  OpBuilder end(prepare.getBody().front().getTerminator());
  Value value;
  for (WriteOp write : prepare.getOps<WriteOp>())
    if (variable.getKind() == VariableKind::Derived && write.getVariable() == variable.getSymName())
      value = write.getValue();
  if (!value)
    value = ReadOp::create(end, group.getLoc(), read.getValue().getType(), variable.getSymName()).getValue();
  if (reorder) {
    IRMapping mapping;
    mapping.map(read.getValue(), value);
    value = end.clone(*reorder, mapping)->getResult(0);
  }
  Value result = transform(end, value);
  OpBuilder before(*module.getOps<func::FuncOp>().begin());
  auto type = cast<RankedTensorType>(result.getType());
  auto created = VariableOp::create(before, group.getLoc(), ("tiles/" + getPath(group) + ".weight").str(), type,
                                    VariableKind::Derived);
  StringAttr name = symbols.insert(created); // which may have changed it
  WriteOp::create(end, group.getLoc(), name, result);
  OpBuilder builder(group);
  return ReadOp::create(builder, group.getLoc(), type, name).getValue();
}

/// Removes the read of weights that nobody needs besides their transform, and what nobody reads of prepare_inference.
void dropUnread(Value weights, SymbolTable &symbols) {
  if (GroupOp reorder = reorderOf(weights); reorder && weights.use_empty()) {
    weights = reorder.getInputs().front();
    reorder.erase();
  }
  auto read = weights.getDefiningOp<ReadOp>();
  if (!read || !weights.use_empty())
    return;
  auto variable = symbols.lookup<VariableOp>(read.getVariable());
  read.erase();
  bool isRead = variable.getKind() != VariableKind::Derived;
  symbols.getOp()->walk([&](ReadOp other) { isRead |= other.getVariable() == variable.getSymName(); });
  if (isRead)
    return;
  symbols.getOp()->walk([&](WriteOp write) {
    if (write.getVariable() == variable.getSymName())
      write.erase();
  });
  symbols.erase(variable);
}

} // namespace

/// The entries of a plan's `config`, and where they are kept in the answer.
static const std::pair<StringRef, int64_t TileShape::*> kShapeFields[] = {
    {"kernel_height", &TileShape::kh}, {"kernel_width", &TileShape::kw}, {"tile_height", &TileShape::mh},
    {"tile_width", &TileShape::mw},    {"lanes", &TileShape::lanes},     {"stride", &TileShape::stride}};
static const std::pair<StringRef, int64_t TilePlan::*> kPlanFields[] = {{"block", &TilePlan::block},
                                                                        {"units", &TilePlan::units},
                                                                        {"parts", &TilePlan::parts},
                                                                        {"grid_k", &TilePlan::gridK},
                                                                        {"grid_o", &TilePlan::gridO}};

void setTiles(LibraryPlan &plan, const TilePlan &tiles) {
  plan.generated = true;
  for (auto [name, member] : kShapeFields)
    plan.config.push_back({name.str(), std::to_string(tiles.shape.*member)});
  for (auto [name, member] : kPlanFields)
    plan.config.push_back({name.str(), std::to_string(tiles.*member)});
}

std::optional<TilePlan> tilesOf(const LibraryPlan &plan) {
  auto read = [&](StringRef name, int64_t &value) {
    auto entry = llvm::find_if(plan.config, [&](const auto &pair) { return pair.first == name; });
    return entry != plan.config.end() && !StringRef(entry->second).getAsInteger(10, value);
  };
  TilePlan tiles;
  if (!plan.generated)
    return std::nullopt;
  for (auto [name, member] : kShapeFields)
    if (!read(name, tiles.shape.*member))
      return std::nullopt;
  for (auto [name, member] : kPlanFields)
    if (!read(name, tiles.*member))
      return std::nullopt;
  return tiles;
}

void noteCandidates(GroupOp group, const LibraryPlan &plan) {
  for (const auto &[key, value] : plan.config)
    if (key == kCandidates)
      group->setAttr("incept.candidates", StringAttr::get(group.getContext(), value));
}

void convolveByTiles(GroupOp group, const LibraryPlan &plan, Value weights, SymbolTable &symbols) {
  Operation *op = group.getFirstOp();
  auto conv = dyn_cast<Conv2DOp>(op);
  bool turned = !conv, relu = conv && conv.getRelu();
  TilePlan tiles = *tilesOf(plan);
  tiles.shape.transposed = turned && tiles.shape.stride > 1;
  const TileShape &shape = tiles.shape;
  SmallVector<int64_t> kernel = {shape.kh, shape.kw}, tile = {shape.mh, shape.mw};
  SmallVector<int64_t> pad(conv ? conv.getPadBegin() : cast<Conv2DBackwardDataOp>(op).getPadBegin());
  if (turned && !shape.transposed)
    pad = {shape.kh - 1 - pad[0], shape.kw - 1 - pad[1]};
  Value src = outerValue(group, op->getOperand(0)), dst = group.getOutputs().front();
  int64_t k = shapeOf(src)[1], o = shapeOf(dst)[1];
  RankedTensorType transformed = vectorType(op->getContext(), transformedElements(shape, k, o));
  auto transform = [&](OpBuilder &builder, Value from) -> Value {
    GroupOp result = insertKernel(builder, group, from, transformed, [&](OpBuilder &b, ValueRange ins) {
      return TransformWeightsOp::create(b, group.getLoc(), transformed, ins[0], kernel, tile, shape.lanes, shape.stride,
                                        turned);
    });
    return result.getOutputs().front();
  };
  OpBuilder builder(group);
  Value prepared = prepareWeights(group, weights, symbols, transform);
  SmallVector<Value> ins = {src, prepared ? prepared : transform(builder, weights)};
  if (conv && conv.getBias())
    ins.push_back(outerValue(group, conv.getBias()));
  SmallVector<Type> outs = {dst.getType(),
                            vectorType(op->getContext(), tiles.units * convolveScratch(shape, k, o, tiles.block))};
  GroupOp kernelGroup = insertKernel(builder, group, ins, outs, [&](OpBuilder &b, ValueRange args) {
    return ConvolveTilesOp::create(b, group.getLoc(), outs[0], outs[1], args[0], args[1], /*center=*/Value(),
                                   /*scale=*/Value(), /*shift=*/Value(), args.size() > 2 ? args[2] : Value(), kernel,
                                   pad, tile, shape.lanes, shape.stride, shape.transposed, tiles.units, tiles.parts,
                                   tiles.block, relu);
  });
  takePlace(group, kernelGroup, plan);
  dropUnread(weights, symbols);
}

GroupOp correlateByTiles(GroupOp group, const LibraryPlan &plan) {
  auto op = cast<Conv2DBackwardWeightsOp>(group.getFirstOp());
  const TilePlan tiles = *tilesOf(plan);
  const TileShape &shape = tiles.shape;
  SmallVector<int64_t> kernel = {shape.kh, shape.kw}, tile = {shape.mh, shape.mw}, grid = {tiles.gridK, tiles.gridO};
  Value src = outerValue(group, op.getSrc()), diff = outerValue(group, op.getDiffDst());
  int64_t scratch = tiles.gridK * tiles.gridO *
                    correlateScratch(shape, shapeOf(src)[1], shapeOf(diff)[1], tiles.gridK, tiles.gridO, tiles.block);
  SmallVector<Type> outs = {group.getOutputs().front().getType(), vectorType(op->getContext(), scratch)};
  OpBuilder builder(group);
  GroupOp result = insertKernel(builder, group, {src, diff}, outs, [&](OpBuilder &b, ValueRange args) {
    return CorrelateTilesOp::create(b, group.getLoc(), outs[0], outs[1], args[0], args[1], /*center=*/Value(),
                                    /*scale=*/Value(), /*shift=*/Value(), kernel, op.getPadBegin(), tile, shape.lanes,
                                    shape.stride, grid, tiles.block);
  });
  takePlace(group, result, plan);
  return result;
}

} // namespace incept
