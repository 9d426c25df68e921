// SPDX-License-Identifier: Apache-2.0
//
// The profile of a device, the environment variables that the launcher sets, and what a program's file says.
#include "tools/incept-sim/driver/Profile.h"
#include "tools/incept-sim/driver/ProgramFile.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace incept::sim {
namespace {

using nlohmann::json;

const char *const kNumbers[] = {"deviceVer",
                                "driverVer",
                                "maxThreadsPerBlock",
                                "maxThreadsPerSM",
                                "maxCtasPerSM",
                                "multiProcessorCount",
                                "warpSize",
                                "regsPerBlock",
                                "maxRegistersPerSM",
                                "maxSharedMemoryPerBlock",
                                "maxSharedMemoryPerBlockOptin",
                                "reservedSharedMemoryPerBlock",
                                "smClockRateKHz",
                                "memClockRateKHz",
                                "memoryBusWidth",
                                "l2CacheSize",
                                "totalGlobalMem"};

/// Every number is another one: 100, 110, ... in the order above.
json numbered() {
  json object = {{"deviceName", "a device"}, {"maxGridSize", {11, 12, 13}}, {"maxBlockSize", {14, 15, 16}}};
  int next = 100;
  for (const char *key : kNumbers)
    object[key] = next, next += 10;
  return object;
}

std::string errorOf(const json &object) {
  Expected<Profile> profile = parseProfile(object.dump());
  return profile ? "" : profile.status().message();
}

TEST(Profile, EveryKeyHasItsPlace) {
  const std::string text = numbered().dump();
  Expected<Profile> p = parseProfile(text);
  ASSERT_TRUE(p) << p.status().message();
  EXPECT_EQ(p->name, "a device");
  EXPECT_EQ(p->json, text);
  EXPECT_EQ(p->maxGrid, (std::array<int, 3>{11, 12, 13}));
  EXPECT_EQ(p->maxBlock, (std::array<int, 3>{14, 15, 16}));
  EXPECT_EQ(p->computeCapability, 10); // of 100
  const int64_t got[] = {p->driverVersion,
                         p->maxThreadsPerBlock,
                         p->maxThreadsPerMultiprocessor,
                         p->maxBlocksPerMultiprocessor,
                         p->multiprocessors,
                         p->warpSize,
                         p->registersPerBlock,
                         p->registersPerMultiprocessor,
                         p->sharedPerBlock,
                         p->sharedPerBlockOptin,
                         p->sharedReserved,
                         p->clockKHz,
                         p->memoryClockKHz,
                         p->memoryBusBits,
                         p->l2Bytes,
                         p->memoryBytes};
  for (size_t i = 0; i < std::size(got); ++i)
    EXPECT_EQ(got[i], 110 + 10 * int64_t(i)) << kNumbers[i + 1];
}

TEST(Profile, EveryKeyIsNeeded) {
  auto needs = [](const std::string &key) { return "the device profile needs a value for '" + key + "'"; };
  std::vector<std::string> keys(std::begin(kNumbers), std::end(kNumbers));
  for (const std::string &key : keys) {
    const int64_t most = key == "totalGlobalMem" ? int64_t(1) << 46 : INT32_MAX;
    json object = numbered();
    for (const json &good : {json(1), json(most)}) {
      object[key] = good;
      EXPECT_EQ(errorOf(object), "") << key << good;
    }
    for (const json &bad :
         {json(0), json(-1), json(most + 1), json(UINT64_MAX), json(1.5), json("1"), json(), json({1})}) {
      object[key] = bad;
      EXPECT_EQ(errorOf(object), needs(key)) << bad;
    }
    object.erase(key);
    EXPECT_EQ(errorOf(object), needs(key));
  }
  for (const char *key : {"maxGridSize", "maxBlockSize"}) {
    json object = numbered();
    for (const json &bad : {json(1), json({1, 2}), json({1, 2, 3, 4}), json({1, 0, 3}), json({1, 2, -3}),
                            json({0, 2, 3}), json({1, 2, int64_t(INT32_MAX) + 1}), json()}) {
      object[key] = bad;
      EXPECT_EQ(errorOf(object), needs(key)) << bad;
    }
    object.erase(key);
    EXPECT_EQ(errorOf(object), needs(key));
  }
  json object = numbered();
  for (const json &bad : {json(5), json("")}) {
    object["deviceName"] = bad;
    EXPECT_EQ(errorOf(object), needs("deviceName"));
  }
  object.erase("deviceName");
  EXPECT_EQ(errorOf(object), needs("deviceName"));
  // The first of several is said.
  object.erase("l2CacheSize");
  object.erase("regsPerBlock");
  EXPECT_EQ(errorOf(object), needs("regsPerBlock"));
  for (const char *text : {"", "[]", "5", "{"})
    EXPECT_EQ(parseProfile(text).status().message(), "the device profile is not a JSON object") << text;
}

TEST(Profile, Schedules) {
  auto schedule = Schedule::Random;
  uint64_t seed = 7;
  EXPECT_TRUE(parseSchedule("early", schedule, seed));
  EXPECT_EQ(schedule, Schedule::Early);
  EXPECT_TRUE(parseSchedule("late", schedule, seed));
  EXPECT_EQ(schedule, Schedule::Late);
  EXPECT_TRUE(parseSchedule("random", schedule, seed));
  EXPECT_EQ(schedule, Schedule::Random);
  EXPECT_EQ(seed, 7u);
  EXPECT_TRUE(parseSchedule("random:18446744073709551615", schedule, seed));
  EXPECT_EQ(seed, UINT64_MAX);
  for (const char *bad : {"", "soon", "earl", "early ", "random:", "random:x", "random:1x", "random1", "random:-1",
                          "random:18446744073709551616"})
    EXPECT_FALSE(parseSchedule(bad, schedule, seed)) << bad;
}

TEST(Profile, InjectedErrors) {
  Injected all;
  EXPECT_TRUE(parseInjected("oom:1,launch-fail:2,copy-fail:3,sticky:4,cudnn-mismatch,driver-old,no-device", all));
  EXPECT_EQ(all.outOfMemory, 1u);
  EXPECT_EQ(all.launch, 2u);
  EXPECT_EQ(all.copy, 3u);
  EXPECT_EQ(all.sticky, 4u);
  EXPECT_TRUE(all.cudnnMismatch && all.driverOld && all.noDevice);
  Injected none;
  EXPECT_TRUE(parseInjected("", none));
  EXPECT_EQ(none.outOfMemory + none.launch + none.copy + none.sticky, 0u);
  EXPECT_FALSE(none.cudnnMismatch || none.driverOld || none.noDevice);
  for (const char *bad : {"oom", "oom:", "oom:0", "oom:x", "oom:1x", "copy-fail:0", "launch-fail:", "sticky:-1",
                          "no-devices", "no-device,,oom:1", ",", "driver-old oom:1"}) {
    Injected injected;
    EXPECT_FALSE(parseInjected(bad, injected)) << bad;
  }
}

TEST(Profile, VersionsOfCudnn) {
  EXPECT_EQ(parseCudnnVersion("9.19.0"), 91900);
  EXPECT_EQ(parseCudnnVersion("0.0.0"), 0);
  EXPECT_EQ(parseCudnnVersion("99.99.99"), 999999);
  EXPECT_EQ(parseCudnnVersion("10.1.23"), 100123);
  for (const char *bad : {"", "9", "9.19", "9.19.", "9.19.0.", "9.19.0.1", "9.19.x", "9,19,0", "9.100.0", "100.0.0",
                          "9.0.100", "-1.0.0", "9.-1.0", " 9.1.0"})
    EXPECT_EQ(parseCudnnVersion(bad), -1) << bad;
}

/// With one variable set.
class Environment : public testing::Test {
protected:
  void TearDown() override {
    for (const char *name : kNames)
      unsetenv(name);
  }
  Expected<Options> with(const char *name, const char *value) {
    TearDown();
    setenv(name, value, 1);
    return optionsFromEnvironment();
  }
  void expectError(const char *name, const std::string &value, const std::string &wanted) {
    Expected<Options> options = with(name, value.c_str());
    ASSERT_FALSE(options) << name << "=" << value;
    EXPECT_EQ(options.status().message(), std::string(name) + " must be " + wanted + ", but is '" + value + "'");
  }

