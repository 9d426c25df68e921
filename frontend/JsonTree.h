// SPDX-License-Identifier: Apache-2.0
//
// A JSON text as a tree in which every value and key knows its place. Size and depth are bounded.
#pragma once

#include "frontend/Diagnostics.h"

namespace incept {

enum class JsonKind { Null, Boolean, Integer, Real, String, Array, Object };

/// A value. Of an object's members each also has `key` and `keyRange`; they keep the order of the text.
struct JsonValue {
  JsonKind kind = JsonKind::Null;
  SourceRange range; ///< of an array or object: its bracket
  bool boolean = false;
  int64_t integer = 0;
  double real = 0;
  std::string string; ///< of a real: the number as written
  std::string key;
  SourceRange keyRange;
  /// Comments of the text before it, and behind it where nothing follows: // and /* */. Taken by who keeps them.
  mutable std::string note;
  std::vector<JsonValue> children;

  /// The member called `name`, or null.
  const JsonValue *find(llvm::StringRef name) const;
};

/// True for a member that any object may have and nothing reads.
inline bool isComment(const JsonValue &member) { return member.key == "comment" && member.kind == JsonKind::String; }

/// Takes the comments that nobody has taken of the value and all in it.
std::string takeNotes(const JsonValue &value);

/// "an array", "the string 'x'": what a message says was found.
std::string describe(const JsonValue &value);

/// Parses file number `file`; reports the first mistake and returns nothing where it is not JSON.
std::optional<JsonValue> parseJson(uint32_t file, Diagnostics &diagnostics);

} // namespace incept
