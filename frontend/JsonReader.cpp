// SPDX-License-Identifier: Apache-2.0

#include "frontend/JsonReader.h"
#include "frontend/JsonOps.h"
#include "llvm/ADT/STLExtras.h"

namespace incept {

namespace {

const std::vector<std::string> kFileKeys = {"network",  "parameters", "input",    "layers", "training", "imports",
                                            "defaults", "blocks",     "networks", "tables", "comment"};
const std::vector<std::string> kNetworkKeys = {"parameters", "defaults", "input", "layers", "training", "comment"};
const std::vector<std::string> kBlockKeys = {"parameters", "layers", "comment"};
const std::vector<std::string> kParameterKeys = {"type", "default", "comment"};

void append(std::string &to, const std::string &text) { appendLine(to, text); }

class FileReader {
public:
  explicit FileReader(Diagnostics &diagnostics) : diagnostics(diagnostics), ops(diagnostics) {}

  SpecFile run(const JsonValue &root) {
    result.comment = std::exchange(root.note, "");
    NetworkDef network;
    network.range = root.range;
    for (const JsonValue &member : root.children)
      if (!readNetworkKey(member, network))
        readSection(member, network);
    if (const JsonValue *name = root.find("network")) {
      network.name = readName(diagnostics, *name, "a network's name");
      checkComplete(root, root.range);
      result.order.push_back({SpecFile::Item::Network, result.networks.size()});
      result.networks.push_back(std::move(network));
    } else {
      for (llvm::StringRef key : {"parameters", "input", "layers", "training"})
        if (const JsonValue *member = root.find(key))
          diagnostics.error(member->keyRange, "expected key 'network' beside '" + key + "'");
    }
    append(result.comment, takeNotes(root));
    return std::move(result);
  }

private:
  /// What a network has beside its name and defaults.
  bool readNetworkKey(const JsonValue &member, NetworkDef &network) {
    llvm::StringRef key = member.key;
    if (key == "parameters")
      network.parameters = readParameters(member, network.layout);
    else if (key == "input")
      network.input = readInput(member);
    else if (key == "training")
      network.training = readRecordSection(member, trainingKeys(), "'training'");
    else if (key == "layers")
      network.ops = ops.readOps(member);
    else
      return false;
    return true;
  }

  Section readRecordSection(const JsonValue &member, llvm::ArrayRef<KeyInfo> keys, llvm::StringRef owner) {
    Section section;
    section.range = member.range;
    section.arguments = ops.readRecord(member, keys, owner);
    readComments(member, section.layout);
    append(section.layout.comment, takeNotes(member));
    return section;
  }

  Section readInput(const JsonValue &member) {
    Section input = readRecordSection(member, inputKeys(), "'input'");
    if (member.kind == JsonKind::Object)
      for (llvm::StringRef key : {"channels", "height", "width"})
        if (!member.find(key) && llvm::none_of(input.arguments, [&](const Argument &a) { return a.name.text == key; }))
          diagnostics.error(member.range, "expected key '" + key + "' of 'input'");
    return input;
  }

  void readSection(const JsonValue &member, NetworkDef &) {
    llvm::StringRef key = member.key;
    if (key == "imports")
      readImports(member);
    else if (key == "defaults")
      readDefaults(member, result.defaults);
    else if (key == "blocks")
      readBlocks(member);
    else if (key == "tables")
      readTables(member);
    else if (key == "networks")
      readNetworks(member);
    else if (isComment(member))
      append(result.comment, member.string);
    else if (key != "comment" && key != "$schema" && key != "network")
      diagnostics.error(member.keyRange, "unknown key '" + key.take_front(80) + "'" + suggestion(key, kFileKeys));
  }

  void checkComplete(const JsonValue &object, SourceRange range) {
    for (llvm::StringRef key : {"input", "layers"})
      if (!object.find(key))
        diagnostics.error(range, "expected key '" + key + "' in a network");
  }

  bool isObject(const JsonValue &value, llvm::StringRef what) {
    if (value.kind == JsonKind::Object)
      return true;
    reportWrongType(diagnostics, value, "an object of " + what);
    return false;
  }

