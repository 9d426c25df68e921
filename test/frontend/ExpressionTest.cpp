// SPDX-License-Identifier: Apache-2.0

#include "frontend/Expression.h"
#include "frontend/ValueScope.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace incept;

namespace {

/// What one expression gives: "7", "real 0.5", "the row 't.r'", or its mistakes as "COLUMN+LENGTH: message".
/// Names: n = 7, half = 0.5, in.* = 3x8x9, bank = the row t.r, t.r.k = 5, t.r.x = 2.5; `broken` has no value.
class Expressions : public testing::Test {
protected:
  Expressions() : scope(spec) {
    Table &table = spec.tables["t"];
    table.name.text = "t";
    table.rows = {Row{"t.r", {{"k", int64_t(5)}, {"x", 2.5}}}, Row{"t.s", {{"k", int64_t(6)}}}};
    scope.setInput(3, 8, 9);
    scope.set("n", Value(int64_t(7)));
    scope.set("half", Value(0.5));
    scope.set("broken", std::nullopt);
    scope.set("bank", Value(&table.rows[0]));
  }

  std::string give(const std::string &text) {
    SourceFiles files;
    uint32_t file = files.add("f", llvm::MemoryBuffer::getMemBufferCopy(text));
    Diagnostics diagnostics(files);
    std::optional<Value> value;
    if (auto expr = parseExpression(text, files.range(file, 0, text.size()), diagnostics))
      value = evaluate(*expr, scope, diagnostics);
    if (value)
      return (std::holds_alternative<double>(*value) ? "real " : "") + formatValue(*value);
    if (!diagnostics.hasErrors())
      return "nothing";
    std::string printed;
    llvm::raw_string_ostream stream(printed);
    diagnostics.print(stream);
    return firstMistake(printed);
  }

private:
  /// Of "f:1:COLUMN: error: MESSAGE", the text, and a line with "^~~~".
  static std::string firstMistake(llvm::StringRef printed) {
    auto [head, rest] = printed.split('\n');
    if (!head.consume_front("f:1:"))
      return "unexpected output: " + printed.str();
    auto [column, message] = head.split(": error: ");
    llvm::StringRef marks = rest.split('\n').second.split('\n').first.ltrim();
    return (column + "+" + llvm::Twine(marks.size()) + ": " + message).str();
  }

protected:
  Spec spec;
  ValueScope scope;
};

struct Case {
  std::string text, expected;
};

} // namespace

#define CHECK_CASES(...)                                                                                               \
  for (const Case &c : std::vector<Case>{__VA_ARGS__})                                                                 \
  EXPECT_EQ(give(c.text), c.expected) << c.text

TEST_F(Expressions, Numbers) {
  CHECK_CASES({"0", "0"}, {"9223372036854775807", "9223372036854775807"}, {"010", "10"}, {"1.5", "real 1.5"},
              {".5", "real 0.5"}, {"2.", "real 2"}, {"1e3", "real 1000"}, {"25e-2", "real 0.25"}, {"1E+2", "real 100"},
              // Beyond 64 bits a number is a real, which no place for an integer accepts.
              {"9223372036854775808", "real 9.22337e+18"}, {" 4\t", "4"});
}

TEST_F(Expressions, NoNumbers) {
  CHECK_CASES({"1.2.3", "1+5: expected a number, but got '1.2.3'"}, {"12px", "1+4: expected a number, but got '12px'"},
              {"0x10", "1+4: expected a number, but got '0x10'"}, {"1e", "1+2: expected a number, but got '1e'"},
              {"1e+", "1+3: expected a number, but got '1e+'"}, {"1e999", "1+5: expected a number, but got '1e999'"},
              {".", "1+1: expected a number, but got '.'"});
}

TEST_F(Expressions, Precedence) {
  CHECK_CASES({"1 + 2 * 3", "7"}, {"(1 + 2) * 3", "9"}, {"2 * 3 + 4 * 5", "26"}, {"10 - 3 - 2", "5"},
              {"10 - (3 - 2)", "9"}, {"-2 * 3", "-6"}, {"2 - -3", "5"}, {"--3", "3"}, {"-(2 + 3)", "-5"},
              {"-7 // 2", "-4"}, {"-(7 // 2)", "-3"}, {"100 // 7 // 2", "7"}, {"100 // (7 // 2)", "33"},
              {"24 // 2 * 3", "36"}, {"1+2*3-4//2", "5"}, {"8 / 2 * 4", "real 16"});
}

