// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/cuda/CudaImage.h"
#include "runtime/device/cuda/Cudnn.h"

#include <charconv>
#include <cstring>

namespace incept::cuda {

namespace {

Status damaged(const std::string &why) { return inputError("the program image is damaged: " + why); }

bool isNameCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$'; }

/// The text of `ptx` without comments.
std::string stripComments(std::string_view ptx) {
  std::string result;
  result.reserve(ptx.size());
  for (size_t i = 0; i < ptx.size();) {
    bool line = ptx.substr(i, 2) == "//", block = ptx.substr(i, 2) == "/*";
    if (!line && !block) {
      result += ptx[i++];
      continue;
    }
    size_t end = ptx.find(line ? "\n" : "*/", i + 2);
    i = end == std::string_view::npos ? ptx.size() : end + (line ? 0 : 2);
    result += ' ';
  }
  return result;
}

/// Parameters of "(.param .u64 a, .param .u64 b)", without the parentheses.
int64_t countParameters(std::string_view list) {
  int64_t count = 0;
  while (list.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    size_t comma = list.find(',');
    std::string_view one = list.substr(0, comma);
    bool wide = one.find(".u64") != std::string_view::npos || one.find(".b64") != std::string_view::npos ||
                one.find(".s64") != std::string_view::npos;
    if (!wide || one.find('[') != std::string_view::npos)
      return -1;
    ++count;
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return count;
}

Status checkTensors(const program::Image &image) {
  for (const program::Tensor &tensor : image.tensors)
    if (!tensor.format.empty() && tensor.format != "nhwc" && (tensor.format != "ohwi" || tensor.shape.size() != 4))
      return damaged("format '" + tensor.format + "' does not fit tensor '" + tensor.name + "'");
  return {};
}

/// The sizes of each plan's operands, its workspace behind them.
Status measurePlans(const program::Image &image, std::vector<std::vector<program::OperandSize>> &sizes) {
  for (size_t i = 0; i < image.plans.size(); ++i) {
    cudnn::Problem problem;
    std::string error;
    if (!cudnn::decode(image.plans[i].fields, problem, error))
      return damaged("plan " + std::to_string(i) + ": " + error);
    std::vector<program::OperandSize> &operands = sizes.emplace_back();
    for (uint64_t bytes : cudnn::operandBytes(problem))
      operands.push_back({bytes, 2});
    operands.push_back({image.plans[i].scratchpadBytes, 1});
  }
  return {};
}

/// How many 64-bit parameters each kernel takes.
Status countParameters(const program::Image &image, std::vector<size_t> &counts) {
  auto kernels = kernelParameters(image.ptx);
  for (const program::Kernel &kernel : image.kernels) {
    auto found = kernels.find(kernel.name);
    if (found == kernels.end())
      return damaged("kernel '" + kernel.name + "' is missing");
    if (found->second < 0)
      return damaged("kernel '" + kernel.name + "' has a parameter that is not of 64 bits");
    counts.push_back(static_cast<size_t>(found->second));
  }
  return {};
}

/// Calls move(place in memory, place in logical order) for each element.
template <typename Move>
void forEachElement(const program::Tensor &tensor, Move move) {
  int64_t inner = tensor.shape[1], pixels = tensor.shape[2] * tensor.shape[3];
  for (int64_t o = 0; o < tensor.shape[0]; ++o)
    for (int64_t i = 0; i < inner; ++i)
      for (int64_t p = 0; p < pixels; ++p)
        move((o * pixels + p) * inner + i, (o * inner + i) * pixels + p);
}

} // namespace

bool Architecture::runsOn(int deviceMajor, int deviceMinor) const {
  if (exact)
    return major == deviceMajor && minor == deviceMinor;
  return deviceMajor > major || (deviceMajor == major && deviceMinor >= minor);
}

bool parseArchitecture(std::string_view text, Architecture &architecture) {
  if (!text.starts_with("sm_"))
    return false;
  text.remove_prefix(3);
  int number = 0;
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view suffix = text.substr(stop - text.data());
  if (error != std::errc() || number < 50 || number > 999 || (!suffix.empty() && suffix != "a" && suffix != "f"))
    return false;
  architecture = {number / 10, number % 10, !suffix.empty()};
  return true;
}

std::map<std::string, int64_t, std::less<>> kernelParameters(std::string_view ptx) {
  std::map<std::string, int64_t, std::less<>> kernels;
  std::string text = stripComments(ptx);
  constexpr std::string_view kEntry = ".entry";
  for (size_t at = text.find(kEntry); at != std::string::npos; at = text.find(kEntry, at)) {
    at += kEntry.size();
    size_t begin = text.find_first_not_of(" \t\r\n", at), end = begin;
    while (end < text.size() && isNameCharacter(text[end]))
      ++end;
    if (begin == std::string::npos || begin == at || end == begin)
      continue;
    // A kernel without parameters may have no list.
    size_t open = text.find_first_not_of(" \t\r\n", end), close = text.find(')', end);
    bool list = open != std::string::npos && text[open] == '(' && close != std::string::npos;
    kernels[text.substr(begin, end - begin)] =
        list ? countParameters(std::string_view(text).substr(open + 1, close - open - 1)) : 0;
  }
  return kernels;
}

Status checkImage(const program::Image &image) {
  Architecture architecture;
  if (!parseArchitecture(image.arch, architecture))
    return damaged("its architecture '" + image.arch + "' is not one like sm_90");
  std::vector<size_t> parameters;
  std::vector<std::vector<program::OperandSize>> sizes;
  INCEPT_RETURN_IF_ERROR(checkTensors(image));
  INCEPT_RETURN_IF_ERROR(countParameters(image, parameters));
  INCEPT_RETURN_IF_ERROR(measurePlans(image, sizes));
  for (const auto &[entry, launches] : image.entries)
    for (const program::Launch &launch : launches) {
      if (!launch.isKernel) {
        INCEPT_RETURN_IF_ERROR(program::checkOperands(image, launch, sizes[launch.index]));
        continue;
      }
      size_t given = launch.operands.size() + launch.extents.size(), taken = parameters[launch.index];
      if (given != taken)
        return damaged("'" + launch.op + "' (" + launch.location + ") gives " + std::to_string(given) +
                       " parameters to a kernel that takes " + std::to_string(taken));
    }
  return {};
}

std::vector<program::PlanResult> planResults(const program::Image &image, size_t plan) {
  cudnn::Problem problem;
  std::string error;
  if (!cudnn::decode(image.plans[plan].fields, problem, error))
    return {};
  std::vector<uint64_t> bytes = cudnn::operandBytes(problem);
  std::vector<cudnn::Type> types = cudnn::resultTypes(problem);
  std::vector<program::PlanResult> results;
  for (size_t i = 0; i < types.size(); ++i)
    results.push_back({bytes[bytes.size() - types.size() + i], std::string(cudnn::typeName(types[i]))});
  return results;
}

void describeImage(const program::Image &image, nlohmann::ordered_json &info) {
  std::map<std::string, int> engines;
  uint64_t workspace = 0;
  int tensorCore = 0;
  for (const program::Plan &plan : image.plans) {
    ++engines[plan.impl];
    tensorCore += plan.tensorCore;
    workspace = std::max(workspace, plan.scratchpadBytes);
  }
  info["device"] = image.device;
  info["card"] = image.card;
  info["arch"] = image.arch;
  info["cudnn"] = image.cudnn;
  info["tf32"] = image.tf32;
  info["workspace_bytes"] = workspace;
  info["ptx_bytes"] = image.ptx.size();
  info["cubin_bytes"] = image.cubin.size();
  info["engines"] = engines;
  info["tensor_core_plans"] = tensorCore;
}

bool isPermuted(const program::Tensor &tensor) { return tensor.format == "ohwi"; }

void toLogical(const program::Tensor &tensor, const std::byte *memory, std::byte *logical) {
  size_t size = program::typeBytes(tensor.type);
  forEachElement(tensor, [&](int64_t in, int64_t out) { std::memcpy(logical + out * size, memory + in * size, size); });
}

void toMemory(const program::Tensor &tensor, const std::byte *logical, std::byte *memory) {
  size_t size = program::typeBytes(tensor.type);
  forEachElement(tensor, [&](int64_t out, int64_t in) { std::memcpy(memory + out * size, logical + in * size, size); });
}

} // namespace incept::cuda