  void readNetworks(const JsonValue &object) {
    if (!isObject(object, "networks"))
      return;
    for (const JsonValue &member : object.children) {
      if (isComment(member)) {
        append(result.comment, member.string);
        continue;
      }
      NetworkDef network;
      network.name = readKeyName(diagnostics, member, "a network's name");
      network.range = member.keyRange;
      if (network.name.text.empty() || !isObject(member, "a network's keys"))
        continue;
      readComments(member, network.layout);
      for (const JsonValue &part : member.children)
        if (part.key == "defaults")
          readDefaults(part, network.defaults);
        else if (!readNetworkKey(part, network) && part.key != "comment")
          diagnostics.error(part.keyRange, "unknown key '" + llvm::StringRef(part.key).take_front(80) +
                                               "' of network '" + network.name.text + "'" +
                                               suggestion(part.key, kNetworkKeys));
      append(network.layout.comment, takeNotes(member));
      checkComplete(member, member.keyRange);
      result.order.push_back({SpecFile::Item::Network, result.networks.size()});
      result.networks.push_back(std::move(network));
    }
  }

  /// A default; null; or an object of a type and perhaps a default.
  std::vector<Parameter> readParameters(const JsonValue &object, Layout &layout) {
    std::vector<Parameter> parameters;
    if (!isObject(object, "parameters"))
      return parameters;
    readComments(object, layout);
    for (const JsonValue &member : object.children) {
      if (isComment(member))
        continue;
      Parameter parameter;
      parameter.name = readKeyName(diagnostics, member, "a parameter's name");
      if (parameter.name.text.empty())
        continue;
      if (isReserved(parameter.name.text)) {
        diagnostics.error(member.keyRange, "the word '" + member.key + "' cannot be a parameter's name");
        continue;
      }
      const JsonValue *value = &member;
      if (member.kind == JsonKind::Object) {
        for (const JsonValue &part : member.children)
          if (!llvm::is_contained(kParameterKeys, part.key))
            diagnostics.error(part.keyRange, "unknown key '" + llvm::StringRef(part.key).take_front(80) +
                                                 "' of parameter '" + member.key + "'" +
                                                 suggestion(part.key, kParameterKeys));
        readType(member, parameter);
        value = member.find("default");
      }
      parameter.required = !value || value->kind == JsonKind::Null; // every use gives a value
      if (!parameter.required) {
        bool plain = value->kind == JsonKind::Boolean || value->kind == JsonKind::Array;
        parameter.value = ops.readExpression(*value, plain ? "" : llvm::StringRef(member.key));
      }
      parameters.push_back(std::move(parameter));
    }
    append(layout.comment, takeNotes(object));
    return parameters;
  }

  void readType(const JsonValue &object, Parameter &parameter) {
    const JsonValue *type = object.find("type");
    if (!type)
      return;
    parameter.typeRange = type->range;
    auto found = type->kind == JsonKind::String ? findParameterType(type->string) : std::nullopt;
    if (found)
      parameter.type = *found;
    else
      diagnostics.error(type->range,
                        "unknown type " + describe(*type) + suggestion(type->string, parameterTypeNames()));
  }

  void readImports(const JsonValue &array) {
    if (array.kind != JsonKind::Array)
      return reportWrongType(diagnostics, array, "an array of paths");
    append(result.comment, takeNotes(array));
    for (const JsonValue &child : array.children)
      if (child.kind == JsonKind::String)
        result.imports.push_back(innerText(child));
      else
        reportWrongType(diagnostics, child, "a path");
  }

  void readDefaults(const JsonValue &object, std::vector<Defaults> &all) {
    if (!isObject(object, "defaults"))
      return;
    std::vector<std::string> names;
    for (const OpInfo &info : opTable())
      if (hasDefaults(info))
        names.push_back(info.name.str());
    for (const JsonValue &member : object.children) {
      if (isComment(member)) {
        append(result.comment, member.string);
        continue;
      }
      if (!llvm::is_contained(names, member.key)) {
        diagnostics.error(member.keyRange, "unknown op '" + llvm::StringRef(member.key).take_front(80) +
                                               "' in defaults" + suggestion(member.key, names));
        continue;
      }
      const OpInfo &info = *findOp(member.key);
      std::vector<KeyInfo> keys = defaultKeys(info);
      Defaults defaults{info.kind, ops.readRecord(member, keys, "'" + member.key + "' in defaults"), {}};
      defaults.range = member.keyRange;
      readComments(member, defaults.layout);
      append(defaults.layout.comment, takeNotes(member));
      all.push_back(std::move(defaults));
    }
  }

