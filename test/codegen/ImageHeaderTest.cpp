// SPDX-License-Identifier: Apache-2.0
//
// The header of an image, all of it, for a module that has one of each: kernels of a family, of one op, of an op that
// the runtime does not know, launches in parts and of several kernels, kept plans, several blobs. And what a program
// may lack.

#include "codegen/image/ImageWriter.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/KernelRules.h"
#include "runtime/program/Image.h"
#include "llvm/Support/Endian.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace mlir;

namespace incept::test {

namespace {

constexpr const char *kWhole = R"(
module attributes {incept.network = "whole", incept.mode = "train", incept.precision = "f16", incept.batch_size = 2 : i64,
                   incept.classes = 3 : i64, incept.macs = 7 : i64, incept.spec_hash = "abcd", incept.spec_text = "text",
                   incept.image = {channels = 4 : i64, height = 3 : i64, width = 3 : i64},
                   incept.normalization = {mean = array<f64: 0.5, 0.25>, std = array<f64: 1.0, 2.0>},
                   incept.training = {flag = true, list = ["a", 2 : i64, 1.500000e+00], rates = array<i64: 3, 4>, unit},
                   incept.memory = {arena_bytes = 1024 : i64, persistent_bytes = 256 : i64},
                   incept.label_map = {height = 3 : i64, width = 3 : i64}, incept.outputs = ["late", "early"],
                   incept.training_only = ["aux.weight"], incept.keep_gradients} {
  incept.exec.region @arena 65536
  incept.exec.region @params 256
  incept.exec.region @step 64
  incept.exec.field "step" of @step at 0 : i64
  incept.exec.field "learning_rate" of @step at 24 : f32
  incept.variable @w kind parameter decay init {kind = "he_normal", fan_in = 3 : i64}
      {region = @params, offset = 64 : i64, bytes = 48 : i64} : tensor<4x3xf32, #incept.layout<dense>>
  incept.variable @b kind parameter {region = @params, offset = 112 : i64, bytes = 6 : i64} : tensor<3xf16>
  incept.variable @mean kind state {region = @params, offset = 128 : i64, bytes = 40 : i64}
      : tensor<10xf32, #incept.layout<dense>>
  incept.variable @"io/labels" kind io role "labels" {region = @arena, offset = 0 : i64, bytes = 16 : i64} : tensor<2xi64>
  incept.variable @"io/u8_images" kind io role "u8_images" {region = @arena, offset = 64 : i64, bytes = 72 : i64}
      : tensor<2x3x3x4xui8>
  incept.variable @blocked kind parameter {region = @params, offset = 176 : i64, bytes = 64 : i64}
      : tensor<4x4x1x1xf32, #incept.layout<rows>>
  incept.exec.plan @p matmul {m = "2", impl = "gemm:jit", scratchpad_bytes = 64 : i64}
      : (memref<2x3xf32>, memref<4x3xf32>) -> memref<2x3xf32>
  incept.exec.plan @q convolution_forward {impl = "engine", scratchpad_bytes = 0 : i64, knobs = ["a", "b"]}
      : (memref<2x3xf32>, memref<4x3xf32>) -> memref<2x3xf32>
  incept.exec.kernel_def @k map {
  ^bb0(%x: tensor<?x?xf32>):
    %y = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
    incept.yield %y : tensor<?x?xf32>
  }
  incept.exec.kernel_def @pool opaque {
  ^bb0(%x: tensor<?x?x?x?xf32>):
    %y = incept.global_avg_pool %x : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
    incept.yield %y : tensor<?x?x?x?xf32>
  }
  incept.exec.kernel_def @t opaque {
  ^bb0(%x: tensor<?x?x?x?xf32>):
    %y = incept.transform_weights %x kernel [3, 3] tile [2, 2] lanes 8 stride 2 : (tensor<?x?x?x?xf32>) -> tensor<?xf32>
    incept.yield %y : tensor<?xf32>
  }
  func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
    %a = incept.exec.slice @arena at 128 : memref<2x3xf32>
    %w = incept.exec.slice @params at 64 : memref<4x3xf32>
    %s = incept.exec.slice @arena at 192 : memref<64xi8>
    %b = incept.exec.slice @arena at 256 : memref<2x3xf32>
    incept.exec.library @q ins(%a, %w : memref<2x3xf32>, memref<4x3xf32>) outs(%b : memref<2x3xf32>) scratchpad(%s : memref<64xi8>)
        {incept.path = "conv", incept.flops = 6 : i64, incept.bytes = 48 : i64} loc("n.incept":3:4)
    %i = incept.exec.slice @arena at 1024 : memref<2x4x3x3xf32, strided<[36, 1, 12, 4]>>
    %o = incept.exec.slice @arena at 2048 : memref<2x4x1x1xf32, strided<[4, 1, 4, 4]>>
    incept.exec.kernel @pool ins(%i : memref<2x4x3x3xf32, strided<[36, 1, 12, 4]>>)
        outs(%o : memref<2x4x1x1xf32, strided<[4, 1, 4, 4]>>) extents [2, 9, 4, 4, 4] units 2
        {incept.path = "pool"} loc("n.incept":5:6)
    %x = incept.exec.slice @arena at 4096 : memref<864xf32>
    %y = incept.exec.slice @arena at 8192 : memref<6400xf32>
    incept.exec.kernel @t ins(%x : memref<864xf32>) outs(%y : memref<6400xf32>) extents [32, 3] units 2 loc(unknown)
    incept.exec.kernel @t ins(%x : memref<864xf32>) outs(%y : memref<6400xf32>) extents [32, 3] units 2 loc(unknown)
    %z = incept.exec.slice @arena at 8192 : memref<3200xf32>
    incept.exec.kernel @t ins(%x : memref<864xf32>) outs(%z : memref<3200xf32>) extents [16, 6] units 1 loc(unknown)
    return
  }
  func.func @update() attributes {incept.entry = #incept.entry<update>} {
    %a = incept.exec.slice @arena at 128 : memref<2x3xf32>
    %b = incept.exec.slice @arena at 192 : memref<1x3xf32>
    %c = incept.exec.slice @arena at 256 : memref<2x3xf32>
    %d = incept.exec.slice @arena at 320 : memref<1x3xf32>
    incept.exec.kernel @k ins(%a, %b : memref<2x3xf32>, memref<1x3xf32>) outs(%c, %d : memref<2x3xf32>, memref<1x3xf32>)
        extents [2, 3, 3, 3, 1, 3, 3, 3] units 3 width 1 grid [2, 3, 1, 1, 5, 1] block [32, 2, 1, 16, 3, 1] loc(unknown)
    %i = incept.exec.slice @arena at 1024 : memref<2x4x3x3xf32, strided<[36, 1, 12, 4]>>
    %o = incept.exec.slice @arena at 2048 : memref<2x4x1x1xf32, strided<[4, 1, 4, 4]>>
    incept.exec.kernel @k ins(%a, %b : memref<2x3xf32>, memref<1x3xf32>) outs(%c, %d : memref<2x3xf32>, memref<1x3xf32>)
        extents [2, 3, 3, 3, 1, 3, 3, 3] units 3 width 1 grid [2, 3, 1, 1, 5, 1] block [32, 2, 1, 16, 3, 1] with_next
        {incept.path = "n.a", incept.flops = 6 : i64, incept.bytes = 48 : i64} loc("n.incept":7:8)
    incept.exec.kernel @pool ins(%i : memref<2x4x3x3xf32, strided<[36, 1, 12, 4]>>)
        outs(%o : memref<2x4x1x1xf32, strided<[4, 1, 4, 4]>>) extents [2, 9, 4, 4, 4] units 2 width 1 grid [7, 1, 1]
        block [128, 1, 1] {incept.path = "n.b", incept.flops = 10 : i64, incept.bytes = 100 : i64} loc(unknown)
    incept.exec.kernel @k ins(%a : memref<2x3xf32>) outs(%c : memref<2x3xf32>) extents [2, 3, 3, 3] units 2 width 2
        grid [2, 3, 1] block [32, 2, 1] loc(unknown)
    return
  }
})";

