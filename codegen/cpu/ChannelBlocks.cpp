// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/ChannelBlocks.h"

#include <algorithm>

using namespace mlir;

namespace incept::cpu {

namespace {

/// True where a direct AVX2 convolution is so much faster on blocks of 8 channels than on NHWC that it pays to reorder
/// its activations. Measured with oneDNN 2.6.3 on two cores: on blocks forward convolutions and gradients of data reach
/// 160 to 190 GFLOP/s, gradients of weights 77 to 142. On NHWC gradients of weights reach 30 to 100, strided forward
/// convolutions 60 to 110, others 130 to 160 (the wider the window's rows, the less), and 7x1 loses nothing. A reorder
/// moves 25 to 50 GB/s.
bool gainsFromBlocks(const onednn::Problem &p) {
  if (p.g != 1 || p.ic % 8 != 0 || p.oc % 8 != 0)
    return false;
  if (p.kind == onednn::Kind::ConvolutionBackwardWeights)
    return true;
  bool isStrided = p.sh > 1 || p.sw > 1;
  // The products per value that is moved: below this the reorders cost what the convolution gains.
  constexpr int64_t kLeastWork = 256;
  int64_t work = p.kh * p.kw * std::min(p.ic, p.oc);
  if (p.kind == onednn::Kind::ConvolutionBackwardData && isStrided)
    return p.ic >= 128;
  return isStrided || (p.kw > 1 && work >= kLeastWork);
}

/// True where the same holds for AVX-512 and blocks of 16: gradients of weights of strided windows. Measured with 2.6.3
/// on two busy cores, 3x3 with stride 2: 64 to 96 channels from 147x147 2.9 times as fast as on NHWC, the others of
/// Inception-v4, of 192 to 384 channels, 1.2 to 1.3 times; reorders took an eighth of what was gained. What has less
/// work for each value that is reordered was not measured, and stays.
bool gainsFromWideBlocks(const onednn::Problem &p) {
  constexpr int64_t kLeastChannels = 64;
  bool isStrided = p.sh > 1 || p.sw > 1, isWindow = p.kh * p.kw * 4 >= 9 * p.sh * p.sw;
  return p.kind == onednn::Kind::ConvolutionBackwardWeights && p.type == "f32" && p.g == 1 && isStrided && isWindow &&
         std::min(p.ic, p.oc) >= kLeastChannels && p.ic % 16 == 0 && p.oc % 16 == 0;
}

} // namespace

StringRef blocksFor(const onednn::Problem &problem, StringRef impl) {
  if (impl == "jit:avx2" && gainsFromBlocks(problem))
    return "nchw8c";
  return impl == "jit:avx512_core" && gainsFromWideBlocks(problem) ? "nchw16c" : "";
}

} // namespace incept::cpu
