// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/NameMap.h"
#include "frontend/JsonOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace incept {

namespace {

/// Numbers that a rule's pattern found, by the placeholder's name.
using Captures = std::map<std::string, int64_t>;

class MapReader {
public:
  explicit MapReader(Diagnostics &diagnostics) : diagnostics(diagnostics) {}

  NameMap run(const JsonValue &root) {
    NameMap map;
    for (const JsonValue &member : root.children) {
      if (isComment(member))
        continue;
      if (member.key == "spec" && member.kind == JsonKind::String)
        map.spec = member.string;
      else if (member.key == "spec")
        reportWrongType(diagnostics, member, "a path");
      else if (member.key == "network" && member.kind == JsonKind::String)
        map.network = member.string;
      else if (member.key == "network")
        reportWrongType(diagnostics, member, "the name of a network");
      else if (member.key == "rules")
        map.rules = readRules(member);
      else
        diagnostics.error(member.keyRange, "unknown key '" + member.key + "' of a map" +
                                               suggestion(member.key, {"spec", "network", "rules"}));
    }
    if (!root.find("rules"))
      diagnostics.error(root.range, "expected key 'rules' in a map");
    return map;
  }

private:
  std::vector<NameRule> readRules(const JsonValue &value) {
    std::vector<NameRule> rules;
    if (value.kind != JsonKind::Array) {
      reportWrongType(diagnostics, value, "an array of rules");
      return rules;
    }
    for (const JsonValue &child : value.children) {
      size_t size = child.children.size();
      if (child.kind != JsonKind::Array || size < 2 || size > 3 || child.children[0].kind != JsonKind::String ||
          child.children[1].kind != JsonKind::String) {
        diagnostics.error(child.range, "expected a rule [OURS, THEIRS] or [OURS, THEIRS, RULES]");
        continue;
      }
      NameRule rule{innerText(child.children[0]), innerText(child.children[1]), {}};
      checkPattern(rule.ours);
      if (rule.theirs.text.empty())
        diagnostics.error(rule.theirs.range, "expected a name");
      if (size == 3)
        rule.rules = readRules(child.children[2]);
      rules.push_back(std::move(rule));
    }
    return rules;
  }

  /// Text with placeholders {x}.
  void checkPattern(const Name &pattern) {
    llvm::StringRef text = pattern.text;
    bool valid = !text.empty();
    while (valid && !text.empty()) {
      size_t open = text.find_first_of("{}");
      if (open == llvm::StringRef::npos)
        return;
      size_t close = text.find('}', open);
      valid = text[open] == '{' && close != llvm::StringRef::npos && close > open + 1 &&
              llvm::all_of(text.slice(open + 1, close), llvm::isAlpha);
      text = valid ? text.drop_front(close + 1) : "";
    }
    if (!valid)
      diagnostics.error(pattern.range, "expected a name with placeholders such as {i}, but got '" + pattern.text + "'");
  }

  Diagnostics &diagnostics;
};

/// The length of the prefix of `name` that `pattern` matches, a whole number of its parts; 0 for none.
size_t match(llvm::StringRef pattern, llvm::StringRef name, Captures &captures) {
  size_t at = 0;
  while (!pattern.empty()) {
    if (pattern[0] != '{') {
      if (at == name.size() || name[at] != pattern[0])
        return 0;
      ++at;
      pattern = pattern.drop_front();
      continue;
    }
    size_t close = pattern.find('}');
    llvm::StringRef digits = name.substr(at).take_while(llvm::isDigit);
    int64_t number;
    if (digits.getAsInteger(10, number))
      return 0;
    captures[pattern.slice(1, close).str()] = number;
    at += digits.size();
    pattern = pattern.drop_front(close + 1);
  }
  return at == name.size() || name[at] == '.' ? at : 0;
}

class Expander {
public:
  Expander(const Captures &captures, Diagnostics &diagnostics) : captures(captures), diagnostics(diagnostics) {}

  /// `theirs` with {i}, {i+N}, {i-N} and {i:FIRST,SECOND,...} replaced.
  std::optional<std::string> run(const Name &theirs) {
    std::string result;
    llvm::StringRef text = theirs.text;
    while (!text.empty()) {
      size_t open = text.find('{');
      result += text.take_front(open);
      if (open == llvm::StringRef::npos)
        break;
      size_t close = text.find('}', open);
      auto value = close == llvm::StringRef::npos ? std::nullopt : replacement(text.slice(open + 1, close));
      if (!value) {
        diagnostics.error(theirs.range, reason.empty() ? "expected {x}, {x+N}, {x-N} or {x:FIRST,SECOND,...}" : reason);
        return std::nullopt;
      }
      result += *value;
      text = text.drop_front(close + 1);
    }
    return result;
  }

private:
  std::optional<std::string> replacement(llvm::StringRef text) {
    llvm::StringRef name = text.take_while(llvm::isAlpha), rest = text.drop_front(name.size());
    auto found = captures.find(name.str());
    if (found == captures.end()) {
      reason = "no placeholder {" + name.str() + "} in our name of this rule or one around it";
      return std::nullopt;
    }
    int64_t number = found->second, offset = 0;
    if (rest.consume_front(":")) {
      llvm::SmallVector<llvm::StringRef> choices;
      rest.split(choices, ',');
      if (number >= 1 && number <= static_cast<int64_t>(choices.size()))
        return choices[number - 1].str();
      reason = "expected {" + name.str() + "} of 1 to " + std::to_string(choices.size()) + ", but got " +
               std::to_string(number);
      return std::nullopt;
    }
    bool minus = rest.starts_with("-");
    if (!rest.empty() && ((!rest.consume_front("+") && !rest.consume_front("-")) || rest.getAsInteger(10, offset)))
      return std::nullopt;
    if (offset > 1000000 || number > 1000000000)
      return std::nullopt;
    return std::to_string(minus ? number - offset : number + offset);
  }

  const Captures &captures;
  Diagnostics &diagnostics;
  std::string reason;
};

} // namespace

std::optional<NameMap> readNameMap(uint32_t file, Diagnostics &diagnostics) {
  auto root = parseJson(file, diagnostics);
  if (!root)
    return std::nullopt;
  if (root->kind != JsonKind::Object) {
    reportWrongType(diagnostics, *root, "an object");
    return std::nullopt;
  }
  NameMap map = MapReader(diagnostics).run(*root);
  return diagnostics.hasErrors() ? std::nullopt : std::optional(std::move(map));
}

std::optional<std::string> mapName(const NameMap &map, llvm::StringRef name, Diagnostics &diagnostics) {
  std::string result;
  Captures captures;
  const std::vector<NameRule> *rules = &map.rules;
  while (!name.empty() && rules) {
    const std::vector<NameRule> *inner = nullptr;
    for (const NameRule &rule : *rules) { // the first that matches
      Captures tried = captures;
      size_t length = match(rule.ours.text, name, tried);
      if (length == 0)
        continue;
      captures = std::move(tried);
      auto theirs = Expander(captures, diagnostics).run(rule.theirs);
      if (!theirs)
        return std::nullopt;
      result += (result.empty() ? "" : ".") + *theirs;
      name = name.drop_front(length);
      name.consume_front(".");
      inner = &rule.rules;
      break;
    }
    rules = inner;
  }
  if (!name.empty())
    result += (llvm::Twine(result.empty() ? "" : ".") + name).str();
  return result;
}

} // namespace incept
