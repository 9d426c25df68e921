// SPDX-License-Identifier: Apache-2.0
//
// Curves, tables and pictures that trainings and evaluations leave: whole files, whose numbers are worked out here.

#include "runtime/io/ImageFile.h"
#include "runtime/io/PngWriter.h"
#include "runtime/train/Curve.h"
#include "runtime/train/EvaluationReport.h"
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

/// A picture's pixels, as our own decoder reads them.
struct Picture {
  explicit Picture(const std::string &bytes) {
    EXPECT_TRUE(decoder.open(bytes, "f").ok());
    auto decoded = decoder.decode({0, 0, decoder.width(), decoder.height()}, 4, true);
    EXPECT_TRUE(bool(decoded)) << decoded.status().message();
    if (decoded)
      view = *decoded;
  }
  std::vector<int> at(int64_t x, int64_t y) const {
    const uint8_t *pixel = view.data + y * view.stride + 4 * x;
    return {pixel[0], pixel[1], pixel[2]};
  }
  int64_t black() const {
    int64_t count = 0;
    for (int64_t y = 0; y < view.height; ++y)
      for (const uint8_t *pixel = view.data + y * view.stride; pixel < view.data + y * view.stride + 4 * view.width;
           pixel += 4)
        count += pixel[0] == 0 && pixel[1] == 0 && pixel[2] == 0;
    return count;
  }
  PictureDecoder decoder;
  PixelView view;
};

/// The chart's lines and numbers; its axes are of losses up to 2 and of 100 steps.
std::string axes() {
  const char *heights[] = {"360.0", "298.0", "236.0", "174.0", "112.0", "50.0"};
  const char *texts[] = {"364.0", "302.0", "240.0", "178.0", "116.0", "54.0"};
  const char *losses[] = {"0.00", "0.40", "0.80", "1.20", "1.60", "2.00"};
  const char *places[] = {"60.0", "188.0", "316.0", "444.0", "572.0", "700.0"},
             *parts[] = {"0", "20", "40", "60", "80", "100"};
  std::string svg;
  for (int i = 0; i < 6; ++i)
    svg += std::string("<line x1='60.0' x2='700.0' y1='") + heights[i] + "' y2='" + heights[i] +
           "' stroke='#ddd'/>\n<text x='54.0' y='" + texts[i] + "' text-anchor='end' fill='#c0392b'>" + losses[i] +
           "</text>\n<text x='706.0' y='" + texts[i] + "' fill='#2471a3'>" + parts[i] + " %</text>\n<text x='" +
           places[i] + "' y='378.0' text-anchor='middle'>" + parts[i] + "</text>\n";
  return svg + "<text x='380.0' y='398.0' text-anchor='middle'>step</text>\n";
}

LearningCurve sample() {
  LearningCurve curve;
  curve.loss = {{0, 2}, {25, 1}, {50, NAN}, {100, 0.5}};
  curve.accuracy = {{0, 0}, {50, 0.5}, {100, 1}};
  curve.testAccuracy = {{50, 0.25}, {100, 0.75}};
  return curve;
}

} // namespace

// From (60, 360) to (700, 50): a step is 6.4 to the right, a loss of 1 is 155 up, as is an accuracy of 50 %.
TEST(Pictures, OfOneRun) {
  tests::TemporaryDirectory directory;
  ASSERT_TRUE(writeCurve(directory.path("curve.svg"), "a<b>&c\x01", sample()).ok());
  EXPECT_EQ(read(directory.path("curve.svg")),
            "<svg xmlns='http://www.w3.org/2000/svg' width='760' height='420' font-family='sans-serif' "
            "font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n"
            "<text x='60.0' y='24' font-size='15'>a_b__c\\x01</text>\n" +
                axes() +
                "<polyline fill='none' stroke-width='1.6' stroke='#c0392b' points='60.0,50.0 220.0,205.0 700.0,282.5 "
                "'/>\n"
                "<polyline fill='none' stroke-width='1.6' stroke='#7fb3d5' points='60.0,360.0 380.0,205.0 700.0,50.0 "
                "'/>\n"
                "<circle cx='380.0' cy='282.5' r='4' fill='#2471a3'/>\n"
                "<text x='374.0' y='300.5' text-anchor='end' fill='#2471a3'>25.0 %</text>\n"
                "<circle cx='700.0' cy='127.5' r='4' fill='#2471a3'/>\n"
                "<text x='694.0' y='145.5' text-anchor='end' fill='#2471a3'>75.0 %</text>\n"
                "<text x='60' y='410'><tspan fill='#c0392b'>training loss</tspan>  <tspan fill='#7fb3d5'>training "
                "accuracy</tspan>  <tspan fill='#2471a3'>test accuracy</tspan></text>\n</svg>\n");
  // Of nothing: one step, and losses that are too small to be told apart.
  ASSERT_TRUE(writeCurve(directory.path("none.svg"), "", {}).ok());
  std::string none = read(directory.path("none.svg"));
  EXPECT_NE(none.find("<text x='700.0' y='378.0' text-anchor='middle'>1</text>"), std::string::npos) << none;
  EXPECT_NE(none.find("<text x='54.0' y='54.0' text-anchor='end' fill='#c0392b'>0.00</text>"), std::string::npos);
}

