// SPDX-License-Identifier: Apache-2.0
#include "codegen/cuda/plans/PlanCache.h"
#include "runtime/support/Files.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <xxhash.h>

#include <cstdlib>
#include <filesystem>

namespace incept::cuda {

namespace {

using Json = nlohmann::json;

/// Raised when the meaning of an entry changes: of its fields, or of the operation graph of a problem.
constexpr int kFormat = 1;

std::string hashText(std::string_view text) {
  XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Json toJson(const PlanAnswer &answer) {
  const cudnn::Choice &c = answer.choice;
  return {{"engine", c.engine},
          {"knobs", c.knobs},
          {"workspace_bytes", c.workspaceBytes},
          {"impl", c.impl},
          {"tensor_core", c.tensorCore},
          {"runtime_compiled", c.runtimeCompiled},
          {"serialized", c.serialized},
          {"declined", c.declined},
          {"error", answer.error}};
}

/// The entry must have been written by this very code, so a field that is missing or of another type throws.
PlanAnswer fromJson(const Json &json) {
  PlanAnswer answer;
  cudnn::Choice &c = answer.choice;
  json.at("engine").get_to(c.engine);
  json.at("knobs").get_to(c.knobs);
  json.at("workspace_bytes").get_to(c.workspaceBytes);
  json.at("impl").get_to(c.impl);
  json.at("tensor_core").get_to(c.tensorCore);
  json.at("runtime_compiled").get_to(c.runtimeCompiled);
  json.at("serialized").get_to(c.serialized);
  json.at("declined").get_to(c.declined);
  json.at("error").get_to(answer.error);
  return answer;
}

} // namespace

std::string PlanCache::defaultDirectory() {
  if (const char *cache = std::getenv("XDG_CACHE_HOME"); cache && *cache == '/')
    return std::string(cache) + "/incept/plans";
  if (const char *home = std::getenv("HOME"); home && *home == '/')
    return std::string(home) + "/.cache/incept/plans";
  return "";
}

std::string PlanCache::path(const std::string &key) const { return directory + "/" + hashText(key) + ".json"; }

std::optional<PlanAnswer> PlanCache::load(const std::string &key) const {
  if (directory.empty())
    return std::nullopt;
  auto file = MappedFile::open(path(key));
  if (!file)
    return std::nullopt;
  // "HASH\n" and the entry, which the hash is of.
  std::string_view bytes = file->bytes();
  size_t end = bytes.find('\n');
  if (end == std::string_view::npos || bytes.substr(0, end) != hashText(bytes.substr(end + 1)))
    return std::nullopt;
  try {
    Json json = Json::parse(bytes.substr(end + 1));
    if (json.at("format") != kFormat || json.at("key") != key)
      return std::nullopt;
    return fromJson(json.at("answer"));
  } catch (const Json::exception &) {
    return std::nullopt;
  }
}

void PlanCache::store(const std::string &key, const PlanAnswer &answer) const {
  if (directory.empty())
    return;
  std::error_code ignored;
  std::filesystem::create_directories(directory, ignored);
  // Text of the library may be in any encoding; an entry is valid JSON whatever it says.
  Json json = {{"format", kFormat}, {"key", key}, {"answer", toJson(answer)}};
  std::string entry = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string head = hashText(entry) + "\n";
  Status status = writeFile(
      path(key), [&](const Sink &sink) { return sink(head.data(), head.size()) && sink(entry.data(), entry.size()); });
  (void)status.ok();
}

} // namespace incept::cuda
