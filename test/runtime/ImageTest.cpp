// SPDX-License-Identifier: Apache-2.0
//
// Damaged program images: each is refused with a sentence, none crashes.

#include "runtime/program/Image.h"
#include "test/runtime/TinyProgram.h"

#include <gtest/gtest.h>

using namespace incept;
using nlohmann::json;

namespace {

const std::string kKernels(100, 'k');

std::string parse(const std::string &bytes) {
  program::Image image;
  Status status = program::parseImage(bytes, image);
  EXPECT_TRUE(status.ok() || status.code() == Code::Input);
  return status.message();
}

/// The tiny header as one of a CUDA program, with a plan whose serialised form are three bytes.
json cudaHeader() {
  json header = tests::tinyHeader(kKernels.size());
  header["target"] = {{"kind", "cuda"},         {"threads", 1},    {"device", "h100"}, {"card", "a card"},
                      {"multiprocessors", 132}, {"arch", "sm_90"}, {"cudnn", "9.19.0"}};
  header["tf32"] = true;
  header["precision"] = "bf16";
  for (auto &[name, launches] : header["entries"].items())
    for (json &launch : launches) {
      launch.erase("units");
      launch.update({{"grid", {2, 1, 1}}, {"block", {128, 2, 1}}});
    }
  header["plans"] = {{{"name", "p"},
                      {"kind", "matmul"},
                      {"impl", "engine 1"},
                      {"scratchpad_bytes", 64},
                      {"m", "4"},
                      {"engine", "11"},
                      {"knobs", "2=1"},
                      {"serialized", {{"offset", 1}, {"bytes", 3}}}}};
  header["blobs"] = {{"ptx", {{"offset", 0}, {"bytes", 90}}}, {"plans", {{"offset", 64}, {"bytes", 36}}}};
  return header;
}

/// The message for the tiny header with the value at a JSON pointer replaced.
std::string with(const char *pointer, const json &value) {
  json header = tests::tinyHeader(kKernels.size());
  header[json::json_pointer(pointer)] = value;
  return parse(tests::makeImage(header, kKernels));
}

} // namespace

TEST(Image, AcceptsTheTinyProgram) {
  program::Image image;
  std::string bytes = tests::makeImage(tests::tinyHeader(kKernels.size()), kKernels);
  ASSERT_EQ(program::parseImage(bytes, image).message(), "");
  EXPECT_EQ(image.kernelObject, kKernels);
  EXPECT_EQ(image.entries.at("forward_backward").size(), 2u);
  EXPECT_TRUE(image.entries.at("prepare_inference").empty());
  EXPECT_EQ(image.find("linear.weight")->elements, 12);
}

TEST(Image, RefusesDamagedValues) {
  const std::pair<const char *, json> cases[] = {
      {"/format_version", 1},
      {"/format_version", 3},
      {"/unknown", 1},
      {"/target/kind", "tpu"},
      {"/precision", "f8"},
      {"/mode", "both"},
      {"/keep_gradients", 1},
      {"/target/threads", 0},
      {"/target/threads", 1 << 20},
      {"/batch_size", 0},
      {"/batch_size", -1},
      {"/batch_size", 1.5},
      {"/image/height", uint64_t(1) << 63},
      {"/image/height", int64_t(1) << 45},
      {"/classes", int64_t(1) << 45},
      {"/label_map", "none"},
      {"/label_map", {{"height", 0}, {"width", 2}}},
      {"/label_map", {{"height", 2}}},
      {"/label_map", {{"height", 2}, {"width", 2}, {"ignore", "255"}}},
      {"/outputs", json::array()},
      {"/outputs", {"a", "a"}},
      {"/outputs", {"a", "b/c"}},
      {"/outputs", {"a", 1}},
      {"/label_map", {{"height", int64_t(1) << 40}, {"width", int64_t(1) << 40}}},
      {"/regions/0/bytes", -1},
      {"/regions/0/bytes", int64_t(1) << 62},
      {"/regions", "none"},
      {"/tensors/5/region", 5},
      {"/tensors/5/region", -1},
      {"/tensors/5/offset", 65536 - 44},
      {"/tensors/5/offset", INT64_MAX},
      {"/tensors/5/offset", 2},
      {"/tensors/5/bytes", 44},
      {"/tensors/5/bytes", uint64_t(1) << 45},
      {"/tensors/5/shape", {int64_t(1) << 40, int64_t(1) << 40}},
      {"/tensors/5/shape", {0, 4}},
      {"/tensors/5/shape", {-3, 4}},
      {"/tensors/5/type", "f33"},
      {"/tensors/5/kind", "paramter"},
      {"/tensors/5/init", "zeros"},
      {"/tensors/5/init/kind", "normal"},
      {"/tensors/5/init/value", "one"},
      {"/tensors/5/name", "io/loss"},
      {"/kernels/0", 1},
      {"/kernels/0/name", 1},
      {"/kernels/0/name", "tiny_update"},
      {"/kernels/0/family", "mop"},
      {"/kernels/0/family", "map"},
      {"/kernels/0/inputs", json::array()},
      {"/kernels/0/inputs/0/0", "f31"},
      {"/kernels/0/inputs/0/1", 321},
      {"/kernels/0/inputs/0/1", -1},
      {"/kernels/0/outputs/0/1", 33},
      {"/kernels/0/extents", {4, 4}},
      {"/kernels/0/units", 5},
      {"/kernels/0/counts", -1},
      {"/entries/update/0/kernel", 5},
      {"/entries/update/0/kernel", -1},
      {"/entries/update/0/operands/0", {9, 0}},
      {"/entries/update/0/operands/0", {0, 129}},
      {"/entries/update/0/operands/0", {0, -1}},
      {"/entries/update/0/operands/0", {0}},
      {"/entries/update/0/units", 0},
      {"/entries/update/0/units", 12000},
      {"/entries/update/0/extents", {4, 4, 4}},
      {"/entries/update/0/operands/0", {2, 65536 - 44}},
      {"/entries/update/0/operands/0", {2, 2}},
      {"/entries/updata", json::array()},
      {"/entries/update", json::object()},
      {"/entries/update/0/extents", {-1}},
      {"/entries/update/0", 3},
      {"/entries/update/0",
       {{"plan", 0}, {"operands", json::array()}, {"op", ""}, {"loc", ""}, {"flops", 0}, {"bytes", 0}}},
      {"/entries/update/0/flops", -1},
      {"/entries/update/0/bytes", "many"},
      {"/entries", json::array()},
      {"/step/0/offset", 60},
      {"/step/0/offset", uint64_t(1) << 45},
      {"/step/0/type", "f16"},
      {"/blobs/kernels/offset", 1},
      {"/blobs/kernels/bytes", 101},
      {"/blobs/kernels/bytes", uint64_t(1) << 63},
      {"/blobs", json::object()},
  };
  for (const auto &[pointer, value] : cases)
    EXPECT_NE(with(pointer, value), "") << pointer << " = " << value;
}

