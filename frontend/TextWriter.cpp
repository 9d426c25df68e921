// SPDX-License-Identifier: Apache-2.0
//
// The text form in one style: two spaces for each brace, lines of at most 100 bytes where they can be broken, comments
// where they were.

#include "frontend/FormatOp.h"
#include "frontend/SpecWriter.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace incept {

namespace {

constexpr size_t kWidth = 100;

class Writer {
public:
  std::string run(const SpecFile &file) {
    writeComment(file.comment);
    for (const Name &name : file.imports) {
      if (&name == &file.imports.front())
        space();
      line("import \"" + name.text + "\"");
    }
    if (!file.defaults.empty()) {
      space();
      writeDefaults(file.defaults);
    }
    for (auto [kind, index] : file.order) {
      space();
      switch (kind) {
      case SpecFile::Item::Table:
        writeTable(file.tables[index]);
        break;
      case SpecFile::Item::Block:
        writeBlock(file.blocks[index]);
        break;
      case SpecFile::Item::Network:
        writeNetwork(file.networks[index]);
        break;
      }
    }
    if (!file.endComment.empty()) {
      space();
      writeComment(file.endComment);
    }
    return std::move(out);
  }

private:
  void space() {
    if (!out.empty())
      out += "\n";
  }
  void line(const std::string &text) { out += std::string(indent, ' ') + text + "\n"; }
  void writeComment(llvm::StringRef comment) {
    if (comment.empty())
      return;
    llvm::SmallVector<llvm::StringRef, 4> lines;
    comment.split(lines, '\n');
    for (llvm::StringRef text : lines)
      line(text.empty() ? "//" : "// " + text.str());
  }
  /// Of what has a brace behind it: there a comment would be that of what is in the braces.
  void writeComments(const Layout &layout) {
    writeComment(layout.comment);
    writeComment(layout.trailing);
  }
  static std::string behind(const Layout &layout) { return layout.trailing.empty() ? "" : "  // " + layout.trailing; }

  void writeDefaults(llvm::ArrayRef<Defaults> all) {
    line("defaults {");
    indent += 2;
    for (const Defaults &defaults : all) {
      if (defaults.layout.spaced)
        space();
      std::string comment = defaults.layout.comment;
      collectComments(defaults.arguments, comment);
      writeComment(comment);
      const OpInfo &info = opInfo(defaults.kind);
      llvm::ArrayRef<KeyInfo> keys = info.kind == OpKind::BatchNorm ? batchNormKeys() : info.keys;
      std::string options = formatOptions(defaults.arguments, keys);
      line(info.name.str() + (options.empty() ? "" : " " + options) + behind(defaults.layout));
    }
    indent -= 2;
    line("}");
  }

  /// Columns as wide as their widest entry, numbers to the right.
  void writeTable(const Table &table) {
    writeComments(table.layout);
    line("table " + table.name.text + " {");
    std::vector<std::vector<std::string>> cells(1, table.columns);
    size_t nameWidth = 0;
    for (const Row &row : table.rows) {
      auto &line = cells.emplace_back();
      for (const std::string &column : table.columns) {
        auto entry = row.entries.find(column);
        Expr number;
        if (entry == row.entries.end()) {
          line.push_back("-");
          continue;
        }
        if (auto *integer = std::get_if<int64_t>(&entry->second)) {
          number.integer = *integer;
        } else {
          number.kind = ExprKind::Real;
          number.real = std::get<double>(entry->second);
        }
        line.push_back(formatExpr(number, /*json=*/false));
      }
      nameWidth = std::max(nameWidth, rowName(table, row).size());
    }
    std::vector<size_t> widths(table.columns.size());
    for (const auto &row : cells)
      for (auto [width, cell] : llvm::zip(widths, row))
        width = std::max(width, cell.size());
    indent += 2;
    for (auto [index, row] : llvm::enumerate(cells)) {
      if (index > 0) {
        if (table.layouts[index - 1].spaced)
          space();
        writeComment(table.layouts[index - 1].comment);
      }
      std::string text;
      if (table.named) {
        std::string name = index > 0 ? rowName(table, table.rows[index - 1]) + ":" : "";
        text = name + std::string(nameWidth + 1 - name.size(), ' ');
      }
      for (auto [width, cell] : llvm::zip(widths, row))
        text += std::string(text.empty() ? 0 : 2, ' ') + std::string(width - cell.size(), ' ') + cell;
      line(text + (index > 0 ? behind(table.layouts[index - 1]) : ""));
    }
    indent -= 2;
    line("}");
  }
  static std::string rowName(const Table &table, const Row &row) { return row.name.substr(table.name.text.size() + 1); }

