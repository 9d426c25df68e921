// SPDX-License-Identifier: Apache-2.0
//
// The simulated device behind the driver's functions: memory, streams, events, captures, graphs, modules. Work runs in
// the order in which it was issued, one piece at a time, which is an order that any stream semantics allow: at once, or
// (Options::late) not before something waits for it, so that a program that reads a result or reuses a buffer too
// early is caught. Work issued to a capturing stream runs when its graph is launched, and only then.
#pragma once

#include "tools/incept-sim/driver/Services.h"
#include "tools/incept-sim/ptx/Ptx.h"

#include <cuda.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

/// A piece of work with the name that reports give it.
struct SimWork {
  std::string name;
  incept::sim::Work run;
};

// The types behind the driver's opaque handles.
struct CUctx_st {
  unsigned flags = 0;
};

struct CUgraph_st {
  std::vector<SimWork> nodes;
};

struct CUgraphExec_st {
  std::vector<SimWork> nodes;
};

/// A capture in progress; owned by its stream.
struct SimCapture {
  std::unique_ptr<CUgraph_st> graph = std::make_unique<CUgraph_st>();
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  std::thread::id thread;
  bool invalid = false;
};

struct CUstream_st {
  unsigned flags = 0;
  int priority = 0;
  std::unique_ptr<SimCapture> capture;
};

struct CUevent_st {
  unsigned flags = 0;
  bool captured = false;             ///< recorded into a capture, so that it means nothing outside
  uint64_t issued = 0, executed = 0; ///< records so far
  double seconds = 0;                ///< of the last executed record
};

struct CUmod_st {
  std::shared_ptr<incept::sim::ptx::Module> module;
};

struct CUfunc_st {
  CUmodule owner = nullptr;
  std::shared_ptr<const incept::sim::ptx::Module> module;
  const incept::sim::ptx::Kernel *kernel = nullptr; ///< lies in the module
  int dynamicSharedLimit = 0;                       ///< bytes
};

namespace incept::sim {

/// Handles of one kind, owned; a handle that is not in the table is refused, whatever it points to.
template <typename T>
class Table {
public:
  T *create() {
    auto owned = std::make_unique<T>();
    T *handle = owned.get();
    entries.emplace(handle, std::move(owned));
    return handle;
  }
  T *adopt(std::unique_ptr<T> owned) {
    T *handle = owned.get();
    entries.emplace(handle, std::move(owned));
    return handle;
  }
  T *find(T *handle) const { return entries.count(handle) ? handle : nullptr; }
  bool erase(T *handle) { return entries.erase(handle) != 0; }
  template <typename F>
  void forEach(F function) {
    for (auto &entry : entries)
      function(*entry.second);
  }

private:
  std::unordered_map<T *, std::unique_ptr<T>> entries;
};

class Machine final : public Services {
public:
  Machine(Profile profile, Options options);

  /// The one machine; null with `error` where it cannot be set up.
  static Machine *get(Status &error);

  bool ready() override;
  const Profile &profile() override { return profile_; }
  const Options &options() override { return options_; }
  memory::Memory &memory() override { return memory_; }
  bool enqueue(void *stream, std::string name, Work work) override;
  void notSimulated(const std::string &what) override;

  /// Issues work to a stream of `streams`.
  CUresult issue(CUstream_st &stream, SimWork work);
  /// Runs all that was issued; the error of failed work, then and ever after.
  CUresult drain();
  /// The stream of a handle, the default streams included; null where there is none.
  CUstream_st *findStream(CUstream handle);
  /// What a call that a capture forbids returns, after the captures that it breaks were invalidated; success where no
  /// capture of this thread forbids it.
  CUresult refuseDuringCapture();
  /// Prints a report of wrong use and makes the process fail at its end.
  void report(const std::string &text);

  std::recursive_mutex mutex;
  bool initialised = false;
  CUresult failure = CUDA_SUCCESS; ///< of work that ran; sticks
  CUctx_st primary;
  int primaryCount = 0;
  std::map<uintptr_t, size_t> hostBuffers; ///< page-locked
  Table<CUctx_st> contexts;
  Table<CUstream_st> streams;
  Table<CUevent_st> events;
  Table<CUgraph_st> graphs;
  Table<CUgraphExec_st> executables;
  Table<CUmod_st> modules;
  Table<CUfunc_st> functions;
  uint64_t launches = 0; ///< kernels so far

private:
  friend void finish(int status, void *machine);
  void execute(const SimWork &work);

  Profile profile_;
  Options options_;
  memory::Memory memory_;
  CUstream_st legacyStream, threadStream;
  std::deque<SimWork> queue;
  std::set<std::string> told;
  bool failed = false;
  struct Count {
    int64_t runs = 0;
    double seconds = 0;
  };
  std::map<std::string, Count> counts;
};

/// The calling thread's stack of contexts; the last is current.
std::vector<CUcontext> &contextStack();

} // namespace incept::sim
