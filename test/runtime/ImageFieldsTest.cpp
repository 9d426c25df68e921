// SPDX-License-Identifier: Apache-2.0
//
// Program images: where each field of a header goes, and what is said of each that is wrong, on both sides of limits.

#include "runtime/program/Image.h"
#include "test/runtime/TinyProgram.h"

#include <gtest/gtest.h>

using namespace incept;
using nlohmann::json;

namespace {

const std::string kKernels(100, 'k');

/// The tiny header with numbers that are all different.
json distinctHeader() {
  json header = tests::tinyHeader(kKernels.size());
  header["target"] = {{"kind", "cpu"}, {"threads", 3}, {"isa", "an isa"}, {"vector_bits", 256}, {"onednn", "2.6"}};
  header["spec"] = {{"hash", "a hash"}, {"text", "a text"}};
  header["states"] = 13;
  header["macs"] = 14;
  header["memory"] = {{"arena_bytes", 129}, {"persistent_bytes", 130}, {"peak_bytes", 131}, {"lower_bound_bytes", 64}};
  header["training_only"] = {"aux.weight", "aux.bias"};
  return header;
}

/// Adds what a program for a GPU has beside, with a plan and no launches.
json cudaHeader() {
  json header = distinctHeader();
  header["target"] = {{"kind", "cuda"},         {"threads", 1},    {"device", "a100"}, {"card", "a card"},
                      {"multiprocessors", 108}, {"arch", "sm_80"}, {"cudnn", "9.8.0"}};
  header["tf32"] = false;
  for (auto &[name, launches] : header["entries"].items())
    launches = json::array();
  header["kernels"] = json::array();
  header["plans"] = {{{"name", "p"},
                      {"kind", "matmul"},
                      {"impl", "engine 1"},
                      {"scratchpad_bytes", 64},
                      {"weights_bytes", "not the runtime's"},
                      {"m", "4"},
                      {"engine", "11"},
                      {"knobs", "2=1"},
                      {"tensor_core", true},
                      {"serialized", {{"offset", 2}, {"bytes", 0}}}}};
  header["blobs"] = {{"ptx", {{"offset", 0}, {"bytes", 40}}},
                     {"cubin", {{"offset", 40}, {"bytes", 20}}},
                     {"plans", {{"offset", 98}, {"bytes", 2}}}};
  return header;
}

/// What is said of an image, without "the program image is damaged: "; empty where it is accepted.
std::string parse(const json &header, program::Image &image) {
  static std::string bytes; // the image lies in it
  bytes = tests::makeImage(header, kKernels);
  Status status = program::parseImage(bytes, image);
  const std::string begin = "the program image is damaged: ";
  EXPECT_TRUE(status.ok() || status.message().starts_with(begin)) << status.message();
  return status.ok() ? "" : status.message().substr(begin.size());
}

/// The same where the value at a JSON pointer is another one.
std::string with(json header, const std::string &pointer, const json &value) {
  header[json::json_pointer(pointer)] = value;
  program::Image image;
  return parse(header, image);
}

} // namespace

