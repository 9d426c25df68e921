// SPDX-License-Identifier: Apache-2.0
//
// Expressions as text: what is printed is read as the same, and no parentheses could be left out.

#include "frontend/SpecWriter.h"

#include <array>
#include <gtest/gtest.h>

using namespace incept;

namespace {

std::optional<Expr> read(const std::string &text) {
  SourceFiles files;
  Diagnostics diagnostics(files);
  uint32_t file = files.add("f", llvm::MemoryBuffer::getMemBufferCopy(text));
  return parseExpression(text, files.range(file, 0, text.size()), diagnostics);
}

/// The tree, with all that an expression has.
std::string tree(const std::optional<Expr> &expr) {
  if (!expr)
    return "none";
  std::string text = "(" + std::to_string(int(expr->kind)) + " " + expr->name + " " + std::to_string(expr->integer) +
                     " " + std::to_string(expr->real);
  for (const Expr &operand : expr->operands)
    text += " " + tree(operand);
  return text + ")";
}

/// `text` without its `count`th pair of parentheses that is no call's; empty where it has none.
std::string withoutPair(const std::string &text, int count) {
  for (size_t open = 0; open < text.size(); ++open) {
    if (text[open] != '(' || (open > 0 && isalpha(text[open - 1])) || count-- > 0)
      continue;
    size_t close = open;
    for (int depth = 0; close < text.size(); ++close) {
      depth += text[close] == '(' ? 1 : text[close] == ')' ? -1 : 0;
      if (depth == 0)
        break;
    }
    return text.substr(0, open) + text.substr(open + 1, close - open - 1) + text.substr(close + 1);
  }
  return "";
}

/// Forms with one place for an operand, `$`; others have names.
const std::vector<std::string> kForms = {
    "$ + b",     "a + $",    "$ - b",   "a - $",   "$ * b",  "a * $",  "$ / b",          "a / $",     "$ // b",
    "a // $",    "$ % b",    "a % $",   "-$",      "not $",  "$ == b", "a == $",         "$ != b",    "a <= $",
    "$ < b",     "a > $",    "$ and b", "a and $", "$ or b", "a or $", "$ ? b : c",      "a ? $ : c", "a ? b : $",
    "min($, b)", "floor($)", "[$, b]",  "a[$]",    "$[1]",   "$[1].k", "round_to($, 8)", "a.b + $",   "$ >= 2.50"};

std::string fill(const std::string &form, const std::string &operand) {
  size_t at = form.find('$');
  return form.substr(0, at) + operand + form.substr(at + 1);
}

} // namespace

TEST(FormatExpr, EveryFormInEveryOther) {
  std::vector<std::string> inner = {"7", "2.50", "a.b", "true", "x1"};
  for (const std::string &form : kForms)
    inner.push_back(fill(form, "a"));
  int count = 0;
  for (const std::string &form : kForms)
    for (const std::string &operand : inner) {
      if (isdigit(operand[0]) && operand.size() < 5 && form.compare(0, 2, "$[") == 0)
        continue; // a number has no items
      std::string text = fill(form, "(" + operand + ")");
      auto expr = read(text);
      ASSERT_TRUE(expr) << text;
      std::string printed = formatExpr(*expr, /*json=*/true);
      EXPECT_EQ(tree(read(printed)), tree(expr)) << text << " is printed as " << printed;
      EXPECT_EQ(tree(read(formatExpr(*expr, /*json=*/false))), tree(expr)) << text;
      for (int pair = 0; !withoutPair(printed, pair).empty(); ++pair)
        EXPECT_NE(tree(read(withoutPair(printed, pair))), tree(expr)) << printed;
      ++count;
    }
  EXPECT_EQ(count, int(kForms.size() * (kForms.size() + 5)) - 4);
}

