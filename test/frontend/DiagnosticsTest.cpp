// SPDX-License-Identifier: Apache-2.0
//
// What is printed of mistakes: the part of the line that is shown, marks, fixes, order, limits; and which name is near.

#include "frontend/Diagnostics.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace incept;

namespace {

class DiagnosticsTest : public testing::Test {
protected:
  uint32_t add(const std::string &text, const std::string &name = "f") {
    return files.add(name, llvm::MemoryBuffer::getMemBufferCopy(text));
  }
  std::string print(DiagnosticStyle style = DiagnosticStyle::Text, bool warnings = false) const {
    std::string text;
    llvm::raw_string_ostream stream(text);
    diagnostics.print(stream, style, warnings);
    return text;
  }

  SourceFiles files;
  Diagnostics diagnostics{files};
};

std::string place(SourceRange range) {
  return std::to_string(range.line) + ":" + std::to_string(range.column) + "+" + std::to_string(range.length);
}

/// Letters that must be changed, put in or left out to make `b` of `a`.
size_t distance(const std::string &a, const std::string &b) {
  std::vector<std::vector<size_t>> table(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i)
    for (size_t j = 0; j <= b.size(); ++j)
      table[i][j] =
          i == 0   ? j
          : j == 0 ? i
                   : std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
  return table[a.size()][b.size()];
}

} // namespace

// Bytes and lines: "ab", "", "cde" with both ends of lines, nothing.
TEST_F(DiagnosticsTest, Ranges) {
  uint32_t file = add("ab\n\ncde\r\nf\n");
  EXPECT_EQ(place(files.range(file, 0, 1)), "1:1+1");
  EXPECT_EQ(place(files.range(file, 0, 9)), "1:1+2"); // cut at the end of the line
  EXPECT_EQ(place(files.range(file, 1, 2)), "1:2+1");
  EXPECT_EQ(place(files.range(file, 2, 1)), "1:3+1"); // the end of a line is one
  EXPECT_EQ(place(files.range(file, 3, 5)), "2:1+1");
  EXPECT_EQ(place(files.range(file, 4, 3)), "3:1+3");
  EXPECT_EQ(place(files.range(file, 5, 0)), "3:2+1"); // nothing is a byte
  EXPECT_EQ(place(files.range(file, 9, 1)), "4:1+1");
  EXPECT_EQ(place(files.range(file, 11, 1)), "5:1+1");
  EXPECT_EQ(place(files.range(file, 99, 1)), "5:1+1");
  for (size_t offset = 0; offset <= 11; ++offset)
    EXPECT_EQ(files.offset(files.range(file, offset, 1)), offset);
  EXPECT_EQ(files.line(file, 3), "cde");
  EXPECT_EQ(files.line(file, 5), "");
  EXPECT_EQ(add("", "g"), 1u);
  EXPECT_EQ(files.name(1), "g");
  EXPECT_EQ(files.size(), 2u);
}

TEST_F(DiagnosticsTest, TextIsInTheOrderOfTheText) {
  uint32_t file = add("first line\nsecond line\n"), other = add("x\n", "g");
  diagnostics.error(files.range(other, 0, 1), "in the other");
  diagnostics.error(files.range(file, 18, 4), "later");
  diagnostics.note(files.range(file, 11, 6), "a note");
  diagnostics.error("without a place");
  diagnostics.note(files.range(file, 0, 1), "lost: what is before it has no place");
  diagnostics.error(files.range(file, 6, 4), "earlier");
  diagnostics.warning(files.range(file, 0, 5), "allowed");
  EXPECT_EQ(diagnostics.count(), 4u);
  EXPECT_TRUE(diagnostics.hasErrors());
  EXPECT_FALSE(diagnostics.full());
  std::string errors = "incept: error: without a place\n", allowed = "f:1:1: warning: allowed\nfirst line\n^~~~~\n",
              rest = "f:1:7: error: earlier\nfirst line\n      ^~~~\n"
                     "f:2:8: error: later\nsecond line\n       ^~~~\n"
                     "f:2:1: note: a note\nsecond line\n^~~~~~\n"
                     "g:1:1: error: in the other\nx\n^\n";
  EXPECT_EQ(print(), errors + rest);
  EXPECT_EQ(print(DiagnosticStyle::Text, /*warnings=*/true), errors + allowed + rest);
}

TEST_F(DiagnosticsTest, WarningsAreNoErrors) {
  uint32_t file = add("x\n");
  diagnostics.warning(files.range(file, 0, 1), "allowed");
  EXPECT_EQ(diagnostics.count(), 0u);
  EXPECT_FALSE(diagnostics.hasErrors());
  EXPECT_EQ(print(), "");
  diagnostics.error("no place");
  EXPECT_TRUE(diagnostics.hasErrors());
}

