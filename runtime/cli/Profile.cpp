// SPDX-License-Identifier: Apache-2.0

#include "runtime/cli/Profile.h"
#include "runtime/support/Text.h"

#include <algorithm>
#include <cstdio>

namespace incept {

namespace {

/// "convolution_forward 3x3 /2 jit:avx2": the kind, what of the shape matters most, and the implementation.
std::string describePlan(const program::Plan &plan) {
  auto field = [&](const char *name) {
    for (const auto &[key, value] : plan.fields)
      if (key == name)
        return value;
    return std::string("1");
  };
  std::string shape;
  if (plan.kind.starts_with("convolution")) {
    shape = " " + field("kh") + "x" + field("kw");
    if (field("sh") != "1" || field("sw") != "1")
      shape += " /" + (field("sh") != "1" ? field("sh") : field("sw"));
  }
  return plan.kind + shape + " " + plan.impl;
}

/// The block of the network that a launch belongs to; what has no path in it goes by its entry point.
std::string blockOf(const LaunchProfile &launch) {
  if (launch.entry != program::kForwardBackward && launch.entry != program::kInfer)
    return "(" + launch.entry + ")";
  return launch.op.substr(0, launch.op.find('.'));
}

template <typename Name>
std::vector<ProfileRow> group(const std::vector<LaunchProfile> &launches, Name name) {
  std::map<std::string, ProfileRow> rows;
  for (const LaunchProfile &launch : launches) {
    ProfileRow &row = rows[name(launch)];
    row.name = name(launch);
    row.add(launch.cost);
  }
  std::vector<ProfileRow> sorted;
  for (auto &[key, row] : rows)
    sorted.push_back(row);
  std::stable_sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return a.seconds > b.seconds; });
  return sorted;
}

std::vector<ProfileRow> byKind(const std::vector<LaunchProfile> &launches) {
  return group(launches, [](const LaunchProfile &launch) { return launch.what; });
}

std::vector<ProfileRow> byBlock(const std::vector<LaunchProfile> &launches) { return group(launches, blockOf); }

ProfileRow sum(const std::vector<LaunchProfile> &launches) {
  ProfileRow total;
  for (const LaunchProfile &launch : launches)
    total.add(launch.cost);
  return total;
}

void printHeading(const char *name) {
  std::printf("\n%10s %7s %7s %10s %8s %9s %9s %9s %8s  %s\n", "ms/step", "share", "bound", "lost ms", "launches",
              "GFLOP", "MB", "GFLOP/s", "GB/s", name);
}

void printRow(const ProfileRow &row, double total, const std::string &name) {
  std::printf("%10.3f %6.1f%% %6.1f%% %10.3f %8lld %9.2f %9.1f %9.1f %8.1f  %s\n", 1e3 * row.seconds,
              100 * row.seconds / total, 100 * row.bound / row.seconds, 1e3 * row.lost(),
              static_cast<long long>(row.launches), 1e-9 * row.flops, 1e-6 * row.bytes, 1e-9 * row.flops / row.seconds,
              1e-9 * row.bytes / row.seconds, printable(name).c_str());
}

nlohmann::ordered_json rowJson(const ProfileRow &row) {
  return {{"ms", 1e3 * row.seconds}, {"bound_ms", 1e3 * row.bound}, {"flops", row.flops}, {"bytes", row.bytes}};
}

nlohmann::ordered_json rowsJson(const std::vector<ProfileRow> &rows) {
  auto list = nlohmann::ordered_json::array();
  for (const ProfileRow &row : rows) {
    nlohmann::ordered_json object = {{"name", row.name}, {"launches", row.launches}};
    object.update(rowJson(row));
    list.push_back(std::move(object));
  }
  return list;
}

double median(std::vector<double> values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

} // namespace

void ProfileRow::add(const ProfileRow &other) {
  seconds += other.seconds;
  bound += other.bound;
  launches += other.launches;
  flops += other.flops;
  bytes += other.bytes;
}