  void writeHead(llvm::StringRef word, const Name &name, llvm::ArrayRef<Parameter> parameters, const Layout &layout) {
    writeComments(layout);
    std::vector<std::string> list;
    size_t length = indent + word.size() + name.text.size() + 6;
    for (const Parameter &parameter : parameters) {
      std::string text = parameter.name.text;
      if (parameter.type != ParameterType::Any)
        text += ": " + parameterTypeName(parameter.type).str();
      if (parameter.value)
        text += " = " + formatExpr(*parameter.value, /*json=*/false);
      length += text.size() + 2;
      list.push_back(std::move(text));
    }
    std::string text = word.str() + " " + name.text + (list.empty() ? "" : "(");
    std::string pad(text.size() + indent, ' ');
    size_t column = pad.size();
    for (size_t i = 0; i < list.size(); ++i) {
      std::string item = list[i] + (i + 1 < list.size() ? "," : ") {");
      if (i > 0 && length > kWidth && column + 1 + item.size() > kWidth) {
        text += "\n" + pad;
        column = pad.size();
      } else if (i > 0) {
        text += " ";
        ++column;
      }
      text += item;
      column += item.size();
    }
    line(text + (list.empty() ? " {" : ""));
  }

  void writeBlock(const BlockDef &block) {
    writeHead("block", block.name, block.parameters, block.layout);
    writeBody(block.ops);
    line("}");
  }

  void writeNetwork(const NetworkDef &network) {
    writeHead("network", network.name, network.parameters, network.layout);
    indent += 2;
    if (network.input) {
      std::string comment = network.input->layout.comment, shape, options;
      collectComments(network.input->arguments, comment);
      std::map<std::string, const Argument *> fields;
      for (const Argument &argument : network.input->arguments)
        fields[argument.name.text] = &argument;
      for (const char *key : {"channels", "height", "width"})
        if (fields.count(key))
          shape += (shape.empty() ? "" : " x ") + formatSide(fields[key]->expr);
      if (fields.count("normalization"))
        for (const Argument &item : fields["normalization"]->items)
          options += ", " + item.name.text + " = " + formatValue(item);
      writeComment(comment);
      line("input " + shape + options + behind(network.input->layout));
    }
    if (!network.defaults.empty())
      writeDefaults(network.defaults);
    indent -= 2;
    llvm::ArrayRef<Op> ops = network.ops;
    Layout above; // read again, comments behind all ops are those of the section below them
    if (network.training)
      for (; !ops.empty() && ops.back().kind == OpKind::Comment; ops = ops.drop_back())
        above.comment = ops.back().layout.comment + (above.comment.empty() ? "" : "\n") + above.comment;
    writeBody(ops);
    indent += 2;
    if (network.training) {
      // Its evaluation is a section of its own here.
      std::vector<Argument> training;
      const Argument *evaluation = nullptr;
      for (const Argument &argument : network.training->arguments)
        if (argument.name.text == "evaluation" && argument.kind == ArgumentKind::Record)
          evaluation = &argument;
        else
          training.push_back(argument);
      addAbove(above, network.training->layout);
      if (!training.empty() || !evaluation)
        writeSection("training", training, std::exchange(above, {}));
      if (evaluation) {
        addAbove(above, evaluation->layout);
        writeSection("evaluation", evaluation->items, above);
      }
    }
    indent -= 2;
    line("}");
  }

  static void addAbove(Layout &above, const Layout &layout) {
    appendLine(above.comment, layout.comment);
    appendLine(above.comment, layout.trailing);
  }