TEST_F(DiagnosticsTest, Json) {
  uint32_t file = add("conv kernal\n");
  diagnostics.error("no \"place\" \xff");
  diagnostics.warning(files.range(file, 0, 4), "allowed");
  diagnostics.note(files.range(file, 5, 1), "why");
  diagnostics.error(files.range(file, 5, 6), "unknown 'kernal'; did you mean 'kernel'?");
  diagnostics.fix(files.range(file, 4, 1), ",", /*insert=*/true);
  EXPECT_EQ(print(DiagnosticStyle::Json, /*warnings=*/true),
            "{\"message\":\"no \\\"place\\\" \xef\xbf\xbd\",\"severity\":\"error\"}\n"
            "{\"column\":1,\"file\":\"f\",\"fixes\":[],\"length\":4,\"line\":1,\"message\":\"allowed\","
            "\"notes\":[{\"column\":6,\"file\":\"f\",\"length\":1,\"line\":1,\"message\":\"why\"}],\"severity\":"
            "\"warning\"}\n"
            "{\"column\":6,\"file\":\"f\",\"fixes\":[{\"column\":6,\"file\":\"f\",\"length\":6,\"line\":1,\"text\":"
            "\"kernel\"},"
            "{\"column\":5,\"file\":\"f\",\"length\":0,\"line\":1,\"text\":\",\"}],\"length\":6,\"line\":1,"
            "\"message\":\"unknown 'kernal'; did you mean 'kernel'?\",\"notes\":[],\"severity\":\"error\"}\n");
}

// Where somebody looks at a terminal: bold places, red, magenta and cyan words, green marks and fixes; each ends where
// it does.
TEST_F(DiagnosticsTest, Colours) {
  class Terminal : public llvm::raw_string_ostream {
  public:
    explicit Terminal(std::string &text) : raw_string_ostream(text) { enable_colors(true); }
    bool has_colors() const override { return true; }
  };
  uint32_t file = add("one two\n");
  diagnostics.error(files.range(file, 4, 3), "m");
  diagnostics.note(files.range(file, 0, 3), "why");
  diagnostics.fix(files.range(file, 4, 1), "2");
  diagnostics.warning(files.range(file, 4, 1), "w");
  std::string text;
  {
    Terminal terminal(text);
    diagnostics.print(terminal, DiagnosticStyle::Text, /*warnings=*/true);
  }
  EXPECT_EQ(text, "\x1b[1mf:1:5: \x1b[0;1;31merror: \x1b[0mm\none two\n    \x1b[0;1;32m^~~\n\x1b[0m"
                  "    \x1b[0;32m2\n\x1b[0m"
                  "\x1b[1mf:1:1: \x1b[0;1;36mnote: \x1b[0mwhy\none two\n\x1b[0;1;32m^~~\n\x1b[0m"
                  "\x1b[1mf:1:5: \x1b[0;1;35mwarning: \x1b[0mw\none two\n    \x1b[0;1;32m^\n\x1b[0m");
}

// The name that was meant is a fix where the range is the wrong one, with its quotes or without.
TEST_F(DiagnosticsTest, NamesThatWereMeant) {
  uint32_t file = add("wrong \"wrong\" \"\" 'wrong'\n");
  auto fixOf = [&](size_t offset, size_t length, const std::string &message) {
    diagnostics.error(files.range(file, offset, length), message);
    const SourceDiagnostic &last = diagnostics.placed().back();
    return last.fixes.empty() ? "" : place(last.fixes[0].range) + " " + last.fixes[0].text;
  };
  EXPECT_EQ(fixOf(0, 5, "a 'wrong'; did you mean 'right'?"), "1:1+5 right");
  EXPECT_EQ(fixOf(6, 7, "b 'wrong'; did you mean 'right'?"), "1:7+7 \"right\"");
  EXPECT_EQ(fixOf(7, 5, "c 'wrong'; did you mean 'right'?"), "1:8+5 right");
  EXPECT_EQ(fixOf(0, 4, "d 'wrong'; did you mean 'right'?"), "");
  EXPECT_EQ(fixOf(0, 5, "e 'wrung'; did you mean 'right'?"), "");
  EXPECT_EQ(fixOf(0, 5, "f 'wrong'; did you mean 'right'? No"), "");
  EXPECT_EQ(fixOf(0, 5, "g 'wrong'; did you mean 'ri'ght'?"), "");
  EXPECT_EQ(fixOf(0, 5, "h 'wrong'; expected right"), "");
  EXPECT_EQ(fixOf(0, 5, "i wrong; did you mean 'right'?"), "");
  EXPECT_EQ(fixOf(14, 2, "j ''; did you mean 'right'?"), "");
  EXPECT_EQ(fixOf(17, 7, "k 'wrong'; did you mean 'right'?"), ""); // other quotes
  EXPECT_EQ(fixOf(0, 5, "l 'wrong' of 'block'; did you mean 'right'?"), "1:1+5 right");
}

