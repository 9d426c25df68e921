// SPDX-License-Identifier: Apache-2.0
//
// A program's cuDNN plans, made ready on this machine. A stored plan loads only on the device, driver and version it
// was made for, so elsewhere it is rebuilt from its operation graph, engine and knobs, within the planned workspace,
// and what was rebuilt is kept in a cache on this machine.
#pragma once

#include "runtime/device/cuda/Cudnn.h"
#include "runtime/program/Image.h"

namespace incept::cuda {

/// Null with a sentence where this machine has no cuDNN.
std::shared_ptr<const cudnn::Library> openCudnn(std::string &error);

/// How plans became ready.
struct PlanReport {
  size_t loaded = 0;  ///< as the program holds them
  size_t cached = 0;  ///< from this machine's cache
  size_t rebuilt = 0; ///< by cuDNN
  double seconds = 0; ///< what all that took

  /// A sentence for the user where some were rebuilt, which takes time; otherwise empty.
  std::string sentence() const;
};

class CudaPlans {
public:
  CudaPlans() = default;
  CudaPlans(const CudaPlans &) = delete;
  CudaPlans &operator=(const CudaPlans &) = delete;
  ~CudaPlans();

  /// Opens cuDNN and makes every plan ready on `stream` (a CUstream) of the current context. `device` names whatever
  /// the library's plans depend on besides its own version: device and driver.
  Status build(const program::Image &image, const std::string &device, void *stream);
  /// Enqueues a plan; operands as Cudnn.h lists them. False with a sentence in `error`.
  bool run(size_t plan, void *const *operands, size_t count, std::string &error);
  const PlanReport &report() const { return report_; }

private:
  Status openLibrary(const program::Image &image);
  Status buildOne(const program::Plan &plan, size_t index, const std::string &device, cudnn::Plan &built);

  std::shared_ptr<const cudnn::Library> library;
  cudnn::Handle handle = nullptr;
  std::vector<cudnn::Plan> plans;
  PlanReport report_;
};

/// True where version `have` ("9.19.0") is at least `wanted`; a part that is no number counts as 0.
bool isAtLeast(std::string_view have, std::string_view wanted);

} // namespace incept::cuda
