// SPDX-License-Identifier: Apache-2.0

#include "frontend/Expression.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <limits>

namespace incept {

namespace {

/// Bounds on one expression: recursion, memory and time stay small whatever the text.
constexpr int kMaxDepth = 32;
constexpr int kMaxNodes = 256;

const std::vector<std::string> kFunctions = {"min", "max", "round", "floor", "ceil", "select"};

class Parser {
public:
  Parser(llvm::StringRef text, SourceRange range, Diagnostics &diagnostics)
      : text(text), start(range), diagnostics(diagnostics) {}

  std::optional<Expr> run() {
    auto result = parseComparison(0);
    if (!result)
      return std::nullopt;
    skipSpace();
    if (at < text.size())
      return fail(at, 1, "expected an operator, but got '" + text.substr(at, 1) + "'");
    return result;
  }

private:
  SourceRange place(size_t offset, size_t length) const {
    SourceRange range = start;
    range.column += offset;
    range.length = std::max<size_t>(length, 1);
    return range;
  }
  std::nullopt_t fail(size_t offset, size_t length, const llvm::Twine &message) {
    diagnostics.error(place(offset, length), message);
    return std::nullopt;
  }
  void skipSpace() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t'))
      ++at;
  }
  bool accept(llvm::StringRef token) {
    skipSpace();
    if (!text.substr(at).starts_with(token))
      return false;
    at += token.size();
    return true;
  }
  /// A node over `operands`, from `offset` to here.
  std::optional<Expr> make(ExprKind kind, size_t offset, std::vector<Expr> operands = {}) {
    if (++nodes > kMaxNodes)
      return fail(offset, at - offset, "expected an expression of at most " + llvm::Twine(kMaxNodes) + " terms");
    Expr expr;
    expr.kind = kind;
    expr.range = place(offset, at - offset);
    expr.operands = std::move(operands);
    return expr;
  }

