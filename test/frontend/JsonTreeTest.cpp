// SPDX-License-Identifier: Apache-2.0
//
// Every value of a JSON text has its place, its key's place and the comments before it.

#include "frontend/JsonTree.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

using namespace incept;

namespace {

std::string place(SourceRange range) {
  return std::to_string(range.line) + ":" + std::to_string(range.column) + "+" + std::to_string(range.length);
}

/// A line for each value: key and place of the key, place, what it is, the comments.
std::string dump(const JsonValue &value, int depth = 0) {
  std::string text(2 * depth, ' ');
  if (!value.key.empty())
    text += value.key + " " + place(value.keyRange) + " ";
  text += place(value.range) + " " + describe(value);
  if (value.kind == JsonKind::Real)
    text += " " + value.string + " = " + std::to_string(value.real);
  if (!value.note.empty())
    text += " // " + value.note;
  text += "\n";
  for (const JsonValue &child : value.children)
    text += dump(child, depth + 1);
  return text;
}

std::string parse(const std::string &text) {
  SourceFiles files;
  Diagnostics diagnostics(files);
  auto root = parseJson(files.add("f", llvm::MemoryBuffer::getMemBufferCopy(text)), diagnostics);
  if (!diagnostics.hasErrors())
    return dump(*root);
  std::string mistakes;
  for (const SourceDiagnostic &mistake : diagnostics.placed()) {
    mistakes += place(mistake.range) + " " + mistake.message + "\n";
    for (const DiagnosticNote &note : mistake.notes)
      mistakes += "  " + place(note.range) + " " + note.message + "\n";
    for (const FixIt &fix : mistake.fixes)
      mistakes += "  " + place(fix.range) + (fix.insert ? " insert '" : " fix '") + fix.text + "'\n";
  }
  return mistakes;
}

} // namespace

TEST(JsonTree, PlacesOfAllKinds) {
  EXPECT_EQ(parse("{\"a\": [null, true, false],\n"
                  "  \"b c\" : -12,\"d\":1.50 ,\n"
                  "\t\"e\\\"f\": \"x\\ty\", \"g\": {}, \"h\": [ ], \"\\u00e9\": 1E-2,\n"
                  " \"i\": 9223372036854775807, \"j\": 9223372036854775808, \"k\": -9223372036854775808,\n"
                  " \"l\": [[1], {\"m\": \"\"}]}"),
            "1:1+1 an object\n"
            "  a 1:2+3 1:7+1 an array\n"
            "    1:8+4 null\n"
            "    1:14+4 true\n"
            "    1:20+5 false\n"
            "  b c 2:3+5 2:11+3 -12\n"
            "  d 2:15+3 2:19+4 a real number 1.50 = 1.500000\n"
            "  e\"f 3:2+6 3:10+6 the string 'x\ty'\n"
            "  g 3:18+3 3:23+1 an object\n"
            "  h 3:27+3 3:32+1 an array\n"
            "  \u00e9 3:37+8 3:47+4 a real number 1E-2 = 0.010000\n"
            "  i 4:2+3 4:7+19 9223372036854775807\n"
            "  j 4:28+3 4:33+19 a real number 9223372036854775808 = 9223372036854775808.000000\n"
            "  k 4:54+3 4:59+20 -9223372036854775808\n"
            "  l 5:2+3 5:7+1 an array\n"
            "    5:8+1 an array\n"
            "      5:9+1 1\n"
            "    5:13+1 an object\n"
            "      m 5:14+3 5:19+2 the string ''\n");
}

// A comment is of what comes next, a key's of its value; behind the last there is none, and it is of that one.
TEST(JsonTree, Comments) {
  EXPECT_EQ(parse("// one\n/* two\n   three */ [ // four\n 1, // five\n /* six */ 2 /* seven */, {/**/\"a\" // "
                  "eight\n: /*nine*/ 3"
                  "}] // ten"),
            "3:13+1 an array // one\ntwo\nthree\nten\n"
            "  4:2+1 1 // four\n"
            "  5:12+1 2 // five\nsix\n"
            "  5:27+1 an object // seven\n"
            "    a 5:32+3 6:12+1 3 // eight\nnine\n");
}

