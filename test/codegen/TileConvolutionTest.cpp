// SPDX-License-Identifier: Apache-2.0
//
// Convolutions by transforms of tiles: the kernels against sums in f64 that are written down from the definition of a
// convolution.

#include "KernelHarness.h"
#include "codegen/cpu/TileChoice.h"
#include "dialect/TileOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/KernelBuilder.h"
#include "passes/KernelRules.h"
#include "passes/MemoryType.h"
#include "passes/Target.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

using namespace mlir;

namespace incept::test {

namespace {

struct Case {
  const char *name;
  int64_t n, ih, iw, k, o, kh, kw, padTop, padLeft, oh, ow, mh, mw, lanes;
  int64_t units = 1, block = 12, gridK = 1, gridO = 1;
  int64_t srcExtra = 0, dstExtra = 0; ///< channels of the tensors that src and dst are slices of, besides theirs
  bool bias = false, relu = false;
  bool normalized = false;
  int64_t parts = 1;
  int64_t stride = 1;
  bool transposed = false; ///< the gradient of data of a stride: src is diff_dst, padding that of the convolution
};

/// With src and dst in each other's place.
Case gradientOfData(Case c) {
  c.transposed = true;
  std::swap(c.ih, c.oh);
  std::swap(c.iw, c.ow);
  std::swap(c.k, c.o);
  std::swap(c.srcExtra, c.dstExtra);
  return c;
}

std::string imageType(int64_t n, int64_t c, int64_t h, int64_t w, int64_t extra) {
  std::string type = "tensor<" + std::to_string(n) + "x" + std::to_string(c) + "x" + std::to_string(h) + "x" +
                     std::to_string(w) + "xf32, #incept.layout<nhwc";
  if (extra)
    type += ", stride = " + std::to_string(c + extra) + ", offset = 0";
  return type + ">>";
}

std::string pair(int64_t a, int64_t b) { return "[" + std::to_string(a) + ", " + std::to_string(b) + "]"; }

/// A tensor in memory: pixels x stride, channels from the first on.
struct Image {
  int64_t n, c, h, w, stride;
  std::vector<float> values;

