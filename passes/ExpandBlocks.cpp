// SPDX-License-Identifier: Apache-2.0
//
// Inlines the blocks of the description.

#include "dialect/InceptOps.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/Passes.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_EXPANDBLOCKSPASS
#include "passes/Passes.h.inc"

namespace {

struct ExpandBlocksPass : impl::ExpandBlocksPassBase<ExpandBlocksPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // Post-order: inner blocks first.
    getOperation().walk([&](BlockOp block) {
      Block &body = block.getBody().front();
      auto yield = cast<YieldOp>(body.getTerminator());
      SmallVector<Value> results(yield.getValues());
      rewriter.eraseOp(yield);
      // A result may be an argument: arguments are replaced while the body is inlined.
      for (Value &result : results)
        if (auto argument = dyn_cast<BlockArgument>(result); argument && argument.getOwner() == &body)
          result = block.getInputs()[argument.getArgNumber()];
      rewriter.inlineBlockBefore(&body, block, block.getInputs());
      rewriter.replaceOp(block, results);
    });
  }
};

} // namespace
} // namespace incept
