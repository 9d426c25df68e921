// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/Workspace.h"
#include "dialect/InceptDialect.h"
#include "frontend/Frontend.h"
#include "frontend/LayerTree.h"
#include "frontend/LoadSpec.h"
#include "frontend/OpTable.h"
#include "frontend/SpecWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

namespace lsp = llvm::lsp;

namespace incept {

/// Units of UTF-16, in which editors count, of so many bytes.
static int countUnits(llvm::StringRef bytes) {
  int units = 0;
  for (unsigned char c : bytes)
    units += (c & 0xc0) == 0x80 ? 0 : c >= 0xf0 ? 2 : 1;
  return units;
}

std::string realPath(llvm::StringRef path) {
  llvm::SmallString<128> real;
  return llvm::sys::fs::real_path(path, real) ? path.str() : real.str().str();
}

static lsp::URIForFile uriOf(llvm::StringRef path) {
  auto uri = lsp::URIForFile::fromFile(realPath(path));
  if (uri)
    return *uri;
  llvm::consumeError(uri.takeError());
  return {};
}

Analysis::Analysis(const std::string &path, const std::map<std::string, std::string> &edited)
    : path(path), found(sources), context(mlir::MLIRContext::Threading::DISABLED) {
  context.loadDialect<InceptDialect, mlir::func::FuncDialect>();
  sources.edited = edited;
  LoadOptions options;
  options.acceptLibrary = true;
  module = emitNetwork(context, path, options, found);
  SourceFiles again; // each file by itself; its mistakes are known
  for (uint32_t number = 0; number < sources.size(); ++number) {
    again.add(sources.name(number).str(), llvm::MemoryBuffer::getMemBufferCopy(sources.text(number)));
    Diagnostics known(again);
    if (auto file = readSpecFile(number, known))
      files.push_back(std::move(*file));
  }
  index.emplace(files, sources);
  if (module && !found.hasErrors())
    layers = buildLayerTree(*module);
}

Analysis::~Analysis() = default;

lsp::Range Analysis::range(SourceRange range) const {
  llvm::StringRef line = sources.line(range.file, range.line);
  int number = range.line - 1, begin = range.column - 1;
  return {{number, countUnits(line.take_front(begin))}, {number, countUnits(line.take_front(begin + range.length))}};
}

lsp::Location Analysis::location(SourceRange place) const { return {uriOf(sources.name(place.file)), range(place)}; }

uint32_t Analysis::column(lsp::Position position) const {
  llvm::StringRef line = sources.size() ? sources.line(0, position.line + 1) : "";
  uint32_t bytes = 0;
  for (int units = 0; bytes < line.size() && units < position.character; ++bytes)
    units += countUnits(line.substr(bytes, 1));
  while (bytes < line.size() && (line[bytes] & 0xc0) == 0x80)
    ++bytes;
  return bytes + 1;
}

std::map<std::string, std::vector<lsp::Diagnostic>> Analysis::diagnostics() const {
  std::map<std::string, std::vector<lsp::Diagnostic>> result;
  for (uint32_t number = 0; number < sources.size(); ++number)
    result[sources.name(number).str()];
  auto make = [](lsp::Range range, bool warning, std::string message) {
    lsp::Diagnostic diagnostic;
    diagnostic.range = range;
    diagnostic.severity = warning ? lsp::DiagnosticSeverity::Warning : lsp::DiagnosticSeverity::Error;
    diagnostic.source = "incept";
    diagnostic.message = std::move(message);
    return diagnostic;
  };
  for (const SourceDiagnostic &one : found.placed()) {
    lsp::Diagnostic diagnostic = make(range(one.range), one.warning, one.message);
    if (!one.notes.empty())
      diagnostic.relatedInformation.emplace();
    for (const DiagnosticNote &note : one.notes)
      diagnostic.relatedInformation->push_back({location(note.range), note.message});
    result[sources.name(one.range.file).str()].push_back(std::move(diagnostic));
  }
  for (const std::string &message : found.others())
    result[path].push_back(make({}, /*warning=*/false, message));
  return result;
}

const Symbol *Analysis::symbolAt(lsp::Position position) const {
  return sources.size() ? index->at(/*file=*/0, position.line + 1, column(position)) : nullptr;
}

/// The ops of the network that begin nearest before a place on its line: what they compute, for the first three.
std::string Analysis::describeOp(uint32_t line, uint32_t column) const {
  std::vector<const LayerNode *> nodes, found;
  uint32_t best = 0;
  if (layers)
    nodes.push_back(layers.get());
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (auto &child : nodes[i]->children)
      nodes.push_back(child.get());
    if (!nodes[i]->isOp())
      continue;
    auto loc = nodes[i]->ops[0]->getLoc()->findInstanceOf<mlir::FileLineColLoc>();
    if (!loc || loc.getFilename() != sources.name(0) || loc.getLine() != line || loc.getColumn() > column ||
        loc.getColumn() < best)
      continue;
    if (loc.getColumn() > best)
      found.clear();
    best = loc.getColumn();
    found.push_back(nodes[i]);
  }
  std::string text;
  for (const LayerNode *node : llvm::ArrayRef(found).take_front(3)) {
    int64_t bytes = 4;
    for (int64_t size : llvm::ArrayRef(node->dst).drop_front(node->dst.empty() ? 0 : 1))
      bytes *= size;
    text += "`" + node->path + "`: " + node->kind + ", " + formatImage(node->src) + " -> " + formatImage(node->dst) +
            ", " + std::to_string(node->parameters) + " parameters, " + std::to_string(node->macs) +
            " multiply-accumulates, " + std::to_string(bytes) + " bytes an image in f32\n\n";
  }
  if (found.size() > 3)
    text += "and " + std::to_string(found.size() - 3) + " more\n\n";
  return text;
}

