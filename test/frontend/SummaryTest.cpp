// SPDX-License-Identifier: Apache-2.0
//
// Whole summaries, as a table and as JSON: of a small network whose numbers are counted here, with made-up memory,
// peaks and launches.

#include "frontend/Summary.h"
#include "dialect/InceptDialect.h"
#include "frontend/Frontend.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <array>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace incept;
using Rows = std::vector<std::array<std::string, 6>>;

namespace {

class SummaryTest : public testing::Test {
protected:
  SummaryTest() {
    context.loadDialect<InceptDialect, mlir::func::FuncDialect>();
    std::string path = testing::TempDir() + "summary" + std::to_string(getpid()) + ".incept";
    std::ofstream(path) << R"(
block b(n) {
  conv 1x1, n, no batch_norm, no activation, no bias
  concat { relu; sigmoid }
  concat { relu; gelu }
}
network n {
  input 3 x 4 x 4
  unit: b(2)
  m: concat { a: conv 1x1, 2, no batch_norm; b: conv 1x1, 3, no activation }
  conv_transpose 2x2, 4, stride = 2, no batch_norm, no activation
  auxiliary { global_avg_pool -> linear 5, no bias }
  global_avg_pool -> linear 5
}
)";
    LoadOptions options;
    options.batchSize = 2;
    auto loaded = loadNetwork(context, path, options, llvm::errs());
    unlink(path.c_str());
    if (succeeded(loaded))
      module = std::move(*loaded);
  }

  std::string print(const SummaryOptions &options) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    printSummary(*module, stream, options);
    return text;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// The lines of a table: two columns from the left, four from the right, as wide as their widest entry.
std::string table(const Rows &rows) {
  std::string text;
  for (const auto &row : rows) {
    for (size_t column = 0; column < 6; ++column) {
      size_t width = 0;
      for (const auto &other : rows)
        width = std::max(width, other[column].size());
      std::string pad(width - row[column].size(), ' ');
      text += (column ? "  " : "") + (column < 2 ? row[column] + pad : pad + row[column]);
    }
    text += "\n";
  }
  return text;
}

const std::array<std::string, 6> kHead = {"name", "op or block", "src", "dst", "parameters", "macs"};
/// A 1x1 convolution from 3 to 2 channels has 6 weights and is 6 * 16 products; the others follow the same rule. With a
/// bias it has one more for each output, with a batch norm two, and two statistics. The transposed one has 5 * 4 * 4
/// weights, each of which meets each of the 16 pixels of its operand.
const Rows kRows = {{"unit", "b", "3x4x4", "8x4x4", "6", "96"},
                    {"  conv1", "conv2d", "3x4x4", "2x4x4", "6", "96"},
                    {"  relu1", "relu", "2x4x4", "2x4x4", "0", "0"},
                    {"  sigmoid1", "activate", "2x4x4", "2x4x4", "0", "0"},
                    {"  concat", "concat", "2x4x4", "4x4x4", "0", "0"},
                    {"  relu2", "relu", "4x4x4", "4x4x4", "0", "0"},
                    {"  gelu1", "activate", "4x4x4", "4x4x4", "0", "0"},
                    {"  concat", "concat", "4x4x4", "8x4x4", "0", "0"},
                    {"m", "", "8x4x4", "5x4x4", "48", "640"},
                    {"  a", "conv2d + relu", "8x4x4", "2x4x4", "18", "256"},
                    {"  b", "conv2d + batch_norm", "8x4x4", "3x4x4", "30", "384"},
                    {"  concat", "concat", "2x4x4", "5x4x4", "0", "0"},
                    {"conv_transpose1", "conv2d_backward_data + add_bias", "5x4x4", "4x8x8", "84", "1,280"},
                    {"auxiliary1", "", "4x8x8", "5", "20", "20"},
                    {"  global_avg_pool1", "global_avg_pool", "4x8x8", "4x1x1", "0", "0"},
                    {"  linear1", "flatten + linear", "4x1x1", "5", "20", "20"},
                    {"global_avg_pool1", "global_avg_pool", "4x8x8", "4x1x1", "0", "0"},
                    {"linear1", "flatten + linear", "4x1x1", "5", "25", "20"}};
const std::array<std::string, 6> kTotal = {"total", "n", "3x4x4", "5", "183", "2,056"};
const char kCounts[] = "n: 183 parameters, 6 running statistics, 2,056 multiply-accumulates per image\n";

LaunchReport launch(const char *entry, const char *path, const char *what, const char *kind, int64_t flops,
                    int64_t bytes, int64_t workspace, double bound, double seconds) {
  LaunchReport report;
  report.entry = entry, report.path = path, report.what = what, report.kind = kind;
  report.flops = flops, report.bytes = bytes, report.workspaceBytes = workspace;
  report.bound = bound, report.seconds = seconds;
  report.library = llvm::StringRef(kind) == "library";
  return report;
}

/// A program that can train, and one function beside it.
std::vector<LaunchReport> launches() {
  std::vector<LaunchReport> all = {
      launch("stage_u8", "input", "k0", "map", 10, 1000, 0, 0.015625, 0.03125),
      launch("forward_backward", "unit.conv1", "engine 1", "library", 2000000000, 3000000, 500000, 0.03125, 0.0625),
      launch("forward_backward", "m.a", "engine 2", "library", 1000000000, 1000000, 250000, 0.0625, 0.125),
      launch("forward_backward", "m", "k1", "reduction", 100, 10000, 0, 0.25, 0.5),
      launch("update", "m.a", "k2", "map", 7, 77, 0, 0.5, 1),
      launch("infer", "linear1", "k3", "other", 3, 33, 11, 0, 0)};
  all[1].ops = {"conv2d", "relu"};
  all[1].tensorCore = true;
  all[1].blocks = 12;
  all[1].resident = 3;
  all[4].updates = true;
  return all;
}

llvm::json::Value parse(const std::string &text) {
  auto value = llvm::json::parse(text);
  EXPECT_TRUE(bool(value)) << text;
  if (value)
    return *value;
  llvm::consumeError(value.takeError());
  return nullptr;
}

} // namespace

