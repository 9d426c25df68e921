// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Schedule.h"
#include "runtime/support/Text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace incept {

namespace {

/// Programs compute in f32: what is beyond it would be an infinity there.
constexpr double kMost = std::numeric_limits<float>::max();

/// Which values a hyper-parameter may have: from `low` (or above it) to `high`.
struct Range {
  std::string_view key;
  double low, high;
  bool aboveLow = false;

  bool holds(double value) const { return (aboveLow ? value > low : value >= low) && value <= high; }
};
constexpr Range kRanges[] = {{"learning_rate", 0, kMost},
                             {"gamma", 0, kMost},
                             {"every_epochs", 0, kMost, true},
                             {"final_learning_rate", 0, kMost},
                             {"warmup_epochs", 0, kMost},
                             {"epochs", 0, kMost, true},
                             {"momentum", 0, 1},
                             {"rms_decay", 0, 1},
                             {"rms_epsilon", 0, kMost},
                             {"weight_decay", 0, kMost},
                             {"power", 0, 100},
                             {"rise", 0, 1},
                             {"beta1", 0, 0.999999},
                             {"beta2", 0, 0.999999},
                             {"epsilon", 0, kMost},
                             {"trust", 0, kMost},
                             {"clip_norm", 0, kMost, true},
                             {"clip_value", 0, kMost, true},
                             {"ema", 0, 1},
                             {"start_divisor", 1, kMost},
                             {"end_divisor", 1, kMost}};

/// What schedules need besides the rate itself; only those of a program's own are there.
struct ScheduleNumber {
  std::string_view schedule, key;
  double fallback;
};
constexpr ScheduleNumber kScheduleNumbers[] = {{"polynomial", "power", 1},
                                               {"one_cycle", "rise", 0.3},
                                               {"one_cycle", "start_divisor", 25},
                                               {"one_cycle", "end_divisor", 10000}};
constexpr std::string_view kSchedules[] = {"constant", "step", "cosine", "multi_step", "polynomial", "one_cycle"};

/// Half a cosine from `from` to `to`.
double between(double from, double to, double part) {
  return to + (from - to) * (1 + std::cos(std::numbers::pi * part)) / 2;
}

/// That of a field that only an optimizer of its own knows is all numbers.
Range rangeOf(std::string_view key) {
  const Range *range = std::find_if(std::begin(kRanges), std::end(kRanges),
                                    [&](const Range &candidate) { return candidate.key == key; });
  return range == std::end(kRanges) ? Range{key, -kMost, kMost} : *range;
}

} // namespace

Expected<Hyperparameters> Hyperparameters::fromJson(const nlohmann::json &training,
                                                    const std::vector<std::string> &fields) {
  Hyperparameters result;
  if (!training.is_object())
    return inputError("the program image is damaged: 'training' is not an object");
  auto take = [&](const nlohmann::json &from, const char *key, const char *name) {
    if (from.is_object() && from.contains(key) && from[key].is_number())
      result.values[name] = from[key].get<double>();
  };
  auto section = [&](const char *name) { return training.contains(name) ? training[name] : nlohmann::json(); };
  nlohmann::json rate = section("learning_rate"), optimizer = section("optimizer");
  if (rate.is_object() && rate.contains("kind") && rate["kind"].is_string())
    result.kind = rate["kind"].get<std::string>();
  if (std::find(std::begin(kSchedules), std::end(kSchedules), result.kind) == std::end(kSchedules))
    return inputError("the program image is damaged: its learning rate is of unknown kind '" + result.kind + "'");
  take(rate, "base", "learning_rate");
  take(rate, "gamma", "gamma");
  take(rate, "every_epochs", "every_epochs");
  take(rate, "final", "final_learning_rate");
  take(rate, "warmup_epochs", "warmup_epochs");
  for (const ScheduleNumber &number : kScheduleNumbers)
    if (number.schedule == result.kind) {
      std::string key(number.key);
      result.values[key] = number.fallback;
      take(rate, key.c_str(), key.c_str());
    }
  if (rate.is_object() && rate.contains("milestones") && rate["milestones"].is_array())
    for (const nlohmann::json &epoch : rate["milestones"])
      if (epoch.is_number())
        result.milestones.push_back(epoch.get<double>());
  take(training, "epochs", "epochs");
  take(training, "weight_decay", "weight_decay");
  take(optimizer, "momentum", "momentum");
  take(optimizer, "decay", "rms_decay");
  take(optimizer, "epsilon", "rms_epsilon");
  for (const std::string &field : fields) {
    for (const nlohmann::json &from : {optimizer, training})
      if (!result.values.count(field))
        take(from, field.c_str(), field.c_str());
    if (!result.values.count(field))
      return inputError("the program image is damaged: 'training' has no number '" + field + "'");
  }
  return result;
}

