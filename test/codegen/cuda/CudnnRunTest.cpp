// SPDX-License-Identifier: Apache-2.0
//
// Plans as the runtime uses them, in the simulator's cuDNN: rebuilt, stored, loaded, executed, and compared with what
// Problem's comment says, in plain loops. All numbers are small integers, so that every sum is exact.
#include "runtime/device/cuda/Cudnn.h"
#include "test/sim/Simulated.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace incept::cudnn {

namespace {

using sim::cu;

/// A tensor in logical order N,C,H,W (or O,I,H,W), stored with the channels of a pixel together and pixels `pitch`
/// apart.
struct Tensor {
  Type type;
  int64_t n, c, h, w, pitch;
  std::vector<float> values; ///< everything from the first element to the last, gaps included

  Tensor(Type type, int64_t n, int64_t c, int64_t h, int64_t w, int64_t pitch = 0)
      : type(type), n(n), c(c), h(h), w(w), pitch(pitch ? pitch : c), values((n * h * w - 1) * this->pitch + c) {}

  float &at(int64_t i, int64_t j, int64_t y, int64_t x) { return values[((i * h + y) * w + x) * pitch + j]; }
  /// 0 outside of the image.
  float get(int64_t i, int64_t j, int64_t y, int64_t x) {
    return y < 0 || y >= h || x < 0 || x >= w ? 0 : at(i, j, y, x);
  }
  void fill(unsigned seed) {
    std::mt19937 random(seed);
    for (float &value : values)
      value = float(int(random() % 5) - 2);
  }
};

/// Small integers are the same in all types but for where the bits are.
std::vector<uint8_t> bytesOf(const Tensor &tensor) {
  size_t size = size_t(typeBytes(tensor.type));
  std::vector<uint8_t> bytes(tensor.values.size() * size);
  for (size_t i = 0; i < tensor.values.size(); ++i)
    std::memcpy(&bytes[i * size], reinterpret_cast<const char *>(&tensor.values[i]) + 4 - size, size);
  return bytes;
}

Tensor fromBytes(Tensor tensor, const std::vector<uint8_t> &bytes) {
  size_t size = size_t(typeBytes(tensor.type));
  for (size_t i = 0; i < tensor.values.size(); ++i) {
    tensor.values[i] = 0;
    std::memcpy(reinterpret_cast<char *>(&tensor.values[i]) + 4 - size, &bytes[i * size], size);
  }
  return tensor;
}

class CudnnRunTest : public ::testing::Test {
protected:
  void SetUp() override {
    sim::makeCurrent();
    ASSERT_EQ(cu("cuStreamCreate", &stream, unsigned(CU_STREAM_NON_BLOCKING)), CUDA_SUCCESS);
    std::string error;
    library = Library::open({INCEPT_SIM_LIBRARIES, {}}, error);
    ASSERT_NE(library, nullptr) << error;
    ASSERT_TRUE(library->createHandle(stream, handle, error)) << error;
  }
  void TearDown() override {
    for (CUdeviceptr address : allocations)
      cu("cuMemFree", address);
    library->destroyHandle(handle);
  }

  void *upload(const Tensor &tensor) {
    std::vector<uint8_t> bytes = bytesOf(tensor);
    CUdeviceptr address = 0;
    EXPECT_EQ(cu("cuMemAlloc", &address, bytes.size()), CUDA_SUCCESS);
    EXPECT_EQ(cu("cuMemcpyHtoD", address, static_cast<const void *>(bytes.data()), bytes.size()), CUDA_SUCCESS);
    allocations.push_back(address);
    return reinterpret_cast<void *>(address);
  }
  Tensor download(const Tensor &like, void *address) {
    std::vector<uint8_t> bytes(bytesOf(like).size());
    EXPECT_EQ(cu("cuStreamSynchronize", stream), CUDA_SUCCESS);
    EXPECT_EQ(cu("cuMemcpyDtoH", static_cast<void *>(bytes.data()), CUdeviceptr(address), bytes.size()), CUDA_SUCCESS);
    return fromBytes(like, bytes);
  }

  /// Executes the problem on the operands (the last are the results, of which what lies between the pixels must stay),
  /// with a rebuilt plan and with the same plan stored and loaded, and compares the results of both with `expected`.
  void check(const Problem &problem, std::vector<Tensor> operands, const std::vector<Tensor> &expected,
             int64_t engine = 0);

