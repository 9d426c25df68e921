// SPDX-License-Identifier: Apache-2.0

#include "frontend/TextReader.h"
#include "frontend/TextOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace incept {

namespace {

constexpr size_t kMaxParameters = 64;

class FileReader {
public:
  FileReader(uint32_t file, Diagnostics &diagnostics)
      : cursor(file, diagnostics), diagnostics(diagnostics), ops(cursor) {}

  SpecFile run() {
    bool first = true;
    while (true) {
      size_t begin = cursor.at;
      cursor.skipLines();
      splitFileComment(first);
      if (cursor.done())
        break;
      begin = cursor.at;
      readItem();
      first = false;
      if (cursor.at == begin)
        ++cursor.at;
    }
    Layout layout;
    ops.takeComments(layout, /*before=*/true);
    result.endComment = layout.comment;
    return std::move(result);
  }

private:
  /// What stands above everything and has an empty line below it is the file's comment.
  void splitFileComment(bool first) {
    if (!first || cursor.comments.empty())
      return;
    size_t take = 0;
    llvm::StringRef word = cursor.peekWord();
    for (size_t i = 0; i < cursor.comments.size(); ++i) {
      size_t end = cursor.text.find('\n', cursor.comments[i].offset);
      size_t next = i + 1 < cursor.comments.size() ? cursor.comments[i + 1].offset : cursor.at;
      llvm::StringRef gap = cursor.text.slice(std::min(end, cursor.text.size()), next);
      if (gap.count('\n') > 1)
        take = i + 1;
    }
    if (word == "import" || word == "defaults")
      take = cursor.comments.size();
    for (size_t i = 0; i < take; ++i)
      result.comment += (i ? "\n" : "") + cursor.comments[i].text;
    cursor.comments.erase(cursor.comments.begin(), cursor.comments.begin() + take);
  }

  void readItem() {
    Layout layout;
    ops.takeComments(layout, /*before=*/true);
    size_t begin = cursor.at;
    llvm::StringRef word = cursor.peekWord();
    cursor.at += word.size();
    if (word == "import") {
      readImport();
    } else if (word == "defaults") {
      readDefaults(result.defaults, std::exchange(layout, {}));
    } else if (word == "table") {
      Table table = readTable();
      std::string inside = std::exchange(table.layout.comment, layout.comment);
      appendLine(table.layout.comment, inside);
      add(std::move(table), result.tables, SpecFile::Item::Table, "table");
    } else if (word == "block") {
      BlockDef block;
      block.layout = layout;
      block.name = ops.readOwnName("a block's name", /*ofBlock=*/true);
      block.parameters = readParameters();
      if (ops.openBrace("the block's body"))
        block.ops = ops.readBody();
      add(std::move(block), result.blocks, SpecFile::Item::Block, "block");
    } else if (word == "network") {
      NetworkDef network = readNetwork();
      network.layout.comment = layout.comment;
      add(std::move(network), result.networks, SpecFile::Item::Network, "network");
    } else {
      static const std::vector<std::string> kItems = {"import", "defaults", "table", "block", "network"};
      cursor.at = begin;
      size_t length = word.empty() ? 1 : word.size();
      cursor.fail(begin, length,
                  "expected import, defaults, table, block or network, but got '" + cursor.text.substr(begin, length) +
                      "'" + (nearestName(word, kItems) ? suggestion(word, kItems) : ""));
      ops.skipStatement();
      if (cursor.peek() == '}')
        ++cursor.at;
      cursor.comments.clear();
      return;
    }
    Layout behind;
    ops.endStatement(behind);
    Layout *layoutOf = nullptr;
    if (!result.order.empty() && (word == "table" || word == "block" || word == "network")) {
      auto [kind, index] = result.order.back();
      layoutOf = kind == SpecFile::Item::Table   ? &result.tables[index].layout
                 : kind == SpecFile::Item::Block ? &result.blocks[index].layout
                                                 : &result.networks[index].layout;
    }
    std::string &comment = layoutOf ? layoutOf->comment : result.comment;
    for (const std::string &text : {layoutOf ? std::string() : layout.comment, behind.comment, behind.trailing})
      if (!text.empty())
        appendLine(comment, text);
  }