TEST(ImageFields, AreReadFromTheHeader) {
  program::Image image;
  ASSERT_EQ(parse(distinctHeader(), image), "");
  EXPECT_EQ(image.network + "," + image.specHash + "," + image.specText + "," + image.mode + "," + image.precision,
            "tiny,a hash,a text,train,f32");
  EXPECT_EQ(image.target + "," + image.isa + "," + image.onednn, "cpu,an isa,2.6");
  EXPECT_EQ(image.device + image.arch + image.cudnn + image.card, "");
  EXPECT_EQ((std::vector{image.threads, image.vectorBits, image.batchSize, image.classes, image.channels, image.height,
                         image.width, image.parameters, image.states, image.macs, image.multiprocessors}),
            (std::vector<int64_t>{3, 256, 4, 3, 1, 2, 2, 12, 13, 14, 0}));
  EXPECT_EQ((std::vector{image.arenaBytes, image.persistentBytes, image.peakBytes}),
            (std::vector<uint64_t>{129, 130, 131}));
  EXPECT_TRUE(image.keepGradients && !image.tf32 && !image.ignoreLabel && image.outputs.empty());
  EXPECT_EQ(image.trainingOnly, (std::vector<std::string>{"aux.weight", "aux.bias"}));
  EXPECT_EQ(image.training["epochs"], 1);
  EXPECT_EQ(image.kernelObject, kKernels);
  ASSERT_EQ(image.regions.size(), 5u);
  EXPECT_EQ(image.regions[2].name, "params");
  EXPECT_EQ(image.regions[2].bytes, 65536u);
  EXPECT_EQ(image.findRegion("arena"), 0);
  EXPECT_EQ(image.findRegion("io"), 4);
  EXPECT_EQ(image.findRegion("none"), -1);
  EXPECT_EQ(image.find("none"), nullptr);
  const program::Tensor &images = *image.find("io/f32_images"), &weight = *image.find("linear.weight");
  EXPECT_EQ(images.name + "," + images.kind + "," + images.type + "," + images.format, "io/f32_images,io,f32,");
  EXPECT_EQ(images.shape, (std::vector<int64_t>{4, 1, 2, 2}));
  EXPECT_EQ((std::vector<uint64_t>{images.region, images.offset, images.bytes, uint64_t(images.elements)}),
            (std::vector<uint64_t>{4, 64, 64, 16}));
  EXPECT_TRUE(images.init.is_null());
  EXPECT_EQ(weight.init, json({{"kind", "zeros"}}));
  ASSERT_EQ(image.kernels.size(), 5u);
  const program::Kernel &loss = image.kernels[3];
  EXPECT_EQ(loss.name + "," + loss.family, "tiny_loss,fixed");
  EXPECT_EQ(loss.inputs, 3u);
  ASSERT_EQ(loss.operands.size(), 5u);
  EXPECT_EQ(loss.operands[1].elementBytes, 8u);
  EXPECT_EQ(loss.operands[1].rank, 4);
  EXPECT_EQ(loss.operands[1].type, "i64");
  EXPECT_EQ(loss.operands[4].rank, 12);
  EXPECT_EQ(loss.units, 1);
  EXPECT_EQ(loss.extents, (std::vector<int64_t>{4, 4, 3}));
  EXPECT_EQ(image.entries.size(), 6u);
  const program::Launch &update = image.entries["update"][0];
  EXPECT_TRUE(update.isKernel);
  EXPECT_EQ(update.index, 4u);
  ASSERT_EQ(update.operands.size(), 3u);
  EXPECT_EQ(update.operands[2].region, 1u);
  EXPECT_EQ(update.operands[2].offset, 24u);
  EXPECT_EQ((std::vector{update.units, update.flops, update.bytes}), (std::vector<int64_t>{12, 24, 160}));
  EXPECT_EQ(update.op + "," + update.location, "tiny,tiny.json:1:1");
  ASSERT_EQ(image.step.size(), 4u);
  EXPECT_EQ(image.step["learning_rate"].type, "f32");
  EXPECT_EQ(image.step["learning_rate"].offset, 24u);
}

