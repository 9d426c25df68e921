// SPDX-License-Identifier: Apache-2.0
//
// The values of expressions.

#include "frontend/Spec.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <limits>

namespace incept {

namespace {

/// Numbers in a range: a network has no more ops.
constexpr int64_t kMaxRange = 20000;

double asReal(const Value &value) {
  if (auto *integer = std::get_if<int64_t>(&value))
    return static_cast<double>(*integer);
  return std::get<double>(value);
}

bool isNumber(const Value &value) {
  return std::holds_alternative<int64_t>(value) || std::holds_alternative<double>(value);
}

/// Exact where both are integers, which a double is not beyond 2^53.
bool less(const Value &a, const Value &b) {
  auto *left = std::get_if<int64_t>(&a), *right = std::get_if<int64_t>(&b);
  return left && right ? *left < *right : asReal(a) < asReal(b);
}

bool isComparison(ExprKind kind) { return kind >= ExprKind::Equal && kind <= ExprKind::GreaterEqual; }

template <typename T>
bool compare(ExprKind kind, T a, T b) {
  switch (kind) {
  case ExprKind::Equal:
    return a == b;
  case ExprKind::NotEqual:
    return a != b;
  case ExprKind::Less:
    return a < b;
  case ExprKind::LessEqual:
    return a <= b;
  case ExprKind::Greater:
    return a > b;
  default:
    return a >= b;
  }
}

/// Arithmetic on two integers; nothing where it overflows.
std::optional<int64_t> integerOperation(ExprKind kind, int64_t a, int64_t b) {
  int64_t result;
  switch (kind) {
  case ExprKind::Add:
    return llvm::AddOverflow(a, b, result) ? std::nullopt : std::optional(result);
  case ExprKind::Subtract:
    return llvm::SubOverflow(a, b, result) ? std::nullopt : std::optional(result);
  case ExprKind::Multiply:
    return llvm::MulOverflow(a, b, result) ? std::nullopt : std::optional(result);
  case ExprKind::Remainder: // a - b * (a div b)
    if (b == -1)
      return 0;
    return a % b + (a % b != 0 && (a < 0) != (b < 0) ? b : 0);
  default: // FloorDivide; b is not 0
    if (b == -1 && a == std::numeric_limits<int64_t>::min())
      return std::nullopt;
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
  }
}

double realOperation(ExprKind kind, double a, double b) {
  switch (kind) {
  case ExprKind::Add:
    return a + b;
  case ExprKind::Subtract:
    return a - b;
  case ExprKind::Multiply:
    return a * b;
  case ExprKind::FloorDivide:
    return std::floor(a / b);
  case ExprKind::Remainder:
    return a - b * std::floor(a / b);
  default:
    return a / b;
  }
}

class Evaluator {
public:
  Evaluator(const Scope &scope, Diagnostics &diagnostics) : scope(scope), diagnostics(diagnostics) {}