  template <typename T>
  void add(T item, std::vector<T> &items, SpecFile::Item kind, llvm::StringRef what) {
    if (item.name.text.empty())
      return;
    auto [first, inserted] = defined.emplace(what.str() + " " + item.name.text, item.name.range);
    if (!inserted) {
      diagnostics.error(item.name.range, what + " '" + item.name.text + "' is already defined");
      diagnostics.note(first->second, "first defined here");
      return;
    }
    result.order.push_back({kind, items.size()});
    items.push_back(std::move(item));
  }

  void readImport() {
    if (!cursor.accept("\"")) {
      cursor.failHere("expected a path in quotes");
      return ops.skipStatement();
    }
    llvm::StringRef path = cursor.text.substr(cursor.at).take_until([](char c) { return c == '"' || c == '\n'; });
    Name name{path.str(), cursor.place(cursor.at, path.size())};
    cursor.at += path.size();
    if (cursor.peek() != '"') {
      cursor.failHere("expected '\"' behind a path");
      return;
    }
    ++cursor.at;
    result.imports.push_back(std::move(name));
  }

  /// '{' (OP options NEWLINE)* '}'. Comments above are those of the first; where there is none, of what comes next.
  void readDefaults(std::vector<Defaults> &all, Layout above) {
    if (!ops.openBrace("defaults"))
      return;
    std::vector<std::string> names;
    for (const OpInfo &info : opTable())
      if (hasDefaults(info))
        names.push_back(info.name.str());
    bool first = true;
    while (true) {
      bool spaced = cursor.skipLines();
      Defaults defaults;
      if (first)
        defaults.layout = std::exchange(above, {});
      ops.takeComments(defaults.layout, /*before=*/true);
      defaults.layout.spaced = spaced && !first;
      if (ops.closeBrace()) {
        std::string &left = defaults.layout.comment;
        if (!left.empty() && !all.empty())
          appendLine(all.back().layout.comment, left);
        else if (!left.empty())
          cursor.comments.insert(cursor.comments.begin(), {cursor.at - 1, left, /*ownLine=*/true});
        return;
      }
      first = false;
      size_t begin = cursor.at;
      llvm::StringRef word = cursor.peekWord();
      defaults.range = cursor.place(begin, std::max<size_t>(word.size(), 1));
      if (!llvm::is_contained(names, word)) {
        if (word.empty())
          cursor.failHere("expected an op");
        else
          diagnostics.error(defaults.range,
                            "unknown op '" + word.take_front(64) + "' in defaults" + suggestion(word, names));
        ops.skipStatement();
        if (cursor.at == begin)
          ++cursor.at;
        continue;
      }
      cursor.at += word.size();
      const OpInfo &info = *findOp(word);
      defaults.kind = info.kind;
      for (const Defaults &other : all)
        if (other.kind == info.kind) {
          diagnostics.error(defaults.range, "defaults of '" + word + "' are already given");
          diagnostics.note(other.range, "first given here");
          break;
        }
      std::vector<KeyInfo> keys = defaultKeys(info);
      ops.readOptions(keys, "'" + word + "' in defaults", /*first=*/true, defaults.arguments);
      ops.endStatement(defaults.layout);
      all.push_back(std::move(defaults));
    }
  }

