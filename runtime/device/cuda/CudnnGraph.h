// SPDX-License-Identifier: Apache-2.0
//
// A Problem as an operation graph, and plans of it. The compiler and the runtime come here with the same problem.
#pragma once

#include "runtime/device/cuda/CudnnApi.h"

#include <deque>

namespace incept::cudnn {

/// Device addresses of operands are multiples of this.
constexpr int64_t kOperandAlignment = 16;

/// What a graph says of a tensor. `id` is its name in text.
struct TensorFacts {
  std::string id, type; ///< "1"; "CUDNN_DATA_HALF"
  std::vector<int64_t> dims, strides;
};

/// A finalised operation graph and what it holds on to. (A deque, since parts refer to each other.)
struct Graph {
  std::deque<Descriptor> parts;
  Descriptor graph;
  std::vector<TensorFacts> tensors;
  std::vector<std::string> operations; ///< "CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR CUDNN_POINTWISE_ADD"
  std::vector<int64_t> padBegin, padEnd, strides, dilations; ///< of the convolution
};

/// Where a plan will run: a handle, or a description of a device.
struct Place {
  Handle handle = nullptr;
  const Descriptor *device = nullptr;
};

/// Checks `problem` and builds its graph.
bool buildGraph(const Api &api, const Problem &problem, const Place &place, Graph &result, std::string &error);

/// Engine number `index` of the graph on `place`.
bool buildEngine(const Api &api, const Graph &graph, int64_t index, const Place &place, Descriptor &engine,
                 std::string &error);

/// Knob settings as pairs of type and value, in ascending order of type.
using Knobs = std::vector<std::pair<int64_t, int64_t>>;

/// A finalised plan and the engine, knobs and configuration it was made of.
struct BuiltPlan {
  std::deque<Descriptor> parts;
  Descriptor plan;
};
bool buildPlan(const Api &api, Descriptor engine, const Knobs &knobs, const Place &place, BuiltPlan &built,
               std::string &error);

/// The plan of a problem with a choice's engine and knobs.
bool buildChoice(const Api &api, const Problem &problem, const Choice &choice, const Place &place, Graph &graph,
                 BuiltPlan &built, std::string &error);

/// True where a plan's text is of this graph: the same tensors, operations in the same order, and window. It may come
/// from another process, so that nothing of it is believed.
bool isOfGraph(const std::string &json, const Graph &graph, std::string &error);

/// A plan from its text, which must be of the problem's graph.
bool loadPlan(const Api &api, const Problem &problem, const std::string &json, const Place &place, Descriptor &plan,
              std::string &error);

uint64_t planWorkspace(const Descriptor &plan);
bool planJson(const Descriptor &plan, std::string &json, std::string &error);

} // namespace incept::cudnn