  std::shared_ptr<const Library> library;
  Handle handle = nullptr;
  CUstream stream = nullptr;
  std::vector<CUdeviceptr> allocations;
};

void CudnnRunTest::check(const Problem &problem, std::vector<Tensor> operands, const std::vector<Tensor> &expected,
                         int64_t engine) {
  Choice choice;
  choice.engine = engine;
  choice.workspaceBytes = 1 << 20;
  Plan rebuilt, loaded;
  std::string error;
  ASSERT_TRUE(rebuilt.rebuild(library, handle, problem, choice, error)) << error;
  ASSERT_TRUE(rebuilt.serialize(choice.serialized, error)) << error;
  ASSERT_TRUE(loaded.load(library, handle, problem, choice, error)) << error;
  for (Plan *plan : {&rebuilt, &loaded}) {
    std::vector<void *> addresses;
    for (const Tensor &operand : operands)
      addresses.push_back(upload(operand));
    const std::vector<void *> results(addresses.end() - int64_t(expected.size()), addresses.end());
    addresses.push_back(upload(Tensor(Type::F32, 1, 1, 1, 64))); // the workspace
    ASSERT_EQ(addresses.size(), operandCount(problem));
    for (int time = 0; time < 2; ++time) // the second time with the variant pack of the first
      ASSERT_TRUE(plan->execute(handle, addresses.data(), addresses.size(), error)) << error;
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_EQ(download(expected[i], results[i]).values, expected[i].values) << "result " << i;
  }
}

/// A convolution whose every number differs from the others.
Problem odd(Kind kind, Type type) {
  Problem p;
  p.kind = kind;
  p.type = p.resultType = p.biasType = type;
  p.mb = 2, p.g = 2, p.ic = 6, p.ih = 9, p.iw = 7, p.oc = 8, p.kh = 3, p.kw = 2;
  p.sh = 2, p.sw = 1, p.dh = 1, p.dw = 2, p.pt = 1, p.pl = 0, p.pb = 2, p.pr = 3;
  p.oh = (9 + 1 + 2 - 3) / 2 + 1;
  p.ow = 7 + 3 - 3 + 1;
  p.srcStride = 10;
  p.dstStride = 12;
  return p;
}

/// Calls visit(image, channel of dst, y, x of dst, channel of src, channel of weights, window y, x, y, x of src).
template <typename Visit>
void forEachProduct(const Problem &p, Visit visit) {
  for (int64_t n = 0; n < p.mb; ++n)
    for (int64_t o = 0; o < p.oc; ++o)
      for (int64_t y = 0; y < p.oh; ++y)
        for (int64_t x = 0; x < p.ow; ++x)
          for (int64_t i = 0; i < p.ic / p.g; ++i)
            for (int64_t r = 0; r < p.kh; ++r)
              for (int64_t s = 0; s < p.kw; ++s)
                visit(n, o, y, x, o / (p.oc / p.g) * (p.ic / p.g) + i, i, r, s, y * p.sh + r * p.dh - p.pt,
                      x * p.sw + s * p.dw - p.pl);
}

struct Operands {
  Tensor src, weights, dst;
  explicit Operands(const Problem &p)
      : src(p.type, p.mb, p.ic, p.ih, p.iw, p.srcStride), weights(p.type, p.oc, p.ic / p.g, p.kh, p.kw),
        dst(p.type, p.mb, p.oc, p.oh, p.ow, p.dstStride) {
    src.fill(1);
    weights.fill(2);
    dst.fill(3);
  }
};

/// Sets the tensor's elements to 0, but not what lies between its pixels.
void clear(Tensor &tensor) {
  for (size_t i = 0; i < tensor.values.size(); ++i)
    if (int64_t(i) % tensor.pitch < tensor.c)
      tensor.values[i] = 0;
}

TEST_F(CudnnRunTest, Forward) {
  for (Type type : {Type::F32, Type::BF16}) {
    Problem p = odd(Kind::ConvolutionForward, type);
    Operands o(p);
    Tensor expected = o.dst;
    clear(expected);
    forEachProduct(p, [&](auto n, auto k, auto y, auto x, auto c, auto i, auto r, auto s, auto sy, auto sx) {
      expected.at(n, k, y, x) += o.src.get(n, c, sy, sx) * o.weights.at(k, i, r, s);
    });
    check(p, {o.src, o.weights, o.dst}, {expected});
  }
}

TEST_F(CudnnRunTest, Epilogue) {
  Problem p = odd(Kind::ConvolutionForward, Type::F32);
  p.bias = p.residual = p.relu = true;
  p.scale = 0.5;
  p.residualStride = 9;
  Operands o(p);
  Tensor bias(p.biasType, 1, p.oc, 1, 1), residual(p.type, p.mb, p.oc, p.oh, p.ow, p.residualStride);
  bias.fill(4);
  residual.fill(5);
  Tensor expected = o.dst;
  clear(expected);
  forEachProduct(p, [&](auto n, auto k, auto y, auto x, auto c, auto i, auto r, auto s, auto sy, auto sx) {
    expected.at(n, k, y, x) += o.src.get(n, c, sy, sx) * o.weights.at(k, i, r, s);
  });
  for (int64_t n = 0; n < p.mb; ++n)
    for (int64_t k = 0; k < p.oc; ++k)
      for (int64_t y = 0; y < p.oh; ++y)
        for (int64_t x = 0; x < p.ow; ++x) {
          float &value = expected.at(n, k, y, x);
          value = std::max(0.0f, p.scale * value + residual.at(n, k, y, x) + bias.at(0, k, 0, 0));
        }
  check(p, {o.src, o.weights, bias, residual, o.dst}, {expected});
}

TEST_F(CudnnRunTest, BackwardData) {
  Problem p = odd(Kind::ConvolutionBackwardData, Type::F32);
  Operands o(p);
  Tensor expected = o.src;
  clear(expected);
  forEachProduct(p, [&](auto n, auto k, auto y, auto x, auto c, auto i, auto r, auto s, auto sy, auto sx) {
    if (sy >= 0 && sy < p.ih && sx >= 0 && sx < p.iw)
      expected.at(n, c, sy, sx) += o.dst.at(n, k, y, x) * o.weights.at(k, i, r, s);
  });
  check(p, {o.dst, o.weights, o.src}, {expected});
}

TEST_F(CudnnRunTest, BackwardDataAndBatchNorm) {
  Problem p;
  p.kind = Kind::ConvolutionBackwardData;
  p.g = p.sh = p.sw = p.dh = p.dw = p.pt = p.pl = p.pb = p.pr = 1;
  p.mb = 2, p.ic = 6, p.oc = 8, p.kh = p.kw = 3;
  p.ih = p.oh = 8, p.iw = p.ow = 4; // 64 pixels, so that numbers divided by them are exact
  p.srcStride = 10, p.dstStride = 12, p.normStride = 9;
  p.normGradient = true;
  Operands o(p);
  Tensor src(p.type, p.mb, p.ic, p.ih, p.iw, p.normStride), vector(Type::F32, 1, p.ic, 1, 1);
  Tensor mean = vector, invStd = vector, gamma = vector, beta = vector;
  unsigned seed = 4;
  for (Tensor *tensor : {&src, &mean, &gamma, &beta})
    tensor->fill(seed++);
  for (int64_t c = 0; c < p.ic; ++c)
    invStd.at(0, c, 0, 0) = float(1 + c % 2);
  Tensor diff = o.src, diffGamma = vector, diffBeta = vector, a = vector, b = vector, factor = vector;
  clear(diff);
  forEachProduct(p, [&](auto n, auto k, auto y, auto x, auto c, auto i, auto r, auto s, auto sy, auto sx) {
    if (sy >= 0 && sy < p.ih && sx >= 0 && sx < p.iw)
      diff.at(n, c, sy, sx) += o.dst.at(n, k, y, x) * o.weights.at(k, i, r, s);
  });
  for (int64_t c = 0; c < p.ic; ++c) {
    auto of = [c](Tensor &tensor) -> float & { return tensor.at(0, c, 0, 0); };
    for (int64_t n = 0; n < p.mb; ++n)
      for (int64_t y = 0; y < p.ih; ++y)
        for (int64_t x = 0; x < p.iw; ++x) {
          float normalized = (src.at(n, c, y, x) - of(mean)) * of(invStd), &value = diff.at(n, c, y, x);
          value = of(gamma) * normalized + of(beta) > 0 ? value : 0;
          of(diffGamma) += value * normalized;
          of(diffBeta) += value;
        }
    of(a) = of(gamma) * of(invStd);
    of(b) = -of(a) * of(invStd) * of(diffGamma) / 64;
    of(factor) = -of(a) * of(diffBeta) / 64 - of(b) * of(mean);
  }
  check(p, {o.dst, o.weights, src, mean, invStd, gamma, beta, o.src, vector, vector, vector, vector, vector},
        {diff, diffGamma, diffBeta, a, b, factor}, /*engine=*/2); // the first two take half alone
}

TEST_F(CudnnRunTest, BackwardWeights) {
  Problem p = odd(Kind::ConvolutionBackwardWeights, Type::F32);
  Operands o(p);
  Tensor expected = o.weights;
  clear(expected);
  forEachProduct(p, [&](auto n, auto k, auto y, auto x, auto c, auto i, auto r, auto s, auto sy, auto sx) {
    expected.at(k, i, r, s) += o.dst.at(n, k, y, x) * o.src.get(n, c, sy, sx);
  });
  check(p, {o.src, o.dst, o.weights}, {expected});
}

/// What is convolved is normalised first; outside of the image it is 0.
TEST_F(CudnnRunTest, NormalizedSource) {
  for (Kind kind : {Kind::ConvolutionForward, Kind::ConvolutionBackwardWeights}) {
    Problem p = odd(kind, Type::F32);
    p.normalized = true;
    p.stats = kind == Kind::ConvolutionForward;
    Operands o(p);
    Tensor factor(p.type, 1, p.ic, 1, 1), offset = factor, sum(Type::F32, 1, p.oc, 1, 1), squares = sum, image = o.src;
    factor.fill(4);
    offset.fill(5);
    for (int64_t n = 0; n < p.mb; ++n)
      for (int64_t c = 0; c < p.ic; ++c)
        for (int64_t y = 0; y < p.ih; ++y)
          for (int64_t x = 0; x < p.iw; ++x) {
            float &value = image.at(n, c, y, x);
            value = std::max(0.0f, value * factor.at(0, c, 0, 0) + offset.at(0, c, 0, 0));
          }
    Tensor expected = p.stats ? o.dst : o.weights;
    clear(expected);
    forEachProduct(p, [&](auto n, auto k, auto y, auto x, auto c, auto i, auto r, auto s, auto sy, auto sx) {
      float term = image.get(n, c, sy, sx);
      (p.stats ? expected.at(n, k, y, x) : expected.at(k, i, r, s)) +=
          term * (p.stats ? o.weights.at(k, i, r, s) : o.dst.at(n, k, y, x));
    });
    if (!p.stats) {
      check(p, {o.src, o.dst, factor, offset, o.weights}, {expected}, /*engine=*/1); // the first takes half alone
      continue;
    }
    for (int64_t n = 0; n < p.mb; ++n)
      for (int64_t k = 0; k < p.oc; ++k)
        for (int64_t y = 0; y < p.oh; ++y)
          for (int64_t x = 0; x < p.ow; ++x) {
            float value = expected.at(n, k, y, x);
            sum.at(0, k, 0, 0) += value;
            squares.at(0, k, 0, 0) += value * value;
          }
    check(p, {o.src, o.weights, factor, offset, o.dst, sum, squares}, {expected, sum, squares}, /*engine=*/1);
  }
}

/// Every way to transpose, with pitches where a convolution takes them, and one that is a matmul in cuDNN too.
TEST_F(CudnnRunTest, MatMul) {
  for (int which = 0; which < 5; ++which) {
    SCOPED_TRACE(which);
    Problem p;
    p.kind = Kind::MatMul;
    p.m = 5, p.n = 6, p.k = 7;
    p.transposeA = which == 2 || which == 4;
    p.transposeB = which == 0 || which == 3 || which == 4;
    p.bias = which == 0;
    int64_t aRows = p.transposeA ? p.k : p.m, bRows = p.transposeB ? p.n : p.k;
    int64_t aColumns = p.transposeA ? p.m : p.k, bColumns = p.transposeB ? p.k : p.n;
    p.lda = aColumns + 3;
    p.ldb = bColumns + (which >= 2 ? 2 : 0);
    p.ldc = p.n + (which == 2 ? 0 : 1);
    Tensor a(p.type, aRows, aColumns, 1, 1, p.lda), b(p.type, bRows, bColumns, 1, 1, p.ldb);
    Tensor c(p.type, p.m, p.n, 1, 1, p.ldc), bias(p.type, 1, p.n, 1, 1);
    a.fill(1);
    b.fill(2);
    c.fill(3);
    bias.fill(4);
    Tensor expected = c;
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) {
        float sum = p.bias ? bias.at(0, j, 0, 0) : 0;
        for (int64_t k = 0; k < p.k; ++k)
          sum += (p.transposeA ? a.at(k, i, 0, 0) : a.at(i, k, 0, 0)) *
                 (p.transposeB ? b.at(j, k, 0, 0) : b.at(k, j, 0, 0));
        expected.at(i, j, 0, 0) = sum;
      }
    std::vector<Tensor> operands = {a, b};
    if (p.bias)
      operands.push_back(bias);
    operands.push_back(c);
    check(p, operands, {expected});
  }
}