  void readBlocks(const JsonValue &object) {
    if (!isObject(object, "blocks"))
      return;
    for (const JsonValue &member : object.children) {
      if (isComment(member)) {
        append(result.comment, member.string);
        continue;
      }
      BlockDef block;
      block.name = readKeyName(diagnostics, member, "a block's name");
      if (!block.name.text.empty())
        block.name = readOwnName(diagnostics, std::move(block.name), "a block's name", /*ofBlock=*/true);
      if (block.name.text.empty())
        continue;
      readComments(member, block.layout);
      if (member.kind == JsonKind::Array) // nothing but ops
        block.ops = ops.readOps(member);
      else if (isObject(member, "a block's keys"))
        readBlock(member, block);
      append(block.layout.comment, takeNotes(member));
      result.order.push_back({SpecFile::Item::Block, result.blocks.size()});
      result.blocks.push_back(std::move(block));
    }
  }

  void readBlock(const JsonValue &object, BlockDef &block) {
    bool hasOps = false;
    for (const JsonValue &member : object.children) {
      if (member.key == "parameters")
        block.parameters = readParameters(member, block.layout);
      else if (member.key == "layers")
        block.ops = ops.readOps(member), hasOps = true;
      else if (member.key != "comment")
        diagnostics.error(member.keyRange, "unknown key '" + llvm::StringRef(member.key).take_front(80) +
                                               "' of block '" + block.name.text + "'" +
                                               suggestion(member.key, kBlockKeys));
    }
    if (!hasOps)
      diagnostics.error(block.name.range, "expected key 'layers' in block '" + block.name.text + "'");
  }

  void readTables(const JsonValue &object) {
    if (!isObject(object, "tables"))
      return;
    for (const JsonValue &member : object.children) {
      if (isComment(member)) {
        append(result.comment, member.string);
        continue;
      }
      Table table;
      table.name = readKeyName(diagnostics, member, "a table's name");
      if (!table.name.text.empty())
        table.name = readOwnName(diagnostics, std::move(table.name), "a table's name");
      table.named = member.kind != JsonKind::Array;
      if (table.name.text.empty() || (table.named && !isObject(member, "rows")))
        continue;
      readComments(member, table.layout);
      for (const JsonValue &row : member.children)
        if (!isComment(row))
          readRow(row, table);
      append(table.layout.comment, takeNotes(member));
      result.order.push_back({SpecFile::Item::Table, result.tables.size()});
      result.tables.push_back(std::move(table));
    }
  }

  void readRow(const JsonValue &object, Table &table) {
    Name name = table.named ? readKeyName(diagnostics, object, "a row's name")
                            : Name{std::to_string(table.rows.size() + 1), object.range};
    if (name.text.empty() || !isObject(object, "numbers"))
      return;
    if (table.rows.size() >= kMaxTableRows) {
      if (table.rows.size() == kMaxTableRows)
        diagnostics.error(object.range, "expected a table of at most " + llvm::Twine(kMaxTableRows) + " rows");
      return;
    }
    Row row{table.name.text + "." + name.text, {}};
    for (const JsonValue &entry : object.children) {
      if (isComment(entry))
        continue;
      Name column = readKeyName(diagnostics, entry, "a column's name");
      if (entry.kind == JsonKind::Integer)
        row.entries[column.text] = entry.integer;
      else if (entry.kind == JsonKind::Real)
        row.entries[column.text] = entry.real;
      else {
        reportWrongType(diagnostics, entry, "a number");
        continue;
      }
      if (llvm::is_contained(table.columns, column.text))
        continue;
      if (table.columns.size() == kMaxTableColumns) {
        diagnostics.error(column.range, "expected at most " + llvm::Twine(kMaxTableColumns) + " columns in table '" +
                                            table.name.text + "'");
        return;
      }
      table.columns.push_back(column.text);
    }
    table.rows.push_back(std::move(row));
    Layout &layout = table.layouts.emplace_back();
    readComments(object, layout);
    append(layout.comment, takeNotes(object));
  }

  Diagnostics &diagnostics;
  OpReader ops;
  SpecFile result;
};

} // namespace

std::optional<SpecFile> readJsonSpec(uint32_t file, Diagnostics &diagnostics) {
  auto root = parseJson(file, diagnostics);
  if (!root)
    return std::nullopt;
  if (root->kind != JsonKind::Object) {
    reportWrongType(diagnostics, *root, "an object");
    return std::nullopt;
  }
  return FileReader(diagnostics).run(*root);
}

} // namespace incept