TEST_F(Expressions, Division) {
  // '//' rounds down, '/' gives a real even where it goes out even.
  CHECK_CASES({"7 // 2", "3"}, {"-7 // 2", "-4"}, {"7 // -2", "-4"}, {"-7 // -2", "3"}, {"-8 // 2", "-4"},
              {"7.5 // 2", "real 3"}, {"-7.5 // 2", "real -4"}, {"6 / 3", "real 2"}, {"1 / 4", "real 0.25"},
              {"0 // 5", "0"}, {"0 / 5", "real 0"});
}

TEST_F(Expressions, DivisionByZero) {
  CHECK_CASES({"1 / 0", "1+5: division by zero"}, {"1 // 0", "1+6: division by zero"},
              {"1 / 0.0", "1+7: division by zero"}, {"0 / 0", "1+5: division by zero"},
              {"2 + 4 // (n - 7)", "5+12: division by zero"});
}

TEST_F(Expressions, Overflow) {
  CHECK_CASES({"9223372036854775807 + 1", "1+23: the value does not fit 64 bits"},
              {"-9223372036854775807 - 2", "1+24: the value does not fit 64 bits"},
              {"-9223372036854775807 - 1", "-9223372036854775808"},
              {"-(-9223372036854775807 - 1)", "1+27: the value does not fit 64 bits"},
              {"(-9223372036854775807 - 1) // -1", "1+32: the value does not fit 64 bits"},
              {"4294967296 * 4294967296", "1+23: the value does not fit 64 bits"},
              {"4294967296 * 2147483647", "9223372032559808512"}, {"1e300 * 1e300", "1+13: the value is too large"},
              {"round(1e19)", "1+11: the value does not fit 64 bits"},
              {"floor(-1e300)", "1+13: the value does not fit 64 bits"},
              {"4294967296 * 4294967296.0", "real 1.84467e+19"});
}

TEST_F(Expressions, MixedKinds) {
  CHECK_CASES({"1 + 0.5", "real 1.5"}, {"2 * 0.5", "real 1"}, {"3 - half", "real 2.5"}, {"-half", "real -0.5"});
}

TEST_F(Expressions, Rounding) {
  // Halves go away from zero.
  CHECK_CASES({"round(0.5)", "1"}, {"round(1.5)", "2"}, {"round(2.5)", "3"}, {"round(-0.5)", "-1"},
              {"round(-2.5)", "-3"}, {"round(0.49999999999999994)", "0"}, {"round(2.4)", "2"}, {"floor(2.9)", "2"},
              {"floor(-2.1)", "-3"}, {"ceil(2.1)", "3"}, {"ceil(-2.9)", "-2"}, {"round(7)", "7"},
              {"floor(9223372036854775807)", "9223372036854775807"}, {"ceil(7 / 2)", "4"}, {"round(7 / 2) * 2", "8"});
}

TEST_F(Expressions, MinAndMax) {
  CHECK_CASES({"min(3, 1, 2)", "1"}, {"max(3, 1, 2)", "3"}, {"min(4)", "4"}, {"max(-1, -2)", "-1"},
              {"min(1, 0.5)", "real 0.5"}, {"max(1, 0.5)", "1"}, {"max(min(n, 5), 2)", "5"},
              // Both have the same nearest double.
              {"min(9007199254740993, 9007199254740992)", "9007199254740992"},
              {"max(9007199254740992, 9007199254740993)", "9007199254740993"});
}

TEST_F(Expressions, Functions) {
  CHECK_CASES(
      {"round(1, 2)", "1+11: expected one argument of round, but got 2"},
      {"sqrt(4)", "1+4: unknown function 'sqrt'; expected one of min, max, round, floor, ceil, select, round_to, len"},
      {"2 * flor(1.5)", "5+4: unknown function 'flor'; did you mean 'floor'?"},
      {"min()", "5+1: expected a number or a name, but got ')'"}, {"min(1", "6+1: expected ',' or ')'"},
      {"min(1 2)", "7+1: expected ',' or ')'"}, {"round (1.5)", "2"});
}

TEST_F(Expressions, Names) {
  CHECK_CASES({"n", "7"}, {"n * n", "49"}, {"in.channels * in.height * in.width", "216"}, {"half", "real 0.5"},
              // What has been reported elsewhere is not reported again.
              {"broken + 1", "nothing"}, {"n + broken.k", "nothing"},
              {"n.k", "1+3: expected a number, but 'n' is 7 and has no 'k'"});
}