  std::optional<Value> run(const Expr &expr) {
    switch (expr.kind) {
    case ExprKind::Integer:
      return Value(expr.integer);
    case ExprKind::Real:
      return Value(expr.real);
    case ExprKind::Name:
      return scope.lookup(expr, diagnostics);
    default:
      break;
    }
    if (expr.kind == ExprKind::Call && expr.name == "select")
      return select(expr);
    if (expr.kind == ExprKind::Call && expr.name == "len")
      return length(expr);
    if (expr.kind == ExprKind::And || expr.kind == ExprKind::Or)
      return logical(expr);
    if (expr.kind == ExprKind::List)
      return list(expr);
    if (expr.kind == ExprKind::Range)
      return range(expr);
    if (expr.kind == ExprKind::Index)
      return index(expr);
    if (expr.kind == ExprKind::Member)
      return member(expr);
    std::vector<Value> operands;
    for (const Expr &operand : expr.operands) {
      auto value = number(operand);
      if (!value)
        return std::nullopt;
      operands.push_back(*value);
    }
    if (expr.kind == ExprKind::Not)
      return Value(int64_t(asReal(operands[0]) == 0));
    if (expr.kind == ExprKind::Negate)
      return apply(expr, ExprKind::Subtract, Value(int64_t(0)), operands[0]);
    if (expr.kind == ExprKind::Call)
      return call(expr, operands);
    return apply(expr, expr.kind, operands[0], operands[1]);
  }

private:
  std::optional<Value> number(const Expr &expr) {
    auto value = run(expr);
    if (value && !isNumber(*value))
      return fail(expr, "expected a number, but got " + formatValue(*value));
    return value;
  }
  /// The second operand is evaluated only where it matters.
  std::optional<Value> logical(const Expr &expr) {
    auto left = number(expr.operands[0]);
    if (!left)
      return std::nullopt;
    bool truth = asReal(*left) != 0;
    if (truth == (expr.kind == ExprKind::Or))
      return Value(int64_t(truth));
    auto right = number(expr.operands[1]);
    return right ? std::optional(Value(int64_t(asReal(*right) != 0))) : std::nullopt;
  }
  std::optional<Value> list(const Expr &expr) {
    auto result = std::make_shared<ValueList>();
    for (const Expr &operand : expr.operands) {
      auto item = run(operand);
      if (!item)
        return std::nullopt;
      auto *inner = std::get_if<std::shared_ptr<const ValueList>>(&*item);
      result->total += inner ? (*inner)->total + 1 : 1;
      if (result->total > kMaxRange)
        return fail(expr, "expected lists of at most " + llvm::Twine(kMaxRange) + " items altogether");
      result->items.push_back(std::move(*item));
    }
    return Value(std::shared_ptr<const ValueList>(std::move(result)));
  }
  std::optional<Value> range(const Expr &expr) {
    int64_t ends[2], length;
    for (int end : {0, 1}) {
      auto value = number(expr.operands[end]);
      if (!value)
        return std::nullopt;
      auto *integer = std::get_if<int64_t>(&*value);
      if (!integer)
        return fail(expr.operands[end], "expected an integer as end of a range, but got " + formatValue(*value));
      ends[end] = *integer;
    }
    if (llvm::SubOverflow(ends[1], ends[0], length) || length >= kMaxRange)
      return fail(expr, "expected a range of at most " + llvm::Twine(kMaxRange) + " numbers");
    auto result = std::make_shared<ValueList>();
    for (int64_t i = 0; i <= length; ++i)
      result->items.push_back(ends[0] + i);
    result->total = length + 1;
    return Value(std::shared_ptr<const ValueList>(std::move(result)));
  }
  std::optional<Value> length(const Expr &expr) {
    auto value = run(expr.operands[0]);
    if (!value)
      return std::nullopt;
    if (auto *items = std::get_if<std::shared_ptr<const ValueList>>(&*value))
      return Value(int64_t((*items)->items.size()));
    if (auto *table = std::get_if<const Table *>(&*value))
      return Value(int64_t((*table)->rows.size()));
    return fail(expr.operands[0], "expected a list or a table, but got " + formatValue(*value));
  }
  std::optional<Value> index(const Expr &expr) {
    auto value = run(expr.operands[0]), at = value ? number(expr.operands[1]) : std::nullopt;
    if (!at)
      return std::nullopt;
    auto *items = std::get_if<std::shared_ptr<const ValueList>>(&*value);
    auto *table = std::get_if<const Table *>(&*value);
    if (!items && !table)
      return fail(expr.operands[0], "expected a list or a table, but got " + formatValue(*value));
    int64_t count = items ? (*items)->items.size() : (*table)->rows.size();
    auto *number = std::get_if<int64_t>(&*at);
    if (!number || *number < 1 || *number > count)
      return fail(expr.operands[1],
                  "expected an index of 1 to " + llvm::Twine(count) + ", but got " + formatValue(*at));
    return items ? (*items)->items[*number - 1] : Value(&(*table)->rows[*number - 1]);
  }
  std::optional<Value> member(const Expr &expr) {
    auto value = run(expr.operands[0]);
    if (!value)
      return std::nullopt;
    auto *row = std::get_if<const Row *>(&*value);
    if (!row)
      return fail(expr, "expected a row, but got " + formatValue(*value));
    auto entry = (*row)->entries.find(expr.name);
    if (entry != (*row)->entries.end())
      return std::visit([](auto number) { return Value(number); }, entry->second);
    std::vector<std::string> columns;
    for (const auto &[name, number] : (*row)->entries)
      columns.push_back(name);
    return fail(expr,
                "unknown column '" + expr.name + "' of row '" + (*row)->name + "'" + suggestion(expr.name, columns));
  }
  /// What is not chosen is not evaluated, and a row may be chosen.
  std::optional<Value> select(const Expr &expr) {
    auto condition = number(expr.operands[0]);
    return condition ? run(expr.operands[asReal(*condition) != 0 ? 1 : 2]) : std::nullopt;
  }
  std::nullopt_t fail(const Expr &expr, const llvm::Twine &message) {
    diagnostics.error(expr.range, message);
    return std::nullopt;
  }
  std::optional<Value> finite(const Expr &expr, double value) {
    if (!std::isfinite(value))
      return fail(expr, "the value is too large");
    return Value(value);
  }

