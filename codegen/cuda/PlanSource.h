// SPDX-License-Identifier: Apache-2.0
//
// Where cuDNN plans come from, as the target sees it.
#pragma once

#include "runtime/device/cuda/Cudnn.h"

#include <string>
#include <vector>

namespace incept::cuda {

class PlanSource {
public:
  virtual ~PlanSource() = default;

  /// Finds a plan for each problem, several at a time. Failures show again when the problem is asked for.
  virtual void prepare(const std::vector<cudnn::Problem> &problems) = 0;
  /// The plan for a problem, null with a sentence in `error` where there is none. It lives as long as the source.
  virtual const cudnn::Choice *find(const cudnn::Problem &problem, std::string &error) = 0;
};

/// Where kernels alone are compiled.
class NoPlans final : public PlanSource {
public:
  void prepare(const std::vector<cudnn::Problem> &) override {}
  const cudnn::Choice *find(const cudnn::Problem &, std::string &error) override {
    error = "there is no library";
    return nullptr;
  }
};

} // namespace incept::cuda
