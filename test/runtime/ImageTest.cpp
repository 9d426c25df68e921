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
      {"/format_version", 2},
      {"/target/kind", "tpu"},
      {"/precision", "f8"},
      {"/target/threads", 0},
      {"/target/threads", 1 << 20},
      {"/batch_size", 0},
      {"/batch_size", -1},
      {"/batch_size", 1.5},
      {"/image/height", uint64_t(1) << 63},
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
      {"/tensors/5/name", "io/loss"},
      {"/kernels/0", 1},
      {"/entries/update/0/kernel", 5},
      {"/entries/update/0/kernel", -1},
      {"/entries/update/0/operands/0", {9, 0}},
      {"/entries/update/0/operands/0", {0, 129}},
      {"/entries/update/0/operands/0", {0, -1}},
      {"/entries/update/0/operands/0", {0}},
      {"/entries/update/0/units", 0},
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
    (void)parse(damaged); // refused or harmless
  }
  EXPECT_NE(parse(std::string(8, '\xff')), "");
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
