// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Curve.h"
#include "runtime/support/Files.h"
#include "runtime/support/Text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

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
  explicit Chart(const LearningCurve &curve) {
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

Status writeCurve(const std::string &path, const std::string &title, const LearningCurve &curve) {
  Chart chart(curve);
  std::string svg =
      format("<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' "
             "font-family='sans-serif' font-size='12'>\n<rect width='100%%' height='100%%' fill='white'/>\n",
             kWidth, kHeight);
  std::string safe;
  for (char c : printable(title)) // XML has no way to write control characters
    safe += c == '<' || c == '&' || c == '>' ? '_' : c;
  svg += format("<text x='%.1f' y='24' font-size='15'>", kLeft) + safe + "</text>\n";
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
