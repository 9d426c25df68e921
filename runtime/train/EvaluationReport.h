// SPDX-License-Identifier: Apache-2.0
//
// What an evaluation says beyond two numbers: intervals, a table of classes, and which are taken for which.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace incept {

/// Bounds of a share.
struct Interval {
  double low = 0, high = 1;
};

/// Wilson's 95 % interval of a share of which `hits` of `count` were seen.
Interval wilsonInterval(int64_t hits, int64_t count);

/// Counts of an evaluation: rows are classes, columns what they were taken for.
class ConfusionMatrix {
public:
  explicit ConfusionMatrix(int64_t classes) : classes(classes), counts(classes * classes), top5(classes) {}

  /// Counts an image by its label and its logits; a score that is no number counts for the last class that has one.
  void add(int64_t label, const float *logits);
  int64_t count(int64_t label, int64_t predicted) const { return counts[label * classes + predicted]; }

  /// A line for each class: its number, name, images, how many of them were right first and among five, and, of those
  /// that were taken for it, the share that was right.
  Status writeTable(const std::string &path, const std::vector<std::string> &names) const;
  /// The counts, with names in the first row and column.
  Status writeCsv(const std::string &path, const std::vector<std::string> &names) const;
  /// A picture: each row is shaded by its shares.
  Status writePicture(const std::string &path) const;

private:
  std::string nameOf(int64_t label, const std::vector<std::string> &names) const;

  int64_t classes;
  std::vector<int64_t> counts, top5;
};

} // namespace incept
