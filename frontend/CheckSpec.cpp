// SPDX-License-Identifier: Apache-2.0

#include "frontend/CheckSpec.h"
#include "frontend/OpTable.h"
#include "llvm/ADT/STLExtras.h"

namespace incept {

llvm::ArrayRef<std::string> inputMembers() {
  static const std::string members[] = {"channels", "height", "width"};
  return members;
}

void checkBlockArguments(const Op &op, const BlockDef &block, Diagnostics &diagnostics) {
  std::vector<std::string> parameters, given;
  size_t unnamed = 0;
  for (const Parameter &parameter : block.parameters)
    parameters.push_back(parameter.name.text);
  for (const Argument &argument : op.arguments) {
    if (argument.name.text.empty()) {
      if (given.size() == parameters.size()) {
        diagnostics.error(argument.range, "expected at most " + llvm::Twine(parameters.size()) +
                                              " arguments of block '" + block.name.text + "'");
        diagnostics.note(block.name.range, "block defined here");
        return;
      }
      given.push_back(parameters[given.size()]);
      unnamed = given.size();
      continue;
    }
    if (auto first = llvm::find(given, argument.name.text); first != given.end()) {
      if (size_t(first - given.begin()) < unnamed) // else the reader has said so
        diagnostics.error(argument.name.range, "'" + argument.name.text + "' is given twice, first without its name");
      continue;
    }
    given.push_back(argument.name.text);
    if (llvm::is_contained(parameters, argument.name.text))
      continue;
    std::vector<std::string> names = parameters;
    names.insert(names.end(), {"label", "as", "repeat"});
    diagnostics.error(argument.name.range, "unknown parameter '" + argument.name.text + "' of block '" +
                                               block.name.text + "'" + suggestion(argument.name.text, names));
    diagnostics.note(block.name.range, "block defined here");
  }
  for (const Parameter &parameter : block.parameters)
    if (parameter.required && !llvm::is_contained(given, parameter.name.text)) {
      diagnostics.error(op.target.range, "expected a value for parameter '" + parameter.name.text + "' of block '" +
                                             block.name.text + "'");
      diagnostics.note(parameter.name.range, "parameter without a default defined here");
    }
}

namespace {

class Checker {
public:
  Checker(const Spec &spec, Diagnostics &diagnostics) : spec(spec), diagnostics(diagnostics) {
    for (const auto &[name, block] : spec.blocks)
      blockNames.push_back(name);
    for (const auto &[name, table] : spec.tables)
      tableNames.push_back(name);
  }

  void run() {
    bool isRead = !diagnostics.hasErrors(); // what is not may have used anything
    enter(spec.parameters, /*inBlock=*/false);
    hasSource = false;
    for (const Defaults &defaults : spec.defaults)
      checkArguments(defaults.arguments);
    for (const std::optional<Section> &section : {spec.input, spec.training})
      if (section)
        checkArguments(section->arguments);
    hasInput = hasSource = true;
    checkOps(spec.ops, /*topLevel=*/true);
    for (const auto &[name, block] : spec.blocks) {
      enter(block.parameters, /*inBlock=*/true);
      checkOps(block.ops);
      for (const Parameter &parameter : block.parameters)
        if (isRead && isOwn(parameter.name) && !used.count(parameter.name.text))
          diagnostics.warning(parameter.name.range,
                              "parameter '" + parameter.name.text + "' of block '" + name + "' is not used");
    }
    if (isRead)
      warnOfUnused();
    for (const auto &[name, block] : spec.blocks)
      findRecursion(block);
  }

private:
  /// Begins the body of a block or network: its parameters are visible, later ones in defaults of none.
  void enter(const std::vector<Parameter> &parameters, bool inBlock) {
    names.clear();
    values.clear();
    used.clear();
    hasInput = hasSource = this->inBlock = inBlock;
    for (const Parameter &parameter : parameters) {
      if (parameter.value)
        checkExpr(*parameter.value, parameter.type == ParameterType::Activation);
      names.push_back(parameter.name.text);
    }
  }

  /// Whether the name stands in the file that is checked, not in one that it imports.
  static bool isOwn(const Name &name) { return name.range.file == 0; }

  void warnOfUnused() {
    if (!spec.hasNetwork || !spec.complete)
      return;
    for (const Parameter &parameter : spec.parameters)
      if (isOwn(parameter.name) && !usedOfNetwork.count(parameter.name.text))
        diagnostics.warning(parameter.name.range, "parameter '" + parameter.name.text + "' of network '" +
                                                      spec.network.text + "' is not used");
    for (const auto &[name, block] : spec.blocks)
      if (isOwn(block.name) && !usedBlocks.count(name))
        diagnostics.warning(block.name.range, "block '" + name + "' is not used");
  }

