// SPDX-License-Identifier: Apache-2.0
//
// What is known of programs for the CPU without its library, and what a process may ask of any device.

#include "runtime/device/Device.h"
#include "runtime/device/cpu/CpuImage.h"
#include "runtime/device/cpu/OneDnn.h"

#include <gtest/gtest.h>

using namespace incept;

namespace {

onednn::Problem convolution(LibraryKind kind) {
  onednn::Problem p;
  p.kind = kind;
  p.mb = 2, p.ic = 8, p.oc = 16, p.ih = p.iw = p.oh = p.ow = 5, p.kh = p.kw = 1;
  p.weightsFormat = "";
  return p;
}

} // namespace

TEST(CpuImage, PlansWriteTheirLastOperand) {
  auto result = [](const onednn::Problem &problem) {
    program::Image image;
    image.plans.emplace_back();
    image.plans.emplace_back().fields = onednn::encode(problem);
    std::vector<program::PlanResult> results = cpu::planResults(image, 1);
    return results.size() == 1 ? std::to_string(results[0].bytes) + " " + results[0].type : std::string("none");
  };
  onednn::Problem forward = convolution(LibraryKind::ConvolutionForward),
                  data = convolution(LibraryKind::ConvolutionBackwardData),
                  weights = convolution(LibraryKind::ConvolutionBackwardWeights), product, reorder;
  EXPECT_EQ(result(forward), "3200 f32"); // 2 * 16 * 25
  EXPECT_EQ(result(data), "1600 f32");
  EXPECT_EQ(result(weights), "512 f32");
  forward.type = data.type = weights.type = "bf16";
  EXPECT_EQ(result(forward), "1600 bf16");
  EXPECT_EQ(result(data), "800 bf16");
  EXPECT_EQ(result(weights), "512 f32"); // in the type of its own
  product.kind = LibraryKind::MatMul;
  product.m = 3, product.n = product.ldb = product.ldc = 4, product.k = product.lda = 5;
  product.type = "bf16";
  EXPECT_EQ(result(product), "48 f32");
  product.type = "f32", product.resultType = "bf16";
  EXPECT_EQ(result(product), "48 f32"); // a plan in f32 says nothing of the other type
  product.type = "bf16";
  EXPECT_EQ(result(product), "24 bf16");
  reorder.kind = LibraryKind::Reorder;
  reorder.dims = {4, 3};
  reorder.type = "bf16";
  EXPECT_EQ(result(reorder), "24 bf16");
  forward.oh = 6;
  EXPECT_EQ(result(forward), "none");
}

TEST(CpuImage, FormatsFitTheirTensors) {
  program::Image image;
  image.regions = {{"params", 1 << 20}};
  auto said = [&](const std::string &format, const std::string &type, const std::string &kind, uint64_t bytes) {
    program::Tensor tensor;
    tensor.name = "w", tensor.format = format, tensor.type = type, tensor.kind = kind;
    tensor.shape = {16, 3, 1, 1};
    tensor.elements = 48;
    tensor.bytes = bytes;
    image.tensors = {tensor};
    EXPECT_EQ(cpu::isPlain(tensor), format.empty() || format == "nhwc");
    return cpu::checkImage(image).message();
  };
  const std::string blocks = "16x8x1x1/128x128x128x128/8b16a", // 3 channels in a block of 8
      damaged = "the program image is damaged: format '" + blocks + "' does not fit tensor 'w'";
  EXPECT_EQ(said("", "bf16", "parameter", 1), "");
  EXPECT_EQ(said("nhwc", "bf16", "parameter", 1), "");
  EXPECT_EQ(said(blocks, "f32", "parameter", 512), "");
  EXPECT_EQ(said(blocks, "f32", "parameter", 511), damaged);
  EXPECT_EQ(said(blocks, "bf16", "parameter", 512), damaged);
  for (const char *kind : {"copy", "derived"}) { // nobody reads these
    EXPECT_EQ(said(blocks, "bf16", kind, 256), "");
    EXPECT_EQ(said(blocks, "bf16", kind, 255), damaged);
  }
  EXPECT_EQ(said("garbage", "f32", "parameter", 1 << 20),
            "the program image is damaged: format 'garbage' does not fit tensor 'w'");
}