  std::optional<Expr> parseBinary(int depth, llvm::ArrayRef<std::pair<llvm::StringRef, ExprKind>> operators,
                                  std::optional<Expr> (Parser::*next)(int)) {
    skipSpace();
    size_t offset = at;
    auto left = (this->*next)(depth);
    while (left) {
      ExprKind kind = ExprKind::Integer;
      for (auto [token, candidate] : operators)
        if (accept(token)) {
          kind = candidate;
          break;
        }
      if (kind == ExprKind::Integer)
        return left;
      auto right = (this->*next)(depth);
      if (!right)
        return std::nullopt;
      std::vector<Expr> operands;
      operands.push_back(std::move(*left));
      operands.push_back(std::move(*right));
      left = make(kind, offset, std::move(operands));
    }
    return std::nullopt;
  }
  std::optional<Expr> parseComparison(int depth) {
    static constexpr std::pair<llvm::StringRef, ExprKind> kOperators[] = {
        {"==", ExprKind::Equal},        {"!=", ExprKind::NotEqual}, {"<=", ExprKind::LessEqual},
        {">=", ExprKind::GreaterEqual}, {"<", ExprKind::Less},      {">", ExprKind::Greater}};
    skipSpace();
    size_t offset = at;
    auto left = parseSum(depth);
    if (!left)
      return std::nullopt;
    for (auto [token, kind] : kOperators) {
      if (!accept(token))
        continue;
      auto right = parseSum(depth);
      if (!right)
        return std::nullopt;
      std::vector<Expr> operands;
      operands.push_back(std::move(*left));
      operands.push_back(std::move(*right));
      return make(kind, offset, std::move(operands));
    }
    return left;
  }
  std::optional<Expr> parseSum(int depth) {
    if (depth > kMaxDepth)
      return fail(at, 1, "expected parentheses nested at most " + llvm::Twine(kMaxDepth) + " deep");
    return parseBinary(depth, {{"+", ExprKind::Add}, {"-", ExprKind::Subtract}}, &Parser::parseProduct);
  }
  std::optional<Expr> parseProduct(int depth) {
    return parseBinary(depth, {{"*", ExprKind::Multiply}, {"//", ExprKind::FloorDivide}, {"/", ExprKind::Divide}},
                       &Parser::parseUnary);
  }
  std::optional<Expr> parseUnary(int depth) {
    if (depth > kMaxDepth)
      return fail(at, 1, "expected operators nested at most " + llvm::Twine(kMaxDepth) + " deep");
    skipSpace();
    size_t offset = at;
    if (accept("-")) {
      auto operand = parseUnary(depth + 1);
      if (!operand)
        return std::nullopt;
      std::vector<Expr> operands;
      operands.push_back(std::move(*operand));
      return make(ExprKind::Negate, offset, std::move(operands));
    }
    if (accept("(")) {
      auto inner = parseComparison(depth + 1);
      if (inner && !accept(")"))
        return fail(at, 1, "expected ')'");
      return inner;
    }
    if (at < text.size() && (llvm::isDigit(text[at]) || text[at] == '.'))
      return parseNumber();
    if (at < text.size() && (llvm::isAlpha(text[at]) || text[at] == '_'))
      return parseName(depth);
    if (at >= text.size())
      return fail(at, 1, "expected a number or a name, but the expression ends");
    return fail(at, 1, "expected a number or a name, but got '" + text.substr(at, 1) + "'");
  }
  std::optional<Expr> parseNumber() {
    size_t offset = at;
    while (at < text.size() && (llvm::isAlnum(text[at]) || text[at] == '.' ||
                                ((text[at] == '+' || text[at] == '-') && (text[at - 1] == 'e' || text[at - 1] == 'E'))))
      ++at;
    llvm::StringRef lexeme = text.slice(offset, at);
    int64_t integer;
    double real;
    if (!lexeme.getAsInteger(10, integer)) {
      auto expr = make(ExprKind::Integer, offset);
      if (expr)
        expr->integer = integer;
      return expr;
    }
    // LLVM takes an exponent without digits for zero.
    bool cut = !llvm::isDigit(lexeme.back()) && lexeme.back() != '.';
    if (cut || lexeme.contains('x') || lexeme.contains('X') || lexeme.getAsDouble(real, /*AllowInexact=*/true) ||
        !std::isfinite(real))
      return fail(offset, lexeme.size(), "expected a number, but got '" + lexeme + "'");
    auto expr = make(ExprKind::Real, offset);
    if (expr)
      expr->real = real;
    return expr;
  }
  std::optional<Expr> parseName(int depth) {
    size_t offset = at;
    while (at < text.size() && (llvm::isAlnum(text[at]) || text[at] == '_' || text[at] == '.'))
      ++at;
    llvm::StringRef name = text.slice(offset, at);
    if (!accept("(")) {
      at = offset + name.size();
      auto expr = make(ExprKind::Name, offset);
      if (expr)
        expr->name = name.str();
      return expr;
    }
    if (!llvm::is_contained(kFunctions, name))
      return fail(offset, name.size(), "unknown function '" + name + "'" + suggestion(name, kFunctions));
    std::vector<Expr> arguments;
    do {
      auto argument = parseComparison(depth + 1);
      if (!argument)
        return std::nullopt;
      arguments.push_back(std::move(*argument));
    } while (accept(","));
    if (!accept(")"))
      return fail(at, 1, "expected ',' or ')'");
    bool variadic = name == "min" || name == "max";
    size_t expected = name == "select" ? 3 : 1;
    if (!variadic && arguments.size() != expected)
      return fail(offset, at - offset,
                  "expected " + llvm::Twine(expected == 1 ? "one argument" : "three arguments") + " of " + name +
                      ", but got " + llvm::Twine(arguments.size()));
    auto expr = make(ExprKind::Call, offset, std::move(arguments));
    if (expr)
      expr->name = name.str();
    return expr;
  }

  llvm::StringRef text;
  SourceRange start;
  Diagnostics &diagnostics;
  size_t at = 0;
  int nodes = 0;
};

double asReal(const Value &value) {
  if (auto *integer = std::get_if<int64_t>(&value))
    return static_cast<double>(*integer);
  return std::get<double>(value);
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
    std::vector<Value> operands;
    for (const Expr &operand : expr.operands) {
      auto value = number(operand);
      if (!value)
        return std::nullopt;
      operands.push_back(*value);
    }
    if (expr.kind == ExprKind::Negate)
      return apply(expr, ExprKind::Subtract, Value(int64_t(0)), operands[0]);
    if (expr.kind == ExprKind::Call)
      return call(expr, operands);
    return apply(expr, expr.kind, operands[0], operands[1]);
  }

private:
  std::optional<Value> number(const Expr &expr) {
    auto value = run(expr);
    if (value && std::holds_alternative<const Row *>(*value))
      return fail(expr, "expected a number, but got " + formatValue(*value));
    return value;
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
    bool divides = kind == ExprKind::Divide || kind == ExprKind::FloorDivide;
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

std::optional<Expr> parseExpression(llvm::StringRef text, SourceRange range, Diagnostics &diagnostics) {
  return Parser(text, range, diagnostics).run();
}

std::optional<Value> evaluate(const Expr &expr, const Scope &scope, Diagnostics &diagnostics) {
  return Evaluator(scope, diagnostics).run(expr);
}

std::string formatValue(const Value &value) {
  if (auto *integer = std::get_if<int64_t>(&value))
    return std::to_string(*integer);
  if (auto *row = std::get_if<const Row *>(&value))
    return "the row '" + (*row)->name + "'";
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", std::get<double>(value));
  return text;
}

} // namespace incept
