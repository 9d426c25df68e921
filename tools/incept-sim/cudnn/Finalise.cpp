// SPDX-License-Identifier: Apache-2.0
//
// What each kind of descriptor becomes when it is finalised.
#include "tools/incept-sim/cudnn/EngineRules.h"
#include "tools/incept-sim/cudnn/Store.h"
#include "tools/incept-sim/cudnn/Workspaces.h"

#include <algorithm>

namespace incept::sim::cudnn {

namespace {

Answer badParameter(const std::string &text) { return {CUDNN_STATUS_BAD_PARAM, text}; }

/// A referenced descriptor of the right type.
Answer need(const Descriptor &owner, int attribute, cudnnBackendDescriptorType_t type, Part &part) {
  part = owner.part(attribute);
  if (!part || part->type != type)
    return badParameter("attribute " + std::to_string(attribute) + " must be a descriptor of type " +
                        std::to_string(int(type)));
  return {};
}

Answer finaliseTensor(Descriptor &descriptor) {
  Tensor tensor;
  tensor.uid = descriptor.get<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, 0);
  tensor.type = descriptor.get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT);
  tensor.dims = descriptor.list<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  tensor.strides = descriptor.list<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  tensor.alignment = descriptor.get<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 0);
  tensor.isVirtual = descriptor.get<uint8_t>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, 0);
  tensor.byValue = descriptor.get<uint8_t>(CUDNN_ATTR_TENSOR_IS_BY_VALUE, 0);
  if (Status status = checkTensor(tensor); !status.ok())
    return fromStatus(status);
  descriptor.tensor = std::move(tensor);
  return {};
}

/// Sums are f32: all that is simulated.
Answer checkMath(const Descriptor &descriptor, int attribute) {
  auto type = descriptor.get<cudnnDataType_t>(attribute, CUDNN_DATA_FLOAT);
  return type == CUDNN_DATA_FLOAT ? Answer() : notSimulated("arithmetic in data type " + std::to_string(int(type)));
}

//===--- Operation graphs -----------------------------------------------------------------------------------------===//

Answer readWindow(const Descriptor &operation, int config, int alpha, int beta, Node &node) {
  Part part;
  if (Answer answer = need(operation, config, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, part); !answer.ok())
    return answer;
  if (part->get<int>(CUDNN_ATTR_CONVOLUTION_CONV_MODE, 0) != CUDNN_CROSS_CORRELATION)
    return notSimulated("CUDNN_CONVOLUTION: use CUDNN_CROSS_CORRELATION");
  node.padBegin = part->list<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  node.padEnd = part->list<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
  node.stride = part->list<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  node.dilation = part->list<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  node.alpha = operation.number(alpha, 1);
  node.beta = operation.number(beta, 0);
  return checkMath(*part, CUDNN_ATTR_CONVOLUTION_COMP_TYPE);
}

Answer readPointwise(const Descriptor &operation, Node &node) {
  Part part;
  Answer answer =
      need(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_BACKEND_POINTWISE_DESCRIPTOR, part);
  if (!answer.ok())
    return answer;
  node.mode = part->get<int>(CUDNN_ATTR_POINTWISE_MODE, 0);
  node.lowerClip = part->number(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, 0);
  node.upperClip = part->number(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, 3.4028234663852886e38);
  node.lowerSlope = part->number(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, 0);
  node.alpha = operation.number(CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1, 1);
  node.beta = operation.number(CUDNN_ATTR_OPERATION_POINTWISE_ALPHA2, 1);
  return checkMath(*part, CUDNN_ATTR_POINTWISE_MATH_PREC);
}

Answer readParameters(const Descriptor &operation, OpKind kind, Node &node) {
  Part part;
  Answer answer;
  switch (kind) {
  case OpKind::Convolution:
    return readWindow(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
                      node);
  case OpKind::BackwardData:
    return readWindow(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
                      node);
  case OpKind::BackwardWeights:
    return readWindow(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, node);
  case OpKind::MatMul:
    answer = need(operation, CUDNN_ATTR_OPERATION_MATMUL_DESC, CUDNN_BACKEND_MATMUL_DESCRIPTOR, part);
    return answer.ok() ? checkMath(*part, CUDNN_ATTR_MATMUL_COMP_TYPE) : answer;
  case OpKind::Pointwise:
    return readPointwise(operation, node);
  case OpKind::Reduction:
    answer = need(operation, CUDNN_ATTR_OPERATION_REDUCTION_DESC, CUDNN_BACKEND_REDUCTION_DESCRIPTOR, part);
    if (!answer.ok())
      return answer;
    node.mode = part->get<int>(CUDNN_ATTR_REDUCTION_OPERATOR, 0);
    return checkMath(*part, CUDNN_ATTR_REDUCTION_COMP_TYPE);
  case OpKind::GenStats:
    return checkMath(operation, CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC);
  case OpKind::NormGradients:
    return checkMath(operation, CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MATH_PREC);
  }
  return {};
}

