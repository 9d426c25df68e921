// SPDX-License-Identifier: Apache-2.0
//
// Problems for cuDNN, field by field: what they are called, both sides of their limits, what operands take, and what
// they cost by numbers worked out here. Needs no cuDNN.
#include "runtime/device/cuda/CudnnText.h"
#include "test/codegen/cuda/CudnnFixture.h"

#include <cmath>

namespace incept::cuda {

namespace {

using cudnn::Kind;
using cudnn::Problem;
using cudnn::Type;
using Fields = std::vector<std::pair<std::string, std::string>>;
using Bytes = std::vector<uint64_t>;

/// Every number is another one, but where the convolution's size follows.
Problem distinct(Kind kind) {
  Problem p;
  p.kind = kind;
  p.type = Type::F16, p.resultType = Type::BF16, p.biasType = Type::F32;
  p.mb = 2, p.g = 3, p.ic = 6, p.ih = 11, p.iw = 12, p.oc = 9;
  p.kh = 4, p.kw = 5, p.sh = 2, p.sw = 3, p.dh = 2, p.dw = 1, p.pt = 1, p.pl = 0, p.pb = 2, p.pr = 4;
  p.oh = 4, p.ow = 4; // (11 + 1 + 2 - 7) / 2 + 1 and (12 + 0 + 4 - 5) / 3 + 1
  p.srcStride = 20, p.dstStride = 21;
  return p;
}

Problem matmul() {
  Problem p;
  p.kind = Kind::MatMul;
  p.type = Type::BF16, p.resultType = Type::F32, p.biasType = Type::F16;
  p.m = 4, p.n = 5, p.k = 6, p.lda = 7, p.ldb = 8, p.ldc = 9;
  return p;
}

std::string problemOf(const Problem &p) {
  std::string error;
  bool isGood = cudnn::check(p, error);
  EXPECT_EQ(isGood, error.empty());
  return error;
}

std::string decoded(const Fields &fields) {
  Problem p;
  std::string error;
  bool isGood = cudnn::decode(fields, p, error);
  EXPECT_EQ(isGood, error.empty());
  return error;
}

} // namespace

TEST(CudnnProblem, EveryFieldHasItsName) {
  Fields common = {{"kind", ""}, {"type", "f16"}, {"result_type", "bf16"}};
  const Fields sizes = {{"tf32", "false"},   {"mb", "2"}, {"g", "3"},  {"ic", "6"}, {"ih", "11"},
                        {"iw", "12"},        {"oc", "9"}, {"oh", "4"}, {"ow", "4"}, {"kh", "4"},
                        {"kw", "5"},         {"sh", "2"}, {"sw", "3"}, {"dh", "2"}, {"dw", "1"},
                        {"pt", "1"},         {"pl", "0"}, {"pb", "2"}, {"pr", "4"}, {"src_stride", "20"},
                        {"dst_stride", "21"}};
  auto join = [](Fields first, const Fields &second, const Fields &third) {
    first.insert(first.end(), second.begin(), second.end());
    first.insert(first.end(), third.begin(), third.end());
    return first;
  };
  Problem p = distinct(Kind::ConvolutionForward);
  p.residual = true, p.residualStride = 22, p.scale = 0.17f;
  common[0].second = "convolution_forward";
  Fields forward = common;
  forward.emplace_back("bias_type", "f32");
  EXPECT_EQ(cudnn::encode(p), join(forward, sizes,
                                   {{"residual_stride", "22"},
                                    {"bias", "false"},
                                    {"residual", "true"},
                                    {"relu", "false"},
                                    {"statistics", "false"},
                                    {"normalized", "false"},
                                    {"scale", "0.17"}}));
  p.residual = false, p.residualStride = 0, p.scale = 1, p.bias = p.relu = true;
  EXPECT_EQ(cudnn::encode(p), join(forward, sizes,
                                   {{"residual_stride", "0"},
                                    {"bias", "true"},
                                    {"residual", "false"},
                                    {"relu", "true"},
                                    {"statistics", "false"},
                                    {"normalized", "false"},
                                    {"scale", "1"}}));
  p.bias = p.relu = false, p.stats = true;
  EXPECT_EQ(cudnn::encode(p).end()[-3], (Fields::value_type{"statistics", "true"}));
  p.normalized = true;
  EXPECT_EQ(cudnn::encode(p).end()[-2], (Fields::value_type{"normalized", "true"}));
  p = distinct(Kind::ConvolutionBackwardData);
  p.normGradient = true, p.normStride = 23;
  common[0].second = "convolution_backward_data";
  EXPECT_EQ(cudnn::encode(p), join(common, sizes, {{"norm_gradient", "true"}, {"norm_stride", "23"}}));
  common[0].second = "convolution_backward_weights";
  EXPECT_EQ(cudnn::encode(distinct(Kind::ConvolutionBackwardWeights)), join(common, sizes, {{"normalized", "false"}}));
  p = matmul();
  p.bias = p.transposeB = true;
  EXPECT_EQ(cudnn::encode(p), (Fields{{"kind", "matmul"},
                                      {"type", "bf16"},
                                      {"result_type", "f32"},
                                      {"bias_type", "f16"},
                                      {"tf32", "false"},
                                      {"bias", "true"},
                                      {"m", "4"},
                                      {"n", "5"},
                                      {"k", "6"},
                                      {"lda", "7"},
                                      {"ldb", "8"},
                                      {"ldc", "9"},
                                      {"transpose_a", "false"},
                                      {"transpose_b", "true"}}));
}

TEST(CudnnProblem, SaysWhatIsWrongWithAText) {
  Fields good = cudnn::encode(distinct(Kind::ConvolutionForward));
  ASSERT_EQ(decoded(good), "");
  for (size_t i = 0; i < good.size(); ++i) {
    Fields lacking = good, damaged = good;
    lacking.erase(lacking.begin() + i);
    EXPECT_EQ(decoded(lacking), "a plan without the field '" + good[i].first + "'");
    damaged[i].second = "?";
    EXPECT_EQ(decoded(damaged), "malformed plan field '" + good[i].first + "': '?'");
  }
  Fields more = good;
  more.emplace_back("norm_stride", "0");
  EXPECT_EQ(decoded(more), "a plan of kind 'convolution_forward' with 33 fields, but expected 32");
  Fields other = cudnn::encode(matmul());
  other.emplace_back("m", "4");
  EXPECT_EQ(decoded(other), "a plan of kind 'matmul' with 15 fields, but expected 14");
  Type type;
  for (auto [value, name, bytes] : {std::tuple(Type::F32, "f32", 4), {Type::F16, "f16", 2}, {Type::BF16, "bf16", 2}}) {
    ASSERT_TRUE(cudnn::parseType(name, type)) << name;
    EXPECT_EQ(type, value);
    EXPECT_EQ(cudnn::typeName(value), name);
    EXPECT_EQ(cudnn::typeBytes(value), bytes);
  }
  EXPECT_FALSE(cudnn::parseType("f64", type));
  EXPECT_EQ(cudnn::typeName(Type(9)), "");
  Kind kind;
  EXPECT_FALSE(cudnn::parseKind("reorder", kind)); // oneDNN's alone
  std::vector<std::pair<int64_t, int64_t>> knobs;
  EXPECT_TRUE(cudnn::text::parseKnobs("0=1,1000=-7", knobs));
  EXPECT_EQ(knobs, (decltype(knobs){{0, 1}, {1000, -7}}));
  EXPECT_FALSE(cudnn::text::parseKnobs("1001=1", knobs));
}

TEST(CudnnProblem, IsCheckedUpToItsLimits) {
  const std::string positive = "expected positive 32-bit dimensions in a convolution",
                    paddings = "expected paddings that are not negative",
                    elements = "expected tensors of at most 2^40 elements",
                    size = "the convolution's dst does not have the size that its src, window and padding give",
                    epilogue = "only a forward convolution has an epilogue";
  const int64_t beyond = int64_t(1) << 31;
  for (int64_t Problem::*member :
       {&Problem::mb, &Problem::g, &Problem::ic, &Problem::ih, &Problem::iw, &Problem::oc, &Problem::oh, &Problem::ow,
        &Problem::kh, &Problem::kw, &Problem::sh, &Problem::sw, &Problem::dh, &Problem::dw})
    for (int64_t value : {int64_t(0), int64_t(-1), beyond}) {
      Problem p = distinct(Kind::ConvolutionForward);
      p.*member = value;
      EXPECT_EQ(problemOf(p), positive);
    }
  for (int64_t Problem::*member : {&Problem::pt, &Problem::pl, &Problem::pb, &Problem::pr})
    for (int64_t value : {int64_t(-1), beyond}) {
      Problem p = distinct(Kind::ConvolutionForward);
      p.*member = value;
      EXPECT_EQ(problemOf(p), paddings);
    }
  Problem point; // one of everything
  point.mb = point.ic = point.oc = point.ih = point.iw = point.oh = point.ow = point.kh = point.kw = 1;
  Problem p = point;
  p.mb = p.sh = p.sw = p.dh = p.dw = p.pb = INT32_MAX;
  p.oh = 2; // windows at 0 and at 2^31 - 1
  EXPECT_EQ(problemOf(p), "");
  p.oh = 1;
  EXPECT_EQ(problemOf(p), size);
  for (int64_t LibraryProblem::*member : {&Problem::ic, &Problem::oc}) {
    p = point;
    p.mb = p.*member = 1 << 20;
    EXPECT_EQ(problemOf(p), "");
    p.mb += 1;
    EXPECT_EQ(problemOf(p), elements);
  }
  p = point;
  p.oc = p.ic = 1 << 20;
  EXPECT_EQ(problemOf(p), "");
  p.kh = p.kw = 2, p.ih = p.iw = 2; // only the weights
  EXPECT_EQ(problemOf(p), elements);
  // Distances of pixels: at least the channels, and no more elements than that.
  const std::pair<int64_t Problem::*, int64_t> strides[] = {
      {&Problem::srcStride, 6}, {&Problem::dstStride, 9}, {&Problem::residualStride, 9}, {&Problem::normStride, 6}};
  for (auto [member, channels] : strides) {
    p = distinct(member == &Problem::normStride ? Kind::ConvolutionBackwardData : Kind::ConvolutionForward);
    p.normGradient = member == &Problem::normStride;
    for (int64_t good : {int64_t(0), channels, int64_t(1) << 31}) {
      p.*member = good - (good > channels);
      EXPECT_EQ(problemOf(p), "");
    }
    for (int64_t bad : {channels - 1, int64_t(-1), beyond}) {
      p.*member = bad;
      EXPECT_EQ(problemOf(p), "expected pixels at least " + std::to_string(channels) + " elements apart, but got " +
                                  std::to_string(bad));
    }
    p = point;
    p.kind = member == &Problem::normStride ? Kind::ConvolutionBackwardData : Kind::ConvolutionForward;
    p.normGradient = member == &Problem::normStride;
    p.mb = 1 << 20;
    p.*member = 1 << 20;
    EXPECT_EQ(problemOf(p), "");
    p.*member += 1;
    EXPECT_EQ(problemOf(p), elements);
  }
  p = distinct(Kind::ConvolutionForward);
  p.ic = 7;
  EXPECT_EQ(problemOf(p), "expected channels divisible by 3 groups");
  p.ic = 6, p.oc = 10;
  EXPECT_EQ(problemOf(p), "expected channels divisible by 3 groups");
  p = distinct(Kind::ConvolutionForward);
  p.ow += 1;
  EXPECT_EQ(problemOf(p), size);
  for (Kind kind : {Kind::ConvolutionBackwardData, Kind::ConvolutionBackwardWeights})
    for (bool Problem::*flag : {static_cast<bool Problem::*>(&Problem::bias), &Problem::residual,
                                static_cast<bool Problem::*>(&Problem::relu), &Problem::stats}) {
      p = distinct(kind);
      EXPECT_EQ(problemOf(p), "");
      p.*flag = true;
      EXPECT_EQ(problemOf(p), epilogue);
    }
  for (bool Problem::*flag : {&Problem::residual, static_cast<bool Problem::*>(&Problem::relu)}) {
    p = distinct(Kind::ConvolutionForward);
    p.stats = true;
    EXPECT_EQ(problemOf(p), "");
    p.*flag = true;
    EXPECT_EQ(problemOf(p), "a convolution that gives statistics has no residual and no relu");
  }
  for (Kind kind : {Kind::ConvolutionForward, Kind::ConvolutionBackwardWeights}) {
    p = distinct(kind);
    p.normGradient = true;
    EXPECT_EQ(problemOf(p), "only a gradient of data has that of a batch norm with it");
  }
  p = distinct(Kind::ConvolutionForward);
  for (float scale : {0.5f, NAN, INFINITY, 0.0f}) {
    p.scale = scale;
    EXPECT_EQ(problemOf(p), "expected a scale only together with a residual");
  }
  p.residual = true;
  EXPECT_EQ(problemOf(p), "");
  p.scale = NAN;
  EXPECT_EQ(problemOf(p), "expected a scale only together with a residual");
  for (Type type : {Type::F16, Type::BF16}) {
    p = distinct(Kind::ConvolutionForward);
    p.type = type, p.tf32 = true;
    EXPECT_EQ(problemOf(p), "tf32 is a way to multiply f32, not " + std::string(cudnn::typeName(type)));
  }
  p.type = Type::F32;
  EXPECT_EQ(problemOf(p), "");
}

TEST(CudnnProblem, MatricesAreCheckedUpToTheirLimits) {
  // Rows and the least distance of theirs, as a, b and c are stored.
  for (bool transposeA : {false, true})
    for (bool transposeB : {false, true}) {
      Problem p = matmul();
      p.transposeA = transposeA, p.transposeB = transposeB;
      const int64_t rows[] = {transposeA ? 6 : 4, transposeB ? 5 : 6, 4},
                    columns[] = {transposeA ? 4 : 6, transposeB ? 6 : 5, 5};
      int64_t LibraryProblem::*const pitches[] = {&Problem::lda, &Problem::ldb, &Problem::ldc};
      for (size_t i = 0; i < 3; ++i) {
        Problem q = p;
        auto said = [&](int64_t pitch) {
          q.*pitches[i] = pitch;
          return problemOf(q);
        };
        auto refused = [&](int64_t pitch) {
          return "expected rows of matrix " + std::to_string(i + 1) + " at least " + std::to_string(columns[i]) +
                 " elements apart, but got " + std::to_string(pitch);
        };
        EXPECT_EQ(said(columns[i]), "");
        EXPECT_EQ(said(columns[i] - 1), refused(columns[i] - 1));
        EXPECT_EQ(said(INT32_MAX), "");
        EXPECT_EQ(said(int64_t(1) << 31), refused(int64_t(1) << 31));
        // The last row ends where its numbers do.
        q = p;
        const uint64_t bytes[] = {2, 2, 4};
        const int64_t given[] = {7, 8, 9};
        EXPECT_EQ(cudnn::operandBytes(q)[i], bytes[i] * uint64_t((rows[i] - 1) * given[i] + columns[i]));
      }
      p.bias = true;
      EXPECT_EQ(cudnn::operandBytes(p)[2], 2u * 5);
      EXPECT_EQ(cudnn::operandBytes(p).size(), 4u);
      EXPECT_EQ(cudnn::operandCount(p), 5u);
    }
  for (int64_t Problem::*member : {&Problem::m, &Problem::n, &Problem::k})
    for (int64_t value : {int64_t(0), int64_t(-1), int64_t(1) << 31}) {
      Problem p = matmul();
      p.*member = value;
      EXPECT_EQ(problemOf(p), "expected positive 32-bit dimensions in a matmul");
    }
  Problem p;
  p.kind = Kind::MatMul;
  p.m = p.k = p.lda = 1 << 20, p.n = p.ldb = p.ldc = 1;
  EXPECT_EQ(problemOf(p), "");
  p.lda += 1;
  EXPECT_EQ(problemOf(p), "expected rows of matrix 1 at least 1048576 elements apart, but got 1048577");
  p.lda -= 1, p.m += 1;
  EXPECT_EQ(problemOf(p), "expected positive 32-bit dimensions in a matmul");
  for (bool Problem::*flag :
       {&Problem::residual, static_cast<bool Problem::*>(&Problem::relu), &Problem::stats, &Problem::normGradient}) {
    p = matmul();
    p.bias = true;
    EXPECT_EQ(problemOf(p), "");
    p.*flag = true;
    EXPECT_EQ(problemOf(p), "a matmul has no epilogue but a bias");
  }
  p = matmul();
  p.scale = 2;
  EXPECT_EQ(problemOf(p), "a matmul has no epilogue but a bias");
}

TEST(CudnnProblem, OperandsTakeWhatTheirElementsDo) {
  // Pixels as far apart as they are given; the last ends with its channels.
  const uint64_t src = (2 * 11 * 12 - 1) * 20 + 6, dst = (2 * 4 * 4 - 1) * 21 + 9, weights = 9 * 2 * 4 * 5;
  Problem p = distinct(Kind::ConvolutionForward);
  p.resultType = Type::F32;
  EXPECT_EQ(cudnn::operandBytes(p), (Bytes{2 * src, 2 * weights, 4 * dst}));
  EXPECT_EQ(cudnn::operandCount(p), 4u);
  p.bias = p.residual = true;
  EXPECT_EQ(cudnn::operandBytes(p), (Bytes{2 * src, 2 * weights, 4 * 9, 2 * 2 * 16 * 9, 4 * dst}));
  p.residualStride = 22;
  p.biasType = Type::F16;
  EXPECT_EQ(cudnn::operandBytes(p), (Bytes{2 * src, 2 * weights, 2 * 9, 2 * (31 * 22 + 9), 4 * dst}));
  EXPECT_EQ(cudnn::operandCount(p), 6u);
  EXPECT_EQ(cudnn::resultTypes(p), std::vector{Type::F32});
  p = distinct(Kind::ConvolutionForward);
  p.srcStride = 0, p.stats = true;
  EXPECT_EQ(cudnn::operandBytes(p), (Bytes{2 * 2 * 11 * 12 * 6, 2 * weights, 2 * dst, 4 * 9, 4 * 9}));
  EXPECT_EQ(cudnn::operandCount(p), 6u);
  p = distinct(Kind::ConvolutionBackwardData);
  p.resultType = Type::F32;
  EXPECT_EQ(cudnn::operandBytes(p), (Bytes{2 * dst, 2 * weights, 4 * src}));
  p.normGradient = true, p.normStride = 23;
  EXPECT_EQ(cudnn::operandBytes(p), (Bytes{2 * dst, 2 * weights, 4 * ((2 * 11 * 12 - 1) * 23 + 6), 24, 24, 24, 24,
                                           4 * src, 24, 24, 24, 24, 24}));
  EXPECT_EQ(cudnn::operandCount(p), 14u);
  p = distinct(Kind::ConvolutionBackwardWeights);
  p.resultType = Type::F32;
  EXPECT_EQ(cudnn::operandBytes(p), (Bytes{2 * src, 2 * dst, 4 * weights}));
}

TEST(CudnnProblem, CostsAreOfItsOwnTypesAndSizes) {
  cudnn::EngineCosts costs;
  costs.bytesPerSecond = 1;
  costs.launchSeconds = 1000;
  costs.ownShare = 0.5, costs.olderShare = 0.25;
  costs.architecture = 90;
  costs.peakF32 = 1e9, costs.peakTf32 = 2e9, costs.peakBf16 = 4e9, costs.peakF16 = 8e9;
  cudnn::Choice choice;
  auto seconds = [&](const Problem &p) { return cudnn::estimateSeconds(p, choice, costs); };
  // Elements; of slices the slices alone.
  const double src = 2 * 11 * 12 * 6, dst = 2 * 4 * 4 * 9, weights = 9 * 2 * 4 * 5;
  Problem p = distinct(Kind::ConvolutionForward);
  p.resultType = Type::F32;
  EXPECT_EQ(seconds(p), 2 * src + 4 * dst + 2 * weights);
  p.residual = true;
  EXPECT_EQ(seconds(p), 2 * src + 4 * dst + 2 * dst + 2 * weights);
  p = distinct(Kind::ConvolutionBackwardData);
  p.resultType = Type::F32;
  EXPECT_EQ(seconds(p), 4 * src + 2 * dst + 2 * weights);
  p.normGradient = true;
  EXPECT_EQ(seconds(p), 2 * 4 * src + 2 * dst + 2 * weights);
  p = distinct(Kind::ConvolutionBackwardWeights);
  p.resultType = Type::F32;
  EXPECT_EQ(seconds(p), 2 * src + 2 * dst + 4 * weights);
  EXPECT_EQ(seconds(matmul()), 2 * 4 * 6 + 2 * 6 * 5 + 4 * 4 * 5);
  // Arithmetic: a sum of products for each result, by the peak of its type.
  costs.bytesPerSecond = 1e30;
  costs.peakF32 = 1, costs.peakTf32 = 2, costs.peakBf16 = 4, costs.peakF16 = 8;
  p = distinct(Kind::ConvolutionForward);
  const double operations = 2.0 * (2 * 4 * 4 * 9) * (2 * 4 * 5);
  EXPECT_EQ(seconds(p), operations / 0.5);
  EXPECT_EQ(seconds(matmul()), 2.0 * 4 * 5 * 6 / 0.5);
  choice.tensorCore = true;
  for (auto [type, peak] : {std::pair(Type::F16, 8.0), {Type::BF16, 4.0}, {Type::F32, 2.0}}) {
    p.type = type;
    EXPECT_EQ(seconds(p), operations / (peak * 0.5));
  }
  choice.impl = "sm80_kernel";
  EXPECT_EQ(seconds(p), operations / (2 * 0.25));
  // Copies: where the workspace has room for the smallest slice, of as much as it has room for.
  costs.bytesPerSecond = 1;
  costs.peakF16 = 1e30;
  p.type = Type::F16, p.resultType = Type::F16;
  const double moved = 2 * src + 2 * dst + 2 * weights;
  choice.workspaceBytes = uint64_t(2 * dst) - 1;
  EXPECT_EQ(seconds(p), moved);
  choice.workspaceBytes += 1;
  EXPECT_EQ(seconds(p), moved + 2 * 2 * dst + 1000);
  choice.workspaceBytes = uint64_t(1) << 30;
  EXPECT_EQ(seconds(p), moved + 2 * (2 * dst + 2 * src) + 1000);
  const cudnn::SliceBytes slices = cudnn::packedSlices(p);
  EXPECT_EQ(slices.smallest, uint64_t(2 * dst));
  EXPECT_EQ(slices.all, uint64_t(2 * dst + 2 * src));
  p.kind = Kind::ConvolutionBackwardData, p.resultType = Type::F32;
  EXPECT_EQ(cudnn::packedSlices(p).all, uint64_t(2 * dst + 4 * src));
  p.kind = Kind::ConvolutionBackwardWeights;
  EXPECT_EQ(cudnn::packedSlices(p).all, uint64_t(2 * dst + 2 * src));
}

TEST(CudnnProblem, ArchitecturesAreInNamesOfKernels) {
  for (const char *name : {"sm80_xmma_fprop", "cudnn_sm80_a", "x_sm89_y", "sm75", "a_smx_sm80"})
    EXPECT_TRUE(cudnn::isForEarlier(name, 90)) << name;
  for (const char *name : {"", "engine 28", "sm90_xmma", "sm100_x", "asm80_x", "prism80", "sm_80", "sm"})
    EXPECT_FALSE(cudnn::isForEarlier(name, 90)) << name;
  EXPECT_FALSE(cudnn::isForEarlier("sm80_a", 89)); // both are 8
  EXPECT_TRUE(cudnn::isForEarlier("sm90_a", 100));
}

} // namespace incept::cuda
