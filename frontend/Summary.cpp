// SPDX-License-Identifier: Apache-2.0

#include "frontend/Summary.h"
#include "dialect/InceptOps.h"
#include "dialect/ShapeInference.h"
#include "dialect/VerifierUtils.h"
#include "frontend/LayerTree.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <array>

using namespace mlir;

namespace incept {

namespace {

struct Layer {
  StringRef name, op;
  Shape src, dst;
  LayerCounts counts;
};

std::vector<Layer> collectLayers(ModuleOp module) {
  SymbolTable symbols(module);
  std::vector<Layer> layers;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!isLayer(op))
      return;
    Layer layer;
    layer.name = getPath(op);
    layer.op = op->getName().stripDialect();
    layer.src.assign(shapeOf(op->getOperand(0)).begin(), shapeOf(op->getOperand(0)).end());
    layer.dst.assign(shapeOf(op->getResult(0)).begin(), shapeOf(op->getResult(0)).end());
    layer.counts = countLayer(op, symbols);
    layers.push_back(std::move(layer));
  });
  return layers;
}

void printPeaks(llvm::json::OStream &json, ArrayRef<PeakReport> peaks) {
  json.attributeArray("peaks", [&] {
    for (const PeakReport &peak : peaks)
      json.object([&] {
        json.attribute("function", peak.function);
        json.attribute("arena_bytes", peak.arenaBytes);
        json.attribute("group", peak.group);
        json.attributeArray("alive", [&] {
          for (const PeakReport::Entry &entry : peak.entries)
            json.object([&] {
              json.attribute("what", entry.what);
              json.attribute("bytes", entry.bytes);
              json.attribute("first", entry.first);
              json.attribute("last", entry.last);
              json.attribute("until", entry.until);
            });
        });
      });
  });
}

/// A table per function; what is small against the peak is one line.
void printPeaks(llvm::raw_ostream &os, ArrayRef<PeakReport> peaks) {
  constexpr size_t kMostLines = 30;
  for (const PeakReport &peak : peaks) {
    int64_t alive = 0, rest = 0;
    for (const PeakReport::Entry &entry : peak.entries)
      alive += entry.bytes;
    os << "\n"
       << peak.function << ": " << llvm::formatv("{0:N}", alive) << " bytes alive in group " << peak.group << ", "
       << llvm::formatv("{0:N}", peak.arenaBytes) << " bytes of arena\n"
       << llvm::right_justify("bytes", 14) << "   share  groups       what, and the last to use it\n";
    for (auto [index, entry] : llvm::enumerate(peak.entries)) {
      if (index >= kMostLines) {
        rest += entry.bytes;
        continue;
      }
      std::string range = std::to_string(entry.first) + "-" + std::to_string(entry.last);
      os << llvm::right_justify(llvm::formatv("{0:N}", entry.bytes).str(), 14)
         << llvm::format("  %5.1f%%  ", 100.0 * double(entry.bytes) / double(alive)) << llvm::left_justify(range, 11)
         << "  " << entry.what << ", until " << entry.until << "\n";
    }
    if (rest > 0)
      os << llvm::right_justify(llvm::formatv("{0:N}", rest).str(), 14)
         << llvm::format("  %5.1f%%  ", 100.0 * double(rest) / double(alive)) << "in "
         << peak.entries.size() - kMostLines << " more\n";
  }
}

/// Sums over the launches of one entry point, or of several.
struct LaunchSums {
  std::string entry;
  int64_t launches = 0, library = 0, tensorCore = 0, flops = 0, bytes = 0, workspaceBytes = 0;
  double bound = 0, seconds = 0;
  ArrayRef<LaunchReport> list; ///< of one entry point

  void add(const LaunchReport &launch) {
    ++launches;
    library += launch.library;
    tensorCore += launch.tensorCore;
    flops += launch.flops;
    bytes += launch.bytes;
    workspaceBytes = std::max(workspaceBytes, launch.workspaceBytes);
    bound += launch.bound;
    seconds += launch.seconds;
  }
};

/// `launches` are in the order of their entry points.
std::vector<LaunchSums> sumByEntry(ArrayRef<LaunchReport> launches) {
  std::vector<LaunchSums> all;
  for (auto [index, launch] : llvm::enumerate(launches)) {
    if (all.empty() || all.back().entry != launch.entry)
      all.emplace_back().entry = launch.entry;
    LaunchSums &sums = all.back();
    sums.add(launch);
    sums.list = launches.slice(index + 1 - sums.launches, sums.launches);
  }
  return all;
}

bool isOf(const LaunchReport &launch, EntryPoint entry) { return launch.entry == stringifyEntryPoint(entry); }

