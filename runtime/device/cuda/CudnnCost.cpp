// SPDX-License-Identifier: Apache-2.0
//
// How long engines take, as far as a choice between two needs it.
#include "runtime/device/cuda/Cudnn.h"

#include <algorithm>
#include <charconv>

namespace incept::cudnn {

namespace {

/// The architecture in a kernel's name: 80 for "..._native_sm80_..." and "sm80_xmma_..."; 0 where it says none.
int architectureOf(std::string_view kernel) {
  constexpr std::string_view kPrefix = "sm";
  int result = 0;
  for (size_t at = 0; result == 0 && (at = kernel.find(kPrefix, at)) != std::string_view::npos; at += kPrefix.size())
    if (at == 0 || kernel[at - 1] == '_')
      std::from_chars(kernel.data() + at + kPrefix.size(), kernel.data() + kernel.size(), result);
  return result;
}

double operations(const Problem &p) {
  constexpr double kMultiplyAdd = 2;
  if (p.kind == Kind::MatMul)
    return kMultiplyAdd * double(p.m) * double(p.n) * double(p.k);
  return kMultiplyAdd * double(p.mb * p.oh * p.ow) * double(p.oc) * double(p.ic / p.g) * double(p.kh * p.kw);
}

/// What has to be read and written, each element once; of a slice only the slice.
double trafficBytes(const Problem &p) {
  auto bytes = [](double elements, Type type) { return elements * double(typeBytes(type)); };
  if (p.kind == Kind::MatMul)
    return bytes(double(p.m) * double(p.k), p.type) + bytes(double(p.k) * double(p.n), p.type) +
           bytes(double(p.m) * double(p.n), p.resultType);
  bool isForward = p.kind == Kind::ConvolutionForward, isBackwardData = p.kind == Kind::ConvolutionBackwardData;
  double dst = double(p.mb * p.oh * p.ow) * double(p.oc);
  return bytes(double(p.mb * p.ih * p.iw) * double(p.ic), isBackwardData ? p.resultType : p.type) +
         bytes(dst, isForward ? p.resultType : p.type) + (p.residual ? bytes(dst, p.type) : 0) +
         (p.normGradient ? bytes(double(p.mb * p.ih * p.iw) * double(p.ic), p.resultType) : 0) +
         bytes(double(p.oc * p.kh * p.kw) * double(p.ic / p.g),
               p.kind == Kind::ConvolutionBackwardWeights ? p.resultType : p.type);
}

double peak(const Problem &problem, const Choice &choice, const EngineCosts &costs) {
  if (!choice.tensorCore)
    return costs.peakF32;
  return problem.type == Type::F16 ? costs.peakF16 : problem.type == Type::BF16 ? costs.peakBf16 : costs.peakTf32;
}

} // namespace

bool isForEarlier(std::string_view impl, int64_t architecture) {
  // An engine that does not say its architecture is precompiled, and ranked for this device: taken for its own.
  constexpr int kMinor = 10;
  int made = architectureOf(impl);
  return made != 0 && made / kMinor < architecture / kMinor;
}

SliceBytes packedSlices(const Problem &p) {
  SliceBytes result;
  if (p.kind == Kind::MatMul)
    return result;
  bool isForward = p.kind == Kind::ConvolutionForward, isBackwardData = p.kind == Kind::ConvolutionBackwardData;
  auto consider = [&](int64_t stride, int64_t channels, int64_t pixels, Type type) {
    uint64_t bytes = uint64_t(pixels * channels * typeBytes(type));
    if (stride <= channels)
      return;
    result.smallest = result.smallest == 0 ? bytes : std::min(result.smallest, bytes);
    result.all += bytes;
  };
  consider(p.srcStride, p.ic, p.mb * p.ih * p.iw, isBackwardData ? p.resultType : p.type);
  consider(p.dstStride, p.oc, p.mb * p.oh * p.ow, isForward ? p.resultType : p.type);
  if (p.residual)
    consider(p.residualStride, p.oc, p.mb * p.oh * p.ow, p.type);
  return result;
}

double estimateSeconds(const Problem &problem, const Choice &choice, const EngineCosts &costs) {
  bool isOlder = isForEarlier(choice.impl, costs.architecture);
  double computing =
      operations(problem) / (peak(problem, choice, costs) * (isOlder ? costs.olderShare : costs.ownShare));
  double moving = trafficBytes(problem) / costs.bytesPerSecond;
  SliceBytes slices = packedSlices(problem);
  double copying = 0;
  if (slices.smallest != 0 && choice.workspaceBytes >= slices.smallest) // each byte is read and written once more
    copying = 2 * double(std::min(choice.workspaceBytes, slices.all)) / costs.bytesPerSecond + costs.launchSeconds;
  return std::max(computing, moving) + copying;
}

} // namespace incept::cudnn