  Image(int64_t n, int64_t c, int64_t h, int64_t w, int64_t extra, float value)
      : n(n), c(c), h(h), w(w), stride(c + extra), values(n * h * w * (c + extra), value) {}
  float &at(int64_t i, int64_t ch, int64_t y, int64_t x) { return values[((i * h + y) * w + x) * stride + ch]; }
};

constexpr float kUntouched = 12345;

class TileRun {
public:
  explicit TileRun(const Case &c)
      : c(c), shape{c.kh, c.kw, c.mh, c.mw, c.lanes, c.stride, c.transposed},
        src(c.n, c.k, c.ih, c.iw, c.srcExtra, kUntouched), dst(c.n, c.o, c.oh, c.ow, c.dstExtra, kUntouched),
        weights(c.kh * c.kw * c.k * c.o), bias(c.o), center(c.k), scale(c.k), shift(c.k) {
    std::mt19937 random(11);
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < c.n; ++i)
      for (int64_t ch = 0; ch < c.k; ++ch)
        for (int64_t y = 0; y < c.ih; ++y)
          for (int64_t x = 0; x < c.iw; ++x)
            src.at(i, ch, y, x) = std::max(normal(random), 0.f);
    for (float &value : weights)
      value = normal(random);
    for (std::vector<float> *vector : {&bias, &center, &scale, &shift})
      for (float &value : *vector)
        value = normal(random);
    scale[0] = 0; // what is outside the image is 0 all the same
    registry.insert<InceptDialect, func::FuncDialect>();
    registerKernelRules(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  std::string head() {
    return " kernel " + pair(c.kh, c.kw) + " pad " + pair(c.padTop, c.padLeft) + " tile " + pair(c.mh, c.mw) +
           " lanes " + std::to_string(c.lanes) + stride();
  }
  std::string stride() { return c.stride > 1 ? " stride " + std::to_string(c.stride) : ""; }
  std::string normalization() { return c.normalized ? " normalized %a2, %a3, %a4" : ""; }
  std::string vector(int64_t elements) { return "tensor<" + std::to_string(elements) + "xf32>"; }

  /// One kernel group: `text` computes %r... of arguments %a0, %a1, ...
  std::string group(const std::string &name, const std::string &op, const std::vector<std::string> &ins,
                    const std::vector<std::string> &outs) {
    std::string inTypes, outTypes, inner, outer, formal, yielded;
    for (size_t i = 0; i < ins.size(); ++i) {
      std::string comma = i ? ", " : "";
      inTypes += comma + ins[i];
      inner += comma + "%a" + std::to_string(i) + ": " + ins[i];
      outer += comma + "%b" + std::to_string(i);
      formal += comma + "%b" + std::to_string(i) + ": " + ins[i];
    }
    for (size_t i = 0; i < outs.size(); ++i) {
      outTypes += (i ? ", " : "") + outs[i];
      yielded += (i ? ", " : "") + std::string("%r#") + std::to_string(i);
    }
    return "func.func @" + name + "(" + formal + ") {\n%g:" + std::to_string(outs.size()) +
           " = incept.group \"kernel\" (" + outer + ") : (" + inTypes + ") -> (" + outTypes + ") {\n^bb0(" + inner +
           "):\n%r:" + std::to_string(outs.size()) + " = incept." + op + " : (" + inTypes + ") -> (" + outTypes +
           ")\nincept.yield " + yielded + " : " + outTypes + "\n}\nreturn\n}\n";
  }

  /// Runs the groups of the functions of `text` on `operands`, a list for each.
  void run(const std::string &text, const std::vector<std::vector<std::vector<char> *>> &operands) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << text;
    KernelTable table(*module, cpuRunner().target());
    std::vector<Launch> launches;
    size_t index = 0;
    for (func::FuncOp function : module->getOps<func::FuncOp>()) {
      GroupOp group = *function.getOps<GroupOp>().begin();
      auto kernels = table.get(group);
      ASSERT_TRUE(succeeded(kernels) && kernels->size() == 1);
      const KernelLaunch &kernel = kernels->front();
      ASSERT_GT(kernel.units, 0);
      Launch launch = {kernel.symbol.str(), {}, {kernel.extents.begin(), kernel.extents.end()}, kernel.units};
      for (auto [value, bytes] : llvm::zip_equal(kernel.operands, operands[index])) {
        auto type = cast<RankedTensorType>(value.getType());
        launch.operands.push_back({MemRefType::get(type.getShape(), type.getElementType()), bytes, 0, false});
      }
      launches.push_back(std::move(launch));
      ++index;
    }
    cpuRunner().run(*module, launches);
  }

