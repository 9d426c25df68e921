// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/cudnn/PlanJson.h"

#include <nlohmann/json.hpp>

#include <charconv>

using nlohmann::json;

namespace incept::sim::cudnn {

namespace {

/// The reason a plan is refused; thrown inside this file only.
struct Bad {
  Status why;
};

[[noreturn]] void bad(const std::string &what) { throw Bad{inputError("a stored plan is damaged: " + what)}; }

/// Larger numbers are damage.
constexpr int64_t kMaxInteger = int64_t(1) << 41;

const json &get(const json &object, const char *key) {
  if (!object.is_object() || !object.contains(key))
    bad(std::string("it lacks '") + key + "'");
  return object[key];
}

int64_t integer(const json &value, const char *key) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(kMaxInteger)) ||
      value.get<int64_t>() > kMaxInteger || value.get<int64_t>() < -kMaxInteger)
    bad(std::string("'") + key + "' is not an integer in range");
  return value.get<int64_t>();
}

std::vector<int64_t> integers(const json &value, const char *key) {
  if (!value.is_array() || value.size() > CUDNN_DIM_MAX)
    bad(std::string("'") + key + "' is not a short list");
  std::vector<int64_t> result;
  for (const json &entry : value)
    result.push_back(integer(entry, key));
  return result;
}

std::string text(const json &object, const char *key) {
  const json &value = get(object, key);
  if (!value.is_string())
    bad(std::string("'") + key + "' is not a string");
  return value.get<std::string>();
}

bool flag(const json &object, const char *key) {
  if (!object.contains(key))
    return false;
  if (!object[key].is_boolean())
    bad(std::string("'") + key + "' is not a truth value");
  return object[key].get<bool>();
}

double number(const json &object, const char *key, double otherwise) {
  if (!object.contains(key))
    return otherwise;
  if (!object[key].is_number())
    bad(std::string("'") + key + "' is not a number");
  return object[key].get<double>();
}

int enumerator(const json &object, const char *key, std::span<const Name> names) {
  std::string name = text(object, key);
  int value = 0;
  if (!valueOf(names, name, value))
    throw Bad{machineError(name)};
  return value;
}

/// Tensors are named by their unique id.
int64_t uidOf(const std::string &name) {
  int64_t uid = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), uid);
  if (error != std::errc() || end != name.data() + name.size())
    bad("'" + name + "' is not the name of a tensor");
  return uid;
}

void readTensor(const json &entry, Graph &graph) {
  Tensor tensor;
  tensor.uid = uidOf(text(entry, "name"));
  tensor.type = cudnnDataType_t(enumerator(entry, "dataType", typeNames()));
  tensor.dims = integers(get(entry, "dim"), "dim");
  tensor.strides = integers(get(entry, "stride"), "stride");
  tensor.isVirtual = flag(entry, "isVirtual");
  tensor.byValue = flag(entry, "isByValue");
  tensor.alignment = integer(get(entry, "ptrAlignment"), "ptrAlignment");
  if (tensor.dims.empty())
    bad("a tensor has no dimensions");
  if (entry.contains("vectCount") && integer(entry["vectCount"], "vectCount") != 1)
    throw Bad{machineError("vectorised tensors")};
  graph.tensors.push_back(std::move(tensor));
}

/// The operand's index, -1 for one that is missing.
int readOperand(const json &entry, const OperandInfo &info, const Graph &graph) {
  if (!entry.contains(info.key))
    return -1;
  int found = graph.find(uidOf(text(entry, info.key)));
  if (found < 0)
    bad("an operation names a tensor that is not there");
  return found;
}

void readConvolution(const json &entry, Node &node) {
  if (text(entry, "mode") != "CUDNN_CROSS_CORRELATION")
    throw Bad{machineError(text(entry, "mode"))};
  node.alpha = number(entry, "alpha", 1);
  node.beta = number(entry, "beta", 0);
  bool symmetric = entry.contains("pad");
  node.padBegin = integers(get(entry, symmetric ? "pad" : "pad_lower"), "pad");
  node.padEnd = integers(get(entry, symmetric ? "pad" : "pad_upper"), "pad");
  node.stride = integers(get(entry, "stride"), "stride");
  node.dilation = integers(get(entry, "dilation"), "dilation");
}

void readNode(const json &entry, Graph &graph) {
  std::string name = text(entry, "operation");
  Node node;
  while (node.op < operations().size() && name != operations()[node.op].name)
    ++node.op;
  if (node.op == operations().size())
    throw Bad{machineError(name)};
  const OpInfo &info = operations()[node.op];
  for (size_t i = 0; i < info.operandCount(); ++i)
    node.operands.push_back(readOperand(entry, info.operands[i], graph));
  switch (info.kind) {
  case OpKind::Convolution:
  case OpKind::BackwardData:
  case OpKind::BackwardWeights:
    readConvolution(entry, node);
    break;
  case OpKind::Pointwise:
    node.mode = enumerator(entry, "pointwiseMode", pointwiseNames());
    node.alpha = number(entry, "alpha1", 1);
    node.beta = number(entry, "alpha2", 1);
    node.lowerClip = number(entry, "lowerClip", 0);
    node.upperClip = number(entry, "upperClip", 3.4028234663852886e38);
    node.lowerSlope = number(entry, "lowerClipSlope", 0);
    break;
  case OpKind::Reduction:
    node.mode = enumerator(entry, "reductionOp", reductionNames());
    break;
  case OpKind::MatMul:
  case OpKind::GenStats:
  case OpKind::NormGradients:
    break;
  }
  graph.nodes.push_back(std::move(node));
}

