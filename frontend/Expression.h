// SPDX-License-Identifier: Apache-2.0
//
// Expressions over parameters, the shape of a block's input, tables and lists. An expression is parsed once and
// evaluated for each use of its block; every step is checked, so that no text can overflow or crash.
#pragma once

#include "frontend/Diagnostics.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <map>
#include <variant>

namespace incept {

/// Of a block, value, parameter, column or label.
inline constexpr size_t kMaxNameLength = 64;

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
  Remainder,
  And,
  Or,
  Not,
  List,   ///< [a, b, ...]
  Range,  ///< a..b, both ends included: a list of integers
  Index,  ///< a[i], counted from 1
  Member, ///< a[i].name
  Call
};

/// A node; its operands are owned. `name` is a dotted path, the called function or the member; of a Real it is the
/// number as it was written, of an Integer "true" or "false" where that was written.
struct Expr {
  ExprKind kind = ExprKind::Integer;
  SourceRange range;
  int64_t integer = 0;
  double real = 0;
  std::string name;
  std::vector<Expr> operands;
};

struct Row;
struct Table;
struct BlockDef;
struct ValueList;
using Number = std::variant<int64_t, double>;
/// An integer (truth is 1 or 0), a real, a row, a table, a block, a list, or the word of an activation.
using Value = std::variant<int64_t, double, const Row *, const Table *, const BlockDef *,
                           std::shared_ptr<const ValueList>, std::string>;

struct ValueList {
  std::vector<Value> items;
  int64_t total = 0; ///< items, those of lists in it included
};

/// A row of a table: named numbers.
struct Row {
  std::string name; ///< with the table's: "table1.inception_v4"; a row without a name has its number
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

/// Parses `text`, a string of JSON whose first byte is at `range`; reports mistakes with their own place.
///   expr := choice ('..' choice)?             choice := or ('?' choice ':' choice)?
///   or := and ('or' and)*   and := not ('and' not)*   not := 'not' not | comparison
///   comparison := sum (('==' | '!=' | '<' | '<=' | '>' | '>=') sum)?
///   sum := product (('+' | '-') product)*     product := unary (('*' | '/' | '//' | 'div' | '%') unary)*
///   unary := '-' unary | primary (('[' expr ']') | '.' name)*
///   primary := number | name ('.' name)* | function '(' expr (',' expr)* ')' | '(' expr ')' | '[' (expr (',' expr)*)?
///   ']'
/// Functions: min, max, round, floor, ceil, select, round_to, len. '/' gives a real; '//' and 'div' round down, '%' is
/// what is left then; round, floor and ceil give integers; comparisons, and, or, not give 1 or 0; select(c, a, b), also
/// written c ? a : b, is a where c is not 0, else b, and evaluates only that one; round_to(a, m) is the multiple of m
/// that is nearest, at least m. The text form has 'div' only: there, '//' begins a comment.
std::optional<Expr> parseExpression(llvm::StringRef text, SourceRange range, Diagnostics &diagnostics);

/// The value of `expr`, or nothing (a mistake has been reported, see Scope::lookup).
std::optional<Value> evaluate(const Expr &expr, const Scope &scope, Diagnostics &diagnostics);

/// `filters * factor` as layers are scaled: the multiple of `step` that is nearest (halves away from zero), at least
/// one.
double roundToMultiple(double number, double step);

/// True where `expr` is 1 or 0 by its form: a comparison, and, or, not.
bool isCondition(const Expr &expr);

/// "42", "0.5", "the row 'x'", "the list [1, 2]".
std::string formatValue(const Value &value);

/// The text of an expression, with no more parentheses than it needs. `json` writes '//' for 'div'.
std::string formatExpr(const Expr &expr, bool json);

} // namespace incept
