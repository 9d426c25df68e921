// SPDX-License-Identifier: Apache-2.0
//
// What the simulated cuDNN computes, against f64 loops, and what it reports.
#include "test/sim/CudnnReference.h"
#include "tools/incept-sim/cudnn/Kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

using namespace incept::sim::cudnn;
using incept::Status;

namespace {

constexpr OpKind kDirections[] = {OpKind::Convolution, OpKind::BackwardData, OpKind::BackwardWeights};
constexpr cudnnDataType_t kTypes[] = {CUDNN_DATA_FLOAT, CUDNN_DATA_HALF, CUDNN_DATA_BFLOAT16};

/// Half the distance of two neighbours near 1, and some sums.
double tolerance(cudnnDataType_t type) {
  return type == CUDNN_DATA_FLOAT ? 1e-5 : type == CUDNN_DATA_HALF ? 0x1p-11 : 0x1p-8;
}

int64_t resultOf(OpKind kind) { return kind == OpKind::Convolution ? 3 : kind == OpKind::BackwardData ? 1 : 2; }

std::vector<Shape> shapes() {
  Shape plain, slices, strided, asymmetric, grouped, depthwise, dilated, pointwise, uneven;
  slices.srcPitch = 11, slices.dstPitch = 9, slices.top = slices.left = slices.bottom = slices.right = 1;
  strided.strideH = 2, strided.strideW = 2, strided.h = strided.w = 9;
  asymmetric.top = 2, asymmetric.right = 1;
  grouped.g = 2;
  depthwise.g = depthwise.c = depthwise.k = 6;
  dilated.dilationH = 2, dilated.dilationW = 2, dilated.top = dilated.bottom = 2;
  pointwise.r = pointwise.s = 1, pointwise.dstPitch = 8;
  uneven.r = 1, uneven.s = 4, uneven.left = 1, uneven.right = 2, uneven.strideW = 3, uneven.k = 5;
  return {plain, slices, strided, asymmetric, grouped, depthwise, dilated, pointwise, uneven};
}

//===--- Numbers --------------------------------------------------------------------------------------------------===//

TEST(CudnnValues, NarrowTypesSurviveARoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    float half = fromHalf(uint16_t(bits)), brain = fromBfloat(uint16_t(bits));
    if (std::isnan(half))
      EXPECT_TRUE(std::isnan(fromHalf(toHalf(half))));
    else
      EXPECT_EQ(toHalf(half), bits);
    if (std::isnan(brain))
      EXPECT_TRUE(std::isnan(fromBfloat(toBfloat(brain))));
    else
      EXPECT_EQ(toBfloat(brain), bits);
  }
}

// Between two neighbours: the nearer one, and in the middle the even one.
TEST(CudnnValues, RoundingIsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    double low = fromHalf(uint16_t(bits)), high = fromHalf(uint16_t(bits + 1)), middle = (low + high) / 2;
    ASSERT_EQ(toHalf(float(middle)), bits + (bits & 1));
    ASSERT_EQ(toHalf(std::nextafterf(float(middle), 0.0f)), bits);
    ASSERT_EQ(toHalf(std::nextafterf(float(middle), INFINITY)), bits + 1);
    ASSERT_EQ(toHalf(-float(middle)), 0x8000 | (bits + (bits & 1)));
  }
  EXPECT_EQ(toHalf(65519.0f), 0x7bff);
  EXPECT_EQ(toHalf(65520.0f), 0x7c00);
  EXPECT_EQ(toHalf(1e-8f), 0);
  for (uint32_t bits = 0x3f00; bits < 0x4100; ++bits) {
    auto middle = std::bit_cast<float>(bits << 16 | 0x8000);
    ASSERT_EQ(toBfloat(middle), bits + (bits & 1));
    ASSERT_EQ(toBfloat(std::nextafterf(middle, 0.0f)), bits);
    ASSERT_EQ(toBfloat(std::nextafterf(middle, INFINITY)), bits + 1);
  }
  EXPECT_EQ(toBfloat(3.4e38f), 0x7f80);
}

