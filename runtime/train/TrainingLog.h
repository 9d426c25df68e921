// SPDX-License-Identifier: Apache-2.0
//
// The log of a training: a line of JSON for each step and each evaluation.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace incept {

/// Numbers of a line besides those that every line has.
using NamedNumbers = std::vector<std::pair<std::string, double>>;

class TrainingLog {
public:
  TrainingLog() = default;
  ~TrainingLog() { close(); }
  TrainingLog(const TrainingLog &) = delete;
  TrainingLog &operator=(const TrainingLog &) = delete;

  /// Opens the file, a regular or a new one, and changes nothing in it.
  Status open(const std::string &path);
  /// Empties it.
  Status startAnew();
  /// Cuts it back to what a training that has done `step` steps had written: what a killed process wrote beyond its
  /// last checkpoint goes, and a line that was torn.
  Status cutBackTo(int64_t step);

  bool isOpen() const { return file != nullptr; }
  void step(int64_t step, double epoch, double loss, double accuracy, double learningRate, bool isLeftOut = false,
            const NamedNumbers &others = {});
  /// `averages`: accuracy and loss of the averaged weights, where there are such.
  void evaluation(int64_t step, double accuracy, double loss, const NamedNumbers &others = {},
                  std::optional<std::pair<double, double>> averages = std::nullopt);
  /// Writes everything through to the disk; also says where an earlier line could not be written.
  Status flush();
  void close();

private:
  void write(const NamedNumbers &numbers);
  Status cut(int64_t bytes);
  Status fail(int reason) const;
  std::string path;
  FILE *file = nullptr;
};

} // namespace incept