  void writeSection(const std::string &word, llvm::ArrayRef<Argument> arguments, const Layout &layout) {
    space();
    writeComments(layout);
    line(word + " {");
    indent += 2;
    for (const Argument &argument : arguments) {
      if (argument.layout.spaced)
        space();
      std::string comment = argument.layout.comment;
      collectComments(argument.items, comment);
      writeComment(comment);
      line(argument.name.text + " = " + formatValue(argument) + behind(argument.layout));
    }
    indent -= 2;
    line("}");
  }

  void writeBody(llvm::ArrayRef<Op> ops) {
    indent += 2;
    for (size_t i = 0; i < ops.size();) {
      size_t end = i + 1;
      while (end < ops.size() && ops[end].chained)
        ++end;
      if (ops[i].layout.spaced && i > 0)
        space();
      writeStatement(ops.slice(i, end - i), "");
      i = end;
    }
    indent -= 2;
  }

  /// The label, number of repeats and head of an op; `inBranch` where braces alone would be the branch's.
  static std::string prefix(const Op &op, bool inBranch) {
    std::string text = op.label.text.empty() ? "" : op.label.text + ": ";
    if (op.repeat)
      text += formatPrimary(*op.repeat) + " * ";
    text +=
        op.kind == OpKind::Sequence && inBranch && op.label.text.empty() && !op.repeat ? "sequence" : formatHead(op);
    return text;
  }
  static std::string suffix(const Op &op) { return op.saveAs.text.empty() ? "" : " as " + op.saveAs.text; }

  /// Whether its bodies are branches between one pair of braces.
  static bool isGroup(const Op &op) {
    return op.kind == OpKind::Concat || op.kind == OpKind::Split || isCombination(op.kind);
  }

  static std::string escape(llvm::StringRef text) {
    std::string result;
    for (char c : text)
      result += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c == '\n' ? ' ' : c);
    return result;
  }

  static bool hasComments(const Op &op, bool own) {
    std::string inner;
    collectComments(op.arguments, inner);
    collectComments(op.main, inner);
    if (!inner.empty() || (own && (!op.layout.comment.empty() || !op.layout.trailing.empty())))
      return true;
    return llvm::any_of(op.bodies, [](const Branch &body) {
      return llvm::any_of(body.ops, [](const Op &op) { return hasComments(op, true); });
    });
  }

  /// The op on one line, nothing where its braces hold more than that. `budget` keeps nested braces cheap.
  static std::optional<std::string> inlineOp(const Op &op, bool inBranch, int budget) {
    if (op.kind == OpKind::Comment || budget == 0)
      return std::nullopt;
    if (isControl(op.kind) && op.kind != OpKind::Let && op.kind != OpKind::Assert)
      return std::nullopt;
    if (op.kind == OpKind::Assert)
      return "assert " + formatExpr(*op.value, /*json=*/false) + ", \"" + escape(op.text) + "\"";
    if (op.kind == OpKind::Let && !op.names.empty())
      return "let " + op.names[0].text + " = " + formatExpr(*op.value, /*json=*/false);
    if (op.bodies.empty())
      return op.kind == OpKind::Let ? std::nullopt : std::optional(prefix(op, inBranch) + suffix(op));
    if (hasComments(op, false))
      return std::nullopt;
    bool group = isGroup(op);
    if (!group && op.kind != OpKind::Let)
      return std::nullopt;
    std::string text;
    for (const Branch &body : op.bodies) {
      auto inner = group ? inlineBranch(body, budget - 1) : inlineStatements(body.ops, budget - 1);
      if (!inner || text.size() > kWidth)
        return std::nullopt;
      text += (text.empty() ? "" : "; ") + *inner;
    }
    if (group && text.size() > 60)
      return std::nullopt;
    std::string head = op.kind == OpKind::Let ? "let " + op.saveAs.text + " =" : prefix(op, inBranch);
    return head + (head.empty() || head.back() == ' ' ? "{ " : " { ") + text + " }" +
           (op.kind == OpKind::Let ? "" : suffix(op));
  }

  static std::optional<std::string> inlineStatements(llvm::ArrayRef<Op> ops, int budget) {
    std::string text;
    for (const Op &op : ops) {
      auto item = inlineOp(op, /*inBranch=*/false, budget);
      if (!item || text.size() > kWidth)
        return std::nullopt;
      text += (text.empty() ? "" : op.chained ? " -> " : "; ") + *item;
    }
    return text;
  }

