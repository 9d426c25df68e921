// SPDX-License-Identifier: Apache-2.0

#include "TestNetworks.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "passes/GradientRules.h"
#include "passes/KernelRules.h"
#include "passes/Passes.h"
#include "passes/Target.h"
#include "llvm/Support/xxhash.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;

namespace incept::test {

const std::vector<TestNetwork> &testNetworks() {
  static const std::vector<TestNetwork> networks = {
      {"conv2d",
       R"(incept.variable @p.weight kind parameter decay : tensor<5x4x3x2xf32>
          incept.variable @p.bias kind parameter : tensor<5xf32>)",
       R"(%w = incept.read @p.weight : tensor<5x4x3x2xf32>
          %b = incept.read @p.bias : tensor<5xf32>
          %y = incept.conv2d %x, %w bias %b stride [2, 1] pad [1, 0] pad_end [0, 2] dilation [1, 2]
              : (!x, tensor<5x4x3x2xf32>, tensor<5xf32>) -> tensor<2x5x3x6xf32>)",
       5, 3, 6},
      {"conv2d_groups", R"(incept.variable @p.weight kind parameter : tensor<6x2x3x3xf32>)",
       R"(%w = incept.read @p.weight : tensor<6x2x3x3xf32>
          %y = incept.conv2d %x, %w pad [1, 1] pad_end [1, 1] groups 2
              : (!x, tensor<6x2x3x3xf32>) -> tensor<2x6x6x6xf32>)",
       6, 6, 6},
      {"linear",
       R"(incept.variable @p.weight kind parameter : tensor<5x4xf32>
          incept.variable @p.bias kind parameter : tensor<5xf32>)",
       R"(%g = incept.global_avg_pool %x : (!x) -> tensor<2x4x1x1xf32>
          %f = incept.flatten %g : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
          %w = incept.read @p.weight : tensor<5x4xf32>
          %b = incept.read @p.bias : tensor<5xf32>
          %k = incept.linear %f, %w bias %b : (tensor<2x4xf32>, tensor<5x4xf32>, tensor<5xf32>) -> tensor<2x5xf32>
          %y = incept.flatten %k : (tensor<2x5xf32>) -> tensor<2x5x1x1xf32>)",
       5, 1, 1},
      {"relu", "", "%y = incept.relu %x : (!x) -> !x", 4, 6, 6},
      {"relu6", "",
       R"(%s = incept.scale %x by 4.0 : (!x) -> !x
          %y = incept.activate relu6 %s slope 0.2 : (!x) -> !x)",
       4, 6, 6},
      {"leaky_relu", "",
       R"(%s = incept.scale %x by 4.0 : (!x) -> !x
          %y = incept.activate leaky_relu %s slope 0.2 : (!x) -> !x)",
       4, 6, 6},
      {"sigmoid", "",
       R"(%s = incept.scale %x by 4.0 : (!x) -> !x
          %y = incept.activate sigmoid %s slope 0.2 : (!x) -> !x)",
       4, 6, 6},
      {"silu", "",
       R"(%s = incept.scale %x by 4.0 : (!x) -> !x
          %y = incept.activate silu %s slope 0.2 : (!x) -> !x)",
       4, 6, 6},
      {"hard_sigmoid", "",
       R"(%s = incept.scale %x by 1.5 : (!x) -> !x
          %y = incept.activate hard_sigmoid %s slope 0.2 : (!x) -> !x)",
       4, 6, 6},
      {"hard_swish", "",
       R"(%s = incept.scale %x by 4.0 : (!x) -> !x
          %y = incept.activate hard_swish %s slope 0.2 : (!x) -> !x)",
       4, 6, 6},
      {"gelu", "",
       R"(%s = incept.scale %x by 4.0 : (!x) -> !x
          %y = incept.activate gelu %s slope 0.2 : (!x) -> !x)",
       4, 6, 6},
      {"multiply", "",
       R"(%r = incept.activate sigmoid %x : (!x) -> !x
          %m = incept.multiply %r, %r : (!x, !x) -> !x
          %y = incept.multiply %x, %m : (!x, !x) -> !x)",
       4, 6, 6},
      {"gate", R"(incept.variable @p.weight kind parameter : tensor<4x4x1x1xf32>)",
       R"(%g = incept.global_avg_pool %x : (!x) -> tensor<2x4x1x1xf32>
          %w = incept.read @p.weight : tensor<4x4x1x1xf32>
          %c = incept.conv2d %g, %w : (tensor<2x4x1x1xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x1x1xf32>
          %s = incept.activate sigmoid %c : (tensor<2x4x1x1xf32>) -> tensor<2x4x1x1xf32>
          %y = incept.gate %x by %s : (!x, tensor<2x4x1x1xf32>) -> !x)",
       4, 6, 6},
      {"channel_affine",
       R"(incept.variable @p.weight kind parameter : tensor<4xf32>
          incept.variable @q.weight kind parameter : tensor<4xf32>
          incept.variable @q.bias kind parameter : tensor<4xf32>)",
       R"(%f = incept.read @p.weight : !v
          %g = incept.read @q.weight : !v
          %b = incept.read @q.bias : !v
          %s = incept.channel_affine %x, %f : (!x, !v) -> !x
          %y = incept.channel_affine %s, %g shift %b : (!x, !v, !v) -> !x)",
       4, 6, 6},
      {"channel_shuffle", "",
       R"(%z = incept.concat %x, %x, %x : (!x, !x, !x) -> tensor<2x12x6x6xf32>
          %y = incept.channel_shuffle %z groups 3 : (tensor<2x12x6x6xf32>) -> tensor<2x12x6x6xf32>)",
       12, 6, 6},
      {"flatten_pixels", R"(incept.variable @p.weight kind parameter : tensor<5x144xf32>)",
       R"(%f = incept.flatten_pixels %x : (!x) -> tensor<2x144xf32>
          %w = incept.read @p.weight : tensor<5x144xf32>
          %k = incept.linear %f, %w : (tensor<2x144xf32>, tensor<5x144xf32>) -> tensor<2x5xf32>
          %y = incept.flatten %k : (tensor<2x5xf32>) -> tensor<2x5x1x1xf32>)",
       5, 1, 1},
      {"adaptive_avg_pool", "", "%y = incept.adaptive_avg_pool %x : (!x) -> tensor<2x4x4x5xf32>", 4, 4, 5},
      {"conv_transpose", R"(incept.variable @p.weight kind parameter : tensor<4x3x3x2xf32>
          incept.variable @p.bias kind parameter : tensor<6xf32>)",
       R"(%w = incept.read @p.weight : tensor<4x3x3x2xf32>
          %b = incept.read @p.bias : tensor<6xf32>
          %t = incept.conv2d_backward_data %x, %w stride [2, 3] pad [1, 0] pad_end [0, 2] dilation [1, 2] groups 2
              : (!x, tensor<4x3x3x2xf32>) -> tensor<2x6x13x17xf32>
          %y = incept.add_bias %t, %b : (tensor<2x6x13x17xf32>, tensor<6xf32>) -> tensor<2x6x13x17xf32>)",
       6, 13, 17},
      {"resize_nearest", "",
       R"(%z = incept.resize nearest %x : (!x) -> tensor<2x4x12x4xf32>
          %r = incept.relu %z : (tensor<2x4x12x4xf32>) -> tensor<2x4x12x4xf32>
          %y = incept.resize nearest %r : (tensor<2x4x12x4xf32>) -> tensor<2x4x7x8xf32>)",
       4, 7, 8},
      {"resize_bilinear", "",
       R"(%z = incept.resize bilinear %x : (!x) -> tensor<2x4x12x4xf32>
          %r = incept.relu %z : (tensor<2x4x12x4xf32>) -> tensor<2x4x12x4xf32>
          %y = incept.resize bilinear %r : (tensor<2x4x12x4xf32>) -> tensor<2x4x7x8xf32>)",
       4, 7, 8},
      {"pixel_rows", R"(incept.variable @p.weight kind parameter : tensor<5x4xf32>)",
       R"(%p = incept.pixel_rows %x : (!x) -> tensor<72x4xf32>
          %w = incept.read @p.weight : tensor<5x4xf32>
          %k = incept.linear %p, %w : (tensor<72x4xf32>, tensor<5x4xf32>) -> tensor<72x5xf32>
          %y = incept.pixel_rows %k : (tensor<72x5xf32>) -> tensor<2x5x6x6xf32>)",
       5, 6, 6},
      {"normalize_pixels", "",
       R"(%n = incept.normalize_pixels %x epsilon 1.0e-3 : (!x) -> !x
          %y = incept.multiply %n, %x : (!x, !x) -> !x)",
       4, 6, 6},
      {"normalize_groups", "",
       R"(%n = incept.normalize_groups %x groups 2 epsilon 1.0e-3 : (!x) -> !x
          %y = incept.multiply %n, %x : (!x, !x) -> !x)",
       4, 6, 6},
      {"softmax", "",
       R"(%s = incept.softmax %x : (!x) -> !x
          %y = incept.multiply %s, %x : (!x, !x) -> !x)",
       4, 6, 6},
      {"softmax_of_rows", R"(incept.variable @p.weight kind parameter : tensor<5x4xf32>)",
       R"(%g = incept.global_avg_pool %x : (!x) -> tensor<2x4x1x1xf32>
          %f = incept.flatten %g : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
          %w = incept.read @p.weight : tensor<5x4xf32>
          %k = incept.linear %f, %w : (tensor<2x4xf32>, tensor<5x4xf32>) -> tensor<2x5xf32>
          %s = incept.softmax %k : (tensor<2x5xf32>) -> tensor<2x5xf32>
          %y = incept.flatten %s : (tensor<2x5xf32>) -> tensor<2x5x1x1xf32>)",
       5, 1, 1},
      {"local_response_norm", "",
       R"(%s = incept.scale %x by 4.0 : (!x) -> !x
          %t = incept.local_response_norm %s size 3 alpha 2.0 beta 0.75 k 1.5 : (!x) -> !x
          %y = incept.local_response_norm %t size 2 alpha 1.0 beta 0.5 k 1.0 : (!x) -> !x)",
       4, 6, 6},
      {"drop_path", "", R"(%y = incept.random_drop %x keep 0.7 per_sample {incept.path = "drop"} : (!x) -> !x)", 4, 6,
       6},
      {"max_pool", "",
       "%y = incept.max_pool %x kernel [3, 3] stride [2, 2] pad_end [1, 1] : (!x) -> tensor<2x4x3x3xf32>", 4, 3, 3},
      {"max_pool_padded", "", "%y = incept.max_pool %x kernel [3, 2] pad [1, 1] pad_end [1, 0] : (!x) -> !x", 4, 6, 6},
      {"avg_pool", "", "%y = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!x) -> !x", 4, 6, 6},
      {"avg_pool_include_pad", "",
       R"(%y = incept.avg_pool %x kernel [3, 3] stride [2, 2] pad [1, 0] pad_end [0, 1] include_pad
              : (!x) -> tensor<2x4x3x3xf32>)",
       4, 3, 3},
      {"global_avg_pool", "", "%y = incept.global_avg_pool %x : (!x) -> tensor<2x4x1x1xf32>", 4, 1, 1},
      {"batch_norm",
       R"(incept.variable @p.weight kind parameter : tensor<4xf32>
          incept.variable @p.bias kind parameter : tensor<4xf32>
          incept.variable @p.running_mean kind state : tensor<4xf32>
          incept.variable @p.running_var kind state : tensor<4xf32>)",
       R"(%g = incept.read @p.weight : !v
          %b = incept.read @p.bias : !v
          %m = incept.read @p.running_mean : !v
          %v = incept.read @p.running_var : !v
          %r = incept.relu %x : (!x) -> !x
          %y = incept.batch_norm %r gamma %g beta %b mean %m variance %v
              {epsilon = 1.0e-3, decay = 0.9, incept.path = "p"} : (!x, !v, !v, !v, !v) -> !x)",
       4, 6, 6},
      {"batch_norm_without_gamma",
       R"(incept.variable @p.bias kind parameter : tensor<4xf32>
          incept.variable @p.running_mean kind state : tensor<4xf32>
          incept.variable @p.running_var kind state : tensor<4xf32>)",
       R"(%b = incept.read @p.bias : !v
          %m = incept.read @p.running_mean : !v
          %v = incept.read @p.running_var : !v
          %r = incept.relu %x : (!x) -> !x
          %y = incept.batch_norm %r beta %b mean %m variance %v
              {epsilon = 1.0e-3, decay = 0.9, incept.path = "p"} : (!x, !v, !v, !v) -> !x)",
       4, 6, 6},
      {"batch_norm_after_conv2d",
       R"(incept.variable @p.weight kind parameter : tensor<4xf32>
          incept.variable @p.bias kind parameter : tensor<4xf32>
          incept.variable @p.running_mean kind state : tensor<4xf32>
          incept.variable @p.running_var kind state : tensor<4xf32>)",
       R"(%g = incept.read @p.weight : !v
          %b = incept.read @p.bias : !v
          %m = incept.read @p.running_mean : !v
          %v = incept.read @p.running_var : !v
          %n = incept.batch_norm %x gamma %g beta %b mean %m variance %v
              {epsilon = 1.0e-3, decay = 0.9, incept.path = "p"} : (!x, !v, !v, !v, !v) -> !x
          %y = incept.relu %n : (!x) -> !x)",
       4, 6, 6},
      {"residual", "",
       R"(%s = incept.scale %x by 0.17 : (!x) -> !x
          %r = incept.relu %s : (!x) -> !x
          %y = incept.add %x, %r : (!x, !x) -> !x)",
       4, 6, 6},
      {"cast", "",
       R"(%d = incept.cast %x : (!x) -> tensor<2x4x6x6xf64>
          %r = incept.relu %d : (tensor<2x4x6x6xf64>) -> tensor<2x4x6x6xf64>
          %y = incept.cast %r : (tensor<2x4x6x6xf64>) -> !x)",
       4, 6, 6},
      {"add_to_itself", "", "%y = incept.add %x, %x : (!x, !x) -> !x", 4, 6, 6},
      {"concat", "",
       R"(%s = incept.scale %x by -0.5 : (!x) -> !x
          %r = incept.relu %x : (!x) -> !x
          %y = incept.concat %r, %x, %s : (!x, !x, !x) -> tensor<2x12x6x6xf32>)",
       12, 6, 6},
      {"dropout", "", R"(%y = incept.random_drop %x keep 0.7 {incept.path = "drop"} : (!x) -> !x)", 4, 6, 6},
      {"shared_parameter", R"(incept.variable @p.weight kind parameter : tensor<4x4x1x1xf32>)",
       R"(%w = incept.read @p.weight : tensor<4x4x1x1xf32>
          %a = incept.conv2d %x, %w : (!x, tensor<4x4x1x1xf32>) -> !x
          %v = incept.read @p.weight : tensor<4x4x1x1xf32>
          %y = incept.conv2d %a, %v : (!x, tensor<4x4x1x1xf32>) -> !x)",
       4, 6, 6},
      {"siblings",
       R"(incept.variable @p.in.weight kind parameter : tensor<32x4x1x1xf32>
          incept.variable @p.a.weight kind parameter : tensor<16x32x1x1xf32>
          incept.variable @p.b.weight kind parameter : tensor<32x32x1x1xf32>
          incept.variable @p.c.weight kind parameter : tensor<16x32x1x1xf32>)",
       R"(%w = incept.read @p.in.weight : tensor<32x4x1x1xf32>
          %i = incept.conv2d %x, %w : (!x, tensor<32x4x1x1xf32>) -> tensor<2x32x6x6xf32>
          %r = incept.relu %i : (tensor<2x32x6x6xf32>) -> tensor<2x32x6x6xf32>
          %wa = incept.read @p.a.weight : tensor<16x32x1x1xf32>
          %a = incept.conv2d %r, %wa : (tensor<2x32x6x6xf32>, tensor<16x32x1x1xf32>) -> tensor<2x16x6x6xf32>
          %ra = incept.relu %a : (tensor<2x16x6x6xf32>) -> tensor<2x16x6x6xf32>
          %wb = incept.read @p.b.weight : tensor<32x32x1x1xf32>
          %b = incept.conv2d %r, %wb : (tensor<2x32x6x6xf32>, tensor<32x32x1x1xf32>) -> tensor<2x32x6x6xf32>
          %m = incept.avg_pool %r kernel [3, 3] pad [1, 1] pad_end [1, 1]
              : (tensor<2x32x6x6xf32>) -> tensor<2x32x6x6xf32>
          %wc = incept.read @p.c.weight : tensor<16x32x1x1xf32>
          %c = incept.conv2d %m, %wc : (tensor<2x32x6x6xf32>, tensor<16x32x1x1xf32>) -> tensor<2x16x6x6xf32>
          %y = incept.concat %ra, %b, %c : (tensor<2x16x6x6xf32>, tensor<2x32x6x6xf32>, tensor<2x16x6x6xf32>)
              -> tensor<2x64x6x6xf32>)",
       64, 6, 6},
      {"inception",
       R"(incept.variable @p.a.weight kind parameter : tensor<3x4x1x1xf32>
          incept.variable @p.a.bias kind parameter : tensor<3xf32>
          incept.variable @p.a.running_mean kind state : tensor<3xf32>
          incept.variable @p.a.running_var kind state : tensor<3xf32>
          incept.variable @p.b.weight kind parameter : tensor<2x3x3x3xf32>)",
       R"(%y = incept.block "mixed" of "inception" (%x) : (!x) -> tensor<2x9x6x6xf32> {
          ^bb0(%in: !x):
            %w = incept.read @p.a.weight : tensor<3x4x1x1xf32>
            %c = incept.conv2d %in, %w {incept.path = "p.a"} : (!x, tensor<3x4x1x1xf32>) -> tensor<2x3x6x6xf32>
            %b = incept.read @p.a.bias : tensor<3xf32>
            %m = incept.read @p.a.running_mean : tensor<3xf32>
            %v = incept.read @p.a.running_var : tensor<3xf32>
            %n = incept.batch_norm %c beta %b mean %m variance %v {epsilon = 1.0e-3, decay = 0.9, incept.path = "p.bn"}
                : (tensor<2x3x6x6xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x6x6xf32>
            %r = incept.relu %n : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
            %wb = incept.read @p.b.weight : tensor<2x3x3x3xf32>
            %d = incept.conv2d %r, %wb pad [1, 1] pad_end [1, 1] : (tensor<2x3x6x6xf32>, tensor<2x3x3x3xf32>) -> tensor<2x2x6x6xf32>
            %e = incept.relu %d : (tensor<2x2x6x6xf32>) -> tensor<2x2x6x6xf32>
            %p = incept.avg_pool %in kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!x) -> !x
            %k = incept.concat %r, %e, %p : (tensor<2x3x6x6xf32>, tensor<2x2x6x6xf32>, !x) -> tensor<2x9x6x6xf32>
            incept.yield %k : tensor<2x9x6x6xf32>
          })",
       9, 6, 6},
  };
  return networks;
}