/// The image of kWhole, with `from` replaced by `to`, for a target of grids or not; the errors where there is none.
std::string imageOf(bool launchesGrids, const std::string &from = "", const std::string &to = "") {
  DialectRegistry registry;
  registry.insert<InceptDialect, func::FuncDialect>();
  registerKernelRules(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  std::string text = kWhole, errors;
  if (!from.empty()) {
    EXPECT_NE(text.find(from), std::string::npos);
    text.replace(text.find(from), from.size(), to);
  }
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    errors += diagnostic.str();
    return success();
  });
  auto module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return errors;
  ImageContents contents;
  contents.target = {"cuda", {{"device", "h100"}}, {{"count", 3}}};
  contents.blobs = {{"kernels", "so"}, {"plans", std::string(70, 'p')}, {"last", "l"}};
  contents.launchesGrids = launchesGrids;
  contents.tf32 = true;
  contents.serializedPlans["q"] = {8, 24};
  auto image = writeImage(*module, contents);
  return succeeded(image) ? *image : errors;
}

/// Grids of parts: blocks are 2 * 3 and 1 * 5, threads 32 * 2 and 16 * 3; how each part runs is said behind its
/// extents. Two kernels in one have the blocks of both.
constexpr const char *kHeader = R"({
  "format_version": 2, "network": "whole", "spec": {"hash": "abcd", "text": "text"},
  "target": {"kind": "cuda", "device": "h100", "count": 3}, "mode": "train", "precision": "f16", "tf32": true,
  "batch_size": 2, "classes": 3, "macs": 7, "image": {"channels": 4, "height": 3, "width": 3},
  "normalization": {"mean": [0.5, 0.25], "std": [1.0, 2.0]},
  "training": {"flag": true, "list": ["a", 2, 1.5], "rates": [3, 4], "unit": true},
  "memory": {"arena_bytes": 1024, "persistent_bytes": 256}, "label_map": {"height": 3, "width": 3},
  "outputs": ["late", "early"], "training_only": ["aux.weight"], "keep_gradients": true,
  "step": [{"name": "step", "offset": 0, "type": "i64"}, {"name": "learning_rate", "offset": 24, "type": "f32"}],
  "regions": [{"name": "arena", "bytes": 65536}, {"name": "params", "bytes": 256}, {"name": "step", "bytes": 64}],
  "tensors": [
    {"name": "w", "kind": "parameter", "shape": [4, 3], "type": "f32", "region": 1, "offset": 64, "bytes": 48, "format": "",
     "decay": true, "init": {"kind": "he_normal", "fan_in": 3}},
    {"name": "b", "kind": "parameter", "shape": [3], "type": "f16", "region": 1, "offset": 112, "bytes": 6, "format": "",
     "decay": false},
    {"name": "mean", "kind": "state", "shape": [10], "type": "f32", "region": 1, "offset": 128, "bytes": 40, "format": "",
     "decay": false},
    {"name": "io/labels", "kind": "io", "shape": [2], "type": "i64", "region": 0, "offset": 0, "bytes": 16, "format": "",
     "decay": false},
    {"name": "io/u8_images", "kind": "io", "shape": [2, 3, 3, 4], "type": "u8", "region": 0, "offset": 64, "bytes": 72,
     "format": "", "decay": false},
    {"name": "blocked", "kind": "parameter", "shape": [4, 4, 1, 1], "type": "f32", "region": 1, "offset": 176, "bytes": 64,
     "format": "rows", "decay": false}],
  "parameters": 31, "states": 10,
  "plans": [{"name": "p", "kind": "matmul", "m": "2", "impl": "gemm:jit", "scratchpad_bytes": 64},
            {"name": "q", "kind": "convolution_forward", "impl": "engine", "scratchpad_bytes": 0, "knobs": ["a", "b"],
             "serialized": {"offset": 8, "bytes": 24}}],
  "kernels": [
    {"name": "pool", "family": "global_avg_pool", "inputs": [["f32", 4]], "outputs": [["f32", 4]], "counts": 0},
    {"name": "t", "family": "fixed", "inputs": [["f32", 864]], "outputs": [["f32", 6400]], "counts": 0, "extents": [32, 3],
     "units": 2},
    {"name": "t", "family": "fixed", "inputs": [["f32", 864]], "outputs": [["f32", 3200]], "counts": 0, "extents": [16, 6],
     "units": 1},
    {"name": "k_v1_p2", "family": "map", "inputs": [["f32", 2]], "outputs": [["f32", 2]], "counts": 0, "parts": 2},
    {"name": "k_v1_p2__pool_v1", "family": "mixed", "members": [
      {"name": "k_v1_p2", "family": "map", "inputs": [["f32", 2]], "outputs": [["f32", 2]], "counts": 0, "parts": 2},
      {"name": "pool_v1", "family": "global_avg_pool", "inputs": [["f32", 4]], "outputs": [["f32", 4]], "counts": 0}]},
    {"name": "k_v2", "family": "map", "inputs": [["f32", 2]], "outputs": [["f32", 2]], "counts": 0}],
  "entries": {
    "infer": [
      {"plan": 1, "operands": [[0, 128], [1, 64], [0, 256], [0, 192]], "op": "conv", "loc": "n.incept:3:4", "flops": 6,
       "bytes": 48},
      {"kernel": 0, "operands": [[0, 1024], [0, 2048]], "extents": [2, 9, 4, 4, 4], "units": 2, "op": "pool",
       "loc": "n.incept:5:6", "flops": 0, "bytes": 0},
      {"kernel": 1, "operands": [[0, 4096], [0, 8192]], "extents": [32, 3], "units": 2, "op": "", "loc": "", "flops": 0,
       "bytes": 0},
      {"kernel": 1, "operands": [[0, 4096], [0, 8192]], "extents": [32, 3], "units": 2, "op": "", "loc": "", "flops": 0,
       "bytes": 0},
      {"kernel": 2, "operands": [[0, 4096], [0, 8192]], "extents": [16, 6], "units": 1, "op": "", "loc": "", "flops": 0,
       "bytes": 0}],
    "update": [
      {"kernel": 3, "operands": [[0, 128], [0, 192], [0, 256], [0, 320]],
       "extents": [2, 3, 3, 3, 1, 3, 3, 3, 2, 3, 32, 2, 1, 5, 16, 3], "grid": [11, 1, 1], "block": [64, 1, 1], "op": "",
       "loc": "", "flops": 0, "bytes": 0},
      {"kernel": 4, "operands": [[0, 128], [0, 192], [0, 1024], [0, 256], [0, 320], [0, 2048]],
       "extents": [2, 3, 3, 3, 1, 3, 3, 3, 2, 9, 4, 4, 4, 2, 3, 32, 2, 1, 5, 16, 3, 7, 1, 128, 1], "grid": [18, 1, 1],
       "block": [128, 1, 1], "op": "n", "loc": "n.incept:7:8", "flops": 16, "bytes": 148},
      {"kernel": 5, "operands": [[0, 128], [0, 256]], "extents": [2, 3, 3, 3], "grid": [2, 3, 1], "block": [32, 2, 1], "op": "",
       "loc": "", "flops": 0, "bytes": 0}]},
  "blobs": {"kernels": {"offset": 0, "bytes": 2}, "plans": {"offset": 64, "bytes": 70}, "last": {"offset": 192, "bytes": 1}}
})";

} // namespace

