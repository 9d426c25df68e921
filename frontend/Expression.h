// SPDX-License-Identifier: Apache-2.0
//
// Integer and real expressions over parameters, the shape of a block's input and rows of tables. An expression is
// parsed once and evaluated for each use of its block; every step is checked, so that no text can overflow or crash.
#pragma once

#include "frontend/Diagnostics.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <map>
#include <variant>

namespace incept {

enum class ExprKind {
  Integer,
  Real,
  Name,
  Negate,
  Add,
  Subtract,
  Multiply,
  Divide,
  FloorDivide,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  Call
};

/// A node; its operands are owned. `name` is a dotted path or the called function.
struct Expr {
  ExprKind kind = ExprKind::Integer;
  SourceRange range;
  int64_t integer = 0;
  double real = 0;
  std::string name;
  std::vector<Expr> operands;
};

/// A row of a table: named numbers.
struct Row;
using Number = std::variant<int64_t, double>;
using Value = std::variant<int64_t, double, const Row *>;

struct Row {
  std::string name;
  std::map<std::string, Number> entries;
};

/// What names mean where an expression stands.
class Scope {
public:
  virtual ~Scope() = default;
  /// The value of a dotted name. Reports a mistake and returns nothing where there is none; returns nothing without a
  /// report where the value depends on something that has been reported.
  virtual std::optional<Value> lookup(const Expr &name, Diagnostics &diagnostics) const = 0;
};

/// Parses `text`, whose first byte is at `range`; reports mistakes with their own place.
///   expr := sum (('==' | '!=' | '<' | '<=' | '>' | '>=') sum)?
///   sum := product (('+' | '-') product)*     product := unary (('*' | '/' | '//') unary)*
///   unary := '-' unary | number | name ('.' name)* | function '(' expr (',' expr)* ')' | '(' expr ')'
/// Functions: min, max, round, floor, ceil, select. '/' gives a real; '//' rounds down; round, floor and ceil give
/// integers; comparisons give 1 or 0; select(c, a, b) is a where c is not 0, else b, and evaluates only that one.
std::optional<Expr> parseExpression(llvm::StringRef text, SourceRange range, Diagnostics &diagnostics);

/// The value of `expr`, or nothing (a mistake has been reported, see Scope::lookup).
std::optional<Value> evaluate(const Expr &expr, const Scope &scope, Diagnostics &diagnostics);

/// "42", "0.5" or "the row 'x'".
std::string formatValue(const Value &value);

} // namespace incept
