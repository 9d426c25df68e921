// SPDX-License-Identifier: Apache-2.0
//
// Problems as text in plans, whole and damaged. Needs no cuDNN.
#include "runtime/device/cuda/CudnnText.h"
#include "test/codegen/cuda/CudnnFixture.h"

namespace incept::cuda {

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::vector<cudnn::Problem> samples() {
  std::vector<cudnn::Problem> result;
  for (cudnn::Kind kind : kConvolutions)
    result.push_back(convolution(kind, cudnn::Type::BF16));
  result[0].bias = result[0].residual = result[0].relu = true;
  result[0].scale = 0.17f;
  result[0].biasType = cudnn::Type::F32;
  result[0].dstStride = 384;
  result[2].resultType = cudnn::Type::F32;
  result.push_back(product(cudnn::Type::F32, 64, 1000, 1536, false, true));
  result.back().bias = result.back().tf32 = true;
  result.push_back(convolution(cudnn::Kind::ConvolutionForward, cudnn::Type::F16));
  result.back().stats = true;
  result.push_back(convolution(cudnn::Kind::ConvolutionBackwardData, cudnn::Type::F16));
  result.back().normGradient = true;
  result.back().normStride = 160;
  for (cudnn::Kind kind : {cudnn::Kind::ConvolutionForward, cudnn::Kind::ConvolutionBackwardWeights}) {
    result.push_back(convolution(kind, cudnn::Type::F16));
    result.back().normalized = true;
    result.back().srcStride = 160;
    result.back().stats = kind == cudnn::Kind::ConvolutionForward;
  }
  return result;
}

/// Costs in round numbers: 1e12 operations per second, 1e9 bytes per second.
cudnn::EngineCosts roundCosts() {
  cudnn::EngineCosts costs;
  costs.bytesPerSecond = 1e9;
  costs.launchSeconds = 1e-3;
  costs.peakF32 = 1e11;
  costs.peakTf32 = costs.peakBf16 = costs.peakF16 = 1e12;
  costs.ownShare = 0.5;
  costs.olderShare = 0.25;
  costs.architecture = 90;
  return costs;
}

TEST(CudnnTextTest, SlicesAreCountedPacked) {
  cudnn::Problem problem = convolution(cudnn::Kind::ConvolutionForward, cudnn::Type::F16);
  EXPECT_EQ(cudnn::packedSlices(problem).all, 0u);
  problem.srcStride = problem.ic; // dense, written out
  EXPECT_EQ(cudnn::packedSlices(problem).all, 0u);
  problem.srcStride = 320;
  const uint64_t src = 16 * 35 * 35 * 64 * 2, dst = 16 * 35 * 35 * 96 * 2;
  EXPECT_EQ(cudnn::packedSlices(problem).smallest, src);
  problem.dstStride = 320;
  EXPECT_EQ(cudnn::packedSlices(problem).smallest, src);
  EXPECT_EQ(cudnn::packedSlices(problem).all, src + dst);
  problem.residual = true;
  problem.residualStride = 200;
  EXPECT_EQ(cudnn::packedSlices(problem).all, src + 2 * dst);
  problem.kind = cudnn::Kind::MatMul;
  EXPECT_EQ(cudnn::packedSlices(problem).all, 0u);
}

TEST(CudnnTextTest, TimesAreThoseOfArithmeticOrMemory) {
  cudnn::Problem problem = convolution(cudnn::Kind::ConvolutionForward, cudnn::Type::F16);
  problem.dstStride = 320;
  cudnn::EngineCosts costs = roundCosts();
  cudnn::Choice choice;
  choice.tensorCore = true;
  choice.impl = "engine 41";
  const double pixels = 16 * 35 * 35, operations = 2 * pixels * 96 * 64 * 9, dst = pixels * 96 * 2;
  const double bytes = pixels * 64 * 2 + dst + 96 * 64 * 9 * 2;
  auto seconds = [&] { return cudnn::estimateSeconds(problem, choice, costs); };
  EXPECT_NEAR(seconds(), bytes / 1e9, 1e-9); // 6.4 ms, longer than the arithmetic's 4.3
  costs.bytesPerSecond = 1e12;
  EXPECT_NEAR(seconds(), operations / 0.5e12, 1e-9);
  choice.impl = "cudnn_generated_fort_native_sm80_convFwd";
  EXPECT_NEAR(seconds(), operations / 0.25e12, 1e-9);
  for (const char *name : {"sm80_xmma_fprop", "cudnn_small_sm80_fprop"}) {
    choice.impl = name;
    EXPECT_NEAR(seconds(), operations / 0.25e12, 1e-9) << name;
  }
  costs.architecture = 89; // the same kind
  EXPECT_NEAR(seconds(), operations / 0.5e12, 1e-9);
  choice.workspaceBytes = uint64_t(dst) + 128; // holds the slice: written, and read and written once more
  EXPECT_NEAR(seconds(), operations / 0.5e12 + 2 * dst / 1e12 + 1e-3, 1e-9);
  choice.workspaceBytes = uint64_t(dst) - 1;
  EXPECT_NEAR(seconds(), operations / 0.5e12, 1e-9);
  choice.tensorCore = false;
  EXPECT_NEAR(seconds(), operations / 0.5e11, 1e-9);
}

bool decodes(const Fields &fields, std::string &error) {
  cudnn::Problem problem;
  error.clear();
  return cudnn::decode(fields, problem, error);
}

/// The fields with one value replaced.
Fields with(Fields fields, const std::string &name, const std::string &value) {
  for (auto &[key, text] : fields)
    if (key == name)
      text = value;
  return fields;
}

TEST(CudnnTextTest, WhatIsWrittenReadsBack) {
  for (const cudnn::Problem &problem : samples()) {
    Fields fields = cudnn::encode(problem);
    cudnn::Problem copy;
    std::string error;
    ASSERT_TRUE(cudnn::decode(fields, copy, error)) << error;
    EXPECT_EQ(cudnn::encode(copy), fields);
    EXPECT_EQ(copy.kind, problem.kind);
    EXPECT_EQ(copy.scale, problem.scale);
    EXPECT_EQ(copy.dstStride, problem.dstStride);
    EXPECT_EQ(copy.resultType, problem.resultType);
    EXPECT_EQ(cudnn::operandCount(copy), cudnn::operandCount(problem));
  }
}

TEST(CudnnTextTest, EveryFieldIsNeededOnce) {
  for (const cudnn::Problem &problem : samples()) {
    Fields fields = cudnn::encode(problem);
    std::string error;
    for (size_t i = 0; i < fields.size(); ++i) {
      Fields lacking = fields, repeated = fields, malformed = fields;
      lacking.erase(lacking.begin() + i);
      EXPECT_FALSE(decodes(lacking, error)) << fields[i].first;
      EXPECT_FALSE(error.empty());
      repeated.push_back(fields[i]);
      EXPECT_FALSE(decodes(repeated, error)) << fields[i].first;
      malformed[i].second += "x";
      EXPECT_FALSE(decodes(malformed, error)) << fields[i].first;
      EXPECT_NE(error.find(fields[i].second + "x"), std::string::npos) << error;
    }
    fields.emplace_back("colour", "blue");
    EXPECT_FALSE(decodes(fields, error));
  }
}

TEST(CudnnTextTest, ValuesAreChecked) {
  std::vector<cudnn::Problem> problems = samples();
  Fields forward = cudnn::encode(problems[0]), weights = cudnn::encode(problems[2]),
         matmul = cudnn::encode(problems[3]), stats = cudnn::encode(problems[4]), norm = cudnn::encode(problems[5]),
         normalized = cudnn::encode(problems[6]);
  const std::pair<Fields, std::pair<const char *, const char *>> damaged[] = {
      {forward, {"mb", "0"}},
      {forward, {"mb", "-16"}},
      {forward, {"mb", "99999999999999999999"}},
      {forward, {"mb", "2147483647"}}, // more elements than 2^40
      {forward, {"oh", "36"}},         // not what the window gives
      {forward, {"pt", "-1"}},
      {forward, {"sh", "0"}},
      {forward, {"g", "5"}},           // does not divide the channels
      {forward, {"dst_stride", "95"}}, // pixels overlap
      {forward, {"dst_stride", "2147483647"}},
      {forward, {"scale", "nan"}},
      {forward, {"scale", "inf"}},
      {forward, {"residual", "false"}}, // a scale without a residual
      {forward, {"tf32", "true"}},      // of bf16
      {forward, {"type", "f64"}},
      {forward, {"relu", "yes"}},
      {forward, {"statistics", "true"}}, // of a result that a residual and a ReLU are part of
      {stats, {"relu", "true"}},
      {stats, {"residual", "true"}},
      {forward, {"normalized", "true"}}, // beside a bias, a residual and a ReLU
      {normalized, {"bias", "true"}},
      {norm, {"norm_gradient", "false"}}, // a distance of pixels that are not read
      {norm, {"norm_stride", "63"}},
      {norm, {"norm_stride", "2147483647"}},
      {weights, {"kind", "convolution"}},
      {matmul, {"m", "0"}},
      {matmul, {"lda", "1535"}},
      {matmul, {"n", "4294967296"}},
  };
  std::string error;
  for (const auto &[fields, change] : damaged) {
    ASSERT_TRUE(decodes(fields, error)) << error;
    EXPECT_FALSE(decodes(with(fields, change.first, change.second), error)) << change.first << " " << change.second;
    EXPECT_FALSE(error.empty());
  }
}

TEST(CudnnTextTest, StatisticsAreOperandsBehindDst) {
  cudnn::Problem problem = samples()[4];
  std::vector<uint64_t> bytes = cudnn::operandBytes(problem);
  ASSERT_EQ(bytes.size() + 1, cudnn::operandCount(problem));
  ASSERT_EQ(bytes.size(), 5u);
  EXPECT_EQ(cudnn::resultTypes(problem),
            (std::vector{cudnn::Type::F16, cudnn::Type::F32, cudnn::Type::F32})); // whatever the convolution's is
  EXPECT_EQ(bytes[2], 16u * 35 * 35 * 96 * 2);
  EXPECT_EQ(bytes[3], 96u * 4);
  EXPECT_EQ(bytes[4], 96u * 4);
}

TEST(CudnnTextTest, WhatABatchNormReadsAndGivesAreOperands) {
  cudnn::Problem problem = samples()[5];
  const uint64_t vector = 64 * 4, image = 16u * 35 * 35 * 64 * 2, wide = ((16u * 35 * 35 - 1) * 160 + 64) * 2;
  const std::vector<uint64_t> expected = {16u * 35 * 35 * 96 * 2,
                                          96u * 64 * 9 * 2,
                                          wide,
                                          vector,
                                          vector,
                                          vector,
                                          vector,
                                          image,
                                          vector,
                                          vector,
                                          vector,
                                          vector,
                                          vector};
  EXPECT_EQ(cudnn::operandBytes(problem), expected);
  EXPECT_EQ(cudnn::operandCount(problem), expected.size() + 1);
  std::vector<cudnn::Type> types = cudnn::resultTypes(problem);
  ASSERT_EQ(types.size(), 6u);
  EXPECT_EQ(types[0], cudnn::Type::F16);
  EXPECT_EQ(std::count(types.begin(), types.end(), cudnn::Type::F32), 5);
  std::string error;
  problem.normGradient = false;
  EXPECT_FALSE(cudnn::check(problem, error));
  EXPECT_EQ(error, "only a gradient of data has that of a batch norm with it");
}

TEST(CudnnTextTest, FactorsAreOperandsBehindWhatIsConvolved) {
  const uint64_t src = ((16u * 35 * 35 - 1) * 160 + 64) * 2, dst = 16u * 35 * 35 * 96 * 2, weights = 96u * 64 * 9 * 2;
  const uint64_t factor = 64 * 2, sum = 96 * 4;
  std::vector<cudnn::Problem> problems = samples();
  EXPECT_EQ(cudnn::operandBytes(problems[6]), (std::vector<uint64_t>{src, weights, factor, factor, dst, sum, sum}));
  EXPECT_EQ(cudnn::operandCount(problems[6]), 8u);
  EXPECT_EQ(cudnn::operandBytes(problems[7]), (std::vector<uint64_t>{src, dst, factor, factor, weights}));
  EXPECT_EQ(cudnn::operandCount(problems[7]), 6u);
  std::string error;
  cudnn::Problem data = problems[5], product = problems[3];
  data.normalized = product.normalized = true;
  EXPECT_FALSE(cudnn::check(data, error));
  EXPECT_EQ(error, "only a forward convolution without an epilogue and a gradient of weights normalise their src");
  EXPECT_FALSE(cudnn::check(product, error));
}

TEST(CudnnTextTest, Knobs) {
  std::vector<std::pair<int64_t, int64_t>> knobs;
  for (const char *text : {"", "2=9", "2=9,14=-4,23=0"}) {
    ASSERT_TRUE(cudnn::text::parseKnobs(text, knobs)) << text;
    EXPECT_EQ(cudnn::text::joinKnobs(knobs), text);
  }
  for (const char *text :
       {"2", "=", "2=", "=9", "2=9,", ",2=9", "2=9,2=9", "14=4,2=9", "2=x", "-1=2", "2=9;3=1", "2==9"})
    EXPECT_FALSE(cudnn::text::parseKnobs(text, knobs)) << text;
}

} // namespace

} // namespace incept::cuda