  std::optional<Value> apply(const Expr &expr, ExprKind kind, const Value &a, const Value &b) {
    bool divides = kind == ExprKind::Divide || kind == ExprKind::FloorDivide || kind == ExprKind::Remainder;
    if (divides && asReal(b) == 0)
      return fail(expr, "division by zero");
    auto *left = std::get_if<int64_t>(&a), *right = std::get_if<int64_t>(&b);
    if (isComparison(kind)) // of two integers exactly: a double has 53 bits
      return Value(int64_t(left && right ? compare(kind, *left, *right) : compare(kind, asReal(a), asReal(b))));
    if (!left || !right || kind == ExprKind::Divide)
      return finite(expr, realOperation(kind, asReal(a), asReal(b)));
    if (auto result = integerOperation(kind, *left, *right))
      return Value(*result);
    return fail(expr, "the value does not fit 64 bits");
  }

  std::optional<Value> call(const Expr &expr, llvm::ArrayRef<Value> operands) {
    if (expr.name == "min" || expr.name == "max") {
      Value best = operands[0];
      for (const Value &value : operands.drop_front())
        if (expr.name == "min" ? less(value, best) : less(best, value))
          best = value;
      return best;
    }
    if (expr.name == "round_to") {
      auto *step = std::get_if<int64_t>(&operands[1]);
      if (!step || *step < 1)
        return fail(expr.operands[1],
                    "expected an integer of at least 1 to round to, but got " + formatValue(operands[1]));
      double rounded = roundToMultiple(asReal(operands[0]), double(*step));
      if (!(rounded < 9.0e18))
        return fail(expr, "the value does not fit 64 bits");
      return Value(static_cast<int64_t>(rounded));
    }
    if (std::holds_alternative<int64_t>(operands[0]))
      return operands[0];
    double value = asReal(operands[0]);
    value = expr.name == "round" ? std::round(value) : expr.name == "floor" ? std::floor(value) : std::ceil(value);
    if (!(std::abs(value) < 9.0e18))
      return fail(expr, "the value does not fit 64 bits");
    return Value(static_cast<int64_t>(value));
  }

  const Scope &scope;
  Diagnostics &diagnostics;
};

} // namespace

std::optional<Value> evaluate(const Expr &expr, const Scope &scope, Diagnostics &diagnostics) {
  return Evaluator(scope, diagnostics).run(expr);
}

double roundToMultiple(double number, double step) { return std::max(std::round(number / step), 1.0) * step; }

bool isCondition(const Expr &expr) {
  return isComparison(expr.kind) || expr.kind == ExprKind::And || expr.kind == ExprKind::Or ||
         expr.kind == ExprKind::Not;
}

std::string formatValue(const Value &value) {
  if (auto *integer = std::get_if<int64_t>(&value))
    return std::to_string(*integer);
  if (auto *row = std::get_if<const Row *>(&value))
    return "the row '" + (*row)->name + "'";
  if (auto *table = std::get_if<const Table *>(&value))
    return "the table '" + (*table)->name.text + "'";
  if (auto *block = std::get_if<const BlockDef *>(&value))
    return "the block '" + (*block)->name.text + "'";
  if (auto *word = std::get_if<std::string>(&value))
    return "the activation '" + *word + "'";
  if (auto *list = std::get_if<std::shared_ptr<const ValueList>>(&value))
    return "a list of " + std::to_string((*list)->items.size());
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", std::get<double>(value));
  return text;
}

} // namespace incept
