// SPDX-License-Identifier: Apache-2.0
//
// The program image of a small exec-phase module, and the executable that carries it.

#include "runtime/program/Image.h"
#include "codegen/image/Executable.h"
#include "codegen/image/ImageWriter.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace mlir;

namespace incept::test {

namespace {

constexpr const char *kModule = R"(
module attributes {incept.network = "tiny", incept.mode = "infer", incept.batch_size = 2 : i64, incept.classes = 3 : i64,
                   incept.macs = 7 : i64, incept.spec_text = "{\22spec\22: 1}"} {
  incept.exec.region @arena 1024
  incept.exec.region @params 256
  incept.exec.region @step 64
  incept.exec.field "seed" of @step at 8 : ui64
  incept.variable @w kind parameter decay init {kind = "he_normal", fan_in = 3 : i64}
      {region = @params, offset = 64 : i64, bytes = 48 : i64}
      : tensor<4x3xf32, #incept.layout<dense>>
  incept.exec.plan @p matmul {m = "2", impl = "gemm:jit", scratchpad_bytes = 64 : i64}
      : (memref<2x3xf32>, memref<4x3xf32>) -> memref<2x3xf32>
  incept.exec.kernel_def @k map {
  ^bb0(%x: tensor<?x?xf32>):
    %y = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
    incept.yield %y : tensor<?x?xf32>
  }
  func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
    %a = incept.exec.slice @arena at 128 : memref<2x3xf32>
    %w = incept.exec.slice @params at 64 : memref<4x3xf32>
    %s = incept.exec.slice @arena at 192 : memref<64xi8>
    %b = incept.exec.slice @arena at 256 : memref<2x3xf32>
    incept.exec.library @p ins(%a, %w : memref<2x3xf32>, memref<4x3xf32>) outs(%b : memref<2x3xf32>)
        scratchpad(%s : memref<64xi8>)
    incept.exec.kernel @k ins(%a : memref<2x3xf32>) outs(%a : memref<2x3xf32>) extents [2, 3, 3, 3] units 2
        {incept.path = "head.relu", incept.flops = 6 : i64, incept.bytes = 48 : i64}
    return
  }
  func.func @update() attributes {incept.entry = #incept.entry<update>} {
    %a = incept.exec.slice @arena at 128 : memref<2x4xf32>
    incept.exec.kernel @k ins(%a : memref<2x4xf32>) outs(%a : memref<2x4xf32>) extents [2, 4, 4, 4] units 2
        width 4 grid [1, 1, 1] block [1, 256, 1]
    return
  }
})";

/// The image of kModule, with `from` replaced by `to`; the error where there is none.
std::string makeImage(const std::string &from = "", const std::string &to = "") {
  MLIRContext context;
  context.loadDialect<InceptDialect, func::FuncDialect>();
  std::string text = kModule, error;
  if (!from.empty())
    text.replace(text.find(from), from.size(), to);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    error = diagnostic.str();
    return success();
  });
  auto module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return error;
  ImageContents contents;
  contents.target = {"cpu", {{"isa", "avx2"}, {"onednn", "2.6.3"}}, {{"threads", 2}, {"vector_bits", 256}}};
  contents.blobs = {{"kernels", "so"}};
  auto image = writeImage(*module, contents);
  return succeeded(image) ? *image : error;
}

} // namespace

TEST(Image, PartsAreOfGrids) {
  EXPECT_EQ(makeImage("@k ins(%a : memref<2x3xf32>) outs(%a : memref<2x3xf32>) extents [2, 3, 3, 3] units 2",
                      "@k ins(%a, %b : memref<2x3xf32>, memref<2x3xf32>) outs(%a, %b : memref<2x3xf32>, "
                      "memref<2x3xf32>) extents [2, 3, 3, 3, 2, 3, 3, 3] units 4"),
            "'incept.exec.kernel' op has several parts: expected a target that launches grids");
}