  std::vector<Parameter> readParameters() {
    std::vector<Parameter> parameters;
    cursor.skipSpace();
    if (cursor.peek() != '(')
      return parameters;
    ++cursor.at;
    int nested = cursor.nested++;
    while (!cursor.accept(")")) {
      Parameter parameter;
      parameter.name = ops.readOwnName("a parameter's name");
      parameter.required = true;
      if (cursor.accept(":")) {
        Name type = ops.readName("a type");
        parameter.typeRange = type.range;
        if (auto found = findParameterType(type.text))
          parameter.type = *found;
        else if (!type.text.empty())
          diagnostics.error(type.range,
                            "unknown type '" + type.text + "'" + suggestion(type.text, parameterTypeNames()));
      }
      cursor.skipSpace();
      if (cursor.accept("=")) {
        parameter.required = false;
        parameter.value = ops.readExpr();
      }
      for (const Parameter &other : parameters)
        if (!other.name.text.empty() && other.name.text == parameter.name.text) {
          diagnostics.error(parameter.name.range, "parameter '" + parameter.name.text + "' is already defined");
          diagnostics.note(other.name.range, "first defined here");
        }
      bool ok = !parameter.name.text.empty() && (parameter.required || parameter.value);
      if (parameters.size() < kMaxParameters) {
        if (!parameter.name.text.empty())
          parameters.push_back(std::move(parameter));
        if (cursor.accept(","))
          continue;
        if (cursor.accept(")"))
          break;
        if (ok)
          cursor.failHere("expected ',' or ')'");
      } else {
        diagnostics.error(parameter.name.range, "expected at most " + llvm::Twine(kMaxParameters) + " parameters");
      }
      cursor.at = std::min(cursor.text.find_first_of(")\n{", cursor.at), cursor.text.size());
      cursor.accept(")");
      break;
    }
    cursor.nested = nested;
    return parameters;
  }

  NetworkDef readNetwork() {
    NetworkDef network;
    network.name = ops.readName("a network's name");
    network.range = network.name.range;
    network.parameters = readParameters();
    if (!ops.openBrace("the network's body"))
      return network;
    std::optional<Argument> evaluation;
    while (true) {
      bool spaced = cursor.skipLines();
      Layout above;
      size_t begin = cursor.at;
      if (cursor.peek() == '}' || cursor.done()) {
        if (!cursor.comments.empty()) {
          Op comment;
          comment.kind = OpKind::Comment;
          ops.takeComments(comment.layout, /*before=*/true);
          network.ops.push_back(std::move(comment));
        }
        ops.closeBrace();
        break;
      }
      llvm::StringRef word = cursor.peekWord();
      size_t end = cursor.at + word.size();
      llvm::StringRef next = cursor.text.substr(end).ltrim(" \t");
      if (word == "input" && !next.starts_with(":")) {
        ops.takeComments(above, /*before=*/true);
        cursor.at = end;
        readInput(network, above, begin);
      } else if ((word == "training" || word == "evaluation" || word == "defaults") && next.starts_with("{")) {
        ops.takeComments(above, /*before=*/true);
        cursor.at = end;
        if (word == "training")
          readTraining(network, above, begin);
        else if (word == "evaluation")
          readEvaluation(evaluation, above, begin);
        else
          readDefaults(network.defaults, above);
      } else {
        size_t first = network.ops.size();
        ops.readStatement(network.ops);
        if (network.ops.size() > first)
          network.ops[first].layout.spaced = spaced && first > 0;
      }
      if (cursor.at == begin)
        ++cursor.at;
    }
    if (evaluation)
      addEvaluation(network, std::move(*evaluation));
    if (!network.input && !network.name.text.empty())
      diagnostics.error(network.range,
                        "expected an 'input' in network '" + network.name.text + "': input 3 x 224 x 224");
    return network;
  }

