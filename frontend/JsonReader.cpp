// SPDX-License-Identifier: Apache-2.0

#include "frontend/JsonReader.h"
#include "frontend/JsonOps.h"
#include "llvm/ADT/STLExtras.h"

namespace incept {

namespace {

const std::vector<std::string> kFileKeys = {"network", "parameters", "input",  "layers", "training",
                                            "imports", "defaults",   "blocks", "tables", "comment"};
const std::vector<std::string> kBlockKeys = {"parameters", "layers", "comment"};
/// Parameters may not have these names: they mean something else in an op or an expression.
const std::vector<std::string> kReserved = {"block", "label", "as", "repeat", "comment", "in"};

class FileReader {
public:
  explicit FileReader(Diagnostics &diagnostics) : diagnostics(diagnostics), ops(diagnostics) {}

  SpecFile run(const JsonValue &root) {
    for (const JsonValue &member : root.children)
      readSection(member);
    checkComplete(root);
    return std::move(result);
  }

private:
  void readSection(const JsonValue &member) {
    Spec &spec = result.spec;
    llvm::StringRef key = member.key;
    if (key == "network")
      spec.network = readName(diagnostics, member, "a network's name");
    else if (key == "parameters")
      spec.parameters = readParameters(member);
    else if (key == "input")
      spec.input = Section{member.range, ops.readRecord(member, inputKeys(), "'input'")};
    else if (key == "training")
      spec.training = Section{member.range, ops.readRecord(member, trainingKeys(), "'training'")};
    else if (key == "layers")
      spec.ops = ops.readOps(member);
    else if (key == "imports")
      readImports(member);
    else if (key == "defaults")
      readDefaults(member);
    else if (key == "blocks")
      readBlocks(member);
    else if (key == "tables")
      readTables(member);
    else if (key != "comment" && key != "$schema")
      diagnostics.error(member.keyRange, "unknown key '" + key.take_front(80) + "'" + suggestion(key, kFileKeys));
  }

  void checkComplete(const JsonValue &root) {
    bool network = root.find("network") != nullptr;
    for (llvm::StringRef key : {"input", "layers"})
      if (network && !root.find(key))
        diagnostics.error(root.range, "expected key '" + key + "' in a network");
    for (llvm::StringRef key : {"parameters", "input", "layers", "training"})
      if (const JsonValue *member = root.find(key); member && !network)
        diagnostics.error(member->keyRange, "expected key 'network' beside '" + key + "'");
  }

  bool isObject(const JsonValue &value, llvm::StringRef what) {
    if (value.kind == JsonKind::Object)
      return true;
    reportWrongType(diagnostics, value, "an object of " + what);
    return false;
  }

  std::vector<Parameter> readParameters(const JsonValue &object) {
    std::vector<Parameter> parameters;
    if (!isObject(object, "parameters"))
      return parameters;
    for (const JsonValue &member : object.children) {
      if (isComment(member))
        continue;
      Parameter parameter{readKeyName(diagnostics, member, "a parameter's name"), false, std::nullopt};
      if (parameter.name.text.empty())
        continue;
      if (llvm::is_contained(kReserved, parameter.name.text)) {
        diagnostics.error(member.keyRange, "the word '" + member.key + "' cannot be a parameter's name");
        continue;
      }
      parameter.required = member.kind == JsonKind::Null; // null: every use gives a value
      if (!parameter.required)
        parameter.value = ops.readExpression(member, member.key);
      parameters.push_back(std::move(parameter));
    }
    return parameters;
  }

  void readImports(const JsonValue &array) {
    if (array.kind != JsonKind::Array)
      return reportWrongType(diagnostics, array, "an array of paths");
    for (const JsonValue &child : array.children)
      if (child.kind == JsonKind::String)
        result.imports.push_back(innerText(child));
      else
        reportWrongType(diagnostics, child, "a path");
  }

  void readDefaults(const JsonValue &object) {
    if (!isObject(object, "defaults"))
      return;
    std::vector<std::string> names;
    for (const OpInfo &info : opTable())
      if (!info.keys.empty() || info.kind == OpKind::BatchNorm)
        names.push_back(info.name.str());
    for (const JsonValue &member : object.children) {
      if (isComment(member))
        continue;
      if (!llvm::is_contained(names, member.key)) {
        diagnostics.error(member.keyRange, "unknown op '" + llvm::StringRef(member.key).take_front(80) +
                                               "' in defaults" + suggestion(member.key, names));
        continue;
      }
      const OpInfo &info = *findOp(member.key);
      llvm::ArrayRef<KeyInfo> keys = info.kind == OpKind::BatchNorm ? batchNormKeys() : info.keys;
      result.spec.defaults.push_back({info.kind, ops.readRecord(member, keys, "'" + member.key + "' in defaults")});
    }
  }

  void readBlocks(const JsonValue &object) {
    if (!isObject(object, "blocks"))
      return;
    for (const JsonValue &member : object.children) {
      if (isComment(member))
        continue;
      BlockDef block;
      block.name = readKeyName(diagnostics, member, "a block's name");
      if (block.name.text.empty())
        continue;
      if (member.kind == JsonKind::Array) // nothing but ops
        block.ops = ops.readOps(member);
      else if (isObject(member, "a block's keys"))
        readBlock(member, block);
      std::string name = block.name.text;
      result.spec.blocks.emplace(std::move(name), std::move(block));
    }
  }

  void readBlock(const JsonValue &object, BlockDef &block) {
    bool hasOps = false;
    for (const JsonValue &member : object.children) {
      if (member.key == "parameters")
        block.parameters = readParameters(member);
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
      if (isComment(member))
        continue;
      Table table{readKeyName(diagnostics, member, "a table's name"), {}};
      if (table.name.text.empty() || !isObject(member, "rows"))
        continue;
      for (const JsonValue &row : member.children)
        if (!isComment(row))
          readRow(row, table);
      std::string name = table.name.text;
      result.spec.tables.emplace(std::move(name), std::move(table));
    }
  }

  void readRow(const JsonValue &object, Table &table) {
    Name name = readKeyName(diagnostics, object, "a row's name");
    if (name.text.empty() || !isObject(object, "numbers"))
      return;
    Row row{table.name.text + "." + name.text, {}};
    for (const JsonValue &entry : object.children) {
      if (isComment(entry))
        continue;
      Name column = readKeyName(diagnostics, entry, "a column's name");
      if (entry.kind == JsonKind::Integer)
        row.entries[column.text] = entry.integer;
      else if (entry.kind == JsonKind::Real)
        row.entries[column.text] = entry.real;
      else
        reportWrongType(diagnostics, entry, "a number");
    }
    table.rows[name.text] = std::move(row);
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
