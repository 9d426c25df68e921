// SPDX-License-Identifier: Apache-2.0
//
// What the suites about cuDNN plans share: the library, opened once, and small problems.
#pragma once

#include "codegen/cuda/plans/DeviceProfile.h"
#include "runtime/device/cuda/Cudnn.h"

#include <gtest/gtest.h>

namespace incept::cuda {

constexpr cudnn::Type kTypes[] = {cudnn::Type::F32, cudnn::Type::F16, cudnn::Type::BF16};
constexpr cudnn::Kind kConvolutions[] = {cudnn::Kind::ConvolutionForward, cudnn::Kind::ConvolutionBackwardData,
                                         cudnn::Kind::ConvolutionBackwardWeights};
constexpr uint64_t kPlenty = uint64_t(1) << 30;

/// A 3x3 convolution of 64 to 96 channels on 35x35 pixels, "same" padding.
cudnn::Problem convolution(cudnn::Kind kind, cudnn::Type type);
/// c (m,n) = op(a) * op(b), dense.
cudnn::Problem product(cudnn::Type type, int64_t m, int64_t n, int64_t k, bool transposeA, bool transposeB);

/// Skips where there is no cuDNN.
class CudnnTest : public ::testing::Test {
protected:
  void SetUp() override;
  /// The choice for a problem on the H100; fails the test where there is none.
  cudnn::Choice choose(const cudnn::Problem &problem, uint64_t limit = kPlenty);

  std::shared_ptr<const cudnn::Library> library;
  std::string h100;
};

} // namespace incept::cuda
