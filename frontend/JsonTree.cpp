// SPDX-License-Identifier: Apache-2.0
//
// The one file that knows nlohmann-json's reader. Its SAX interface has no positions, but it calls back after each
// token, and between two tokens lie only spaces, ',' and ':': so the place of a token follows from the end of the one
// before. The reader is iterative and the handler stops it at a limit, so no input can exhaust the stack.

#include "frontend/JsonTree.h"
#include "frontend/Spec.h"
#include "llvm/ADT/StringExtras.h"

#include <nlohmann/json.hpp>

namespace incept {

static constexpr size_t kMaxDepth = 64;
static constexpr size_t kMaxValues = 500000;
static constexpr size_t kMaxKeys = 2000;
/// Mistakes of syntax behind which reading goes on.
static constexpr size_t kMaxMended = 20;

const JsonValue *JsonValue::find(llvm::StringRef name) const {
  for (const JsonValue &child : children)
    if (child.key == name)
      return &child;
  return nullptr;
}

std::string takeNotes(const JsonValue &value) {
  std::string notes = std::exchange(value.note, "");
  for (const JsonValue &child : value.children)
    appendLine(notes, takeNotes(child));
  return notes;
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
  TreeBuilder(uint32_t file, llvm::StringRef text, Diagnostics &diagnostics)
      : file(file), text(text), diagnostics(diagnostics) {}

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
    pendingKey = true;
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(JsonKind::Array); }
  bool end_array() override { return close(); }

  bool parse_error(size_t position, const std::string &token, const nlohmann::detail::exception &error) override {
    if (explain())
      return false;
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
    diagnostics.error(place(std::min(start, text.size()), length), "expected JSON: " + message);
    return false;
  }

  /// How the text can be read on behind a mistake: with another byte in one place, so that all places stay.
  struct Patch {
    size_t at;
    char byte;
  };
  std::optional<Patch> patch;

  JsonValue root;

private:
  SourceRange place(size_t offset, size_t length) const { return diagnostics.files.range(file, offset, length); }

  /// Behind spaces and comments.
  size_t skip(size_t at) const {
    while (true) {
      at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
      bool line = text.substr(at).starts_with("//");
      if (!line && !text.substr(at).starts_with("/*"))
        return at;
      size_t stop = text.find(line ? "\n" : "*/", at + 2);
      at = stop == llvm::StringRef::npos ? text.size() : stop + (line ? 1 : 2);
    }
  }
  /// What stands there, for a message.
  llvm::StringRef tokenAt(size_t at) const {
    llvm::StringRef rest = text.substr(at);
    llvm::StringRef word =
        rest.take_while([](char c) { return llvm::isAlnum(c) || c == '_' || c == '.' || c == '+' || c == '-'; });
    return (word.empty() ? rest.take_front(1) : word).take_front(40);
  }
  /// Reports a mistake behind the last token, where `token` is missing; `patch` puts it into the space that is there.
  bool missing(char token, const llvm::Twine &message, size_t next) {
    diagnostics.error(place(end, 1), message);
    diagnostics.fix(place(end, 1), llvm::Twine(token), /*insert=*/true);
    if (next > end && llvm::StringRef(" \t\r\n").contains(text[end]))
      patch = Patch{end, token};
    return true;
  }