TEST_F(Expressions, Rows) {
  CHECK_CASES({"t.r.k", "5"}, {"t.r.x * 2", "real 5"}, {"bank.k + 1", "6"}, {"bank", "the row 't.r'"},
              {"t.r", "the row 't.r'"}, {"1 + bank", "5+4: expected a number, but got the row 't.r'"},
              {"-t.r", "2+3: expected a number, but got the row 't.r'"},
              {"min(1, t.r)", "8+3: expected a number, but got the row 't.r'"},
              {"1 + bank.kk", "5+7: unknown column 'kk' of row 't.r'; expected one of k, x"},
              {"t.r.y", "1+5: unknown column 'y' of row 't.r'; expected one of k, x"});
}

TEST_F(Expressions, Syntax) {
  CHECK_CASES({"", "1+0: expected a number or a name, but the expression ends"},
              {"  ", "3+1: expected a number or a name, but the expression ends"},
              {"1 +", "4+1: expected a number or a name, but the expression ends"},
              {"+ 1", "1+1: expected a number or a name, but got '+'"},
              {"1 ** 2", "4+1: expected a number or a name, but got '*'"},
              {"1 2", "3+1: expected an operator, but got '2'"}, {"(1 + 2", "7+1: expected ')'"},
              {"1 + 2)", "6+1: expected an operator, but got ')'"},
              {"\xc3\xbc", "1+1: expected a number or a name, but got '\xc3'"});
}

TEST_F(Expressions, Logic) {
  CHECK_CASES({"n > 5 and n < 9", "1"}, {"n > 5 and not n < 9", "0"}, {"n < 5 or half == 0.5", "1"}, {"not 3", "0"},
              {"not 0 and 2", "1"}, {"1 or 0 and 0", "1"}, {"true and not false", "1"},
              // What decides nothing is not evaluated.
              {"0 and 1 / 0", "0"}, {"2 or 1 / 0", "1"}, {"1 and 1 / 0", "7+5: division by zero"},
              {"n > 5 ? 1 : 1 / 0", "1"}, {"n > 9 ? 1 : n == 7 ? 2 : 3", "2"},
              {"1 ? 2", "6+1: expected ':' of a choice, but the expression ends"},
              {"1 ? : 2", "5+1: expected a number or a name, but got ':'"},
              {"0 ? : 2", "5+1: expected a number or a name, but got ':'"},
              {"1 ? 2 :", "8+1: expected a number or a name, but the expression ends"},
              {"1 and bank", "7+4: expected a number, but got the row 't.r'"});
}

TEST_F(Expressions, RemainderAndMultiples) {
  CHECK_CASES({"7 % 3", "1"}, {"-7 % 3", "2"}, {"7 % -3", "-2"}, {"7.5 % 2", "real 1.5"}, {"7 div 2", "3"},
              {"n % 0", "1+5: division by zero"}, {"(-9223372036854775807 - 1) % -1", "0"}, {"round_to(20, 8)", "24"},
              {"round_to(19.9, 8)", "16"}, {"round_to(1, 8)", "8"}, {"round_to(-50, 8)", "8"},
              {"round_to(20, 0)", "14+1: expected an integer of at least 1 to round to, but got 0"},
              {"round_to(20)", "1+12: expected two arguments of round_to, but got 1"});
}

TEST_F(Expressions, Lists) {
  CHECK_CASES({"[1, n, half]", "a list of 3"}, {"[]", "a list of 0"}, {"[4, 5][2]", "5"}, {"len([4, 5])", "2"},
              {"1..4", "a list of 4"}, {"n..1", "a list of 0"}, {"len(t)", "2"}, {"t[2].k", "6"},
              {"t[1]", "the row 't.r'"}, {"[4, 5][0]", "8+1: expected an index of 1 to 2, but got 0"},
              {"[4, 5][3]", "8+1: expected an index of 1 to 2, but got 3"},
              {"n[1]", "1+1: expected a list or a table, but got 7"},
              {"[1] + 2", "1+3: expected a number, but got a list of 1"},
              {"t[1].y", "1+6: unknown column 'y' of row 't.r'; expected one of k, x"},
              {"1..1000000", "1+10: expected a range of at most 20000 numbers"},
              {"-9223372036854775807..9223372036854775807", "1+41: expected a range of at most 20000 numbers"},
              {"1..half", "4+4: expected an integer as end of a range, but got 0.5"},
              {"[1, 2", "6+1: expected ',' or ']'"});
}

