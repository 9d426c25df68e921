// SPDX-License-Identifier: Apache-2.0
//
// Makes the network a set of functions without arguments that read and write variables: one per thing the runtime runs.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_BUILDENTRYPOINTSPASS
#include "passes/Passes.h.inc"

namespace {

constexpr llvm::StringLiteral kLossWeights = "incept.loss_weights";

std::string ioName(const Twine &role) { return ("io/" + role).str(); }

class EntryPointBuilder {
public:
  EntryPointBuilder(ModuleOp module, func::FuncOp network)
      : module(module), network(network), builder(module.getContext()), loc(network.getLoc()) {}

  LogicalResult run() {
    auto image = dyn_cast<RankedTensorType>(network.getArgumentTypes().front());
    auto logits = dyn_cast<RankedTensorType>(network.getResultTypes().front());
    if (!image || image.getRank() != 4 || !logits || logits.getRank() != 2)
      return network.emitError() << "expected a network from images (N,C,H,W) to logits (N,K)";
    auto weights = network->getAttrOfType<DenseF64ArrayAttr>(kLossWeights);
    unsigned heads = network.getNumResults();
    if (auto names = module->getAttrOfType<ArrayAttr>("incept.outputs")) {
      llvm::append_range(outputs, names.getAsValueRange<StringAttr>());
      if (outputs.empty() || outputs.size() > heads)
        return network.emitError() << "expected incept.outputs with 1 to " << heads << " names, but got "
                                   << outputs.size();
    }
    unsigned kept = std::max<unsigned>(outputs.size(), 1);
    if (!llvm::all_equal(network.getResultTypes()) || (weights ? weights.size() : 1) != heads)
      return network.emitError() << "expected heads with logits " << logits << " and incept.loss_weights with " << heads
                                 << " values";
    auto mode = module->getAttrOfType<StringAttr>("incept.mode");
    if (failed(noteLabelMap(image, logits)))
      return failure();
    bool trains = !mode || mode.getValue() != "infer";
    declareVariables(image, trains ? heads : kept, trains);
    if (failed(buildStage(image)))
      return failure();
    if (trains) {
      func::FuncOp function = cloneNetwork(EntryPoint::ForwardBackward, heads);
      if (weights)
        function->setAttr(kLossWeights, weights);
      if (failed(dropAtRandom(function)))
        return failure();
    }
    func::FuncOp infer = cloneNetwork(EntryPoint::Infer, kept);
    dropNothing(infer);
    if (heads > kept)
      eraseDead(infer);
    network.erase();
    if (!trains && heads > kept)
      eraseUnusedVariables();
    return success();
  }

private:
  /// The role of result `index` of the network: the first are the logits, then come those of other outputs by name,
  /// then those of auxiliary heads.
  std::string logitsRole(unsigned index) const {
    if (index == 0)
      return "logits";
    return index < outputs.size() ? ("logits/" + outputs[index]).str() : "auxiliary_logits" + std::to_string(index);
  }

  /// Where the network scores each pixel, the module says of how many: rows of the logits do not.
  LogicalResult noteLabelMap(RankedTensorType image, RankedTensorType logits) {
    auto rows = network.getBody().front().getTerminator()->getOperand(0).getDefiningOp<PixelRowsOp>();
    if (!rows) {
      if (logits.getDimSize(0) != image.getDimSize(0))
        return network.emitError() << "expected logits with a row for each image or, of incept.pixel_rows, for each "
                                      "pixel, but got "
                                   << logits;
      return success();
    }
    ArrayRef<int64_t> scores = shapeOf(rows.getSrc());
    auto size = [&](StringRef name, int64_t value) {
      return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
    };
    SmallVector<NamedAttribute> map = {size("height", scores[2]), size("width", scores[3])};
    auto training = module->getAttrOfType<DictionaryAttr>("incept.training");
    if (auto ignored = training ? training.getAs<IntegerAttr>("ignore_label") : IntegerAttr())
      map.push_back(builder.getNamedAttr("ignore", ignored));
    module->setAttr("incept.label_map", builder.getDictionaryAttr(map));
    return success();
  }

  void declareVariables(RankedTensorType image, unsigned heads, bool trains) {
    builder.setInsertionPoint(network);
    ArrayRef<int64_t> n = image.getShape();
    Type u8 = builder.getIntegerType(8, /*isSigned=*/false);
    auto declare = [&](StringRef role, ArrayRef<int64_t> shape, Type element) {
      VariableOp::create(builder, loc, ioName(role), RankedTensorType::get(shape, element), VariableKind::Io, "", role);
    };
    declare("u8_images", {n[0], n[2], n[3], n[1]}, u8);
    declare("f32_images", n, image.getElementType());
    declare("f32_input", n, image.getElementType());
    int64_t rows = cast<RankedTensorType>(network.getResultTypes().front()).getDimSize(0);
    declare("labels", {rows}, builder.getI64Type());
    declare("loss", {}, image.getElementType());
    for (unsigned i = 0; i < heads; ++i) {
      auto logits = cast<RankedTensorType>(network.getResultTypes()[i]);
      declare(logitsRole(i), logits.getShape(), logits.getElementType());
    }
    if (trains && outputs.size() > 1)
      for (StringRef output : outputs)
        declare(("loss/" + output).str(), {}, image.getElementType());
  }

