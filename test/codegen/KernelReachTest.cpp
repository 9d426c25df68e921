// SPDX-License-Identifier: Apache-2.0
//
// What the compiler says of a launch of a kernel of one op, its units and what it touches, beside what the runtime
// says, which knows neither ops nor the compiler's rules: for extents that are drawn, of which most make no sense.

#include "codegen/cpu/CompileKernels.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/KernelRules.h"
#include "runtime/program/Kernels.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

using namespace mlir;

namespace incept::test {

namespace {

/// An op of images, or of what else the types say, as kernel definitions have it.
struct Op {
  const char *text;
  std::vector<std::string> ins, outs;
};

const std::string kImage = "tensor<?x?x?x?xf32>", kRows = "tensor<?x?xf32>", kVector = "tensor<?xf32>",
                  kScalar = "tensor<f32>", kBytes = "tensor<?x?x?x?xui8>", kNumber = "tensor<i64>",
                  kLabels = "tensor<?xi64>";
const std::vector<Op> kOps = {
    {"max_pool %0 kernel [1, 1]", {kImage}, {kImage}},
    {"max_pool_with_index %0 kernel [1, 1]", {kImage}, {kImage, kBytes}},
    {"max_pool_backward %0, %1 kernel [1, 1]", {kImage, kBytes}, {kImage}},
    {"avg_pool %0 kernel [1, 1]", {kImage}, {kImage}},
    {"avg_pool_backward %0 kernel [1, 1]", {kImage}, {kImage}},
    {"global_avg_pool %0", {kImage}, {kImage}},
    {"global_avg_pool_backward %0", {kImage}, {kImage}},
    {"gate %0 by %1", {kImage, kImage}, {kImage}},
    {"gate_backward %0, %1", {kImage, kImage}, {kImage}},
    {"adaptive_avg_pool %0", {kImage}, {kImage}},
    {"adaptive_avg_pool_backward %0", {kImage}, {kImage}},
    {"resize bilinear %0", {kImage}, {kImage}},
    {"resize_backward nearest %0", {kImage}, {kImage}},
    {"channel_shuffle %0 groups 1", {kImage}, {kImage}},
    {"flatten_pixels %0", {kImage}, {kRows}},
    {"unflatten_pixels %0", {kRows}, {kImage}},
    {"normalize_pixels %0 epsilon 1.0e-05", {kImage}, {kImage}},
    {"normalize_pixels_backward %0, %1 epsilon 1.0e-05", {kImage, kImage}, {kImage}},
    {"normalize_groups %0 groups 1 epsilon 1.0e-05", {kImage}, {kImage}},
    {"normalize_groups_backward %0, %1 groups 1 epsilon 1.0e-05", {kImage, kImage}, {kImage}},
    {"local_response_norm %0 size 5 alpha 1.0e-04 beta 0.75 k 2.0", {kImage}, {kImage}},
    {"local_response_norm_backward %0, %1 size 5 alpha 1.0e-04 beta 0.75 k 2.0", {kImage, kImage}, {kImage}},
    {"softmax %0", {kImage}, {kImage}},
    {"softmax_backward %0, %1", {kImage, kImage}, {kImage}},
    {"dropout %0, %1, %2, %3 {keep = 0.5 : f64, stream = 1 : i64}", {kImage, kNumber, kNumber, kNumber}, {kImage}},
    {"softmax_cross_entropy %0, %1 {label_smoothing = 0.1 : f64}", {kRows, kLabels}, {kScalar}},
    {"softmax_cross_entropy_backward %0, %1 {label_smoothing = 0.1 : f64, weight = 1.0 : f64}",
     {kRows, kLabels},
     {kRows}},
    {"normalize_image %0 {mean = array<f64: 0.5, 0.5, 0.5>, std = array<f64: 1.0, 1.0, 1.0>}", {kBytes}, {kImage}},
    {"import_image %0", {kImage}, {kImage}},
    {"count_nonfinite %0", {kVector}, {kScalar}},
    {"sum_squares %0", {kVector}, {kScalar}},
};

/// The definition of a kernel of the one op.
std::string definitionOf(const Op &op) {
  std::string arguments, ins, outs, text = op.text, results, yielded;
  for (size_t i = 0; i < op.ins.size(); ++i) {
    std::string comma = i ? ", " : "";
    arguments += comma + "%a" + std::to_string(i) + ": " + op.ins[i];
    ins += comma + op.ins[i];
    size_t at = text.find("%" + std::to_string(i));
    text.replace(at, 1, "%a");
  }
  for (size_t i = 0; i < op.outs.size(); ++i) {
    std::string comma = i ? ", " : "";
    outs += comma + op.outs[i];
    yielded += comma + "%r#" + std::to_string(i);
  }
  return "incept.exec.kernel_def @k opaque {\n^bb0(" + arguments + "):\n%r:" + std::to_string(op.outs.size()) +
         " = incept." + text + " : (" + ins + ") -> (" + outs + ")\nincept.yield " + yielded + " : " + outs + "\n}\n";
}

/// The windows that lie one after the other from `before` pixels before the image on, none beyond `after` pixels behind
/// it, are `out`, and each has a pixel of the image.
bool areWindows(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t before, int64_t after) {
  int64_t windows = 0;
  for (int64_t begin = -before; begin + kernel <= in + after; begin += stride)
    ++windows;
  return before < kernel && after < kernel && windows == out && windows > 0;
}

/// What the runtime does not know of: windows of pools, and the number of an image's channels.
bool makesSense(StringRef name, ArrayRef<int64_t> e) {
  if (name.ends_with("_pool") || name.contains("max_pool") || name.contains("avg_pool_backward"))
    if (!name.contains("global") && !name.contains("adaptive"))
      return areWindows(e[1], e[4], e[6], e[8], e[10], e[12]) && areWindows(e[2], e[5], e[7], e[9], e[11], e[13]);
  return name != "normalize_image" || e[1] == 3;
}

TEST(KernelReach, IsWhatTheRuntimeMeasures) {
  DialectRegistry registry;
  registry.insert<InceptDialect, func::FuncDialect>();
  registerKernelRules(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  std::mt19937 random(5);
  auto draw = [&](int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(random); };
  for (const Op &op : kOps) {
    auto module = parseSourceString<ModuleOp>(definitionOf(op), &context);
    ASSERT_TRUE(module) << definitionOf(op);
    auto definition = *module->getOps<exec::KernelDefOp>().begin();
    Operation &inside = definition.getBody().front().front();
    StringRef name = inside.getName().stripDialect();
    KernelLoops loops = *definition.getLoops();
    program::Kernel kernel;
    kernel.name = "k", kernel.family = name.str(), kernel.inputs = op.ins.size();
    for (const std::vector<std::string> *types : {&op.ins, &op.outs})
      for (const std::string &type : *types)
        kernel.operands.push_back({4, type.starts_with("tensor<?x?x?x?x") ? 4
                                      : type.starts_with("tensor<?x?x")   ? 2
                                      : type.starts_with("tensor<?x")     ? 1
                                                                          : 0});
    int accepted = 0, refused = 0;
    bool isPool = loops.extents >= 16; // few draws are windows
    for (int trial = 0; trial < (isPool ? 60000 : 3000); ++trial) {
      std::vector<int64_t> extents;

      for (unsigned i = 0; i < loops.extents; ++i) {
        bool isStride = loops.firstStride >= 0 && i >= unsigned(loops.firstStride), isPadding = isPool && i >= 10;
        bool isNone = draw(0, 60) == 0; // of most there has to be something
        extents.push_back(isStride ? draw(36, 40) : isPadding ? draw(0, 3) : isNone ? 0 : draw(1, isPool ? 5 : 6));
      }
      KernelReach reach = definition.getReach(extents);
      std::vector<program::OperandSize> sizes;
      int64_t units = 0;
      std::string why;
      bool isLaunch = measureLaunch(kernel, extents, sizes, units, why) && makesSense(name, extents);
      // Extents of nothing are refused by the runtime alone, where units are not theirs, and rows that overlap by the
      // type of their operand.
      bool hasNone = llvm::is_contained(ArrayRef(extents).take_front(isPool ? 10 : extents.size()), 0);
      bool overlap = llvm::any_of(reach.operands, [](const KernelRows &rows) { return rows.stride < rows.width; });
      if (isLaunch || (!hasNone && !overlap)) {
        EXPECT_EQ(reach.units, isLaunch ? units : 0) << op.text << " " << trial;
      }
      (isLaunch ? accepted : refused) += 1;
      if (!isLaunch)
        continue;
      ASSERT_EQ(reach.operands.size(), sizes.size()) << op.text;
      for (auto [rows, size] : llvm::zip(reach.operands, sizes))
        EXPECT_EQ(uint64_t((rows.rows - 1) * rows.stride + rows.width) * 4, size.bytes) << op.text << " " << trial;
    }
    EXPECT_GT(accepted, 20) << op.text;
    EXPECT_GT(refused, 20) << op.text;
  }
}

/// More kernels, of several ops: rows and channels, sums of rows, and what is made of sums.
constexpr const char *kOthers = R"(
incept.exec.kernel_def @normalize map {
^bb0(%x: tensor<?x?xf32>, %c: tensor<?xf32>, %s: tensor<?xf32>, %t: tensor<?xf32>):
  %y = incept.scale_shift %x, %c, %s, %t : (tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %z = incept.relu %y : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %z : tensor<?x?xf32>
}
incept.exec.kernel_def @add flat {
^bb0(%x: tensor<?xf32>, %y: tensor<?xf32>):
  %z = incept.add %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  incept.yield %z : tensor<?xf32>
}
incept.exec.kernel_def @narrow map {
^bb0(%x: tensor<?x?xf32>):
  %y = incept.cast %x : (tensor<?x?xf32>) -> tensor<?x?xbf16>
  incept.yield %y : tensor<?x?xbf16>
}
incept.exec.kernel_def @stats reduce {
^bb0(%x: tensor<?x?x?x?xf32>, %k: tensor<?xf32>):
  %s, %q = incept.channel_stats %x shift %k : (tensor<?x?x?x?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>)
  incept.yield %s, %q : tensor<?xf32>, tensor<?xf32>
}
incept.exec.kernel_def @combine combine {
^bb0(%x: tensor<?x?xf32>):
  %s = incept.channel_sum %x : (tensor<?x?xf32>) -> tensor<?xf32>
  incept.yield %s : tensor<?xf32>
})";

// How much code kernels are, by the number of operations before LLVM sees them: a record, so that nobody unrolls a loop
// or leaves the vectors without noticing. What they compute is compared elsewhere.
TEST(KernelCode, IsAsLongAsRecorded) {
  DialectRegistry registry;
  registry.insert<InceptDialect, func::FuncDialect>();
  registerKernelRules(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  std::map<std::string, std::pair<int, int>> found;
  auto note = [&](ModuleOp module, const std::string &name) {
    for (exec::KernelDefOp definition : module.getOps<exec::KernelDefOp>()) {
      int counts[2] = {0, 0};
      for (int wide : {0, 1}) {
        auto kernels = cpu::emitKernels(&context, {definition}, wide ? 512 : 256);
        ASSERT_TRUE(succeeded(kernels));
        (*kernels)->walk([&](Operation *) { ++counts[wide]; });
      }
      found[name.empty() ? definition.getSymName().str() : name] = {counts[0], counts[1]};
    }
  };
  for (const Op &op : kOps) {
    auto module = parseSourceString<ModuleOp>(definitionOf(op), &context);
    ASSERT_TRUE(module);
    note(*module, StringRef(op.text).split(' ').first.str());
  }
  auto others = parseSourceString<ModuleOp>(kOthers, &context);
  ASSERT_TRUE(others);
  note(*others, "");
  // Operations for vectors of 256 and of 512 bits.
  const std::map<std::string, std::pair<int, int>> kRecord = {{"adaptive_avg_pool", {212, 212}},
                                                              {"adaptive_avg_pool_backward", {248, 248}},
                                                              {"add", {52, 52}},
                                                              {"avg_pool", {244, 244}},
                                                              {"avg_pool_backward", {298, 298}},
                                                              {"channel_shuffle", {144, 144}},
                                                              {"combine", {63, 63}},
                                                              {"count_nonfinite", {54, 54}},
                                                              {"dropout", {585, 585}},
                                                              {"flatten_pixels", {841, 1673}},
                                                              {"gate", {80, 80}},
                                                              {"gate_backward", {90, 90}},
                                                              {"global_avg_pool", {81, 81}},
                                                              {"global_avg_pool_backward", {68, 68}},
                                                              {"import_image", {41, 41}},
                                                              {"local_response_norm", {147, 147}},
                                                              {"local_response_norm_backward", {274, 274}},
                                                              {"max_pool", {216, 216}},
                                                              {"max_pool_backward", {308, 308}},
                                                              {"max_pool_with_index", {303, 303}},
                                                              {"narrow", {80, 80}},
                                                              {"normalize", {112, 112}},
                                                              {"normalize_groups", {232, 242}},
                                                              {"normalize_groups_backward", {398, 418}},
                                                              {"normalize_image", {57, 57}},
                                                              {"normalize_pixels", {151, 151}},
                                                              {"normalize_pixels_backward", {263, 263}},
                                                              {"resize", {415, 415}},
                                                              {"resize_backward", {215, 215}},
                                                              {"softmax", {139, 139}},
                                                              {"softmax_backward", {124, 124}},
                                                              {"softmax_cross_entropy", {461, 725}}};
  for (const auto &[name, counts] : kRecord)
    EXPECT_EQ(found[name], counts) << name;
}

// What is too large for sizes that are products of two in 32 bits.
TEST(KernelReach, OfImagesThatAreTooLarge) {
  DialectRegistry registry;
  registry.insert<InceptDialect, func::FuncDialect>();
  registerKernelRules(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  for (const char *text : {"resize bilinear %0", "resize_backward nearest %0"}) {
    auto module = parseSourceString<ModuleOp>(definitionOf({text, {kImage}, {kImage}}), &context);
    ASSERT_TRUE(module);
    auto definition = *module->getOps<exec::KernelDefOp>().begin();
    for (size_t place : {1, 2, 4, 5}) {
      std::vector<int64_t> extents = {1, 2, 2, 1, 2, 2, 1, 1};
      extents[place] = 32767;
      EXPECT_GT(definition.getReach(extents).units, 0) << text << " " << place;
      extents[place] = 32768;
      EXPECT_EQ(definition.getReach(extents).units, 0) << text << " " << place;
    }
  }
}

} // namespace

} // namespace incept::test