TEST(JsonTree, WhatIsSaidOfSyntax) {
  EXPECT_EQ(parse("[1 2]"), "1:3+1 expected ',' or ']' behind this\n  1:3+1 insert ','\n");
  EXPECT_EQ(parse("[1\"a\"]"), "1:3+1 expected ',' or ']' behind this\n  1:3+1 insert ','\n");
  EXPECT_EQ(parse("{\"a\" 1}"), "1:5+1 expected ':' and a value behind the key 'a'\n  1:5+1 insert ':'\n");
  EXPECT_EQ(parse("{\"a\" = 1}"), "1:6+1 expected ':' behind a key, but got '='\n  1:6+1 fix ':'\n");
  EXPECT_EQ(parse("[1, ]"), "1:3+1 expected no comma before ']'\n  1:3+1 fix ''\n");
  EXPECT_EQ(parse("{\"a\": 1,}"), "1:8+1 expected no comma before '}'\n  1:8+1 fix ''\n");
  EXPECT_EQ(parse("[1,, 2]"), "1:4+1 expected a value before ','\n");
  EXPECT_EQ(parse("{\"a\": , \"b\": 1}"),
            "1:7+1 expected a value before ','\n1:12+1 expected ',' or '}', but got ':'\n  1:1+1 to close this\n");
  EXPECT_EQ(parse("{\"a\": 1,, \"b\": 1}"), "1:9+1 expected a key before ','\n");
  EXPECT_EQ(parse("['a']"), "1:2+1 expected a string in double quotes, but got '\n");
  EXPECT_EQ(parse("{'a': 1}"), "1:2+1 expected a string in double quotes, but got '\n");
  EXPECT_EQ(parse("{a: 1}"), "1:2+1 expected a key in double quotes, but got 'a'\n  1:2+1 fix '\"a\"'\n");
  EXPECT_EQ(parse("{1: 1}"), "1:2+1 expected a key in double quotes, but got '1'\n");
  EXPECT_EQ(parse("[01]"), "1:2+2 expected a number without a 0 before it, but got '01'\n");
  EXPECT_EQ(parse("[-07]"), "1:2+3 expected a number without a 0 before it, but got '-07'\n");
  EXPECT_EQ(parse("[True]"), "1:2+4 expected a value, but got 'True'; did you mean 'true'?\n  1:2+4 fix 'true'\n");
  EXPECT_EQ(parse("[False]"), "1:2+5 expected a value, but got 'False'; did you mean 'false'?\n  1:2+5 fix 'false'\n");
  for (const char *null : {"None", "nil", "Null"})
    EXPECT_EQ(parse(std::string("[") + null + "]"),
              "1:2+" + std::to_string(strlen(null)) + " expected a value, but got '" + null +
                  "'; did you mean 'null'?\n  1:2+" + std::to_string(strlen(null)) + " fix 'null'\n");
  EXPECT_EQ(parse("[word]"), "1:2+4 expected a value, but got 'word'; words are in double quotes\n");
  for (const char *number : {".5", "+1", "-.5"})
    EXPECT_EQ(parse(std::string("[") + number + "]"), "1:2+" + std::to_string(strlen(number)) +
                                                          " expected a value, but got '" + number +
                                                          "'; numbers are written like 12, -3, 0.5 or 1e-4\n");
  EXPECT_EQ(parse("[@]"), "1:2+1 expected a value, but got '@'\n");
  EXPECT_EQ(parse("[\"a\n\"]"),
            "1:2+2 expected '\"' at the end of the string, on one line, and no unknown escapes in it\n");
  EXPECT_EQ(parse("[\"\\q\"]"),
            "1:2+5 expected '\"' at the end of the string, on one line, and no unknown escapes in it\n");
  EXPECT_EQ(parse("[1"), "1:3+1 expected ']', but the file ends\n  1:1+1 to close this\n");
  EXPECT_EQ(parse("{"), "1:2+1 expected '}', but the file ends\n  1:1+1 to close this\n");
  EXPECT_EQ(parse("[[1],"), "1:5+1 expected ']', but the file ends\n  1:1+1 to close this\n");
  EXPECT_EQ(parse("[1}"), "1:3+1 expected ',' or ']', but got '}'\n  1:1+1 to close this\n");
  EXPECT_EQ(parse("[1: 2]"), "1:3+1 expected ',' or ']', but got ':'\n  1:1+1 to close this\n");
  EXPECT_EQ(parse("{\"a\": 1]"), "1:8+1 expected ',' or '}', but got ']'\n  1:1+1 to close this\n");
  EXPECT_EQ(parse("{} x"), "1:4+1 expected the end of the file behind the description, but got 'x'\n");
  EXPECT_EQ(parse("[] []"), "1:4+1 expected the end of the file behind the description, but got '['\n");
  // Of a key that is there twice both places are said, and reading goes on.
  EXPECT_EQ(parse("{\"a\": 1, \"a\": 2 3}"), "1:10+3 duplicate key 'a'\n  1:2+3 first given here\n1:16+1 expected ',' "
                                             "or '}' behind this\n  1:16+1 insert ','\n1:17+1 expected a key in double "
                                             "quotes, but got '3'\n");
}