bool isContraction(const program::Image &image, const program::Launch &launch) {
  if (!launch.isKernel)
    return image.plans[launch.index].kind != "reorder";
  // Kernels are called after the ops that they compute.
  const std::string &name = image.kernels[launch.index].name;
  for (std::string_view op : {"_transform_weights", "_convolve_tiles", "_correlate_tiles"})
    if (name.size() > op.size() && name.compare(name.size() - op.size(), op.size(), op) == 0)
      return true;
  return false;
}

std::vector<LaunchProfile> collectProfile(Program &program, const Peaks &peaks) {
  const program::Image &image = program.image();
  std::vector<LaunchProfile> result;
  for (const char *entry : {program::kStageU8, program::kForwardBackward, program::kUpdate, program::kInfer}) {
    auto found = image.entries.find(entry);
    if (found == image.entries.end())
      continue;
    const auto &samples = program.device().profile(entry);
    for (size_t i = 0; i < samples.size(); ++i) {
      if (samples[i].empty())
        continue;
      const program::Launch &launch = found->second[i];
      LaunchProfile profile{entry,
                            launch.isKernel ? image.kernels[launch.index].name
                                            : describePlan(image.plans[launch.index]),
                            launch.op,
                            launch.location,
                            launch.isKernel ? image.kernels[launch.index].family : "library",
                            !launch.isKernel && image.plans[launch.index].tensorCore,
                            {}};
      if (launch.isKernel)
        for (const program::Kernel &member : image.kernels[launch.index].members)
          profile.members.push_back(member.family);
      profile.cost = {launch.op,
                      std::max(median(samples[i]), 1e-9), // a clock may not have moved
                      peaks.bound(double(launch.flops), double(launch.bytes)),
                      1,
                      double(launch.flops),
                      double(launch.bytes)};
      result.push_back(std::move(profile));
    }
  }
  return result;
}

void printProfile(const std::vector<LaunchProfile> &launches, const Peaks &peaks, bool list) {
  ProfileRow total = sum(launches);
  std::printf("\npeaks of this machine, %s: %.1f GFLOP/s, %.1f GB/s\n", peaks.of.c_str(), 1e-9 * peaks.flops,
              1e-9 * peaks.bandwidth);
  printHeading("kernel or primitive");
  for (const ProfileRow &row : byKind(launches))
    printRow(row, total.seconds, row.name);
  printHeading("block");
  for (const ProfileRow &row : byBlock(launches))
    printRow(row, total.seconds, row.name);
  printRow(total, total.seconds, "total");
  if (!list)
    return;
  std::vector<const LaunchProfile *> sorted;
  for (const LaunchProfile &launch : launches)
    sorted.push_back(&launch);
  std::stable_sort(sorted.begin(), sorted.end(), [](auto *a, auto *b) { return a->cost.seconds > b->cost.seconds; });
  printHeading("launch");
  for (const LaunchProfile *launch : sorted)
    printRow(launch->cost, total.seconds, launch->op + "  " + launch->what);
}

nlohmann::ordered_json profileJson(const std::vector<LaunchProfile> &launches, const Peaks &peaks) {
  nlohmann::ordered_json result = {{"peaks_of", peaks.of},
                                   {"peak_flops_per_second", peaks.flops},
                                   {"peak_bytes_per_second", peaks.bandwidth},
                                   {"total", rowJson(sum(launches))},
                                   {"kinds", rowsJson(byKind(launches))},
                                   {"blocks", rowsJson(byBlock(launches))}};
  auto list = nlohmann::ordered_json::array();
  for (const LaunchProfile &launch : launches) {
    nlohmann::ordered_json object = {{"entry", launch.entry},
                                     {"op", launch.op},
                                     {"kind", launch.what},
                                     {"family", launch.family},
                                     {"loc", launch.location}};
    if (launch.tensorCore)
      object["tensor_core"] = true;
    if (!launch.members.empty())
      object["members"] = launch.members;
    object.update(rowJson(launch.cost));
    list.push_back(std::move(object));
  }
  result["launches"] = std::move(list);
  return result;
}

} // namespace incept