/// What a training step on pixels is, staging and updates included; without launches where the program cannot train.
/// With `leastOnly`, of those that no fusion makes smaller.
LaunchSums sumStep(ArrayRef<LaunchReport> launches, bool leastOnly = false) {
  LaunchSums step;
  step.entry = "a training step";
  if (llvm::none_of(launches, [&](const LaunchReport &launch) { return isOf(launch, EntryPoint::Update); }))
    return step;
  for (const LaunchReport &launch : launches) {
    bool isStaging = isOf(launch, EntryPoint::StageU8);
    if ((isStaging || isOf(launch, EntryPoint::ForwardBackward) || isOf(launch, EntryPoint::Update)) &&
        (!leastOnly || isStaging || launch.library || launch.updates))
      step.add(launch);
  }
  return step;
}

void printSums(llvm::json::OStream &json, const LaunchSums &sums) {
  json.attribute("count", sums.launches);
  json.attribute("library", sums.library);
  json.attribute("tensor_core", sums.tensorCore);
  json.attribute("flops", sums.flops);
  json.attribute("bytes", sums.bytes);
  json.attribute("workspace_bytes", sums.workspaceBytes);
  json.attribute("roofline_seconds", sums.bound);
  json.attribute("seconds", sums.seconds);
}

void printStep(llvm::json::OStream &json, const SummaryOptions &options) {
  LaunchSums step = sumStep(options.launches);
  if (step.launches == 0)
    return;
  json.attributeObject("step", [&] {
    printSums(json, step);
    if (options.unfused.empty())
      return;
    json.attributeObject("unfused", [&] { printSums(json, sumStep(options.unfused)); });
    // Of the unfused program, whose library calls read and write nothing but a layer's operands.
    LaunchSums least = sumStep(options.unfused, /*leastOnly=*/true);
    json.attributeObject("lower_bound", [&] {
      json.attribute("bytes", least.bytes);
      json.attribute("roofline_seconds", least.bound);
    });
  });
}

void printLaunches(llvm::json::OStream &json, const SummaryOptions &options) {
  printStep(json, options);
  if (!options.costs.empty())
    json.attribute("costs", options.costs);
  json.attributeArray("launches", [&] {
    for (const LaunchSums &sums : sumByEntry(options.launches))
      json.object([&] {
        json.attribute("entry", sums.entry);
        printSums(json, sums);
        json.attributeArray("list", [&] {
          for (const LaunchReport &launch : sums.list)
            json.object([&] {
              json.attribute("op", launch.path);
              json.attribute(launch.library ? "engine" : "kernel", launch.what);
              json.attribute("kind", launch.kind);
              json.attributeArray("ops", [&] {
                for (const std::string &op : launch.ops)
                  json.value(op);
              });
              json.attribute("flops", launch.flops);
              json.attribute("bytes", launch.bytes);
              json.attribute("workspace_bytes", launch.workspaceBytes);
              json.attribute("tensor_core", launch.tensorCore);
              json.attribute("blocks", launch.blocks);
              json.attribute("resident_blocks", launch.resident);
              json.attribute("roofline_seconds", launch.bound);
              json.attribute("seconds", launch.seconds);
            });
        });
      });
  });
}

void printLaunches(llvm::raw_ostream &os, const SummaryOptions &options) {
  std::vector<LaunchSums> rows = sumByEntry(options.launches);
  if (LaunchSums step = sumStep(options.launches); step.launches > 0)
    rows.push_back(std::move(step));
  for (const LaunchSums &sums : rows) {
    os << sums.entry << ": " << sums.launches << " launches (" << sums.library << " library calls";
    if (sums.tensorCore)
      os << ", " << sums.tensorCore << " on tensor cores";
    os << "), " << llvm::format("%.1f", double(sums.flops) * 1e-9) << " GFLOP, "
       << llvm::format("%.1f", double(sums.bytes) * 1e-6) << " MB moved, workspace "
       << llvm::format("%.1f", double(sums.workspaceBytes) * 1e-6) << " MB";
    if (sums.bound > 0)
      os << ", at least " << llvm::format("%.3f", sums.bound * 1e3) << " ms";
    if (sums.seconds > 0)
      os << ", about " << llvm::format("%.3f", sums.seconds * 1e3) << " ms by costs that are " << options.costs;
    os << "\n";
  }
}

/// Rows of a table whose columns are as wide as what is in them: the first two from the left.
class Table {
public:
  static constexpr size_t kColumns = 6;
  void add(std::array<std::string, kColumns> row) { rows.push_back(std::move(row)); }

  void print(llvm::raw_ostream &os) const {
    std::array<size_t, kColumns> widths = {};
    for (const auto &row : rows)
      for (auto [width, cell] : llvm::zip(widths, row))
        width = std::max(width, cell.size());
    for (const auto &row : rows) {
      for (size_t column = 0; column < kColumns; ++column)
        os << (column ? "  " : "")
           << (column < 2 ? llvm::left_justify(row[column], widths[column])
                          : llvm::right_justify(row[column], widths[column]));
      os << "\n";
    }
  }

private:
  std::vector<std::array<std::string, kColumns>> rows;
};

