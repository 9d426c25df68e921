// SPDX-License-Identifier: Apache-2.0
//
// A device with a few kernels, for tests.
#pragma once

#include "tools/incept-sim/ptx/Ptx.h"

#include <cstring>

namespace incept::sim {

/// A module around the text of kernels. Line 1 of `kernels` is line 4 of the module.
inline std::string moduleText(const std::string &kernels) {
  return ".version 8.3\n.target sm_90\n.address_size 64\n" + kernels;
}

struct Simulator {
  explicit Simulator(bool cells = false) : memory(uint64_t(1) << 30, cells) {}

  memory::Memory memory;
  ptx::Options options;
  ptx::Outcome outcome;

  template <typename T>
  uint64_t upload(const std::vector<T> &values) {
    Expected<uint64_t> address = memory.allocate(values.size() * sizeof(T));
    if (!address)
      return 0;
    std::memcpy(reinterpret_cast<void *>(*address), values.data(), values.size() * sizeof(T));
    memory.markWritten(*address, values.size() * sizeof(T));
    return *address;
  }
  /// Never written.
  uint64_t allocate(uint64_t bytes) {
    Expected<uint64_t> address = memory.allocate(bytes);
    return address ? *address : 0;
  }
  template <typename T>
  std::vector<T> download(uint64_t address, size_t count) const {
    std::vector<T> values(count);
    std::memcpy(values.data(), reinterpret_cast<const void *>(address), count * sizeof(T));
    return values;
  }

  /// Runs the first kernel of a module whose parameters are all 64 bits wide.
  Status run(const std::string &text, ptx::Dim3 grid, ptx::Dim3 block, const std::vector<uint64_t> &parameters) {
    Expected<ptx::Module> module = ptx::Module::parse(text);
    if (!module)
      return module.status();
    INCEPT_RETURN_IF_ERROR(module->place(memory));
    Status status = ptx::run(module->kernels().front(), grid, block, std::as_bytes(std::span(parameters)), memory,
                             options, &outcome);
    module->release(memory);
    return status;
  }
};

} // namespace incept::sim