//===--- Convolutions ---------------------------------------------------------------------------------------------===//

TEST(CudnnExecute, ConvolutionsOfEveryKindTypeAndShape) {
  for (OpKind kind : kDirections)
    for (cudnnDataType_t type : kTypes)
      for (const Shape &shape : shapes())
        for (cudnnDataType_t resultType : {type, CUDNN_DATA_FLOAT}) {
          Bench bench(convolutionPlan(kind, shape, type, resultType));
          Status status = bench.run();
          ASSERT_TRUE(status.ok()) << status.message();
          Numbers expected = referenceConvolution(bench.plan, bench.numbers);
          EXPECT_LE(difference(bench.read(resultOf(kind)), expected), tolerance(resultType));
        }
}

// The loops and oneDNN are two ways of one thing. Depthwise, grouped and strided problems included.
TEST(CudnnExecute, OneDnnAgreesWithTheLoops) {
  int taken = 0;
  for (OpKind kind : kDirections)
    for (const Shape &shape : shapes()) {
      Bench bench(convolutionPlan(kind, shape, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT));
      auto value = [&](int64_t uid) {
        return load(bench.tensor(uid), reinterpret_cast<const void *>(bench.binding.addresses[uid]));
      };
      Value a = value(kind == OpKind::BackwardData ? 3 : 1), b = value(kind == OpKind::BackwardWeights ? 3 : 2);
      Value slow = Value::dense(bench.tensor(resultOf(kind)).dims), quick = slow;
      convolutionLoops(kind, bench.plan.graph.nodes[0], a, b, slow);
      if (!convolutionOneDnn(kind, bench.plan.graph.nodes[0], a, b, quick))
        continue;
      ++taken;
      EXPECT_LE(difference(Numbers(quick.data.begin(), quick.data.end()), Numbers(slow.data.begin(), slow.data.end())),
                1e-5);
    }
  EXPECT_GE(taken, 20);
}

TEST(CudnnExecute, AlphaAndBetaWeighNewAndOld) {
  Plan plan = convolutionPlan(OpKind::BackwardWeights, {}, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT);
  plan.graph.nodes[0].alpha = 2;
  plan.graph.nodes[0].beta = 0.5;
  Bench bench(plan);
  EXPECT_FALSE(bench.run().ok()); // the old value was never written
  Numbers old(bench.numbers[2].size(), 8.0);
  bench.write(2, old);
  ASSERT_TRUE(bench.run().ok());
  Numbers expected = referenceConvolution(plan, bench.numbers);
  for (double &number : expected)
    number = 2 * number + 4;
  EXPECT_LE(difference(bench.read(2), expected), 1e-5);
}

//===--- Matrix products, elementwise operations, reductions ------------------------------------------------------===//

Tensor matrix(int64_t uid, int64_t batch, int64_t rows, int64_t columns, bool transposed, cudnnDataType_t type) {
  int64_t size = rows * columns;
  return {uid,
          type,
          {batch, rows, columns},
          transposed ? std::vector<int64_t>{size, 1, rows} : std::vector<int64_t>{size, columns, 1},
          typeBytes(type)};
}

TEST(CudnnExecute, MatrixProductsWithTransposedOperandsAndBatches) {
  for (cudnnDataType_t type : kTypes)
    for (int64_t batch : {1, 3})
      for (bool transposed : {false, true}) {
        Plan plan;
        plan.graph.tensors = {matrix(1, batch, 5, 7, transposed, type), matrix(2, 1, 7, 4, !transposed, type),
                              matrix(3, batch, 5, 4, false, type)};
        plan.graph.nodes = {makeNode(OpKind::MatMul, {0, 1, 2})};
        Bench bench(plan);
        ASSERT_TRUE(bench.run().ok());
        Numbers expected(size_t(batch * 20));
        for (int64_t b = 0; b < batch; ++b)
          for (int64_t m = 0; m < 5; ++m)
            for (int64_t n = 0; n < 4; ++n)
              for (int64_t k = 0; k < 7; ++k)
                expected[(b * 5 + m) * 4 + n] += bench.numbers[1][(b * 5 + m) * 7 + k] * bench.numbers[2][k * 4 + n];
        EXPECT_LE(difference(bench.read(3), expected), tolerance(type));
      }
}

