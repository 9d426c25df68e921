// SPDX-License-Identifier: Apache-2.0
//
// The schema for editors has the keys and words of the compiler's own table of the training section.

#include "frontend/OpTable.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace incept;
using nlohmann::json;

static void expectKeys(const json &schema, llvm::ArrayRef<KeyInfo> keys, const std::string &where) {
  ASSERT_TRUE(schema.contains("properties")) << where;
  EXPECT_EQ(schema["additionalProperties"], json(false)) << where;
  std::vector<std::string> expected = keyNames(keys), actual;
  expected.push_back("comment");
  for (const auto &[name, value] : schema["properties"].items())
    actual.push_back(name);
  std::sort(expected.begin(), expected.end());
  std::sort(actual.begin(), actual.end());
  EXPECT_EQ(expected, actual) << where;
  for (const KeyInfo &key : keys) {
    std::string name = key.name.str();
    if (!schema["properties"].contains(name))
      continue;
    const json &property = schema["properties"][name];
    if (key.type == KeyType::Record)
      expectKeys(property, key.fields, where + "." + name);
    if (key.type == KeyType::Word) {
      json words = json::array();
      for (llvm::StringRef word : key.words)
        words.push_back(word.str());
      EXPECT_EQ(property.value("enum", json()), words) << where << "." << name;
    }
  }
}

TEST(Schema, HasTheWordsOfTraining) {
  std::ifstream file(INCEPT_ROOT "/specs/schema/incept.schema.json");
  json schema = json::parse(file, nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(schema.is_object());
  expectKeys(schema["properties"]["training"], trainingKeys(), "training");
}
