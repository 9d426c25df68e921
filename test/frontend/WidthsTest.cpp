// SPDX-License-Identifier: Apache-2.0
//
// Where the writers break lines: what has the limit's length stands on a line, what is a byte longer does not. The
// lengths are counted here.

#include "frontend/JsonReader.h"
#include "frontend/SpecWriter.h"
#include "frontend/TextReader.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

using namespace incept;

namespace {

std::string repeat(const std::string &text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

SpecFile read(const std::string &text, bool json = false) {
  SourceFiles files;
  Diagnostics diagnostics(files);
  uint32_t file = files.add("f", llvm::MemoryBuffer::getMemBufferCopy(text));
  auto spec = json ? readJsonSpec(file, diagnostics) : readTextSpec(file, diagnostics);
  std::string mistakes;
  llvm::raw_string_ostream stream(mistakes);
  diagnostics.print(stream);
  EXPECT_EQ(mistakes, "") << text;
  return spec ? std::move(*spec) : SpecFile();
}

/// The lines of a block's body in the one style, which is what its own reading is written as, and keeps the meaning.
std::string body(const std::string &statements) {
  SpecFile file = read("block b {\n" + statements + "}\n");
  std::string text = writeTextSpec(file);
  SpecFile again = read(text);
  EXPECT_EQ(writeTextSpec(again), text);
  EXPECT_EQ(writeJsonSpec(again), writeJsonSpec(file)) << text;
  llvm::StringRef lines = text;
  EXPECT_TRUE(lines.consume_front("block b {\n") && lines.consume_back("}\n")) << text;
  return lines.str();
}

} // namespace

// Two spaces, a block's name, an arrow, another name.
TEST(Widths, ChainsAreBrokenBeforeArrows) {
  for (size_t first = 30; first <= 64; ++first) {
    std::string a(first, 'a'), b(44, 'b');
    bool fits = 2 + first + 4 + b.size() <= 100;
    EXPECT_EQ(body(a + " -> " + b + "\n"), fits ? "  " + a + " -> " + b + "\n" : "  " + a + "\n    -> " + b + "\n");
  }
  // Each line has the limit anew: six spaces and arrow, then 44 bytes and an arrow each.
  std::string b(44, 'b'), c(42, 'c');
  EXPECT_EQ(body(b + " -> " + b + " -> " + b + " -> " + c + "\n"),
            "  " + b + " -> " + b + "\n    -> " + b + " -> " + c + "\n");
  // What closes braces goes on on its line, however long.
  std::string name(60, 'n');
  EXPECT_EQ(body("residual { " + name + " } -> " + name + " -> " + name + "\n"),
            "  residual {\n    " + name + "\n  } -> " + name + "\n    -> " + name + "\n");
}

// A line ends behind the last comma that fits; the next ones have four spaces more.
TEST(Widths, OptionsAreBrokenBehindCommas) {
  for (size_t length = 20; length <= 64; ++length) {
    std::string name(length, 'n'), rest = "(" + std::string(40, 'f') + ", ";
    bool fits = 2 + 1 + rest.size() + length + 1 <= 100;
    EXPECT_EQ(body("u" + rest + name + ")\n"),
              "  u" + rest.substr(0, rest.size() - 1) + (fits ? " " : "\n      ") + name + ")\n");
  }
  // Arguments of twelve bytes with comma and space: behind "  unit(" the seventh comma is byte 90 and the eighth 102,
  // on the next line behind six spaces byte 89 and 101.
  std::string argument(10, 'a'), all = repeat(argument + ", ", 15) + argument, line = repeat(argument + ", ", 7);
  line.pop_back();
  EXPECT_EQ(body("unit(" + all + ")\n"),
            "  unit(" + line + "\n      " + line + "\n      " + argument + ", " + argument + ")\n");
  // Not in a list, nor in a text, whatever quotes are in it.
  std::string item(22, 'i');
  EXPECT_EQ(body("for i, k in [" + item + ", " + item + ", " + item + ", " + item + "] {\n}\n"),
            "  for i,\n      k in [" + item + ", " + item + ", " + item + ", " + item + "] {\n  }\n");
  std::string quoted = "\"" + repeat("a, ", 15) + "\\\"b, c\\\" \\\\, " + repeat("d, ", 15) + "\"";
  EXPECT_EQ(body("assert n, " + quoted + "\n"), "  assert n,\n      " + quoted + "\n");
  EXPECT_EQ(body("let v = [" + item + ", " + item + ", " + item + ", " + item + "]\n"),
            "  let v = [" + item + ", " + item + ", " + item + ", " + item + "]\n");
}

// Branches of 60 bytes altogether stand on the op's line.
TEST(Widths, BranchesStandOnALine) {
  for (size_t length = 20; length <= 40; ++length) {
    std::string a(26, 'a'), b(length, 'b');
    bool fits = a.size() + 2 + length <= 60;
    EXPECT_EQ(body("concat { " + a + "; " + b + " }\n"),
              fits ? "  concat { " + a + "; " + b + " }\n" : "  concat {\n    " + a + "\n    " + b + "\n  }\n");
  }
  // A branch in braces, with the four spaces before it, has 60 too.
  for (size_t length = 30; length <= 50; ++length) {
    std::string b(length, 'b'), wide(64, 'w');
    std::string branch = 4 + 13 + length + 2 <= 60 ? "    { let z = 2; " + b + " }\n"
                                                   : "    {\n      let z = 2\n      " + b + "\n    }\n";
    EXPECT_EQ(body("concat {\n " + wide + "\n { let z = 2; " + b + " }\n}\n"),
              "  concat {\n    " + wide + "\n" + branch + "  }\n");
  }
}

// Of a branch's statements without arrows: as a chain they have at most 200 bytes, four of them for each arrow.
TEST(Widths, BranchesOfStatementsAreChains) {
  for (size_t length = 40; length <= 64; ++length) {
    std::string a(64, 'a'), b(64, 'b'), c(length, 'c');
    SpecFile file = read("{\"blocks\": {\"n\": [{\"concat\": [[{\"block\": \"" + a + "\"}, {\"block\": \"" + b +
                             "\"}, {\"block\": \"" + c + "\"}], \"relu\"]}]}}",
                         /*json=*/true);
    bool isChain = 64 + 64 + length + 3 * 4 <= 200;
    EXPECT_EQ(llvm::StringRef(writeTextSpec(file)).contains("{\n      aaa"), !isChain) << length;
  }
}

TEST(Widths, ParametersStandBelowEachOther) {
  for (size_t length = 20; length <= 50; ++length) {
    std::string a(40, 'a'), b(length, 'b');
    // "block u(" and ") {"; two bytes are kept for what stands behind each parameter.
    bool fits = 5 + 1 + 6 + (40 + 2) + (length + 2) <= 100 || 8 + 40 + 2 + length + 3 <= 100;
    std::string between = fits ? ", " : ",\n" + std::string(8, ' ');
    EXPECT_EQ(writeTextSpec(read("block u(" + a + ", " + b + ") {\n}\n")), "block u(" + a + between + b + ") {\n}\n");
  }
}

// JSON has lines of 120 columns, of which the last is for a comma.
TEST(Widths, MembersOfJsonStandBelowEachOther) {
  for (size_t length = 20; length <= 64; ++length) {
    std::string a(50, 'a'), b(length, 'b');
    SpecFile file = read("table t {\n  " + a + "  " + b + "\n  1  2\n}\n");
    std::string row = "{\"" + a + "\": 1, \"" + b + "\": 2}", list = "[" + row + "]", line = "\"t\": " + list;
    std::string inner = row.size() <= 120 - 6 - 1
                            ? "      " + row + "\n"
                            : "      {\n        \"" + a + "\": 1,\n        \"" + b + "\": 2\n      }\n";
    EXPECT_EQ(writeJsonSpec(file),
              "{\n  \"tables\": " +
                  (("{" + line + "}").size() <= 120 - 2 - 10 - 1 ? "{" + line + "}\n"
                   : list.size() <= 120 - 4 - 5 - 1              ? "{\n    " + line + "\n  }\n"
                                                                 : "{\n    \"t\": [\n" + inner + "    ]\n  }\n") +
                  "}\n")
        << length;
  }
}

// What a string of JSON cannot hold as it is; 31 is the last byte that is no character.
TEST(Widths, BytesOfJsonStrings) {
  SpecFile file;
  file.comment = std::string("a\"b\\c\n\td\x01\x1f\x20\x7f", 12);
  EXPECT_EQ(writeJsonSpec(file), "{\n  \"comment\": \"a\\\"b\\\\c\\n\\td\\u0001\\u001f \x7f\"\n}\n");
}

// Numbers of the text form that JSON does not know are written as JSON has them; the others keep their digits.
TEST(Widths, NumbersOfJson) {
  for (auto [text, json] : std::initializer_list<std::pair<const char *, const char *>>{{"0.50", "0.50"},
                                                                                        {"10.5", "10.5"},
                                                                                        {"1e3", "1e3"},
                                                                                        {"1E+3", "1E+3"},
                                                                                        {"2.5e-03", "2.5e-03"},
                                                                                        {"0e1", "0e1"},
                                                                                        {".5", "0.5"},
                                                                                        {"2.", "2.0"},
                                                                                        {"01.5", "1.5"},
                                                                                        {"2.e1", "20.0"},
                                                                                        {"7", "7"},
                                                                                        {"010", "10"}})
    EXPECT_EQ(writeJsonSpec(read(std::string("block b(n = ") + text + ") {\n}\n")),
              std::string("{\n  \"blocks\": {\"b\": {\"parameters\": {\"n\": ") + json + "}, \"layers\": []}}\n}\n");
}