/// Adds an operation and those of its tensors that the graph does not have yet.
Answer addOperation(const Descriptor &operation, Graph &graph) {
  Node node;
  while (node.op < operations().size() && operations()[node.op].descriptor != operation.type)
    ++node.op;
  if (node.op == operations().size())
    return badParameter("a part of the operation graph is not an operation");
  const OpInfo &info = operations()[node.op];
  for (size_t i = 0; i < info.operandCount(); ++i) {
    node.operands.push_back(-1);
    if (!operation.has(info.operands[i].attribute))
      continue;
    Part part;
    if (Answer answer = need(operation, info.operands[i].attribute, CUDNN_BACKEND_TENSOR_DESCRIPTOR, part);
        !answer.ok())
      return answer;
    int found = graph.find(part->tensor->uid);
    if (found < 0) {
      found = int(graph.tensors.size());
      graph.tensors.push_back(*part->tensor);
    } else if (graph.tensors[found].dims != part->tensor->dims || graph.tensors[found].type != part->tensor->type) {
      return badParameter("tensor " + std::to_string(part->tensor->uid) + " has two descriptions");
    }
    node.operands.back() = found;
  }
  Answer answer = readParameters(operation, info.kind, node);
  graph.nodes.push_back(std::move(node));
  return answer;
}

Answer buildGraph(const std::vector<Part> &operations, std::shared_ptr<const Graph> &result) {
  auto graph = std::make_shared<Graph>();
  for (const Part &operation : operations)
    if (Answer answer = addOperation(*operation, *graph); !answer.ok())
      return answer;
  Status status = checkGraph(*graph);
  result = std::move(graph);
  return fromStatus(status);
}

/// An operation alone is checked as the graph of itself, its virtual operands as if they were in memory.
Answer checkOperation(const Descriptor &operation) {
  Graph graph;
  if (Answer answer = addOperation(operation, graph); !answer.ok())
    return answer;
  for (Tensor &tensor : graph.tensors)
    tensor.isVirtual = false;
  return fromStatus(checkGraph(graph));
}

//===--- Engines and plans ----------------------------------------------------------------------------------------===//

/// As the version that is simulated, where its rules are known.
Answer checkRules(const Graph &graph, int64_t engine, const World &world) {
  Status status = hasEngineRules(world.options.cudnnVersion) ? checkEngine(graph, engine) : Status();
  return status.ok() ? Answer()
                     : Answer{CUDNN_STATUS_NOT_SUPPORTED,
                              "engine " + std::to_string(engine) + " does not take the graph: " + status.message()};
}

Answer finaliseEngine(Descriptor &descriptor, const World &world) {
  Part graph;
  Answer answer = need(descriptor, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, graph);
  if (!answer.ok())
    return answer;
  int64_t index = descriptor.get<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, -1);
  if (index < 0 || index >= kEngineCount)
    return {CUDNN_STATUS_NOT_SUPPORTED, "there is no engine " + std::to_string(index)};
  descriptor.graph = graph->graph;
  return checkRules(*graph->graph, index, world);
}

/// Two engines of the fixed list, without knobs.
Answer finaliseHeuristics(Descriptor &descriptor) {
  Part graph;
  Answer answer =
      need(descriptor, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, graph);
  if (!answer.ok())
    return answer;
  for (int64_t index : {0, 1}) {
    auto engine = std::make_shared<Descriptor>();
    engine->type = CUDNN_BACKEND_ENGINE_DESCRIPTOR;
    engine->graph = graph->graph;
    engine->finalised = true;
    Setting value;
    auto *bytes = reinterpret_cast<const std::byte *>(&index);
    value.bytes.assign(bytes, bytes + sizeof(index));
    engine->values[CUDNN_ATTR_ENGINE_GLOBAL_INDEX] = value;
    engine->values[CUDNN_ATTR_ENGINE_OPERATION_GRAPH] = {CUDNN_TYPE_BACKEND_DESCRIPTOR, {}, {graph}};
    auto config = std::make_shared<Descriptor>();
    config->type = CUDNN_BACKEND_ENGINECFG_DESCRIPTOR;
    config->finalised = true;
    config->values[CUDNN_ATTR_ENGINECFG_ENGINE] = {CUDNN_TYPE_BACKEND_DESCRIPTOR, {}, {engine}};
    descriptor.results.push_back(config);
  }
  return {};
}

Answer finaliseDevice(Descriptor &descriptor) {
  std::vector<char> text = descriptor.list<char>(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION);
  if (text.empty())
    return descriptor.has(CUDNN_ATTR_DEVICEPROP_HANDLE)
               ? Answer()
               : badParameter("a device description needs a handle or a JSON text");
  Expected<Profile> profile = parseProfile(std::string(text.begin(), std::find(text.begin(), text.end(), '\0')));
  return profile ? Answer() : badParameter(profile.status().message());
}

