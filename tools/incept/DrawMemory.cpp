// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/DrawMemory.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Placement.h"
#include "passes/Target.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace incept {

static constexpr double kLeft = 90, kPlot = 1200, kRight = 210, kHeight = 480;

static std::string count(int64_t number) { return llvm::formatv("{0:N}", number).str(); }
/// In the unit that is right for `scale` bytes.
static std::string formatBytes(double bytes, double scale) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (scale < 1e4)
    os << llvm::format("%.0f B", bytes);
  else if (scale < 1e7)
    os << llvm::format("%.1f kB", bytes * 1e-3);
  else
    os << llvm::format("%.1f MB", bytes * 1e-6);
  return text;
}
static std::string plural(size_t number, const char *what, const char *ending) {
  return count(int64_t(number)) + " " + what + (number == 1 ? "" : ending);
}

namespace {

/// A stretch of the arena, needed from group `first` to group `last`.
struct Stretch {
  std::string path, what;
  int64_t offset, bytes, first, last;
};

/// Where memory planning has put a buffer; -1 for what is not in the arena.
int64_t offsetOf(mlir::Value root) {
  if (auto group = root.getDefiningOp<GroupOp>())
    return group.getOffsets() ? (*group.getOffsets())[cast<OpResult>(root).getResultNumber()] : -1;
  auto view = root.getDefiningOp<ConcatViewOp>();
  return view && view.getOffset() ? *view.getOffset() : -1;
}

FailureOr<std::vector<Stretch>> collectStretches(func::FuncOp function, const Target &target,
                                                 ArrayRef<GroupOp> groups) {
  PlacementAnalysis placements(function);
  auto buffers = collectBuffers(function, target, placements, valuesInVariables(function, placements));
  if (failed(buffers))
    return failure();
  DenseMap<Operation *, int64_t> times;
  std::vector<Stretch> stretches;
  for (GroupOp group : groups) {
    int64_t now = int64_t(times.size());
    times[group] = now;
    if (int64_t bytes = group.getScratchpad().value_or(0); bytes > 0 && group.getScratchpadOffset())
      stretches.push_back({getPath(group).str(), "scratchpad", int64_t(*group.getScratchpadOffset()), bytes, now, now});
  }
  for (const ArenaBuffer &buffer : *buffers)
    if (int64_t offset = offsetOf(buffer.root); offset >= 0)
      stretches.push_back({getPath(buffer.root.getDefiningOp()).str(), formatShape(shapeOf(buffer.root)), offset,
                           buffer.bytes, times.lookup(buffer.users.front()), times.lookup(buffer.users.back())});
  return stretches;
}

void drawLegend(Svg &svg, const BlockColours &colours, double top) {
  constexpr size_t kMost = 28;
  for (auto [index, entry] : llvm::enumerate(colours.all())) {
    double y = top + 16 * double(index);
    if (index == kMost) {
      svg.text(kLeft + kPlot + 36, y + 10, count(int64_t(colours.all().size() - kMost)) + " more");
      return;
    }
    svg.rect(kLeft + kPlot + 20, y, 11, 11, entry.second, "");
    svg.text(kLeft + kPlot + 36, y + 10, entry.first.empty() ? "(the whole network)" : entry.first);
  }
}

/// Ticks at 1, 2 or 5 times a power of ten.
double tickStep(double range) {
  double step = 1;
  for (int i = 0; range / step > 8; ++i)
    step *= i % 3 == 1 ? 2.5 : 2;
  return step;
}

} // namespace