Status Hyperparameters::set(const std::string &setting) {
  size_t equals = setting.find('=');
  std::string key = setting.substr(0, equals);
  auto found = values.find(key);
  if (equals == std::string::npos || found == values.end()) {
    std::string known;
    for (const auto &[name, value] : values)
      known += (known.empty() ? "" : ", ") + name;
    return usageError("expected --set KEY=VALUE with a KEY of " + known + ", but got '" + setting + "'");
  }
  std::string text = setting.substr(equals + 1);
  const Range &range = rangeOf(key);
  double value = 0;
  if (!readNumber(text, value) || !range.holds(value))
    return usageError(std::string("expected a number ") + (range.aboveLow ? "above " : "of at least ") +
                      jsonNumber(range.low) + (range.high < kMost ? " and at most " + jsonNumber(range.high) : "") +
                      " for '" + key + "', but got '" + text + "'");
  found->second = value;
  given.insert(key);
  return {};
}

bool Hyperparameters::restore(std::string_view key, double value) {
  auto found = values.find(key);
  if (found == values.end() || !rangeOf(key).holds(value))
    return false;
  found->second = value;
  return true;
}

double Hyperparameters::learningRate(int64_t step, int64_t stepsPerEpoch) const {
  double epoch = static_cast<double>(step) / static_cast<double>(std::max<int64_t>(stepsPerEpoch, 1));
  double base = get("learning_rate"), rate = base;
  if (kind == "step")
    rate = base * std::pow(get("gamma"), std::floor(epoch / std::max(get("every_epochs"), 1e-9)));
  else if (kind == "cosine") {
    double last = get("final_learning_rate"), part = std::min(epoch / std::max(get("epochs"), 1e-9), 1.0);
    rate = last + (base - last) * (1 + std::cos(std::numbers::pi * part)) / 2;
  }
  if (kind == "multi_step")
    rate = base * std::pow(get("gamma"),
                           double(std::upper_bound(milestones.begin(), milestones.end(), epoch) - milestones.begin()));
  double part = std::min(epoch / std::max(get("epochs"), 1e-9), 1.0);
  if (kind == "polynomial") {
    double last = get("final_learning_rate");
    rate = last + (base - last) * std::pow(1 - part, get("power"));
  }
  if (kind == "one_cycle") {
    // Of the steps from the first to the last, as PyTorch counts them.
    double steps = std::max(std::ceil(get("epochs") * double(stepsPerEpoch)), 2.0), at = double(step);
    double peak = get("rise") * steps - 1, start = base / get("start_divisor"), end = start / get("end_divisor");
    rate = at < peak ? between(start, base, at / peak)
                     : between(base, end, std::min((at - peak) / std::max(steps - 1 - peak, 1e-9), 1.0));
  }
  // The first step of a warm-up has a share above 0, so that it learns something.
  double warmup = get("warmup_epochs");
  if (epoch < warmup)
    rate *= (static_cast<double>(step) + 1) / (warmup * static_cast<double>(stepsPerEpoch) + 1);
  return rate;
}

} // namespace incept
