// SPDX-License-Identifier: Apache-2.0
//
// What engines ask of a convolution's tensors: alignment, multiples of channels, layout. cuDNN does not document it;
// this is what the real library answered, engine by engine, when it was asked to finalise them for described devices of
// five architectures (sm_80 to sm_120, which agreed). test/codegen/cuda/EngineRulesTest.cpp asks it again.
#pragma once

#include "tools/incept-sim/cudnn/Graph.h"

namespace incept::sim::cudnn {

/// Types as bits of a set.
enum TypeBits : unsigned { kHalf = 1, kBfloat = 2, kFloat = 4 };

/// One row. An engine that no row names asks for nothing: it pads, or transposes, in its workspace.
struct EngineRule {
  OpKind kind;
  unsigned types; ///< TypeBits
  std::span<const int> engines;
  int64_t alignment = 1;                    ///< bytes, of every tensor
  int64_t srcMultiple = 1, dstMultiple = 1; ///< of channels
  bool channelsLast = false; ///< a pixel's channels are neighbours, and pixels as far apart as a multiple
  bool dense = false;        ///< no channel slices
  bool strided = false;      ///< only of windows with strides other than 1
};

/// The rules of cuDNN 9.19.
std::span<const EngineRule> engineRules();
/// Whether `version` (91900 for 9.19.0) is one that the rules are of.
bool hasEngineRules(int version);

/// Whether the engine takes the graph; the status (Input) names the tensor and what it lacks. Graphs of more than one
/// operation number their engines otherwise, and are taken, but for a convolution with the sums of its result, for a
/// gradient of data that goes on with that of a batch norm, and for what normalises what it reads.
Status checkEngine(const Graph &graph, int64_t engine);

} // namespace incept::sim::cudnn