  static bool isNetworkParameter(const Spec &spec, llvm::StringRef name) {
    return llvm::any_of(spec.parameters, [&](const Parameter &parameter) { return parameter.name.text == name; });
  }

  /// `activation`: whether an activation is expected.
  void checkExpr(const Expr &expr, bool activation = false) {
    bool choice = expr.kind == ExprKind::Call && expr.name == "select"; // between the two behind its condition
    for (const auto &[index, operand] : llvm::enumerate(expr.operands))
      checkExpr(operand, activation && choice && index > 0);
    if (expr.kind != ExprKind::Name)
      return;
    llvm::SmallVector<llvm::StringRef, 4> parts;
    llvm::StringRef(expr.name).split(parts, '.');
    if (llvm::is_contained(names, parts[0])) {
      (inBlock ? used : usedOfNetwork).insert(parts[0].str());
      return; // whether it has members is known once it has a value
    }
    bool ofSource = llvm::is_contained(inputMembers(), parts[0]);
    if (spec.blocks.count(parts[0]))
      usedBlocks.insert(parts[0].str());
    if (inBlock && isNetworkParameter(spec, parts[0])) {
      usedOfNetwork.insert(parts[0].str());
      if (ofSource && parts.size() == 1)
        diagnostics.error(expr.range, "'" + parts[0] + "' may be the network's parameter or the " + parts[0] +
                                          " of what flows in: write network." + parts[0] + " or src." + parts[0]);
      return;
    }
    if (parts[0] == "network" && parts.size() > 1) {
      usedOfNetwork.insert(parts[1].str());
      if (!isNetworkParameter(spec, parts[1]) && spec.hasNetwork) {
        std::vector<std::string> candidates;
        for (const Parameter &parameter : spec.parameters)
          candidates.push_back(parameter.name.text);
        diagnostics.error(expr.range, "unknown parameter '" + parts[1] + "' of network '" + spec.network.text + "'" +
                                          suggestion(parts[1], candidates));
      }
      return;
    }
    if ((parts[0] == "in" && hasInput) || (parts[0] == "src" && hasSource)) {
      if (parts.size() != 2 || !llvm::is_contained(inputMembers(), parts[1])) {
        std::vector<std::string> candidates;
        for (const std::string &member : inputMembers())
          candidates.push_back((parts[0] + "." + member).str());
        diagnostics.error(expr.range, "unknown name '" + expr.name + "'" + suggestion(expr.name, candidates));
      }
      return;
    }
    auto table = spec.tables.find(parts[0]);
    if (table != spec.tables.end())
      return parts.size() > 1 ? checkRow(expr, table->second, parts) : void();
    if (parts.size() == 1 && ((ofSource && hasSource) || spec.blocks.count(parts[0]) ||
                              llvm::is_contained(activationWords(), parts[0]) || parts[0] == "none"))
      return;
    if (!spec.complete && parts.size() > 1)
      return;
    std::vector<std::string> candidates = names;
    candidates.insert(candidates.end(), tableNames.begin(), tableNames.end());
    if (hasInput)
      for (const std::string &member : inputMembers())
        candidates.push_back("in." + member);
    if (inBlock)
      for (const Parameter &parameter : spec.parameters)
        if (!parameter.name.text.empty())
          candidates.push_back(parameter.name.text);
    // A library's blocks may use parameters of a network that is not known here.
    if (!spec.hasNetwork && !nearestName(parts[0], candidates))
      return;
    std::vector<std::string> words = candidates;
    if (activation)
      for (llvm::StringRef word : activationWords())
        words.push_back(word.str());
    std::string suggested = suggestOp(parts[0], words);
    if (!llvm::StringRef(suggested).starts_with("; did you mean"))
      suggested = suggestion(parts[0], candidates);
    diagnostics.error(expr.range, "unknown name '" + parts[0] + "'" + suggested);
  }

  void checkRow(const Expr &expr, const Table &table, llvm::ArrayRef<llvm::StringRef> parts) {
    std::vector<std::string> candidates;
    for (const Row &row : table.rows)
      candidates.push_back(row.name.substr(table.name.text.size() + 1));
    const Row *row = table.find(parts[1]);
    if (!row) {
      diagnostics.error(expr.range, "unknown row '" + parts[1] + "' of table '" + table.name.text + "'" +
                                        suggestion(parts[1], candidates));
      return;
    }
    if (parts.size() == 2 || (parts.size() == 3 && row->entries.count(parts[2].str())))
      return;
    candidates.clear();
    for (const auto &[name, value] : row->entries)
      candidates.push_back(name);
    diagnostics.error(expr.range, "unknown column '" + parts[2] + "' of row '" + row->name + "'" +
                                      suggestion(parts[2], candidates));
  }

