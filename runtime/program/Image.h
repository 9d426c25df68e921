// SPDX-License-Identifier: Apache-2.0
//
// A program image in memory, checked: after `parse` every index and range in these structs is valid.
#pragma once

#include "runtime/program/Kernels.h"
#include "runtime/program/ProgramFormat.h"
#include "runtime/support/Status.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace incept::program {

struct Region {
  std::string name;
  uint64_t bytes = 0;
};

struct Tensor {
  std::string name, kind, type, format;
  std::vector<int64_t> shape;
  size_t region = 0;
  uint64_t offset = 0, bytes = 0;
  int64_t elements = 0;
  nlohmann::json init; ///< null where it has none
};

/// A place that a launch touches; its region is valid and the offset lies inside it. So does all that a kernel touches
/// from there; what a plan touches is checked by who knows the library (`checkOperands`).
struct Operand {
  size_t region = 0;
  uint64_t offset = 0;
};

struct Launch {
  bool isKernel = false;
  size_t index = 0; ///< of the kernel or the plan
  std::vector<Operand> operands;
  std::vector<int64_t> extents;
  int64_t units = 0;                       ///< cpu
  std::array<unsigned, 3> grid{}, block{}; ///< cuda: x, y, z
  std::string op, location;
  int64_t flops = 0, bytes = 0;
};

struct Plan {
  std::string kind, impl;
  uint64_t scratchpadBytes = 0;
  std::vector<std::pair<std::string, std::string>> fields; ///< what the library's wrapper decodes
  // cuda
  int64_t engine = -1;
  std::string knobs;
  bool tensorCore = false;
  std::string_view serialized; ///< the library's own form of the plan, may be empty; lies in the image
};

/// What a plan writes to one of its operands, as values of one type.
struct PlanResult {
  uint64_t bytes = 0;
  std::string type;
};

struct StepField {
  std::string type;
  uint64_t offset = 0;
};

struct Image {
  std::string network, specHash, specText, mode, precision;
  std::string target;              ///< "cpu" or "cuda"
  std::string isa, onednn;         ///< cpu
  std::string device, arch, cudnn; ///< cuda: "h100", "sm_90", "9.19.0"
  std::string card;                ///< cuda: what it was compiled for, as a driver names it: "NVIDIA H100 80GB HBM3"
  int64_t multiprocessors = 0;     ///< cuda: of that card
  bool tf32 = false;               ///< cuda: products of f32 values may be rounded to TF32
  int64_t threads = 1, vectorBits = 0, batchSize = 1, classes = 1, channels = 1, height = 1, width = 1;
  int64_t labelHeight = 0, labelWidth = 0; ///< of the labels of an image, 0 where it has one
  std::vector<std::string> outputs;        ///< their names, the first that of io/logits; none where it has none
  std::optional<int64_t> ignoreLabel;      ///< pixels of this label count for nothing
  int64_t parameters = 0, states = 0, macs = 0;
  bool keepGradients = false;
  std::vector<std::string> trainingOnly; ///< weights that a file may have and this program does without
  uint64_t arenaBytes = 0, persistentBytes = 0, peakBytes = 0;
  std::vector<Region> regions;
  std::vector<Tensor> tensors;
  std::vector<Plan> plans;
  std::vector<Kernel> kernels;
  std::map<std::string, std::vector<Launch>> entries;
  std::map<std::string, StepField> step;
  nlohmann::json training;
  // Code; it lies in the bytes that were parsed.
  std::string_view kernelObject; ///< cpu: the shared object
  std::string_view ptx, cubin;   ///< cuda: the same kernels twice; the second may be empty

  /// Whether the network scores each pixel.
  bool labelsPixels() const { return labelHeight > 0; }
  int64_t labelsPerImage() const { return labelsPixels() ? labelHeight * labelWidth : 1; }
  size_t outputCount() const { return std::max<size_t>(outputs.size(), 1); }
  /// What the scores of an output are called: its name, or "logits".
  std::string outputName(size_t output) const { return outputs.empty() ? "logits" : outputs[output]; }
  /// The tensors of an output's scores and of its loss.
  std::string logitsOf(size_t output) const {
    return output == 0 ? std::string(kLogits) : kLogits + ("/" + outputs[output]);
  }
  std::string lossOf(size_t output) const {
    return outputs.size() < 2 ? std::string(kLoss) : kLoss + ("/" + outputs[output]);
  }
  const Tensor *find(const std::string &name) const;
  int findRegion(const std::string &name) const; ///< -1 where there is none
};

/// Bytes of an element of a tensor's type, 0 for an unknown one.
uint64_t typeBytes(std::string_view type);

/// The checksum of an image of at least kPrefixBytes bytes, to be compared with the one that it holds.
uint64_t imageChecksum(std::string_view bytes);

/// Each operand of a launch, with its size, lies in its region where it may begin.
Status checkOperands(const Image &image, const Launch &launch, const std::vector<OperandSize> &sizes);

/// Checks everything and fills `image`. The bytes must outlive it.
Status parseImage(std::string_view bytes, Image &image);

/// The image section of an ELF file, empty with a sentence where it has none.
Status findSection(std::string_view elf, std::string_view &section);

} // namespace incept::program