  static std::vector<char> bytesOf(const std::vector<float> &values) {
    std::vector<char> bytes(values.size() * 4);
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  static void copyBack(const std::vector<char> &bytes, std::vector<float> &values) {
    std::memcpy(values.data(), bytes.data(), values.size() * 4);
  }
  /// `count` elements and some that nobody may touch.
  static std::vector<char> guarded(int64_t count) { return bytesOf(std::vector<float>(count + 64, kUntouched)); }
  static void expectGuarded(const std::vector<char> &bytes) {
    std::vector<float> values(bytes.size() / 4);
    copyBack(bytes, values);
    for (size_t i = values.size() - 64; i < values.size(); ++i)
      ASSERT_EQ(values[i], kUntouched);
  }

  float weight(int64_t o, int64_t k, int64_t y, int64_t x) { return weights[((y * c.kw + x) * c.k + k) * c.o + o]; }

  /// The root mean square error of dst, relative to that of the convolution. `transposed`: src has the channels of the
  /// forward convolution's result, and the weights are those of that convolution, (K, O, kh, kw).
  double convolve(bool transposed = false) {
    transposed |= c.transposed;
    int64_t u = transformedElements(shape, c.k, c.o), s = c.units * convolveScratch(shape, c.k, c.o, c.block);
    std::string w = "tensor<" + std::to_string(transposed ? c.k : c.o) + "x" + std::to_string(transposed ? c.o : c.k) +
                    "x" + std::to_string(c.kh) + "x" + std::to_string(c.kw) + "xf32>";
    std::string text =
        group("t",
              std::string("transform_weights %a0 kernel ") + pair(c.kh, c.kw) + " tile " + pair(c.mh, c.mw) +
                  " lanes " + std::to_string(c.lanes) + stride() + (transposed ? " transposed" : ""),
              {w}, {vector(u)});
    std::vector<std::string> ins = {imageType(c.n, c.k, c.ih, c.iw, c.srcExtra), vector(u)};
    if (c.normalized)
      ins.insert(ins.end(), 3, vector(c.k));
    std::string added = c.bias ? " bias %a" + std::to_string(ins.size()) : "";
    if (c.bias)
      ins.push_back(vector(c.o));
    text += group("c",
                  "convolve_tiles %a0, %a1" + normalization() + added + head() + (c.transposed ? " transposed" : "") +
                      " units " + std::to_string(c.units) + " parts " + std::to_string(c.parts) + " block " +
                      std::to_string(c.block) + (c.relu ? " relu" : ""),
                  ins, {imageType(c.n, c.o, c.oh, c.ow, c.dstExtra), vector(s)});
    // In memory: kh, kw, I, O of the forward convolution.
    std::vector<float> stored(weights.size());
    for (int64_t y = 0; y < c.kh; ++y)
      for (int64_t x = 0; x < c.kw; ++x)
        for (int64_t k = 0; k < c.k; ++k)
          for (int64_t o = 0; o < c.o; ++o) {
            int64_t at = transposed ? (((c.kh - 1 - y) * c.kw + c.kw - 1 - x) * c.o + o) * c.k + k
                                    : ((y * c.kw + x) * c.k + k) * c.o + o;
            stored[at] = weight(o, k, y, x);
          }
    std::vector<char> w0 = bytesOf(stored), transformed = guarded(u), from = bytesOf(src.values),
                      to = bytesOf(dst.values), adds = bytesOf(bias), scratch = guarded(s),
                      by[] = {bytesOf(center), bytesOf(scale), bytesOf(shift)};
    std::vector<std::vector<char> *> operands = {&from, &transformed};
    if (c.normalized)
      operands.insert(operands.end(), {&by[0], &by[1], &by[2]});
    if (c.bias)
      operands.push_back(&adds);
    operands.push_back(&to);
    operands.push_back(&scratch);
    run(text, {{&w0, &transformed}, operands});
    expectGuarded(transformed);
    expectGuarded(scratch);
    copyBack(to, dst.values);
    return errorOfResult();
  }

  /// Where tap `tap` of the window reads in one direction for output `at`, -1 for nowhere. Weights are turned where the
  /// convolution is transposed.
  int64_t readAt(int64_t at, int64_t tap, int64_t pad, int64_t taps, int64_t size) {
    int64_t from = c.transposed ? at + pad - (taps - 1 - tap) : at * c.stride + tap - pad;
    if (c.transposed)
      from = from % c.stride ? -1 : from / c.stride;
    return from < size ? from : -1;
  }

  double errorOfResult() {
    double error = 0, size = 0;
    for (int64_t i = 0; i < c.n; ++i)
      for (int64_t y = 0; y < c.oh; ++y)
        for (int64_t x = 0; x < c.ow; ++x) {
          for (int64_t o = 0; o < c.o; ++o) {
            double sum = c.bias ? bias[o] : 0;
            for (int64_t dy = 0; dy < c.kh; ++dy)
              for (int64_t dx = 0; dx < c.kw; ++dx) {
                int64_t yy = readAt(y, dy, c.padTop, c.kh, c.ih), xx = readAt(x, dx, c.padLeft, c.kw, c.iw);
                if (yy >= 0 && xx >= 0)
                  for (int64_t k = 0; k < c.k; ++k)
                    sum += double(src.at(i, k, yy, xx)) * weight(o, k, dy, dx);
              }
            if (c.relu)
              sum = std::max(sum, 0.0);
            error += std::pow(dst.at(i, o, y, x) - sum, 2);
            size += sum * sum;
          }
          for (int64_t extra = c.o; extra < dst.stride; ++extra)
            EXPECT_EQ(dst.at(i, extra, y, x), kUntouched);
        }
    return std::sqrt(error / size);
  }

  /// The same of the gradient of weights; dst is diff_dst.
  double correlate() {
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < c.n; ++i)
      for (int64_t o = 0; o < c.o; ++o)
        for (int64_t y = 0; y < c.oh; ++y)
          for (int64_t x = 0; x < c.ow; ++x)
            dst.at(i, o, y, x) = normal(random);
    int64_t s = c.gridK * c.gridO * correlateScratch(shape, c.k, c.o, c.gridK, c.gridO, c.block);
    std::string w = "tensor<" + std::to_string(c.o) + "x" + std::to_string(c.k) + "x" + std::to_string(c.kh) + "x" +
                    std::to_string(c.kw) + "xf32>";
    std::vector<std::string> ins = {imageType(c.n, c.k, c.ih, c.iw, c.srcExtra),
                                    imageType(c.n, c.o, c.oh, c.ow, c.dstExtra)};
    if (c.normalized)
      ins.insert(ins.end(), 3, vector(c.k));
    std::string text = group("c",
                             "correlate_tiles %a0, %a1" + normalization() + head() + " grid " + pair(c.gridK, c.gridO) +
                                 " block " + std::to_string(c.block),
                             ins, {w, vector(s)});
    std::vector<char> from = bytesOf(src.values), diff = bytesOf(dst.values), to = guarded(int64_t(weights.size())),
                      scratch = guarded(s), by[] = {bytesOf(center), bytesOf(scale), bytesOf(shift)};
    std::vector<std::vector<char> *> operands = {&from, &diff};
    if (c.normalized)
      operands.insert(operands.end(), {&by[0], &by[1], &by[2]});
    operands.insert(operands.end(), {&to, &scratch});
    run(text, {operands});
    expectGuarded(to);
    expectGuarded(scratch);
    copyBack(to, weights);
    double error = 0, size = 0;
    for (int64_t dy = 0; dy < c.kh; ++dy)
      for (int64_t dx = 0; dx < c.kw; ++dx)
        for (int64_t k = 0; k < c.k; ++k)
          for (int64_t o = 0; o < c.o; ++o) {
            double sum = 0;
            for (int64_t i = 0; i < c.n; ++i)
              for (int64_t y = 0; y < c.oh; ++y)
                for (int64_t x = 0; x < c.ow; ++x) {
                  int64_t yy = readAt(y, dy, c.padTop, c.kh, c.ih), xx = readAt(x, dx, c.padLeft, c.kw, c.iw);
                  if (yy >= 0 && xx >= 0)
                    sum += double(src.at(i, k, yy, xx)) * dst.at(i, o, y, x);
                }
            error += std::pow(weight(o, k, dy, dx) - sum, 2);
            size += sum * sum;
          }
    return std::sqrt(error / size);
  }

