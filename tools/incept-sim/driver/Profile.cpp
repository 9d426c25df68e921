// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/driver/Profile.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <iterator>

using nlohmann::json;

namespace incept::sim {

namespace {

/// Reads positive integers of an object and remembers the first key that has none.
class Fields {
public:
  explicit Fields(const json &object) : object(object) {}

  int64_t read(const char *key, int64_t high) { return value(object.contains(key) ? object[key] : json(), key, high); }
  void read(const char *key, int &result) { result = int(read(key, INT_MAX)); }
  void read(const char *key, std::array<int, 3> &result) {
    const json list = object.contains(key) ? object[key] : json();
    for (size_t i = 0; i < 3; ++i)
      result[i] = int(value(list.is_array() && list.size() == 3 ? list[i] : json(), key, INT_MAX));
  }
  const std::string &missing() const { return missing_; }

private:
  int64_t value(const json &found, const char *key, int64_t high) {
    bool good = found.is_number_integer() && !(found.is_number_unsigned() && found.get<uint64_t>() > INT64_MAX);
    if (good && found.get<int64_t>() > 0 && found.get<int64_t>() <= high)
      return found.get<int64_t>();
    if (missing_.empty())
      missing_ = key;
    return 1;
  }

  const json &object;
  std::string missing_;
};

std::string environment(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

/// True for `yes`, false for `no` or where the variable is unset; anything else is an error.
Status readChoice(const char *name, const char *no, const char *yes, bool &result) {
  std::string value = environment(name);
  if (!value.empty() && value != no && value != yes)
    return usageError(std::string(name) + " must be " + no + " or " + yes + ", but is '" + value + "'");
  result = value == yes;
  return {};
}

} // namespace

Expected<Profile> parseProfile(std::string_view text) {
  json object = json::parse(text, nullptr, false);
  if (!object.is_object())
    return inputError("the device profile is not a JSON object");
  Profile profile;
  Fields fields(object);
  int version = 0;
  fields.read("deviceVer", version);
  fields.read("driverVer", profile.driverVersion);
  fields.read("maxGridSize", profile.maxGrid);
  fields.read("maxBlockSize", profile.maxBlock);
  fields.read("maxThreadsPerBlock", profile.maxThreadsPerBlock);
  fields.read("maxThreadsPerSM", profile.maxThreadsPerMultiprocessor);
  fields.read("maxCtasPerSM", profile.maxBlocksPerMultiprocessor);
  fields.read("multiProcessorCount", profile.multiprocessors);
  fields.read("warpSize", profile.warpSize);
  fields.read("regsPerBlock", profile.registersPerBlock);
  fields.read("maxRegistersPerSM", profile.registersPerMultiprocessor);
  fields.read("maxSharedMemoryPerBlock", profile.sharedPerBlock);
  fields.read("maxSharedMemoryPerBlockOptin", profile.sharedPerBlockOptin);
  fields.read("reservedSharedMemoryPerBlock", profile.sharedReserved);
  fields.read("smClockRateKHz", profile.clockKHz);
  fields.read("memClockRateKHz", profile.memoryClockKHz);
  fields.read("memoryBusWidth", profile.memoryBusBits);
  fields.read("l2CacheSize", profile.l2Bytes);
  profile.memoryBytes = fields.read("totalGlobalMem", int64_t(1) << 46);
  profile.computeCapability = version / 10;
  profile.json = text;
  if (object.contains("deviceName") && object["deviceName"].is_string())
    profile.name = object["deviceName"].get<std::string>();
  if (!fields.missing().empty() || profile.name.empty())
    return inputError("the device profile needs a value for '" +
                      (fields.missing().empty() ? std::string("deviceName") : fields.missing()) + "'");
  return profile;
}

Expected<Profile> profileFromEnvironment() {
  std::string path = environment(kDeviceVariable);
  if (path.empty())
    return machineError("no simulated device: start the program with incept-sim");
  std::ifstream file(path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file)
    return machineError("cannot read the device profile '" + path + "'");
  return parseProfile(text);
}

/// Numbers with commas between; none where the variable is not set.
static Status readNumbers(const char *variable, std::vector<int64_t> &numbers) {
  std::string text = environment(variable);
  for (const char *at = text.data(), *end = at + text.size(); at < end; ++at) {
    auto [next, error] = std::from_chars(at, end, numbers.emplace_back());
    if (error != std::errc() || numbers.back() < 0 || (next != end && *next != ','))
      return usageError(std::string(variable) + " must be numbers with commas between, but is '" + text + "'");
    at = next;
  }
  return {};
}

Expected<Options> optionsFromEnvironment() {
  Options options;
  if (std::string check = environment(kCheckVariable); check == "all" || check == "none")
    options.checkMemory = options.checkAll = check == "all";
  else if (!check.empty() && check != "memory")
    return usageError(std::string(kCheckVariable) + " must be all, memory or none, but is '" + check + "'");
  INCEPT_RETURN_IF_ERROR(readChoice(kPlansVariable, "load", "refuse", options.refusePlans));
  if (std::string schedule = environment(kScheduleVariable);
      !schedule.empty() && !parseSchedule(schedule, options.schedule, options.seed))
    return usageError(std::string(kScheduleVariable) + " must be early, late or random:SEED, but is '" + schedule +
                      "'");
  if (std::string words = environment(kInjectVariable); !parseInjected(words, options.inject))
    return usageError(std::string(kInjectVariable) + " must be errors with commas between, but is '" + words + "'");
  options.report = environment(kReportVariable);
  INCEPT_RETURN_IF_ERROR(readChoice(kStatisticsVariable, "0", "1", options.statistics));
  options.program = environment(kProgramVariable);
  std::vector<int64_t> extra;
  INCEPT_RETURN_IF_ERROR(readNumbers(kWorkspaceVariable, extra));
  options.workspaceExtra = extra.empty() ? 0 : uint64_t(extra.front());
  INCEPT_RETURN_IF_ERROR(readNumbers(kEnginesVariable, options.refusedEngines));
  if (std::string threads = environment(kThreadsVariable); !threads.empty()) {
    auto [end, error] = std::from_chars(threads.data(), threads.data() + threads.size(), options.threads);
    if (error != std::errc() || *end || options.threads < 0)
      return usageError(std::string(kThreadsVariable) + " must be a number, but is '" + threads + "'");
  }
  if (std::string version = environment(kCudnnVariable); !version.empty()) {
    options.cudnnVersion = parseCudnnVersion(version);
    if (options.cudnnVersion < 0)
      return usageError(std::string(kCudnnVariable) + " must be like 9.19.0, but is '" + version + "'");
  }
  return options;
}

static bool parseNumber(std::string_view text, uint64_t &number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool parseSchedule(std::string_view text, Schedule &schedule, uint64_t &seed) {
  constexpr std::string_view kRandom = "random";
  if (text == "early" || text == "late") {
    schedule = text == "late" ? Schedule::Late : Schedule::Early;
    return true;
  }
  if (!text.starts_with(kRandom))
    return false;
  schedule = Schedule::Random;
  text.remove_prefix(kRandom.size());
  return text.empty() || (text[0] == ':' && parseNumber(text.substr(1), seed));
}

bool parseInjected(std::string_view text, Injected &injected) {
  const std::pair<std::string_view, uint64_t *> counted[] = {{"oom:", &injected.outOfMemory},
                                                             {"launch-fail:", &injected.launch},
                                                             {"copy-fail:", &injected.copy},
                                                             {"sticky:", &injected.sticky}};
  const std::pair<std::string_view, bool *> flags[] = {{"cudnn-mismatch", &injected.cudnnMismatch},
                                                       {"driver-old", &injected.driverOld},
                                                       {"no-device", &injected.noDevice}};
  while (!text.empty()) {
    std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    bool known = false;
    for (auto [name, number] : counted)
      if (word.starts_with(name))
        known = parseNumber(word.substr(name.size()), *number) && *number > 0;
    for (auto [name, flag] : flags)
      if (word == name)
        known = *flag = true;
    if (!known)
      return false;
  }
  return true;
}

int parseCudnnVersion(std::string_view text) {
  int parts[3] = {};
  const char *at = text.data(), *end = at + text.size();
  for (int i = 0; i < 3; ++i) {
    auto [next, error] = std::from_chars(at, end, parts[i]);
    bool last = i == 2;
    if (error != std::errc() || parts[i] < 0 || parts[i] > 99 || (last ? next != end : next == end || *next != '.'))
      return -1;
    at = next + 1;
  }
  return parts[0] * 10000 + parts[1] * 100 + parts[2];
}

} // namespace incept::sim
