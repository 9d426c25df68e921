// SPDX-License-Identifier: Apache-2.0

#include "frontend/LayerTree.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "frontend/OpTable.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace incept {

std::string formatImage(ArrayRef<int64_t> shape) { return shape.empty() ? "" : formatShape(shape.drop_front()); }

bool isLayer(Operation *op) {
  return !getPath(op).empty() && !isa<BlockOp>(op) && op->getNumResults() > 0 && op->getNumOperands() > 0;
}

LayerCounts countLayer(Operation *op, const SymbolTable &symbols) {
  LayerCounts counts;
  if (isa<Conv2DOp, LinearOp>(op)) // checked when the graph was made
    counts.macs = *countMultiplyAccumulates(shapeOf(op->getOperand(1)), shapeOf(op->getResult(0)));
  if (isa<Conv2DBackwardDataOp>(op)) // as many as the convolution from its result to its operand
    counts.macs = *countMultiplyAccumulates(shapeOf(op->getOperand(1)), shapeOf(op->getOperand(0)));
  for (mlir::Value operand : op->getOperands())
    if (auto read = operand.getDefiningOp<ReadOp>()) {
      auto variable = symbols.lookup<VariableOp>(read.getVariable());
      (variable.getKind() == VariableKind::State ? counts.states : counts.parameters) += *countElements(shapeOf(read));
    }
  return counts;
}

namespace {

class TreeBuilder {
public:
  explicit TreeBuilder(ModuleOp module) : module(module), symbols(module) {}

  std::unique_ptr<LayerNode> run() {
    auto root = std::make_unique<LayerNode>();
    module.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (auto block = dyn_cast<BlockOp>(op))
        node(*root, getPath(op)).kind = block.getBlock().str();
      else if (isLayer(op)) {
        // Ops without parameters may share a path, as two concats of a block do.
        std::string path = getPath(op).str();
        LayerNode *found = &node(*root, path);
        for (int count = 2; !found->ops.empty(); ++count)
          found = &node(*root, path + "#" + std::to_string(count));
        found->ops.push_back(op);
      }
    });
    finish(*root);
    return root;
  }

private:
  /// The node of a path, which is made where it was not.
  LayerNode &node(LayerNode &root, StringRef path) {
    LayerNode *at = &root;
    for (size_t begin = 0; begin <= path.size();) {
      size_t end = std::min(path.find('.', begin), path.size());
      LayerNode *&known = nodes[path.take_front(end)];
      if (!known) {
        at->children.push_back(std::make_unique<LayerNode>());
        known = at->children.back().get();
        known->name = path.slice(begin, end).split('#').first.str();
        known->path = path.take_front(end).str();
      }
      at = known;
      begin = end + 1;
    }
    return *at;
  }

  /// Whether all that is in it is what one op of the description became: its parts have names without numbers.
  static bool isUnit(const LayerNode &node) {
    static constexpr StringLiteral kParts[] = {"conv", "bias", "bn", "flatten"};
    if (node.children.empty() || !node.kind.empty())
      return false;
    return llvm::all_of(node.children, [&](auto &child) {
      return child->children.empty() && child->ops.size() == 1 &&
             (llvm::is_contained(kParts, child->name) || llvm::is_contained(activationWords(), child->name)) &&
             child->ops[0]->getLoc() == node.children[0]->ops[0]->getLoc();
    });
  }

  void finish(LayerNode &node) {
    if (isUnit(node)) {
      // The op that has the unit's own name stands before or behind its parts: a linear layer behind its flatten, a
      // convolution before its activation.
      for (auto &child : node.children)
        node.ops.push_back(child->ops[0]);
      llvm::sort(node.ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
      node.children.clear();
    }
    if (!node.ops.empty() && !node.children.empty()) {
      // A concat that has a label: its branches are in it, and behind them it itself.
      auto own = std::make_unique<LayerNode>();
      own->name = node.ops.front()->getName().stripDialect().str();
      own->path = node.path + "#";
      own->ops = std::exchange(node.ops, {});
      node.children.push_back(std::move(own));
    }
    for (Operation *op : node.ops) {
      LayerCounts counts = countLayer(op, symbols);
      node.parameters += counts.parameters;
      node.states += counts.states;
      node.macs += counts.macs;
      node.kind += (node.kind.empty() ? "" : " + ") + op->getName().stripDialect().str();
    }
    for (auto &child : node.children) {
      finish(*child);
      node.parameters += child->parameters;
      node.states += child->states;
      node.macs += child->macs;
    }
    setShapes(node);
  }

  static void setShapes(LayerNode &node) {
    auto assign = [](Shape &to, ArrayRef<int64_t> from) { to.assign(from.begin(), from.end()); };
    if (node.isOp()) {
      assign(node.src, shapeOf(node.ops.front()->getOperand(0)));
      assign(node.dst, shapeOf(node.ops.back()->getResult(0)));
    } else if (!node.children.empty()) {
      assign(node.src, node.children.front()->src);
      assign(node.dst, node.children.back()->dst);
    }
  }

  ModuleOp module;
  SymbolTable symbols;
  llvm::StringMap<LayerNode *> nodes; ///< by path
};

} // namespace

std::unique_ptr<LayerNode> buildLayerTree(ModuleOp module) { return TreeBuilder(module).run(); }

} // namespace incept
