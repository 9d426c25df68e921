// SPDX-License-Identifier: Apache-2.0
//
// What every function of the simulated driver does before and after its own work.
#pragma once

#include "tools/incept-sim/driver/Machine.h"

#include <cstdio>

namespace incept::sim {

/// What a function asks for before it runs.
enum class Needs {
  Driver,  ///< cuInit
  Context, ///< a current context, in which no work has failed
};

/// Whether `machine` is ready for a function of the calling thread.
CUresult check(const Machine &machine, Needs needs);

/// Runs `body(machine)` under the machine's lock. No exception leaves it.
template <typename Body>
CUresult call(Needs needs, Body body) noexcept {
  try {
    Status error;
    Machine *machine = Machine::get(error);
    if (!machine)
      return CUDA_ERROR_NOT_INITIALIZED;
    std::lock_guard lock(machine->mutex);
    CUresult result = check(*machine, needs);
    return result == CUDA_SUCCESS ? body(*machine) : result;
  } catch (const std::bad_alloc &) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    fprintf(stderr, "incept-sim: internal error: %s\n", error.what());
    return CUDA_ERROR_UNKNOWN;
  }
}

/// Runs `body(machine, stream)` for a valid stream.
template <typename Body>
CUresult withStream(CUstream handle, Body body) {
  return call(Needs::Context, [&](Machine &machine) -> CUresult {
    CUstream_st *stream = machine.findStream(handle);
    return stream ? body(machine, *stream) : CUDA_ERROR_INVALID_HANDLE;
  });
}

template <typename Body>
CUresult withEvent(CUevent handle, Body body) {
  return call(Needs::Context, [&](Machine &machine) -> CUresult {
    CUevent_st *event = machine.events.find(handle);
    return event ? body(machine, *event) : CUDA_ERROR_INVALID_HANDLE;
  });
}

} // namespace incept::sim