// What is mended is read on, so that one run says all of it; 20 at most.
TEST(JsonTree, MistakesAreMended) {
  EXPECT_EQ(parse("{\"a\" = [1 2],\n \"b\" : [3, ]\n \"c\": {\"d\": 1,}}"),
            "1:6+1 expected ':' behind a key, but got '='\n  1:6+1 fix ':'\n"
            "1:10+1 expected ',' or ']' behind this\n  1:10+1 insert ','\n"
            "2:10+1 expected no comma before ']'\n  2:10+1 fix ''\n"
            "2:13+1 expected ',' or '}' behind this\n  2:13+1 insert ','\n"
            "3:14+1 expected no comma before '}'\n  3:14+1 fix ''\n");
  std::string many = "[0";
  for (int i = 0; i < 30; ++i)
    many += " 0";
  std::string said = parse(many + "]");
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 2 * 20);
  EXPECT_NE(said.find("1:41+1 expected ','"), std::string::npos); // behind the twentieth
}

// Limits, on both sides.
TEST(JsonTree, Limits) {
  auto repeat = [](const std::string &text, int count) {
    std::string result;
    for (int i = 0; i < count; ++i)
      result += text;
    return result;
  };
  EXPECT_EQ(parse(repeat("[", 64) + repeat("]", 64)).substr(0, 5), "1:1+1");
  EXPECT_EQ(parse(repeat("[", 65) + repeat("]", 65)), "1:65+1 expected brackets nested at most 64 deep\n");
  std::string keys = "{";
  for (int i = 0; i < 2000; ++i)
    keys += (i ? "," : "") + ("\"" + std::to_string(i) + "\":0");
  EXPECT_EQ(parse(keys + "}").substr(0, 16), "1:1+1 an object\n");
  EXPECT_EQ(parse(keys + ",\"x\":0}"),
            "1:" + std::to_string(keys.size() + 2) + "+3 expected at most 2000 keys in an object\n");
  // The array is a value too.
  EXPECT_EQ(parse("[" + repeat("0,", 499998) + "0]").substr(0, 15), "1:1+1 an array\n");
  EXPECT_EQ(parse("[" + repeat("0,", 499999) + "0]"), "1:1000000+1 expected a file of at most 500000 values\n");
}

TEST(JsonTree, MembersByName) {
  JsonValue object;
  object.children.resize(3);
  object.children[0].key = "a";
  object.children[1].key = "comment";
  object.children[1].kind = JsonKind::String;
  object.children[2].key = "comment";
  EXPECT_EQ(object.find("a"), &object.children[0]);
  EXPECT_EQ(object.find("comment"), &object.children[1]);
  EXPECT_EQ(object.find("b"), nullptr);
  EXPECT_FALSE(isComment(object.children[0]));
  EXPECT_TRUE(isComment(object.children[1]));
  EXPECT_FALSE(isComment(object.children[2])); // null
  JsonValue text;
  text.kind = JsonKind::String;
  text.string = std::string(41, 's');
  EXPECT_EQ(describe(text), "the string '" + std::string(40, 's') + "'");
}