  func::FuncOp createFunction(EntryPoint entry) {
    builder.setInsertionPoint(network);
    func::FuncOp function = createEntry(builder, loc, entry);
    builder.setInsertionPointToStart(&function.getBody().front());
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
    createFunction(EntryPoint::StageU8);
    ArrayRef<int64_t> n = image.getShape();
    auto bytes = RankedTensorType::get({n[0], n[2], n[3], n[1]}, builder.getIntegerType(8, false));
    Value u8 = ReadOp::create(builder, loc, bytes, ioName("u8_images"));
    Value normalized = NormalizeImageOp::create(builder, loc, image, u8, mean, deviation);
    WriteOp::create(builder, loc, ioName("f32_input"), normalized);
    func::ReturnOp::create(builder, loc);

    createFunction(EntryPoint::StageF32);
    Value f32 = ReadOp::create(builder, loc, image, ioName("f32_images"));
    Value imported = ImportImageOp::create(builder, loc, image, f32);
    WriteOp::create(builder, loc, ioName("f32_input"), imported);
    func::ReturnOp::create(builder, loc);
    return success();
  }

  /// The network's ops with the input read and the logits of the first `heads` results written.
  func::FuncOp cloneNetwork(EntryPoint entry, unsigned heads) {
    func::FuncOp function = createFunction(entry);
    IRMapping mapping;
    Value input = ReadOp::create(builder, loc, network.getArgumentTypes().front(), ioName("f32_input"));
    mapping.map(network.getArgument(0), input);
    for (Operation &op : network.getBody().front().without_terminator())
      builder.clone(op, mapping);
    auto results = network.getBody().front().getTerminator()->getOperands().take_front(heads);
    for (auto [index, logits] : llvm::enumerate(results))
      WriteOp::create(builder, loc, ioName(logitsRole(index)), mapping.lookup(logits));
    func::ReturnOp::create(builder, loc);
    return function;
  }

  static LogicalResult dropAtRandom(func::FuncOp function) {
    SmallVector<RandomDropOp> drops(function.getOps<RandomDropOp>());
    if (drops.empty())
      return success();
    OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
    Type i64 = builder.getI64Type(), u64 = builder.getIntegerType(64, /*isSigned=*/false);
    auto module = function->getParentOfType<ModuleOp>();
    SmallVector<Value> state;
    for (auto [field, type] : {std::pair("seed", u64), std::pair("step", i64), std::pair("sample_base", i64)})
      state.push_back(StepValueOp::create(builder, function.getLoc(), StepFieldOp::declare(module, field, type)));
    for (RandomDropOp drop : drops) {
      // Two ops of one path would drop the same elements.
      if (getPath(drop).empty())
        return drop.emitOpError() << "expected a path (incept.path): it selects the op's random numbers";
      builder.setInsertionPoint(drop);
      auto stream = static_cast<int64_t>(llvm::xxh3_64bits(getPath(drop)));
      auto dropout =
          DropoutOp::create(builder, drop.getLoc(), drop.getType(), drop.getSrc(), state[0], state[1], state[2],
                            drop.getKeepAttr(), builder.getI64IntegerAttr(stream), drop.getPerSampleAttr());
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

  /// What only auxiliary heads used.
  static void eraseDead(func::FuncOp function) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (op.use_empty() && op.getNumResults() > 0 && (isPure(&op) || isa<ReadOp>(op)))
        op.erase();
  }

  /// A program that only infers needs no parameters of auxiliary heads; the module names them, since files of weights
  /// have them.
  void eraseUnusedVariables() {
    llvm::StringSet<> used;
    module.walk([&](ReadOp read) { used.insert(read.getVariable()); });
    SmallVector<Attribute> erased;
    for (VariableOp variable : llvm::make_early_inc_range(module.getOps<VariableOp>()))
      if ((variable.isParameter() || variable.getKind() == VariableKind::State) &&
          !used.contains(variable.getSymName())) {
        erased.push_back(builder.getStringAttr(variable.getSymName()));
        variable.erase();
      }
    module->setAttr("incept.training_only", builder.getArrayAttr(erased));
  }

  ModuleOp module;
  func::FuncOp network;
  SmallVector<StringRef> outputs; ///< the names of the first results; none where there is one without
  OpBuilder builder;
  Location loc;
};

struct BuildEntryPointsPass : impl::BuildEntryPointsPassBase<BuildEntryPointsPass> {
  void runOnOperation() override {
    auto functions = getOperation().getOps<func::FuncOp>();
    auto network = llvm::hasSingleElement(functions) ? *functions.begin() : func::FuncOp();
    if (!network || !llvm::hasSingleElement(network.getBody()) || network.getNumArguments() != 1 ||
        network.getNumResults() == 0) {
      getOperation().emitError() << "expected one function, the network, from images to logits";
      return signalPassFailure();
    }
    if (failed(EntryPointBuilder(getOperation(), network).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace incept