/// src (1), then an operation with a vector of channels (2) into dst (3).
Plan pointwisePlan(int mode, bool binary) {
  Plan plan;
  plan.graph.tensors = {activations(1, CUDNN_DATA_FLOAT, 2, 5, 3, 4), activations(2, CUDNN_DATA_FLOAT, 1, 5, 1, 1),
                        activations(3, CUDNN_DATA_FLOAT, 2, 5, 3, 4, 7)};
  plan.graph.nodes = {makeNode(OpKind::Pointwise, {0, binary ? 1 : -1, 2, -1, -1, -1}, mode)};
  return plan;
}

TEST(CudnnExecute, ElementwiseOperations) {
  struct Case {
    int mode;
    bool binary;
    double (*function)(double, double);
  };
  const Case cases[] = {
      {CUDNN_POINTWISE_ADD, true, [](double x, double b) { return x + b; }},
      {CUDNN_POINTWISE_SUB, true, [](double x, double b) { return x - b; }},
      {CUDNN_POINTWISE_MUL, true, [](double x, double b) { return x * b; }},
      {CUDNN_POINTWISE_MAX, true, [](double x, double b) { return std::max(x, b); }},
      {CUDNN_POINTWISE_MIN, true, [](double x, double b) { return std::min(x, b); }},
      {CUDNN_POINTWISE_ADD_SQUARE, true, [](double x, double b) { return x + b * b; }},
      {CUDNN_POINTWISE_CMP_GT, true, [](double x, double b) { return double(x > b); }},
      {CUDNN_POINTWISE_RELU_FWD, false, [](double x, double) { return std::max(x, 0.0); }},
      {CUDNN_POINTWISE_IDENTITY, false, [](double x, double) { return x; }},
      {CUDNN_POINTWISE_EXP, false, [](double x, double) { return std::exp(x); }},
      {CUDNN_POINTWISE_NEG, false, [](double x, double) { return -x; }},
      {CUDNN_POINTWISE_TANH_FWD, false, [](double x, double) { return std::tanh(x); }},
      {CUDNN_POINTWISE_SIGMOID_FWD, false, [](double x, double) { return 1 / (1 + std::exp(-x)); }},
  };
  for (const Case &test : cases)
    for (double alpha : {1.0, 0.5}) {
      Plan plan = pointwisePlan(test.mode, test.binary);
      plan.graph.nodes[0].alpha = alpha;
      ASSERT_TRUE(checkGraph(plan.graph).ok()) << checkGraph(plan.graph).message();
      Bench bench(plan);
      ASSERT_TRUE(bench.run().ok());
      Numbers expected;
      for (size_t i = 0; i < bench.numbers[1].size(); ++i)
        expected.push_back(test.function(alpha * bench.numbers[1][i], bench.numbers[2][i / 12 % 5]));
      EXPECT_LE(difference(bench.read(3), expected), 1e-6) << nameOf(pointwiseNames(), test.mode);
    }
}

TEST(CudnnExecute, ReluGradientComparesTheForwardInput) {
  Plan plan;
  for (int64_t uid : {1, 2, 3})
    plan.graph.tensors.push_back(activations(uid, CUDNN_DATA_FLOAT, 1, 8, 2, 2));
  plan.graph.nodes = {makeNode(OpKind::Pointwise, {0, -1, -1, 1, 2, -1}, CUDNN_POINTWISE_RELU_BWD)};
  ASSERT_TRUE(checkGraph(plan.graph).ok()) << checkGraph(plan.graph).message();
  Bench bench(plan);
  // At 0, of either sign, no gradient passes; at the least number above it does.
  Numbers &x = bench.numbers[1], &gradient = bench.numbers[2];
  x[0] = 0.0, x[1] = -0.0, x[2] = 1e-30, x[3] = -1e-30;
  gradient[0] = gradient[1] = gradient[2] = gradient[3] = 0.5;
  bench.write(1, x);
  bench.write(2, gradient);
  ASSERT_TRUE(bench.run().ok());
  Numbers expected;
  for (size_t i = 0; i < 32; ++i)
    expected.push_back(x[i] > 0 ? gradient[i] : 0);
  EXPECT_EQ(bench.read(3), expected);
  EXPECT_EQ((Numbers{expected.begin(), expected.begin() + 4}), (Numbers{0, 0, 0.5, 0}));
}

