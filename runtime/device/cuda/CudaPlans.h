// SPDX-License-Identifier: Apache-2.0
//
// A program's cuDNN plans, made ready on this machine. A stored plan loads only on the device, driver and version it
// was made for, so elsewhere it is rebuilt from its operation graph, engine and knobs, several at a time, and what was
// rebuilt is kept in a cache on this machine. Where a device refuses an engine, another is chosen by the same rules.
#pragma once

#include "runtime/device/cuda/Cudnn.h"
#include "runtime/program/Image.h"

#include <functional>

namespace incept::cuda {

/// Null with a sentence where this machine has no cuDNN.
std::shared_ptr<const cudnn::Library> openCudnn(std::string &error);

/// How plans became ready.
struct PlanReport {
  size_t loaded = 0;   ///< as the program holds them
  size_t cached = 0;   ///< from this machine's cache
  size_t rebuilt = 0;  ///< by cuDNN
  size_t chosen = 0;   ///< of these, with another engine
  double seconds = 0;  ///< what all that took
  uint64_t growth = 0; ///< bytes of workspace beside the planned memory

  /// A sentence for the user where some were rebuilt, which takes time, or need more memory; otherwise empty.
  std::string sentence() const;
};

class CudaPlans {
public:
  CudaPlans() = default;
  CudaPlans(const CudaPlans &) = delete;
  CudaPlans &operator=(const CudaPlans &) = delete;
  ~CudaPlans();

  struct Settings {
    std::string device;            ///< names what plans depend on besides the library's version: device and driver
    std::vector<bool> wanted;      ///< by index, the plans to make ready
    void *stream = nullptr;        ///< a CUstream of the current context
    std::function<Status()> enter; ///< makes that context a thread's
    std::function<void(size_t done, size_t total)> progress; ///< of rebuilding, from one thread at a time
  };
  /// Opens cuDNN and makes the plans ready that are wanted.
  Status build(const program::Image &image, const Settings &settings);
  /// Bytes of one workspace for all plans that need more here than was planned, 0 where there are none. They run on one
  /// stream, so that they can share it.
  uint64_t growth() const { return report_.growth; }
  /// True where the plan needs that workspace instead of its own.
  bool outgrows(size_t plan, uint64_t plannedBytes) const { return plans[plan].workspaceBytes() > plannedBytes; }
  /// Enqueues a plan; operands as Cudnn.h lists them. False with a sentence in `error`.
  bool run(size_t plan, void *const *operands, size_t count, std::string &error);
  const PlanReport &report() const { return report_; }

private:
  /// A plan on its way.
  struct Entry {
    cudnn::Problem problem;
    cudnn::Choice choice;
    std::string key; ///< in this machine's cache, where the program's own does not load
  };

  Status openLibrary(const program::Image &image);
  Status readEntry(const program::Plan &plan, size_t index, Entry &entry) const;
  bool load(const program::Plan &stored, const std::string &device, Entry &entry, cudnn::Plan &plan);
  Status rebuildAll(const program::Image &image, const std::vector<Entry> &entries, const std::vector<size_t> &missing,
                    const Settings &settings);
  /// Rebuilds a plan on a thread's handle; `isChosen` says that its engine is another one.
  Status rebuild(const program::Plan &plan, size_t index, const Entry &entry, cudnn::Handle handle, bool &isChosen);

  std::shared_ptr<const cudnn::Library> library;
  std::vector<cudnn::Handle> handles; ///< the first runs the plans, the others have built some
  std::vector<cudnn::Plan> plans;
  PlanReport report_;
};

/// True where version `have` ("9.19.0") is at least `wanted`; a part that is no number counts as 0.
bool isAtLeast(std::string_view have, std::string_view wanted);

} // namespace incept::cuda
