// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/DrawNetwork.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "frontend/LayerTree.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

#include <set>

using namespace mlir;

namespace incept {

namespace {

/// Of boxes: blocks of one name have one colour.
constexpr StringLiteral kColours[] = {"#e8f1fa", "#fdf0dd", "#e9f6e9", "#f6e8f3", "#fbe9e7",
                                      "#e6f4f3", "#f3f0e2", "#eceaf8", "#f0f0f0"};

std::string size(ArrayRef<int64_t> pair) { return std::to_string(pair[0]) + "x" + std::to_string(pair[1]); }

/// "conv 3x3 / 2": what an op is in the language, and what of it its shapes do not say at once.
std::string describe(Operation *op) {
  std::string text = op->getName().stripDialect().str();
  std::replace(text.begin(), text.end(), '_', ' ');
  auto add = [&](StringRef name, ArrayRef<int64_t> kernel, ArrayRef<int64_t> stride) {
    text = (name + " " + size(kernel)).str();
    if (stride[0] != 1 || stride[1] != 1)
      text += " / " + (stride[0] == stride[1] ? std::to_string(stride[0]) : size(stride));
  };
  if (auto conv = dyn_cast<Conv2DOp>(op)) {
    add("conv", shapeOf(conv.getWeights()).take_back(2), conv.getStride());
    if (conv.getGroups() != 1)
      text += ", " + std::to_string(conv.getGroups()) + " groups";
  } else if (auto pool = dyn_cast<MaxPoolOp>(op)) {
    add("max pool", pool.getKernel(), pool.getStride());
  } else if (auto pool = dyn_cast<AvgPoolOp>(op)) {
    add("avg pool", pool.getKernel(), pool.getStride());
  } else if (auto transposed = dyn_cast<Conv2DBackwardDataOp>(op)) {
    add("conv transpose", shapeOf(transposed.getWeights()).take_back(2), transposed.getStride());
  } else if (auto activate = dyn_cast<ActivateOp>(op)) {
    text = stringifyActivationKind(activate.getKind()).str();
    std::replace(text.begin(), text.end(), '_', ' ');
  } else if (auto drop = dyn_cast<RandomDropOp>(op)) {
    text = drop.getPerSample() ? "drop path" : "dropout";
  } else if (isa<NormalizePixelsOp>(op)) {
    text = "layer norm";
  } else if (isa<NormalizeGroupsOp>(op)) {
    text = "group norm";
  } else if (isa<FlattenPixelsOp>(op)) {
    text = "flatten";
  } else if (isa<PixelRowsOp>(op)) {
    text = "pixel scores";
  }
  return text;
}

class Drawing {
public:
  Drawing(ModuleOp module, const NetworkPicture &picture) : module(module), picture(picture) {}

  std::string run() {
    std::unique_ptr<LayerNode> root = buildLayerTree(module);
    auto name = module->getAttrOfType<StringAttr>("incept.network");
    // Names of boxes stand at the bottom, where one edge leaves: at the top edges to all branches would run through
    // them.
    out = "digraph " + quote(name ? name.getValue() : "network") + " {\n" +
          "  graph [fontname=\"Helvetica\", fontsize=12, bgcolor=\"white\", labeljust=\"l\", labelloc=\"b\", "
          "nodesep=0.15, ranksep=0.3]\n"
          "  node [fontname=\"Helvetica\", fontsize=12, shape=box, style=\"filled,rounded\", fillcolor=\"white\", "
          "color=\"#666666\", margin=\"0.1,0.04\", height=0.3]\n"
          "  edge [fontname=\"Helvetica\", fontsize=9, color=\"#666666\", fontcolor=\"#444444\", arrowsize=0.6]\n";
    function = *module.getOps<func::FuncOp>().begin();
    line(quote("<input>") + " [label=\"images\", shape=ellipse]");
    drawChildren(*root, 0, "");
    auto results = function.getBody().front().getTerminator()->getOperands();
    for (auto [index, result] : llvm::enumerate(results)) {
      std::string id = "<output" + std::to_string(index) + ">";
      auto outputs = module->getAttrOfType<mlir::ArrayAttr>("incept.outputs");
      bool isNamed = outputs && index < outputs.size();
      std::string what = isNamed ? "class scores '" + cast<mlir::StringAttr>(outputs[index]).getValue().str() + "'"
                         : index ? "class scores of auxiliary head"
                                 : "class scores";
      line(quote(id) + " [label=" + quote(what) + ", shape=ellipse]");
      edge(result, id);
    }
    for (auto &[op, id] : shown)
      for (mlir::Value operand : op->getOperands())
        if (!operand.getDefiningOp<ReadOp>())
          edge(operand, id);
    for (const std::string &text : edges)
      line(text);
    return out + "}\n";
  }

private:
  static std::string quote(StringRef text) {
    std::string quoted = "\"";
    for (char c : text)
      quoted += c == '\n' ? "\\n" : c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return quoted + "\"";
  }
  void line(const Twine &text) { out += std::string(2 * indent, ' ') + text.str() + "\n"; }

