// SPDX-License-Identifier: Apache-2.0
//
// What the simulated device is and how the simulation behaves. Both reach the simulator's libraries by environment
// variables, since the program under test knows nothing of them; the launcher sets them.
#pragma once

#include "runtime/support/Status.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace incept::sim {

/// A device, by the keys of cuDNN's device property descriptor (`deviceName`, `multiProcessorCount`, ...).
struct Profile {
  std::string name;
  int computeCapability = 0; ///< 90 for 9.0
  int driverVersion = 0;     ///< 13000 for 13.0
  int64_t memoryBytes = 0;
  std::array<int, 3> maxGrid{}, maxBlock{};
  int maxThreadsPerBlock = 0, maxThreadsPerMultiprocessor = 0, maxBlocksPerMultiprocessor = 0, multiprocessors = 0;
  int warpSize = 0, registersPerBlock = 0, registersPerMultiprocessor = 0;
  int sharedPerBlock = 0, sharedPerBlockOptin = 0, sharedReserved = 0; ///< bytes
  int clockKHz = 0, memoryClockKHz = 0, memoryBusBits = 0, l2Bytes = 0;
  std::string json; ///< the text it was read from
};

/// Every key must be there and positive.
Expected<Profile> parseProfile(std::string_view json);

/// When work runs that was issued to a stream.
enum class Schedule {
  Early,  ///< at once
  Late,   ///< not before something waits for it
  Random, ///< at any moment that streams and events allow
};

/// Errors of the machine's, which a program meets with one sentence. A number N: the N-th call, or piece of work,
/// counted from 1; 0: none.
struct Injected {
  uint64_t outOfMemory = 0; ///< allocations
  uint64_t launch = 0;      ///< calls that launch kernels or graphs
  uint64_t copy = 0;        ///< calls that copy
  uint64_t sticky = 0;      ///< pieces of work; all calls fail from then on
  bool cudnnMismatch = false, driverOld = false, noDevice = false;
};

struct Options {
  bool checkMemory = true;
  bool checkAll = false;               ///< also races, stale values, and where values stop being finite
  bool refusePlans = false;            ///< cuDNN refuses every stored plan, so that programs rebuild them
  uint64_t workspaceExtra = 0;         ///< bytes that a plan needs beside the planned ones where it is rebuilt
  std::vector<int64_t> refusedEngines; ///< engines that cuDNN refuses to build a plan with
  Schedule schedule = Schedule::Early;
  uint64_t seed = 0; ///< of Schedule::Random
  Injected inject;
  std::string report;      ///< path of a JSON file of counters, written at the end; empty: none
  bool statistics = false; ///< a summary on stderr at the end
  int threads = 0;         ///< of the interpreter; 0: as many as there are processors
  int cudnnVersion = 91900;
  std::string program; ///< the program under test, for the workspaces that its image plans
};

/// The environment variables.
inline constexpr const char *kDeviceVariable = "INCEPT_SIM_DEVICE";             ///< path of a profile
inline constexpr const char *kCheckVariable = "INCEPT_SIM_CHECK";               ///< all, memory, none
inline constexpr const char *kPlansVariable = "INCEPT_SIM_PLANS";               ///< load, refuse
inline constexpr const char *kScheduleVariable = "INCEPT_SIM_SCHEDULE";         ///< early, late, random:SEED
inline constexpr const char *kStatisticsVariable = "INCEPT_SIM_STATISTICS";     ///< 0, 1
inline constexpr const char *kThreadsVariable = "INCEPT_SIM_THREADS";           ///< a number
inline constexpr const char *kCudnnVariable = "INCEPT_SIM_CUDNN";               ///< 9.19.0
inline constexpr const char *kWorkspaceVariable = "INCEPT_SIM_WORKSPACE_EXTRA"; ///< a number of bytes
inline constexpr const char *kEnginesVariable = "INCEPT_SIM_REFUSE_ENGINES";    ///< numbers with commas between
inline constexpr const char *kInjectVariable = "INCEPT_SIM_INJECT";             ///< oom:3,no-device
inline constexpr const char *kReportVariable = "INCEPT_SIM_REPORT";             ///< path of a file
inline constexpr const char *kProgramVariable = "INCEPT_SIM_PROGRAM";           ///< path of the program under test

Expected<Profile> profileFromEnvironment();
/// Unset variables give the defaults above.
Expected<Options> optionsFromEnvironment();

/// "early", "late", "random" or "random:SEED"; false where it is none of them.
bool parseSchedule(std::string_view text, Schedule &schedule, uint64_t &seed);
/// Words with commas between: oom:N, launch-fail:N, copy-fail:N, sticky:N, cudnn-mismatch, driver-old, no-device.
bool parseInjected(std::string_view text, Injected &injected);

/// "9.19.0" as cudnnGetVersion counts it, 91900; -1 where it is malformed.
int parseCudnnVersion(std::string_view text);

} // namespace incept::sim