json writeTensor(const Tensor &tensor) {
  return {{"name", std::to_string(tensor.uid)},
          {"dataType", nameOf(typeNames(), tensor.type)},
          {"dim", tensor.dims},
          {"stride", tensor.strides},
          {"isVirtual", tensor.isVirtual},
          {"isByValue", tensor.byValue},
          {"vectCount", 1},
          {"vectDim", -1},
          {"ptrAlignment", tensor.alignment},
          {"reordering", "CUDNN_TENSOR_REORDERING_NONE"}};
}

json writeNode(const Graph &graph, const Node &node) {
  const OpInfo &info = operations()[node.op];
  json entry = {{"operation", info.name}, {"mathPrec", "CUDNN_DATA_FLOAT"}};
  for (size_t i = 0; i < info.operandCount(); ++i)
    if (node.operands[i] >= 0)
      entry[info.operands[i].key] = std::to_string(graph.tensors[node.operands[i]].uid);
  switch (info.kind) {
  case OpKind::Convolution:
  case OpKind::BackwardData:
  case OpKind::BackwardWeights:
    entry.update({{"mode", "CUDNN_CROSS_CORRELATION"},
                  {"alpha", node.alpha},
                  {"beta", node.beta},
                  {"pad_lower", node.padBegin},
                  {"pad_upper", node.padEnd},
                  {"stride", node.stride},
                  {"dilation", node.dilation}});
    break;
  case OpKind::Pointwise:
    entry.update({{"pointwiseMode", nameOf(pointwiseNames(), node.mode)},
                  {"alpha1", node.alpha},
                  {"alpha2", node.beta},
                  {"lowerClip", node.lowerClip},
                  {"upperClip", node.upperClip},
                  {"lowerClipSlope", node.lowerSlope}});
    break;
  case OpKind::Reduction:
    entry["reductionOp"] = nameOf(reductionNames(), node.mode);
    break;
  case OpKind::MatMul:
  case OpKind::GenStats:
  case OpKind::NormGradients:
    break;
  }
  return entry;
}

} // namespace

Expected<Plan> readPlan(std::string_view source) {
  try {
    json root = json::parse(source, nullptr, false);
    if (!root.is_object())
      bad("it is not a JSON object");
    Plan plan;
    plan.version = int(integer(get(root, "cudnnVersion"), "cudnnVersion"));
    const json &graph = get(root, "operationGraph");
    const json &tensors = get(graph, "tensors"), &nodes = get(graph, "nodes");
    if (!tensors.is_array() || !nodes.is_array() || tensors.size() > 1000 || nodes.size() > 1000)
      bad("'tensors' and 'nodes' are not lists");
    for (const json &entry : tensors)
      readTensor(entry, plan.graph);
    for (const json &entry : nodes)
      readNode(entry, plan.graph);
    plan.profile = get(root, "GPUProfile").dump(-1, ' ', false, json::error_handler_t::replace);
    const json &engine = get(root, "engine");
    plan.engine = integer(get(engine, "engineId"), "engineId");
    if (engine.contains("knobChoices")) {
      if (!engine["knobChoices"].is_object())
        bad("'knobChoices' is not an object");
      for (const auto &[name, value] : engine["knobChoices"].items())
        plan.knobs[name] = integer(value, "knobChoices");
    }
    INCEPT_RETURN_IF_ERROR(checkGraph(plan.graph));
    return plan;
  } catch (const Bad &reason) {
    return reason.why;
  } catch (const json::exception &error) {
    return inputError(std::string("a stored plan is damaged: ") + error.what());
  }
}

std::string writePlan(const Plan &plan) {
  json tensors = json::array(), nodes = json::array();
  for (const Tensor &tensor : plan.graph.tensors)
    tensors.push_back(writeTensor(tensor));
  for (const Node &node : plan.graph.nodes)
    nodes.push_back(writeNode(plan.graph, node));
  json root = {{"cudnnVersion", plan.version},
               {"schemaVersion", 4},
               {"operationGraph", {{"tensors", tensors}, {"nodes", nodes}}},
               {"GPUProfile", json::parse(plan.profile, nullptr, false)},
               {"engine", {{"engineId", plan.engine}, {"knobChoices", plan.knobs}}}};
  return root.dump(-1, ' ', false, json::error_handler_t::replace);
}

Status sameDevice(const std::string &made, const std::string &present) {
  // What cuDNN compares; names, clocks, caches and memory sizes may differ.
  static constexpr const char *kKeys[] = {"deviceVer",
                                          "multiProcessorCount",
                                          "maxGridSize",
                                          "maxBlockSize",
                                          "regsPerBlock",
                                          "warpSize",
                                          "maxSharedMemoryPerBlock",
                                          "maxSharedMemoryPerBlockOptin",
                                          "reservedSharedMemoryPerBlock",
                                          "maxRegistersPerSM",
                                          "maxCtasPerSM",
                                          "maxThreadsPerBlock",
                                          "maxThreadsPerSM",
                                          "driverVer"};
  json a = json::parse(made, nullptr, false), b = json::parse(present, nullptr, false);
  for (const char *key : kKeys)
    if (!a.is_object() || !b.is_object() || !a.contains(key) || !b.contains(key) || a[key] != b[key])
      return inputError(std::string("the plan was made for a device with another ") + key);
  return {};
}

} // namespace incept::sim::cudnn