  static std::string count(int64_t number) { return llvm::formatv("{0:N}", number).str(); }
  static std::string sums(const LayerNode &node) {
    return count(node.parameters) + " parameters, " + count(node.macs) + " multiply-accumulates";
  }

  /// Equal but for names: a block that is used again.
  static bool repeats(const LayerNode &node, const LayerNode &before) {
    return !node.kind.empty() && node.kind == before.kind && node.src == before.src && node.dst == before.dst &&
           node.parameters == before.parameters && node.macs == before.macs;
  }

  /// `box` is the path of the box they are in: names go on from it.
  void drawChildren(const LayerNode &node, int depth, StringRef box) {
    const LayerNode *before = nullptr;
    for (const auto &child : node.children) {
      bool again = before && !picture.all && repeats(*child, *before);
      draw(*child, depth, box, again);
      before = child.get();
    }
  }

  void draw(const LayerNode &node, int depth, StringRef box, bool closed) {
    StringRef name = box.empty() ? StringRef(node.path) : StringRef(node.path).drop_front(box.size() + 1);
    std::string tooltip = node.path + (node.kind.empty() ? "" : ": " + node.kind) + "\n" + formatImage(node.src) +
                          " -> " + formatImage(node.dst) + "\n" + sums(node);
    if (node.isOp()) {
      // Of a unit the op that has the weights: it is what one looks for.
      auto main =
          llvm::find_if(node.ops, [](Operation *op) { return isa<Conv2DOp, Conv2DBackwardDataOp, LinearOp>(op); });
      std::string detail = describe(main == node.ops.end() ? node.ops.front() : *main);
      line(quote(node.path) + " [label=" + quote(detail) + ", tooltip=" + quote(tooltip) + "]");
      show(node, node.path);
      return;
    }
    if (closed || depth >= picture.depth) {
      std::string label = name.str() + (node.kind.empty() ? "" : ": " + node.kind);
      line(quote(node.path) + " [label=" + quote(label) + ", shape=box3d, fillcolor=" + quote(colour(node)) +
           ", tooltip=" + quote(tooltip) + "]");
      show(node, node.path);
      return;
    }
    // A branch of a block needs no box of its own.
    bool boxed = !node.kind.empty() || depth == 0;
    if (boxed) {
      line("subgraph " + quote("cluster_" + node.path) + " {");
      ++indent;
      line("label=" + quote(name.str() + (node.kind.empty() ? "" : ": " + node.kind)) +
           "; style=\"filled,rounded\"; color=\"#bbbbbb\"; fillcolor=" + quote(colour(node)) +
           "; tooltip=" + quote(tooltip));
    }
    drawChildren(node, depth + 1, boxed ? StringRef(node.path) : box);
    if (boxed) {
      --indent;
      line("}");
    }
  }

  std::string colour(const LayerNode &node) {
    auto [found, inserted] = colours.try_emplace(node.kind.empty() ? "" : node.kind, colours.size());
    return kColours[found->second % std::size(kColours)].str();
  }

  /// All ops of the node are at `id`.
  void show(const LayerNode &node, const std::string &id) {
    for (Operation *op : node.ops) {
      ids[op] = id;
      shown.push_back({op, id});
    }
    for (const auto &child : node.children)
      show(*child, id);
  }

  /// The op that makes a value, through the borders of blocks; null for the images.
  static Operation *origin(mlir::Value value) {
    while (true) {
      if (auto argument = dyn_cast<BlockArgument>(value)) {
        auto block = dyn_cast<BlockOp>(argument.getOwner()->getParentOp());
        if (!block)
          return nullptr;
        value = block.getInputs()[argument.getArgNumber()];
      } else if (auto block = value.getDefiningOp<BlockOp>()) {
        auto yield = cast<YieldOp>(block.getBody().front().getTerminator());
        value = yield.getValues()[cast<OpResult>(value).getResultNumber()];
      } else {
        return value.getDefiningOp();
      }
    }
  }

  void edge(mlir::Value value, const std::string &to) {
    Operation *from = origin(value);
    if (from && !ids.count(from)) // a constant
      return;
    std::string id = from ? ids[from] : "<input>";
    std::string text =
        quote(id) + " -> " + quote(to) + " [label=" + quote((" " + Twine(formatImage(shapeOf(value)))).str()) + "]";
    if (id != to && drawn.insert(text).second)
      edges.push_back(text);
  }

  ModuleOp module;
  const NetworkPicture &picture;
  func::FuncOp function;
  std::string out;
  int indent = 1;
  llvm::StringMap<size_t> colours;
  DenseMap<Operation *, std::string> ids;                 ///< of the box that shows an op
  std::vector<std::pair<Operation *, std::string>> shown; ///< the same, in order
  std::set<std::string> drawn;
  std::vector<std::string> edges;
};

} // namespace

std::string drawNetwork(ModuleOp module, const NetworkPicture &picture) { return Drawing(module, picture).run(); }

} // namespace incept
