// SPDX-License-Identifier: Apache-2.0
//
// A small network, and its training with AdamW and the Brier loss written out in f64: no part of the compiler.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace incept::test {

/// Two images of 3 channels, a 1x1 convolution to 16 channels, relu, and 3 classes with a weight for each pixel, as a
/// module of the graph phase for `target`.
std::string trainedNetwork(const std::string &target);

class TrainingLoop {
public:
  // Those of the module and of the step region, which is f32.
  static constexpr double kRate = float(0.01), kBeta1 = float(0.9), kBeta2 = float(0.999), kEpsilon = float(1e-8),
                          kDecay = float(0.1);

  /// Parameters, and slots at 0: tensors in logical order, by the names of variables.
  std::map<std::string, std::vector<double>> variables;
  std::vector<double> images; ///< (2,3,6,6)
  std::vector<size_t> labels; ///< (2)

  /// One step of all parameters. Returns the loss before it.
  double step();

private:
  void update(const std::string &name, const std::vector<double> &gradient, double decay);

  int done = 0;
};

} // namespace incept::test