TEST(Image, ReadsWhatCudaAdds) {
  program::Image image;
  std::string blobs(64, 'x'), bytes = tests::makeImage(cudaHeader(), blobs + "0123" + std::string(32, 'y'));
  ASSERT_EQ(program::parseImage(bytes, image).message(), "");
  EXPECT_EQ(image.target + image.device + image.arch + image.cudnn, "cudah100sm_909.19.0");
  EXPECT_TRUE(image.tf32);
  EXPECT_EQ(image.ptx.size(), 90u);
  EXPECT_TRUE(image.cubin.empty() && image.kernelObject.empty());
  ASSERT_EQ(image.plans.size(), 1u);
  EXPECT_EQ(image.plans[0].engine, 11);
  EXPECT_EQ(image.plans[0].serialized, "123");
  EXPECT_EQ(image.plans[0].fields, (decltype(image.plans[0].fields){{"kind", "matmul"}, {"m", "4"}}));
  const program::Launch &launch = image.entries.at("update")[0];
  EXPECT_EQ(launch.grid, (std::array<unsigned, 3>{2, 1, 1}));
  EXPECT_EQ(launch.block, (std::array<unsigned, 3>{128, 2, 1}));
}

TEST(Image, KernelsHaveParts) {
  json header = cudaHeader();
  json &kernel = header["kernels"][header["entries"]["update"][0]["kernel"].get<size_t>()];
  program::Image image;
  std::string blobs(100, 'x');
  kernel["parts"] = 1;
  std::string one = tests::makeImage(header, blobs);
  ASSERT_EQ(program::parseImage(one, image).message(), "");
  // A launch of one part has neither the operands nor the sizes of two.
  for (const json &parts : {json(2), json(0), json(-1), json("2"), json(9), json(5000), json(int64_t(1) << 62)}) {
    kernel["parts"] = parts;
    EXPECT_NE(parse(tests::makeImage(header, blobs)), "") << parts;
  }
}

