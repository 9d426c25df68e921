// SPDX-License-Identifier: Apache-2.0

#include "frontend/Summary.h"
#include "dialect/InceptOps.h"
#include "dialect/ShapeInference.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;

namespace incept {

namespace {

struct Layer {
  StringRef name, op;
  Shape src, dst;
  int64_t parameters = 0, states = 0, macs = 0;
};

std::vector<Layer> collectLayers(ModuleOp module) {
  SymbolTable symbols(module);
  std::vector<Layer> layers;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (getPath(op).empty() || isa<BlockOp>(op) || op->getNumResults() != 1 || op->getNumOperands() == 0)
      return;
    Layer layer;
    layer.name = getPath(op);
    layer.op = op->getName().stripDialect();
    layer.src.assign(shapeOf(op->getOperand(0)).begin(), shapeOf(op->getOperand(0)).end());
    layer.dst.assign(shapeOf(op->getResult(0)).begin(), shapeOf(op->getResult(0)).end());
    if (isa<Conv2DOp, LinearOp>(op)) // checked when the graph was made
      layer.macs = *countMultiplyAccumulates(shapeOf(op->getOperand(1)), shapeOf(op->getResult(0)));
    for (mlir::Value operand : op->getOperands())
      if (auto read = operand.getDefiningOp<ReadOp>()) {
        auto variable = symbols.lookup<VariableOp>(read.getVariable());
        (variable.getKind() == VariableKind::State ? layer.states : layer.parameters) += *countElements(shapeOf(read));
      }
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

/// Sums over the launches of one entry point.
struct LaunchSums {
  std::string entry;
  int64_t launches = 0, library = 0, tensorCore = 0, flops = 0, bytes = 0, workspaceBytes = 0;
  double seconds = 0;
  ArrayRef<LaunchReport> list;
};

/// `launches` are in the order of their entry points.
std::vector<LaunchSums> sumByEntry(ArrayRef<LaunchReport> launches) {
  std::vector<LaunchSums> all;
  for (auto [index, launch] : llvm::enumerate(launches)) {
    if (all.empty() || all.back().entry != launch.entry)
      all.emplace_back().entry = launch.entry;
    LaunchSums &sums = all.back();
    ++sums.launches;
    sums.library += launch.library;
    sums.tensorCore += launch.tensorCore;
    sums.flops += launch.flops;
    sums.bytes += launch.bytes;
    sums.workspaceBytes = std::max(sums.workspaceBytes, launch.workspaceBytes);
    sums.seconds += launch.seconds;
    sums.list = launches.slice(index + 1 - sums.launches, sums.launches);
  }
  return all;
}

void printLaunches(llvm::json::OStream &json, ArrayRef<LaunchReport> launches) {
  json.attributeArray("launches", [&] {
    for (const LaunchSums &sums : sumByEntry(launches))
      json.object([&] {
        json.attribute("entry", sums.entry);
        json.attribute("count", sums.launches);
        json.attribute("library", sums.library);
        json.attribute("tensor_core", sums.tensorCore);
        json.attribute("flops", sums.flops);
        json.attribute("bytes", sums.bytes);
        json.attribute("workspace_bytes", sums.workspaceBytes);
        json.attribute("roofline_seconds", sums.seconds);
        json.attributeArray("list", [&] {
          for (const LaunchReport &launch : sums.list)
            json.object([&] {
              json.attribute("op", launch.path);
              json.attribute(launch.library ? "engine" : "kernel", launch.what);
              json.attribute("flops", launch.flops);
              json.attribute("bytes", launch.bytes);
              json.attribute("workspace_bytes", launch.workspaceBytes);
              json.attribute("tensor_core", launch.tensorCore);
              json.attribute("roofline_seconds", launch.seconds);
            });
        });
      });
  });
}

void printLaunches(llvm::raw_ostream &os, ArrayRef<LaunchReport> launches) {
  for (const LaunchSums &sums : sumByEntry(launches)) {
    os << sums.entry << ": " << sums.launches << " launches (" << sums.library << " library calls";
    if (sums.tensorCore)
      os << ", " << sums.tensorCore << " on tensor cores";
    os << "), " << llvm::format("%.1f", double(sums.flops) * 1e-9) << " GFLOP, "
       << llvm::format("%.1f", double(sums.bytes) * 1e-6) << " MB moved, workspace "
       << llvm::format("%.1f", double(sums.workspaceBytes) * 1e-6) << " MB";
    if (sums.seconds > 0)
      os << ", at least " << llvm::format("%.3f", sums.seconds * 1e3) << " ms";
    os << "\n";
  }
}

void printJson(StringRef network, ArrayRef<Layer> layers, const Layer &total, DictionaryAttr memory,
               ArrayRef<PeakReport> peaks, ArrayRef<LaunchReport> launches, llvm::raw_ostream &os) {
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
          json.attribute("parameters", layer.parameters);
          json.attribute("macs", layer.macs);
        });
    });
    if (memory)
      json.attributeObject("memory", [&] {
        for (mlir::NamedAttribute entry : memory)
          json.attribute(entry.getName().getValue(), cast<mlir::IntegerAttr>(entry.getValue()).getInt());
      });
    if (!peaks.empty())
      printPeaks(json, peaks);
    if (!launches.empty())
      printLaunches(json, launches);
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

void printSummary(ModuleOp module, llvm::raw_ostream &os, bool json, DictionaryAttr memory, ArrayRef<PeakReport> peaks,
                  ArrayRef<LaunchReport> launches) {
  std::vector<Layer> layers = collectLayers(module);
  Layer total;
  size_t nameWidth = 4;
  for (const Layer &layer : layers) {
    total.parameters += layer.parameters;
    total.states += layer.states;
    total.macs += layer.macs;
    nameWidth = std::max(nameWidth, layer.name.size());
  }
  auto network = module->getAttrOfType<StringAttr>("incept.network");
  StringRef name = network ? network.getValue() : "";
  if (json)
    return printJson(name, layers, total, memory, peaks, launches, os);
  auto row = [&](StringRef name, StringRef op, StringRef src, StringRef dst, StringRef parameters, StringRef macs) {
    os << llvm::left_justify(name, nameWidth) << "  " << llvm::left_justify(op, 16) << "  "
       << llvm::left_justify(src, 18) << "  " << llvm::left_justify(dst, 18) << "  "
       << llvm::right_justify(parameters, 12) << "  " << llvm::right_justify(macs, 16) << "\n";
  };
  row("name", "op", "src", "dst", "parameters", "macs");
  for (const Layer &layer : layers)
    row(layer.name, layer.op, formatShape(layer.src), formatShape(layer.dst),
        llvm::formatv("{0:N}", layer.parameters).str(), llvm::formatv("{0:N}", layer.macs).str());
  os << name << ": " << llvm::formatv("{0:N}", total.parameters) << " parameters, "
     << llvm::formatv("{0:N}", total.states) << " running statistics, " << llvm::formatv("{0:N}", total.macs)
     << " multiply-accumulates per image\n";
  if (memory)
    for (mlir::NamedAttribute entry : memory)
      os << entry.getName().getValue() << ": "
         << llvm::formatv("{0:N}", cast<mlir::IntegerAttr>(entry.getValue()).getInt()) << "\n";
  printPeaks(os, peaks);
  printLaunches(os, launches);
}

} // namespace incept
