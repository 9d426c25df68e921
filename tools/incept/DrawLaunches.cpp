// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/DrawLaunches.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>

namespace incept {

namespace {

constexpr double kLeft = 90, kPlot = 1200, kRight = 210;
constexpr const char *kGrey = "#d0d0d0";

/// What a launch is as wide as.
enum class Measure { Seconds, Bound, Bytes };

Measure measureOf(llvm::ArrayRef<LaunchReport> launches) {
  auto knows = [&](double LaunchReport::*member) {
    return llvm::any_of(launches, [&](const LaunchReport &launch) { return launch.*member > 0; });
  };
  return knows(&LaunchReport::seconds) ? Measure::Seconds
         : knows(&LaunchReport::bound) ? Measure::Bound
                                       : Measure::Bytes;
}

double sizeOf(const LaunchReport &launch, Measure measure) {
  return measure == Measure::Seconds ? launch.seconds : measure == Measure::Bound ? launch.bound : double(launch.bytes);
}

bool isFused(const LaunchReport &launch) { return launch.ops.size() > 1; }

std::string formatMicroseconds(double seconds) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.2f us", seconds * 1e6);
  return text;
}

/// Launches of one entry point, which are neighbours.
std::vector<llvm::ArrayRef<LaunchReport>> byEntry(llvm::ArrayRef<LaunchReport> launches) {
  std::vector<llvm::ArrayRef<LaunchReport>> entries;
  while (!launches.empty()) {
    size_t end = 1;
    while (end < launches.size() && launches[end].entry == launches[0].entry)
      ++end;
    entries.push_back(launches.take_front(end));
    launches = launches.drop_front(end);
  }
  return entries;
}

std::string titleOf(const LaunchReport &launch) {
  std::string title = launch.path + "\n" + launch.what + ": " + llvm::join(launch.ops, ", ") + "\n" +
                      formatCount(launch.flops) + " operations, " + formatCount(launch.bytes) + " bytes";
  if (launch.bound > 0)
    title += "\nat least " + formatMicroseconds(launch.bound);
  if (launch.seconds > 0)
    title += ", about " + formatMicroseconds(launch.seconds);
  return title;
}

/// A block of the network or an op of it, by its path.
struct Node {
  std::string name;
  std::vector<std::unique_ptr<Node>> children; ///< in order of first launch
  llvm::StringMap<Node *> byName;
  std::vector<const LaunchReport *> launches; ///< of the op itself
  size_t count = 0, fused = 0;                ///< launches here and below
  int64_t bytes = 0;
  double seconds = 0, bound = 0;

  void add(const LaunchReport &launch, llvm::StringRef path) {
    ++count;
    fused += isFused(launch);
    bytes += launch.bytes;
    seconds += launch.seconds;
    bound += launch.bound;
    if (path.empty()) {
      launches.push_back(&launch);
      return;
    }
    auto [first, rest] = path.split('.');
    Node *&child = byName[first];
    if (!child) {
      child = children.emplace_back(std::make_unique<Node>()).get();
      child->name = first.str();
    }
    child->add(launch, rest);
  }
};

constexpr std::pair<const char *, const char *> kKindColours[] = {
    {"library", "#9ecae1"}, {"map", "#a1d99b"}, {"reduction", "#fdae6b"}, {"other", "#bcbddc"}};

const char *colourOf(const LaunchReport &launch) {
  for (auto [kind, colour] : kKindColours)
    if (isFused(launch) && launch.kind == kind)
      return colour;
  return "#eeeeee";
}

std::string timesOf(double seconds, double bound) {
  return seconds > 0 ? formatMicroseconds(seconds) : bound > 0 ? formatMicroseconds(bound) : "";
}

/// A row of four cells and a bar.
void writeRow(llvm::raw_ostream &os, llvm::StringRef name, llvm::StringRef launches, int64_t bytes,
              llvm::StringRef time, double share) {
  os << "<span class=\"name\">" << escapeHtml(name) << "</span><span class=\"number\">" << launches
     << "</span><span class=\"number\">" << formatBytes(double(bytes), double(bytes))
     << "</span><span class=\"number\">" << time
     << "</span><span class=\"bar\" style=\"width: " << llvm::format("%.1f", 200 * share) << "px\"></span>";
}

void writeNode(llvm::raw_ostream &os, const Node &node, const Node &whole, Measure measure, int depth) {
  auto shareOf = [&](double seconds, double bound, int64_t bytes) {
    double part = measure == Measure::Seconds ? seconds : measure == Measure::Bound ? bound : double(bytes);
    double all = measure == Measure::Seconds ? whole.seconds
                 : measure == Measure::Bound ? whole.bound
                                             : double(whole.bytes);
    return all > 0 ? part / all : 0;
  };
  os << "<details" << (depth == 0 ? " open" : "") << " data-bytes=\"" << node.bytes << "\"><summary>";
  writeRow(os, node.name, formatPlural(node.count, "launch", "es") + ", " + std::to_string(node.fused) + " fused",
           node.bytes, timesOf(node.seconds, node.bound), shareOf(node.seconds, node.bound, node.bytes));
  os << "</summary>\n";
  for (const auto &child : node.children)
    writeNode(os, *child, whole, measure, depth + 1);
  for (const LaunchReport *launch : node.launches) {
    os << "<div class=\"launch\" style=\"background: " << colourOf(*launch) << "\" data-bytes=\"" << launch->bytes
       << "\" data-ops=\"" << launch->ops.size() << "\" data-kind=\"" << launch->kind << "\" title=\""
       << escapeHtml(titleOf(*launch)) << "\">";
    writeRow(os, llvm::join(launch->ops, " + "), launch->kind, launch->bytes, timesOf(launch->seconds, launch->bound),
             shareOf(launch->seconds, launch->bound, launch->bytes));
    os << "</div>\n";
  }
  os << "</details>\n";
}

} // namespace