TEST(CpuImage, PlansFitTheirOperands) {
  program::Image image;
  image.regions = {{"arena", 1 << 20}};
  program::Plan &plan = image.plans.emplace_back();
  plan.fields = onednn::encode(convolution(LibraryKind::ConvolutionForward));
  plan.scratchpadBytes = 100;
  program::Launch launch;
  launch.op = "op", launch.location = "a:1:2";
  // src 1600, weights 512 and dst 3200 bytes, and the scratchpad.
  launch.operands = {{0, 0}, {0, (1 << 20) - 512}, {0, (1 << 20) - 3200}, {0, (1 << 20) - 100}};
  auto said = [&](const program::Launch &changed) {
    image.entries["infer"] = {changed};
    return cpu::checkImage(image).message();
  };
  EXPECT_EQ(said(launch), "");
  auto place = [](size_t operand, int bytes, int at) {
    return "the program image is damaged: operand " + std::to_string(operand) + " of 'op' (a:1:2) has " +
           std::to_string(bytes) + " bytes at " + std::to_string(at) + " of region 'arena', which has 1048576";
  };
  const int sizes[] = {1600, 512, 3200, 100};
  for (size_t i = 0; i < 4; ++i) {
    program::Launch beyond = launch;
    beyond.operands[i].offset = (1 << 20) - sizes[i] + 2;
    EXPECT_EQ(said(beyond), place(i, sizes[i], (1 << 20) - sizes[i] + 2));
    beyond.operands[i].offset = 1; // only a scratchpad may begin anywhere
    EXPECT_EQ(said(beyond), i == 3 ? "" : place(i, sizes[i], 1));
  }
  program::Launch fewer = launch;
  fewer.operands.pop_back();
  EXPECT_EQ(said(fewer), "the program image is damaged: 'op' (a:1:2) has 3 operands, but expected 4");
  plan.fields[1].second = "0";
  EXPECT_EQ(said(launch), "the program image is damaged: plan 0: expected positive 32-bit dimensions in a convolution");
  plan.fields[0].second = "x";
  EXPECT_EQ(said(launch), "the program image is damaged: plan 0: unknown or malformed plan field 'kind': 'x'");
  image.isa = "i", image.onednn = "o", image.threads = 3;
  nlohmann::ordered_json info;
  cpu::describeImage(image, info);
  EXPECT_EQ(info.dump(), R"({"isa":"i","onednn":"o","threads":3})");
}

TEST(DeviceUse, MakesReadyWhatIsAskedFor) {
  const char *always[] = {"stage_u8", "stage_f32"}, *training[] = {"forward_backward", "update", "prepare_training"},
             *inference[] = {"infer", "prepare_inference"};
  for (bool trains : {false, true})
    for (bool infers : {false, true}) {
      DeviceUse use;
      use.trains = trains, use.infers = infers;
      for (const char *entry : always)
        EXPECT_TRUE(use.runs(entry));
      for (const char *entry : training)
        EXPECT_EQ(use.runs(entry), trains) << entry;
      for (const char *entry : inference)
        EXPECT_EQ(use.runs(entry), infers) << entry;
      EXPECT_EQ(use.check("update").message(), trains ? "" : "entry point 'update' was not made ready");
      EXPECT_EQ(use.check("infer").code(), infers ? Code::Ok : Code::Machine);
      // Plans 0 of training, 1 of inference, 2 of both and 3 of none; kernels have numbers of their own.
      program::Image image;
      image.plans.resize(4);
      auto launch = [](size_t index, bool isKernel = false) {
        program::Launch result;
        result.isKernel = isKernel, result.index = index;
        return result;
      };
      image.entries["update"] = {launch(0), launch(2), launch(3, true)};
      image.entries["infer"] = {launch(1), launch(2), launch(3, true)};
      EXPECT_EQ(use.plansOf(image), (std::vector<bool>{trains, infers, trains || infers, false}));
    }
}

TEST(Peaks, BoundTimesBelow) {
  Peaks peaks{100, 10, ""};
  EXPECT_EQ(peaks.bound(500, 10), 5);
  EXPECT_EQ(peaks.bound(500, 60), 6);
  EXPECT_EQ(peaks.bound(0, 0), 0);
}