TEST_F(DiagnosticsTest, FixesStandBelowTheMarks) {
  uint32_t file = add("one two three\nfour\n");
  diagnostics.error(files.range(file, 4, 3), "m");
  diagnostics.fix(files.range(file, 8, 5), "3");
  diagnostics.fix(files.range(file, 0, 1), "");               // what is taken away
  diagnostics.fix(files.range(file, 14, 4), "elsewhere");     // on another line
  diagnostics.fix(files.range(file, 7, 1), "a\tb\x01", true); // bytes that are no letters
  EXPECT_EQ(print(), "f:1:5: error: m\none two three\n    ^~~\n        3\n       a b?\n");
}

// Of a long line 140 bytes are shown, with the place in their middle; marks end where they do.
TEST_F(DiagnosticsTest, LongLines) {
  std::string line;
  for (int i = 0; i < 300; ++i)
    line += char('a' + i % 26);
  uint32_t file = add(line + "\n" + line.substr(0, 140) + "\n");
  auto shown = [&](size_t offset, size_t length) {
    SourceFiles &all = files;
    Diagnostics one(all);
    one.error(files.range(file, offset, length), "m");
    one.fix(files.range(file, offset, 1), "F");
    one.fix(files.range(file, offset >= 20 ? offset - 20 : 0, 1), "G");
    std::string text;
    llvm::raw_string_ostream stream(text);
    one.print(stream);
    return text.substr(text.find('\n') + 1);
  };
  auto marks = [](size_t column, size_t length, bool hasEarlier) {
    std::string text =
        std::string(column, ' ') + "^" + std::string(length - 1, '~') + "\n" + std::string(column, ' ') + "F\n";
    return text + (hasEarlier ? std::string(column - 20, ' ') : "") + "G\n";
  };
  EXPECT_EQ(shown(10, 3), line.substr(0, 140) + "\n" + marks(10, 3, false));
  EXPECT_EQ(shown(70, 1), line.substr(0, 140) + "\n" + marks(70, 1, true)); // 70 bytes may stand before it
  EXPECT_EQ(shown(71, 1), line.substr(1, 140) + "\n" + marks(70, 1, true));
  EXPECT_EQ(shown(71, 200), line.substr(1, 140) + "\n" + marks(70, 70, true));
  EXPECT_EQ(shown(290, 9), line.substr(220) + "\n" + marks(70, 9, true));
  // A line of 140 bytes is shown as it is.
  EXPECT_EQ(shown(301 + 139, 1), line.substr(0, 140) + "\n" + marks(139, 1, true));
}

// A place behind its line has no line below it, nor one in an empty line.
TEST_F(DiagnosticsTest, PlacesWithoutText) {
  uint32_t file = add("ab\n\n");
  diagnostics.error(SourceRange{file, 1, 3, 1}, "at the end");
  diagnostics.error(SourceRange{file, 1, 4, 1}, "behind it");
  diagnostics.error(SourceRange{file, 2, 1, 1}, "empty");
  diagnostics.error(SourceRange{file, 1, 1, 9}, "too\tlong\n");
  EXPECT_EQ(print(), "f:1:1: error: too long?\nab\n^~\n"
                     "f:1:3: error: at the end\nab\n  ^\n"
                     "f:1:4: error: behind it\n"
                     "f:2:1: error: empty\n");
}

// Each is said once, with its notes; 20 of each severity.
TEST_F(DiagnosticsTest, OnceAndNotTooMany) {
  uint32_t file = add("abcdefghijklmnopqrstuvwxyz\n");
  for (int round = 0; round < 2; ++round) {
    diagnostics.error(files.range(file, 0, 1), "same");
    diagnostics.note(files.range(file, 1, 1), "note");
    diagnostics.fix(files.range(file, 1, 1), "fix");
    diagnostics.error(files.range(file, 0, 1), "same place");
    diagnostics.error(files.range(file, 1, 1), "same");
  }
  EXPECT_EQ(diagnostics.count(), 3u);
  EXPECT_EQ(diagnostics.placed()[0].notes.size(), 1u);
  EXPECT_EQ(diagnostics.placed()[0].fixes.size(), 1u);
  for (int i = 3; i < 20; ++i) {
    EXPECT_FALSE(diagnostics.full());
    diagnostics.error(files.range(file, i, 1), "m");
  }
  EXPECT_TRUE(diagnostics.full());
  diagnostics.error(files.range(file, 25, 1), "one too many");
  diagnostics.note(files.range(file, 25, 1), "of it");
  EXPECT_EQ(diagnostics.count(), 20u);
  EXPECT_TRUE(diagnostics.placed().back().notes.empty());
  diagnostics.warning(files.range(file, 25, 1), "a warning still fits");
  std::string text = print();
  EXPECT_TRUE(llvm::StringRef(text).ends_with("incept: note: stopped after 20 errors\n"));
  EXPECT_EQ(text.find("too many"), std::string::npos);
  EXPECT_NE(print(DiagnosticStyle::Text, true).find("still fits"), std::string::npos);
  EXPECT_EQ(print(DiagnosticStyle::Json).find("stopped"), std::string::npos);
  for (int i = 0; i < 25; ++i)
    diagnostics.warning(files.range(file, i, 1), "w");
  EXPECT_EQ(diagnostics.placed().size(), 40u);
}

