// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/DrawMemory.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Placement.h"
#include "passes/Target.h"

using namespace mlir;

namespace incept {

static constexpr double kLeft = 90, kPlot = 1200, kRight = 210, kHeight = 480;

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
      svg.text(kLeft + kPlot + 36, y + 10, formatCount(int64_t(colours.all().size() - kMost)) + " more");
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
    svg.text(kLeft, top + 24,
             (function.getName() + ": " + formatCount(bytes.getInt()) + " bytes of arena, " +
              formatPlural(groups.size(), "group", "s"))
                 .str(),
             "start", 16);
    double bottom = top + 40 + kHeight;
    BlockColours colours;
    // The largest first: small ones are seen before them.
    llvm::stable_sort(*stretches, [](const Stretch &a, const Stretch &b) { return a.bytes > b.bytes; });
    for (GroupOp group : groups) // in the order of the network
      colours.of(getPath(group));
    for (const Stretch &stretch : *stretches) {
      std::string title = stretch.path + ": " + stretch.what + "\n" + formatCount(stretch.bytes) + " bytes at " +
                          formatCount(stretch.offset) + "\ngroups " + formatCount(stretch.first) + " to " +
                          formatCount(stretch.last) + ", the last of " + getPath(groups[stretch.last]).str();
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
      svg.text(kLeft + kPlot * mark / time, bottom + 16, formatCount(int64_t(mark)), "middle");
    drawLegend(svg, colours, top + 40);
    svg.closeGroup();
    top = bottom + 30;
    svg.extend(top);
  }
  return svg;
}

} // namespace incept
