// SPDX-License-Identifier: Apache-2.0
//
// What kernels are designed for on a GPU, and how reductions are cut: numbers that no result depends on.

#include "codegen/cuda/ShapeLaunch.h"
#include "codegen/Codegen.h"
#include "codegen/cuda/CudaBackend.h"
#include "codegen/cuda/CudaTarget.h"
#include "codegen/cuda/PlanSource.h"
#include "codegen/cuda/plans/DeviceProfile.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/KernelRules.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <tuple>
#include <unistd.h>

using namespace mlir;

namespace incept::test {

namespace {

class GpuDesign : public testing::Test {
protected:
  GpuDesign() {
    DialectRegistry registry;
    registry.insert<InceptDialect, func::FuncDialect>();
    registerKernelRules(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// The one kernel of a family with this text between its arguments and its end.
  exec::KernelDefOp kernel(const std::string &family, const std::string &arguments, const std::string &body) {
    modules.push_back(parseSourceString<ModuleOp>(
        "incept.exec.kernel_def @k " + family + " {\n^bb0(" + arguments + "):\n" + body + "\n}\n", &context));
    return modules.back() ? *modules.back()->getOps<exec::KernelDefOp>().begin() : nullptr;
  }

  /// The sum of `count` tensors of pixels, or of its channels.
  exec::KernelDefOp sum(int count, const std::string &type, bool ofChannels) {
    const std::string tensor = "tensor<?x?x?x?x" + type + ">";
    std::string arguments, body, last = "%x0";
    for (int i = 0; i < count; ++i) {
      std::string name = "%x" + std::to_string(i);
      arguments += (i ? ", " : "") + name + ": " + tensor;
      if (i == 0)
        continue;
      std::string next = "%s" + std::to_string(i);
      body += next + " = incept.add " + last + ", " + name + " : (" + tensor + ", " + tensor + ") -> " + tensor + "\n";
      last = next;
    }
    if (!ofChannels)
      return kernel(
          "map", arguments,
          body + (count == 1 ? "%r = incept.relu %x0 : (" + tensor + ") -> " + tensor + "\nincept.yield %r : " + tensor
                             : "incept.yield " + last + " : " + tensor));
    return kernel("reduce", arguments,
                  body + "%c = incept.channel_sum " + last + " : (" + tensor +
                      ") -> tensor<?xf32>\nincept.yield %c : tensor<?xf32>");
  }

  MLIRContext context;
  std::vector<OwningOpRef<ModuleOp>> modules;
};

// 96 registers hold what was read: vectors in flight are what fits, from 1 to 4. Two blocks of 256 threads leave 128
// registers to each; kernels with more than 8 operands have one block, and all 255.
TEST_F(GpuDesign, OfElementwiseKernels) {
  for (int count = 1; count <= 14; ++count) {
    exec::KernelDefOp definition = sum(count, "f32", false);
    ASSERT_TRUE(definition) << count;
    for (int64_t width : {1, 2, 4, 8}) {
      int64_t fits = 96 / (count * width), inFlight = fits > 4 ? 4 : fits < 1 ? 1 : fits;
      // A load has 16 bytes; what is under half of that is not promised.
      int64_t loads = width == 1 ? 0 : width <= 4 ? 1 : 2;
      EXPECT_EQ(cuda::vectorsInFlight(definition, width), inFlight) << count << " " << width;
      EXPECT_EQ(cuda::residentBlocks(definition, width), count + 1 > 8 ? 1 : 2) << count;
      EXPECT_EQ(cuda::registerBudget(definition, width), count + 1 > 8 ? 255 : 128) << count;
      EXPECT_EQ(cuda::designedLoads(definition, width), inFlight * count * loads) << count << " " << width;
    }
    EXPECT_TRUE(cuda::runsBesideOthers(definition));
  }
}

// What adds rows has one block where it reads more than 64 numbers of a row at once.
TEST_F(GpuDesign, OfReductions) {
  for (int count : {1, 2, 7, 8, 9, 16, 17}) {
    exec::KernelDefOp definition = sum(count, "f16", true);
    ASSERT_TRUE(definition) << count;
    for (int64_t width : {1, 4, 8}) {
      const bool isMuch = count * width > 64;
      int64_t fits = 96 / (count * width), inFlight = fits > 4 ? 4 : fits < 1 ? 1 : fits;
      EXPECT_EQ(cuda::vectorsInFlight(definition, width), inFlight) << count << " " << width;
      EXPECT_EQ(cuda::residentBlocks(definition, width), isMuch ? 1 : 2) << count << " " << width;
      EXPECT_EQ(cuda::registerBudget(definition, width), isMuch ? 255 : 128) << count << " " << width;
      EXPECT_EQ(cuda::designedLoads(definition, width), width < 4 ? 0 : inFlight * count) << count << " " << width;
    }
  }
}

// A record of the others: what a thread of each loads before it computes.
TEST_F(GpuDesign, OfOtherKernels) {
  const std::string x = "%x: tensor<?x?x?x?xf32>", i = "%i: tensor<?x?x?x?xui8>";
  const std::string image = "tensor<?x?x?x?xf32>", bytes = "tensor<?x?x?x?xui8>";
  struct {
    const char *family;
    std::string arguments, body;
    int64_t width, loads, blocks;
    bool besideOthers;
  } rows[] = {
      // Three columns of a window.
      {"opaque", x,
       "%y, %i = incept.max_pool_with_index %x kernel [1, 1] : (" + image + ") -> (" + image + ", " + bytes +
           ")\nincept.yield %y, %i : " + image + ", " + bytes,
       4, 3, 2, true},
      {"opaque", x,
       "%y, %i = incept.max_pool_with_index %x kernel [1, 1] : (" + image + ") -> (" + image + ", " + bytes +
           ")\nincept.yield %y, %i : " + image + ", " + bytes,
       8, 6, 2, true},
      // The indices of four channels are four bytes: no load of their own is promised.
      {"opaque", x + ", " + i,
       "%y = incept.max_pool_backward %x, %i kernel [1, 1] : (" + image + ", " + bytes + ") -> " + image +
           "\nincept.yield %y : " + image,
       4, 3, 2, true},
      {"opaque", x + ", " + i,
       "%y = incept.max_pool_backward %x, %i kernel [1, 1] : (" + image + ", " + bytes + ") -> " + image +
           "\nincept.yield %y : " + image,
       8, 9, 2, true},
      // Two pixels.
      {"opaque", x, "%y = incept.global_avg_pool %x : (" + image + ") -> " + image + "\nincept.yield %y : " + image, 4,
       2, 2, false},
      // A vector for each channel.
      {"opaque", "%x: " + bytes,
       "%y = incept.normalize_image %x {mean = array<f64: 0.5, 0.5, 0.5>, std = array<f64: 0.2, 0.2, 0.2>} : (" +
           bytes + ") -> " + image + "\nincept.yield %y : " + image,
       16, 3, 2, false},
      // Nothing is promised.
      {"opaque", "%x: tensor<?x?xf32>, %l: tensor<?xi64>",
       "%y = incept.softmax_cross_entropy %x, %l {label_smoothing = 1.0e-01 : f64} : (tensor<?x?xf32>, tensor<?xi64>) "
       "-> tensor<f32>\nincept.yield %y : tensor<f32>",
       1, 0, 2, false},
      {"combine", "%p: tensor<?x?xf32>",
       "%s = incept.channel_sum %p : (tensor<?x?xf32>) -> tensor<?xf32>\nincept.yield %s : tensor<?xf32>", 4, 0, 2,
       true},
      // Three vectors of each of three tensors: 96 registers for four times 12.
      {"flat",
       "%p: tensor<?xf32>, %g: tensor<?xf32>, %v: tensor<?xf32>, %r: tensor<f32>, %m: tensor<f32>, %d: tensor<f32>",
       "%q, %u = incept.sgd_update %p, %g, %v rate %r momentum %m weight_decay %d decay : (tensor<?xf32>, "
       "tensor<?xf32>, tensor<?xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<?xf32>, tensor<?xf32>)\n"
       "incept.yield %q, %u : tensor<?xf32>, tensor<?xf32>",
       4, 12, 2, true},
  };
  for (const auto &row : rows) {
    exec::KernelDefOp definition = kernel(row.family, row.arguments, row.body);
    ASSERT_TRUE(definition) << row.body;
    EXPECT_EQ(cuda::designedLoads(definition, row.width), row.loads) << row.body;
    EXPECT_EQ(cuda::residentBlocks(definition, row.width), row.blocks) << row.body;
    EXPECT_EQ(cuda::runsBesideOthers(definition), row.besideOthers) << row.body;
  }
}

// Blocks have 256 threads over at most 16 vectors of channels, an even number, that waste the fewest threads; all
// blocks at once are two for each multiprocessor.
TEST_F(GpuDesign, ReductionsAreOneWave) {
  for (int64_t multiprocessors : {1, 20, 108, 132, 170})
    for (int64_t rows : {1, 31, 32, 63, 64, 1000, 4900, 100352, 802816})
      for (int64_t channels : {1, 3, 4, 24, 32, 36, 64, 96, 100, 192, 384, 600, 1000, 2048})
        for (int64_t bytes : {2, 4}) {
          int64_t width = 16 / bytes;
          while (channels % width)
            width /= 2;
          const int64_t vectors = channels / width;
          int64_t ranges = 1;
          if (vectors > 8) {
            int64_t least = INT64_MAX; // threads of a row, with those that have nothing to do
            for (int64_t x = 8; x <= 16; x += 2)
              if (int64_t across = (vectors + x - 1) / x; across * x < least)
                least = across * x, ranges = across;
          }
          // The target asks the same.
          auto [chunk, partials] = cuda::cutReduction(rows, channels, bytes, multiprocessors);
          const int64_t wave = std::max<int64_t>(2 * multiprocessors / ranges, 1),
                        enough = std::max<int64_t>(rows / 32, 1);
          const int64_t wanted = std::min(wave, enough), each = (rows + wanted - 1) / wanted;
          EXPECT_EQ(chunk, each) << rows << "x" << channels << " of " << bytes << ", " << multiprocessors;
          EXPECT_EQ(partials, (rows + each - 1) / each)
              << rows << "x" << channels << " of " << bytes << ", " << multiprocessors;
        }
  // Of the example in reduce.mlir: 600 channels in 15 ranges of 10 vectors, 17 of 264 blocks for each.
  auto [chunk, partials] = cuda::cutReduction(4900, 600, 4, 132);
  EXPECT_EQ(chunk, 289);
  EXPECT_EQ(partials, 17);
}

class GpuTarget : public GpuDesign {
protected:
  /// The last op of a function with these arguments.
  Operation *op(const std::string &arguments, const std::string &text) {
    modules.push_back(
        parseSourceString<ModuleOp>("func.func @f(" + arguments + ") {\n" + text + "\nreturn\n}\n", &context));
    if (!modules.back())
      return nullptr;
    Block &body = (*modules.back()->getOps<func::FuncOp>().begin()).getBody().front();
    return body.getTerminator()->getPrevNode();
  }
  std::string whyNot(Operation *op, StringRef format = "any") {
    std::string why;
    if (!op)
      return "no op";
    return succeeded(target->plan(op, format, why)) ? "planned" : why;
  }
  std::string statistics(const std::string &x, const std::string &w, const std::string &y,
                         const std::string &words = "") {
    return whyNot(op("%x: tensor<" + x + ">, %w: tensor<" + w + ">",
                     "%0:3 = incept.conv2d_stats %x, %w " + words + " : (tensor<" + x + ">, tensor<" + w +
                         ">) -> (tensor<" + y + ">, tensor<16xf32>, tensor<16xf32>)"));
  }

  cuda::NoPlans plans;
  std::shared_ptr<const Target> target = cuda::createCudaTarget(plans, false, 132);
};

TEST_F(GpuTarget, SaysWhyThereIsNoPlan) {
  Operation *relu = op("%x: tensor<2x8x9x9xf32>", "%0 = incept.relu %x : (tensor<2x8x9x9xf32>) -> tensor<2x8x9x9xf32>");
  EXPECT_EQ(whyNot(relu), "cuDNN has no plan for 'incept.relu'");
  Operation *conv = op("%x: tensor<2x8x9x9xf32>, %w: tensor<6x8x3x3xf32>",
                       "%0 = incept.conv2d %x, %w : (tensor<2x8x9x9xf32>, tensor<6x8x3x3xf32>) -> tensor<2x6x7x7xf32>");
  EXPECT_EQ(whyNot(conv), "there is no library");
  EXPECT_EQ(whyNot(conv, "ohwi"), "there is no library");
  EXPECT_EQ(whyNot(conv, "oihw"), "weights in format 'oihw' cannot be used: expected ohwi");
  Operation *product =
      op("%x: tensor<2x8xf32>, %d: tensor<2x3xf32>",
         "%0 = incept.linear_backward_weights %x, %d : (tensor<2x8xf32>, tensor<2x3xf32>) -> tensor<3x8xf32>");
  EXPECT_EQ(whyNot(product, "oihw"), "there is no library"); // its weights have no format
  const std::string engines = "cuDNN's deterministic engines give ";
  EXPECT_EQ(statistics("2x8x9x9xf16", "16x8x3x3xf16", "2x16x7x7xf16"), "there is no library");
  EXPECT_EQ(statistics("2x8x9x9xf32", "16x8x3x3xf32", "2x16x7x7xf32"), engines + "statistics in f16 alone");
  EXPECT_EQ(statistics("2x8x9x9xbf16", "16x8x3x3xbf16", "2x16x7x7xbf16"), engines + "statistics in f16 alone");
  EXPECT_EQ(statistics("2x12x9x9xf16", "16x12x3x3xf16", "2x16x7x7xf16"),
            engines + "statistics where the source has a multiple of 8 channels alone");
  EXPECT_EQ(statistics("2x16x9x9xf16", "16x8x3x3xf16", "2x16x7x7xf16", "groups 2"),
            engines + "no statistics with groups");
  std::string why;
  EXPECT_TRUE(failed(target->planReorder({8, 4}, Float32Type::get(&context), "ohwi", "oihw", true, why)));
  EXPECT_EQ(why, "a change from format 'ohwi' to 'oihw' is not needed on this target");
  EXPECT_TRUE(failed(target->planReorder({8, 4}, Float32Type::get(&context), "ohwi", "ohwi", false, why)));
  EXPECT_EQ(why, "a change from format 'ohwi' to 'ohwi' is not needed on this target");
  auto scaled = target->planReorder({8, 4}, Float32Type::get(&context), "ohwi", "ohwi", true, why);
  ASSERT_TRUE(succeeded(scaled));
  EXPECT_EQ(scaled->weightsFormat, "ohwi");
  EXPECT_TRUE(scaled->generated);
}

TEST_F(GpuTarget, SaysWhatItTakes) {
  EXPECT_EQ(*target->formatBytes({6, 8, 3, 3}, Float32Type::get(&context), "ohwi"), 1728);
  EXPECT_EQ(*target->formatBytes({6, 8, 3, 3}, Float16Type::get(&context), ""), 864);
  EXPECT_EQ(*target->formatBytes({2, 8, 3, 3}, BFloat16Type::get(&context), "nhwc"), 288);
  EXPECT_TRUE(failed(target->formatBytes({6, 8, 3, 3}, Float32Type::get(&context), "oihw")));
  EXPECT_EQ(*target->rowsFormat("ohwi", 3), "ohwi");
  EXPECT_TRUE(target->givesStatistics() && target->givesNormGradients() && target->combinesInOneLaunch() &&
              target->joinsLaunches());
  // Channel slices begin, and their pixels lie, 16 bytes apart: 4 channels of f32, 8 of f16.
  for (const char *type : {"f32", "f16", "bf16"}) {
    const std::string t(type), x = "tensor<2x8x9x9x" + t + ">", w = "tensor<8x8x1x1x" + t + ">",
                               both = "%x: " + x + ", %w: " + w;
    Operation *forward = op(both, "%0 = incept.conv2d %x, %w : (" + x + ", " + w + ") -> " + x);
    Operation *data = op(both, "%0 = incept.conv2d_backward_data %x, %w : (" + x + ", " + w + ") -> " + x);
    Operation *weights =
        op("%x: " + x + ", %d: " + x, "%0 = incept.conv2d_backward_weights %x, %d : (" + x + ", " + x + ") -> " + w);
    Operation *relu = op("%x: " + x, "%0 = incept.relu %x : (" + x + ") -> " + x);
    ASSERT_TRUE(forward && data && weights && relu);
    const bool isWide = t == "f32";
    for (int64_t offset : {0, 2, 4, 8})
      for (int64_t stride : {12, 14, 16, 24}) {
        const int64_t channels = isWide ? 4 : 8;
        const bool fits = offset % channels == 0 && stride % channels == 0;
        auto accepts = [&](Operation *op) { return target->acceptsSlice(op, op->getOperand(0), {stride, offset}); };
        EXPECT_EQ(accepts(forward), fits) << type << offset << " " << stride;
        EXPECT_EQ(accepts(data), fits && isWide) << type << offset << " " << stride;
        EXPECT_EQ(accepts(weights), fits && isWide) << type << offset << " " << stride;
        EXPECT_FALSE(accepts(relu));
      }
    EXPECT_TRUE(target->addsResidual(forward));
    EXPECT_EQ(target->gradientType(data), getElementTypeOrSelf(data->getOperand(0)));
  }
  Operation *grouped =
      op("%x: tensor<2x8x9x9xf32>, %w: tensor<8x4x1x1xf32>",
         "%0 = incept.conv2d %x, %w groups 2 : (tensor<2x8x9x9xf32>, tensor<8x4x1x1xf32>) -> tensor<2x8x9x9xf32>");
  ASSERT_TRUE(grouped);
  EXPECT_FALSE(target->addsResidual(grouped));
}

// The numbers of a profile as the compiler asks for them. Needs cuDNN, as the target does.
TEST(GpuBackend, NumbersOfTheDevice) {
  auto h100 = cuda::findDeviceProfile("h100");
  ASSERT_TRUE(h100) << h100.status().message();
  const std::string path = testing::TempDir() + "incept-backend-" + std::to_string(getpid()) + ".json";
  std::string text = h100->cudnnProperties;
  text.insert(1, R"("incept": {"name": "mine", "title": "my card", "arch": "sm_90", "ptx_version": 83,
    "memory_bytes_per_second": 1000, "peak_flops": {"f32": 1, "tf32": 2, "bf16": 3, "f16": 4}ASSUMED},)");
  auto backendOf = [&](MLIRContext &context, const std::string &settings) -> const Backend * {
    auto given = llvm::dyn_cast_or_null<TargetAttr>(
        parseAttribute("#incept.target<cuda, \"" + path + "\"" + settings + ">", &context));
    if (!given)
      return nullptr;
    auto complete = completeTarget(given);
    if (!complete)
      return nullptr;
    auto target = findTarget(*complete);
    return target ? (*target)->backend() : nullptr;
  };
  const std::string shares = R"("own_kernels_share": 0.5, "older_kernels_share": 0.25, "launch_seconds": 1e-6,
    "library_bytes_share": 0.8, "map_bytes_share": 0.9, "reduction_bytes_share": 0.7, "other_bytes_share": 0.6,
    "fill_share": 0.4})";
  const std::tuple<std::string, std::string, std::string> kinds[] = {
      {"", "", ""},
      {", \"assumed\": {" + shares, "", "assumed, not measured"},
      {", \"measured\": {\"card\": \"a card\", " + shares, ", tf32", "measured on a card"}};
  for (const auto &[costs, settings, words] : kinds) {
    std::string whole = text;
    whole.replace(whole.find("ASSUMED"), 7, costs);
    std::ofstream(path) << whole;
    DialectRegistry registry;
    registry.insert<InceptDialect>();
    cuda::registerTarget(registry, "");
    MLIRContext context(registry);
    context.loadAllAvailableDialects();
    const Backend *backend = backendOf(context, settings);
    if (!backend)
      GTEST_SKIP() << "no cuDNN";
    EXPECT_EQ(backend->costs(), words);
    EXPECT_EQ(backend->stub(), "incept-stub-cuda");
    EXPECT_EQ(backend->memoryBytes(), 76526243019); // nine tenths of 85,029,158,912
    EXPECT_EQ(backend->identity().substr(0, 14), "sm_90 ptx 83 {");
    const std::pair<const char *, double> peaks[] = {{"f32", settings.empty() ? 1 : 2}, {"bf16", 3}, {"f16", 4}};
    for (auto [precision, flops] : peaks) {
      std::optional<Peaks> found = backend->peaks(precision);
      ASSERT_TRUE(found);
      EXPECT_EQ(found->bytesPerSecond, 1000);
      EXPECT_EQ(found->flops, 1);
      EXPECT_EQ(found->tensorCoreFlops, flops) << precision << settings;
    }
  }
  std::filesystem::remove(path);
}

} // namespace

} // namespace incept::test