  /// A word that is no name here was perhaps meant as one of the option's.
  void checkArgument(const Argument &argument) {
    const std::string &name = argument.expr.name;
    bool word = argument.expr.kind == ExprKind::Name && name.find('.') == std::string::npos;
    static const std::vector<std::string> kPaddings = {"same", "valid"};
    bool activation = argument.name.text == "activation", padding = argument.name.text == "padding";
    if (word && activation && !llvm::is_contained(names, name) && !isNetworkParameter(spec, name) && name != "none" &&
        !llvm::is_contained(activationWords(), name)) {
      std::vector<std::string> words;
      for (llvm::StringRef activation : activationWords())
        words.push_back(activation.str());
      diagnostics.error(argument.expr.range, "unknown activation '" + name + "'" + suggestion(name, words));
      return;
    }
    if (auto near = word && padding ? nearestName(name, kPaddings) : std::nullopt;
        near && !llvm::is_contained(names, name) && !isNetworkParameter(spec, name)) {
      diagnostics.error(argument.expr.range, "unknown padding '" + name + "'" + suggestion(name, kPaddings));
      return;
    }
    checkExpr(argument.expr, activation);
  }

  /// Arguments of a block: what is an activation its parameters say. Those of one that is not known may be.
  void checkBlockArgumentValues(const Op &op) {
    auto found = spec.blocks.find(op.target.text);
    for (const auto &[place, argument] : llvm::enumerate(op.arguments)) {
      if (argument.kind != ArgumentKind::Expression)
        continue;
      bool activation = found == spec.blocks.end();
      if (!activation)
        for (const auto &[index, parameter] : llvm::enumerate(found->second.parameters))
          if (argument.name.text.empty() ? place == index : argument.name.text == parameter.name.text)
            activation = parameter.type == ParameterType::Activation;
      checkExpr(argument.expr, activation);
    }
  }

  void checkArguments(const std::vector<Argument> &arguments) {
    for (const Argument &argument : arguments) {
      if (argument.kind == ArgumentKind::Expression)
        checkArgument(argument);
      checkArguments(argument.items);
    }
  }

  void define(const Name &name, std::vector<std::string> &list, llvm::StringRef what) {
    if (list.size() >= kMaxNames) { // also keeps the search short
      diagnostics.error(name.range, "expected at most " + llvm::Twine(kMaxNames) + " names in a body");
      return;
    }
    if (llvm::is_contained(list, name.text))
      diagnostics.error(name.range, what + " '" + name.text + "' is already defined");
    list.push_back(name.text);
  }

  /// What is named in there is known in there alone.
  void checkInner(const Branch &body, bool topLevel) {
    size_t namesBefore = names.size(), valuesBefore = values.size();
    checkOps(body.ops, topLevel);
    names.resize(namesBefore);
    values.resize(valuesBefore);
  }

  void checkControl(const Op &op, bool topLevel) {
    if (op.value)
      checkExpr(*op.value);
    size_t before = names.size();
    if (op.kind == OpKind::For)
      for (const Name &name : op.names)
        define(name, names, "name");
    for (const Branch &body : op.bodies)
      checkInner(body, topLevel && op.kind == OpKind::If);
    if (op.kind == OpKind::For)
      names.resize(before);
    if (op.kind != OpKind::Let)
      return;
    if (!op.names.empty())
      define(op.names[0], names, "name");
    else
      define(op.saveAs, values, "value");
  }

  void checkHead(const Op &op, bool topLevel) {
    llvm::StringRef word = opInfo(op.kind).name;
    if (!topLevel)
      diagnostics.error(op.range, "expected '" + word + "' among the network's own layers, not inside a block or op");
    else if (op.kind == OpKind::Output && op.label.text.empty())
      diagnostics.error(op.range, "expected a name for the output: 'NAME: output { ... }'");
    else if (op.kind == OpKind::Output && (op.repeat || llvm::StringRef(op.label.text).contains('.')))
      diagnostics.error(op.range, "expected one output with a name of one part");
  }

