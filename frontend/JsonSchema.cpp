// SPDX-License-Identifier: Apache-2.0

#include "frontend/JsonSchema.h"
#include "frontend/OpTable.h"

#include <nlohmann/json.hpp>

namespace incept {

namespace {

using Json = nlohmann::ordered_json;

Json ref(const char *name) { return {{"$ref", std::string("#/definitions/") + name}}; }
Json type(const char *name) { return {{"type", name}}; }
Json anyOf(std::initializer_list<Json> choices) {
  Json list = Json::array();
  for (const Json &choice : choices)
    list.push_back(choice);
  return {{"anyOf", std::move(list)}};
}

Json words(llvm::ArrayRef<llvm::StringRef> list) {
  Json names = Json::array();
  for (llvm::StringRef word : list)
    names.push_back(word.str());
  return {{"enum", names}};
}

/// An object that has these members and perhaps a comment, nothing else.
Json closedObject(Json properties, const std::vector<std::string> &required = {}) {
  properties["comment"] = type("string");
  Json object = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty())
    object["required"] = required;
  return object;
}

/// An object with members of any name, all alike but for a comment.
Json openObject(Json members) {
  return {
      {"type", "object"}, {"properties", {{"comment", type("string")}}}, {"additionalProperties", std::move(members)}};
}

Json list(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }

Json forKey(const KeyInfo &key);

Json record(llvm::ArrayRef<KeyInfo> keys) {
  Json properties = Json::object();
  std::vector<std::string> required;
  for (const KeyInfo &key : keys) {
    properties[key.name.str()] = forKey(key);
    if (key.required)
      required.push_back(key.name.str());
  }
  return closedObject(std::move(properties), required);
}

/// What a key may be given, as JsonOps reads it.
Json forKey(const KeyInfo &key) {
  switch (key.type) {
  case KeyType::Value:
    return ref("expression");
  case KeyType::Pair:
    return ref("pair");
  case KeyType::Padding:
    return anyOf({ref("pair"), record(paddingKeys())});
  case KeyType::Flag:
    return {{"type", {"boolean", "string"}}};
  case KeyType::True:
    return {{"const", true}};
  case KeyType::Word:
    return words(key.words);
  case KeyType::Activation: // a word, or the name of a parameter that has one
    return {{"type", {"string", "null"}}};
  case KeyType::Name:
    return ref("name");
  case KeyType::BatchNorm:
    return anyOf({type("boolean"), record(batchNormKeys())});
  case KeyType::Init:
    return anyOf({words(initKeys()[0].words), record(initKeys())});
  case KeyType::Keep:
    return record(keepKeys());
  case KeyType::Body:
    return ref("ops");
  case KeyType::Branches:
    return ref("branches");
  case KeyType::Numbers:
    return anyOf({ref("expression"), list(ref("expression"))});
  case KeyType::Record:
    return record(key.fields);
  case KeyType::Texts:
    return list(type("string"));
  }
  return {};
}

/// An op with options: its word, its keys, and those of every op.
Json forOp(const OpInfo &info) {
  Json properties = Json::object();
  std::vector<std::string> required = {info.name.str()};
  properties[info.name.str()] = isCombination(info.kind) ? anyOf({ref("name"), ref("branches")}) : forKey(info.main);
  for (const KeyInfo &key : info.keys) {
    properties[key.name.str()] = forKey(key);
    if (key.required)
      required.push_back(key.name.str());
  }
  if (info.kind == OpKind::Block)
    properties["arguments"] = list(ref("value"));
  properties["label"] = type("string");
  properties["as"] = ref("name");
  properties["repeat"] = ref("expression");
  Json object = closedObject(std::move(properties), required);
  if (info.kind == OpKind::Block) // its parameters
    object["additionalProperties"] = ref("value"), object["propertyNames"] = ref("name");
  return object;
}

Json ops() {
  Json plain = Json::array(), choices = Json::array();
  for (const OpInfo &info : opTable())
    if (info.main.type == KeyType::True)
      plain.push_back(info.name.str());
  choices.push_back({{"enum", plain}});
  for (const OpInfo &info : opTable())
    choices.push_back(forOp(info));
  Json body = ref("ops");
  choices.push_back(closedObject(
      {{"let",
        {{"type", "object"}, {"minProperties", 1}, {"maxProperties", 1}, {"additionalProperties", ref("value")}}}},
      {"let"}));
  choices.push_back(closedObject({{"let", ref("name")}, {"layers", body}}, {"let", "layers"}));
  choices.push_back(closedObject({{"if", ref("value")}, {"then", body}, {"else", body}}, {"if", "then"}));
  Json names = {{"type", "array"}, {"items", ref("name")}, {"minItems", 1}, {"maxItems", 2}};
  choices.push_back(closedObject({{"for", anyOf({ref("name"), names})}, {"in", ref("value")}, {"layers", body}},
                                 {"for", "in", "layers"}));
  choices.push_back(closedObject({{"assert", ref("value")}, {"message", type("string")}}, {"assert"}));
  choices.push_back(closedObject(Json::object(), {"comment"}));
  return {{"anyOf", std::move(choices)}};
}

Json parameters() {
  Json types = Json::array();
  for (const std::string &name : parameterTypeNames())
    types.push_back(name);
  Json typed = closedObject({{"type", {{"enum", types}}}, {"default", anyOf({ref("value"), type("null")})}});
  return openObject(anyOf({ref("value"), type("null"), typed}));
}

Json defaults() {
  Json properties = Json::object();
  for (const OpInfo &info : opTable())
    if (hasDefaults(info))
      properties[info.name.str()] = record(defaultKeys(info));
  return closedObject(std::move(properties));
}

/// What a network has, by itself in a file or one of several.
Json networkKeys() {
  return {{"parameters", ref("parameters")},
          {"defaults", ref("defaults")},
          {"input", record(inputKeys())},
          {"layers", ref("ops")},
          {"training", record(trainingKeys())}};
}

} // namespace