std::string moduleText(const TestNetwork &network, const std::string &optimizer) {
  std::string tail = std::to_string(network.channels) + "x" + std::to_string(network.height) + "x" +
                     std::to_string(network.width) + "xf32>";
  std::string text = R"(
    !x = tensor<2x4x6x6xf32>
    !v = tensor<4xf32>
    module attributes {incept.mode = "train", incept.target = #incept.target<fake>,
                       incept.training = {label_smoothing = 0.1, optimizer = {kind = "$OPTIMIZER"}}} {
      incept.variable @first.weight kind parameter decay : tensor<4x3x3x3xf32>
      incept.variable @first.bias kind parameter : tensor<4xf32>
      $VARIABLES
      incept.variable @last.weight kind parameter decay : tensor<3x$TAIL
      func.func @network(%images: tensor<2x3x6x6xf32>) -> tensor<2x3xf32> {
        %fw = incept.read @first.weight : tensor<4x3x3x3xf32>
        %fb = incept.read @first.bias : tensor<4xf32>
        %x = incept.conv2d %images, %fw bias %fb pad [1, 1] pad_end [1, 1] {incept.path = "first"}
            : (tensor<2x3x6x6xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> !x
        $BODY
        %lw = incept.read @last.weight : tensor<3x$TAIL
        %l = incept.conv2d %y, %lw {incept.path = "last"} : (tensor<2x$TAIL, tensor<3x$TAIL) -> tensor<2x3x1x1xf32>
        %logits = incept.flatten %l : (tensor<2x3x1x1xf32>) -> tensor<2x3xf32>
        return %logits : tensor<2x3xf32>
      }
    })";
  for (auto [mark, by] : {std::pair<std::string, std::string>{"$OPTIMIZER", optimizer},
                          {"$VARIABLES", network.variables},
                          {"$BODY", network.body},
                          {"$TAIL", tail}})
    for (size_t at; (at = text.find(mark)) != std::string::npos;)
      text.replace(at, mark.size(), by);
  return text;
}