TEST(ImageHeader, IsWhatTheFormatSays) {
  std::string image = imageOf(/*launchesGrids=*/true);
  ASSERT_GT(image.size(), program::kPrefixBytes);
  uint64_t bytes = llvm::support::endian::read64le(image.data());
  ASSERT_LT(bytes, image.size()) << image;
  auto header = nlohmann::json::parse(image.substr(program::kPrefixBytes, bytes));
  auto expected = nlohmann::json::parse(kHeader);
  for (auto &[key, value] : expected.items())
    EXPECT_EQ(header[key], value) << key;
  EXPECT_EQ(header.size(), expected.size());
  // Blobs begin where the header says, and there is nothing but zeros between.
  std::string blobs = image.substr(program::kPrefixBytes + bytes);
  EXPECT_EQ(blobs, "so" + std::string(62, '\0') + std::string(70, 'p') + std::string(58, '\0') + "l");
  EXPECT_EQ(llvm::support::endian::read64le(image.data() + 8), program::imageChecksum(image));
}

TEST(ImageHeader, WhatIsNotSaid) {
  std::string attributes = kWhole;
  size_t begin = attributes.find(" attributes {"), end = attributes.find("incept.keep_gradients}") + 22;
  std::string image = imageOf(true, attributes.substr(begin, end - begin), "");
  ASSERT_GT(image.size(), program::kPrefixBytes);
  auto header =
      nlohmann::json::parse(image.substr(program::kPrefixBytes, llvm::support::endian::read64le(image.data())));
  for (const char *key : {"network", "mode"})
    EXPECT_EQ(header[key], "") << key;
  EXPECT_EQ(header["spec"], (nlohmann::json{{"hash", ""}, {"text", ""}}));
  EXPECT_EQ(header["precision"], "f32");
  for (const char *key : {"batch_size", "classes", "macs"})
    EXPECT_EQ(header[key], 0) << key;
  for (const char *key : {"image", "normalization", "training", "memory"})
    EXPECT_EQ(header[key], nlohmann::json::object()) << key;
  EXPECT_FALSE(header.contains("label_map") || header.contains("outputs"));
  EXPECT_EQ(header["training_only"], nlohmann::json::array());
  EXPECT_EQ(header["keep_gradients"], false);
}