TEST(Image, KernelsTogetherAreOfGrids) {
  const std::string launch = "@k ins(%a : memref<2x4xf32>) outs(%a : memref<2x4xf32>) extents [2, 4, 4, 4] units 2\n"
                             "        width 4 grid [1, 1, 1] block [1, 256, 1]";
  const std::string other = "@k ins(%b : memref<2x4xf32>) outs(%b : memref<2x4xf32>) extents [2, 4, 4, 4] units 2 "
                            "width 4 grid [1, 1, 1] block [1, 256, 1]";
  EXPECT_EQ(makeImage(launch, launch +
                                  " with_next\n%b = incept.exec.slice @arena at 192 : memref<2x4xf32>\n"
                                  "incept.exec.kernel " +
                                  other),
            "'incept.exec.kernel' op runs in one launch with the next: expected a target that launches grids");
}

TEST(Image, HasTheHeaderThatTheFormatSays) {
  std::string image = makeImage();
  ASSERT_GE(image.size(), program::kPrefixBytes);
  uint64_t bytes = llvm::support::endian::read64le(image.data());
  EXPECT_EQ((bytes + program::kPrefixBytes) % program::kBlobAlignment, 0u);
  ASSERT_EQ(image.size(), program::kPrefixBytes + bytes + 2);
  EXPECT_EQ(image.substr(program::kPrefixBytes + bytes), "so");
  EXPECT_EQ(llvm::support::endian::read64le(image.data() + 8), program::imageChecksum(image));
  auto header = nlohmann::json::parse(image.substr(program::kPrefixBytes, bytes));
  EXPECT_EQ(header["format_version"], program::kFormatVersion);
  EXPECT_EQ(header["spec"]["text"], "{\"spec\": 1}");
  EXPECT_EQ(header["parameters"], 12);
  EXPECT_EQ(header["regions"][1], (nlohmann::json{{"name", "params"}, {"bytes", 256}}));
  EXPECT_EQ(header["step"], (nlohmann::json{{{"name", "seed"}, {"type", "u64"}, {"offset", 8}}}));
  EXPECT_EQ(header["tensors"][0]["region"], 1);
  EXPECT_EQ(header["tensors"][0]["offset"], 64);
  EXPECT_EQ(header["tensors"][0]["format"], "");
  EXPECT_EQ(header["tensors"][0]["init"]["kind"], "he_normal");
  EXPECT_EQ(header["plans"][0]["kind"], "matmul");
  EXPECT_EQ(header["plans"][0]["scratchpad_bytes"], 64);
  ASSERT_EQ(header["kernels"].size(), 2u);
  EXPECT_EQ(header["kernels"][0], nlohmann::json::parse(R"({"name": "k", "family": "map", "inputs": [["f32", 2]],
                                                            "outputs": [["f32", 2]], "counts": 0})"));
  EXPECT_EQ(header["kernels"][1]["name"], "k_v4");
  auto &launches = header["entries"]["infer"];
  ASSERT_EQ(launches.size(), 2u);
  EXPECT_EQ(launches[0]["plan"], 0);
  EXPECT_EQ(launches[0]["operands"], (nlohmann::json{{0, 128}, {1, 64}, {0, 256}, {0, 192}}));
  EXPECT_EQ(launches[1]["kernel"], 0);
  EXPECT_EQ(launches[1]["extents"], (nlohmann::json{2, 3, 3, 3}));
  EXPECT_EQ(launches[1]["units"], 2);
  EXPECT_EQ(launches[1]["op"], "head.relu");
  EXPECT_EQ(launches[1]["flops"], 6);
  EXPECT_EQ(launches[1]["bytes"], 48);
  // A launch in a grid: code for vectors of 4.
  auto &shaped = header["entries"]["update"][0];
  EXPECT_EQ(shaped["kernel"], 1);
  EXPECT_EQ(shaped["grid"], (nlohmann::json{1, 1, 1}));
  EXPECT_EQ(shaped["block"], (nlohmann::json{1, 256, 1}));
  EXPECT_FALSE(shaped.contains("units"));
  EXPECT_EQ(header["blobs"]["kernels"], (nlohmann::json{{"offset", 0}, {"bytes", 2}}));
}

