// SPDX-License-Identifier: Apache-2.0
//
// Backend descriptors: attributes set one by one, checked against a table, turned into a tensor, an operation graph or
// a plan when they are finalised, and read-only from then on.
#pragma once

#include "tools/incept-sim/cudnn/PlanJson.h"

#include <cstddef>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace incept::sim::cudnn {

/// A status with the words that cudnnGetLastErrorString gives.
struct Answer {
  cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
  std::string text;
  bool ok() const { return status == CUDNN_STATUS_SUCCESS; }
};

/// Prints "not simulated: WHAT" once for each WHAT.
Answer notSimulated(const std::string &what);
/// Errors of graphs and plans: BAD_PARAM, or what is not simulated.
Answer fromStatus(const Status &status);

struct Descriptor;
using Part = std::shared_ptr<const Descriptor>;

/// What an attribute was set to.
struct Setting {
  cudnnBackendAttributeType_t type = CUDNN_TYPE_INT64;
  std::vector<std::byte> bytes;
  std::vector<Part> parts; ///< where the type is CUDNN_TYPE_BACKEND_DESCRIPTOR
};

struct Descriptor {
  cudnnBackendDescriptorType_t type = CUDNN_BACKEND_TENSOR_DESCRIPTOR;
  bool finalised = false;
  std::map<int, Setting> values; ///< by attribute

  // What finalising made of them.
  std::optional<Tensor> tensor;
  std::shared_ptr<const Graph> graph; ///< operation graph, engine
  std::shared_ptr<const Plan> plan;
  std::vector<Part> results; ///< heuristics: engine configurations

  bool has(int attribute) const { return values.count(attribute) != 0; }
  /// The elements of an attribute; empty where it was not set. T must have the attribute's size (bool: uint8_t).
  template <typename T>
  std::vector<T> list(int attribute) const;
  template <typename T>
  T get(int attribute, T otherwise) const {
    std::vector<T> all = list<T>(attribute);
    return all.empty() ? otherwise : all.front();
  }
  /// A number that may have been set as float, double or integer.
  double number(int attribute, double otherwise) const;
  /// The one descriptor of an attribute, or null.
  Part part(int attribute) const;
};

template <typename T>
std::vector<T> Descriptor::list(int attribute) const {
  auto found = values.find(attribute);
  if (found == values.end())
    return {};
  std::vector<T> result(found->second.bytes.size() / sizeof(T));
  if (!result.empty())
    std::memcpy(result.data(), found->second.bytes.data(), result.size() * sizeof(T));
  return result;
}

/// True for the types that can be created.
bool isSimulated(cudnnBackendDescriptorType_t type);
/// Bytes of an element, 0 for an unknown type.
size_t attributeBytes(cudnnBackendAttributeType_t type);

/// `resolve` finds the descriptor behind a pointer of the caller; null where there is none.
Answer setAttribute(Descriptor &descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                    int64_t count, const void *elements, Part (*resolve)(const void *));
/// Attributes that the table requires and that are missing.
Answer checkRequired(const Descriptor &descriptor);

/// What finalising needs to know of the world outside of the descriptors.
struct World {
  Options options;
  std::string profile; ///< JSON text of the device of `handle`s, empty where there is none
};
Answer finalise(Descriptor &descriptor, const World &world);

/// Engines of every graph: indices 0 to kEngineCount - 1. They are all the same; real ones have indices in this range.
inline constexpr int64_t kEngineCount = 1000;

} // namespace incept::sim::cudnn