TEST(ImageHeader, SaysWhatIsMissing) {
  EXPECT_EQ(imageOf(true, "{region = @params, offset = 112 : i64, bytes = 6 : i64}", ""),
            "'incept.variable' op has no place: expected the exec phase");
  EXPECT_EQ(imageOf(true, " attributes {incept.entry = #incept.entry<update>}", ""),
            "'func.func' op has no incept.entry that says when the runtime runs it");
  EXPECT_EQ(imageOf(true, "    return", "    %r = incept.read @b : tensor<3xf16>\n    return"),
            "'incept.read' op is no launch: expected the exec phase");
  EXPECT_EQ(imageOf(false),
            "'incept.exec.kernel' op runs in one launch with the next: expected a target that launches grids");
}

/// What is said of a program of nothing but what the runtime needs, and of `attributes` and `more`, for training or
/// not.
static std::string refusalOf(const std::string &attributes, const std::string &more = "", bool trains = false,
                             const std::string &from = "", const std::string &to = "") {
  std::string text = "module attributes {incept.mode = \"" + std::string(trains ? "train" : "infer") + R"(",
      incept.batch_size = 1 : i64, incept.classes = 1 : i64,
      incept.image = {channels = 1 : i64, height = 1 : i64, width = 1 : i64},
      incept.memory = {arena_bytes = 0 : i64, persistent_bytes = 0 : i64, peak_bytes = 0 : i64, lower_bound_bytes = 0 : i64})" +
                     attributes + R"(} {
  incept.variable @"io/u8_images" kind io role "u8_images" : tensor<1x1x1x1xui8>
  incept.variable @"io/f32_images" kind io role "f32_images" : tensor<1x1x1x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<1xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<1x1xf32>
)" + more;
  SmallVector<std::string> entries = {"stage_u8", "stage_f32", "prepare_inference", "infer"};
  if (trains)
    entries.append({"forward_backward", "update"});
  for (const std::string &entry : entries)
    text += "  func.func @" + entry + "() attributes {incept.entry = #incept.entry<" + entry + ">} { return }\n";
  text += "}";
  if (!from.empty()) {
    EXPECT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
  }
  MLIRContext context;
  context.loadDialect<InceptDialect, func::FuncDialect>();
  std::string messages;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    messages += diagnostic.str();
    return success();
  });
  auto module = parseSourceString<ModuleOp>(text, &context);
  EXPECT_TRUE(module) << messages;
  bool isProgram = module && succeeded(verifyProgram(*module));
  EXPECT_EQ(isProgram, messages.empty());
  return messages;
}