  /// Replaces src by what a normalised run reads it as.
  void normalizeSrc() {
    for (int64_t pixel = 0; pixel < c.n * c.ih * c.iw; ++pixel)
      for (int64_t k = 0; k < c.k; ++k) {
        float &value = src.values[pixel * src.stride + k];
        value = std::max(std::fma(value - center[k], scale[k], shift[k]), 0.f);
      }
  }

  const Case c;
  TileShape shape;
  Image src, dst;
  std::vector<float> weights, bias, center, scale, shift;

private:
  DialectRegistry registry;
  MLIRContext context;
};

/// The bound that the compiler states, of the root mean square error, of what a case computes: of gradients of data,
/// the convolution from diff_dst to diff_src.
double boundOf(Case c, LibraryKind kind) {
  LibraryProblem p;
  p.kind = kind;
  if (kind == LibraryKind::ConvolutionBackwardData) {
    c = gradientOfData(c);
    if (c.stride == 1)
      c.padTop = c.kh - 1 - c.padTop, c.padLeft = c.kw - 1 - c.padLeft;
  }
  p.mb = c.n, p.ic = c.k, p.ih = c.ih, p.iw = c.iw, p.oc = c.o, p.oh = c.oh, p.ow = c.ow, p.kh = c.kh, p.kw = c.kw;
  p.pt = c.padTop, p.pl = c.padLeft;
  p.sh = p.sw = c.stride;
  for (const cpu::ConvolutionCandidate &candidate :
       cpu::listCandidates(p, c.lanes, 1, {true, 1}, cpu::ConvolutionCosts::shipped(c.lanes)))
    if (candidate.plan && candidate.plan->shape.mh == c.mh && candidate.plan->shape.mw == c.mw)
      return candidate.error;
  return 0;
}

// Channels that are no whole vectors or panels, images that are no whole tiles, more images than units, several blocks.
const Case kCases[] = {
    {"row2", 2, 5, 9, 5, 7, 1, 7, 0, 3, 5, 9, 1, 2, 8},
    {"row4", 2, 5, 9, 17, 33, 1, 7, 0, 3, 5, 9, 1, 4, 8},
    {"row6", 3, 4, 17, 40, 70, 1, 7, 0, 3, 4, 17, 1, 6, 16, 3, 12},
    {"column6", 3, 17, 4, 40, 70, 7, 1, 3, 0, 17, 4, 6, 1, 16, 2, 12},
    {"column4", 1, 11, 3, 16, 32, 7, 1, 3, 0, 11, 3, 4, 1, 16},
    {"column2", 1, 11, 3, 8, 16, 7, 1, 3, 0, 11, 3, 2, 1, 8},
    {"slices", 2, 9, 8, 20, 36, 1, 7, 0, 3, 9, 8, 1, 6, 8, 2, 6, 1, 1, 12, 5},
    {"valid", 2, 9, 12, 20, 36, 1, 7, 0, 0, 9, 6, 1, 4, 16},
    {"short", 2, 2, 2, 3, 4, 7, 1, 3, 0, 2, 2, 6, 1, 16},
    {"three row", 2, 8, 8, 24, 40, 1, 3, 0, 1, 8, 8, 1, 4, 8, 2},
    {"three column", 2, 8, 8, 24, 40, 3, 1, 1, 0, 8, 8, 6, 1, 16, 2},
    {"three column 2", 2, 8, 8, 24, 40, 3, 1, 1, 0, 8, 8, 2, 1, 8, 2},
    {"square2", 2, 7, 9, 18, 35, 3, 3, 1, 1, 7, 9, 2, 2, 8, 2},
    {"square4", 2, 9, 11, 33, 65, 3, 3, 1, 1, 9, 11, 4, 4, 16, 2},
    {"square6", 2, 13, 9, 20, 40, 3, 3, 1, 1, 13, 9, 6, 6, 16},
    {"square6 narrow", 1, 8, 8, 24, 16, 3, 3, 0, 0, 6, 6, 6, 6, 8, 1, 12, 1, 1, 3, 9},
    {"five2", 2, 9, 7, 19, 34, 5, 5, 2, 2, 9, 7, 2, 2, 8, 2},
    {"five4", 2, 11, 9, 24, 40, 5, 5, 2, 2, 11, 9, 4, 4, 16, 2},
    {"five4 valid", 1, 9, 12, 17, 20, 5, 5, 0, 0, 5, 8, 4, 4, 8, 1, 12, 1, 1, 3, 9},
    {"square4 bias", 1, 8, 8, 17, 19, 3, 3, 1, 1, 8, 8, 4, 4, 8, 2, 6, 1, 1, 0, 0, true, true},
    {"row6 bias", 1, 8, 8, 17, 35, 1, 7, 0, 3, 8, 8, 1, 6, 16, 2, 12, 1, 1, 0, 0, true, false},
    {"row6 relu", 1, 8, 8, 17, 35, 1, 7, 0, 3, 8, 8, 1, 6, 16, 2, 12, 1, 1, 0, 0, false, true},
};

// The same of windows with a stride of 2: even and odd sizes, of which the window leaves a pixel or none at the end,
// all paddings, at one end or both, tiles that stand beyond the image.
const Case kStrided[] = {
    {"strided", 2, 9, 12, 5, 7, 3, 3, 0, 0, 4, 5, 2, 2, 8},
    {"strided, padded behind", 1, 8, 8, 9, 10, 3, 3, 0, 0, 4, 4, 2, 2, 16},
    {"strided, padded", 2, 10, 7, 17, 33, 3, 3, 1, 1, 5, 4, 2, 2, 8, 2, 6},
    {"strided, wide", 2, 17, 18, 33, 70, 3, 3, 0, 0, 8, 8, 2, 2, 16, 3, 12},
    {"strided, padded far", 1, 7, 9, 8, 16, 3, 3, 2, 2, 5, 6, 2, 2, 8},
    {"strided, padded in a row", 1, 14, 27, 24, 16, 3, 3, 0, 1, 6, 14, 2, 2, 8},
    {"strided, small", 2, 3, 4, 3, 4, 3, 3, 1, 1, 2, 2, 2, 2, 16},
    {"strided slices", 1, 9, 9, 17, 35, 3, 3, 1, 1, 5, 5, 2, 2, 16, 2, 12, 1, 1, 12, 5, true, true},
};
Case strided(Case c) {
  c.stride = 2;
  return c;
}

TEST(TileConvolution, Strided) {
  for (const Case &plain : kStrided) {
    Case c = strided(plain);
    double error = TileRun(c).convolve();
    EXPECT_GT(error, 0) << c.name;
    EXPECT_LT(error, boundOf(c, LibraryKind::ConvolutionForward)) << c.name;
    Case back = gradientOfData(c);
    error = TileRun(back).convolve();
    EXPECT_GT(error, 0) << c.name;
    EXPECT_LT(error, boundOf(back, LibraryKind::ConvolutionBackwardData)) << c.name;
    error = TileRun(c).correlate();
    EXPECT_GT(error, 0) << c.name;
    EXPECT_LT(error, boundOf(c, LibraryKind::ConvolutionBackwardWeights)) << c.name;
    c.gridK = std::min<int64_t>(2, ceilDivide(c.k, c.lanes));
    c.gridO = std::min<int64_t>(3, ceilDivide(c.o, 2 * c.lanes));
    c.block = 5;
    EXPECT_LT(TileRun(c).correlate(), boundOf(c, LibraryKind::ConvolutionBackwardWeights)) << c.name;
  }
}

TEST(TileConvolution, Forward) {
  for (const Case &c : kCases) {
    double error = TileRun(c).convolve();
    EXPECT_GT(error, 0) << c.name;
    EXPECT_LT(error, boundOf(c, LibraryKind::ConvolutionForward)) << c.name;
  }
}

// Errors grow with the channels that are added up, and so do the bounds.
TEST(TileConvolution, ManyChannels) {
  const Case cases[] = {{"row4", 1, 1, 8, 2048, 32, 1, 7, 0, 3, 1, 8, 1, 4, 16},
                        {"square2", 1, 4, 4, 2048, 32, 3, 3, 1, 1, 4, 4, 2, 2, 16},
                        strided({"strided", 1, 9, 9, 2048, 32, 3, 3, 0, 0, 4, 4, 2, 2, 16})};
  for (Case c : cases) {
    double bound = boundOf(c, LibraryKind::ConvolutionForward);
    EXPECT_LT(TileRun(c).convolve(), bound) << c.name;
    for (auto [channels, share] : {std::pair(1024, 0.7071), std::pair(512, 0.5), std::pair(8, 0.5)}) {
      c.k = channels;
      EXPECT_NEAR(boundOf(c, LibraryKind::ConvolutionForward), bound * share, bound * 1e-4) << c.name << channels;
    }
    // That of a gradient of weights is one over tiles.
    Case many = c;
    many.k = 4096;
    EXPECT_EQ(boundOf(many, LibraryKind::ConvolutionBackwardWeights),
              boundOf(c, LibraryKind::ConvolutionBackwardWeights));
  }
}

TEST(TileConvolution, TransposedWeights) {
  for (const Case &c : kCases)
    EXPECT_LT(TileRun(c).convolve(/*transposed=*/true), boundOf(c, LibraryKind::ConvolutionBackwardData)) << c.name;
}

TEST(TileConvolution, GradientOfWeights) {
  for (Case c : kCases) {
    EXPECT_LT(TileRun(c).correlate(), boundOf(c, LibraryKind::ConvolutionBackwardWeights)) << c.name;
    // Other shares of the work, and a block that is not full.
    c.gridK = std::min<int64_t>(2, ceilDivide(c.k, c.lanes));
    c.gridO = std::min<int64_t>(3, ceilDivide(c.o, 2 * c.lanes));
    c.block = 5;
    EXPECT_LT(TileRun(c).correlate(), boundOf(c, LibraryKind::ConvolutionBackwardWeights)) << c.name;
  }
}

// Bits depend neither on how tiles are shared out nor on the number of tiles in a block.
TEST(TileConvolution, SameBitsWhateverTheShares) {
  Case c = kCases[2];
  TileRun one(c), other(c);
  one.convolve();
  Case many = c;
  many.units = 7;
  many.block = 24;
  TileRun shared(many);
  shared.convolve();
  EXPECT_EQ(one.dst.values, shared.dst.values);
  many.units = 6;
  many.parts = 3;
  TileRun cutByChannels(many);
  cutByChannels.convolve();
  EXPECT_EQ(one.dst.values, cutByChannels.dst.values);
  Case grid = c;
  grid.gridK = 2;
  grid.gridO = 2;
  TileRun gradient(c), cut(grid);
  gradient.correlate();
  cut.correlate();
  EXPECT_EQ(gradient.weights, cut.weights);
  Case wide = strided(kStrided[3]);
  TileRun stridedGradient(wide);
  wide.gridK = 2;
  wide.gridO = 3;
  TileRun stridedCut(wide);
  stridedGradient.correlate();
  stridedCut.correlate();
  EXPECT_EQ(stridedGradient.weights, stridedCut.weights);
  for (Case way : {strided(kStrided[3]), gradientOfData(strided(kStrided[3]))}) {
    Case cut = way;
    cut.units = 4;
    cut.parts = ceilDivide(cut.o, 2 * cut.lanes) > 1 ? 2 : 1;
    cut.block = 24;
    TileRun whole(way), parts(cut);
    whole.convolve();
    parts.convolve();
    EXPECT_EQ(whole.dst.values, parts.dst.values);
  }
}

// What normalises as it reads computes what it would of the normalised image, to the last bit.
TEST(TileConvolution, NormalizesWhatItReads) {
  for (StringRef name : {"row4", "column6", "slices", "square4", "five2", "row6 bias", "strided slices"}) {
    const Case *found = llvm::find_if(kCases, [&](const Case &c) { return c.name == name; });
    Case c = found != std::end(kCases) ? *found : strided(*std::rbegin(kStrided));
    TileRun before(c), gradientBefore(c);
    before.normalizeSrc();
    before.convolve();
    gradientBefore.normalizeSrc();
    gradientBefore.correlate();
    c.normalized = true;
    TileRun run(c), gradient(c);
    run.convolve();
    gradient.correlate();
    EXPECT_EQ(run.dst.values, before.dst.values) << c.name;
    EXPECT_EQ(gradient.weights, gradientBefore.weights) << c.name;
  }
}

// A NaN in one pixel reaches the outputs whose window it is in, also through the ReLU.
TEST(TileConvolution, KeepsNan) {
  Case c = *llvm::find_if(kCases, [](const Case &c) { return c.relu && c.bias; });
  TileRun run(c);
  run.src.at(0, 3, 4, 4) = std::nanf("");
  run.convolve();
  for (int64_t y = 3; y <= 5; ++y)
    for (int64_t x = 3; x <= 5; ++x)
      EXPECT_TRUE(std::isnan(run.dst.at(0, 0, y, x)));
  // With a stride: the pixel is under the windows of one place, of two or of four, one for each of the four images of
  // every other pixel but two that are alike.
  Case down = strided(*std::rbegin(kStrided));
  for (auto [pixelY, pixelX] : {std::pair(5, 5), std::pair(4, 4), std::pair(4, 5)}) {
    TileRun forward(down);
    forward.src.at(0, 3, pixelY, pixelX) = std::nanf("");
    forward.convolve();
    for (int64_t y = 2; y <= 2 + pixelY % 2; ++y)
      for (int64_t x = 2; x <= 2 + pixelX % 2; ++x)
        EXPECT_TRUE(std::isnan(forward.dst.at(0, 0, y, x))) << pixelY << " " << pixelX;
  }
  // Or the gradient of a place, which reads nine.
  TileRun back(gradientOfData(down));
  back.src.at(0, 3, 2, 2) = std::nanf("");
  back.convolve();
  for (int64_t y = 3; y <= 5; ++y)
    for (int64_t x = 3; x <= 5; ++x)
      EXPECT_TRUE(std::isnan(back.dst.at(0, 0, y, x)));
}

} // namespace

} // namespace incept::test