std::string jsonSchema() {
  Json expression = {{"type", {"number", "string"}}};
  Json branch = anyOf({ref("op"), ref("ops")});
  Json branches = list(branch), named = openObject(branch);
  branches["minItems"] = 1;
  named["minProperties"] = 1;
  Json pair = list(ref("expression"));
  pair["minItems"] = pair["maxItems"] = 2;
  Json row = openObject(type("number"));
  Json block = closedObject({{"parameters", ref("parameters")}, {"layers", ref("ops")}}, {"layers"});

  Json file = networkKeys();
  file["$schema"] = type("string");
  file["network"] = ref("name");
  file["imports"] = list(type("string"));
  file["networks"] = openObject(closedObject(networkKeys(), {"input", "layers"}));
  file["blocks"] = openObject(anyOf({ref("ops"), block}));
  file["tables"] = openObject(anyOf({openObject(row), list(row)}));
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "incept network description"}};
  schema.update(closedObject(std::move(file)));
  schema["dependencies"] = {{"network", {"input", "layers"}},
                            {"parameters", {"network"}},
                            {"input", {"network"}},
                            {"layers", {"network"}},
                            {"training", {"network"}}};
  schema["definitions"] = {{"name", {{"type", "string"}, {"pattern", "^[A-Za-z_][A-Za-z0-9_]{0,63}$"}}},
                           {"expression", expression},
                           {"value", anyOf({{{"type", {"number", "string", "boolean"}}}, list(ref("value"))})},
                           {"pair", anyOf({ref("expression"), pair})},
                           {"parameters", parameters()},
                           {"defaults", defaults()},
                           {"branches", anyOf({branches, named})},
                           {"op", ops()},
                           {"ops", list(ref("op"))}};
  return schema.dump(1) + "\n";
}

} // namespace incept