TEST(Program, TheSmallest) {
  EXPECT_EQ(refusalOf(""), "");
  EXPECT_EQ(refusalOf("", "", /*trains=*/true), "");
  constexpr const char *kPositive = "expected positive incept.batch_size, incept.classes and incept.image in a program";
  for (const char *key : {"batch_size", "classes", "channels", "height", "width"})
    EXPECT_EQ(refusalOf("", "", false, std::string(key) + " = 1", std::string(key) + " = 0"), kPositive) << key;
  for (const char *key : {"arena_bytes", "persistent_bytes", "peak_bytes", "lower_bound_bytes"}) {
    std::string expected = std::string("expected incept.memory with ") + key + " in a program";
    EXPECT_EQ(refusalOf("", "", false, std::string(key) + " = 0", std::string(key) + " = -1"), expected);
    EXPECT_EQ(refusalOf("", "", false, std::string(key) + " = 0 : i64", std::string(key) + " = \"0\""), expected);
  }
}

TEST(Program, HasEachEntryPoint) {
  for (bool trains : {false, true})
    for (const char *entry : {"stage_u8", "stage_f32", "prepare_inference", "infer", "forward_backward", "update"}) {
      bool isOfTraining = entry == std::string("forward_backward") || entry == std::string("update");
      if (isOfTraining && !trains)
        continue;
      EXPECT_EQ(
          refusalOf("", "", trains, std::string("#incept.entry<") + entry + ">", "#incept.entry<prepare_training>"),
          std::string("expected a function for entry point ") + entry + " in a program");
    }
}

