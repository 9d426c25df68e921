// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/EvaluationReport.h"
#include "runtime/io/ImageFile.h"
#include "runtime/io/PngWriter.h"
#include "test/runtime/TinyProgram.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

using namespace incept;

namespace {

std::string read(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

// Against Wilson's formula by hand, and at the ends.
TEST(EvaluationReport, Interval) {
  Interval all = wilsonInterval(10, 10), none = wilsonInterval(0, 10), half = wilsonInterval(50, 100);
  EXPECT_NEAR(all.low, 0.7225, 1e-4);
  EXPECT_NEAR(all.high, 1, 1e-12);
  EXPECT_NEAR(none.low, 0, 1e-12);
  EXPECT_NEAR(none.high, 0.2775, 1e-4);
  EXPECT_NEAR(half.low, 0.4038, 1e-4);
  EXPECT_NEAR(half.high, 0.5962, 1e-4);
  EXPECT_NEAR(wilsonInterval(40000, 50000).high - 0.8, 0.0035, 1e-4); // the paper's test set
  EXPECT_EQ(wilsonInterval(0, 0).high, 1);
}

TEST(EvaluationReport, Tables) {
  tests::TemporaryDirectory directory;
  ConfusionMatrix matrix(3);
  const float right[] = {5, 1, 0}, wrong[] = {0, 1, 5}, tie[] = {2, 2, 0}, none[] = {NAN, NAN, NAN};
  matrix.add(0, right);
  matrix.add(0, wrong);
  matrix.add(1, wrong);
  matrix.add(1, tie);  // counts against the network
  matrix.add(2, none); // so does this
  EXPECT_EQ(matrix.count(0, 0), 1);
  EXPECT_EQ(matrix.count(0, 2), 1);
  EXPECT_EQ(matrix.count(1, 0), 1);
  EXPECT_EQ(matrix.count(1, 1), 0);
  EXPECT_EQ(matrix.count(2, 2), 0);
  ASSERT_TRUE(matrix.writeCsv(directory.path("m.csv"), {"a", "b,\"c\"", "d"}).ok());
  std::string text = read(directory.path("m.csv"));
  EXPECT_EQ(text.substr(0, text.find('\n')), "class,a,\"b,\"\"c\"\"\",d");
  EXPECT_NE(text.find("\na,1,0,1\n"), std::string::npos) << text;
  ASSERT_TRUE(matrix.writeTable(directory.path("t.csv"), {}).ok());
  text = read(directory.path("t.csv"));
  EXPECT_NE(text.find("\n0,0,2,1,2,0.500000,"), std::string::npos) << text;
  ASSERT_TRUE(matrix.writePicture(directory.path("m.png")).ok());
  EXPECT_FALSE(ConfusionMatrix(0).writeCsv(directory.path("none/m.csv"), {}).ok());
}

// What is drawn is what our own decoder reads; text and boxes that stick out are cut.
TEST(PngWriter, IsRead) {
  Canvas canvas(20, 50);
  canvas.fill({-5, -5, 10, 10}, {10, 20, 30});
  canvas.fill({45, 15, 100, 100}, {200, 0, 0});
  canvas.write(10, 10, "l", 1, 100); // a column of five points, then three along the bottom
  canvas.write(30, 0, "WIDER THAN THAT", 1, 4);
  std::string bytes = canvas.png();
  PictureDecoder decoder;
  ASSERT_TRUE(decoder.open(bytes, "f").ok());
  auto view = decoder.decode({0, 0, 50, 20}, 4, true);
  ASSERT_TRUE(bool(view)) << view.status().message();
  auto at = [&](int x, int y) { return view->data[y * view->stride + 4 * x]; };
  EXPECT_EQ(at(4, 4), 10);
  EXPECT_EQ(at(5, 4), 255);
  EXPECT_EQ(at(49, 19), 200);
  for (int y = 10; y < 15; ++y)
    EXPECT_EQ(at(10, y), 0);
  EXPECT_EQ(at(12, 14), 0);
  EXPECT_EQ(at(12, 13), 255);
  for (int y = 0; y < 5; ++y)
    for (int x = 34; x < 50; ++x)
      EXPECT_EQ(at(x, y), 255);
}
