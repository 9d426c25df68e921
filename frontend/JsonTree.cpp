// SPDX-License-Identifier: Apache-2.0
//
// The one file that knows nlohmann-json's reader. Its SAX interface has no positions, but it calls back after each
// token, and between two tokens lie only spaces, ',' and ':': so the place of a token follows from the end of the one
// before. The reader is iterative and the handler stops it at a limit, so no input can exhaust the stack.

#include "frontend/JsonTree.h"

#include <nlohmann/json.hpp>

namespace incept {

static constexpr size_t kMaxBytes = 4 << 20;
static constexpr size_t kMaxDepth = 64;
static constexpr size_t kMaxValues = 500000;
static constexpr size_t kMaxKeys = 2000;

const JsonValue *JsonValue::find(llvm::StringRef name) const {
  for (const JsonValue &child : children)
    if (child.key == name)
      return &child;
  return nullptr;
}

std::string describe(const JsonValue &value) {
  switch (value.kind) {
  case JsonKind::Null:
    return "null";
  case JsonKind::Boolean:
    return value.boolean ? "true" : "false";
  case JsonKind::Integer:
    return std::to_string(value.integer);
  case JsonKind::Real:
    return "a real number";
  case JsonKind::String:
    return "the string '" + value.string.substr(0, 40) + "'";
  case JsonKind::Array:
    return "an array";
  case JsonKind::Object:
    return "an object";
  }
  return "";
}

namespace {

class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
public:
  TreeBuilder(uint32_t file, Diagnostics &diagnostics)
      : file(file), text(diagnostics.files.text(file)), diagnostics(diagnostics) {}

  bool null() override { return add(JsonKind::Null, 4); }
  bool boolean(bool value) override { return add(JsonKind::Boolean, value ? 4 : 5) && (last->boolean = value, true); }
  bool number_integer(number_integer_t value) override {
    return add(JsonKind::Integer, numberLength()) && (last->integer = value, true);
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return number_integer(static_cast<int64_t>(value));
    return number_float(static_cast<double>(value), "");
  }
  bool number_float(number_float_t value, const string_t &) override {
    size_t length = numberLength();
    std::string spelling = text.substr(tokenStart(), length).str();
    return add(JsonKind::Real, length) && (last->real = value, last->string = std::move(spelling), true);
  }
  bool string(string_t &value) override {
    return add(JsonKind::String, stringLength()) && (last->string = std::move(value), true);
  }
  bool binary(binary_t &) override { return false; }

  bool start_object(size_t) override { return open(JsonKind::Object); }
  bool key(string_t &value) override {
    keyNote.clear();
    size_t start = tokenStart(&keyNote), length = stringLength();
    keyRange = diagnostics.files.range(file, start, length);
    end = start + length;
    if (stack.back()->children.size() >= kMaxKeys) { // also keeps the search for duplicates short
      diagnostics.error(keyRange, "expected at most " + llvm::Twine(kMaxKeys) + " keys in an object");
      return false;
    }
    if (const JsonValue *first = stack.back()->find(value)) {
      diagnostics.error(keyRange, "duplicate key '" + value + "'");
      diagnostics.note(first->keyRange, "first given here");
    }
    keyText = std::move(value);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(JsonKind::Array); }
  bool end_array() override { return close(); }

  bool parse_error(size_t position, const std::string &token, const nlohmann::detail::exception &error) override {
    llvm::StringRef message = error.what();
    size_t column = message.find("column ");
    if (column != llvm::StringRef::npos)
      message = message.substr(message.find(": ", column) + 2);
    else
      message = message.substr(message.find("] ") + 2);
    // What was read of a string or number is its token; punctuation is one byte, whatever came before it.
    bool single = message.contains("end of input") ||
                  (position > 0 && position <= text.size() && llvm::StringRef("{}[]:,").contains(text[position - 1]));
    size_t length = single ? 1 : token.size();
    size_t start = position > length ? position - length : 0;
    diagnostics.error(diagnostics.files.range(file, std::min(start, text.size()), length), "expected JSON: " + message);
    return false;
  }

  JsonValue root;

private:
  /// Where the next token begins: spaces, separators and comments lie before it.
  size_t tokenStart(std::string *note = nullptr) const {
    size_t at = end;
    while (true) {
      at = std::min(text.find_first_not_of(" \t\r\n,:", at), text.size());
      bool line = text.substr(at).starts_with("//");
      if (!line && !text.substr(at).starts_with("/*"))
        return at;
      size_t stop = std::min(text.find(line ? "\n" : "*/", at + 2), text.size());
      if (note) {
        llvm::SmallVector<llvm::StringRef, 4> lines;
        text.slice(at + 2, stop).split(lines, '\n');
        for (llvm::StringRef part : lines)
          *note += (note->empty() ? "" : "\n") + part.trim().str();
      }
      at = std::min(stop + (line ? 1 : 2), text.size());
    }
  }
  size_t numberLength() const {
    size_t start = tokenStart(), stop = text.find_first_not_of("+-.0123456789eE", start);
    return (stop == llvm::StringRef::npos ? text.size() : stop) - start;
  }
  /// With its quotes.
  size_t stringLength() const {
    size_t start = tokenStart(), at = start + 1;
    while (at < text.size() && text[at] != '"')
      at += text[at] == '\\' ? 2 : 1;
    return std::min(at + 1, text.size()) - start;
  }

  bool add(JsonKind kind, size_t length) {
    JsonValue value;
    std::swap(value.note, keyNote);
    size_t start = tokenStart(&value.note);
    value.kind = kind;
    value.range = diagnostics.files.range(file, start, length);
    end = start + length;
    if (++values > kMaxValues) {
      diagnostics.error(value.range, "expected a file of at most " + llvm::Twine(kMaxValues) + " values");
      return false;
    }
    if (stack.empty()) {
      root = std::move(value);
      last = &root;
      return true;
    }
    if (stack.back()->kind == JsonKind::Object) {
      value.key = std::move(keyText);
      value.keyRange = keyRange;
    }
    stack.back()->children.push_back(std::move(value));
    last = &stack.back()->children.back();
    return true;
  }
  bool open(JsonKind kind) {
    if (!add(kind, 1))
      return false;
    if (stack.size() >= kMaxDepth) {
      diagnostics.error(last->range, "expected brackets nested at most " + llvm::Twine(kMaxDepth) + " deep");
      return false;
    }
    // Pointers to ancestors stay valid: a vector grows only while none of its elements is open.
    stack.push_back(last);
    return true;
  }
  bool close() {
    end = tokenStart() + 1;
    stack.pop_back();
    return true;
  }

  uint32_t file;
  llvm::StringRef text;
  Diagnostics &diagnostics;
  size_t end = 0; ///< end of the last token
  size_t values = 0;
  std::vector<JsonValue *> stack;
  JsonValue *last = nullptr;
  std::string keyText, keyNote;
  SourceRange keyRange;
};

} // namespace

std::optional<JsonValue> parseJson(uint32_t file, Diagnostics &diagnostics) {
  llvm::StringRef text = diagnostics.files.text(file);
  TreeBuilder builder(file, diagnostics);
  if (text.size() > kMaxBytes) {
    diagnostics.error(diagnostics.files.range(file, 0, 1), "expected a file of at most " +
                                                               llvm::Twine(kMaxBytes >> 20) + " MB, but it has " +
                                                               llvm::Twine(text.size() >> 20) + " MB");
    return std::nullopt;
  }
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder, nlohmann::json::input_format_t::json,
                                 /*strict=*/true, /*ignore_comments=*/true))
    return std::nullopt;
  return std::move(builder.root);
}

} // namespace incept
