// SPDX-License-Identifier: Apache-2.0
//
// Trainings that leave out steps, on a device that computes nothing.

#include "runtime/train/Nonfinite.h"
#include "test/runtime/TrainerFixture.h"

#include <filesystem>
#include <limits>
#include <set>

using namespace incept;
namespace fs = std::filesystem;

// Infinities and numbers that are none, wherever they are; what is cut off at the end is no value.
TEST(Nonfinite, ValuesAreCounted) {
  auto count = [](const char *type, const std::string &bytes) {
    return countNonfinite(type, reinterpret_cast<const std::byte *>(bytes.data()), bytes.size());
  };
  auto words = [](std::initializer_list<uint32_t> values, size_t size) {
    std::string bytes;
    for (uint32_t value : values)
      bytes.append(reinterpret_cast<const char *>(&value), size);
    return bytes;
  };
  // The largest and the smallest numbers, then infinities and others of that exponent.
  EXPECT_EQ(count("f32", words({0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7f800001, 0xffffffff, 1, 0}, 4)), 4u);
  EXPECT_EQ(count("bf16", words({0x7f7f, 0xff7f, 0x7f80, 0xff80, 0x7f81, 0xffff, 1, 0}, 2)), 4u);
  EXPECT_EQ(count("f16", words({0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7c01, 0xffff, 1, 0}, 2)), 4u);
  EXPECT_EQ(count("i64", std::string(16, '\xff')) + count("u8", "\xff"), 0u);
  for (size_t size = 0; size <= 8; ++size) {
    EXPECT_EQ(count("f32", std::string(size, '\xff')), size / 4) << size;
    EXPECT_EQ(count("bf16", std::string(size, '\xff')), size / 2) << size;
  }
}

// Steps whose loss, or whose results, are not finite count as steps, and the weights are those of before. More of them
// in a row than allowed are an error; others between them begin the count anew.
TEST_F(TrainerTest, LeavesOutStepsThatAreNotFinite) {
  writeImages("train", 40);
  std::set<int64_t> bad = {3, 4, 6};
  tests::script().compute = [&](const tests::ScriptedStep &step, std::vector<float> &, float &loss) {
    loss = bad.count(stepOf(step)) ? std::numeric_limits<float>::quiet_NaN() : 1;
  };
  TrainOptions some = options(20);
  some.skipNonfinite = true;
  some.maxSkipped = 2;
  std::vector<std::string> notes;
  some.note = [&](const std::string &text) { notes.push_back(text); };
  EXPECT_EQ(run(some).message(), "");
  std::vector<json> lines = logLines();
  ASSERT_EQ(lines.size(), 20u);
  for (int64_t step = 0; step < 20; ++step) {
    EXPECT_EQ(lines[step]["step"], step);
    EXPECT_EQ(lines[step].contains("left_out"), bad.count(step) == 1) << step;
  }
  EXPECT_EQ(std::count(notes.begin(), notes.end(), "step 6 is left out: its loss is not finite"), 1);
  EXPECT_EQ(notes.back(), "3 steps were left out: values were not finite");
  EXPECT_EQ(trained().size(), 23u); // each of the three again, to look for the op
  EXPECT_EQ(tests::script().memoryWritten % 6, 0);
  EXPECT_GT(tests::script().memoryWritten, 0);
  fs::remove_all(folder);
  bad.insert(5);
  Status status = run(some);
  EXPECT_EQ(status.code(), Code::Input);
  EXPECT_NE(status.message().find("more than 2 steps in a row are left out (--max-skipped); step 5: its loss"),
            std::string::npos)
      << status.message();
  EXPECT_TRUE(fs::exists(folder + "/step-6.safetensors"));
  // A finite loss, and weights that are not.
  fs::remove_all(folder);
  tests::script().compute = [](const tests::ScriptedStep &step, std::vector<float> &, float &loss) {
    loss = 1;
    tests::script().memory = stepOf(step) == 7 ? std::numeric_limits<float>::infinity() : 0;
  };
  EXPECT_EQ(run(some).message(), "");
  EXPECT_EQ(std::count(notes.begin(), notes.end(), "step 7 is left out: the weights after it are not finite"), 1);
  tests::script().memory = std::numeric_limits<float>::quiet_NaN();
  fs::remove_all(folder);
  EXPECT_EQ(run(some).message(), "the weights that training begins with are not finite");
}