  static constexpr const char *kNames[] = {kCheckVariable,   kPlansVariable,  kScheduleVariable,  kStatisticsVariable,
                                           kThreadsVariable, kCudnnVariable,  kWorkspaceVariable, kEnginesVariable,
                                           kInjectVariable,  kReportVariable, kProgramVariable};
};

TEST_F(Environment, NothingIsSet) {
  TearDown();
  Expected<Options> o = optionsFromEnvironment();
  ASSERT_TRUE(o);
  EXPECT_TRUE(o->checkMemory);
  EXPECT_FALSE(o->checkAll || o->refusePlans || o->statistics);
  EXPECT_EQ(o->workspaceExtra, 0u);
  EXPECT_TRUE(o->refusedEngines.empty());
  EXPECT_EQ(o->schedule, Schedule::Early);
  EXPECT_EQ(o->seed, 0u);
  EXPECT_EQ(o->threads, 0);
  EXPECT_EQ(o->cudnnVersion, 91900);
  EXPECT_EQ(o->report + o->program, "");
}

TEST_F(Environment, EveryVariable) {
  EXPECT_TRUE(with(kCheckVariable, "all")->checkAll);
  EXPECT_TRUE(with(kCheckVariable, "all")->checkMemory);
  EXPECT_TRUE(with(kCheckVariable, "memory")->checkMemory);
  EXPECT_FALSE(with(kCheckVariable, "memory")->checkAll);
  EXPECT_FALSE(with(kCheckVariable, "none")->checkMemory);
  EXPECT_FALSE(with(kCheckVariable, "none")->checkAll);
  EXPECT_TRUE(with(kPlansVariable, "refuse")->refusePlans);
  EXPECT_FALSE(with(kPlansVariable, "load")->refusePlans);
  EXPECT_EQ(with(kScheduleVariable, "random:5")->schedule, Schedule::Random);
  EXPECT_EQ(with(kScheduleVariable, "random:5")->seed, 5u);
  EXPECT_EQ(with(kScheduleVariable, "late")->schedule, Schedule::Late);
  EXPECT_TRUE(with(kStatisticsVariable, "1")->statistics);
  EXPECT_FALSE(with(kStatisticsVariable, "0")->statistics);
  EXPECT_EQ(with(kThreadsVariable, "12")->threads, 12);
  EXPECT_EQ(with(kThreadsVariable, "0")->threads, 0);
  EXPECT_EQ(with(kCudnnVariable, "9.10.2")->cudnnVersion, 91002);
  EXPECT_EQ(with(kWorkspaceVariable, "4096")->workspaceExtra, 4096u);
  EXPECT_EQ(with(kEnginesVariable, "3,0,12")->refusedEngines, (std::vector<int64_t>{3, 0, 12}));
  EXPECT_EQ(with(kInjectVariable, "oom:3")->inject.outOfMemory, 3u);
  EXPECT_EQ(with(kReportVariable, "r.json")->report, "r.json");
  EXPECT_EQ(with(kProgramVariable, "prog")->program, "prog");

  expectError(kCheckVariable, "some", "all, memory or none");
  expectError(kPlansVariable, "maybe", "load or refuse");
  expectError(kScheduleVariable, "soon", "early, late or random:SEED");
  expectError(kStatisticsVariable, "yes", "0 or 1");
  expectError(kInjectVariable, "oom", "errors with commas between");
  for (const char *bad : {"x", "3,,4", "-1", "3 4", ",3", "3.5", "99999999999999999999"})
    for (const char *name : {kEnginesVariable, kWorkspaceVariable})
      expectError(name, bad, "numbers with commas between");
  for (const char *bad : {"x", "-1", "3x", "99999999999"})
    expectError(kThreadsVariable, bad, "a number");
  expectError(kCudnnVariable, "9.19", "like 9.19.0");
}

TEST_F(Environment, TheProfileIsAFile) {
  unsetenv(kDeviceVariable);
  EXPECT_EQ(profileFromEnvironment().status().message(), "no simulated device: start the program with incept-sim");
  const std::string path = testing::TempDir() + "incept-profile-" + std::to_string(getpid()) + ".json";
  setenv(kDeviceVariable, path.c_str(), 1);
  EXPECT_EQ(profileFromEnvironment().status().message(), "cannot read the device profile '" + path + "'");
  std::ofstream(path) << numbered().dump();
  Expected<Profile> profile = profileFromEnvironment();
  ASSERT_TRUE(profile) << profile.status().message();
  EXPECT_EQ(profile->memoryBytes, 260);
  std::filesystem::remove(path);
  unsetenv(kDeviceVariable);
}

// A launch is known by its kernel, its extents, and addresses that fit the regions that its operands are of.
TEST(ProgramFile, LaunchesAreKnownByTheirParameters) {
  const std::vector<DescribedLaunch> launches = {{"add", "first", {{0, 64}, {1, 0}, {0, 128}}, {7}},
                                                 {"add", "second", {{0, 64}, {1, 0}, {0, 128}}, {8}},
                                                 {"mul", "third", {{0, 64}, {1, 0}, {0, 128}}, {7}},
                                                 {"none", "fourth", {}, {}}};
  using Values = std::vector<uint64_t>;
  // Region 0 begins at 1000 and region 1 at 5000.
  const Values good = {1064, 5000, 1128, 7};
  EXPECT_EQ(describeLaunch(launches, "add", good), "first");
  EXPECT_EQ(describeLaunch(launches, "mul", good), "third");
  EXPECT_EQ(describeLaunch(launches, "add", {1064, 5000, 1128, 8}), "second");
  EXPECT_EQ(describeLaunch(launches, "add", {64, 0, 128, 8}), "second");
  EXPECT_EQ(describeLaunch(launches, "none", {}), "fourth");
  EXPECT_EQ(describeLaunch(launches, "div", good), "");
  EXPECT_EQ(describeLaunch(launches, "add", {1064, 5000, 1128, 9}), "");
  EXPECT_EQ(describeLaunch(launches, "add", {1064, 5000, 1129, 7}), ""); // not the same begin
  EXPECT_EQ(describeLaunch(launches, "add", {1064, 5000, 1128}), "");
  EXPECT_EQ(describeLaunch(launches, "add", {1064, 5000, 1128, 7, 7}), "");
  EXPECT_EQ(describeLaunch(launches, "add", {}), "");
  EXPECT_EQ(describeLaunch({}, "add", good), "");
}

TEST(ProgramFile, SaysWhatItCannotRead) {
  EXPECT_EQ(readProgramFile("/nowhere/program").status().message(), "cannot read '/nowhere/program'");
  const std::string path = testing::TempDir() + "incept-program-" + std::to_string(getpid());
  for (const char *text : {"x", "\x7f"
                                "ELF and no more"}) {
    std::ofstream(path) << text;
    EXPECT_EQ(readProgramFile(path).status().message(), "'" + path + "' is not a program that incept has compiled");
  }
  std::filesystem::remove(path);
}

} // namespace
} // namespace incept::sim