// Between the clips x itself, below them the slope, above them the clip; the gradient of each part, of which the lower
// part has its end and the upper one its begin.
TEST(CudnnExecute, ReluWithClipsAndSlope) {
  for (int mode : {CUDNN_POINTWISE_RELU_FWD, CUDNN_POINTWISE_RELU_BWD}) {
    bool backward = mode == CUDNN_POINTWISE_RELU_BWD;
    Plan plan;
    for (int64_t uid : {1, 2, 3})
      plan.graph.tensors.push_back(activations(uid, CUDNN_DATA_FLOAT, 1, 8, 2, 2));
    if (!backward)
      plan.graph.tensors.erase(plan.graph.tensors.begin() + 1);
    plan.graph.nodes = {backward ? makeNode(OpKind::Pointwise, {0, -1, -1, 1, 2, -1}, mode)
                                 : makeNode(OpKind::Pointwise, {0, -1, 1, -1, -1, -1}, mode)};
    Node &node = plan.graph.nodes[0];
    node.lowerClip = -0.25;
    node.upperClip = 0.5;
    node.lowerSlope = 0.125;
    ASSERT_TRUE(checkGraph(plan.graph).ok()) << checkGraph(plan.graph).message();
    Bench bench(plan);
    Numbers x = bench.numbers[1], gradient = backward ? bench.numbers[2] : x, expected;
    x[0] = -0.25, x[1] = 0.5, x[2] = -1, x[3] = 1;
    bench.write(1, x);
    ASSERT_TRUE(bench.run().ok());
    for (size_t i = 0; i < 32; ++i)
      if (backward)
        expected.push_back(x[i] <= -0.25 ? 0.125 * gradient[i] : x[i] < 0.5 ? gradient[i] : 0);
      else
        expected.push_back(x[i] < -0.25 ? -0.25 + 0.125 * (x[i] + 0.25) : std::min(x[i], 0.5));
    EXPECT_EQ(bench.read(3), expected) << mode;
  }
}

// Each operation writes its results, whose old values it does not read, and nothing else writes them.
TEST(CudnnExecute, ResultsAreWrittenOnceAndNotRead) {
  auto refused = [](Plan plan, const Node &node) {
    plan.graph.nodes = {node};
    Status once = checkGraph(plan.graph);
    EXPECT_TRUE(once.ok()) << once.message();
    Bench bench(plan); // fills what is read and leaves the rest as it is, by what each operation says of itself
    for (const Tensor &tensor : plan.graph.tensors)
      if (tensor.uid > 2)
        bench.memory.markUnwritten(bench.binding.addresses.at(tensor.uid), uint64_t(elementCount(tensor)) * 4);
    Status run = bench.run();
    EXPECT_TRUE(run.ok()) << run.message();
    plan.graph.nodes = {node, node};
    Status twice = checkGraph(plan.graph);
    EXPECT_NE(twice.message().find("tensor 3 is written twice"), std::string::npos) << twice.message();
  };
  for (OpKind kind : {OpKind::Convolution, OpKind::BackwardData, OpKind::BackwardWeights}) {
    Plan plan = convolutionPlan(kind, Shape(), CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT);
    plan.graph.nodes[0].beta = 0;
    plan.graph.nodes.push_back(Node(plan.graph.nodes[0]));
    Status twice = checkGraph(plan.graph);
    EXPECT_NE(twice.message().find("is written twice"), std::string::npos) << twice.message();
  }
  Plan statistics;
  statistics.graph.tensors = {
      activations(1, CUDNN_DATA_FLOAT, 3, 4, 5, 2), activations(2, CUDNN_DATA_FLOAT, 3, 4, 5, 2),
      activations(3, CUDNN_DATA_FLOAT, 1, 4, 1, 1), activations(4, CUDNN_DATA_FLOAT, 1, 4, 1, 1)};
  refused(statistics, makeNode(OpKind::GenStats, {0, 2, 3}));
  statistics.graph.tensors.pop_back();
  refused(statistics, makeNode(OpKind::Reduction, {0, 2}, CUDNN_REDUCE_TENSOR_AVG));
  Plan elementwise;
  for (int64_t uid : {1, 2, 3})
    elementwise.graph.tensors.push_back(activations(uid, CUDNN_DATA_FLOAT, 1, 8, 2, 2));
  refused(elementwise, makeNode(OpKind::Pointwise, {0, 1, 2, -1, -1, -1}, CUDNN_POINTWISE_ADD));
  refused(elementwise, makeNode(OpKind::Pointwise, {0, -1, -1, 1, 2, -1}, CUDNN_POINTWISE_RELU_BWD));
}

