// SPDX-License-Identifier: Apache-2.0

#include "frontend/CheckSpec.h"
#include "llvm/ADT/STLExtras.h"

namespace incept {

llvm::ArrayRef<std::string> inputMembers() {
  static const std::string members[] = {"channels", "height", "width"};
  return members;
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
    enter(spec.parameters, /*inBlock=*/false);
    for (const Defaults &defaults : spec.defaults)
      checkArguments(defaults.arguments);
    for (const std::optional<Section> &section : {spec.input, spec.training})
      if (section)
        checkArguments(section->arguments);
    hasInput = true;
    checkOps(spec.ops, /*topLevel=*/true);
    for (const auto &[name, block] : spec.blocks) {
      enter(block.parameters, /*inBlock=*/true);
      checkOps(block.ops);
    }
    for (const auto &[name, block] : spec.blocks)
      findRecursion(block);
  }

private:
  /// Begins the body of a block or network: its parameters are visible, later ones in defaults of none.
  void enter(const std::vector<Parameter> &parameters, bool inBlock) {
    names.clear();
    values.clear();
    hasInput = inBlock;
    for (const Parameter &parameter : parameters) {
      if (parameter.value)
        checkExpr(*parameter.value);
      names.push_back(parameter.name.text);
    }
  }

  void checkExpr(const Expr &expr) {
    for (const Expr &operand : expr.operands)
      checkExpr(operand);
    if (expr.kind != ExprKind::Name)
      return;
    llvm::SmallVector<llvm::StringRef, 4> parts;
    llvm::StringRef(expr.name).split(parts, '.');
    if (llvm::is_contained(names, parts[0]))
      return; // whether it has members is known once it has a value
    if (parts[0] == "in" && hasInput) {
      if (parts.size() != 2 || !llvm::is_contained(inputMembers(), parts[1]))
        diagnostics.error(expr.range, "unknown name '" + expr.name + "'" +
                                          suggestion(parts.size() > 1 ? parts[1] : "", inputMembers()));
      return;
    }
    auto table = spec.tables.find(parts[0].str());
    if (table != spec.tables.end())
      return checkRow(expr, table->second, parts);
    if (!spec.complete && parts.size() > 1)
      return;
    std::vector<std::string> candidates = names;
    candidates.insert(candidates.end(), tableNames.begin(), tableNames.end());
    if (hasInput)
      for (const std::string &member : inputMembers())
        candidates.push_back("in." + member);
    diagnostics.error(expr.range, "unknown name '" + parts[0] + "'" + suggestion(parts[0], candidates));
  }

  void checkRow(const Expr &expr, const Table &table, llvm::ArrayRef<llvm::StringRef> parts) {
    std::vector<std::string> candidates;
    for (const auto &[name, row] : table.rows)
      candidates.push_back(name);
    auto row = parts.size() > 1 ? table.rows.find(parts[1].str()) : table.rows.end();
    if (row == table.rows.end()) {
      llvm::StringRef name = parts.size() > 1 ? parts[1] : "";
      diagnostics.error(expr.range,
                        "unknown row '" + name + "' of table '" + table.name.text + "'" + suggestion(name, candidates));
      return;
    }
    if (parts.size() == 2 || (parts.size() == 3 && row->second.entries.count(parts[2].str())))
      return;
    candidates.clear();
    for (const auto &[name, value] : row->second.entries)
      candidates.push_back(name);
    diagnostics.error(expr.range, "unknown column '" + parts[2] + "' of row '" + row->second.name + "'" +
                                      suggestion(parts[2], candidates));
  }

  void checkArguments(const std::vector<Argument> &arguments) {
    for (const Argument &argument : arguments) {
      if (argument.kind == ArgumentKind::Expression)
        checkExpr(argument.expr);
      checkArguments(argument.items);
    }
  }

  void checkOps(const std::vector<Op> &ops, bool topLevel = false) {
    for (const Op &op : ops) {
      if (op.kind == OpKind::Auxiliary && !topLevel)
        diagnostics.error(op.range, "expected 'auxiliary' among the network's own layers, not inside a block or op");
      if (op.repeat)
        checkExpr(*op.repeat);
      if (op.main.kind == ArgumentKind::Expression)
        checkExpr(op.main.expr);
      checkArguments(op.main.items);
      checkArguments(op.arguments);
      if (op.kind == OpKind::Block)
        checkBlockUse(op);
      if ((op.kind == OpKind::Add || op.kind == OpKind::Value) && !llvm::is_contained(values, op.target.text))
        diagnostics.error(op.target.range,
                          "unknown value '" + op.target.text + "'" + suggestion(op.target.text, values));
      for (const Branch &body : op.bodies)
        checkOps(body.ops);
      if (op.saveAs.text.empty())
        continue;
      if (llvm::is_contained(values, op.saveAs.text))
        diagnostics.error(op.saveAs.range, "value '" + op.saveAs.text + "' is already defined");
      values.push_back(op.saveAs.text);
    }
  }

  void checkBlockUse(const Op &op) {
    auto found = spec.blocks.find(op.target.text);
    if (found == spec.blocks.end()) {
      if (spec.complete)
        diagnostics.error(op.target.range,
                          "unknown block '" + op.target.text + "'" + suggestion(op.target.text, blockNames));
      return;
    }
    const BlockDef &block = found->second;
    std::vector<std::string> parameters;
    for (const Parameter &parameter : block.parameters)
      parameters.push_back(parameter.name.text);
    for (const Argument &argument : op.arguments)
      if (!llvm::is_contained(parameters, argument.name.text)) {
        parameters.insert(parameters.end(), {"label", "as", "repeat"});
        diagnostics.error(argument.name.range, "unknown parameter '" + argument.name.text + "' of block '" +
                                                   block.name.text + "'" + suggestion(argument.name.text, parameters));
        diagnostics.note(block.name.range, "block defined here");
      }
    for (const Parameter &parameter : block.parameters)
      if (parameter.required && llvm::none_of(op.arguments, [&](const Argument &argument) {
            return argument.name.text == parameter.name.text;
          })) {
        diagnostics.error(op.target.range, "expected a value for parameter '" + parameter.name.text + "' of block '" +
                                               block.name.text + "'");
        diagnostics.note(parameter.name.range, "parameter without a default defined here");
      }
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

  static constexpr size_t kMaxChain = 64;
  struct Use {
    const BlockDef *block;
    const Op *op;
  };
  const Spec &spec;
  Diagnostics &diagnostics;
  std::vector<std::string> blockNames, tableNames, names, values;
  bool hasInput = false, tooDeep = false;
  std::set<std::string> finished;
  std::vector<Use> open;
};

} // namespace

void checkSpec(const Spec &spec, Diagnostics &diagnostics) { Checker(spec, diagnostics).run(); }

} // namespace incept