  /// CHANNELS 'x' HEIGHT 'x' WIDTH, mean = ..., std = ...
  void readInput(NetworkDef &network, Layout above, size_t begin) {
    Section section;
    section.layout = std::move(above);
    section.range = cursor.place(begin, 5);
    ExpressionParser parser(cursor);
    for (const char *key : {"channels", "height", "width"}) {
      if (key != llvm::StringRef("channels")) {
        cursor.skipSpace();
        if (cursor.peek() != 'x' || llvm::isAlpha(cursor.peek(1)) || cursor.peek(1) == '_') {
          cursor.failHere("expected 'x' and the " + llvm::Twine(key) + " of the input");
          network.input = std::move(section);
          return ops.skipStatement();
        }
        ++cursor.at;
      }
      auto expr = parser.parseSide();
      if (!expr) {
        network.input = std::move(section);
        return ops.skipStatement();
      }
      Argument argument;
      argument.kind = ArgumentKind::Expression;
      argument.name = {key, expr->range};
      argument.range = expr->range;
      argument.expr = std::move(*expr);
      section.arguments.push_back(std::move(argument));
    }
    const KeyInfo *normalization = findKey(inputKeys(), "normalization");
    Argument record;
    record.kind = ArgumentKind::Record;
    record.name = {"normalization", section.range};
    record.range = section.range;
    ops.readOptions(normalization->fields, "'input'", /*first=*/false, record.items);
    if (!record.items.empty())
      section.arguments.push_back(std::move(record));
    ops.endStatement(section.layout);
    if (network.input)
      diagnostics.error(section.range, "expected one 'input' in a network");
    network.input = std::move(section);
  }

  /// '{' (NAME '=' VALUE NEWLINE)* '}' behind the word at `begin`.
  Section readSection(llvm::StringRef word, llvm::ArrayRef<KeyInfo> keys, Layout above, size_t begin) {
    Section section;
    section.layout = std::move(above);
    section.range = cursor.place(begin, word.size());
    ops.openBrace(word);
    while (true) {
      bool spaced = cursor.skipLines();
      Layout layout;
      ops.takeComments(layout, /*before=*/true);
      if (ops.closeBrace()) {
        if (!layout.comment.empty())
          appendLine(section.layout.comment, layout.comment);
        break;
      }
      size_t before = cursor.at, count = section.arguments.size(), errors = diagnostics.count();
      ops.readOptions(keys, "'" + word + "'", /*first=*/true, section.arguments);
      if (diagnostics.count() != errors)
        ops.skipStatement();
      ops.endStatement(layout);
      layout.spaced = spaced && count > 0;
      if (section.arguments.size() > count)
        section.arguments[count].layout = std::move(layout);
      if (cursor.at == before)
        ++cursor.at;
    }
    Layout behind;
    ops.endStatement(behind);
    for (const std::string &text : {behind.comment, behind.trailing})
      if (!text.empty())
        appendLine(section.layout.comment, text);
    return section;
  }

  void readTraining(NetworkDef &network, Layout above, size_t begin) {
    Section section = readSection("training", trainingKeys(), std::move(above), begin);
    if (network.training)
      diagnostics.error(section.range, "expected one 'training' in a network");
    network.training = std::move(section);
  }

  /// A section of its own, but a record of `training` for everyone else.
  void readEvaluation(std::optional<Argument> &evaluation, Layout above, size_t begin) {
    Section section = readSection("evaluation", findKey(trainingKeys(), "evaluation")->fields, std::move(above), begin);
    if (evaluation)
      diagnostics.error(section.range, "expected one 'evaluation' in a network");
    evaluation.emplace();
    evaluation->kind = ArgumentKind::Record;
    evaluation->name = {"evaluation", section.range};
    evaluation->range = section.range;
    evaluation->items = std::move(section.arguments);
    evaluation->layout = std::move(section.layout);
  }

  void addEvaluation(NetworkDef &network, Argument evaluation) {
    if (!network.training) {
      network.training.emplace();
      network.training->range = evaluation.range;
    }
    for (const Argument &other : network.training->arguments)
      if (other.name.text == "evaluation") {
        diagnostics.error(evaluation.range, "expected one 'evaluation' in a network");
        diagnostics.note(other.name.range, "first given here");
        return;
      }
    network.training->arguments.push_back(std::move(evaluation));
  }

