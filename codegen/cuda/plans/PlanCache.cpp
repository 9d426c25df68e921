// SPDX-License-Identifier: Apache-2.0
#include "codegen/cuda/plans/PlanCache.h"
#include <nlohmann/json.hpp>

namespace incept::cuda {

namespace {

using Json = nlohmann::json;

/// Raised when the meaning of an entry changes: of its fields, or of the operation graph of a problem.
constexpr int kFormat = 3;

Json toJson(const PlanAnswer &answer) {
  const cudnn::Choice &c = answer.choice;
  return {{"engine", c.engine},
          {"knobs", c.knobs},
          {"workspace_bytes", c.workspaceBytes},
          {"impl", c.impl},
          {"tensor_core", c.tensorCore},
          {"runtime_compiled", c.runtimeCompiled},
          {"serialized", c.serialized},
          {"declined", c.declined}};
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
  return answer;
}

} // namespace

std::optional<PlanAnswer> PlanCache::load(const std::string &key) const {
  auto text = cache.load(key);
  if (!text)
    return std::nullopt;
  try {
    Json json = Json::parse(*text);
    if (json.at("format") != kFormat)
      return std::nullopt;
    return fromJson(json.at("answer"));
  } catch (const Json::exception &) {
    return std::nullopt;
  }
}

void PlanCache::store(const std::string &key, const PlanAnswer &answer) const {
  if (!answer.error.empty())
    return; // may be of the moment: another library, no memory
  // Text of the library may be in any encoding; an entry is valid JSON whatever it says.
  Json json = {{"format", kFormat}, {"answer", toJson(answer)}};
  cache.store(key, json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

} // namespace incept::cuda
