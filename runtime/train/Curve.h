// SPDX-License-Identifier: Apache-2.0
//
// The learning curve as an SVG picture.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <string>
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

/// Writes the picture of a curve to `path`.
Status writeCurve(const std::string &path, const std::string &title, const LearningCurve &curve);

} // namespace incept