void addDifferentiation(OpPassManager &passes) {
  passes.addPass(createExpandBlocksPass());
  passes.addPass(createBuildEntryPointsPass());
  passes.addPass(createDifferentiatePass());
}

void addWithCleaning(OpPassManager &passes, llvm::function_ref<void(OpPassManager &)> build) {
  [[maybe_unused]] static const bool areRegistered = [] {
    registerInceptPasses();
    registerCSEPass();
    registerCanonicalizerPass();
    return true;
  }();
  OpPassManager plain(ModuleOp::getOperationName());
  build(plain);
  std::string text, cleaned;
  llvm::raw_string_ostream stream(text);
  plain.printAsTextualPipeline(stream);
  // A pass ends where a comma or a parenthesis comes; options are in braces.
  int braces = 0;
  for (char c : text) {
    braces += (c == '{') - (c == '}');
    if (braces == 0 && (c == ',' || c == ')'))
      cleaned += ",cse,canonicalize";
    cleaned += c;
  }
  StringRef inner = cleaned;
  inner.consume_front("builtin.module(");
  inner.consume_back(",cse,canonicalize)");
  if (failed(parsePassPipeline((inner + ",cse,canonicalize").str(), passes)))
    ADD_FAILURE() << "no pipeline: " << cleaned;
}