TEST(ImageFields, OfOutputsAndLabelMaps) {
  program::Image image, mapped;
  ASSERT_EQ(parse(distinctHeader(), image), "");
  EXPECT_FALSE(image.labelsPixels());
  EXPECT_EQ(image.labelsPerImage(), 1);
  EXPECT_EQ(image.outputCount(), 1u);
  EXPECT_EQ(image.outputName(0) + "," + image.logitsOf(0) + "," + image.lossOf(0), "logits,io/logits,io/loss");
  json header = distinctHeader();
  header["label_map"] = {{"height", 3}, {"width", 5}, {"ignore", -1}};
  header["outputs"] = {"a", "b_2"};
  ASSERT_EQ(parse(header, mapped), "");
  EXPECT_TRUE(mapped.labelsPixels());
  EXPECT_EQ(mapped.labelHeight, 3);
  EXPECT_EQ(mapped.labelWidth, 5);
  EXPECT_EQ(mapped.labelsPerImage(), 15);
  EXPECT_EQ(mapped.ignoreLabel, -1);
  EXPECT_EQ(mapped.outputCount(), 2u);
  EXPECT_EQ(mapped.outputName(1) + "," + mapped.logitsOf(0) + "," + mapped.logitsOf(1) + "," + mapped.lossOf(0) + "," +
                mapped.lossOf(1),
            "b_2,io/logits,io/logits/b_2,io/loss/a,io/loss/b_2");
  program::Image alone;
  header["outputs"] = {"a"};
  ASSERT_EQ(parse(header, alone), "");
  EXPECT_EQ(alone.outputName(0) + "," + alone.lossOf(0), "a,io/loss");
}

TEST(ImageFields, OfProgramsForAGpu) {
  program::Image image;
  ASSERT_EQ(parse(cudaHeader(), image), "");
  EXPECT_EQ(image.target + "," + image.device + "," + image.card + "," + image.arch + "," + image.cudnn,
            "cuda,a100,a card,sm_80,9.8.0");
  EXPECT_EQ(image.multiprocessors, 108);
  EXPECT_FALSE(image.tf32);
  EXPECT_EQ(image.isa + image.onednn + std::string(image.kernelObject), "");
  EXPECT_EQ(image.ptx.data() + 40, image.cubin.data());
  EXPECT_EQ(image.ptx.size(), 40u);
  EXPECT_EQ(image.cubin.size(), 20u);
  ASSERT_EQ(image.plans.size(), 1u);
  const program::Plan &plan = image.plans[0];
  EXPECT_EQ(plan.kind + "," + plan.impl + "," + plan.knobs, "matmul,engine 1,2=1");
  EXPECT_EQ(plan.engine, 11);
  EXPECT_EQ(plan.scratchpadBytes, 64u);
  EXPECT_TRUE(plan.tensorCore && plan.serialized.empty());
  EXPECT_EQ(plan.fields, (decltype(plan.fields){{"kind", "matmul"}, {"m", "4"}}));
  program::Image other;
  json header = cudaHeader();
  header["plans"][0].erase("tensor_core");
  header["plans"][0]["engine"] = "0";
  header["plans"][0]["serialized"] = {{"offset", 1}, {"bytes", 1}};
  ASSERT_EQ(parse(header, other), "");
  EXPECT_TRUE(!other.plans[0].tensorCore && other.plans[0].engine == 0 && other.plans[0].serialized == "k");
}