TEST(Pictures, OfSeveralRuns) {
  tests::TemporaryDirectory directory;
  LearningCurve second;
  second.loss = {{10, 1}};
  second.testAccuracy = {{10, NAN}, {10, 1}};
  ASSERT_TRUE(writeComparison(directory.path("all.svg"), {{"a&", sample()}, {"b", second}}).ok());
  EXPECT_EQ(read(directory.path("all.svg")),
            "<svg xmlns='http://www.w3.org/2000/svg' width='760' height='456' font-family='sans-serif' "
            "font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n"
            "<text x='60.0' y='24' font-size='15'>training loss (lines), test accuracy (dots)</text>\n" +
                axes() +
                "<polyline fill='none' stroke-width='1.6' stroke='#c0392b' points='60.0,50.0 220.0,205.0 700.0,282.5 "
                "'/>\n"
                "<circle cx='380.0' cy='282.5' r='4' fill='#c0392b'/>\n"
                "<circle cx='700.0' cy='127.5' r='4' fill='#c0392b'/>\n"
                "<text x='60.0' y='420.0' fill='#c0392b'>a_</text>\n"
                "<polyline fill='none' stroke-width='1.6' stroke='#2471a3' points='124.0,205.0 '/>\n"
                "<circle cx='124.0' cy='50.0' r='4' fill='#2471a3'/>\n"
                "<text x='60.0' y='438.0' fill='#2471a3'>b</text>\n</svg>\n");
}

TEST(Pictures, CurvesAreSmoothed) {
  CurveBuilder curve(799); // less than two steps for each of 400 points
  double sum = 0;
  for (int64_t step = 0; step < 20; ++step) { // the mean of those that there are
    sum += double(step * step);
    curve.step(step, double(step * step), double(step) / 20);
    EXPECT_NEAR(curve.loss(), sum / double(step + 1), 1e-9);
  }
  EXPECT_NEAR(curve.accuracy(), 0.475, 1e-12);
  double before = curve.loss();
  curve.step(20, 1000, 1); // then a twentieth counts
  EXPECT_NEAR(curve.loss(), 0.95 * before + 0.05 * 1000, 1e-9);
  EXPECT_NEAR(curve.accuracy(), 0.95 * 0.475 + 0.05, 1e-12);
  EXPECT_EQ(curve.curve().loss.size(), 21u);
  EXPECT_EQ(curve.curve().loss[20].step, 20);
  EXPECT_EQ(curve.curve().accuracy[20].value, curve.accuracy());
  for (auto [last, expected] : {std::pair(0, 10u), {400, 10u}, {799, 10u}, {800, 5u}, {1200, 4u}}) {
    CurveBuilder other(last);
    for (int64_t step = 0; step < 10; ++step)
      other.step(step, 1, 1);
    EXPECT_EQ(other.curve().loss.size(), expected) << last;
  }
}

