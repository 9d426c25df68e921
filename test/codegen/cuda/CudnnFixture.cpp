// SPDX-License-Identifier: Apache-2.0
#include "test/codegen/cuda/CudnnFixture.h"
#include "codegen/cuda/plans/OpenCudnn.h"

namespace incept::cuda {

cudnn::Problem convolution(cudnn::Kind kind, cudnn::Type type) {
  cudnn::Problem p;
  p.kind = kind;
  p.type = p.resultType = p.biasType = type;
  p.mb = 16;
  p.ic = 64;
  p.oc = 96;
  p.ih = p.iw = p.oh = p.ow = 35;
  p.kh = p.kw = 3;
  p.pt = p.pl = p.pb = p.pr = 1;
  return p;
}

cudnn::Problem product(cudnn::Type type, int64_t m, int64_t n, int64_t k, bool transposeA, bool transposeB) {
  cudnn::Problem p;
  p.kind = cudnn::Kind::MatMul;
  p.type = p.resultType = p.biasType = type;
  p.m = m;
  p.n = n;
  p.k = k;
  p.transposeA = transposeA;
  p.transposeB = transposeB;
  p.lda = transposeA ? m : k;
  p.ldb = transposeB ? k : n;
  p.ldc = n;
  return p;
}

void CudnnTest::SetUp() {
  static std::string error;
  static std::shared_ptr<const cudnn::Library> shared = openCudnn("", error);
  if (!shared)
    GTEST_SKIP() << error;
  library = shared;
  auto profile = findDeviceProfile("h100");
  ASSERT_TRUE(profile) << profile.status().message();
  h100 = profile->cudnnProperties;
}

cudnn::Choice CudnnTest::choose(const cudnn::Problem &problem, uint64_t limit) {
  cudnn::Choice choice;
  std::string error;
  EXPECT_TRUE(library->choose(problem, h100, limit, choice, error)) << error;
  EXPECT_LE(choice.workspaceBytes, limit);
  return choice;
}

} // namespace incept::cuda