TEST(ImageFields, MistakesHaveTheirSentences) {
  struct Case {
    const char *pointer;
    json value;
    std::string words;
  };
  const int64_t most = int64_t(1) << 46;
  const std::string names = "'outputs' is no list of different names";
  const Case cases[] = {
      {"/format_version", 3, "it has format version 3, but this runtime reads 2: compile it again"},
      {"/unknown", 1, "it has an unknown key 'unknown'"},
      {"/network", 1, "'network' is not a string"},
      {"/spec", json::object(), "it lacks 'hash'"},
      {"/spec", 1, "it lacks 'hash'"},
      {"/target/kind", "tpu", "its target is of unknown kind 'tpu'"},
      {"/target/threads", 1024, ""},
      {"/target/threads", 1025, "'threads' is not an integer in range"},
      {"/target/threads", 0, "'threads' is not an integer in range"},
      {"/precision", "f8", "its precision 'f8' is not f32, bf16 or f16"},
      {"/precision", "f16", ""},
      {"/mode", "both", "its mode 'both' is neither train nor infer"},
      {"/mode", "infer", ""},
      {"/batch_size", 0, "'batch_size' is not an integer in range"},
      {"/batch_size", 1.5, "'batch_size' is not an integer in range"},
      {"/batch_size", most / 4, ""}, // images of four pixels; logits of three classes
      {"/batch_size", most / 4 + 1, "its images are too large"},
      {"/classes", most / 4, ""},
      {"/classes", most / 4 + 1, "its logits are too large"},
      {"/image/height", most, "its images are too large"},
      {"/image/height", most + 1, "'height' is not an integer in range"},
      {"/image/width", uint64_t(1) << 63, "'width' is not an integer in range"},
      {"/label_map", {{"height", 0}, {"width", 1}}, "'height' is not an integer in range"},
      {"/label_map", {{"height", 1}, {"width", 0}}, "'width' is not an integer in range"},
      {"/label_map", {{"height", int64_t(1) << 21}, {"width", int64_t(1) << 21}}, ""}, // 12 * 2^42
      {"/label_map", {{"height", int64_t(1) << 22}, {"width", int64_t(1) << 22}}, "its logits are too large"},
      {"/label_map", {{"height", 2}, {"width", 2}, {"ignore", "1"}}, "'ignore' is not an integer in range"},
      {"/outputs", json::array(), names},
      {"/outputs", {"a", "a"}, names},
      {"/outputs", {"a", ""}, names},
      {"/outputs", {"a-b"}, names},
      {"/outputs", {std::string(256, 'a')}, ""},
      {"/outputs", {std::string(257, 'a')}, names},
      {"/outputs", 1, "'outputs' is not a list"},
      {"/parameters", -1, "'parameters' is not an integer in range"},
      {"/parameters", 0, ""},
      {"/keep_gradients", 1, "'keep_gradients' is neither true nor false"},
      {"/training_only", {1}, "a name in 'training_only' is not a string"},
      {"/regions", "none", "'regions' is not a list"},
      {"/regions/0/bytes", most + 1, "'bytes' is not an integer in range"},
      {"/regions/2/bytes", most, ""},
      {"/tensors/5/region", 5, "tensor 'linear.weight' does not fit its region"},
      {"/tensors/5/offset", 65536 - 48, ""},
      {"/tensors/5/offset", 65536 - 44, "tensor 'linear.weight' does not fit its region"},
      {"/tensors/5/offset", 2, "tensor 'linear.weight' does not fit its region"},
      {"/tensors/5/bytes", 47, "tensor 'linear.weight' does not fit its region"},
      {"/tensors/5/bytes", 65536, ""},
      {"/tensors/5/bytes", 65537, "tensor 'linear.weight' does not fit its region"},
      {"/tensors/5/shape", {most, 2}, "tensor 'linear.weight' is too large"},
      {"/tensors/5/shape", {int64_t(1) << 40, int64_t(1) << 40}, "tensor 'linear.weight' is too large"},
      {"/tensors/5/shape", {0, 4}, "'shape' is not an integer in range"},
      {"/tensors/5/shape", {12}, ""},
      {"/tensors/5/shape", {13}, "tensor 'linear.weight' does not fit its region"},
      {"/tensors/5/type", "f33", "tensor 'linear.weight' does not fit its region"},
      {"/tensors/5/kind", "paramter", "tensor 'linear.weight' is of unknown kind 'paramter'"},
      {"/tensors/5/init/kind", "normal", "a tensor's init is of unknown kind 'normal'"},
      {"/tensors/5/init/value", "one", "'value' of a tensor's init is not a number"},
      {"/tensors/5/init/value", 1.5, ""},
      {"/tensors/5/name", "io/loss", "tensor 'io/loss' appears twice"},
      {"/kernels/0/name", "tiny_update", "kernel 'tiny_update' appears twice"},
      {"/kernels/0/family", "mop", "kernel 'tiny_stage_u8' is of unknown family 'mop'"},
      {"/kernels/0/inputs/0", "f32", "an operand of a kernel is not [type, rank]"},
      {"/kernels/0/inputs/0", {"u8"}, "an operand of a kernel is not [type, rank]"},
      {"/kernels/0/inputs/0", {1, 2}, "an operand of a kernel is not [type, rank]"},
      {"/kernels/0/inputs/0", {"f31", 16}, "an operand of a kernel is of unknown type 'f31'"},
      {"/kernels/0/inputs/0", {"u8", -1}, "'inputs' is not an integer in range"},
      {"/kernels/0/units", 0, "'units' is not an integer in range"},
      {"/kernels/0/parts", 2, "kernel 'tiny_stage_u8' cannot have 2 parts"},
      {"/kernels/0/parts", 1, ""},
      {"/kernels/0/counts", -1, "'counts' is not an integer in range"},
      {"/entries", json::array(), "'entries' is not an object"},
      {"/entries/updata", json::array(), "it has an unknown entry point 'updata'"},
      {"/entries/update", json::object(), "entry point 'update' is not a list"},
      {"/entries/update/0/kernel", 5, "a launch names a kernel or plan that is not there"},
      {"/entries/update/0/operands/0", {0}, "an operand is not [region, offset]"},
      {"/entries/update/0/operands/0", {5, 0}, "an operand lies outside its region"},
      {"/entries/update/0/operands/0", {2, 65537}, "an operand lies outside its region"},
      {"/entries/update/0/operands/0", {2, 65536 - 48}, ""},
      {"/entries/update/0/operands/0",
       {2, 65536 - 44},
       "operand 0 of 'tiny' (tiny.json:1:1) has 48 bytes at 65492 of region 'params', which has 65536"},
      {"/entries/update/0/operands/0",
       {2, 2},
       "operand 0 of 'tiny' (tiny.json:1:1) has 48 bytes at 2 of region 'params', which has 65536"},
      {"/entries/update/0/operands", {{2, 0}}, "'tiny' (tiny.json:1:1) has 1 operands, but expected 3"},
      {"/entries/update/0/units", 13, "'tiny' (tiny.json:1:1): expected 12 units, but got 13"},
      {"/entries/update/0/extents",
       {4, 4, 4},
       "'tiny' (tiny.json:1:1): kernel 'tiny_update' was compiled for other extents"},
      {"/entries/update/0/flops", -1, "'flops' is not an integer in range"},
      {"/entries/update/0/op", 1, "'op' is not a string"},
      {"/step/0/offset", 56, ""},
      {"/step/0/offset", 60, "a field of the step block lies outside it"},
      {"/step/0/offset", 64, "a field of the step block lies outside it"},
      {"/step/0/type", "bf16", "a field of the step block lies outside it"},
      {"/step/3/offset", 60, ""},
      {"/step/3/offset", 26, "a field of the step block lies outside it"},
      {"/blobs/kernels/offset", 1, "blob 'kernels' lies outside it"},
      {"/blobs", json::object(), "it lacks 'kernels'"},
  };
  for (const Case &c : cases)
    EXPECT_EQ(with(distinctHeader(), c.pointer, c.value), c.words) << c.pointer << " = " << c.value;
  // As many outputs as there may be.
  json outputs = json::array();
  for (int i = 0; i < 64; ++i)
    outputs.push_back("o" + std::to_string(i));
  EXPECT_EQ(with(distinctHeader(), "/outputs", outputs), "");
  outputs.push_back("more");
  EXPECT_EQ(with(distinctHeader(), "/outputs", outputs), names);
  const Case ofCuda[] = {
      {"/target/multiprocessors", 0, "'multiprocessors' is not an integer in range"},
      {"/target/multiprocessors", 1 << 20, ""},
      {"/target/multiprocessors", (1 << 20) + 1, "'multiprocessors' is not an integer in range"},
      {"/target/card", 1, "'card' is not a string"},
      {"/tf32", 1, "'tf32' is neither true nor false"},
      {"/plans/0/engine", "-1", "a plan's engine '-1' is not a number"},
      {"/plans/0/engine", "1x", "a plan's engine '1x' is not a number"},
      {"/plans/0/engine", "", "a plan's engine '' is not a number"},
      {"/plans/0/tensor_core", 1, "a plan's 'tensor_core' is neither true nor false"},
      {"/plans/0/m", 4, "plan field 'm' is not a string"},
      {"/plans/0/serialized/bytes", 1, "a serialized plan lies outside it"},
      {"/blobs/ptx/bytes", 100, ""},
      {"/blobs/ptx/bytes", 101, "blob 'ptx' lies outside it"},
      {"/blobs/cubin/offset", 81, "blob 'cubin' lies outside it"},
      {"/blobs/plans/offset", 99, "blob 'plans' lies outside it"},
  };
  for (const Case &c : ofCuda)
    EXPECT_EQ(with(cudaHeader(), c.pointer, c.value), c.words) << c.pointer << " = " << c.value;
}

