// SPDX-License-Identifier: Apache-2.0

#include "test/extension/optimizer/TrainingLoop.h"

#include <algorithm>
#include <cmath>

namespace incept::test {

std::string trainedNetwork(const std::string &target) {
  return R"(
    !x = tensor<2x16x6x6xf32>
    module attributes {
        incept.target = #incept.target<)" +
         target + R"(>, incept.mode = "train", incept.network = "trained", incept.spec_hash = "0123456789abcdef",
        incept.macs = 1 : i64,
        incept.normalization = {mean = array<f64: 0.5, 0.5, 0.5>, std = array<f64: 0.5, 0.5, 0.5>},
        incept.training = {epochs = 1 : i64, label_smoothing = 0.0, loss = "brier", seed = 0 : i64, weight_decay = 0.1,
          learning_rate = {base = 0.01, every_epochs = 2.0, final = 0.0, gamma = 0.9, kind = "constant",
                           warmup_epochs = 0.0},
          optimizer = {beta1 = 0.9, beta2 = 0.999, epsilon = 1.0e-8, kind = "adamw_of_tests"}}} {
      incept.variable @first.weight kind parameter decay init {kind = "zeros"} : tensor<16x3x1x1xf32>
      incept.variable @first.bias kind parameter init {kind = "zeros"} : tensor<16xf32>
      incept.variable @last.weight kind parameter decay init {kind = "zeros"} : tensor<3x16x6x6xf32>
      incept.variable @last.bias kind parameter init {kind = "zeros"} : tensor<3xf32>
      func.func @network(%images: tensor<2x3x6x6xf32>) -> tensor<2x3xf32> {
        %fw = incept.read @first.weight : tensor<16x3x1x1xf32>
        %fb = incept.read @first.bias : tensor<16xf32>
        %x = incept.conv2d %images, %fw bias %fb {incept.path = "first"}
            : (tensor<2x3x6x6xf32>, tensor<16x3x1x1xf32>, tensor<16xf32>) -> !x
        %h = incept.relu %x {incept.path = "relu"} : (!x) -> !x
        %lw = incept.read @last.weight : tensor<3x16x6x6xf32>
        %lb = incept.read @last.bias : tensor<3xf32>
        %l = incept.conv2d %h, %lw bias %lb {incept.path = "last"}
            : (!x, tensor<3x16x6x6xf32>, tensor<3xf32>) -> tensor<2x3x1x1xf32>
        %logits = incept.flatten %l : (tensor<2x3x1x1xf32>) -> tensor<2x3xf32>
        return %logits : tensor<2x3xf32>
      }
    })";
}

double TrainingLoop::step() {
  constexpr int N = 2, C = 3, O = 16, K = 3, P = 36;
  const std::vector<double> &w1 = variables["first.weight"], &b1 = variables["first.bias"];
  const std::vector<double> &w2 = variables["last.weight"], &b2 = variables["last.bias"];
  std::vector<double> dw1(w1.size()), db1(b1.size()), dw2(w2.size()), db2(b2.size());
  double loss = 0;
  for (int n = 0; n < N; ++n) {
    std::vector<double> hidden(O * P), p(K);
    for (int o = 0; o < O; ++o)
      for (int i = 0; i < P; ++i) {
        double sum = b1[o];
        for (int c = 0; c < C; ++c)
          sum += w1[o * C + c] * images[(n * C + c) * P + i];
        hidden[o * P + i] = std::max(sum, 0.0);
      }
    double total = 0;
    for (int k = 0; k < K; ++k) {
      double logit = b2[k];
      for (int i = 0; i < O * P; ++i)
        logit += w2[k * O * P + i] * hidden[i];
      total += p[k] = std::exp(logit);
    }
    double mean = 0;
    for (int k = 0; k < K; ++k) {
      p[k] /= total;
      double distance = p[k] - (k == int(labels[n]));
      loss += distance * distance / N;
      mean += p[k] * distance;
    }
    std::vector<double> diffHidden(O * P);
    for (int k = 0; k < K; ++k) {
      double diff = 2.0 / N * p[k] * (p[k] - (k == int(labels[n])) - mean);
      db2[k] += diff;
      for (int i = 0; i < O * P; ++i) {
        dw2[k * O * P + i] += diff * hidden[i];
        diffHidden[i] += diff * w2[k * O * P + i];
      }
    }
    for (int o = 0; o < O; ++o)
      for (int i = 0; i < P; ++i)
        if (hidden[o * P + i] > 0) {
          db1[o] += diffHidden[o * P + i];
          for (int c = 0; c < C; ++c)
            dw1[o * C + c] += diffHidden[o * P + i] * images[(n * C + c) * P + i];
        }
  }
  ++done;
  update("first.weight", dw1, kDecay);
  update("first.bias", db1, 0);
  update("last.weight", dw2, kDecay);
  update("last.bias", db2, 0);
  return loss;
}

void TrainingLoop::update(const std::string &name, const std::vector<double> &gradient, double decay) {
  std::vector<double> &parameter = variables[name];
  std::vector<double> &first = variables["first_moment/" + name], &second = variables["second_moment/" + name];
  first.resize(gradient.size());
  second.resize(gradient.size());
  for (size_t i = 0; i < gradient.size(); ++i) {
    first[i] = kBeta1 * first[i] + (1 - kBeta1) * gradient[i];
    second[i] = kBeta2 * second[i] + (1 - kBeta2) * gradient[i] * gradient[i];
    double m = first[i] / (1 - std::pow(kBeta1, done)), v = second[i] / (1 - std::pow(kBeta2, done));
    parameter[i] -= kRate * decay * parameter[i];
    parameter[i] -= kRate * m / (std::sqrt(v) + kEpsilon);
  }
}

} // namespace incept::test
