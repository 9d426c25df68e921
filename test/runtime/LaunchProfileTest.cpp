// SPDX-License-Identifier: Apache-2.0
//
// What a profile says of its launches, as an object.

#include "runtime/cli/Profile.h"

#include <gtest/gtest.h>

using namespace incept;
using nlohmann::json;

namespace {

/// One launch of each kind: a library's call on tensor cores, one without, a kernel, and two kernels in one launch.
std::vector<LaunchProfile> launches() {
  auto cost = [](double seconds, double bound, double flops, double bytes) {
    return ProfileRow{"", seconds, bound, 1, flops, bytes};
  };
  return {{"forward_backward", "conv", "stem.conv1", "n:1:2", "library", true, cost(0.5, 0.25, 4000, 100)},
          {"forward_backward", "conv", "stem.conv2", "n:2:2", "library", false, cost(0.25, 0.125, 2000, 50)},
          {"update", "sgd", "stem.conv1", "n:3:2", "map", false, cost(0.125, 0, 8, 25)},
          {"infer", "both", "head.pool", "n:4:2", "mixed", false, cost(0.0625, 0.03125, 16, 5), {"map", "reduce"}}};
}

// Times are in milliseconds; only what is on tensor cores says so, and only a mixed launch has members.
TEST(LaunchProfile, AsAnObject) {
  Peaks peaks{1e12, 2e11, "2 threads"};
  json object = profileJson(launches(), peaks);
  json total = {{"ms", 937.5}, {"bound_ms", 406.25}, {"flops", 6024.0}, {"bytes", 180.0}};
  auto row = [](const char *name, int64_t count, double ms, double bound, double flops, double bytes) {
    return json{{"name", name},      {"launches", count}, {"ms", ms},
                {"bound_ms", bound}, {"flops", flops},    {"bytes", bytes}};
  };
  json kinds = {row("conv", 2, 750, 375, 6000, 150), row("sgd", 1, 125, 0, 8, 25), row("both", 1, 62.5, 31.25, 16, 5)};
  // What is no pass over the network is no block's.
  json blocks = {row("stem", 2, 750, 375, 6000, 150), row("(update)", 1, 125, 0, 8, 25),
                 row("head", 1, 62.5, 31.25, 16, 5)};
  auto launch = [](const char *entry, const char *op, const char *kind, const char *family, const char *loc, double ms,
                   double bound, double flops, double bytes) {
    return json{{"entry", entry}, {"op", op},          {"kind", kind},   {"family", family}, {"loc", loc},
                {"ms", ms},       {"bound_ms", bound}, {"flops", flops}, {"bytes", bytes}};
  };
  json list = {launch("forward_backward", "stem.conv1", "conv", "library", "n:1:2", 500, 250, 4000, 100),
               launch("forward_backward", "stem.conv2", "conv", "library", "n:2:2", 250, 125, 2000, 50),
               launch("update", "stem.conv1", "sgd", "map", "n:3:2", 125, 0, 8, 25),
               launch("infer", "head.pool", "both", "mixed", "n:4:2", 62.5, 31.25, 16, 5)};
  list[0]["tensor_core"] = true;
  list[3]["members"] = {"map", "reduce"};
  EXPECT_EQ(object, (json{{"peaks_of", "2 threads"},
                          {"peak_flops_per_second", 1e12},
                          {"peak_bytes_per_second", 2e11},
                          {"total", total},
                          {"kinds", kinds},
                          {"blocks", blocks},
                          {"launches", list}}));
}

} // namespace
