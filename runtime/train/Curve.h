// SPDX-License-Identifier: Apache-2.0
//
// The learning curve as an SVG picture.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace incept {

/// Points of a curve: step and value.
struct CurvePoint {
  double step, value;
};

struct LearningCurve {
  std::vector<CurvePoint> loss;         ///< training loss, smoothed
  std::vector<CurvePoint> accuracy;     ///< training accuracy, smoothed
  std::vector<CurvePoint> testAccuracy; ///< one per evaluation
};

/// Makes a curve of what a training log says, whether it says it now or said it before the run was resumed.
class CurveBuilder {
public:
  /// About 400 points of a run that ends at `lastStep`.
  explicit CurveBuilder(int64_t lastStep = 0) : every(lastStep / 400 > 1 ? lastStep / 400 : 1) {}
  void step(int64_t step, double loss, double accuracy);
  void evaluation(int64_t step, double accuracy) { points.testAccuracy.push_back({double(step), accuracy}); }
  const LearningCurve &curve() const { return points; }
  /// Averages over about the last 20 steps, or all of them at the start.
  double loss() const { return smoothLoss; }
  double accuracy() const { return smoothAccuracy; }

private:
  int64_t every, recorded = 0;
  double smoothLoss = 0, smoothAccuracy = 0;
  LearningCurve points;
};

/// Reads the lines of a training log, whole ones only, into a curve; nothing where there is no such file.
void readCurve(const std::string &logPath, CurveBuilder &curve);

/// Writes the curves of several runs, by their names, into one picture: training loss as lines, test accuracy as dots.
Status writeComparison(const std::string &path, const std::vector<std::pair<std::string, LearningCurve>> &runs);

/// Writes the picture of a curve to `path`.
Status writeCurve(const std::string &path, const std::string &title, const LearningCurve &curve);

} // namespace incept