  static bool isIdentity(const Branch &branch) {
    return branch.ops.empty() || (branch.ops.size() == 1 && branch.ops[0].kind == OpKind::Identity && !branch.single);
  }

  /// Whether the branch must be written in braces: as a chain it would be another one, or less clear.
  static bool needsBraces(const Branch &branch) {
    llvm::ArrayRef<Op> ops = branch.ops;
    if (ops.size() == 1)
      return !branch.single;
    if (branch.label.text.empty() && !ops[0].label.text.empty())
      return true;
    bool chained = llvm::all_of(ops.drop_front(), [](const Op &op) { return op.chained; });
    size_t length = 0;
    for (const Op &op : ops) {
      if (isControl(op.kind))
        return true;
      if (chained)
        continue;
      if (!op.bodies.empty() || hasComments(op, true) || op.layout.spaced)
        return true;
      length += prefix(op, false).size() + 4;
    }
    return length > 2 * kWidth;
  }

  static std::optional<std::string> inlineBranch(const Branch &branch, int budget) {
    std::string label = branch.label.text.empty() ? "" : branch.label.text + ": ";
    if (isIdentity(branch))
      return label + "{}";
    if (needsBraces(branch)) {
      auto text = inlineStatements(branch.ops, budget);
      return text ? std::optional(label + "{ " + *text + " }") : std::nullopt;
    }
    std::string text;
    for (const Op &op : branch.ops) {
      auto item = inlineOp(op, branch.single, budget);
      if (!item || text.size() > kWidth)
        return std::nullopt;
      text += (text.empty() ? "" : " -> ") + *item;
    }
    return label + text;
  }

  void writeBranch(const Branch &branch) {
    const std::string label = branch.label.text.empty() ? "" : branch.label.text + ": ";
    if (isIdentity(branch)) {
      if (!branch.ops.empty())
        writeComment(branch.ops[0].layout.comment);
      line(label + "{}" + (branch.ops.empty() ? "" : behind(branch.ops[0].layout)));
      return;
    }
    if (!needsBraces(branch))
      return writeStatement(branch.ops, label, branch.single);
    bool comments = llvm::any_of(branch.ops, [](const Op &op) { return hasComments(op, true); });
    auto text = comments ? std::nullopt : inlineBranch(branch, 8);
    if (text && indent + text->size() <= 60)
      return line(*text);
    line(label + "{");
    writeBody(branch.ops);
    line("}");
  }

  /// A chain of ops; all of its comments are kept.
  void writeStatement(llvm::ArrayRef<Op> ops, const std::string &label, bool inBranch = false) {
    const Op &first = ops.front();
    std::string comment = first.layout.comment;
    collectComments(first.arguments, comment);
    collectComments(first.main, comment);
    writeComment(comment);
    if (first.kind == OpKind::Comment)
      return;
    // A labelled sequence that was a chain stays one.
    if (ops.size() == 1 && label.empty() && first.kind == OpKind::Sequence && !first.label.text.empty() &&
        !first.repeat && first.saveAs.text.empty() && first.bodies[0].ops.size() > 1 &&
        llvm::all_of(llvm::ArrayRef(first.bodies[0].ops).drop_front(), [](const Op &op) { return op.chained; }) &&
        first.bodies[0].ops[0].layout.comment.empty()) {
      trailing = first.layout.trailing;
      writeStatement(first.bodies[0].ops, first.label.text + ": ");
      return;
    }
    std::string outer = std::exchange(trailing, "");
    std::string text = std::string(indent, ' ') + label;
    size_t start = 0; // of the last line of `text`
    for (auto [index, op] : llvm::enumerate(ops)) {
      auto inlined = inlineOp(op, inBranch, 8);
      std::string head = inlined ? *inlined : prefixOf(op, inBranch);
      bool ended = !text.empty() && text.back() == '}';
      if (index > 0) {
        std::string above = op.layout.comment;
        collectComments(op.arguments, above);
        collectComments(op.main, above);
        bool broken = text.size() - start + 4 + head.size() > kWidth && !ended;
        if (!above.empty()) {
          out += wrap(text) + "\n";
          indent += 2;
          writeComment(above);
          indent -= 2;
          text = std::string(indent + 2, ' ') + "-> ";
          start = 0;
        } else if (broken) {
          text += "\n";
          start = text.size();
          text += std::string(indent + 2, ' ') + "-> ";
        } else {
          text += " -> ";
        }
      }
      text += head;
      if (!inlined)
        writeBodies(op, text, start);
    }
    const Layout &last = ops.back().layout;
    std::string behindText = last.trailing;
    if (!outer.empty())
      behindText += (behindText.empty() ? "" : "; ") + outer;
    out += wrap(text) + (behindText.empty() ? "" : "  // " + behindText) + "\n";
  }

