// SPDX-License-Identifier: Apache-2.0
//
// Which name means what in a description of two files: every definition with all of its uses.

#include "frontend/SymbolIndex.h"
#include "frontend/JsonReader.h"
#include "frontend/TextReader.h"

#include <gtest/gtest.h>

using namespace incept;

namespace {

class SymbolIndexTest : public testing::Test {
protected:
  void add(const std::string &text, bool json = false) {
    uint32_t number = sources.add("f", llvm::MemoryBuffer::getMemBufferCopy(text));
    auto file = json ? readJsonSpec(number, diagnostics) : readTextSpec(number, diagnostics);
    ASSERT_TRUE(file && !diagnostics.hasErrors());
    files.push_back(std::move(*file));
  }

  /// "KIND DETAIL [COMMENT] FILE:LINE:COLUMN ...", all of its uses; of a scope the last line that may be its own.
  std::string dump(const Symbol &symbol) const {
    static const char *const kKinds[] = {"block", "table", "network", "parameter", "value"};
    std::string text = std::string(kKinds[int(symbol.kind)]) + " " + symbol.name + ": " + symbol.detail;
    if (!symbol.comment.empty())
      text += " [" + symbol.comment + "]";
    for (const SourceRange &use : symbol.uses) {
      text += " " + std::to_string(use.file) + ":" + std::to_string(use.line) + ":" + std::to_string(use.column);
      EXPECT_TRUE(use.length == symbol.name.size() || use.length == symbol.name.size() + 2) << text; // with quotes
    }
    if (symbol.kind == SymbolKind::Block || symbol.kind == SymbolKind::Network)
      text += " to " + std::to_string(symbol.endLine);
    return text + "\n";
  }

  std::string dump() const {
    SymbolIndex index(files, sources);
    std::string text;
    for (const Symbol &symbol : index.symbols())
      text += dump(symbol);
    return text;
  }

  std::string visible(uint32_t file, uint32_t line) const {
    SymbolIndex index(files, sources);
    std::string text;
    for (const Symbol *symbol : index.visible(file, line))
      text += (text.empty() ? "" : " ") + symbol->name;
    return text;
  }

  SourceFiles sources;
  Diagnostics diagnostics{sources};
  std::vector<SpecFile> files;
};

const char kLibrary[] = "// Widths.\n"
                        "table t {\n"
                        "  a  b\n"
                        "  1  2\n"
                        "}\n"
                        "// Of two.\n"
                        "block pair(n: int, act: activation = relu) {\n"
                        "  conv 3x3, n, activation = act as y\n"
                        "  let m = 2 * n\n"
                        "  for i, k in [m, n] {\n"
                        "    c{k}: conv 1x1, i + classes\n"
                        "  }\n"
                        "  add y\n"
                        "}\n";
const char kNetwork[] = "import \"library.incept\"\n"
                        "defaults {\n"
                        "  conv divisor = classes\n"
                        "}\n"
                        "network net(classes = 10, n = 3) {\n"
                        "  input 3 x n x n\n"
                        "  n * pair(t[1].a, act = gelu) as y\n"
                        "  concat { b{n}: pair(n = classes); from y }\n"
                        "  let z = { conv 1x1, t[1].b }\n"
                        "  add z\n"
                        "  if classes > n {\n"
                        "    pair(network.n)\n"
                        "  }\n"
                        "  training {\n"
                        "    epochs = n\n"
                        "  }\n"
                        "}\n";

} // namespace

TEST_F(SymbolIndexTest, DefinitionsAndUses) {
  add(kLibrary);
  add(kNetwork);
  EXPECT_EQ(dump(), "table t: table t: a b [Widths.] 0:2:7 1:7:12 1:9:23\n"
                    "block pair: block pair(n: int, act: activation) [Of two.] 0:7:7 1:7:7 1:8:18 1:12:5 to 13\n"
                    "parameter n: parameter n: int of block pair 0:7:12 0:8:13 0:9:15 0:10:19 1:8:23\n"
                    "parameter act: parameter act: activation of block pair 0:7:20 0:8:29 1:7:20\n"
                    "network net: network net(classes, n) 1:5:9 to 15\n"
                    "parameter classes: parameter classes of network net 0:11:25 1:3:18 1:5:13 1:8:27 1:11:6\n"
                    "parameter n: parameter n of network net 1:5:27 1:6:13 1:6:17 1:7:3 1:8:14 1:11:16 1:15:14\n"
                    "value y: value y 0:8:36 0:13:7\n"
                    "value m: let m 0:9:7 0:10:16\n"
                    "value i: for i 0:10:7 0:11:21\n"
                    "value k: for k 0:10:10 0:11:7\n"
                    "value y: value y 1:7:35 1:8:42\n"
                    "value z: let z 1:9:7 1:10:7\n");
}