  /// Names a mistake of syntax from the tokens around it. False where it is none of the known ones.
  bool explain() {
    size_t next = skip(end);
    char c = next < text.size() ? text[next] : 0;
    if (stack.empty()) {
      if (values == 0 || c == 0)
        return false;
      diagnostics.error(place(next, tokenAt(next).size()),
                        "expected the end of the file behind the description, but got '" + tokenAt(next) + "'");
      return true;
    }
    const JsonValue &open = *stack.back();
    bool object = open.kind == JsonKind::Object;
    llvm::StringRef close = object ? "}" : "]";
    auto unclosed = [&] {
      diagnostics.error(place(end, 1), "expected '" + close + "', but the file ends");
      diagnostics.note(open.range, "to close this");
      return true;
    };
    if (pendingKey && c != ':') {
      if (c != '=')
        return missing(':', "expected ':' and a value behind the key '" + llvm::StringRef(keyText).take_front(40) + "'",
                       next);
      diagnostics.error(place(next, 1), "expected ':' behind a key, but got '='");
      diagnostics.fix(place(next, 1), ":");
      patch = Patch{next, ':'};
      return true;
    }
    bool afterValue = !open.children.empty() && !pendingKey;
    if (c == 0)
      return unclosed();
    if (afterValue && (last->kind == JsonKind::Integer || last->kind == JsonKind::Real)) {
      llvm::StringRef number = tokenAt(diagnostics.files.offset(last->range)), digits = number;
      digits.consume_front("-");
      if (digits.size() > 1 && digits[0] == '0' && llvm::isDigit(digits[1])) {
        diagnostics.error(last->range, "expected a number without a 0 before it, but got '" + number + "'");
        return true;
      }
    }
    if (afterValue && c != ',') {
      if (c == '}' || c == ']' || c == ':') {
        diagnostics.error(place(next, 1), "expected ',' or '" + close + "', but got '" + llvm::Twine(c) + "'");
        diagnostics.note(open.range, "to close this");
        return true;
      }
      return missing(',', "expected ',' or '" + close + "' behind this", next);
    }
    size_t value = c == ',' || c == ':' ? skip(next + 1) : next; // what stands where a key or value must
    char first = value < text.size() ? text[value] : 0;
    if (first == 0)
      return unclosed();
    if (c == ',' && (first == '}' || first == ']')) {
      diagnostics.error(place(next, 1), "expected no comma before '" + llvm::Twine(first) + "'");
      diagnostics.fix(place(next, 1), "");
      patch = Patch{next, ' '};
      return true;
    }
    if (first == ',') {
      diagnostics.error(place(value, 1),
                        llvm::Twine("expected ") + (object && !pendingKey ? "a key" : "a value") + " before ','");
      patch = Patch{value, ' '};
      return true;
    }
    llvm::StringRef token = tokenAt(value);
    if (first == '\'') {
      diagnostics.error(place(value, 1), "expected a string in double quotes, but got '");
      return true;
    }
    if (first == '"') {
      size_t stop = text.find_first_of("\n", value);
      diagnostics.error(place(value, std::min(stop, text.size()) - value),
                        "expected '\"' at the end of the string, on one line, and no unknown escapes in it");
      return true;
    }
    if (object && !pendingKey) {
      diagnostics.error(place(value, token.size()), "expected a key in double quotes, but got '" + token + "'");
      if (llvm::isAlpha(first))
        diagnostics.fix(place(value, token.size()), "\"" + token + "\"");
      return true;
    }
    diagnostics.error(place(value, token.size()), "expected a value, but got '" + token + "'" + meant(token));
    return true;
  }
  /// What other languages call a value.
  static std::string meant(llvm::StringRef token) {
    if (token == "True" || token == "False")
      return "; did you mean '" + token.lower() + "'?";
    if (token == "None" || token == "nil" || token == "Null")
      return "; did you mean 'null'?";
    if (!token.empty() && llvm::isAlpha(token[0]))
      return "; words are in double quotes";
    return token.empty() || !(llvm::isDigit(token[0]) || token[0] == '.' || token[0] == '+' || token[0] == '-')
               ? ""
               : "; numbers are written like 12, -3, 0.5 or 1e-4";
  }

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
    pendingKey = false;
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
    std::string behind;
    end = tokenStart(&behind) + 1;
    JsonValue &open = *stack.back();
    appendLine(open.children.empty() ? open.note : open.children.back().note, behind);
    stack.pop_back();
    if (stack.empty()) { // the end of the file
      behind.clear();
      tokenStart(&behind);
      appendLine(root.note, behind);
    }
    return true;
  }

  uint32_t file;
  llvm::StringRef text;
  Diagnostics &diagnostics;
  size_t end = 0; ///< end of the last token
  size_t values = 0;
  std::vector<JsonValue *> stack;
  JsonValue *last = nullptr;
  bool pendingKey = false; ///< a key was read, and not yet its value
  std::string keyText, keyNote;
  SourceRange keyRange;
};

} // namespace

std::optional<JsonValue> parseJson(uint32_t file, Diagnostics &diagnostics) {
  if (!checkText(file, diagnostics))
    return std::nullopt;
  // A mistake of syntax that can be mended is, to find the next; what was read before is not reported again.
  std::string text = diagnostics.files.text(file).str();
  size_t rounds = std::clamp<size_t>(kMaxSpecBytes / std::max<size_t>(text.size(), 1), 1, kMaxMended);
  for (size_t round = 0; round < rounds; ++round) {
    TreeBuilder builder(file, text, diagnostics);
    if (nlohmann::json::sax_parse(text, &builder, nlohmann::json::input_format_t::json, /*strict=*/true,
                                  /*ignore_comments=*/true))
      return std::move(builder.root);
    if (!builder.patch || diagnostics.full())
      return std::nullopt;
    text[builder.patch->at] = builder.patch->byte;
  }
  return std::nullopt;
}

} // namespace incept
