// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Curve.h"
#include "runtime/support/Files.h"
#include "runtime/support/Text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sys/types.h>

namespace incept {

namespace {

constexpr double kWidth = 760, kHeight = 420, kLeft = 60, kRight = 700, kTop = 50, kBottom = 360;

std::string format(const char *pattern, double a, double b = 0, double c = 0, double d = 0) {
  char text[256];
  std::snprintf(text, sizeof text, pattern, a, b, c, d);
  return text;
}

/// One chart with losses on the left axis and accuracies on the right.
class Chart {
public:
  explicit Chart(const LearningCurve &curve) { add(curve); }
  Chart() = default;

  /// Makes room for a curve.
  void add(const LearningCurve &curve) {
    for (const CurvePoint &point : curve.loss) {
      lastStep = std::max(lastStep, point.step);
      if (std::isfinite(point.value))
        maxLoss = std::max(maxLoss, point.value);
    }
  }

  double x(double step) const { return kLeft + (kRight - kLeft) * step / lastStep; }
  double lossY(double value) const { return kBottom - (kBottom - kTop) * std::min(value / maxLoss, 1.0); }
  static double accuracyY(double value) { return kBottom - (kBottom - kTop) * value; }

  void axes(std::string &svg) const {
    for (int i = 0; i <= 5; ++i) {
      double part = i / 5.0, y = accuracyY(part);
      svg += format("<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#ddd'/>\n", kLeft, kRight, y, y);
      svg += format("<text x='%.1f' y='%.1f' text-anchor='end' fill='#c0392b'>%.2f</text>\n", kLeft - 6, y + 4,
                    maxLoss * part);
      svg += format("<text x='%.1f' y='%.1f' fill='#2471a3'>%.0f %%</text>\n", kRight + 6, y + 4, 100 * part);
      svg += format("<text x='%.1f' y='%.1f' text-anchor='middle'>%.0f</text>\n", x(lastStep * part), kBottom + 18,
                    lastStep * part);
    }
    svg += format("<text x='%.1f' y='%.1f' text-anchor='middle'>step</text>\n", (kLeft + kRight) / 2, kBottom + 38);
  }

  template <typename Y>
  static void line(std::string &svg, const Chart &chart, const std::vector<CurvePoint> &points, Y y,
                   const char *color) {
    svg += std::string("<polyline fill='none' stroke-width='1.6' stroke='") + color + "' points='";
    for (const CurvePoint &point : points)
      if (std::isfinite(point.value))
        svg += format("%.1f,%.1f ", chart.x(point.step), y(point.value));
    svg += "'/>\n";
  }

private:
  double lastStep = 1, maxLoss = 1e-6;
};

} // namespace

void CurveBuilder::step(int64_t step, double loss, double accuracy) {
  double share = std::max(0.05, 1.0 / double(++recorded));
  smoothLoss += share * (loss - smoothLoss);
  smoothAccuracy += share * (accuracy - smoothAccuracy);
  if (step % every == 0) {
    points.loss.push_back({double(step), smoothLoss});
    points.accuracy.push_back({double(step), smoothAccuracy});
  }
}

void readCurve(const std::string &logPath, CurveBuilder &curve) {
  FILE *file = std::fopen(logPath.c_str(), "re");
  if (!file)
    return;
  char *line = nullptr;
  size_t capacity = 0;
  while (true) {
    ssize_t size = ::getline(&line, &capacity, file);
    if (size <= 0 || line[size - 1] != '\n')
      break;
    auto json = nlohmann::json::parse(line, line + size, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object())
      continue;
    auto number = [&](const char *key) {
      auto found = json.find(key);
      return found != json.end() && found->is_number() ? found->get<double>() : NAN;
    };
    double step = number("step");
    if (!(step >= 0 && step < 9e15))
      continue;
    if (json.contains("test_accuracy"))
      curve.evaluation(int64_t(step), number("test_accuracy"));
    else if (json.contains("loss") && json["loss"].is_number())
      curve.step(int64_t(step), number("loss"), number("accuracy"));
  }
  std::free(line);
  std::fclose(file);
}

static std::string beginSvg(double height) {
  return format("<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' "
                "font-family='sans-serif' font-size='12'>\n<rect width='100%%' height='100%%' fill='white'/>\n",
                kWidth, height);
}

/// Text of a file or a command line for XML, which has no way to write control characters.
static std::string xmlText(const std::string &text) {
  std::string safe;
  for (char c : printable(text))
    safe += c == '<' || c == '&' || c == '>' ? '_' : c;
  return safe;
}

Status writeComparison(const std::string &path, const std::vector<std::pair<std::string, LearningCurve>> &runs) {
  constexpr const char *kColors[] = {"#c0392b", "#2471a3", "#1e8449", "#b9770e",
                                     "#7d3c98", "#17a589", "#5d6d7e", "#d35400"};
  Chart chart;
  for (const auto &[name, curve] : runs)
    chart.add(curve);
  std::string svg = beginSvg(kHeight + 18 * double(runs.size()));
  svg +=
      format("<text x='%.1f' y='24' font-size='15'>", kLeft) + "training loss (lines), test accuracy (dots)</text>\n";
  chart.axes(svg);
  double y = kHeight;
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto &[name, curve] = runs[i];
    const char *color = kColors[i % std::size(kColors)];
    Chart::line(
        svg, chart, curve.loss, [&](double value) { return chart.lossY(value); }, color);
    for (const CurvePoint &point : curve.testAccuracy)
      if (std::isfinite(point.value))
        svg += format("<circle cx='%.1f' cy='%.1f' r='4' fill='", chart.x(point.step), Chart::accuracyY(point.value)) +
               color + "'/>\n";
    svg += format("<text x='%.1f' y='%.1f' fill='", kLeft, y) + color + "'>" + xmlText(name) + "</text>\n";
    y += 18;
  }
  svg += "</svg>\n";
  return writeFile(path, [&](const Sink &sink) { return sink(svg.data(), svg.size()); });
}

Status writeCurve(const std::string &path, const std::string &title, const LearningCurve &curve) {
  Chart chart(curve);
  std::string svg = beginSvg(kHeight);
  svg += format("<text x='%.1f' y='24' font-size='15'>", kLeft) + xmlText(title) + "</text>\n";
  chart.axes(svg);
  Chart::line(
      svg, chart, curve.loss, [&](double value) { return chart.lossY(value); }, "#c0392b");
  Chart::line(svg, chart, curve.accuracy, Chart::accuracyY, "#7fb3d5");
  for (const CurvePoint &point : curve.testAccuracy) {
    double x = chart.x(point.step), y = Chart::accuracyY(point.value);
    svg += format("<circle cx='%.1f' cy='%.1f' r='4' fill='#2471a3'/>\n", x, y);
    svg += format("<text x='%.1f' y='%.1f' text-anchor='end' fill='#2471a3'>%.1f %%</text>\n", x - 6, y + 18,
                  100 * point.value);
  }
  svg += "<text x='60' y='410'><tspan fill='#c0392b'>training loss</tspan>  <tspan fill='#7fb3d5'>training accuracy"
         "</tspan>  <tspan fill='#2471a3'>test accuracy</tspan></text>\n</svg>\n";
  return writeFile(path, [&](const Sink &sink) { return sink(svg.data(), svg.size()); });
}

} // namespace incept