FailureOr<Svg> drawMemory(ModuleOp module) {
  const Target *target = findTarget(module);
  if (!target)
    return module.emitError() << "expected a target";
  Svg svg(kLeft + kPlot + kRight);
  double top = 0;
  for (func::FuncOp function : module.getOps<func::FuncOp>()) {
    SmallVector<GroupOp> groups(function.getOps<GroupOp>());
    auto bytes = function->getAttrOfType<IntegerAttr>("incept.arena_bytes");
    if (!bytes || bytes.getInt() == 0 || groups.empty())
      continue;
    auto stretches = collectStretches(function, *target, groups);
    if (failed(stretches))
      return failure();
    double total = double(bytes.getInt()), time = double(groups.size());
    svg.openGroup(function.getName());
    svg.text(
        kLeft, top + 24,
        (function.getName() + ": " + count(bytes.getInt()) + " bytes of arena, " + plural(groups.size(), "group", "s"))
            .str(),
        "start", 16);
    double bottom = top + 40 + kHeight;
    BlockColours colours;
    // The largest first: small ones are seen before them.
    llvm::stable_sort(*stretches, [](const Stretch &a, const Stretch &b) { return a.bytes > b.bytes; });
    for (GroupOp group : groups) // in the order of the network
      colours.of(getPath(group));
    for (const Stretch &stretch : *stretches) {
      std::string title = stretch.path + ": " + stretch.what + "\n" + count(stretch.bytes) + " bytes at " +
                          count(stretch.offset) + "\ngroups " + count(stretch.first) + " to " + count(stretch.last) +
                          ", the last of " + getPath(groups[stretch.last]).str();
      double height = kHeight * double(stretch.bytes) / total;
      svg.rect(
          kLeft + kPlot * double(stretch.first) / time, bottom - kHeight * double(stretch.offset) / total - height,
          kPlot * double(stretch.last + 1 - stretch.first) / time, height, colours.of(stretch.path), title,
          {{"offset", stretch.offset}, {"bytes", stretch.bytes}, {"first", stretch.first}, {"last", stretch.last}});
    }
    svg.line(kLeft, bottom, kLeft + kPlot, bottom);
    svg.line(kLeft, bottom, kLeft, bottom - kHeight);
    for (double mark = 0, step = tickStep(total * 1e-3) * 1e3; mark <= total; mark += step)
      svg.text(kLeft - 6, bottom - kHeight * mark / total + 4, formatBytes(mark, total), "end");
    for (double mark = 0, step = tickStep(time); mark < time; mark += step)
      svg.text(kLeft + kPlot * mark / time, bottom + 16, count(int64_t(mark)), "middle");
    drawLegend(svg, colours, top + 40);
    svg.closeGroup();
    top = bottom + 30;
    svg.extend(top);
  }
  return svg;
}

Svg drawLaunches(ArrayRef<LaunchReport> launches) {
  constexpr double kLane = 70;
  Svg svg(kLeft + kPlot + kRight);
  double top = 0;
  for (size_t begin = 0, end = 0; begin < launches.size(); begin = end) {
    end = begin;
    double seconds = 0, bytes = 0;
    for (; end < launches.size() && launches[end].entry == launches[begin].entry; ++end) {
      seconds += launches[end].seconds;
      bytes += double(launches[end].bytes);
    }
    bool timed = seconds > 0;
    double total = timed ? seconds : std::max(bytes, 1.0);
    std::string sum = formatBytes(bytes, bytes) + " moved";
    if (timed)
      llvm::raw_string_ostream(sum) << llvm::format(", at least %.3f ms at the device's peaks", seconds * 1e3);
    svg.openGroup(launches[begin].entry);
    svg.text(kLeft, top + 24, launches[begin].entry + ": " + plural(end - begin, "launch", "es") + ", " + sum, "start",
             16);
    svg.text(kLeft, top + 42, timed ? "as wide as the time at these peaks" : "as wide as the bytes moved");
    svg.text(kLeft - 6, top + 50 + kLane / 2, "library", "end");
    svg.text(kLeft - 6, top + 50 + 3 * kLane / 2, "kernels", "end");
    BlockColours colours;
    double at = 0;
    for (const LaunchReport &launch : launches.slice(begin, end - begin)) {
      double share = timed ? launch.seconds : double(launch.bytes);
      std::string title = launch.path + "\n" + launch.what + "\n" + count(launch.flops) + " operations, " +
                          count(launch.bytes) + " bytes";
      if (timed)
        llvm::raw_string_ostream(title) << llvm::format("\nat least %.2f us", launch.seconds * 1e6);
      svg.rect(kLeft + kPlot * at / total, top + 50 + (launch.library ? 0 : kLane), kPlot * share / total, kLane - 4,
               colours.of(launch.path), title, {{"flops", launch.flops}, {"bytes", launch.bytes}});
      at += share;
    }
    svg.closeGroup();
    top += 50 + 2 * kLane;
    // Names below, side by side: there may be many blocks.
    double x = kLeft, y = top + 12;
    for (const auto &[block, colour] : colours.all()) {
      double width = 30 + 7.0 * double(block.size());
      if (x + width > kLeft + kPlot + kRight) {
        x = kLeft;
        y += 18;
      }
      svg.rect(x, y - 10, 11, 11, colour, "");
      svg.text(x + 16, y, block.empty() ? "(none)" : block);
      x += width;
    }
    top = y + 20;
    svg.extend(top);
  }
  return svg;
}

} // namespace incept