TEST_F(SummaryTest, Table) {
  ASSERT_TRUE(module);
  Rows rows = {kHead};
  rows.insert(rows.end(), kRows.begin(), kRows.end());
  rows.push_back(kTotal);
  EXPECT_EQ(print({}), table(rows) + kCounts);
  SummaryOptions options;
  options.depth = 2;
  EXPECT_EQ(print(options), table(rows) + kCounts);
  options.depth = 1;
  Rows outer = {kHead};
  for (const auto &row : kRows)
    if (row[0][0] != ' ')
      outer.push_back(row);
  outer.push_back(kTotal);
  EXPECT_EQ(print(options), table(outer) + kCounts);
}

TEST_F(SummaryTest, MemoryPeaksAndLaunches) {
  ASSERT_TRUE(module);
  mlir::Builder builder(&context);
  SummaryOptions options;
  std::string head = print(options);
  options.memory =
      builder.getDictionaryAttr({builder.getNamedAttr("arena_bytes", builder.getI64IntegerAttr(4096)),
                                 builder.getNamedAttr("peak_bytes", builder.getI64IntegerAttr(123456789))});
  options.peaks.push_back({"train", 7, 5000, {{3000, 1, 12, "value a", "x.conv"}, {1000, 10, 10, "scratchpad", "y"}}});
  // Of 32 values the last two are one line: 2 of 80 bytes.
  PeakReport many{"infer", 0, 80, {{18, 0, 1, "first", "f"}}};
  for (int i = 0; i < 31; ++i)
    many.entries.push_back({2, i, i, "v", "u"});
  options.peaks.push_back(many);
  options.launches = launches();
  options.costs = "made up";
  std::string lines = "arena_bytes: 4,096\npeak_bytes: 123,456,789\n"
                      "\ntrain: 4,000 bytes alive in group 7, 5,000 bytes of arena\n"
                      "         bytes   share  groups       what, and the last to use it\n"
                      "         3,000   75.0%  1-12         value a, until x.conv\n"
                      "         1,000   25.0%  10-10        scratchpad, until y\n"
                      "\ninfer: 80 bytes alive in group 0, 80 bytes of arena\n"
                      "         bytes   share  groups       what, and the last to use it\n"
                      "            18   22.5%  0-1          first, until f\n";
  for (int i = 0; i < 29; ++i) {
    std::string range = std::to_string(i) + "-" + std::to_string(i);
    lines += "             2    2.5%  " + range + std::string(13 - range.size(), ' ') + "v, until u\n";
  }
  lines +=
      "             4    5.0%  in 2 more\n"
      "stage_u8: 1 launches (0 library calls), 0.0 GFLOP, 0.0 MB moved, workspace 0.0 MB, at least 15.625 ms, about "
      "31.250 "
      "ms by costs that are made up\n"
      "forward_backward: 3 launches (2 library calls, 1 on tensor cores), 3.0 GFLOP, 4.0 MB moved, workspace 0.5 MB, "
      "at "
      "least 343.750 ms, about 687.500 ms by costs that are made up\n"
      "update: 1 launches (0 library calls), 0.0 GFLOP, 0.0 MB moved, workspace 0.0 MB, at least 500.000 ms, about "
      "1000.000 ms by costs that are made up\n"
      "infer: 1 launches (0 library calls), 0.0 GFLOP, 0.0 MB moved, workspace 0.0 MB\n"
      "a training step: 5 launches (2 library calls, 1 on tensor cores), 3.0 GFLOP, 4.0 MB moved, workspace 0.5 MB, at "
      "least 859.375 ms, about 1718.750 ms by costs that are made up\n";
  EXPECT_EQ(print(options), head + lines);
}