std::optional<lsp::Hover> Analysis::hover(lsp::Position position) const {
  lsp::Hover hover{lsp::Range(position)};
  if (const Symbol *symbol = symbolAt(position)) {
    hover.contents.value = "`" + symbol->detail + "`\n\n";
    if (!symbol->comment.empty())
      hover.contents.value += symbol->comment + "\n\n";
  }
  hover.contents.value += describeOp(position.line + 1, column(position));
  if (hover.contents.value.empty())
    return std::nullopt;
  return hover;
}

std::vector<lsp::Location> Analysis::definition(lsp::Position position) const {
  const Symbol *symbol = symbolAt(position);
  return symbol ? std::vector{location(symbol->definition)} : std::vector<lsp::Location>();
}

std::vector<lsp::Location> Analysis::uses(lsp::Position position) const {
  std::vector<lsp::Location> result;
  if (const Symbol *symbol = symbolAt(position))
    for (const SourceRange &use : symbol->uses)
      result.push_back(location(use));
  return result;
}

lsp::CompletionList Analysis::complete(lsp::Position position) const {
  lsp::CompletionList list;
  auto add = [&](const llvm::Twine &label, lsp::CompletionItemKind kind, llvm::StringRef detail) {
    list.items.emplace_back(label, kind);
    list.items.back().detail = detail.str();
  };
  if (sources.size() == 0)
    return list;
  llvm::StringRef before = sources.line(0, position.line + 1).take_front(column(position) - 1);
  if (before.contains("//"))
    return list;
  before = before.drop_while([](char c) { return c == ' ' || c == '\t'; });
  // The op of the chain that is being written, behind its label.
  for (llvm::StringRef end : {"->", "{", ";"})
    if (size_t at = before.rfind(end); at != llvm::StringRef::npos)
      before = before.drop_front(at + end.size());
  if (size_t colon = before.find(':'); colon != llvm::StringRef::npos && !before.take_front(colon).contains('('))
    before = before.drop_front(colon + 1);
  if (size_t times = before.find('*'); times < before.find_first_of("(,="))
    before = before.drop_front(times + 1); // of `2 * block`
  before = before.ltrim();
  llvm::StringRef word = before.take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
  bool atWord = word.size() == before.size();
  if (atWord) {
    for (const OpInfo &op : opTable())
      if (op.kind != OpKind::Block && op.kind != OpKind::Value) // words of JSON
        add(op.name, lsp::CompletionItemKind::Function, "op");
    for (const char *word : {"let", "if", "for", "assert", "from"})
      add(word, lsp::CompletionItemKind::Keyword, "statement");
  }
  for (const Symbol *symbol : index->visible(/*file=*/0, position.line + 1)) {
    bool isBlock = symbol->kind == SymbolKind::Block;
    if (isBlock == atWord)
      add(symbol->name, isBlock ? lsp::CompletionItemKind::Class : lsp::CompletionItemKind::Variable, symbol->detail);
  }
  if (atWord)
    return list;
  if (const OpInfo *op = findOp(word))
    for (const KeyInfo &key : op->keys)
      add(key.name, lsp::CompletionItemKind::Property, ("option of " + op->name).str());
  for (const Symbol &symbol : index->symbols())
    if (symbol.kind == SymbolKind::Block && symbol.name == word)
      for (size_t parameter : symbol.parameters)
        add(index->symbols()[parameter].name, lsp::CompletionItemKind::Property, index->symbols()[parameter].detail);
  for (const char *name : {"channels", "height", "width", "in.channels", "in.height", "in.width"})
    add(name, lsp::CompletionItemKind::Constant, "of what flows in");
  return list;
}

