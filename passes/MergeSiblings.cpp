// SPDX-License-Identifier: Apache-2.0
//
// Makes 1x1 convolutions that read the same value one convolution with the filters of all. Its parameters are those of
// the pieces, side by side in memory: names, gradients, slots and checkpoints stay theirs.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_MERGESIBLINGSPASS
#include "passes/Passes.h.inc"

namespace {

/// Filters and input channels come in multiples of this, so that the pieces of a blocked format have no padding and
/// begin at aligned addresses.
constexpr int64_t kChannelMultiple = 16;

class SiblingMerger {
public:
  explicit SiblingMerger(func::FuncOp function) : function(function) {}

  void run() {
    llvm::StringMap<unsigned> readCount;
    for (ReadOp read : function.getOps<ReadOp>())
      ++readCount[read.getVariable()];
    llvm::MapVector<Value, SmallVector<Conv2DOp>> siblings;
    for (Conv2DOp conv : function.getOps<Conv2DOp>())
      if (canMerge(conv) && readCount[conv.getWeights().getDefiningOp<ReadOp>().getVariable()] == 1)
        siblings[conv.getSrc()].push_back(conv);
    for (auto &[src, convs] : siblings) {
      // Those of the first one's stride; others are left alone.
      SmallVector<Conv2DOp> alike = llvm::to_vector(
          llvm::make_filter_range(convs, [&](Conv2DOp conv) { return conv.getStride() == convs[0].getStride(); }));
      if (alike.size() > 1)
        merge(alike);
    }
  }

private:
  static bool canMerge(Conv2DOp conv) {
    ArrayRef<int64_t> weights = shapeOf(conv.getWeights());
    auto isZero = [](int64_t pad) { return pad == 0; };
    auto read = conv.getWeights().getDefiningOp<ReadOp>();
    return read && read->hasOneUse() && weights[2] == 1 && weights[3] == 1 && conv.getGroups() == 1 &&
           !conv.getBias() && !conv.getResidual() && !conv.getRelu() && llvm::all_of(conv.getPadBegin(), isZero) &&
           llvm::all_of(conv.getPadEnd(), isZero) && weights[0] % kChannelMultiple == 0 &&
           weights[1] % kChannelMultiple == 0;
  }

  void merge(ArrayRef<Conv2DOp> convs) {
    Conv2DOp first = convs.front();
    OpBuilder builder(first);
    SmallVector<Value> reads;
    SmallVector<Type> types;
    int64_t filters = 0;
    for (Conv2DOp conv : convs) {
      Operation *read = conv.getWeights().getDefiningOp();
      if (first->isBeforeInBlock(read))
        read->moveBefore(first);
      reads.push_back(conv.getWeights());
      types.push_back(conv.getDst().getType());
      filters += shapeOf(conv.getWeights())[0];
    }
    Location loc = first.getLoc();
    Type element = getElementTypeOrSelf(first.getWeights().getType());
    ArrayRef<int64_t> dst = shapeOf(first.getDst());
    auto joined = JoinRowsOp::create(
        builder, loc, RankedTensorType::get({filters, shapeOf(first.getWeights())[1], 1, 1}, element), reads);
    auto conv = Conv2DOp::create(builder, loc, RankedTensorType::get({dst[0], filters, dst[2], dst[3]}, element),
                                 first.getSrc(), joined, Value(), Value(), first.getStrideAttr(),
                                 first.getPadBeginAttr(), first.getPadEndAttr(), first.getDilationAttr(),
                                 first.getGroupsAttr(), first.getScaleAttr(), UnitAttr());
    auto split = SplitOp::create(builder, loc, types, conv.getDst());
    for (Operation *op : {joined.getOperation(), conv.getOperation(), split.getOperation()})
      setPath(op, getPath(first));
    for (auto [old, part] : llvm::zip_equal(convs, split.getDsts())) {
      Conv2DOp piece = old;
      piece.getDst().replaceAllUsesWith(part);
      piece.erase();
    }
  }

  func::FuncOp function;
};

struct MergeSiblingsPass : impl::MergeSiblingsPassBase<MergeSiblingsPass> {
  void runOnOperation() override {
    // In inference a library call feeds the next one, which could not read a channel slice of a merged result.
    if (!isEntry(getOperation(), EntryPoint::Infer))
      SiblingMerger(getOperation()).run();
  }
};

} // namespace
} // namespace incept