TEST_F(Expressions, Source) {
  CHECK_CASES({"src.channels", "nothing"}, {"relu", "the activation 'relu'"});
  scope.setSource(Row{"src", {{"channels", int64_t(32)}, {"height", int64_t(4)}, {"width", int64_t(5)}}});
  CHECK_CASES({"src.channels", "32"}, {"channels * width", "160"});
  scope.setSource(Row{"src", {}});
  CHECK_CASES(
      {"src.height", "1+10: expected an image (N,C,H,W) to flow in where its height is used, but got a row (N,C)"});
}

TEST_F(Expressions, Limits) {
  auto repeat = [](const std::string &text, int count) {
    std::string result;
    for (int i = 0; i < count; ++i)
      result += text;
    return result;
  };
  EXPECT_EQ(give(repeat("(", 32) + "1" + repeat(")", 32)), "1");
  EXPECT_EQ(give(repeat("(", 34) + "1" + repeat(")", 34)), "34+1: expected parentheses nested at most 32 deep");
  EXPECT_EQ(give(repeat("-", 34) + "1"), "34+1: expected operators nested at most 32 deep");
  EXPECT_EQ(give(repeat("1+", 127) + "1"), "128"); // 128 numbers and 127 sums
  EXPECT_EQ(give(repeat("1+", 128) + "1"), "1+140: expected an expression of at most 256 terms");
  EXPECT_EQ(give(repeat("(", 100000)), "34+1: expected parentheses nested at most 32 deep");
}

// Every operator on small numbers, compared with the same on doubles, which hold them exactly. Two integers give one,
// but for
// '/'; a comparison always does.
TEST_F(Expressions, OperatorsOnSmallNumbers) {
  struct Operator {
    const char *text;
    double (*apply)(double, double);
    bool divides = false, givesReal = false, givesTruth = false;
  };
  const Operator operators[] = {
      {" + ", [](double a, double b) { return a + b; }},
      {" - ", [](double a, double b) { return a - b; }},
      {" * ", [](double a, double b) { return a * b; }},
      {" / ", [](double a, double b) { return a / b; }, true, true},
      {" // ", [](double a, double b) { return std::floor(a / b); }, true},
      {" % ", [](double a, double b) { return a - b * std::floor(a / b); }, true},
      {" == ", [](double a, double b) { return double(a == b); }, false, false, true},
      {" != ", [](double a, double b) { return double(a != b); }, false, false, true},
      {" < ", [](double a, double b) { return double(a < b); }, false, false, true},
      {" <= ", [](double a, double b) { return double(a <= b); }, false, false, true},
      {" > ", [](double a, double b) { return double(a > b); }, false, false, true},
      {" >= ", [](double a, double b) { return double(a >= b); }, false, false, true},
      {" and ", [](double a, double b) { return double(a != 0 && b != 0); }, false, false, true},
      {" or ", [](double a, double b) { return double(a != 0 || b != 0); }, false, false, true}};
  auto print = [](const char *format, double number) {
    char text[32];
    snprintf(text, sizeof text, format, number);
    return std::string(text);
  };
  const double numbers[] = {-7, -3, -2, -1, 0, 1, 2, 3, 7, -2.5, -0.5, 0.5, 2.5};
  for (const Operator &op : operators)
    for (double a : numbers)
      for (double b : numbers) {
        bool areIntegers = a == std::floor(a) && b == std::floor(b);
        auto operand = [&](double number) {
          return (number < 0 ? "(" : "") + print("%g", number) + (number < 0 ? ")" : "");
        };
        std::string text = operand(a) + op.text + operand(b), expected;
        if (op.divides && b == 0)
          expected = "1+" + std::to_string(text.size()) + ": division by zero";
        else if (op.givesTruth || (areIntegers && !op.givesReal))
          expected = print("%.0f", op.apply(a, b) + 0.0);
        else
          expected = "real " + print("%g", op.apply(a, b));
        EXPECT_EQ(give(text), expected) << text;
      }
}