TEST(CudnnExecute, ReductionsAndStatistics) {
  Plan plan;
  plan.graph.tensors = {activations(1, CUDNN_DATA_HALF, 3, 4, 5, 2, 6), activations(2, CUDNN_DATA_FLOAT, 1, 4, 1, 1),
                        activations(3, CUDNN_DATA_FLOAT, 1, 4, 1, 1), activations(4, CUDNN_DATA_FLOAT, 1, 4, 1, 1)};
  Node average = makeNode(OpKind::Reduction, {0, 3}, CUDNN_REDUCE_TENSOR_AVG);
  plan.graph.nodes = {makeNode(OpKind::GenStats, {0, 1, 2}), average};
  ASSERT_TRUE(checkGraph(plan.graph).ok());
  Bench bench(plan);
  ASSERT_TRUE(bench.run().ok());
  Numbers sums(4), squares(4), averages(4);
  for (size_t i = 0; i < 120; ++i) {
    double x = bench.numbers[1][i];
    sums[i / 10 % 4] += x, squares[i / 10 % 4] += x * x, averages[i / 10 % 4] += x / 30;
  }
  EXPECT_LE(difference(bench.read(2), sums), 1e-5);
  EXPECT_LE(difference(bench.read(3), squares), 1e-5);
  EXPECT_LE(difference(bench.read(4), averages), 1e-5);
}

/// Of src 1, its gradient's masked part 2, mean 3, inv_std 4 and gamma 5: those of gamma 6 and beta 7, and a, b and c.
Plan normGradientsPlan() {
  Plan plan;
  plan.graph.tensors = {activations(1, CUDNN_DATA_HALF, 3, 4, 5, 2, 6), activations(2, CUDNN_DATA_HALF, 3, 4, 5, 2)};
  for (int64_t uid = 3; uid <= 10; ++uid)
    plan.graph.tensors.push_back(activations(uid, CUDNN_DATA_FLOAT, 1, 4, 1, 1));
  plan.graph.nodes = {makeNode(OpKind::NormGradients, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})};
  return plan;
}