  /// Breaks lines that are too long behind commas that no brackets of a list enclose.
  static std::string wrap(llvm::StringRef text) {
    std::string result;
    llvm::SmallVector<llvm::StringRef, 4> lines;
    text.split(lines, '\n');
    for (auto [index, whole] : llvm::enumerate(lines)) {
      llvm::StringRef rest = whole;
      std::string pad(whole.size() - whole.ltrim().size() + 4, ' ');
      result += index ? "\n" : "";
      bool first = true;
      while (rest.size() + (first ? 0 : pad.size()) > kWidth) {
        size_t room = kWidth - (first ? 0 : pad.size()), best = 0;
        int depth = 0;
        bool quoted = false;
        for (size_t i = 0; i < std::min(room, rest.size()); ++i) {
          if (quoted && rest[i] == '\\') { // a quote behind it is one of the text
            ++i;
            continue;
          }
          quoted ^= rest[i] == '"';
          depth += rest[i] == '[' ? 1 : rest[i] == ']' ? -1 : 0;
          if (rest[i] == ',' && depth == 0 && !quoted && i + 1 < rest.size())
            best = i + 1;
        }
        if (best == 0)
          break;
        result += (first ? "" : pad) + rest.take_front(best).str() + "\n";
        rest = rest.substr(best).ltrim();
        first = false;
      }
      result += (first ? "" : pad) + rest.str();
    }
    return result;
  }

  static std::string prefixOf(const Op &op, bool inBranch) {
    switch (op.kind) {
    case OpKind::If:
      return "if " + formatExpr(*op.value, /*json=*/false);
    case OpKind::For: {
      std::string text = "for " + op.names[0].text;
      if (op.names.size() > 1)
        text += ", " + op.names[1].text;
      return text + " in " + formatExpr(*op.value, /*json=*/false);
    }
    case OpKind::Let:
      return "let " + op.saveAs.text + " =";
    default:
      return prefix(op, inBranch);
    }
  }

  /// The braces of an op, behind `text`, which is written; then it holds what the closing one begins.
  void writeBodies(const Op &op, std::string &text, size_t &start) {
    bool group = isGroup(op);
    auto open = [&] { text += text.empty() || text.back() == ' ' ? "{" : " {"; };
    auto close = [&] {
      text = std::string(indent, ' ') + "}";
      start = 0;
    };
    if (group) {
      open();
      out += wrap(text) + "\n";
      indent += 2;
      for (const Branch &branch : op.bodies)
        writeBranch(branch);
      indent -= 2;
      close();
      text += suffix(op);
      return;
    }
    for (auto [index, body] : llvm::enumerate(op.bodies)) {
      if (index > 0 && op.kind == OpKind::If) {
        text += " else";
        if (body.single && body.ops.size() == 1 && body.ops[0].kind == OpKind::If) {
          text += " " + prefixOf(body.ops[0], false);
          writeBodies(body.ops[0], text, start);
          return;
        }
      } else if (index > 0) {
        text += " shortcut";
      }
      open();
      out += wrap(text) + "\n";
      writeBody(body.ops);
      close();
    }
    text += op.kind == OpKind::Let || isControl(op.kind) ? "" : suffix(op);
  }

  std::string out, trailing;
  size_t indent = 0;
};

} // namespace

std::string writeTextSpec(const SpecFile &file) { return Writer().run(file); }

} // namespace incept