// What stands at a place: from its first byte to the one behind its last.
TEST_F(SymbolIndexTest, WhatIsAtAPlace) {
  add(kLibrary);
  add(kNetwork);
  SymbolIndex index(files, sources);
  for (const Symbol &symbol : index.symbols())
    for (const SourceRange &use : symbol.uses)
      for (uint32_t column = use.column; column < use.column + use.length; ++column)
        EXPECT_EQ(index.at(use.file, use.line, column), &symbol) << symbol.name << " " << use.line << ":" << column;
  EXPECT_EQ(index.at(0, 7, 6), nullptr);
  ASSERT_TRUE(index.at(0, 7, 11));
  EXPECT_EQ(index.at(0, 7, 11)->name, "pair");
  EXPECT_EQ(index.at(0, 7, 14), nullptr);
  EXPECT_EQ(index.at(0, 1, 4), nullptr);
  EXPECT_EQ(index.at(1, 1, 8), nullptr);
}

// A scope's own names from its first line on, parameters of networks everywhere, what all share.
TEST_F(SymbolIndexTest, WhatCanBeUsed) {
  add(kLibrary);
  add(kNetwork);
  EXPECT_EQ(visible(0, 1), "classes n t pair");
  EXPECT_EQ(visible(0, 7), "n act classes n y m i k t pair");
  EXPECT_EQ(visible(0, 13), "n act classes n y m i k t pair");
  EXPECT_EQ(visible(1, 4), "classes n t pair");
  EXPECT_EQ(visible(1, 5), "classes n y z t pair");
  EXPECT_EQ(visible(1, 99), "classes n y z t pair");
}

// Of two blocks in one file the one that begins last; the first definition of a name counts.
TEST_F(SymbolIndexTest, TheNearestScope) {
  add("block a(p) {\n  conv 1x1, p\n}\nblock b(q = 1) {\n  conv 1x1, q -> a(q)\n}\n");
  add("block a {\n  relu\n}\nnetwork n {\n  input 1 x 2 x 2\n  a(3)\n}\n");
  EXPECT_EQ(visible(0, 2), "p a b a");
  EXPECT_EQ(visible(0, 3), "p a b a");
  EXPECT_EQ(visible(0, 5), "q a b a");
  EXPECT_EQ(visible(1, 6), "a b a");
  EXPECT_EQ(dump(), "block a: block a(p) 0:1:7 0:5:18 1:6:3 to 2\n"
                    "parameter p: parameter p of block a 0:1:9 0:2:13\n"
                    "block b: block b(q) 0:4:7 to 5\n"
                    "parameter q: parameter q of block b 0:4:9 0:5:13 0:5:20\n"
                    "block a: block a 1:1:7 to 2\n"
                    "network n: network n 1:4:9 to 6\n");
}

// In JSON a place counts where the name stands in the text.
TEST_F(SymbolIndexTest, Json) {
  add("{\"network\": \"net\", \"parameters\": {\"classes\": 10, \"act\": {\"type\": \"activation\", \"default\": "
      "\"relu\"}},\n"
      " \"blocks\": {\"u\": {\"parameters\": {\"n\": null}, \"layers\": [{\"conv\": 1, \"filters\": \"n * "
      "network.classes\"}]}},\n"
      " \"input\": {\"channels\": 3, \"height\": 8, \"width\": 8}, \"layers\": [{\"block\": \"u\", \"n\": \"1 + "
      "classes\"},\n"
      "  {\"label\": \"a{classes}\", \"conv\": 1, \"filters\": 2, \"activation\": \"act\", \"as\": \"y\"}, {\"add\": "
      "\"y\"}]}\n",
      /*json=*/true);
  // A key's place is that of its quotes. Neither the key of an argument nor a name behind `network.` is found in the
  // text.
  EXPECT_EQ(dump(), "block u: block u(n) 0:2:13 0:3:75 to 2\n"
                    "parameter n: parameter n of block u 0:2:34 0:2:81\n"
                    "network net: network net(classes, act: activation) 0:1:14 to 4\n"
                    "parameter classes: parameter classes of network net 0:1:35 0:3:89 0:4:16\n"
                    "parameter act: parameter act: activation of network net 0:1:50 0:4:67\n"
                    "value y: value y 0:4:80 0:4:94\n");
}
