// SPDX-License-Identifier: Apache-2.0
//
// Expressions as text.

#include "frontend/SpecWriter.h"

#include <charconv>

namespace incept {

namespace {

/// How tightly a form binds, in the order of the grammar.
enum Level { kRange, kChoice, kOr, kAnd, kNot, kComparison, kSum, kProduct, kUnary, kPostfix };

Level levelOf(const Expr &expr) {
  switch (expr.kind) {
  case ExprKind::Range:
    return kRange;
  case ExprKind::Call:
    return expr.name == "select" ? kChoice : kPostfix;
  case ExprKind::Or:
    return kOr;
  case ExprKind::And:
    return kAnd;
  case ExprKind::Not:
    return kNot;
  case ExprKind::Equal:
  case ExprKind::NotEqual:
  case ExprKind::Less:
  case ExprKind::LessEqual:
  case ExprKind::Greater:
  case ExprKind::GreaterEqual:
    return kComparison;
  case ExprKind::Add:
  case ExprKind::Subtract:
    return kSum;
  case ExprKind::Multiply:
  case ExprKind::Divide:
  case ExprKind::FloorDivide:
  case ExprKind::Remainder:
    return kProduct;
  case ExprKind::Negate:
    return kUnary;
  case ExprKind::Integer:
    return expr.integer < 0 ? kUnary : kPostfix;
  case ExprKind::Real:
    return expr.real < 0 ? kUnary : kPostfix;
  default:
    return kPostfix;
  }
}

llvm::StringRef symbolOf(ExprKind kind, bool json) {
  switch (kind) {
  case ExprKind::Add:
    return "+";
  case ExprKind::Subtract:
    return "-";
  case ExprKind::Multiply:
    return "*";
  case ExprKind::Divide:
    return "/";
  case ExprKind::FloorDivide:
    return json ? "//" : "div";
  case ExprKind::Remainder:
    return "%";
  case ExprKind::Equal:
    return "==";
  case ExprKind::NotEqual:
    return "!=";
  case ExprKind::Less:
    return "<";
  case ExprKind::LessEqual:
    return "<=";
  case ExprKind::Greater:
    return ">";
  case ExprKind::GreaterEqual:
    return ">=";
  case ExprKind::And:
    return "and";
  case ExprKind::Or:
    return "or";
  default:
    return "..";
  }
}

std::string print(const Expr &expr, bool json, Level least);

std::string printItems(const std::vector<Expr> &items, bool json) {
  std::string text;
  for (const Expr &item : items)
    text += (text.empty() ? "" : ", ") + print(item, json, kChoice);
  return text;
}

std::string printReal(const Expr &expr) {
  if (!expr.name.empty())
    return expr.name;
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), expr.real).ptr;
  std::string text(buffer, end);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string printForm(const Expr &expr, bool json, Level level) {
  auto operand = [&](size_t index, int least) { return print(expr.operands[index], json, static_cast<Level>(least)); };
  switch (expr.kind) {
  case ExprKind::Integer:
    return expr.name.empty() ? std::to_string(expr.integer) : expr.name;
  case ExprKind::Real:
    return printReal(expr);
  case ExprKind::Name:
    return expr.name;
  case ExprKind::Negate:
    return "-" + operand(0, kUnary);
  case ExprKind::Not:
    return "not " + operand(0, kNot);
  case ExprKind::List:
    return "[" + printItems(expr.operands, json) + "]";
  case ExprKind::Index:
    return operand(0, kPostfix) + "[" + operand(1, kChoice) + "]";
  case ExprKind::Member:
    return operand(0, kPostfix) + "." + expr.name;
  case ExprKind::Call:
    if (expr.name == "select")
      return operand(0, kOr) + " ? " + operand(1, kChoice) + " : " + operand(2, kChoice);
    return expr.name + "(" + printItems(expr.operands, json) + ")";
  case ExprKind::Range:
    return operand(0, kChoice) + ".." + operand(1, kChoice);
  default: // comparisons do not associate, the others do to the left
    return operand(0, level == kComparison ? kSum : level) + " " + symbolOf(expr.kind, json).str() + " " +
           operand(1, level + 1);
  }
}

std::string print(const Expr &expr, bool json, Level least) {
  Level level = levelOf(expr);
  std::string text = printForm(expr, json, level);
  return level < least ? "(" + text + ")" : text;
}

} // namespace

std::string formatExpr(const Expr &expr, bool json) { return print(expr, json, kRange); }

std::string formatPrimary(const Expr &expr) { return print(expr, /*json=*/false, kPostfix); }

std::string formatSide(const Expr &expr) { return print(expr, /*json=*/false, kSum); }

} // namespace incept