TestRun::TestRun(const std::string &text, llvm::function_ref<void(OpPassManager &)> build,
                 void (*addDialects)(DialectRegistry &)) {
  DialectRegistry registry;
  registry.insert<InceptDialect, func::FuncDialect>();
  registerGradientRules(registry);
  registerFakeTarget(registry);
  registerKernelRules(registry);
  if (addDialects)
    addDialects(registry);
  context.appendDialectRegistry(registry);
  context.disableMultithreading(); // these modules are small
  owned = parseSourceString<ModuleOp>(text, &context);
  PassManager passes(&context);
  build(passes);
  if (!owned || failed(passes.run(*owned))) {
    ADD_FAILURE() << "the module does not compile:\n" << text;
    return;
  }
  interpreter = std::make_unique<reference::Interpreter>(*owned);
  fillVariables();
}

void TestRun::fillVariables() {
  for (VariableOp variable : module().getOps<VariableOp>()) {
    StringRef name = variable.getSymName();
    auto found = variables().find(name.str());
    if (found == variables().end())
      continue;
    // A generator per variable: its values do not depend on what else a phase declares.
    std::mt19937_64 generator(llvm::xxh3_64bits(name));
    std::normal_distribution<double> normal(0, 0.5);
    bool isPositive = name.ends_with("running_var") || name.starts_with("mean_square/");
    for (double &value : found->second.values)
      value = isPositive ? std::abs(normal(generator)) + 0.1 : normal(generator);
  }
  variables()["io/labels"].values = {2, 0};
  stepValues() = {
      {"seed", 5},       {"step", 3},        {"sample_base", 6},   {"learning_rate", 0.1}, {"weight_decay", 0.01},
      {"momentum", 0.9}, {"rms_decay", 0.8}, {"rms_epsilon", 0.5}, {"beta1", 0.9},         {"beta2", 0.99},
      {"epsilon", 0.01}, {"trust", 0.5},     {"clip_norm", 0.5},   {"clip_value", 0.01},   {"ema", 0.9},
      {"part", 0}};
}