  void checkOps(const std::vector<Op> &ops, bool topLevel = false) {
    for (const Op &op : ops) {
      if (isControl(op.kind)) {
        checkControl(op, topLevel);
        continue;
      }
      if (isHead(op.kind))
        checkHead(op, topLevel);
      for (const Expr &index : op.labelIndices)
        checkExpr(index);
      if (op.repeat)
        checkExpr(*op.repeat);
      if (op.main.kind == ArgumentKind::Expression)
        checkExpr(op.main.expr);
      checkArguments(op.main.items);
      if (op.kind == OpKind::Block) {
        checkBlockArgumentValues(op);
        checkBlockUse(op);
      } else {
        checkArguments(op.arguments);
      }
      bool usesValue = op.kind == OpKind::Value || (isCombination(op.kind) && op.bodies.empty());
      if (usesValue && op.target.text != "in" && !llvm::is_contained(values, op.target.text))
        diagnostics.error(op.target.range,
                          "unknown value '" + op.target.text + "'" + suggestion(op.target.text, values));
      for (const Branch &body : op.bodies) {
        for (const Expr &index : body.labelIndices)
          checkExpr(index);
        checkOps(body.ops);
      }
      if (!op.saveAs.text.empty())
        define(op.saveAs, values, "value");
    }
  }

  void checkBlockUse(const Op &op) {
    usedBlocks.insert(op.target.text);
    (inBlock ? used : usedOfNetwork).insert(op.target.text);
    if (llvm::is_contained(names, op.target.text))
      return; // a parameter: which block it is is known once it has a value
    auto found = spec.blocks.find(op.target.text);
    if (found == spec.blocks.end()) {
      if (llvm::is_contained(values, op.target.text)) {
        diagnostics.error(op.target.range, "'" + op.target.text + "' is a value, no block: write 'from " +
                                               op.target.text + "' or 'add " + op.target.text + "'");
        return;
      }
      if (!spec.complete)
        return;
      std::vector<std::string> candidates = blockNames;
      for (const OpInfo &info : opTable())
        candidates.push_back(info.name.str());
      std::string suggested = suggestOp(op.target.text, candidates);
      if (!blockNames.empty() && !llvm::StringRef(suggested).starts_with("; did you mean"))
        suggested = suggestion(op.target.text, blockNames);
      diagnostics.error(op.target.range, "unknown block '" + op.target.text + "'" + suggested);
      return;
    }
    const BlockDef &block = found->second;
    checkBlockArguments(op, block, diagnostics);
  }

  /// Depth first over uses of blocks. Reports each cycle where it closes, with the uses that lead there.
  void findRecursion(const BlockDef &block) {
    if (!finished.insert(block.name.text).second)
      return;
    open.push_back({&block, nullptr});
    followUses(block.ops);
    open.pop_back();
  }

  void followUses(const std::vector<Op> &ops) {
    for (const Op &op : ops) {
      for (const Branch &body : op.bodies)
        followUses(body.ops);
      auto found = op.kind == OpKind::Block ? spec.blocks.find(op.target.text) : spec.blocks.end();
      if (found == spec.blocks.end())
        continue;
      auto first = llvm::find_if(open, [&](const Use &use) { return use.block == &found->second; });
      if (first != open.end()) {
        diagnostics.error(op.target.range, "block '" + op.target.text + "' uses itself");
        for (auto use = std::next(first); use != open.end(); ++use)
          diagnostics.note(use->op->target.range, "by way of block '" + use->block->name.text + "', used here");
        continue;
      }
      // A chain of blocks is as long as its author made it; more than this would only exhaust the stack.
      if (open.size() >= kMaxChain) {
        if (!tooDeep)
          diagnostics.error(op.target.range, "expected blocks nested at most " + llvm::Twine(kMaxChain) + " deep");
        tooDeep = true;
        continue;
      }
      if (!finished.insert(op.target.text).second)
        continue;
      open.push_back({&found->second, &op});
      followUses(found->second.ops);
      open.pop_back();
    }
  }

  static constexpr size_t kMaxChain = 64, kMaxNames = 500;
  struct Use {
    const BlockDef *block;
    const Op *op;
  };
  const Spec &spec;
  Diagnostics &diagnostics;
  std::vector<std::string> blockNames, tableNames, names, values;
  bool hasInput = false, hasSource = false, inBlock = false, tooDeep = false;
  std::set<std::string> finished, used, usedOfNetwork, usedBlocks;
  std::vector<Use> open;
};

} // namespace

void checkSpec(const Spec &spec, Diagnostics &diagnostics) { Checker(spec, diagnostics).run(); }

} // namespace incept
