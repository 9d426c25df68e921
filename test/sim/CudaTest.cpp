// SPDX-License-Identifier: Apache-2.0
//
// CUDA C++ through nvcc, run here, against the same formulas on the host.

#include "test/sim/Simulator.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <unistd.h>

namespace incept::sim {
namespace {

/// The PTX of kernels.cu, made once.
const std::string &kernels() {
  static const std::string kText = [] {
    std::filesystem::path file =
        std::filesystem::temp_directory_path() / ("incept-sim-" + std::to_string(getpid()) + ".ptx");
    std::string command = std::string("\"") + INCEPT_NVCC + "\" -ptx -arch=sm_80 \"" + INCEPT_KERNELS_CU + "\" -o \"" +
                          file.string() + "\"";
    std::ostringstream text;
    if (std::system(command.c_str()) == 0)
      text << std::ifstream(file).rdbuf();
    std::filesystem::remove(file);
    return text.str();
  }();
  return kText;
}

struct Cuda : ::testing::Test, Simulator {
  Expected<ptx::Module> module = ptx::Module::parse(kernels());
  std::mt19937 random{3};

  void SetUp() override {
    ASSERT_TRUE(module) << module.status().message();
    ASSERT_TRUE(module->place(memory).ok());
    options.threads = 2;
  }
  std::vector<float> numbers(size_t count, float scale) {
    std::vector<float> result(count);
    for (float &x : result)
      x = scale * (static_cast<float>(random() % 20001) / 10000 - 1);
    return result;
  }
  /// Packs parameters as their C types.
  template <typename... T>
  void launch(const char *name, ptx::Dim3 grid, ptx::Dim3 block, T... parameters) {
    std::vector<std::byte> buffer;
    auto add = [&]<typename P>(P parameter) {
      buffer.resize((buffer.size() + sizeof(P) - 1) / sizeof(P) * sizeof(P) + sizeof(P));
      std::memcpy(buffer.data() + buffer.size() - sizeof(P), &parameter, sizeof(P));
    };
    (add(parameters), ...);
    const ptx::Kernel *kernel = module->find(name);
    ASSERT_NE(kernel, nullptr);
    Status status = ptx::run(*kernel, grid, block, buffer, memory, options, &outcome);
    ASSERT_TRUE(status.ok()) << status.message();
  }
};

TEST_F(Cuda, Saxpy) {
  std::vector<float> x = numbers(1000, 3), y = numbers(1000, 5);
  uint64_t dx = upload(x), dy = upload(y);
  launch("saxpy", {8, 1, 1}, {128, 1, 1}, dx, dy, 2.5f, 1000);
  std::vector<float> got = download<float>(dy, 1000);
  for (size_t i = 0; i < 1000; ++i)
    EXPECT_EQ(got[i], std::fma(2.5f, x[i], y[i]));
}

TEST_F(Cuda, Softmax) {
  constexpr int kRows = 5, kColumns = 333;
  std::vector<float> x = numbers(kRows * kColumns, 10);
  uint64_t dx = upload(x), dy = allocate(x.size() * 4);
  launch("softmax", {kRows, 1, 1}, {128, 1, 1}, dx, dy, kColumns);
  std::vector<float> got = download<float>(dy, x.size());
  for (int r = 0; r < kRows; ++r) {
    double sum = 0;
    for (int c = 0; c < kColumns; ++c)
      sum += std::exp(double(x[r * kColumns + c]));
    for (int c = 0; c < kColumns; ++c)
      EXPECT_NEAR(got[r * kColumns + c], std::exp(double(x[r * kColumns + c])) / sum, 1e-6);
  }
}

TEST_F(Cuda, Transpose) {
  constexpr int kRows = 70, kColumns = 45;
  std::vector<float> x = numbers(kRows * kColumns, 1);
  uint64_t dx = upload(x), dy = allocate(x.size() * 4);
  launch("transpose", {2, 3, 1}, {32, 8, 1}, dx, dy, kRows, kColumns);
  std::vector<float> got = download<float>(dy, x.size());
  for (int r = 0; r < kRows; ++r)
    for (int c = 0; c < kColumns; ++c)
      EXPECT_EQ(got[c * kRows + r], x[r * kColumns + c]);
}

TEST_F(Cuda, Sums) {
  constexpr int kRows = 3, kColumns = 1000;
  std::vector<float> x = numbers(kRows * kColumns, 1);
  uint64_t dx = upload(x), dy = allocate(kRows * 8);
  options.dynamicSharedBytes = 256 * 8;
  launch("sums", {kRows, 1, 1}, {256, 1, 1}, dx, dy, kColumns);
  std::vector<double> got = download<double>(dy, kRows);
  for (int r = 0; r < kRows; ++r) {
    double sum = 0;
    for (int c = 0; c < kColumns; ++c)
      sum += x[r * kColumns + c];
    EXPECT_NEAR(got[r], sum, 1e-10);
  }
}

float widen(uint16_t half) {
  int exponent = half >> 10 & 31, mantissa = half & 1023;
  float magnitude = exponent ? std::ldexp(1024.0f + mantissa, exponent - 25) : std::ldexp(float(mantissa), -24);
  return half & 0x8000 ? -magnitude : magnitude;
}

TEST_F(Cuda, Halves) {
  std::vector<float> x = numbers(500, 7);
  uint64_t dx = upload(x), dh = allocate(1000), db = allocate(1000), dp = allocate(2000);
  launch("halves", {4, 1, 1}, {128, 1, 1}, dx, dh, db, dp, 500);
  std::vector<uint16_t> h = download<uint16_t>(dh, 500), b = download<uint16_t>(db, 500),
                        p = download<uint16_t>(dp, 1000);
  for (size_t i = 0; i < 500; ++i) {
    EXPECT_NEAR(widen(h[i]), x[i] + 1, 0.01);
    EXPECT_NEAR(std::bit_cast<float>(uint32_t(b[i]) << 16), 3 * x[i], 0.15);
    EXPECT_NEAR(widen(p[2 * i]), 2 * x[i] + 0.5f, 0.02);
    EXPECT_NEAR(widen(p[2 * i + 1]), -2 * x[i] + 0.5f, 0.02);
  }
}

TEST_F(Cuda, Functions) {
  constexpr int kCount = 300;
  std::vector<float> x = numbers(kCount, 5);
  std::vector<double> d(kCount);
  for (int i = 0; i < kCount; ++i)
    d[i] = x[(i + 1) % kCount] * 1.1 + 1e-3;
  uint64_t dx = upload(x), dy = allocate(kCount * 48), dd = upload(d), de = allocate(kCount * 24);
  launch("functions", {3, 1, 1}, {128, 1, 1}, dx, dy, dd, de, kCount);
  std::vector<float> y = download<float>(dy, kCount * 12);
  std::vector<double> e = download<double>(de, kCount * 3);
  for (int i = 0; i < kCount; ++i) {
    double v = x[i], a = std::fabs(v);
    const double want[] = {std::sin(v),
                           std::cos(double(x[i] * 100000.0f)),
                           std::exp(v),
                           std::log(a),
                           std::tanh(v),
                           std::sqrt(a),
                           std::pow(a, double(1.7f)),
                           v / 3.1f,
                           std::floor(v) + std::rint(v),
                           std::erf(v),
                           std::fmod(x[i], 0.37f),
                           1 / std::sqrt(a)};
    for (int f = 0; f < 12; ++f) // x is never zero
      EXPECT_NEAR(y[12 * i + f], want[f], 1e-5 * (1 + std::fabs(want[f]))) << "function " << f << " of " << v;
    const double wide[] = {std::exp(d[i]), std::log(std::fabs(d[i])), d[i] / 3.1};
    for (int f = 0; f < 3; ++f)
      EXPECT_NEAR(e[3 * i + f], wide[f], 1e-13 * (1 + std::fabs(wide[f]))) << "double function " << f << " of " << d[i];
  }
}

TEST_F(Cuda, CallsAreRefused) {
  const ptx::Kernel *kernel = module->find("calls");
  ASSERT_NE(kernel, nullptr);
  EXPECT_NE(kernel->status().message().find("calls are not supported"), std::string::npos);
}

TEST_F(Cuda, Integers) {
  constexpr int kCount = 2000;
  std::vector<int32_t> a(kCount), b(kCount);
  for (int i = 0; i < kCount; ++i) {
    a[i] = static_cast<int32_t>(random() >> (random() % 30));
    b[i] = static_cast<int32_t>(random() >> (random() % 30)) * (i % 2 ? 1 : -1);
  }
  uint64_t da = upload(a), db = upload(b), dc = allocate(kCount * 8);
  launch("integers", {16, 1, 1}, {128, 1, 1}, da, db, dc, kCount);
  std::vector<int64_t> got = download<int64_t>(dc, kCount);
  for (int i = 0; i < kCount; ++i) {
    int32_t x = a[i], y = b[i];
    uint32_t ux = static_cast<uint32_t>(x), uy = static_cast<uint32_t>(y), reversed = 0, bytes = 0;
    int64_t lx = int64_t(x) * 1000003, ly = y, result = 0;
    for (int bit = 0; bit < 32; ++bit)
      reversed |= (ux >> bit & 1) << (31 - bit);
    bytes = (ux & 0xff) | (uy & 0xff) << 8 | (ux >> 8 & 0xff) << 16 | (uy >> 8 & 0xff) << 24;
    switch (ux % 7) {
    case 0:
      result = x / (y | 1);
      break;
    case 1:
      result = ux / (uy | 1);
      break;
    case 2:
      result = lx / (ly | 1);
      break;
    case 3:
      result = lx % (ly | 1);
      break;
    case 4:
      result = static_cast<uint32_t>(std::popcount(ux) + std::countl_zero(uy) + (ux ? std::countr_zero(ux) + 1 : 0)) +
               reversed;
      result = static_cast<uint32_t>(result);
      break;
    case 5:
      result = static_cast<uint32_t>(static_cast<uint32_t>((int64_t(x) * y) >> 32) + bytes +
                                     static_cast<uint32_t>(x >> (y & 31)) + (ux >> (y & 31)));
      break;
    default:
      result = static_cast<int64_t>(static_cast<uint64_t>(lx) / static_cast<uint64_t>(ly | 1) +
                                    static_cast<uint32_t>(((uint64_t(uy) << 32 | ux) << (ux & 31)) >> 32));
    }
    EXPECT_EQ(got[i], result + std::min(x, y) + std::max(ux, uy) + std::abs(x)) << i << ": " << x << ", " << y;
  }
}

} // namespace
} // namespace incept::sim