/// The device that a plan is for: that of its handle, or a described one.
Answer planDevice(const Descriptor &descriptor, const World &world, std::string &profile) {
  if (Part device = descriptor.part(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP)) {
    std::vector<char> text = device->list<char>(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION);
    profile.assign(text.begin(), std::find(text.begin(), text.end(), '\0'));
  } else if (descriptor.has(CUDNN_ATTR_EXECUTION_PLAN_HANDLE)) {
    profile = world.profile;
  }
  return profile.empty() ? badParameter("a plan needs a handle or a device description") : Answer();
}

Answer loadPlan(const Descriptor &descriptor, const World &world, const std::string &profile, Plan &plan) {
  std::vector<char> text = descriptor.list<char>(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
  Expected<Plan> read = readPlan(std::string(text.begin(), std::find(text.begin(), text.end(), '\0')));
  if (!read)
    return fromStatus(read.status());
  plan = std::move(*read);
  if (plan.version != world.options.cudnnVersion)
    return {CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH, "the plan was made by version " + std::to_string(plan.version)};
  if (Status same = sameDevice(plan.profile, profile); !same.ok())
    return {CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, same.message()};
  if (world.options.refusePlans)
    return {CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, "the simulation refuses stored plans"};
  return checkRules(plan.graph, plan.engine, world);
}

Answer buildPlan(const Descriptor &descriptor, const World &world, const std::string &profile, Plan &plan) {
  Part config, engine;
  Answer answer = need(descriptor, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, config);
  if (answer.ok())
    answer = need(*config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, engine);
  if (!answer.ok())
    return answer;
  plan.graph = *engine->graph;
  plan.engine = engine->get<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, 0);
  const std::vector<int64_t> &refused = world.options.refusedEngines;
  if (std::find(refused.begin(), refused.end(), plan.engine) != refused.end())
    return {CUDNN_STATUS_NOT_SUPPORTED, "the simulation refuses engine " + std::to_string(plan.engine)};
  plan.version = world.options.cudnnVersion;
  plan.profile = profile;
  if (auto knobs = config->values.find(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES); knobs != config->values.end())
    for (const Part &knob : knobs->second.parts)
      plan.knobs[std::to_string(knob->get<int>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, 0))] =
          knob->get<int64_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, 0);
  return {};
}

Answer finalisePlan(Descriptor &descriptor, const World &world) {
  auto plan = std::make_shared<Plan>();
  std::string profile;
  Answer answer = planDevice(descriptor, world, profile);
  if (!answer.ok())
    return answer;
  bool isStored = descriptor.has(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
  answer = isStored ? loadPlan(descriptor, world, profile, *plan) : buildPlan(descriptor, world, profile, *plan);
  if (!answer.ok())
    return answer;
  plan->workspaceBytes = plannedWorkspace(world.options.program, plan->graph, plan->engine) +
                         (isStored ? 0 : world.options.workspaceExtra);
  descriptor.plan = std::move(plan);
  return {};
}

Answer finaliseVariantPack(const Descriptor &descriptor) {
  std::vector<int64_t> uids = descriptor.list<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  if (uids.size() != descriptor.list<void *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).size())
    return badParameter("a variant pack has other numbers of ids and of pointers");
  std::sort(uids.begin(), uids.end());
  bool twice = std::adjacent_find(uids.begin(), uids.end()) != uids.end();
  return twice ? Answer{CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "a variant pack has an id twice"} : Answer();
}

} // namespace

Answer finalise(Descriptor &descriptor, const World &world) {
  if (descriptor.finalised)
    return badParameter("the descriptor is finalised already");
  Answer answer = checkRequired(descriptor);
  if (!answer.ok())
    return answer;
  switch (descriptor.type) {
  case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
    answer = finaliseTensor(descriptor);
    break;
  case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
    answer = buildGraph(descriptor.values[CUDNN_ATTR_OPERATIONGRAPH_OPS].parts, descriptor.graph);
    break;
  case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
    answer = finaliseEngine(descriptor, world);
    break;
  case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR: {
    Part engine;
    answer = need(descriptor, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, engine);
    break;
  }
  case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
    answer = finaliseHeuristics(descriptor);
    break;
  case CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR:
    answer = finaliseDevice(descriptor);
    break;
  case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
    answer = finalisePlan(descriptor, world);
    break;
  case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
    answer = finaliseVariantPack(descriptor);
    break;
  default:
    for (const OpInfo &op : operations())
      if (op.descriptor == descriptor.type)
        answer = checkOperation(descriptor);
    break;
  }
  descriptor.finalised = answer.ok();
  return answer;
}

} // namespace incept::sim::cudnn