  /// NAME '{' a line of columns, then lines of numbers, each perhaps behind 'NAME:'. '-' stands for no number.
  Table readTable() {
    Table table;
    table.name = ops.readOwnName("a table's name");
    if (!ops.openBrace("the table"))
      return table;
    cursor.skipLines();
    Layout above;
    ops.takeComments(above, /*before=*/true);
    table.layout.comment = above.comment;
    while (!cursor.peekWord().empty() && table.columns.size() < kMaxTableColumns) {
      Name column = ops.readName("a column's name");
      if (llvm::is_contained(table.columns, column.text))
        diagnostics.error(column.range, "column '" + column.text + "' is already defined");
      table.columns.push_back(column.text);
    }
    if (table.columns.empty())
      cursor.failHere("expected the names of the columns");
    Layout header;
    ops.endStatement(header);
    bool known = false;
    while (true) {
      bool spaced = cursor.skipLines();
      Layout layout;
      ops.takeComments(layout, /*before=*/true);
      layout.spaced = spaced && !table.rows.empty();
      if (ops.closeBrace()) {
        for (const std::string &text : {header.comment, header.trailing, layout.comment})
          if (!text.empty())
            appendLine(table.layout.comment, text);
        return table;
      }
      size_t begin = cursor.at;
      std::string name = std::to_string(table.rows.size() + 1);
      bool named = !cursor.peekWord().empty();
      if (named) {
        Name given = ops.readName("a row's name");
        name = given.text;
        if (!cursor.accept(":"))
          cursor.failHere("expected ':' behind a row's name");
        if (table.find(name))
          diagnostics.error(given.range, "row '" + name + "' is already defined");
      }
      if (known && named != table.named)
        cursor.fail(begin, 1, "expected a name for every row or for none");
      table.named = known ? table.named : named;
      known = true;
      Row row{table.name.text + "." + name, {}};
      size_t column = 0;
      while (true) {
        cursor.skipSpace();
        char c = cursor.peek();
        bool negative = c == '-' && (llvm::isDigit(cursor.peek(1)) || cursor.peek(1) == '.');
        if (c == '-' && !negative) {
          ++cursor.at;
          ++column;
          continue;
        }
        if (!negative && !llvm::isDigit(c) && c != '.')
          break;
        size_t place = cursor.at;
        cursor.at += negative;
        auto number = ExpressionParser(cursor).parsePrimary();
        if (!number)
          break;
        if (number->kind != ExprKind::Integer && number->kind != ExprKind::Real) {
          cursor.fail(place, 1, "expected a number");
          break;
        }
        if (column < table.columns.size()) {
          if (number->kind == ExprKind::Integer)
            row.entries[table.columns[column]] = negative ? -number->integer : number->integer;
          else
            row.entries[table.columns[column]] = negative ? -number->real : number->real;
        }
        ++column;
      }
      size_t errors = diagnostics.count();
      ops.endStatement(layout);
      if (column != table.columns.size() && diagnostics.count() == errors)
        cursor.fail(begin, 1,
                    "expected " + llvm::Twine(table.columns.size()) + " numbers in a row, but got " +
                        llvm::Twine(column));
      if (table.rows.size() >= kMaxTableRows) {
        cursor.fail(begin, 1, "expected a table of at most " + llvm::Twine(kMaxTableRows) + " rows");
        return table;
      }
      table.rows.push_back(std::move(row));
      table.layouts.push_back(std::move(layout));
      if (cursor.at == begin)
        ++cursor.at;
    }
  }

  Cursor cursor;
  Diagnostics &diagnostics;
  TextOps ops;
  SpecFile result;
  std::map<std::string, SourceRange> defined;
};

} // namespace

std::optional<SpecFile> readTextSpec(uint32_t file, Diagnostics &diagnostics) {
  if (!checkText(file, diagnostics))
    return std::nullopt;
  return FileReader(file, diagnostics).run();
}

} // namespace incept
