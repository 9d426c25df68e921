// SPDX-License-Identifier: Apache-2.0

#include "frontend/SymbolIndex.h"
#include "llvm/ADT/STLExtras.h"

namespace incept {

/// Walks the files twice: definitions that all share, then what uses them.
class SymbolCollector {
public:
  SymbolCollector(SymbolIndex &index, const SourceFiles &sources) : index(index), sources(sources) {}

  void run(llvm::ArrayRef<SpecFile> files) {
    for (const SpecFile &file : files)
      defineShared(file);
    for (const SpecFile &file : files)
      useShared(file);
    for (Symbol &symbol : index.all)
      llvm::sort(symbol.uses, [](const SourceRange &a, const SourceRange &b) {
        return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
      });
  }

private:
  using Names = std::map<std::string, size_t>;

  size_t define(SymbolKind kind, const Name &name, std::string detail, const std::string &comment = "") {
    index.all.push_back({kind, name.text, name.range, std::move(detail), comment, {name.range}, {}, name.range.line});
    return index.all.size() - 1;
  }

  static std::string describe(const Parameter &parameter) {
    return parameter.name.text +
           (parameter.type == ParameterType::Any ? "" : ": " + parameterTypeName(parameter.type).str());
  }

  size_t defineScope(SymbolKind kind, const Name &name, llvm::ArrayRef<Parameter> parameters, const Layout &layout,
                     Names &names) {
    std::string list;
    for (const Parameter &parameter : parameters)
      list += (list.empty() ? "" : ", ") + describe(parameter);
    std::string word = kind == SymbolKind::Block ? "block " : "network ";
    size_t owner = define(kind, name, word + name.text + (list.empty() ? "" : "(" + list + ")"), layout.comment);
    for (const Parameter &parameter : parameters) {
      if (parameter.name.text.empty())
        continue;
      size_t symbol =
          define(SymbolKind::Parameter, parameter.name, "parameter " + describe(parameter) + " of " + word + name.text);
      names[parameter.name.text] = symbol;
      index.all[owner].parameters.push_back(symbol);
      index.owned.push_back({symbol, owner});
    }
    return owner;
  }

  void defineShared(const SpecFile &file) {
    for (const Table &table : file.tables) {
      std::string columns;
      for (const std::string &column : table.columns)
        columns += " " + column;
      shared.try_emplace(table.name.text, define(SymbolKind::Table, table.name,
                                                 "table " + table.name.text + ":" + columns, table.layout.comment));
    }
    for (const BlockDef &block : file.blocks) {
      Names names;
      size_t symbol = defineScope(SymbolKind::Block, block.name, block.parameters, block.layout, names);
      shared.try_emplace(block.name.text, symbol);
      scopes[&block] = {symbol, std::move(names)};
    }
    for (const NetworkDef &network : file.networks) {
      Names names;
      size_t symbol = defineScope(SymbolKind::Network, network.name, network.parameters, network.layout, names);
      networkNames.insert(names.begin(), names.end());
      scopes[&network] = {symbol, std::move(names)};
    }
  }

  void useShared(const SpecFile &file) {
    for (const Defaults &defaults : file.defaults)
      enter(nullptr, [&] { use(defaults.arguments); });
    for (const BlockDef &block : file.blocks)
      enter(&block, [&] {
        use(block.parameters);
        use(block.ops);
      });
    for (const NetworkDef &network : file.networks)
      enter(&network, [&] {
        use(network.parameters);
        for (const Defaults &defaults : network.defaults)
          use(defaults.arguments);
        for (const auto *section : {&network.input, &network.training})
          if (*section)
            use((*section)->arguments);
        use(network.ops);
      });
  }

  template <typename Walk>
  void enter(const void *owner, Walk walk) {
    auto found = scopes.find(owner);
    own = found == scopes.end() ? Names() : found->second.second;
    scope = found == scopes.end() ? std::nullopt : std::optional(found->second.first);
    walk();
  }

  std::optional<size_t> resolve(llvm::StringRef name) const {
    for (const Names *names : {&own, &networkNames, &shared})
      if (auto found = names->find(name.str()); found != names->end())
        return found->second;
    return std::nullopt;
  }

  /// A place where a name stands. In JSON, that of a dotted name or of a label is not always the name's own: only what
  /// reads the name in the text counts.
  void useAt(llvm::StringRef name, SourceRange range) {
    range.length = name.size();
    llvm::StringRef line = sources.line(range.file, range.line);
    if (name.empty() || line.substr(range.column - 1, name.size()) != name)
      return;
    if (auto symbol = resolve(name))
      addUse(*symbol, range);
  }