// Without an update a program does not train, so there is no step.
TEST_F(SummaryTest, NoStep) {
  ASSERT_TRUE(module);
  SummaryOptions options;
  std::string head = print(options);
  options.launches = {launch("forward_backward", "a", "k", "map", 0, 200000, 0, 0, 0)};
  EXPECT_EQ(print(options),
            head + "forward_backward: 1 launches (0 library calls), 0.0 GFLOP, 0.2 MB moved, workspace 0.0 MB\n");
}

TEST_F(SummaryTest, JsonLayers) {
  ASSERT_TRUE(module);
  SummaryOptions options;
  options.json = true;
  llvm::json::Value value = parse(print(options));
  llvm::json::Object &object = *value.getAsObject();
  EXPECT_EQ(object.size(), 5u);
  llvm::json::Array layers = std::move(*object["layers"].getAsArray());
  object.erase("layers");
  EXPECT_EQ(value, parse(R"({"network": "n", "parameters": 183, "states": 6, "macs": 2056})"));
  std::string names;
  for (const llvm::json::Value &layer : layers)
    names += (*layer.getAsObject()->getString("name") + " " + *layer.getAsObject()->getString("op") + "\n").str();
  EXPECT_EQ(
      names,
      "unit.conv1 conv2d\nunit.relu1 relu\nunit.sigmoid1 activate\nunit.concat concat\nunit.relu2 relu\n"
      "unit.gelu1 activate\nunit.concat concat\nm.a conv2d\nm.a.relu relu\nm.b.conv conv2d\nm.b.bn batch_norm\n"
      "m concat\nconv_transpose1.conv conv2d_backward_data\nconv_transpose1.bias add_bias\n"
      "auxiliary1.global_avg_pool1 global_avg_pool\nauxiliary1.linear1.flatten flatten\nauxiliary1.linear1 linear\n"
      "global_avg_pool1 global_avg_pool\nlinear1.flatten flatten\nlinear1 linear\n");
  EXPECT_EQ(layers[7],
            parse(R"({"name": "m.a", "op": "conv2d", "src": [2, 8, 4, 4], "dst": [2, 2, 4, 4], "parameters": 18,
                                 "macs": 256})"));
  EXPECT_EQ(layers[10], parse(R"({"name": "m.b.bn", "op": "batch_norm", "src": [2, 3, 4, 4], "dst": [2, 3, 4, 4],
                                  "parameters": 6, "macs": 0})"));
  EXPECT_EQ(layers[19], parse(R"({"name": "linear1", "op": "linear", "src": [2, 4], "dst": [2, 5], "parameters": 25,
                                  "macs": 20})"));
}