// a * diff + b * src + c is the gradient of what is normalised: the sums of it, and of it times src, are 0.
TEST(CudnnExecute, GradientsOfBatchNorm) {
  Plan plan = normGradientsPlan();
  ASSERT_TRUE(checkGraph(plan.graph).ok());
  Bench bench(plan);
  const Numbers src = bench.numbers[1], diff = bench.numbers[2], gamma = bench.numbers[5];
  Numbers mean(4), variance(4), invStd(4), diffGamma(4), diffBeta(4), sums(4), products(4);
  for (size_t i = 0; i < 120; ++i)
    mean[i / 10 % 4] += src[i] / 30;
  for (size_t i = 0; i < 120; ++i)
    variance[i / 10 % 4] += (src[i] - mean[i / 10 % 4]) * (src[i] - mean[i / 10 % 4]) / 30;
  for (size_t c = 0; c < 4; ++c)
    invStd[c] = 1 / std::sqrt(variance[c]);
  bench.write(3, mean);
  bench.write(4, invStd);
  ASSERT_TRUE(bench.run().ok());
  const Numbers a = bench.read(8), b = bench.read(9), c = bench.read(10);
  for (size_t i = 0; i < 120; ++i) {
    size_t channel = i / 10 % 4;
    diffGamma[channel] += diff[i] * (src[i] - mean[channel]) * invStd[channel];
    diffBeta[channel] += diff[i];
    double gradient = a[channel] * diff[i] + b[channel] * src[i] + c[channel];
    sums[channel] += gradient;
    products[channel] += gradient * src[i];
  }
  EXPECT_LE(difference(bench.read(6), diffGamma), 1e-5);
  EXPECT_LE(difference(bench.read(7), diffBeta), 1e-5);
  for (size_t channel = 0; channel < 4; ++channel) {
    EXPECT_NEAR(a[channel], gamma[channel] * invStd[channel], 1e-5 * std::abs(a[channel]));
    EXPECT_NEAR(sums[channel], 0, 1e-4);
    EXPECT_NEAR(products[channel], 0, 1e-4);
  }
  // Of other shapes it is an error.
  plan.graph.tensors[5].dims[1] = 3;
  Status status = checkGraph(plan.graph);
  EXPECT_NE(status.message().find("the shapes of a batch norm's gradient do not agree: 3x4x5x2 and 1x3x1x1"),
            std::string::npos)
      << status.message();
  plan.graph.tensors[0].dims = {3, 4, 5};
  plan.graph.tensors[0].strides = {20, 1, 4};
  EXPECT_EQ(checkGraph(plan.graph).message(), "batch norms that do not have two spatial dimensions");
}

// b * src and c are large numbers of both signs where the mean is about a thousand times the deviation. What is left of
// them in f32 is exact to half the distance of two f16 near the largest a * diff.
TEST(CudnnExecute, GradientsOfBatchNormWithALargeMean) {
  Bench bench(normGradientsPlan());
  const Numbers diff = bench.numbers[2];
  Numbers src = bench.numbers[1], mean(4), variance(4), invStd(4), diffGamma(4), diffBeta(4), largest(4);
  for (double &x : src)
    x = 1000 + std::round(4 * x) / 2; // f16 there are half a unit apart
  for (size_t i = 0; i < 120; ++i)
    mean[i / 10 % 4] += src[i] / 30;
  for (size_t i = 0; i < 120; ++i)
    variance[i / 10 % 4] += (src[i] - mean[i / 10 % 4]) * (src[i] - mean[i / 10 % 4]) / 30;
  for (size_t c = 0; c < 4; ++c) {
    invStd[c] = 1 / std::sqrt(variance[c]);
    EXPECT_GT(mean[c] * invStd[c], 500);
  }
  bench.write(1, src);
  bench.write(3, mean);
  bench.write(4, invStd);
  ASSERT_TRUE(bench.run().ok());
  const Numbers a = bench.read(8), b = bench.read(9), c = bench.read(10);
  for (size_t i = 0; i < 120; ++i) {
    size_t channel = i / 10 % 4;
    diffGamma[channel] += diff[i] * (src[i] - mean[channel]) * invStd[channel];
    diffBeta[channel] += diff[i];
    largest[channel] = std::max(largest[channel], std::abs(a[channel] * diff[i]));
  }
  for (size_t i = 0; i < 120; ++i) {
    size_t channel = i / 10 % 4;
    double n = (src[i] - mean[channel]) * invStd[channel];
    double gradient = a[channel] * (diff[i] - diffBeta[channel] / 30 - n * diffGamma[channel] / 30);
    float got = float(a[channel]) * float(diff[i]) + (float(b[channel]) * float(src[i]) + float(c[channel]));
    EXPECT_NEAR(got, gradient, 0x1p-11 * largest[channel]);
  }
}