TEST(Image, KernelsOfSeveral) {
  json header = cudaHeader();
  json &launch = header["entries"]["update"][0];
  json &kernel = header["kernels"][launch["kernel"].get<size_t>()];
  const json vector = json::array({json::array({"f32", 1})});
  const json member = {{"name", "k"}, {"family", "flat"}, {"inputs", vector}, {"outputs", vector}, {"counts", 0}};
  kernel = {{"name", kernel["name"]}, {"family", "mixed"}, {"members", json::array({member, member})}};
  // Twelve weights and half of them, into the arena.
  json weights = launch["operands"][0];
  launch["operands"] = {weights, weights, {0, 0}, {0, 48}};
  launch["extents"] = {12, 4, 1, 1, 256, 1, 1, 1, 256, 1};
  launch["grid"] = {2, 1, 1};
  launch["block"] = {256, 1, 1};
  program::Image image;
  std::string blobs(100, 'x'), bytes = tests::makeImage(header, blobs);
  ASSERT_EQ(program::parseImage(bytes, image).message(), "");
  EXPECT_EQ(image.kernels[launch["kernel"].get<size_t>()].parts, 2u);
  EXPECT_EQ(image.kernels[launch["kernel"].get<size_t>()].inputs, 2u);
  auto refused = [&](const char *pointer, const json &value) {
    json damaged = header;
    damaged[json::json_pointer(pointer)] = value;
    return !parse(tests::makeImage(damaged, blobs)).empty();
  };
  std::string own = "/kernels/" + launch["kernel"].dump();
  EXPECT_TRUE(refused((own + "/members").c_str(), json::array({member})));
  EXPECT_TRUE(refused((own + "/members").c_str(), 2));
  EXPECT_TRUE(refused((own + "/members").c_str(), json(9, member)));
  EXPECT_TRUE(refused((own + "/members/1/family").c_str(), "mixed"));
  EXPECT_TRUE(refused((own + "/members/1/family").c_str(), "mop"));
  EXPECT_TRUE(refused((own + "/members/1/parts").c_str(), 2));
  EXPECT_TRUE(refused((own + "/members/0/inputs/0/0").c_str(), "f128"));
  EXPECT_TRUE(refused("/entries/update/0/extents/0", 1 << 20));
  EXPECT_TRUE(refused("/entries/update/0/extents/1", 1 << 20));
  EXPECT_TRUE(refused("/entries/update/0/grid/0", 3));
}

TEST(Image, RefusesDamagedCudaValues) {
  const std::pair<const char *, json> cases[] = {
      {"/target/kind", "cpu"},
      {"/target/arch", 90},
      {"/tf32", 1},
      {"/blobs/ptx/bytes", 101},
      {"/blobs/plans/offset", uint64_t(1) << 63},
      {"/plans/0/engine", 11},
      {"/plans/0/engine", "eleven"},
      {"/plans/0/engine", ""},
      {"/plans/0/m", 4},
      {"/plans/0/serialized", "none"},
      {"/plans/0/serialized/bytes", 36},
      {"/plans/0/serialized/offset", -1},
      {"/entries/update/0/grid", {1, 1}},
      {"/entries/update/0/grid/0", int64_t(1) << 31},
      {"/entries/update/0/grid/2", 65536},
      {"/entries/update/0/block", {0, 1, 1}},
      {"/entries/update/0/block", {512, 1, 3}},
      {"/entries/update/0/block/2", 65},
  };
  for (const auto &[pointer, value] : cases) {
    json header = cudaHeader();
    header[json::json_pointer(pointer)] = value;
    EXPECT_NE(parse(tests::makeImage(header, kKernels)), "") << pointer << " = " << value;
  }
  for (const char *pointer : {"/target/device", "/target/arch", "/target/cudnn", "/tf32", "/blobs/ptx",
                              "/plans/0/engine", "/plans/0/knobs", "/plans/0/serialized", "/entries/update/0/grid"}) {
    json header = cudaHeader();
    json::json_pointer place(pointer);
    header[place.parent_pointer()].erase(place.back());
    EXPECT_NE(parse(tests::makeImage(header, kKernels)), "") << pointer;
  }
}

TEST(Image, RefusesEveryMissingKey) {
  json header = tests::tinyHeader(kKernels.size());
  for (const auto &[key, value] : header.items()) {
    if (key == "normalization")
      continue; // not the runtime's: the staging kernels hold it
    json damaged = header;
    damaged.erase(key);
    EXPECT_NE(parse(tests::makeImage(damaged, kKernels)), "") << key;
  }
}

TEST(Image, SurvivesCutsAndDamagedBytes) {
  const std::string good = tests::makeImage(tests::tinyHeader(kKernels.size()), kKernels);
  for (size_t size = 0; size < good.size(); size += 7)
    EXPECT_NE(parse(good.substr(0, size)), "") << size;
  for (size_t i = 0; i < good.size() - kKernels.size(); ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x15);
    EXPECT_NE(parse(damaged), "") << i;
    tests::seal(damaged);
    (void)parse(damaged); // refused or harmless
  }
  EXPECT_NE(parse(std::string(16, '\xff')), "");
  // The kernels too.
  std::string damaged = good;
  damaged.back() ^= 1;
  EXPECT_EQ(parse(damaged),
            "the program image is damaged: its checksum does not match: copy the program again, or compile it again");
}

TEST(Elf, FindsTheSectionAndSurvivesDamage) {
  const std::string good = tests::makeElf("the image");
  std::string_view section;
  ASSERT_TRUE(program::findSection(good, section).ok());
  EXPECT_EQ(section, "the image");
  EXPECT_FALSE(program::findSection("", section).ok());
  for (size_t i = 0; i < good.size(); ++i) {
    (void)program::findSection(std::string_view(good).substr(0, i), section).ok();
    for (unsigned char byte : {0x00, 0x7f, 0xff}) {
      std::string damaged = good;
      damaged[i] = static_cast<char>(byte);
      if (!program::findSection(damaged, section).ok())
        continue;
      EXPECT_TRUE(section.data() >= damaged.data() &&
                  section.data() + section.size() <= damaged.data() + damaged.size());
    }
  }
}