// Spaces stand around what has two operands; the text form has `div` for //, which begins its comments.
TEST(FormatExpr, Spelling) {
  for (auto [text, json, plain] : std::initializer_list<std::array<const char *, 3>>{
           {"a+b-c", "a + b - c", "a + b - c"},
           {"a*b/c%d", "a * b / c % d", "a * b / c % d"},
           {"a//b", "a // b", "a div b"},
           {"a div(b)", "a // b", "a div b"},
           {"- -a", "--a", "--a"},
           {"not not a", "not not a", "not not a"},
           {"a==b", "a == b", "a == b"},
           {"a!=b", "a != b", "a != b"},
           {"a<b", "a < b", "a < b"},
           {"a<=b", "a <= b", "a <= b"},
           {"a>b", "a > b", "a > b"},
           {"a>=b", "a >= b", "a >= b"},
           {"a and b or c", "a and b or c", "a and b or c"},
           {"a?b:c?d:e", "a ? b : c ? d : e", "a ? b : c ? d : e"},
           {"select(a,b,c)", "a ? b : c", "a ? b : c"},
           {"1..n+1", "1..n + 1", "1..n + 1"},
           {"(1)..(n?2:3)", "1..n ? 2 : 3", "1..n ? 2 : 3"},
           {"max(a,b , 3)", "max(a, b, 3)", "max(a, b, 3)"},
           {"[a,[1,2][1],[]]", "[a, [1, 2][1], []]", "[a, [1, 2][1], []]"},
           {"t [ 1 ] . k", "t[1].k", "t[1].k"},
           {"true", "true", "true"},
           {"010", "10", "10"},
           {"1E5", "1E5", "1E5"}}) {
    auto expr = read(text);
    ASSERT_TRUE(expr) << text;
    EXPECT_EQ(formatExpr(*expr, /*json=*/true), json);
    EXPECT_EQ(formatExpr(*expr, /*json=*/false), plain);
  }
}

// Before '*' and an op stands what binds like a name; beside the 'x' of a pair what binds like a sum.
TEST(FormatExpr, RepeatsAndSides) {
  for (auto [text, primary, side] :
       std::initializer_list<std::array<const char *, 3>>{{"a", "a", "a"},
                                                          {"a.b", "a.b", "a.b"},
                                                          {"t[1].k", "t[1].k", "t[1].k"},
                                                          {"min(a, b)", "min(a, b)", "min(a, b)"},
                                                          {"-a", "(-a)", "-a"},
                                                          {"a * b", "(a * b)", "a * b"},
                                                          {"a + b", "(a + b)", "a + b"},
                                                          {"a == b", "(a == b)", "(a == b)"},
                                                          {"not a", "(not a)", "(not a)"},
                                                          {"a and b", "(a and b)", "(a and b)"},
                                                          {"a or b", "(a or b)", "(a or b)"},
                                                          {"a ? b : c", "(a ? b : c)", "(a ? b : c)"}}) {
    EXPECT_EQ(formatPrimary(*read(text)), primary);
    EXPECT_EQ(formatSide(*read(text)), side);
  }
}

// Numbers that no text had: negative ones bind like what '-' stands before, reals look like reals.
TEST(FormatExpr, Numbers) {
  auto number = [](double real) {
    Expr expr;
    expr.kind = ExprKind::Real;
    expr.real = real;
    return expr;
  };
  Expr negative;
  negative.integer = -3;
  EXPECT_EQ(formatPrimary(negative), "(-3)");
  EXPECT_EQ(formatSide(negative), "-3");
  EXPECT_EQ(formatPrimary(number(-0.5)), "(-0.5)");
  EXPECT_EQ(formatPrimary(number(0)), "0.0");
  EXPECT_EQ(formatPrimary(number(3)), "3.0");
  EXPECT_EQ(formatPrimary(number(1e30)), "1e+30");
  EXPECT_EQ(formatPrimary(number(0.1)), "0.1");
  EXPECT_EQ(formatPrimary(number(-1e-7)), "(-1e-07)");
}

TEST(FormatExpr, Values) {
  Table table;
  table.name.text = "t";
  BlockDef block;
  block.name.text = "b";
  Row row{"t.r", {}};
  ValueList list;
  list.items = {Value(int64_t(1)), Value(2.0)};
  EXPECT_EQ(formatValue(Value(int64_t(-7))), "-7");
  EXPECT_EQ(formatValue(Value(2.50)), "2.5");
  EXPECT_EQ(formatValue(Value(1e-6)), "1e-06");
  EXPECT_EQ(formatValue(Value(&row)), "the row 't.r'");
  EXPECT_EQ(formatValue(Value(static_cast<const Table *>(&table))), "the table 't'");
  EXPECT_EQ(formatValue(Value(static_cast<const BlockDef *>(&block))), "the block 'b'");
  EXPECT_EQ(formatValue(Value(std::string("gelu"))), "the activation 'gelu'");
  EXPECT_EQ(formatValue(Value(std::make_shared<const ValueList>(list))), "a list of 2");
}
