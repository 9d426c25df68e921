// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/EvaluationReport.h"
#include "runtime/io/PngWriter.h"
#include "runtime/support/Files.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace incept {

namespace {

Status writeText(const std::string &path, const std::string &text) {
  return writeFile(path, [&](const Sink &sink) { return sink(text.data(), text.size()); });
}

/// A field of CSV: in quotes where it has to be.
std::string quoted(const std::string &text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos)
    return text;
  std::string result = "\"";
  for (char c : text)
    result += c == '"' ? "\"\"" : std::string(1, c);
  return result + "\"";
}

} // namespace

Interval wilsonInterval(int64_t hits, int64_t count) {
  if (count <= 0)
    return {};
  constexpr double z = 1.959963984540054; // 97.5 % of the normal distribution lie below
  double n = double(count), p = double(hits) / n, scale = 1 + z * z / n;
  double center = (p + z * z / (2 * n)) / scale;
  double reach = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale;
  return {std::max(center - reach, 0.0), std::min(center + reach, 1.0)};
}

void ConfusionMatrix::add(int64_t label, const float *logits) {
  int64_t predicted = 0, better = 0;
  for (int64_t k = 0; k < classes; ++k) {
    if (logits[k] > logits[predicted] || std::isnan(logits[predicted]))
      predicted = k;
    better += k != label && !(logits[k] < logits[label]);
  }
  // Ties and scores that are no numbers count against the network, as in its accuracy.
  if (predicted == label && better > 0)
    for (int64_t k = 0; k < classes; ++k)
      if (k != label && !(logits[k] < logits[label]))
        predicted = k;
  ++counts[label * classes + predicted];
  top5[label] += better < 5;
}

std::string ConfusionMatrix::nameOf(int64_t label, const std::vector<std::string> &names) const {
  return label < int64_t(names.size()) ? quoted(names[label]) : std::to_string(label);
}

Status ConfusionMatrix::writeTable(const std::string &path, const std::vector<std::string> &names) const {
  std::string text = "class,name,images,top1,top5,recall,recall_low,recall_high,precision\n";
  for (int64_t label = 0; label < classes; ++label) {
    int64_t images = 0, taken = 0, right = count(label, label);
    for (int64_t k = 0; k < classes; ++k) {
      images += count(label, k);
      taken += count(k, label);
    }
    Interval interval = wilsonInterval(right, images);
    char line[256];
    std::snprintf(line, sizeof line, ",%lld,%lld,%lld,%.6f,%.6f,%.6f,%.6f\n", static_cast<long long>(images),
                  static_cast<long long>(right), static_cast<long long>(top5[label]),
                  double(right) / double(std::max<int64_t>(images, 1)), interval.low, interval.high,
                  double(right) / double(std::max<int64_t>(taken, 1)));
    text += std::to_string(label) + "," + nameOf(label, names) + line;
  }
  return writeText(path, text);
}

Status ConfusionMatrix::writeCsv(const std::string &path, const std::vector<std::string> &names) const {
  std::string text = "class";
  for (int64_t k = 0; k < classes; ++k)
    text += "," + nameOf(k, names);
  text += "\n";
  for (int64_t label = 0; label < classes; ++label) {
    text += nameOf(label, names);
    for (int64_t k = 0; k < classes; ++k)
      text += "," + std::to_string(count(label, k));
    text += "\n";
  }
  return writeText(path, text);
}

Status ConfusionMatrix::writePicture(const std::string &path) const {
  constexpr int64_t kSide = 600, kMostClasses = 8000;
  if (classes > kMostClasses)
    return inputError("expected at most " + std::to_string(kMostClasses) +
                      " classes for a picture of the matrix: ask "
                      "for a name that ends in .csv");
  int64_t cell = std::max<int64_t>(kSide / classes, 1), line = cell >= 8 ? 1 : 0;
  Canvas canvas(cell * classes + line, cell * classes + line, 200);
  for (int64_t label = 0; label < classes; ++label) {
    int64_t images = 0;
    for (int64_t k = 0; k < classes; ++k)
      images += count(label, k);
    for (int64_t k = 0; k < classes; ++k) {
      // The square root, so that single mistakes are seen.
      double share = std::sqrt(double(count(label, k)) / double(std::max<int64_t>(images, 1)));
      auto light = uint8_t(255 - std::lround(230 * share));
      Box box{k * cell + line, label * cell + line, cell - line, cell - line};
      if (k == label)
        canvas.fill(box, {light, 255, light});
      else
        canvas.fill(box, {255, light, light});
      if (cell >= 24)
        canvas.write(box.x + 2, box.y + 2, std::to_string(count(label, k)), cell >= 48 ? 2 : 1, cell - 4);
    }
  }
  return writePng(path, canvas);
}

} // namespace incept