TEST_F(SummaryTest, JsonMemoryPeaksAndLaunches) {
  ASSERT_TRUE(module);
  mlir::Builder builder(&context);
  SummaryOptions options;
  options.json = true;
  options.memory = builder.getDictionaryAttr({builder.getNamedAttr("arena_bytes", builder.getI64IntegerAttr(4096))});
  options.peaks.push_back({"train", 7, 5000, {{3000, 1, 12, "value a", "x.conv"}}});
  options.launches = launches();
  options.unfused = launches();
  options.unfused.insert(options.unfused.begin() + 4,
                         launch("forward_backward", "m.b", "k4", "map", 1000, 500, 0, 0.125, 0.25));
  options.costs = "made up";
  llvm::json::Value value = parse(print(options));
  llvm::json::Object &object = *value.getAsObject();
  EXPECT_EQ(object.size(), 10u);
  EXPECT_EQ(object["memory"], parse(R"({"arena_bytes": 4096})"));
  EXPECT_EQ(object["peaks"], parse(R"([{"function": "train", "arena_bytes": 5000, "group": 7,
      "alive": [{"what": "value a", "bytes": 3000, "first": 1, "last": 12, "until": "x.conv"}]}])"));
  EXPECT_EQ(object["costs"], llvm::json::Value("made up"));
  // The least of what is not fused: staging, library calls and updates.
  EXPECT_EQ(object["step"], parse(R"({
      "count": 5, "library": 2, "tensor_core": 1, "flops": 3000000117, "bytes": 4011077, "workspace_bytes": 500000,
      "roofline_seconds": 0.859375, "seconds": 1.71875,
      "unfused": {"count": 6, "library": 2, "tensor_core": 1, "flops": 3000001117, "bytes": 4011577,
                  "workspace_bytes": 500000, "roofline_seconds": 0.984375, "seconds": 1.96875},
      "lower_bound": {"bytes": 4001077, "roofline_seconds": 0.609375}})"));
  llvm::json::Array &entries = *object["launches"].getAsArray();
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0],
            parse(R"({"entry": "stage_u8", "count": 1, "library": 0, "tensor_core": 0, "flops": 10, "bytes": 1000,
      "workspace_bytes": 0, "roofline_seconds": 0.015625, "seconds": 0.03125,
      "list": [{"op": "input", "kernel": "k0", "kind": "map", "ops": [], "flops": 10, "bytes": 1000, "workspace_bytes": 0,
                "tensor_core": false, "blocks": 0, "resident_blocks": 1, "roofline_seconds": 0.015625, "seconds": 0.03125}]})"));
  llvm::json::Array &list = *entries[1].getAsObject()->getArray("list");
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0], parse(R"({"op": "unit.conv1", "engine": "engine 1", "kind": "library", "ops": ["conv2d", "relu"],
      "flops": 2000000000, "bytes": 3000000, "workspace_bytes": 500000, "tensor_core": true, "blocks": 12,
      "resident_blocks": 3, "roofline_seconds": 0.03125, "seconds": 0.0625})"));
  EXPECT_EQ(*list[1].getAsObject()->getString("engine"), "engine 2");
  EXPECT_EQ(*list[2].getAsObject()->getString("kernel"), "k1");
  EXPECT_EQ(*entries[2].getAsObject()->getString("entry"), "update");
  EXPECT_EQ(*entries[3].getAsObject()->getString("entry"), "infer");
  EXPECT_EQ(*entries[3].getAsObject()->getArray("list")->front().getAsObject()->getInteger("flops"), 3);
  // Nothing unfused to compare with, no costs, a program that cannot train: none of these is there.
  options.unfused.clear();
  options.costs.clear();
  EXPECT_EQ(parse(print(options)).getAsObject()->getObject("step")->size(), 8u);
  EXPECT_FALSE(parse(print(options)).getAsObject()->get("costs"));
  options.launches.erase(options.launches.begin() + 4);
  EXPECT_FALSE(parse(print(options)).getAsObject()->get("step"));
}

TEST_F(SummaryTest, PeaksOfAModule) {
  mlir::Builder builder(&context);
  auto function = [&](const char *name, bool hasPeak) {
    auto function = mlir::func::FuncOp::create(builder.getUnknownLoc(), name, builder.getFunctionType({}, {}));
    auto number = [&](int64_t value) { return builder.getI64IntegerAttr(value); };
    function->setAttr("incept.peak_group", number(3));
    function->setAttr("incept.arena_bytes", number(100));
    mlir::Attribute entry = builder.getDictionaryAttr(
        {builder.getNamedAttr("bytes", number(64)), builder.getNamedAttr("first", number(1)),
         builder.getNamedAttr("last", number(2)), builder.getNamedAttr("what", builder.getStringAttr("w")),
         builder.getNamedAttr("until", builder.getStringAttr("u"))});
    function->setAttr("incept.peak",
                      builder.getArrayAttr(hasPeak ? llvm::ArrayRef(entry) : llvm::ArrayRef<mlir::Attribute>()));
    return function;
  };
  mlir::OwningOpRef<mlir::ModuleOp> planned = mlir::ModuleOp::create(builder.getUnknownLoc());
  planned->push_back(function("none", false));
  planned->push_back(function("train", true));
  planned->push_back(mlir::func::FuncOp::create(builder.getUnknownLoc(), "other", builder.getFunctionType({}, {})));
  std::vector<PeakReport> peaks = collectPeaks(*planned);
  ASSERT_EQ(peaks.size(), 1u);
  EXPECT_EQ(peaks[0].function, "train");
  EXPECT_EQ(peaks[0].group, 3);
  EXPECT_EQ(peaks[0].arenaBytes, 100);
  ASSERT_EQ(peaks[0].entries.size(), 1u);
  const PeakReport::Entry &entry = peaks[0].entries[0];
  EXPECT_EQ(entry.bytes, 64);
  EXPECT_EQ(entry.first, 1);
  EXPECT_EQ(entry.last, 2);
  EXPECT_EQ(entry.what, "w");
  EXPECT_EQ(entry.until, "u");
}
