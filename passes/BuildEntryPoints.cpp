// SPDX-License-Identifier: Apache-2.0
//
// Makes the network a set of functions without arguments that read and write variables: one per thing the runtime runs.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_BUILDENTRYPOINTSPASS
#include "passes/Passes.h.inc"

namespace {

constexpr llvm::StringLiteral kInput = "io/f32_input", kLogits = "io/logits";

class EntryPointBuilder {
public:
  EntryPointBuilder(ModuleOp module, func::FuncOp network)
      : module(module), network(network), builder(module.getContext()), loc(network.getLoc()) {}

  LogicalResult run() {
    auto image = dyn_cast<RankedTensorType>(network.getArgumentTypes().front());
    auto logits = dyn_cast<RankedTensorType>(network.getResultTypes().front());
    if (!image || image.getRank() != 4 || !logits || logits.getRank() != 2)
      return network.emitError() << "expected a network from images (N,C,H,W) to logits (N,K)";
    declareVariables(image, logits);
    if (failed(buildStage(image)))
      return failure();
    auto mode = module->getAttrOfType<StringAttr>("incept.mode");
    bool trains = !mode || mode.getValue() != "infer";
    if (trains && failed(dropAtRandom(cloneNetwork("forward_backward"))))
      return failure();
    dropNothing(cloneNetwork("infer"));
    network.erase();
    return success();
  }

private:
  void declareVariables(RankedTensorType image, RankedTensorType logits) {
    builder.setInsertionPoint(network);
    ArrayRef<int64_t> n = image.getShape();
    Type u8 = builder.getIntegerType(8, /*isSigned=*/false);
    auto declare = [&](StringRef name, ArrayRef<int64_t> shape, Type element) {
      VariableOp::create(builder, loc, name, RankedTensorType::get(shape, element), "io", DictionaryAttr(), false);
    };
    declare("io/u8_images", {n[0], n[2], n[3], n[1]}, u8);
    declare("io/f32_images", n, image.getElementType());
    declare(kInput, n, image.getElementType());
    declare("io/labels", {n[0]}, builder.getI64Type());
    declare("io/loss", {}, image.getElementType());
    declare(kLogits, logits.getShape(), logits.getElementType());
  }

  func::FuncOp createFunction(StringRef name) {
    builder.setInsertionPoint(network);
    auto function = func::FuncOp::create(builder, loc, name, builder.getFunctionType({}, {}));
    builder.setInsertionPointToStart(function.addEntryBlock());
    return function;
  }

  LogicalResult buildStage(RankedTensorType image) {
    SmallVector<double> mean(image.getDimSize(1), 0.0), deviation(image.getDimSize(1), 1.0);
    if (auto given = module->getAttrOfType<DictionaryAttr>("incept.normalization")) {
      auto meanAttr = given.getAs<DenseF64ArrayAttr>("mean"), stdAttr = given.getAs<DenseF64ArrayAttr>("std");
      if (!meanAttr || !stdAttr || meanAttr.size() != image.getDimSize(1) || stdAttr.size() != meanAttr.size())
        return module.emitError() << "expected incept.normalization with mean and std of " << image.getDimSize(1)
                                  << " values";
      mean.assign(meanAttr.asArrayRef().begin(), meanAttr.asArrayRef().end());
      deviation.assign(stdAttr.asArrayRef().begin(), stdAttr.asArrayRef().end());
    }
    createFunction("stage_u8");
    ArrayRef<int64_t> n = image.getShape();
    auto bytes = RankedTensorType::get({n[0], n[2], n[3], n[1]}, builder.getIntegerType(8, false));
    Value u8 = ReadOp::create(builder, loc, bytes, "io/u8_images");
    Value normalized = NormalizeImageOp::create(builder, loc, image, u8, mean, deviation);
    WriteOp::create(builder, loc, kInput, normalized);
    func::ReturnOp::create(builder, loc);

    createFunction("stage_f32");
    Value f32 = ReadOp::create(builder, loc, image, "io/f32_images");
    Value imported = ImportImageOp::create(builder, loc, image, f32);
    WriteOp::create(builder, loc, kInput, imported);
    func::ReturnOp::create(builder, loc);
    return success();
  }

  /// The network's ops with the input read and the logits written.
  func::FuncOp cloneNetwork(StringRef name) {
    func::FuncOp function = createFunction(name);
    IRMapping mapping;
    Value input = ReadOp::create(builder, loc, network.getArgumentTypes().front(), kInput);
    mapping.map(network.getArgument(0), input);
    for (Operation &op : network.getBody().front().without_terminator())
      builder.clone(op, mapping);
    Value logits = mapping.lookup(network.getBody().front().getTerminator()->getOperand(0));
    WriteOp::create(builder, loc, kLogits, logits);
    func::ReturnOp::create(builder, loc);
    return function;
  }

  static LogicalResult dropAtRandom(func::FuncOp function) {
    SmallVector<RandomDropOp> drops(function.getOps<RandomDropOp>());
    if (drops.empty())
      return success();
    OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
    auto scalar = RankedTensorType::get({}, builder.getI64Type());
    SmallVector<Value> state;
    for (StringRef field : {"seed", "step", "sample_base"})
      state.push_back(StepValueOp::create(builder, function.getLoc(), scalar, field));
    for (RandomDropOp drop : drops) {
      // Two ops of one path would drop the same elements.
      if (getPath(drop).empty())
        return drop.emitOpError() << "expected a path (incept.path): it selects the op's random numbers";
      builder.setInsertionPoint(drop);
      auto stream = static_cast<int64_t>(llvm::xxh3_64bits(getPath(drop)));
      auto dropout = DropoutOp::create(builder, drop.getLoc(), drop.getType(), drop.getSrc(), state[0], state[1],
                                       state[2], drop.getKeepAttr(), builder.getI64IntegerAttr(stream));
      setPath(dropout, getPath(drop));
      drop.replaceAllUsesWith(dropout.getDst());
      drop.erase();
    }
    return success();
  }

  static void dropNothing(func::FuncOp function) {
    for (RandomDropOp drop : llvm::make_early_inc_range(function.getOps<RandomDropOp>())) {
      drop.replaceAllUsesWith(drop.getSrc());
      drop.erase();
    }
  }

  ModuleOp module;
  func::FuncOp network;
  OpBuilder builder;
  Location loc;
};

struct BuildEntryPointsPass : impl::BuildEntryPointsPassBase<BuildEntryPointsPass> {
  void runOnOperation() override {
    auto network = getOperation().lookupSymbol<func::FuncOp>("network");
    if (!network || !llvm::hasSingleElement(network.getBody()) || network.getNumArguments() != 1 ||
        network.getNumResults() != 1) {
      getOperation().emitError() << "expected a function @network from images to logits";
      return signalPassFailure();
    }
    if (failed(EntryPointBuilder(getOperation(), network).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace incept
