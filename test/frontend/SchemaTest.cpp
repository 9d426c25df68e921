// SPDX-License-Identifier: Apache-2.0
//
// The schema for editors in specs/ is what the compiler's table makes it.

#include "frontend/JsonSchema.h"
#include "frontend/OpTable.h"

#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace incept;
using nlohmann::json;

TEST(Schema, IsThatOfTheTable) {
  std::ifstream file(INCEPT_ROOT "/specs/schema/incept.schema.json");
  std::ostringstream text;
  text << file.rdbuf();
  // After a change of the table: incept schema > specs/schema/incept.schema.json
  EXPECT_EQ(text.str(), jsonSchema());
}

TEST(Schema, HasEveryOpAndKey) {
  json schema = json::parse(jsonSchema(), nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(schema.is_object());
  for (const OpInfo &info : opTable()) {
    bool found = false;
    for (const json &choice : schema["definitions"]["op"]["anyOf"])
      if (choice.contains("required") && choice["required"][0] == info.name.str()) {
        found = true;
        for (const std::string &key : keyNames(info.keys))
          EXPECT_TRUE(choice["properties"].contains(key)) << info.name.str() << "." << key;
      }
    EXPECT_TRUE(found) << info.name.str();
  }
  json training = schema["properties"]["training"]["properties"];
  for (const std::string &key : keyNames(trainingKeys()))
    EXPECT_TRUE(training.contains(key)) << key;
}
