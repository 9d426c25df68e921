// SPDX-License-Identifier: Apache-2.0
//
// Emission of what chooses ops: conditions, loops, names for values, and uses of blocks with their parameters.

#include "frontend/CheckSpec.h"
#include "frontend/GraphEmitter.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/SaveAndRestore.h"

#include <limits>

using namespace mlir;

namespace incept {

static constexpr int kMaxDepth = 64;

/// "an integer", "a row".
std::string describeParameterType(ParameterType type) {
  switch (type) {
  case ParameterType::Int:
    return "an integer";
  case ParameterType::Real:
    return "a number";
  case ParameterType::Bool:
    return "true or false";
  case ParameterType::Activation:
    return "an activation";
  default:
    return ("a " + parameterTypeName(type)).str();
  }
}

/// What chooses ops: it has no name of its own.
Tensor GraphEmitter::emitControl(const Op &op, const Tensor &src, Names &names, Frame &frame) {
  if (op.kind == OpKind::Comment)
    return src;
  if (!count(op, frame))
    return {};
  if (op.kind == OpKind::For)
    return emitFor(op, src, names, frame);
  if (op.kind == OpKind::Let && op.names.empty()) { // a value beside the main road
    llvm::SaveAndRestore unchanged(lastOp);
    frame.values[op.saveAs.text] = emitBranch(op.bodies[0], src, names, frame);
    frame.places[op.saveAs.text] = op.saveAs.range;
    return src;
  }
  auto result = value(*op.value, frame.scope, frame);
  if (op.kind == OpKind::Let) {
    frame.scope.set(op.names[0].text, result);
    return src;
  }
  constexpr double kMost = std::numeric_limits<double>::max();
  auto truth = result ? real(*op.value, frame.scope, op.kind == OpKind::If ? "a condition" : "an assertion", -kMost,
                             kMost, frame)
                      : std::nullopt;
  if (op.kind == OpKind::Assert) {
    if (truth && *truth == 0)
      error(op.value->range, op.text, frame);
    return src;
  }
  if (!truth)
    return {};
  size_t chosen = *truth != 0 ? 0 : 1;
  return chosen < op.bodies.size() ? emitSequence(op.bodies[chosen].ops, src, names, frame) : src;
}

Tensor GraphEmitter::emitFor(const Op &op, const Tensor &start, Names &names, Frame &frame) {
  auto items = value(*op.value, frame.scope, frame);
  if (!items)
    return {};
  auto *list = std::get_if<std::shared_ptr<const ValueList>>(&*items);
  auto *table = std::get_if<const Table *>(&*items);
  if (!list && !table) {
    error(op.value->range, "expected a list, a table or a range, but got " + formatValue(*items), frame);
    return {};
  }
  Tensor src = start;
  size_t size = list ? (*list)->items.size() : (*table)->rows.size();
  for (size_t i = 0; i < size; ++i) {
    if (!count(op, frame))
      return {};
    frame.scope.set(op.names[0].text, list ? (*list)->items[i] : Value(&(*table)->rows[i]));
    if (op.names.size() > 1)
      frame.scope.set(op.names[1].text, Value(int64_t(i + 1)));
    src = emitSequence(op.bodies[0].ops, src, names, frame);
  }
  for (const Name &name : op.names)
    frame.scope.remove(name.text);
  return src;
}

/// Evaluates a use's arguments where it stands, and the other parameters' defaults in the block.
void GraphEmitter::bindParameters(const Op &op, Frame &caller, Frame &frame) {
  for (auto [index, parameter] : llvm::enumerate(frame.block->parameters)) {
    const Argument *given = nullptr;
    for (auto [place, argument] : llvm::enumerate(op.arguments))
      if (argument.name.text.empty() ? place == index : argument.name.text == parameter.name.text)
        given = &argument;
    std::optional<Value> result;
    if (given)
      result = value(given->expr, caller.scope, caller);
    else if (parameter.value)
      result = value(*parameter.value, frame.scope, frame);
    if (result && !hasType(*result, parameter.type)) {
      error(given ? given->range : parameter.value->range,
            "expected " + describeParameterType(parameter.type) + " for parameter '" + parameter.name.text +
                "' of block '" + frame.block->name.text + "', but got " + formatValue(*result),
            given ? caller : frame);
      diagnostics.note(parameter.name.range, "parameter defined here");
      result = std::nullopt;
    }
    frame.scope.set(parameter.name.text, result);
  }
}

/// The block that a use means: a parameter's value, or one of that name. Null after a mistake, which checkSpec has
/// reported where there is no such block.
const BlockDef *GraphEmitter::findBlock(const Op &op, Frame &caller) {
  Expr name;
  name.kind = ExprKind::Name;
  name.range = op.target.range;
  name.name = op.target.text;
  if (!caller.scope.has(op.target.text)) {
    auto found = spec.blocks.find(op.target.text);
    return found == spec.blocks.end() ? nullptr : &found->second;
  }
  auto given = value(name, caller.scope, caller);
  if (!given)
    return nullptr;
  auto *block = std::get_if<const BlockDef *>(&*given);
  if (!block) {
    error(op.target.range, "expected a block, but '" + op.target.text + "' is " + formatValue(*given), caller);
    return nullptr;
  }
  size_t before = diagnostics.count();
  checkBlockArguments(op, **block, diagnostics);
  if (diagnostics.count() == before)
    return *block;
  addUses(caller);
  return nullptr;
}

Tensor GraphEmitter::emitBlock(const Op &op, const Tensor &src, const std::string &name, const std::string &path,
                               Frame &caller) {
  const BlockDef *block = findBlock(op, caller);
  if (!block)
    return {};
  for (const Frame *frame = &caller; frame; frame = frame->parent)
    if (frame->block == block) { // reported by checkSpec where no parameter is in between
      if (!diagnostics.hasErrors())
        error(op.target.range, "block '" + block->name.text + "' uses itself", caller);
      return {};
    }
  Frame frame(spec, &networkScope);
  frame.parent = &caller;
  frame.block = block;
  frame.use = op.range;
  frame.depth = caller.depth + 1;
  if (frame.depth > kMaxDepth) { // the same: once is enough
    if (!diagnostics.hasErrors())
      error(op.range, "expected blocks nested at most " + Twine(kMaxDepth) + " deep", caller);
    return {};
  }
  if (src.known() && src.shape.size() == 4)
    frame.scope.setInput(src.shape[1], src.shape[2], src.shape[3]);
  setSource(src, frame);
  bindParameters(op, caller, frame);

  Names names(path);
  setSource(src, frame);
  if (!src.known()) { // only for its mistakes
    emitSequence(frame.block->ops, src, names, frame);
    return {};
  }
  Location loc = location(op.place);
  Region region;
  auto *body = new mlir::Block;
  region.push_back(body);
  Tensor inner{body->addArgument(src.value.getType(), loc), src.shape};
  Tensor result;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(body);
    frame.values["in"] = inner;
    result = emitSequence(frame.block->ops, inner, names, frame);
    if (!result.known())
      return {};
    YieldOp::create(builder, loc, result.value);
  }
  auto use = BlockOp::create(builder, loc, TypeRange(result.value.getType()), name, block->name.text, src.value);
  use.getBody().takeBody(region);
  setPath(use, path);
  return {use.getResult(0), result.shape};
}

} // namespace incept