// Which values a parameter of a type takes, by the letters of the types: any, int, real, bool, row, table, list,
// activation, block.
TEST_F(Expressions, TypesOfValues) {
  const std::pair<const char *, const char *> values[] = {
      {"0", "airb"}, {"1", "airb"}, {"2", "air"},  {"-1", "air"},  {"0.0", "ar"},  {"1 < 2", "airb"}, {"bank", "aw"},
      {"t.s", "aw"}, {"t", "at"},   {"[1]", "al"}, {"1..2", "al"}, {"relu", "aA"}, {"none", "aA"},    {"unit", "aB"}};
  spec.blocks["unit"].name.text = "unit";
  const std::pair<char, ParameterType> types[] = {
      {'a', ParameterType::Any},  {'i', ParameterType::Int},        {'r', ParameterType::Real},
      {'b', ParameterType::Bool}, {'w', ParameterType::Row},        {'t', ParameterType::Table},
      {'l', ParameterType::List}, {'A', ParameterType::Activation}, {'B', ParameterType::Block}};
  for (auto [text, letters] : values) {
    SourceFiles files;
    uint32_t file = files.add("f", llvm::MemoryBuffer::getMemBufferCopy(text));
    Diagnostics diagnostics(files);
    auto value = evaluate(*parseExpression(text, files.range(file, 0, 1), diagnostics), scope, diagnostics);
    ASSERT_TRUE(value) << text;
    for (auto [letter, type] : types)
      EXPECT_EQ(hasType(*value, type), strchr(letters, letter) != nullptr) << text << " " << letter;
  }
  std::vector<std::string> words;
  for (auto [letter, type] : types) {
    llvm::StringRef word = parameterTypeName(type);
    EXPECT_EQ(word.empty(), type == ParameterType::Any);
    if (!word.empty()) {
      EXPECT_EQ(findParameterType(word), type);
      words.push_back(word.str());
    }
  }
  EXPECT_EQ(findParameterType("integer"), std::nullopt);
  EXPECT_EQ(findParameterType(""), std::nullopt);
  std::vector<std::string> all = parameterTypeNames();
  std::sort(words.begin(), words.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(words, all);
}

// A block sees its own parameters, then the network's, which `network.` also names where both have one.
TEST_F(Expressions, NamesOfTheNetwork) {
  ValueScope block(spec, &scope);
  block.set("n", Value(int64_t(1)));
  block.set("table", Value(static_cast<const Table *>(&spec.tables["t"])));
  auto give = [&](const std::string &text) {
    SourceFiles files;
    uint32_t file = files.add("f", llvm::MemoryBuffer::getMemBufferCopy(text));
    Diagnostics diagnostics(files);
    auto value = evaluate(*parseExpression(text, files.range(file, 0, text.size()), diagnostics), block, diagnostics);
    if (value)
      return formatValue(*value);
    return diagnostics.placed().empty() ? std::string("nothing") : diagnostics.placed()[0].message;
  };
  CHECK_CASES({"n", "1"}, {"half", "0.5"}, {"network.n", "7"}, {"network.half", "0.5"}, {"network.bank.k", "5"},
              {"network.network.n", "nothing"}, {"table", "the table 't'"}, {"table.r", "the row 't.r'"},
              {"table.s.k", "6"}, {"table.q", "unknown row 'q' of table 't'; expected one of r, s"},
              {"table.s.x", "unknown column 'x' of row 't.s'; expected k"},
              {"table.s.k.k", "expected a number, but 'table' is the table 't' and has no 's'"},
              {"bank.k.k", "expected a number, but 'bank' is the row 't.r' and has no 'k'"}, {"t.s.k", "6"},
              {"t.q.k", "unknown row 'q' of table 't'; expected one of r, s"}, {"in.channels", "nothing"},
              {"none.x", "nothing"}, {"unheard", "nothing"});
  block.setInput(1, 2, 3);
  CHECK_CASES({"in.channels", "1"}, {"in.height", "2"}, {"in.width", "3"}, {"in.depth", "nothing"}, {"in", "nothing"},
              {"in.width.x", "nothing"}, {"src.width.x", "nothing"});
  EXPECT_TRUE(block.has("n") && block.has("bank"));
  EXPECT_FALSE(block.has("unheard"));
  block.remove("n");
  EXPECT_EQ(give("n"), "7");
}

// What was found without a text has line 0.
TEST(SourceFiles, LinesThatAreNone) {
  SourceFiles files;
  uint32_t file = files.add("f", llvm::MemoryBuffer::getMemBufferCopy("one\ntwo"));
  EXPECT_EQ(files.line(file, 1), "one");
  EXPECT_EQ(files.line(file, 2), "two");
  EXPECT_EQ(files.line(file, 0), "");
  EXPECT_EQ(files.line(file, 3), "");
}
