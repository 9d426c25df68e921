// SPDX-License-Identifier: Apache-2.0
//
// Descriptions and expressions.
#include "frontend/CheckSpec.h"
#include "frontend/Expression.h"
#include "frontend/JsonReader.h"
#include "frontend/LoadSpec.h"
#include "frontend/SpecWriter.h"
#include "frontend/TextReader.h"
#include "test/fuzz/Targets.h"
#include "llvm/Support/raw_ostream.h"

namespace incept::fuzz {

namespace {

/// A file of this text, and the diagnostics of reading it, which are printed too: they quote what they found.
struct Source {
  explicit Source(std::string_view text, std::string name = "fuzz.json")
      : diagnostics(files),
        file(files.add(std::move(name),
                       llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(text.data(), text.size())))) {}
  ~Source() {
    std::string printed;
    llvm::raw_string_ostream stream(printed);
    diagnostics.print(stream);
    for (char c : printed)
      promise(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  }

  SourceFiles files;
  Diagnostics diagnostics;
  uint32_t file;
};

/// Integers, reals and rows under a few names; anything else is a mistake.
class Names final : public Scope {
public:
  Names() {
    row.name = "row";
    row.entries = {{"k", int64_t(192)}, {"scale", 0.17}};
  }
  std::optional<Value> lookup(const Expr &name, Diagnostics &diagnostics) const override {
    if (name.name == "a")
      return int64_t(7);
    if (name.name == "width")
      return 1.5;
    if (name.name == "row")
      return &row;
    if (name.name == "row.k")
      return int64_t(192);
    if (name.name == "in.channels")
      return INT64_MAX;
    diagnostics.error(name.range, "no '" + name.name + "'");
    return std::nullopt;
  }

private:
  Row row;
};

} // namespace

/// Checks what a file defines, by itself.
static void check(SpecFile file, Diagnostics &diagnostics) {
  Spec spec;
  for (BlockDef &block : file.blocks)
    spec.blocks.emplace(block.name.text, std::move(block));
  for (Table &table : file.tables)
    spec.tables.emplace(table.name.text, std::move(table));
  spec.defaults = std::move(file.defaults);
  if (!file.networks.empty()) {
    spec.hasNetwork = true;
    spec.network = std::move(file.networks[0].name);
    spec.parameters = std::move(file.networks[0].parameters);
    spec.input = std::move(file.networks[0].input);
    spec.training = std::move(file.networks[0].training);
    spec.ops = std::move(file.networks[0].ops);
  }
  checkSpec(spec, diagnostics);
}

/// What was read without a mistake is written in both forms, which are read without one, and are then written the same.
static void writeAndReadAgain(const SpecFile &file) {
  std::string text = writeTextSpec(file), json = writeJsonSpec(file);
  Source again(text, "again.incept");
  auto second = readTextSpec(again.file, again.diagnostics);
  promise(second && !again.diagnostics.hasErrors());
  promise(writeTextSpec(*second) == text);
  Source other(json, "again.json");
  auto third = readJsonSpec(other.file, other.diagnostics);
  promise(third && !other.diagnostics.hasErrors());
}

void fuzzSpec(std::string_view text) {
  Source source(text);
  auto file = readJsonSpec(source.file, source.diagnostics);
  if (!file)
    return;
  if (!source.diagnostics.hasErrors())
    writeAndReadAgain(*file);
  check(std::move(*file), source.diagnostics);
}

void fuzzText(std::string_view text) {
  Source source(text, "fuzz.incept");
  auto file = readTextSpec(source.file, source.diagnostics);
  if (!file)
    return;
  if (!source.diagnostics.hasErrors())
    writeAndReadAgain(*file);
  check(std::move(*file), source.diagnostics);
}

void fuzzExpression(std::string_view text) {
  Source source(text);
  llvm::StringRef line(text.data(), text.size());
  auto expr = parseExpression(line, source.files.range(source.file, 0, line.size()), source.diagnostics);
  promise(expr || source.diagnostics.hasErrors());
  if (!expr)
    return;
  Names names; // a value may be one of its rows
  auto value = evaluate(*expr, names, source.diagnostics);
  promise(value || source.diagnostics.hasErrors());
  if (value)
    (void)formatValue(*value);
}

} // namespace incept::fuzz
