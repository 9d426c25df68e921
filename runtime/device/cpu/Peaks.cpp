// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/cpu/Peaks.h"
#include "runtime/device/cpu/OneDnn.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <new>
#include <omp.h>
#include <sys/mman.h>
#include <utility>

namespace incept {

namespace {

using Clock = std::chrono::steady_clock;

/// The best of several trials: other programs on the machine only ever make one slower.
template <typename Body>
double fastest(int trials, Body body) {
  double best = 1e30;
  for (int trial = 0; trial < trials; ++trial) {
    auto start = Clock::now();
    body();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

/// Floats on large pages, as a program's regions are.
class Floats {
public:
  explicit Floats(size_t count) : bytes((count * sizeof(float) + kPage - 1) / kPage * kPage) {
    memory = std::aligned_alloc(kPage, bytes);
    if (!memory)
      throw std::bad_alloc();
    ::madvise(memory, bytes, MADV_HUGEPAGE);
  }
  ~Floats() { std::free(memory); }
  Floats(const Floats &) = delete;
  Floats &operator=(const Floats &) = delete;
  float *data() const { return static_cast<float *>(memory); }

private:
  static constexpr size_t kPage = 2 << 20;
  size_t bytes;
  void *memory;
};

/// Operations per second of a convolution of one image a thread; 0 where it could not run, with the reason.
double measureConvolution(int64_t threads, const std::string &precision, int64_t channels, int64_t kernel,
                          std::string &error) {
  constexpr int64_t kSide = 14;
  onednn::Problem p;
  p.mb = threads;
  p.ic = p.oc = channels;
  p.ih = p.iw = p.oh = p.ow = kSide;
  p.kh = p.kw = kernel;
  p.pt = p.pl = p.pb = p.pr = kernel / 2;
  p.type = precision;
  onednn::Primitive primitive;
  if (!primitive.build(p, error))
    return 0;
  size_t elements = size_t(threads * channels * kSide * kSide), weights = primitive.description().weightsBytes / 4;
  Floats src(elements), filter(weights), dst(elements), scratchpad(primitive.description().scratchpadBytes / 4 + 1);
  // In bf16 these are ones and halves with zeros between.
  std::fill_n(src.data(), elements, 1.0f);
  std::fill_n(filter.data(), weights, 0.5f);
  void *operands[] = {src.data(), filter.data(), dst.data(), scratchpad.data()};
  // Taps on the padding are not computed: counting them would make the peak too high.
  double taps = double(kernel * kSide - (kernel > 1 ? 2 : 0)),
         flops = 2 * double(threads * channels * channels) * taps * taps;
  int repeats = static_cast<int>(2e8 * double(threads) / flops) + 1;
  bool ok = true;
  double seconds = fastest(20, [&] {
    for (int i = 0; i < repeats; ++i)
      ok = primitive.run(operands, 4, error) && ok;
  });
  return ok ? flops * repeats / seconds : 0;
}

/// The best of a few convolutions with operands of some 100 KiB for each core.
Expected<double> measureFlops(int64_t threads, const std::string &precision) {
  double best = 0;
  std::string error;
  for (auto [channels, kernel] : {std::pair<int64_t, int64_t>{64, 3}, {96, 3}, {128, 1}, {256, 1}})
    best = std::max(best, measureConvolution(threads, precision, channels, kernel, error));
  if (best == 0)
    return machineError("cannot measure the machine's peak: " + error);
  return best;
}

double measureBandwidth() {
  constexpr int64_t kElements = 32 << 20;
  Floats a(kElements), b(kElements), c(kElements);
  float *x = a.data(), *y = b.data(), *z = c.data();
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < kElements; ++i)
    x[i] = y[i] = z[i] = 1;
  double triad = fastest(10, [&] {
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < kElements; ++i)
      x[i] = y[i] + 0.5f * z[i];
  });
  // Writing in place fetches no line only to overwrite it.
  volatile float one = 1;
  float factor = one;
  double scale = fastest(10, [&] {
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < kElements; ++i)
      x[i] *= factor;
  });
  return 4.0 * kElements * std::max(3 / triad, 2 / scale);
}

} // namespace

Expected<Peaks> measurePeaks(int64_t threads, const std::string &precision) {
  omp_set_num_threads(static_cast<int>(threads));
  auto flops = measureFlops(threads, precision);
  if (!flops)
    return flops.status();
  return Peaks{*flops, measureBandwidth(), std::to_string(threads) + " threads"};
}

} // namespace incept