TEST(Program, VariablesHaveTheSizesOfTheNetwork) {
  auto expect = [](const char *name, const char *type, const char *other) {
    std::string own = std::string("tensor<") + type + ">";
    EXPECT_EQ(refusalOf("", "", false, own, std::string("tensor<") + other + ">"),
              "'incept.variable' op expected '" + own + "' in a program, but got 'tensor<" + other + ">'");
    EXPECT_EQ(refusalOf("", "", false, std::string("@\"io/") + name + "\"", "@other"),
              std::string("expected a variable 'io/") + name + "' : '" + own + "' in a program");
  };
  expect("u8_images", "1x1x1x1xui8", "1x1x1x2xui8");
  expect("f32_images", "1x1x1x1xf32", "1x1x1x1xf16");
  expect("labels", "1xi64", "2xi64");
  expect("loss", "f32", "f16");
  expect("logits", "1x1xf32", "1x2xf32");
  // Scores of pixels have a label each.
  EXPECT_EQ(refusalOf(", incept.label_map = {height = 1 : i64, width = 1 : i64}"), "");
  EXPECT_EQ(refusalOf(", incept.label_map = {height = 2 : i64, width = 3 : i64}"),
            "'incept.variable' op expected 'tensor<6xi64>' in a program, but got 'tensor<1xi64>'");
  for (const char *sizes : {"height = 0 : i64, width = 1 : i64", "height = 1 : i64, width = 0 : i64",
                            "height = -1 : i64, width = -1 : i64", "height = 1 : i64"})
    EXPECT_EQ(refusalOf(std::string(", incept.label_map = {") + sizes + "}"),
              "expected incept.label_map with a positive height and width in a program");
}

// The first output has the network's scores; in training each has a loss, where there are several.
TEST(Program, OutputsHaveScoresAndLosses) {
  const std::string both = ", incept.outputs = [\"late\", \"early\"]";
  auto variable = [](const std::string &name, const std::string &type) {
    return "  incept.variable @\"io/" + name + "\" kind io role \"" + name + "\" : tensor<" + type + ">\n";
  };
  EXPECT_EQ(refusalOf(", incept.outputs = [\"late\"]", "", true), "");
  EXPECT_EQ(refusalOf(both), "expected a variable 'io/logits/early' : 'tensor<1x1xf32>' in a program");
  std::string scores = variable("logits/early", "1x1xf32"), late = variable("loss/late", "f32"),
              early = variable("loss/early", "f32");
  EXPECT_EQ(refusalOf(both, scores), "");
  EXPECT_EQ(refusalOf(both, scores, true), "expected a variable 'io/loss/late' : 'tensor<f32>' in a program");
  EXPECT_EQ(refusalOf(both, scores + late, true), "expected a variable 'io/loss/early' : 'tensor<f32>' in a program");
  EXPECT_EQ(refusalOf(both, scores + late + early, true), "");
}

TEST(Program, VariablesHaveTypesAndElements) {
  auto refusal = [](const std::string &type) {
    return refusalOf("", "  incept.variable @x kind parameter : tensor<" + type + ">\n");
  };
  for (const char *type : {"1xf32", "1xbf16", "1xf16", "1xi64", "1xui8", "1xui64"})
    EXPECT_EQ(refusal(type), "") << type;
  for (const char *type : {"1xf64", "1xi32", "1xi8", "0xf32", "2x0xf32"})
    EXPECT_EQ(refusal(type),
              std::string("'incept.variable' op expected elements of type f32, bf16, f16, i64 or ui8 in a program, "
                          "and at least one, but got 'tensor<") +
                  type + ">'");
}

} // namespace incept::test