Svg drawLaunches(llvm::ArrayRef<LaunchReport> launches) {
  constexpr double kLane = 70, kTextWidth = 52;
  Svg svg(kLeft + kPlot + kRight);
  Measure measure = measureOf(launches);
  double top = 0;
  for (llvm::ArrayRef<LaunchReport> entry : byEntry(launches)) {
    double total = 0, bound = 0, seconds = 0, bytes = 0;
    size_t fused = 0;
    for (const LaunchReport &launch : entry) {
      total += sizeOf(launch, measure);
      bound += launch.bound;
      seconds += launch.seconds;
      bytes += double(launch.bytes);
      fused += isFused(launch);
    }
    total = total > 0 ? total : 1;
    std::string sum = formatPlural(entry.size(), "launch", "es") + " (" + std::to_string(fused) + " of several ops), " +
                      formatBytes(bytes, bytes) + " moved";
    llvm::raw_string_ostream os(sum);
    if (bound > 0)
      os << llvm::format(", at least %.3f ms at the device's peaks", bound * 1e3);
    if (seconds > 0)
      os << llvm::format(", about %.3f ms", seconds * 1e3);
    svg.openGroup(entry.front().entry);
    svg.text(kLeft, top + 24, entry.front().entry + ": " + sum, "start", 16);
    const char *width = measure == Measure::Seconds ? "as wide as the time by the target's costs"
                        : measure == Measure::Bound ? "as wide as the time at these peaks"
                                                    : "as wide as the bytes moved";
    svg.text(kLeft, top + 42, std::string(width) + "; launches of several ops are coloured by block, others grey");
    svg.text(kLeft - 6, top + 50 + kLane / 2, "library", "end");
    svg.text(kLeft - 6, top + 50 + 3 * kLane / 2, "kernels", "end");
    BlockColours colours;
    double at = 0;
    for (const LaunchReport &launch : entry) {
      double x = kLeft + kPlot * at / total, w = kPlot * sizeOf(launch, measure) / total;
      double y = top + 50 + (launch.library ? 0 : kLane);
      std::string colour = colours.of(launch.path);
      svg.rect(x, y, w, kLane - 4, isFused(launch) ? colour : kGrey, titleOf(launch),
               {{"flops", launch.flops}, {"bytes", launch.bytes}, {"ops", int64_t(launch.ops.size())}});
      if (w >= kTextWidth) {
        svg.text(x + 4, y + 16, formatBytes(double(launch.bytes), double(launch.bytes)), "start", 10);
        if (measure != Measure::Bytes)
          svg.text(x + 4, y + 30, formatMicroseconds(sizeOf(launch, measure)), "start", 10);
      }
      at += sizeOf(launch, measure);
    }
    svg.closeGroup();
    top += 50 + 2 * kLane;
    // Names below, side by side: there may be many blocks.
    double x = kLeft, y = top + 12;
    for (const auto &[block, colour] : colours.all()) {
      double room = 30 + 7.0 * double(block.size());
      if (x + room > kLeft + kPlot + kRight) {
        x = kLeft;
        y += 18;
      }
      svg.rect(x, y - 10, 11, 11, colour, "");
      svg.text(x + 16, y, block.empty() ? "(none)" : block);
      x += room;
    }
    top = y + 20;
    svg.extend(top);
  }
  return svg;
}

std::string listLaunches(llvm::ArrayRef<LaunchReport> launches) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "<style>\nbody { font-family: sans-serif; color: #333333; font-size: 13px }\n"
        "details > :not(summary) { margin-left: 1.2em }\nsummary { cursor: pointer }\n"
        ".launch { padding-left: 0.8em; margin-top: 1px }\n"
        ".name { display: inline-block; width: 30em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;"
        " vertical-align: bottom }\n"
        ".number { display: inline-block; width: 15em; text-align: right; padding-right: 1em; white-space: nowrap }\n"
        ".bar { display: inline-block; height: 0.8em; background: #888888 }\n</style>\n"
        "<p>Launches that do several ops are coloured: ";
  for (auto [kind, colour] : kKindColours)
    os << "<span style=\"background: " << colour << "\">&nbsp;" << kind << "&nbsp;</span> ";
  os << "; those of one op are grey. Numbers: launches, bytes, time.</p>\n";
  Measure measure = measureOf(launches);
  for (llvm::ArrayRef<LaunchReport> entry : byEntry(launches)) {
    Node whole;
    whole.name = entry.front().entry;
    for (const LaunchReport &launch : entry)
      whole.add(launch, launch.path);
    writeNode(os, whole, whole, measure, 0);
  }
  return text;
}

} // namespace incept
