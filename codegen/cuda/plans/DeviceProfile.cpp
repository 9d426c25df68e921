// SPDX-License-Identifier: Apache-2.0
#include "codegen/cuda/plans/DeviceProfile.h"
#include "codegen/cuda/plans/BuiltinProfiles.h"
#include "runtime/support/Files.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace incept::cuda {

namespace {

using Json = nlohmann::json;

/// More than a profile has.
constexpr uint64_t kMaxProfileBytes = 1 << 20;

/// The positive integer `key` of `object`; an empty error stays empty.
int64_t positive(const Json &object, const char *key, std::string &error) {
  auto found = object.find(key);
  if (found != object.end() && found->is_number_integer() && found->get<int64_t>() > 0)
    return found->get<int64_t>();
  if (error.empty())
    error = fmt::format("expected a positive integer '{}'", key);
  return 0;
}

std::string string(const Json &object, const char *key, std::string &error) {
  auto found = object.find(key);
  if (found != object.end() && found->is_string() && !found->get<std::string>().empty())
    return found->get<std::string>();
  if (error.empty())
    error = fmt::format("expected a string '{}'", key);
  return "";
}

/// The positive number `key` of `object`, at most `high`.
double number(const Json &object, const char *key, double high, std::string &error) {
  auto found = object.find(key);
  if (found != object.end() && found->is_number() && found->get<double>() > 0 && found->get<double>() <= high)
    return found->get<double>();
  if (error.empty())
    error = fmt::format("expected '{}' to be a number above 0 and at most {}", key, high);
  return high;
}

size_t editDistance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (std::tolower(a[i - 1]) != std::tolower(b[j - 1]))});
      diagonal = above;
    }
  }
  return row.back();
}

Status unknownDevice(const std::string &name) {
  std::string known, nearest;
  size_t best = std::max<size_t>(name.size() / 2, 2);
  for (const DeviceProfile &profile : deviceProfiles()) {
    known += (known.empty() ? "" : ", ") + profile.name + " (" + profile.arch + ")";
    for (const std::string &candidate : {profile.name, profile.arch})
      if (size_t distance = editDistance(name, candidate); distance < best) {
        best = distance;
        nearest = candidate;
      }
  }
  return usageError(fmt::format("unknown device '{}'{}; there are profiles of {}", name,
                                nearest.empty() ? "" : ": did you mean '" + nearest + "'?", known));
}

/// The costs by the object "measured" or else "assumed", which may be missing: shares of the peaks, and seconds.
std::optional<LaunchCosts> costsOf(const Json &own, const DeviceProfile &profile, int64_t architecture,
                                   std::string &error) {
  auto found = own.find("measured");
  bool isMeasured = found != own.end();
  if (!isMeasured && (found = own.find("assumed")) == own.end())
    return std::nullopt;
  const Json object = found->is_object() ? *found : Json::object();
  LaunchCosts costs;
  cudnn::EngineCosts &engines = costs.engines;
  engines.bytesPerSecond = double(profile.memoryBytesPerSecond);
  engines.peakF32 = double(profile.peakF32);
  engines.peakTf32 = double(profile.peakTf32);
  engines.peakBf16 = double(profile.peakBf16);
  engines.peakF16 = double(profile.peakF16);
  engines.ownShare = number(object, "own_kernels_share", 1, error);
  engines.olderShare = number(object, "older_kernels_share", 1, error);
  engines.launchSeconds = number(object, "launch_seconds", 1, error);
  engines.architecture = int(std::min<int64_t>(architecture, 1000));
  engines.measured = isMeasured;
  costs.libraryShare = number(object, "library_bytes_share", 1, error);
  costs.mapShare = number(object, "map_bytes_share", 1, error);
  costs.reductionShare = number(object, "reduction_bytes_share", 1, error);
  costs.otherShare = number(object, "other_bytes_share", 1, error);
  costs.fillShare = number(object, "fill_share", 1, error);
  costs.multiprocessors = profile.multiprocessors;
  if (isMeasured)
    costs.measuredOn = string(object, "card", error);
  return costs;
}

/// The properties of each card in `cards`, an array of objects of what differs, and of this one at other clocks.
std::vector<std::string> variantsOf(const Json &properties, const Json &cards, std::string &error) {
  std::vector<std::string> variants;
  auto add = [&](const Json &changes) {
    Json variant = properties;
    variant.update(changes);
    variants.push_back(variant.dump());
  };
  constexpr double kClocks[] = {0.8, 1.2};
  int64_t clock = positive(properties, "smClockRateKHz", error);
  for (double factor : kClocks)
    add({{"smClockRateKHz", int64_t(double(clock) * factor)}});
  bool isList = cards.is_array() || cards.is_null();
  if (!isList && error.empty())
    error = "expected 'cards' to be a list";
  for (const Json &card : isList ? cards : Json::array()) {
    bool isCard = card.is_object();
    for (const auto &[key, value] : card.items())
      isCard &= properties.contains(key) && properties[key].type() == value.type();
    if (isCard)
      add(card);
    else if (error.empty())
      error = "expected 'cards' to be objects of cuDNN's device properties";
  }
  return variants;
}

} // namespace