// A virtual tensor is rounded as its type says, although it is never in memory.
TEST(CudnnExecute, VirtualTensorsAreRounded) {
  for (cudnnDataType_t type : kTypes) {
    Plan plan = pointwisePlan(CUDNN_POINTWISE_MUL, true);
    plan.graph.tensors.push_back(activations(101, type, 2, 5, 3, 4));
    plan.graph.tensors[3].isVirtual = true;
    plan.graph.nodes[0].operands[2] = 3;
    plan.graph.nodes.push_back(makeNode(OpKind::Pointwise, {3, 1, 2, -1, -1, -1}, CUDNN_POINTWISE_ADD));
    ASSERT_TRUE(checkGraph(plan.graph).ok());
    Bench bench(plan);
    Numbers scale = {1.0 / 3, 0.1, 1.7, -0.3, 2.9};
    bench.write(2, scale);
    ASSERT_TRUE(bench.run().ok());
    Numbers expected;
    for (size_t i = 0; i < bench.numbers[1].size(); ++i) {
      auto s = float(scale[i / 12 % 5]);
      expected.push_back(rounded(float(bench.numbers[1][i]) * s, type) + s);
    }
    EXPECT_EQ(bench.read(3), expected);
  }
}

//===--- Reports --------------------------------------------------------------------------------------------------===//

TEST(CudnnExecute, ReportsWrongOperands) {
  Shape shape;
  shape.srcPitch = 11;
  Plan plan = convolutionPlan(OpKind::Convolution, shape, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT);
  {
    Bench bench(plan); // one element of one pixel
    uint64_t hole = bench.binding.addresses[1] + 11 * 4 + 8;
    bench.memory.markUnwritten(hole, 4);
    Status status = bench.run();
    EXPECT_NE(status.message().find("tensor 1: "), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("written"), std::string::npos) << status.message();
    EXPECT_TRUE(bench.run(/*check=*/false).ok());
  }
  {
    Bench bench(plan); // between the pixels of the slice
    bench.memory.markUnwritten(bench.binding.addresses[1] + 6 * 4, 5 * 4);
    EXPECT_TRUE(bench.run().ok());
  }
  {
    Bench bench(plan);
    bench.binding.addresses[3] += 4;
    EXPECT_NE(bench.run().message().find("tensor 3: "), std::string::npos);
  }
  {
    Bench bench(plan);
    ASSERT_TRUE(bench.memory.free(bench.binding.addresses[2]).ok());
    EXPECT_NE(bench.run().message().find("tensor 2: "), std::string::npos);
  }
  {
    Bench bench(plan);
    bench.plan.graph.tensors[0].alignment = 16;
    bench.binding.addresses[1] += 4;
    EXPECT_NE(bench.run().message().find("not a multiple of 16"), std::string::npos);
  }
}

TEST(CudnnExecute, OutputsCountAsWrittenAndGapsDoNot) {
  Shape shape;
  shape.dstPitch = 9;
  Bench bench(convolutionPlan(OpKind::Convolution, shape, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT));
  ASSERT_TRUE(bench.run().ok());
  using incept::sim::memory::Access;
  uint64_t dst = bench.binding.addresses[3];
  EXPECT_TRUE(bench.memory.checked(dst, 4 * 4, Access::Read).ok());
  EXPECT_TRUE(bench.memory.checked(dst + 9 * 4, 4 * 4, Access::Read).ok());
  EXPECT_FALSE(bench.memory.checked(dst + 4 * 4, 4, Access::Read).ok());
}

TEST(CudnnExecute, TheWorkspaceIsSpoiledAndHoldsNothingElse) {
  Plan plan = convolutionPlan(OpKind::Convolution, {}, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT);
  plan.workspaceBytes = 256;
  Bench bench(plan);
  bench.memory.markWritten(bench.binding.workspace, 256);
  ASSERT_TRUE(bench.run().ok());
  EXPECT_FALSE(bench.memory.checked(bench.binding.workspace, 4, incept::sim::memory::Access::Read).ok());
  EXPECT_EQ(*reinterpret_cast<unsigned char *>(bench.binding.workspace + 255), 0xff);
  bench.binding.workspace = bench.binding.addresses[1];
  EXPECT_NE(bench.run().message().find("overlaps the workspace"), std::string::npos);
}

} // namespace