TEST(Pictures, TablesOfClasses) {
  tests::TemporaryDirectory directory;
  ConfusionMatrix matrix(3);
  const float first[] = {5, 1, 0}, second[] = {1, 5, 0}, third[] = {0, 1, 5};
  matrix.add(0, first);
  matrix.add(0, second);
  matrix.add(1, second);
  matrix.add(1, second);
  matrix.add(1, third);
  const std::vector<std::string> names = {"a,b", "q\"r"};
  ASSERT_TRUE(matrix.writeTable(directory.path("t.csv"), names).ok());
  // Wilson's bounds of 1 of 2 and 2 of 3; of a class without images nothing is known.
  EXPECT_EQ(read(directory.path("t.csv")), "class,name,images,top1,top5,recall,recall_low,recall_high,precision\n"
                                           "0,\"a,b\",2,1,2,0.500000,0.094531,0.905469,1.000000\n"
                                           "1,\"q\"\"r\",3,2,3,0.666667,0.207660,0.938508,0.666667\n"
                                           "2,2,0,0,0,0.000000,0.000000,1.000000,0.000000\n");
  ASSERT_TRUE(matrix.writeCsv(directory.path("m.csv"), names).ok());
  EXPECT_EQ(read(directory.path("m.csv")), "class,\"a,b\",\"q\"\"r\",2\n\"a,b\",1,1,0\n\"q\"\"r\",0,2,1\n2,0,0,0\n");
  ASSERT_TRUE(ConfusionMatrix(3).writeCsv(directory.path("l.csv"), {"x\ny", "z\r", "w"}).ok());
  EXPECT_EQ(read(directory.path("l.csv")).substr(0, 19), "class,\"x\ny\",\"z\r\",w\n");
  // Among the best five: four may be better, or as good.
  ConfusionMatrix wide(7);
  const float fifth[] = {1, 5, 4, 3, 2, 0, -1}, sixth[] = {0, 5, 4, 3, 2, 1, -1}, equal[] = {2, 5, 4, 3, 2, 2, -1};
  wide.add(0, fifth);
  wide.add(0, sixth);
  wide.add(0, equal);
  const float tie[] = {3, 0, 3, 3, 0, 0, 0}; // counts against the network, for the last of those as good
  wide.add(0, tie);
  EXPECT_EQ(wide.count(0, 1), 3);
  EXPECT_EQ(wide.count(0, 3), 1);
  ASSERT_TRUE(wide.writeTable(directory.path("w.csv"), {}).ok());
  EXPECT_NE(read(directory.path("w.csv")).find("\n0,0,4,0,2,0.000000,"), std::string::npos);
  EXPECT_NEAR(wilsonInterval(1, 2).low, 0.094531, 1e-6);
  EXPECT_EQ(wilsonInterval(-1, 0).low, 0);
}

TEST(Pictures, OfClasses) {
  tests::TemporaryDirectory directory;
  auto drawn = [&](const ConfusionMatrix &matrix) {
    EXPECT_TRUE(matrix.writePicture(directory.path("m.png")).ok());
    return read(directory.path("m.png"));
  };
  ConfusionMatrix matrix(3);
  const float first[] = {5, 1, 0}, second[] = {1, 5, 0};
  matrix.add(0, first);
  matrix.add(0, second);
  matrix.add(1, second);
  std::string bytes = drawn(matrix);
  Picture picture(bytes); // cells of 200 between lines
  ASSERT_EQ(picture.view.width, 601);
  ASSERT_EQ(picture.view.height, 601);
  auto cell = [&](int64_t row, int64_t column) { return picture.at(200 * column + 150, 200 * row + 150); };
  // The square root of a half of 230 is 163; all is 230.
  EXPECT_EQ(cell(0, 0), (std::vector{92, 255, 92}));
  EXPECT_EQ(cell(0, 1), (std::vector{255, 92, 92}));
  EXPECT_EQ(cell(0, 2), (std::vector{255, 255, 255}));
  EXPECT_EQ(cell(1, 1), (std::vector{25, 255, 25}));
  EXPECT_EQ(cell(2, 2), (std::vector{255, 255, 255}));
  for (int64_t line : {0, 200, 400, 600}) {
    EXPECT_EQ(picture.at(line, 150), (std::vector{200, 200, 200}));
    EXPECT_EQ(picture.at(150, line), (std::vector{200, 200, 200}));
  }
  EXPECT_EQ(picture.at(1, 201), (std::vector{255, 255, 255}));
  EXPECT_EQ(picture.at(199, 199), (std::vector{92, 255, 92}));
  // A "0" has twelve points, four times as many where there is room for larger ones.
  struct Case {
    int64_t classes, side, black;
  };
  for (Case c : {Case{12, 601, 144 * 48},
                 {13, 599, 169 * 12},
                 {25, 601, 625 * 12},
                 {26, 599, 0},
                 {74, 593, 0},
                 {75, 601, 0},
                 {76, 532, 0},
                 {600, 600, 0},
                 {601, 601, 0}}) {
    std::string file = drawn(ConfusionMatrix(c.classes));
    Picture empty(file);
    EXPECT_EQ(empty.view.width, c.side) << c.classes;
    EXPECT_EQ(empty.view.height, c.side) << c.classes;
    EXPECT_EQ(empty.black(), c.black) << c.classes;
  }
}