Expected<DeviceProfile> parseDeviceProfile(const std::string &text, const std::string &where) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("incept") || !json["incept"].is_object())
    return inputError(
        fmt::format("'{}' is not a device profile: expected a JSON object with an object 'incept'", where));
  DeviceProfile profile;
  std::string error;
  const Json own = json["incept"];
  const Json peaks = own.contains("peak_flops") && own["peak_flops"].is_object() ? own["peak_flops"] : Json::object();
  profile.name = string(own, "name", error);
  profile.title = string(own, "title", error);
  profile.arch = string(own, "arch", error);
  profile.ptxVersion = int(std::min<int64_t>(positive(own, "ptx_version", error), 1000));
  profile.isDefaultForArch = own.contains("default_for_arch") && own["default_for_arch"] == true;
  profile.memoryBytesPerSecond = positive(own, "memory_bytes_per_second", error);
  profile.peakF32 = positive(peaks, "f32", error);
  profile.peakTf32 = positive(peaks, "tf32", error);
  profile.peakBf16 = positive(peaks, "bf16", error);
  profile.peakF16 = positive(peaks, "f16", error);
  profile.card = string(json, "deviceName", error);
  profile.memoryBytes = positive(json, "totalGlobalMem", error);
  profile.multiprocessors = positive(json, "multiProcessorCount", error);
  profile.l2Bytes = positive(json, "l2CacheSize", error);
  int64_t version = positive(json, "deviceVer", error);
  if (error.empty() && profile.arch != "sm_" + std::to_string(version / 10))
    error = fmt::format("the architecture '{}' is not that of 'deviceVer' {}", profile.arch, version);
  profile.costs = costsOf(own, profile, version / 10, error);
  json.erase("incept");
  profile.cudnnProperties = json.dump();
  profile.variants = variantsOf(json, own.contains("cards") ? own["cards"] : Json(), error);
  if (!error.empty())
    return inputError(fmt::format("device profile '{}': {}", where, error));
  return profile;
}

const std::vector<DeviceProfile> &deviceProfiles() {
  static const std::vector<DeviceProfile> profiles = [] {
    std::vector<DeviceProfile> result;
    for (const BuiltinProfile *entry = kBuiltinProfiles; entry->name; ++entry)
      // A profile of ours that does not parse is a mistake of this build, which the unit tests report.
      if (auto profile = parseDeviceProfile(entry->text, entry->name))
        result.push_back(std::move(*profile));
    return result;
  }();
  return profiles;
}

Expected<DeviceProfile> findDeviceProfile(const std::string &name) {
  if (name.ends_with(".json")) {
    auto file = LoadedFile::open(name, kMaxProfileBytes);
    if (!file)
      return file.status();
    return parseDeviceProfile(std::string(file->bytes()), name);
  }
  for (const DeviceProfile &profile : deviceProfiles())
    if (profile.name == name || (profile.isDefaultForArch && profile.arch == name))
      return profile;
  return unknownDevice(name);
}

std::string deviceTable() {
  std::string table = fmt::format("{:<14} {:<8} {:>5} {:>10} {:>10}   {:>8} {:>8} {:>8} {:>8}   {}\n", "target", "arch",
                                  "SMs", "memory", "bandwidth", "f32", "tf32", "bf16", "f16", "device");
  constexpr double kTera = 1e12;
  for (const DeviceProfile &p : deviceProfiles())
    table += fmt::format("{:<14} {:<8} {:>5} {:>7.0f} GB {:>5.2f} TB/s   {:>8.1f} {:>8.1f} {:>8.1f} {:>8.1f}   {}\n",
                         "cuda:" + p.name, p.arch, p.multiprocessors, double(p.memoryBytes) / 1e9,
                         double(p.memoryBytesPerSecond) / kTera, double(p.peakF32) / kTera, double(p.peakTf32) / kTera,
                         double(p.peakBf16) / kTera, double(p.peakF16) / kTera, p.title);
  return table + "(f32 to f16: peak TFLOP/s, dense; tf32, bf16 and f16 on tensor cores)\n";
}

} // namespace incept::cuda