TEST(ImageFields, GridsAreThoseOfTheHardware) {
  json header = distinctHeader();
  header["target"] = cudaHeader()["target"];
  header["tf32"] = false;
  header["blobs"] = {{"ptx", {{"offset", 0}, {"bytes", 40}}}};
  for (auto &[name, launches] : header["entries"].items())
    for (json &launch : launches) {
      launch.erase("units");
      launch.update({{"grid", {1, 1, 1}}, {"block", {1, 1, 1}}});
    }
  program::Image image;
  ASSERT_EQ(parse(header, image), "");
  const int64_t most[] = {INT32_MAX, 65535, 65535}, threads[] = {1024, 1024, 64};
  for (size_t i = 0; i < 3; ++i) {
    std::string grid = "/entries/update/0/grid/" + std::to_string(i),
                block = "/entries/update/0/block/" + std::to_string(i);
    EXPECT_EQ(with(header, grid, most[i]), "") << i;
    EXPECT_EQ(with(header, grid, most[i] + 1), "'grid' is not an integer in range") << i;
    EXPECT_EQ(with(header, grid, 0), "'grid' is not an integer in range") << i;
    EXPECT_EQ(with(header, block, threads[i]), "") << i;
    EXPECT_EQ(with(header, block, threads[i] + 1), "'block' is not an integer in range") << i;
  }
  EXPECT_EQ(with(header, "/entries/update/0/block", {16, 16, 4}), "");
  EXPECT_EQ(with(header, "/entries/update/0/block", {16, 13, 5}), "a block has more than 1024 threads");
  EXPECT_EQ(with(header, "/entries/update/0/grid", {1, 1}), "'grid' is not [x, y, z]");
  EXPECT_EQ(with(header, "/entries/update/0/grid", {1, 1, 1, 1}), "'grid' is not [x, y, z]");
  json damaged = header;
  damaged["entries"]["update"][0].erase("grid");
  EXPECT_EQ(parse(damaged, image), "it lacks 'grid'");
}

TEST(ImageFields, TypesHaveTheirSizes) {
  const std::pair<const char *, uint64_t> types[] = {{"f32", 4}, {"bf16", 2}, {"f16", 2}, {"i64", 8},
                                                     {"u64", 8}, {"u8", 1},   {"", 0},    {"F32", 0}};
  for (auto [type, bytes] : types)
    EXPECT_EQ(program::typeBytes(type), bytes) << type;
}

TEST(ImageFields, PrefixesAreChecked) {
  const std::string good = tests::makeImage(distinctHeader(), kKernels);
  program::Image image;
  auto said = [&](const std::string &bytes) { return program::parseImage(bytes, image).message(); };
  EXPECT_EQ(said(good.substr(0, 15)), "the program image is damaged: it is shorter than 16 bytes");
  EXPECT_EQ(said(good.substr(0, 16)), "the program image is damaged: its header is longer than the image");
  std::string first = good.substr(0, 8) + "{\"format_version\":1";
  EXPECT_EQ(said(first), "the program image has format version 1, but this runtime reads 2: compile it again");
  std::string text = good;
  text[16] = 'x';
  tests::seal(text);
  EXPECT_EQ(said(text), "the program image is damaged: its header is not JSON");
}