  void addUse(size_t symbol, SourceRange range) {
    std::vector<SourceRange> &uses = index.all[symbol].uses;
    bool known = llvm::any_of(uses, [&](const SourceRange &use) {
      return use.file == range.file && use.line == range.line && use.column == range.column;
    });
    if (!known)
      uses.push_back(range);
    if (scope)
      index.all[*scope].endLine = std::max(index.all[*scope].endLine, range.line);
  }

  void use(const Expr &expr) {
    if (expr.kind == ExprKind::Name)
      useAt(llvm::StringRef(expr.name).split('.').first, expr.range);
    for (const Expr &operand : expr.operands)
      use(operand);
  }

  void use(const Argument &argument) {
    if (argument.kind == ArgumentKind::Expression)
      use(argument.expr);
    if (argument.kind == ArgumentKind::Word)
      useAt(argument.word, argument.range);
    for (const Argument &item : argument.items)
      use(item);
  }

  void use(llvm::ArrayRef<Argument> arguments) {
    for (const Argument &argument : arguments)
      use(argument);
  }

  void use(llvm::ArrayRef<Parameter> parameters) {
    for (const Parameter &parameter : parameters)
      if (parameter.value)
        use(*parameter.value);
  }

  void defineValue(const Name &name, const char *what) {
    if (name.text.empty())
      return;
    size_t symbol = define(SymbolKind::Value, name, what + (" " + name.text));
    own[name.text] = symbol;
    if (scope) {
      index.owned.push_back({symbol, *scope});
      index.all[*scope].endLine = std::max(index.all[*scope].endLine, name.range.line);
    }
  }

  void use(llvm::ArrayRef<Op> ops) {
    for (const Op &op : ops)
      use(op);
  }

  void use(const Op &op) {
    if (scope)
      index.all[*scope].endLine = std::max(index.all[*scope].endLine, op.range.line);
    for (const Expr &label : op.labelIndices)
      use(label);
    if (op.repeat)
      use(*op.repeat);
    if (op.value)
      use(*op.value);
    useAt(op.target.text, op.target.range);
    use(op.main);
    use(op.arguments);
    if (op.kind == OpKind::Block)
      if (auto block = resolve(op.target.text))
        for (const Argument &argument : op.arguments)
          for (size_t parameter : index.all[*block].parameters)
            if (!argument.name.text.empty() && index.all[parameter].name == argument.name.text)
              useName(parameter, argument.name);
    Names before = own; // what a loop names is not seen behind it
    for (const Name &name : op.names)
      defineValue(name, op.kind == OpKind::Let ? "let" : "for");
    for (const Branch &branch : op.bodies) {
      for (const Expr &label : branch.labelIndices)
        use(label);
      use(branch.ops);
    }
    if (op.kind == OpKind::For)
      own = before;
    defineValue(op.saveAs, op.kind == OpKind::Let ? "let" : "value");
  }

  void useName(size_t symbol, const Name &name) {
    llvm::StringRef line = sources.line(name.range.file, name.range.line);
    SourceRange range = name.range;
    range.length = name.text.size();
    if (line.substr(range.column - 1, range.length) == name.text)
      addUse(symbol, range);
  }

  SymbolIndex &index;
  const SourceFiles &sources;
  Names shared, networkNames, own; ///< of all files; parameters of networks, which blocks see; of the scope
  std::optional<size_t> scope;
  std::map<const void *, std::pair<size_t, Names>> scopes; ///< of a block or network: its symbol, its parameters
};

SymbolIndex::SymbolIndex(llvm::ArrayRef<SpecFile> files, const SourceFiles &sources) {
  SymbolCollector(*this, sources).run(files);
}

const Symbol *SymbolIndex::at(uint32_t file, uint32_t line, uint32_t column) const {
  for (const Symbol &symbol : all)
    for (const SourceRange &use : symbol.uses)
      if (use.file == file && use.line == line && use.column <= column && column <= use.column + use.length)
        return &symbol;
  return nullptr;
}

std::vector<const Symbol *> SymbolIndex::visible(uint32_t file, uint32_t line) const {
  std::optional<size_t> around;
  for (size_t i = 0; i < all.size(); ++i) {
    bool isScope = all[i].kind == SymbolKind::Block || all[i].kind == SymbolKind::Network;
    if (isScope && all[i].definition.file == file && all[i].definition.line <= line &&
        (!around || all[*around].definition.line <= all[i].definition.line))
      around = i;
  }
  std::vector<const Symbol *> result;
  for (auto [symbol, scope] : owned)
    if (scope == around || (all[scope].kind == SymbolKind::Network && all[symbol].kind == SymbolKind::Parameter))
      result.push_back(&all[symbol]);
  for (const Symbol &symbol : all)
    if (symbol.kind == SymbolKind::Block || symbol.kind == SymbolKind::Table)
      result.push_back(&symbol);
  return result;
}

} // namespace incept