void TestRun::call(const std::string &function) {
  SmallVector<reference::Tensor> outputs;
  if (failed(interpreter->run(function, {}, outputs)))
    ADD_FAILURE() << "function " << function << " fails in the interpreter";
}

std::vector<std::string> TestRun::namesOf(const std::string &kind) {
  std::vector<std::string> names;
  for (VariableOp variable : module().getOps<VariableOp>())
    if (stringifyVariableKind(variable.getKind()) == kind)
      names.push_back(variable.getSymName().str());
  return names;
}

double largest(const reference::Tensor &tensor) {
  double result = 0;
  for (double value : tensor.values)
    result = std::max(result, std::abs(value));
  return result;
}

void expectClose(const reference::Tensor &expected, const reference::Tensor &actual, double tolerance,
                 const std::string &what) {
  ASSERT_EQ(expected.size(), actual.size()) << what;
  double allowed = tolerance * std::max(largest(expected), 1e-3); // a gradient may vanish but for rounding
  for (int64_t index = 0; index < expected.size(); ++index)
    ASSERT_NEAR(expected.values[index], actual.values[index], allowed) << what << "[" << index << "]";
}

/// (loss(value + h) - loss(value - h)) / 2h for element `index` of a parameter.
static double centralDifference(TestRun &run, const std::string &parameter, int64_t index) {
  constexpr double h = 1e-5;
  double &value = run.variables()[parameter].values[index];
  double original = value;
  double loss[2];
  for (int side : {0, 1}) {
    value = original + (side ? h : -h);
    // Running statistics move with each call, but the loss does not depend on them.
    run.call("forward_backward");
    loss[side] = run.variables()["io/loss"].values[0];
  }
  value = original;
  return (loss[1] - loss[0]) / (2 * h);
}

void expectGradientsOf(const TestNetwork &network, void (*addDialects)(DialectRegistry &)) {
  TestRun run(moduleText(network), addDifferentiation, addDialects);
  ASSERT_TRUE(run.ok());
  run.call("forward_backward");
  auto variables = run.variables(); // a copy: later calls write gradients too
  for (const std::string &parameter : run.namesOf("parameter")) {
    const reference::Tensor &gradient = variables["grad/" + parameter];
    double scale = std::max(largest(gradient), 1e-3);
    if (StringRef(parameter).ends_with("weight")) {
      EXPECT_GT(largest(gradient), 1e-6) << parameter << ": a gradient that vanishes proves nothing";
    }
    // All elements of small parameters, a sample of large ones.
    int64_t step = std::max<int64_t>(gradient.size() / 61, 1);
    for (int64_t index = 0; index < gradient.size(); index += step)
      EXPECT_NEAR(gradient.values[index], centralDifference(run, parameter, index), 1e-6 * scale)
          << parameter << "[" << index << "]";
  }
}

} // namespace incept::test