/// A program of nothing but what the runtime needs, with `from` replaced by `to`, and the error that it gives.
static std::string refusalOf(const std::string &from, const std::string &to) {
  std::string text = R"(
module attributes {incept.mode = "infer", incept.batch_size = 2 : i64, incept.classes = 3 : i64,
                   incept.image = {channels = 1 : i64, height = 4 : i64, width = 5 : i64},
                   incept.memory = {arena_bytes = 0 : i64, persistent_bytes = 0 : i64, peak_bytes = 0 : i64,
                                    lower_bound_bytes = 0 : i64}} {
  incept.variable @"io/u8_images" kind io role "u8_images" : tensor<2x4x5x1xui8>
  incept.variable @"io/f32_images" kind io role "f32_images" : tensor<2x1x4x5xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x3xf32>
  incept.variable @w kind parameter : tensor<3x20xf32>
  func.func @stage_u8() attributes {incept.entry = #incept.entry<stage_u8>} { return }
  func.func @stage_f32() attributes {incept.entry = #incept.entry<stage_f32>} { return }
  func.func @prepare_inference() attributes {incept.entry = #incept.entry<prepare_inference>} { return }
  func.func @infer() attributes {incept.entry = #incept.entry<infer>} { return }
})";
  if (size_t at = text.find(from); at != std::string::npos)
    text.replace(at, from.size(), to);
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

TEST(Program, HasWhatTheRuntimeNeeds) {
  EXPECT_EQ(refusalOf("", ""), "");
  auto expect = [](const std::string &from, const std::string &to, const std::string &message) {
    EXPECT_NE(refusalOf(from, to).find(message), std::string::npos) << refusalOf(from, to);
  };
  expect("incept.mode = \"infer\", ", "", "expected incept.mode in a program");
  expect("\"infer\"", "\"train\"", "expected a function for entry point forward_backward in a program");
  expect("#incept.entry<stage_f32>", "#incept.entry<update>", "expected a function for entry point stage_f32");
  expect("classes = 3", "classes = 0", "expected positive incept.batch_size, incept.classes and incept.image");
  expect("width = 5 : i64", "width = \"5\"", "expected positive incept.batch_size, incept.classes and incept.image");
  expect("arena_bytes = 0", "arena_bytes = -1", "expected incept.memory with arena_bytes in a program");
  expect("@\"io/loss\"", "@\"io/cost\"", "expected a variable 'io/loss' : 'tensor<f32>' in a program");
  expect("tensor<2x1x4x5xf32>", "tensor<2x1x5x4xf32>", "expected 'tensor<2x1x4x5xf32>' in a program");
  expect("tensor<3x20xf32>", "tensor<3x20xf64>", "expected elements of type f32, bf16, f16, i64 or ui8 in a program");
  expect("tensor<3x20xf32>", "tensor<3x0xf32>", "and at least one, but got 'tensor<3x0xf32>'");
}

TEST(Executable, CarriesTheImageInASection) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("incept-executable", folder));
  llvm::SmallString<128> output = folder;
  llvm::sys::path::append(output, "program");
  // Any executable will do as the stub: this one.
  std::string image = makeImage(), stub = llvm::sys::fs::getMainExecutable(nullptr, nullptr);
  Status written = writeExecutable(stub, image, output.str().str());
  ASSERT_TRUE(written.ok()) << written.message();

  auto file = llvm::object::ObjectFile::createObjectFile(output);
  ASSERT_TRUE(bool(file));
  std::string found;
  for (const llvm::object::SectionRef &section : file->getBinary()->sections())
    if (llvm::cantFail(section.getName()) == program::kSectionName)
      found = llvm::cantFail(section.getContents()).str();
  EXPECT_EQ(found, image);
  auto permissions = llvm::sys::fs::getPermissions(output);
  ASSERT_TRUE(bool(permissions));
  EXPECT_EQ(*permissions & 0755, 0755);
  EXPECT_FALSE(llvm::sys::fs::remove(output));
  // Nothing but the executable was left in the folder.
  EXPECT_FALSE(llvm::sys::fs::remove(folder));
}

TEST(Executable, SaysWhatIsMissing) {
  auto message = [](const std::string &stub, const std::string &output) {
    return writeExecutable(stub, "image", output).message();
  };
  std::string self = llvm::sys::fs::getMainExecutable(nullptr, nullptr);
  EXPECT_NE(message("/nowhere/stub", "/tmp/x").find("cannot read the runtime '/nowhere/stub'"), std::string::npos);
  // Root could replace a device by a file.
  EXPECT_NE(message(self, "/dev/null").find("expected a regular file or a new name"), std::string::npos);
  EXPECT_NE(message(self, "/nowhere/program").find("cannot write '/nowhere/program'"), std::string::npos);
}

} // namespace incept::test