TEST_F(DiagnosticsTest, FilesThatNobodyReads) {
  EXPECT_TRUE(checkText(add(std::string(4 << 20, 'x')), diagnostics));
  EXPECT_FALSE(diagnostics.hasErrors());
  EXPECT_FALSE(checkText(add(std::string((4 << 20) + 1, 'x'), "large"), diagnostics));
  EXPECT_FALSE(checkText(add("ab\n\xc3\xa9\xe9z", "latin"), diagnostics));
  EXPECT_TRUE(checkText(add("\xc3\xa9\xf0\x9d\x84\x9e"), diagnostics));
  ASSERT_EQ(diagnostics.placed().size(), 2u);
  EXPECT_EQ(diagnostics.placed()[0].message, "expected a file of at most 4 MB, but it has 4 MB");
  EXPECT_EQ(place(diagnostics.placed()[0].range), "1:1+1");
  EXPECT_EQ(diagnostics.placed()[1].message, "expected a text in UTF-8, but got the byte 0xe9");
  EXPECT_EQ(place(diagnostics.placed()[1].range), "2:3+1");
}

// The nearest one is the first of those whose distance is the least, and below what the length allows: nothing is near
// one or two letters, one letter of three may differ, of more a third rounded up.
TEST(NearestName, AgainstAllDistances) {
  const std::vector<std::string> candidates = {"conv",  "convs",   "relu",     "max_pool",    "avg_pool", "linear",
                                               "in",    "softmax", "classes",  "in.channels", "in.width", "a",
                                               "relu6", "gelu",    "abcdefgh", "abc"};
  std::vector<std::string> names = candidates;
  for (const std::string &candidate : candidates)
    for (size_t cut = 0; cut < candidate.size(); ++cut) {
      names.push_back(candidate.substr(0, cut) + candidate.substr(cut + 1));
      names.push_back(candidate.substr(0, cut) + "z" + candidate.substr(cut));
      names.push_back(candidate.substr(0, cut) + "zz" + candidate.substr(std::min(cut + 2, candidate.size())));
      names.push_back(candidate.substr(0, cut) + "zzz" + candidate.substr(std::min(cut + 3, candidate.size())));
      names.push_back(candidate.substr(0, cut) + "zzzz" + candidate.substr(std::min(cut + 4, candidate.size())));
    }
  for (const std::string &name : names) {
    size_t most = name.size() <= 2 ? 0 : name.size() == 3 ? 1 : (name.size() + 2) / 3;
    std::optional<std::string> expected;
    size_t best = most + 1;
    for (const std::string &candidate : candidates)
      if (size_t far = distance(name, candidate); candidate != name && far < best) {
        best = far;
        expected = candidate;
      }
    EXPECT_EQ(nearestName(name, candidates), expected) << name;
  }
  std::string longest(64, 'l');
  EXPECT_EQ(nearestName(longest, {longest + "l"}), longest + "l");
  EXPECT_EQ(nearestName(longest + "l", {longest}), std::nullopt);
}

TEST(Suggestion, NearOrAList) {
  EXPECT_EQ(suggestion("convv", {"relu", "conv"}), "; did you mean 'conv'?");
  EXPECT_EQ(suggestion("x", {}), "");
  EXPECT_EQ(suggestion("x", {"relu"}), "; expected relu");
  EXPECT_EQ(suggestion("x", {"relu", "conv"}), "; expected one of relu, conv");
  std::vector<std::string> many;
  std::string list = "; expected one of ";
  for (int i = 0; i < 20; ++i) {
    many.push_back("name" + std::to_string(i));
    list += (i ? ", " : "") + many.back();
  }
  EXPECT_EQ(suggestion("x", many), list);
  many.push_back("name20");
  EXPECT_EQ(suggestion("x", many), list + ", ...");
}
