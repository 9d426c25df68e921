// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/cpu/CpuImage.h"
#include "runtime/device/cpu/OneDnn.h"

namespace incept::cpu {

namespace {

Status damaged(const std::string &why) { return inputError("the program image is damaged: " + why); }

Status checkTensors(const program::Image &image) {
  std::string error;
  for (const program::Tensor &tensor : image.tensors) {
    uint64_t bytes = 0;
    bool isHidden = tensor.kind == "copy" || tensor.kind == "derived";
    if (!isPlain(tensor) &&
        ((tensor.type != "f32" && !isHidden) || !onednn::formatBytes(tensor.shape, tensor.format, bytes, error) ||
         bytes / 4 * program::typeBytes(tensor.type) > tensor.bytes))
      return damaged("format '" + tensor.format + "' does not fit tensor '" + tensor.name + "'");
  }
  return {};
}

/// The sizes of each plan's operands, its scratchpad behind them.
Status measurePlans(const program::Image &image, std::vector<std::vector<program::OperandSize>> &sizes) {
  for (size_t i = 0; i < image.plans.size(); ++i) {
    const program::Plan &plan = image.plans[i];
    onednn::Problem problem;
    std::string error;
    std::vector<uint64_t> bytes;
    if (!onednn::decode(plan.fields, problem, error) || !onednn::operandBytes(problem, bytes, error))
      return damaged("plan " + std::to_string(i) + ": " + error);
    std::vector<program::OperandSize> &operands = sizes.emplace_back();
    for (uint64_t size : bytes)
      operands.push_back({size, 2});
    operands.push_back({plan.scratchpadBytes, 1});
  }
  return {};
}

} // namespace

std::vector<program::PlanResult> planResults(const program::Image &image, size_t plan) {
  onednn::Problem problem;
  std::string error;
  std::vector<uint64_t> bytes;
  if (!onednn::decode(image.plans[plan].fields, problem, error) || !onednn::operandBytes(problem, bytes, error))
    return {};
  bool hasOwnType = problem.kind == onednn::Kind::ConvolutionBackwardWeights || problem.kind == onednn::Kind::MatMul;
  return {{bytes.back(), hasOwnType ? problem.resultType : problem.type}};
}

bool isPlain(const program::Tensor &tensor) { return tensor.format.empty() || tensor.format == "nhwc"; }

Status checkImage(const program::Image &image) {
  std::vector<std::vector<program::OperandSize>> sizes;
  INCEPT_RETURN_IF_ERROR(checkTensors(image));
  INCEPT_RETURN_IF_ERROR(measurePlans(image, sizes));
  for (const auto &[entry, launches] : image.entries)
    for (const program::Launch &launch : launches)
      if (!launch.isKernel)
        INCEPT_RETURN_IF_ERROR(program::checkOperands(image, launch, sizes[launch.index]));
  return {};
}

void describeImage(const program::Image &image, nlohmann::ordered_json &info) {
  info["isa"] = image.isa;
  info["onednn"] = image.onednn;
  info["threads"] = image.threads;
}

} // namespace incept::cpu
