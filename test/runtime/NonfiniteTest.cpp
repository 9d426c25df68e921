// SPDX-License-Identifier: Apache-2.0
//
// Trainings that leave out steps, on a device that computes nothing.

#include "test/runtime/TrainerFixture.h"

#include <filesystem>
#include <limits>
#include <set>

using namespace incept;
namespace fs = std::filesystem;

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
