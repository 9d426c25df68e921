// SPDX-License-Identifier: Apache-2.0
//
// Options of ops: the op's own, else the description's defaults (the network's own before imported ones), else those of
// the language.

#include "frontend/GraphEmitter.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace incept {

static const Argument *findArgument(const std::vector<Argument> &arguments, StringRef key) {
  auto found = llvm::find_if(arguments, [&](const Argument &argument) { return argument.name.text == key; });
  return found == arguments.end() ? nullptr : &*found;
}

GraphEmitter::Option GraphEmitter::findDefault(OpKind kind, StringRef key) const {
  for (const Defaults &defaults : llvm::reverse(spec.defaults))
    if (defaults.kind == kind)
      if (const Argument *argument = findArgument(defaults.arguments, key))
        return {argument, &networkScope};
  return {};
}

GraphEmitter::Option GraphEmitter::find(const Op &op, StringRef key, const Frame &frame) const {
  if (const Argument *argument = findArgument(op.arguments, key))
    return {argument, &frame.scope};
  return findDefault(op.kind, key);
}

static bool divides(const Expr &expr) { return expr.kind == ExprKind::Divide || llvm::any_of(expr.operands, divides); }

std::optional<int64_t> GraphEmitter::integer(const Expr &expr, const ValueScope &scope, StringRef what, int64_t least,
                                             int64_t most, const Frame &frame) {
  auto result = value(expr, scope, frame);
  if (!result)
    return std::nullopt;
  auto *number = std::get_if<int64_t>(&*result);
  if (!number) {
    auto *inexact = std::get_if<double>(&*result);
    bool isWhole = inexact && *inexact == std::floor(*inexact);
    error(expr.range,
          "expected an integer for " + what + ", but got " + formatValue(*result) +
              (!isWhole        ? ""
               : divides(expr) ? "; '/' gives a real number, 'div' an integer"
                               : ", a real number"),
          frame);
    if (isWhole && *inexact >= double(least) && *inexact <= double(most)) // go on, to find what else is wrong
      return int64_t(*inexact);
    return std::nullopt;
  }
  if (*number >= least && *number <= most)
    return *number;
  error(expr.range, "expected " + what + " of " + Twine(least) + " to " + Twine(most) + ", but got " + Twine(*number),
        frame);
  return std::nullopt;
}

std::optional<double> GraphEmitter::real(const Expr &expr, const ValueScope &scope, StringRef what, double least,
                                         double most, const Frame &frame) {
  auto result = value(expr, scope, frame);
  if (!result)
    return std::nullopt;
  if (!std::holds_alternative<int64_t>(*result) && !std::holds_alternative<double>(*result)) {
    error(expr.range, "expected a number for " + what + ", but got " + formatValue(*result), frame);
    return std::nullopt;
  }
  auto *exact = std::get_if<int64_t>(&*result);
  double number = exact ? static_cast<double>(*exact) : std::get<double>(*result);
  if (number >= least && number <= most)
    return number;
  std::string limits = std::isinf(most) ? " of at least " + formatValue(least)
                                        : " of " + formatValue(least) + " to " + formatValue(most);
  error(expr.range, "expected " + what + limits + ", but got " + formatValue(*result), frame);
  return std::nullopt;
}

std::optional<double> GraphEmitter::number(const Op &op, StringRef key, double fallback, double least, double most,
                                           const Frame &frame) {
  Option option = find(op, key, frame);
  if (!option)
    return fallback;
  return real(option.argument->expr, *option.scope, ("'" + key + "' of '" + opInfo(op.kind).name + "'").str(), least,
              most, frame);
}

bool GraphEmitter::pair(const Argument &argument, const ValueScope &scope, StringRef what, int64_t least,
                        int64_t (&values)[2], const Frame &frame) {
  constexpr int64_t kMost = (int64_t(1) << 31) - 1;
  bool list = argument.kind == ArgumentKind::List;
  for (int axis : {0, 1}) {
    if (list && argument.items.size() != 2)
      return false;
    auto number = integer(list ? argument.items[axis].expr : argument.expr, scope, what, least, kMost, frame);
    if (!number)
      return false;
    values[axis] = *number;
  }
  return true;
}

bool GraphEmitter::truth(const Argument &argument, const ValueScope &scope, const Frame &frame) {
  if (argument.kind != ArgumentKind::Expression)
    return argument.flag;
  constexpr double kMost = std::numeric_limits<double>::max();
  return real(argument.expr, scope, "'" + argument.name.text + "'", -kMost, kMost, frame).value_or(0) != 0;
}

bool GraphEmitter::flag(const Op &op, StringRef key, bool fallback, const Frame &frame) {
  Option option = find(op, key, frame);
  return option ? truth(*option.argument, *option.scope, frame) : fallback;
}

bool GraphEmitter::hasBatchNorm(const Op &op, const Frame &frame) const {
  Option option = find(op, "batch_norm", frame);
  return !option || option.argument->kind == ArgumentKind::Record || option.argument->flag;
}

std::string GraphEmitter::activation(const Op &op, StringRef fallback, const Frame &frame) {
  Option option = find(op, "activation", frame);
  if (!option || option.argument->kind != ArgumentKind::Expression)
    return option ? option.argument->word : fallback.str();
  auto given = value(option.argument->expr, *option.scope, frame);
  if (!given)
    return "linear";
  if (auto *word = std::get_if<std::string>(&*given))
    return *word == "none" ? "linear" : *word;
  error(option.argument->range, "expected an activation, but got " + formatValue(*given), frame);
  return "linear";
}

const Argument *GraphEmitter::batchNormRecord(const Op &op, StringRef key) const {
  const Argument *record = op.kind == OpKind::BatchNorm ? &op.main : findArgument(op.arguments, "batch_norm");
  return record ? findArgument(record->items, key) : nullptr;
}

std::optional<double> GraphEmitter::batchNormField(const Op &op, StringRef key, double fallback, double least,
                                                   double most, const Frame &frame) {
  std::string what = ("'" + key + "' of a batch norm").str();
  if (const Argument *own = batchNormRecord(op, key))
    return real(own->expr, frame.scope, what, least, most, frame);
  if (Option option = findDefault(OpKind::BatchNorm, key))
    return real(option.argument->expr, *option.scope, what, least, most, frame);
  return fallback;
}

bool GraphEmitter::batchNormScale(const Op &op, const Frame &frame) {
  if (const Argument *own = batchNormRecord(op, "scale"))
    return truth(*own, frame.scope, frame);
  Option option = findDefault(OpKind::BatchNorm, "scale");
  return !option || truth(*option.argument, *option.scope, frame);
}

} // namespace incept