TEST_F(CudnnRunTest, OperandsAreChecked) {
  Problem p = odd(Kind::ConvolutionForward, Type::F32);
  Operands o(p);
  Choice choice;
  choice.engine = 0;
  Plan plan;
  std::string error;
  ASSERT_TRUE(plan.rebuild(library, handle, p, choice, error)) << error;
  EXPECT_EQ(plan.workspaceBytes(), 0u);
  std::vector<void *> operands = {upload(o.src), upload(o.weights), upload(o.dst), nullptr};
  EXPECT_TRUE(plan.execute(handle, operands.data(), 4, error)) << error; // no workspace is needed
  EXPECT_FALSE(plan.execute(handle, operands.data(), 3, error));
  EXPECT_EQ(error, "expected 4 operands, but got 3");
  operands[1] = static_cast<char *>(operands[1]) + 4;
  EXPECT_FALSE(plan.execute(handle, operands.data(), 4, error));
  EXPECT_EQ(error, "operand 1 is not at a multiple of 16 bytes");
  operands[1] = nullptr;
  EXPECT_FALSE(plan.execute(handle, operands.data(), 4, error));
  EXPECT_EQ(error, "operand 1 has no address");
}

TEST_F(CudnnRunTest, DamagedPlansDoNotLoad) {
  Problem p = odd(Kind::ConvolutionForward, Type::F32);
  Choice choice;
  choice.engine = 0;
  Plan plan;
  std::string error;
  EXPECT_FALSE(plan.load(library, handle, p, choice, error));
  EXPECT_EQ(error, "the plan was not stored");
  ASSERT_TRUE(plan.rebuild(library, handle, p, choice, error)) << error;
  std::string whole;
  ASSERT_TRUE(plan.serialize(whole, error)) << error;
  for (size_t size : {size_t(1), whole.size() / 2, whole.size() - 1}) {
    choice.serialized = whole.substr(0, size);
    EXPECT_FALSE(plan.load(library, handle, p, choice, error)) << size;
    EXPECT_FALSE(error.empty());
  }
  // A whole plan of another problem.
  choice.serialized = whole;
  EXPECT_TRUE(plan.load(library, handle, p, choice, error)) << error;
  auto other = [&](auto edit, const char *why) {
    Problem changed = p;
    edit(changed);
    EXPECT_FALSE(plan.load(library, handle, changed, choice, error));
    EXPECT_EQ(error, why);
  };
  other([](Problem &q) { q.mb += 1; }, "the stored plan has another tensor 1");
  other([](Problem &q) { q.resultType = Type::BF16; }, "the stored plan has another tensor 3");
  other([](Problem &q) { q.relu = true; }, "the stored plan has other tensors or operations");
  other([](Problem &q) { ++q.pt, --q.pb; }, "the stored plan has another window");
  choice.engine = 1 << 20;
  EXPECT_FALSE(plan.rebuild(library, handle, p, choice, error));
  choice.engine = 0;
  choice.knobs = "9=1,2=1";
  EXPECT_FALSE(plan.rebuild(library, handle, p, choice, error));
  EXPECT_EQ(error, "malformed knobs '9=1,2=1'");
}

} // namespace

} // namespace incept::cudnn