llvm::Expected<lsp::WorkspaceEdit> Analysis::rename(lsp::Position position, llvm::StringRef name) const {
  auto fail = [](const llvm::Twine &message) {
    return llvm::make_error<lsp::LSPError>(message.str(), lsp::ErrorCode::RequestFailed);
  };
  const Symbol *symbol = symbolAt(position);
  if (!symbol)
    return fail("expected the name of a block, table, parameter or value");
  bool valid = !name.empty() && name.size() <= kMaxNameLength && !llvm::isDigit(name[0]) &&
               llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  if (!valid || (symbol->kind == SymbolKind::Block ? isReservedForBlocks(name) : isReserved(name)))
    return fail("'" + name + "' cannot be a name");
  if (found.hasErrors())
    return fail("the description has mistakes: what the name means is not certain");
  for (const Symbol *other : index->visible(symbol->definition.file, symbol->definition.line))
    if (other->name == name)
      return fail("'" + name + "' is already defined");
  lsp::WorkspaceEdit edit;
  for (const SourceRange &use : symbol->uses)
    edit.changes[uriOf(sources.name(use.file)).uri().str()].push_back({range(use), name.str()});
  return edit;
}

std::vector<lsp::DocumentSymbol> Analysis::outline() const {
  std::vector<lsp::DocumentSymbol> result;
  for (const Symbol &symbol : index->symbols()) {
    if (symbol.definition.file != 0 || symbol.kind == SymbolKind::Parameter || symbol.kind == SymbolKind::Value)
      continue;
    lsp::Range place = range(symbol.definition), whole = place;
    whole.end = std::max(whole.end, lsp::Position(symbol.endLine, 0));
    auto kind = symbol.kind == SymbolKind::Table   ? lsp::SymbolKind::Array
                : symbol.kind == SymbolKind::Block ? lsp::SymbolKind::Function
                                                   : lsp::SymbolKind::Module;
    result.emplace_back(symbol.name, kind, whole, place);
    result.back().detail = symbol.detail;
  }
  return result;
}

std::vector<lsp::TextEdit> Analysis::format() const {
  if (sources.size() == 0 || !llvm::StringRef(path).ends_with(".incept"))
    return {};
  SourceFiles alone;
  Diagnostics mistakes(alone);
  uint32_t number = alone.add(path, llvm::MemoryBuffer::getMemBufferCopy(sources.text(0)));
  auto file = readSpecFile(number, mistakes);
  if (!file || mistakes.hasErrors())
    return {};
  std::string text = writeTextSpec(*file);
  if (text == sources.text(0))
    return {};
  int lines = sources.text(0).count('\n');
  return {{{{0, 0}, {lines + 1, 0}}, std::move(text)}};
}

} // namespace incept