TEST(Pictures, LettersAndPixels) {
  // Texts of the same width, as they look.
  auto look = [](const std::string &text, int64_t scale = 1, int64_t most = 400) {
    Canvas canvas(12, 200);
    canvas.write(1, 2, text, scale, most);
    return canvas.png();
  };
  EXPECT_EQ(look("abmyz"), look("ABMYZ"));
  for (const char *unknown : {"`", "{", "@", "[", "#", "\x7f"})
    EXPECT_EQ(look(unknown), look("?")) << unknown;
  for (const char *known : {"A", "Z", "0", "9", "-", " ", "="})
    EXPECT_NE(look(known), look("?")) << known;
  // Cut where it is wider: a letter takes four points, of two pixels here.
  EXPECT_EQ(look("ABC", 2, 16), look("AB", 2));
  EXPECT_EQ(look("ABC", 2, 23), look("AB", 2));
  EXPECT_EQ(look("ABC", 2, 24), look("ABC", 2));
  EXPECT_EQ(look("ABC", 2, 7), look(""));
  EXPECT_EQ(look("ABC", 2, -1), look(""));
  std::string large = look("1T", 2);
  Picture text(large);
  // Rows of "1": 2, 6, 2, 2, 7; of "T": 7, 2, 2, 2, 2, and so are those of each two by two pixels.
  const int rows[2][5] = {{2, 6, 2, 2, 7}, {7, 2, 2, 2, 2}};
  for (int64_t y = 0; y < 12; ++y)
    for (int64_t x = 0; x < 20; ++x) {
      int64_t row = y - 2, column = x - 1;
      bool isInside = row >= 0 && row < 10 && column >= 0 && column < 16 && column % 8 < 6;
      bool isBlack = isInside && (rows[column / 8][row / 2] >> (2 - column % 8 / 2) & 1);
      EXPECT_EQ(text.at(x, y)[0], isBlack ? 0 : 255) << x << " " << y;
    }
  // Gray and colored pixels as squares.
  const uint8_t gray[] = {10, 20, 99, 30, 40, 99}, colors[] = {1, 2, 3, 4, 5, 6};
  Canvas canvas(8, 8, 7);
  canvas.draw(1, 2, {gray, 3, 2, 2, 1}, 2);
  canvas.draw(5, 2, {colors, 6, 1, 2, 3}, 1);
  std::string bytes = canvas.png();
  Picture drawn(bytes);
  EXPECT_EQ(drawn.at(0, 2), (std::vector{7, 7, 7}));
  EXPECT_EQ(drawn.at(2, 3), (std::vector{10, 10, 10}));
  EXPECT_EQ(drawn.at(3, 2), (std::vector{20, 20, 20}));
  EXPECT_EQ(drawn.at(1, 4), (std::vector{30, 30, 30}));
  EXPECT_EQ(drawn.at(4, 5), (std::vector{40, 40, 40}));
  EXPECT_EQ(drawn.at(1, 6), (std::vector{7, 7, 7}));
  EXPECT_EQ(drawn.at(5, 2), (std::vector{1, 2, 3}));
  EXPECT_EQ(drawn.at(6, 2), (std::vector{4, 5, 6}));
  EXPECT_EQ(drawn.at(7, 2), (std::vector{7, 7, 7}));
}