std::string formatCount(int64_t count) { return llvm::formatv("{0:N}", count).str(); }

/// A row of the node with the sums of all in it; then what is in it, down to `depth` more levels.
void addRows(Table &table, const LayerNode &node, int indent, int depth) {
  table.add({std::string(2 * indent, ' ') + node.name, node.kind, formatImage(node.src), formatImage(node.dst),
             formatCount(node.parameters), formatCount(node.macs)});
  if (depth > 1)
    for (const auto &child : node.children)
      addRows(table, *child, indent + 1, depth - 1);
}

void printTable(llvm::raw_ostream &os, ModuleOp module, StringRef network, int depth) {
  std::unique_ptr<LayerNode> root = buildLayerTree(module);
  Table table;
  table.add({"name", "op or block", "src", "dst", "parameters", "macs"});
  for (const auto &child : root->children)
    addRows(table, *child, 0, depth);
  Shape src, dst;
  module.walk([&](FunctionOpInterface function) { // not the first and last layer: that may be an auxiliary head's
    auto type = cast<FunctionType>(function.getFunctionType());
    llvm::append_range(src, cast<RankedTensorType>(type.getInput(0)).getShape());
    llvm::append_range(dst, cast<RankedTensorType>(type.getResult(0)).getShape());
  });
  table.add({"total", network.str(), formatImage(src), formatImage(dst), formatCount(root->parameters),
             formatCount(root->macs)});
  table.print(os);
  os << network << ": " << formatCount(root->parameters) << " parameters, " << formatCount(root->states)
     << " running statistics, " << formatCount(root->macs) << " multiply-accumulates per image\n";
}

void printJson(StringRef network, ArrayRef<Layer> layers, const LayerCounts &total, const SummaryOptions &options,
               llvm::raw_ostream &os) {
  llvm::json::OStream json(os, 1);
  auto shape = [&](StringRef key, const Shape &dims) {
    json.attributeArray(key, [&] {
      for (int64_t dim : dims)
        json.value(dim);
    });
  };
  json.object([&] {
    json.attribute("network", network);
    json.attribute("parameters", total.parameters);
    json.attribute("states", total.states);
    json.attribute("macs", total.macs);
    json.attributeArray("layers", [&] {
      for (const Layer &layer : layers)
        json.object([&] {
          json.attribute("name", layer.name);
          json.attribute("op", layer.op);
          shape("src", layer.src);
          shape("dst", layer.dst);
          json.attribute("parameters", layer.counts.parameters);
          json.attribute("macs", layer.counts.macs);
        });
    });
    if (options.memory)
      json.attributeObject("memory", [&] {
        for (mlir::NamedAttribute entry : options.memory)
          json.attribute(entry.getName().getValue(), cast<mlir::IntegerAttr>(entry.getValue()).getInt());
      });
    if (!options.peaks.empty())
      printPeaks(json, options.peaks);
    if (!options.launches.empty())
      printLaunches(json, options);
  });
  os << "\n";
}

} // namespace

std::vector<PeakReport> collectPeaks(ModuleOp module) {
  std::vector<PeakReport> peaks;
  module.walk([&](FunctionOpInterface function) {
    auto alive = function->getAttrOfType<ArrayAttr>("incept.peak");
    if (!alive || alive.empty())
      return;
    auto integer = [](Operation *op, StringRef name) { return op->getAttrOfType<IntegerAttr>(name).getInt(); };
    PeakReport peak;
    peak.function = function.getName().str();
    peak.group = integer(function, "incept.peak_group");
    peak.arenaBytes = integer(function, "incept.arena_bytes");
    for (auto entry : alive.getAsRange<DictionaryAttr>())
      peak.entries.push_back({entry.getAs<IntegerAttr>("bytes").getInt(), entry.getAs<IntegerAttr>("first").getInt(),
                              entry.getAs<IntegerAttr>("last").getInt(), entry.getAs<StringAttr>("what").str(),
                              entry.getAs<StringAttr>("until").str()});
    peaks.push_back(std::move(peak));
  });
  return peaks;
}

void printSummary(ModuleOp module, llvm::raw_ostream &os, const SummaryOptions &options) {
  auto name = module->getAttrOfType<StringAttr>("incept.network");
  StringRef network = name ? name.getValue() : "";
  if (options.json) {
    std::vector<Layer> layers = collectLayers(module);
    LayerCounts total;
    for (const Layer &layer : layers) {
      total.parameters += layer.counts.parameters;
      total.states += layer.counts.states;
      total.macs += layer.counts.macs;
    }
    return printJson(network, layers, total, options, os);
  }
  printTable(os, module, network, options.depth);
  if (options.memory)
    for (mlir::NamedAttribute entry : options.memory)
      os << entry.getName().getValue() << ": " << formatCount(cast<mlir::IntegerAttr>(entry.getValue()).getInt())
         << "\n";
  printPeaks(os, options.peaks);
  printLaunches(os, options);
}

} // namespace incept
