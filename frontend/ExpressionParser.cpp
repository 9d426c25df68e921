// SPDX-License-Identifier: Apache-2.0
//
// Expressions of both forms. Recursion, memory and time are bounded whatever the text.

#include "frontend/Cursor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

namespace incept {

static constexpr int kMaxDepth = 32;
static constexpr int kMaxNodes = 256;

static const std::vector<std::string> kFunctions = {"min",  "max",    "round",    "floor",
                                                    "ceil", "select", "round_to", "len"};

static std::vector<Expr> pack(std::optional<Expr> a, std::optional<Expr> b = std::nullopt,
                              std::optional<Expr> c = std::nullopt) {
  std::vector<Expr> operands;
  for (std::optional<Expr> *expr : {&a, &b, &c})
    if (*expr)
      operands.push_back(std::move(**expr));
  return operands;
}

std::optional<Expr> ExpressionParser::parse() { return parseRange(0); }

std::optional<Expr> ExpressionParser::parsePrimary() { return parsePostfix(0); }

/// A node over `operands`, from `offset` to here.
std::optional<Expr> ExpressionParser::make(ExprKind kind, size_t offset, std::vector<Expr> operands) {
  size_t length = cursor.lastEnd() > offset ? cursor.lastEnd() - offset : 1;
  if (++nodes > kMaxNodes)
    return cursor.fail(offset, length, "expected an expression of at most " + llvm::Twine(kMaxNodes) + " terms");
  Expr expr;
  expr.kind = kind;
  expr.range = cursor.place(offset, length);
  expr.operands = std::move(operands);
  return expr;
}

/// Passes an operator: a word, or punctuation that is not the beginning of another token.
bool ExpressionParser::acceptOperator(llvm::StringRef token) {
  if (llvm::isAlpha(token[0]))
    return cursor.acceptWord(token);
  cursor.skipSpace();
  if (token == "//" && cursor.textForm)
    return false;
  if (token == "-" && cursor.peek(1) == '>') // the arrow between ops
    return false;
  return cursor.accept(token);
}

std::optional<Expr> ExpressionParser::parseBinary(int depth, Operators operators,
                                                  std::optional<Expr> (ExpressionParser::*next)(int), bool once) {
  cursor.skipSpace();
  size_t offset = cursor.at;
  auto left = (this->*next)(depth);
  while (left) {
    auto found = llvm::find_if(operators, [&](auto &entry) { return acceptOperator(entry.first); });
    if (found == operators.end())
      return left;
    auto right = (this->*next)(depth);
    if (!right)
      return std::nullopt;
    left = make(found->second, offset, pack(std::move(left), std::move(right)));
    if (once)
      return left;
  }
  return std::nullopt;
}

std::optional<Expr> ExpressionParser::parseRange(int depth) {
  return parseBinary(depth, {{"..", ExprKind::Range}}, &ExpressionParser::parseChoice, /*once=*/true);
}

std::optional<Expr> ExpressionParser::parseChoice(int depth) {
  if (depth > kMaxDepth)
    return cursor.fail(cursor.at, 1, "expected parentheses nested at most " + llvm::Twine(kMaxDepth) + " deep");
  cursor.skipSpace();
  size_t offset = cursor.at;
  auto condition = parseOr(depth);
  if (!condition || !cursor.accept("?"))
    return condition;
  auto yes = parseChoice(depth + 1);
  if (!yes)
    return std::nullopt;
  if (!cursor.accept(":"))
    return cursor.failHere("expected ':' of a choice");
  auto no = parseChoice(depth + 1);
  if (!no)
    return std::nullopt;
  auto expr = make(ExprKind::Call, offset, pack(std::move(condition), std::move(yes), std::move(no)));
  if (expr)
    expr->name = "select";
  return expr;
}

std::optional<Expr> ExpressionParser::parseOr(int depth) {
  return parseBinary(depth, {{"or", ExprKind::Or}}, &ExpressionParser::parseAnd);
}

std::optional<Expr> ExpressionParser::parseAnd(int depth) {
  return parseBinary(depth, {{"and", ExprKind::And}}, &ExpressionParser::parseNot);
}

std::optional<Expr> ExpressionParser::parseNot(int depth) {
  if (depth > kMaxDepth)
    return cursor.fail(cursor.at, 1, "expected operators nested at most " + llvm::Twine(kMaxDepth) + " deep");
  cursor.skipSpace();
  size_t offset = cursor.at;
  if (!cursor.acceptWord("not"))
    return parseComparison(depth);
  auto operand = parseNot(depth + 1);
  return operand ? make(ExprKind::Not, offset, pack(std::move(operand))) : std::nullopt;
}

std::optional<Expr> ExpressionParser::parseComparison(int depth) {
  static constexpr std::pair<llvm::StringRef, ExprKind> kOperators[] = {
      {"==", ExprKind::Equal},        {"!=", ExprKind::NotEqual}, {"<=", ExprKind::LessEqual},
      {">=", ExprKind::GreaterEqual}, {"<", ExprKind::Less},      {">", ExprKind::Greater}};
  return parseBinary(depth, kOperators, &ExpressionParser::parseSum, /*once=*/true);
}

std::optional<Expr> ExpressionParser::parseSum(int depth) {
  static constexpr std::pair<llvm::StringRef, ExprKind> kOperators[] = {{"+", ExprKind::Add},
                                                                        {"-", ExprKind::Subtract}};
  return parseBinary(depth, kOperators, &ExpressionParser::parseProduct);
}

std::optional<Expr> ExpressionParser::parseProduct(int depth) {
  static constexpr std::pair<llvm::StringRef, ExprKind> kOperators[] = {{"*", ExprKind::Multiply},
                                                                        {"//", ExprKind::FloorDivide},
                                                                        {"div", ExprKind::FloorDivide},
                                                                        {"/", ExprKind::Divide},
                                                                        {"%", ExprKind::Remainder}};
  return parseBinary(depth, kOperators, &ExpressionParser::parseUnary);
}

std::optional<Expr> ExpressionParser::parseUnary(int depth) {
  if (depth > kMaxDepth)
    return cursor.fail(cursor.at, 1, "expected operators nested at most " + llvm::Twine(kMaxDepth) + " deep");
  cursor.skipSpace();
  size_t offset = cursor.at;
  if (!acceptOperator("-"))
    return parsePostfix(depth);
  auto operand = parseUnary(depth + 1);
  return operand ? make(ExprKind::Negate, offset, pack(std::move(operand))) : std::nullopt;
}

/// Items up to `close`, which was not yet passed.
bool ExpressionParser::parseItems(int depth, llvm::StringRef close, std::vector<Expr> &items) {
  do {
    auto item = parseChoice(depth + 1);
    if (!item)
      return false;
    items.push_back(std::move(*item));
  } while (cursor.accept(","));
  if (cursor.accept(close))
    return true;
  cursor.fail(cursor.at, 1, "expected ',' or '" + close + "'");
  return false;
}

std::optional<Expr> ExpressionParser::parsePostfix(int depth) {
  cursor.skipSpace();
  size_t offset = cursor.at;
  char c = cursor.peek();
  std::optional<Expr> expr;
  struct Nested { // ends of lines count again behind the parentheses, whatever was wrong in them
    explicit Nested(int &count) : count(count), before(count) {}
    ~Nested() { count = before; }
    int &count;
    const int before;
  };
  {
    Nested nested(cursor.nested);
    if (c == '(') {
      ++cursor.at;
      ++cursor.nested;
      expr = parseChoice(depth + 1);
      if (expr && !cursor.accept(")"))
        return cursor.fail(cursor.at, 1, "expected ')'");
    } else if (c == '[') {
      ++cursor.at;
      ++cursor.nested;
      std::vector<Expr> items;
      if (cursor.accept("]") || parseItems(depth, "]", items))
        expr = make(ExprKind::List, offset, std::move(items));
    } else if (llvm::isDigit(c) || (c == '.' && cursor.peek(1) != '.')) {
      return parseNumber();
    } else if (llvm::isAlpha(c) || c == '_') {
      expr = parseName(depth);
    } else if (cursor.textForm && c == '"') {
      auto ends = [](char c) { return c == '"' || c == '\n'; };
      size_t length = 1 + cursor.text.substr(offset + 1).take_until(ends).size();
      length += cursor.text.substr(offset + length).starts_with("\""); // the end of a line stays one
      cursor.fail(offset, std::min<size_t>(length, 64), "expected a number or a name, which has no quotes");
      cursor.at = offset + length;
      return std::nullopt;
    } else if (cursor.textForm || cursor.done()) {
      return cursor.failHere("expected a number or a name");
    } else {
      return cursor.fail(offset, 1, "expected a number or a name, but got '" + cursor.text.substr(offset, 1) + "'");
    }
  }
  while (expr) {
    size_t before = cursor.at;
    cursor.skipSpace();
    if (cursor.peek() == '[') {
      Nested nested(cursor.nested);
      ++cursor.at;
      ++cursor.nested;
      auto index = parseChoice(depth + 1);
      if (!index)
        return std::nullopt;
      if (!cursor.accept("]"))
        return cursor.fail(cursor.at, 1, "expected ']'");
      expr = make(ExprKind::Index, offset, pack(std::move(expr), std::move(index)));
    } else if (cursor.peek() == '.' && cursor.peek(1) != '.' && expr->kind == ExprKind::Index) {
      ++cursor.at;
      llvm::StringRef word = cursor.peekWord();
      if (word.empty())
        return cursor.failHere("expected a column's name");
      cursor.at += word.size();
      expr = make(ExprKind::Member, offset, pack(std::move(expr)));
      if (expr)
        expr->name = word.str();
    } else {
      cursor.at = before;
      return expr;
    }
  }
  return std::nullopt;
}

std::optional<Expr> ExpressionParser::parseNumber() {
  llvm::StringRef text = cursor.text;
  size_t offset = cursor.at, &at = cursor.at;
  while (at < text.size()) {
    char c = text[at];
    bool sign = (c == '+' || c == '-') && (text[at - 1] == 'e' || text[at - 1] == 'E');
    if (c == '.' && cursor.peek(1) == '.')
      break;
    // 3x3 is 3 x 3.
    if (cursor.textForm && c == 'x' && at > offset && !llvm::isAlpha(cursor.peek(1)) && cursor.peek(1) != '_')
      break;
    if (!llvm::isAlnum(c) && c != '.' && !sign)
      break;
    ++at;
  }
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
    return cursor.fail(offset, lexeme.size(), "expected a number, but got '" + lexeme + "'");
  auto expr = make(ExprKind::Real, offset);
  if (expr) {
    expr->real = real;
    expr->name = lexeme.str();
  }
  return expr;
}

std::optional<Expr> ExpressionParser::parseName(int depth) {
  llvm::StringRef text = cursor.text;
  size_t offset = cursor.at, &at = cursor.at;
  while (at < text.size() && (llvm::isAlnum(text[at]) || text[at] == '_' || (text[at] == '.' && cursor.peek(1) != '.')))
    ++at;
  llvm::StringRef name = text.slice(offset, at);
  static constexpr llvm::StringRef kOperators[] = {"and", "or", "not", "div", "x"};
  if (llvm::is_contained(kOperators, name))
    return cursor.fail(offset, name.size(), "expected a number or a name, but got '" + name + "'");
  if (name == "true" || name == "false") {
    auto expr = make(ExprKind::Integer, offset);
    if (expr) {
      expr->integer = name == "true";
      expr->name = name.str();
    }
    return expr;
  }
  if (!cursor.accept("(")) {
    at = offset + name.size();
    auto expr = make(ExprKind::Name, offset);
    if (expr)
      expr->name = name.str();
    return expr;
  }
  if (!llvm::is_contained(kFunctions, name))
    return cursor.fail(offset, name.size(), "unknown function '" + name + "'" + suggestion(name, kFunctions));
  ++cursor.nested;
  std::vector<Expr> arguments;
  if (!parseItems(depth, ")", arguments))
    return std::nullopt;
  bool variadic = name == "min" || name == "max";
  size_t expected = name == "select" ? 3 : name == "round_to" ? 2 : 1;
  if (!variadic && arguments.size() != expected)
    return cursor.fail(offset, at - offset,
                       "expected " +
                           llvm::Twine(expected == 1   ? "one argument"
                                       : expected == 2 ? "two arguments"
                                                       : "three arguments") +
                           " of " + name + ", but got " + llvm::Twine(arguments.size()));
  auto expr = make(ExprKind::Call, offset, std::move(arguments));
  if (expr)
    expr->name = name.str();
  return expr;
}

std::optional<Expr> parseExpression(llvm::StringRef text, SourceRange range, Diagnostics &diagnostics) {
  Cursor cursor(text, range, diagnostics);
  auto result = ExpressionParser(cursor).parse();
  if (!result)
    return std::nullopt;
  cursor.skipSpace();
  if (cursor.done())
    return result;
  return cursor.fail(cursor.at, 1, "expected an operator, but got '" + text.substr(cursor.at, 1) + "'");
}

} // namespace incept
