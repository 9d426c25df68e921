// SPDX-License-Identifier: Apache-2.0
//
// Rewrites planned functions as straight lists of launches on slices of regions, and gives variables their places.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/KernelBuilder.h"
#include "passes/LaunchCost.h"
#include "passes/LaunchShape.h"
#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/Target.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_LOWERTOEXECPASS
#include "passes/Passes.h.inc"

namespace {

/// A field of the step region (ProgramFormat.h).
struct StepField {
  StringRef name, type;
  int64_t offset;
};
constexpr StepField kStepFields[] = {
    {"step", "i64", 0},      {"seed", "u64", 8},       {"sample_base", "i64", 16}, {"learning_rate", "f32", 24},
    {"momentum", "f32", 28}, {"rms_decay", "f32", 32}, {"rms_epsilon", "f32", 36}, {"weight_decay", "f32", 40},
};
constexpr int64_t kStepBytes = 64;

/// Places variables in regions: parameters, gradients and each slot in regions of one order, decayed ones first. What
/// prepare_inference derives lies in the arena behind `inferenceBytes`, the part that inference needs: training may
/// overwrite it, since evaluation prepares anew.
class VariablePlacer {
public:
  VariablePlacer(ModuleOp module, const Target &target, int64_t inferenceBytes) : module(module), target(target) {
    sizes["arena"] = inferenceBytes;
  }

  LogicalResult run() {
    SmallVector<VariableOp> variables(module.getOps<VariableOp>());
    llvm::stable_sort(variables, [](VariableOp a, VariableOp b) { return a.getDecay() > b.getDecay(); });
    collectNeighbours();
    for (VariableOp variable : variables)
      if (variable.isParameter() && failed(placeWithNeighbours(variable)))
        return failure();
    // What belongs to parameters follows in their order: updates of neighbours can then be one launch.
    SmallVector<std::pair<int64_t, VariableOp>> others;
    for (VariableOp variable : variables) {
      if (variable.isParameter())
        continue;
      if (variable.getKind() == VariableKind::Copy) {
        if (failed(placeCopy(variable)))
          return failure();
        continue;
      }
      others.push_back({orderOf(variable), variable});
    }
    llvm::stable_sort(others, [](auto &a, auto &b) { return a.first < b.first; });
    for (auto &[order, variable] : others)
      if (failed(place(variable, regionOf(variable))))
        return failure();
    return verifyNeighbours();
  }

  /// Declares the regions; the arena has at least `trainingBytes`.
  void declareRegions(OpBuilder &builder, int64_t trainingBytes) {
    sizes["arena"] = std::max(sizes["arena"], trainingBytes);
    for (auto &[name, bytes] : sizes)
      exec::RegionOp::create(builder, module.getLoc(), name, bytes);
  }

  int64_t arenaBytes() { return sizes["arena"]; }

  int64_t persistentBytes() const {
    int64_t total = kStepBytes;
    for (auto &[name, bytes] : sizes)
      total += name == "arena" ? 0 : bytes;
    return total;
  }

private:
  /// Variables that a join_rows reads lie side by side, in its order.
  void collectNeighbours() {
    module.walk([&](JoinRowsOp join) {
      SmallVector<StringRef> names;
      for (Value src : join.getSrcs()) {
        auto variable = module.lookupSymbol<VariableOp>(src.getDefiningOp<ReadOp>().getVariable());
        // Copies follow their parameters.
        names.push_back(variable.getKind() == VariableKind::Copy ? *variable.getOwner() : variable.getSymName());
      }
      for (StringRef name : names)
        neighbours[name] = names;
    });
  }

  LogicalResult placeWithNeighbours(VariableOp variable) {
    auto found = neighbours.find(variable.getSymName());
    if (found == neighbours.end())
      return place(variable, "params");
    if (parameterOffsets.contains(variable.getSymName()))
      return success();
    for (StringRef name : found->second) {
      auto neighbour = module.lookupSymbol<VariableOp>(name);
      if (failed(place(neighbour, "params")))
        return failure();
      if (*neighbour.getBytes() % kAlignment != 0 && name != found->second.back())
        return neighbour.emitOpError() << "is joined with others, but its size is no multiple of " << kAlignment
                                       << " bytes";
    }
    return success();
  }

  /// A copy of a parameter in another type lies where the parameter does, counted in elements: an update that writes
  /// both can be joined with its neighbours' (`incept-coalesce-launches`).
  LogicalResult placeCopy(VariableOp variable) {
    auto original = module.lookupSymbol<VariableOp>(*variable.getOwner());
    int64_t offset = parameterOffsets.lookup(*variable.getOwner());
    int64_t copyBytes = elementBytes(getElementTypeOrSelf(variable.getType()));
    int64_t &size = sizes["copy"];
    int64_t before = size;
    size = offset / elementBytes(getElementTypeOrSelf(original.getType())) * copyBytes;
    LogicalResult placed = place(variable, "copy");
    size = std::max(size, before);
    return placed;
  }

  /// A launch reads joined variables as one: a variable of two joins cannot lie right behind two others.
  LogicalResult verifyNeighbours() {
    auto result = module.walk([&](JoinRowsOp join) {
      VariableOp last;
      for (Value src : join.getSrcs()) {
        auto variable = module.lookupSymbol<VariableOp>(src.getDefiningOp<ReadOp>().getVariable());
        if (last && !liesBehind(last, variable)) {
          join.emitOpError() << "expected '" << variable.getSymName() << "' right behind '" << last.getSymName()
                             << "' in memory, but it has another place: a parameter can be in one join only";
          return WalkResult::interrupt();
        }
        last = variable;
      }
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  static bool liesBehind(VariableOp first, VariableOp second) {
    return first.getRegion() == second.getRegion() && *first.getOffset() + *first.getBytes() == *second.getOffset();
  }

  /// The place of a gradient or slot among those of all parameters, 0 for other variables.
  int64_t orderOf(VariableOp variable) {
    bool followsParameter = variable.getKind() == VariableKind::Gradient || variable.getKind() == VariableKind::Slot;
    return followsParameter && variable.getOwner() ? parameterOffsets.lookup(*variable.getOwner()) : 0;
  }

  static StringRef regionOf(VariableOp variable) {
    switch (variable.getKind()) {
    case VariableKind::Slot:
      return *variable.getRole();
    case VariableKind::Gradient: { // a region has one type, so that neighbours can be seen as one tensor
      Type element = variable.getTensorType().getElementType();
      return element.isBF16() ? "grads_bf16" : element.isF16() ? "grads_f16" : "grads";
    }
    case VariableKind::State:
      return "states";
    case VariableKind::Derived:
      return "arena";
    default:
      return stringifyVariableKind(variable.getKind());
    }
  }

  LogicalResult place(VariableOp variable, StringRef region) {
    int64_t offset = sizes[region.str()];
    if (variable.isParameter())
      parameterOffsets[variable.getSymName()] = offset;
    auto type = cast<RankedTensorType>(variable.getType());
    auto layout = dyn_cast_or_null<LayoutAttr>(type.getEncoding());
    if (failed(countElements(type.getShape())))
      return variable.emitOpError() << "is too large";
    auto bytes = target.formatBytes(type.getShape(), type.getElementType(), libraryFormat(layout));
    if (failed(bytes))
      return variable.emitOpError() << "has an unknown size";
    variable.setRegion(region);
    variable.setOffset(offset);
    variable.setBytes(*bytes);
    bool ofParameter = variable.getKind() == VariableKind::Gradient || variable.getKind() == VariableKind::Copy;
    int64_t alignment = ofParameter ? parameterAlignment(elementBytes(type.getElementType())) : kAlignment;
    int64_t &size = sizes[region.str()];
    size = std::max<int64_t>(size, offset + llvm::alignTo(std::max<int64_t>(*bytes, 1), alignment));
    return success();
  }

  ModuleOp module;
  const Target &target;
  llvm::MapVector<std::string, int64_t, std::map<std::string, unsigned>> sizes; ///< in the order of first use
  llvm::StringMap<int64_t> parameterOffsets;
  llvm::StringMap<SmallVector<StringRef>> neighbours;
};

/// Replaces a function's groups by launches.
class FunctionLowering {
public:
  FunctionLowering(func::FuncOp function, KernelTable &kernels, SymbolTable &symbols)
      : function(function), kernels(kernels), symbols(symbols) {}

  void run() {
    OpBuilder builder(function.getContext());
    for (GroupOp group : function.getOps<GroupOp>()) {
      builder.setInsertionPoint(function.getBody().front().getTerminator());
      if (group.isLibrary())
        lowerLibrary(builder, group);
      else if (isa<CountNonfiniteOp>(group.getBody().front().front()))
        lowerCount(builder, group);
      else
        lowerKernel(builder, group);
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (isa<GroupOp, ReadOp, WriteOp, StepValueOp>(op) || op.hasTrait<OpTrait::View>())
        op.erase();
    function->removeAttr("incept.arena_bytes");
    function->removeAttr("incept.arena_lower_bound");
  }

private:
  Value slice(OpBuilder &builder, Location loc, StringRef region, int64_t offset, ArrayRef<int64_t> shape,
              Type element) {
    return exec::SliceOp::create(builder, loc, MemRefType::get(shape, element), region, offset);
  }

  Value variableSlice(OpBuilder &builder, Location loc, StringRef name, Value value, int64_t byteOffset) {
    auto variable = symbols.lookup<VariableOp>(name);
    return slice(builder, loc, *variable.getRegion(), *variable.getOffset() + byteOffset, shapeOf(value),
                 getElementTypeOrSelf(value.getType()));
  }

  /// The memory of a value: a variable's, a step field's or the arena's.
  Value address(OpBuilder &builder, Location loc, Value value) {
    Placement placement = placementOf(value);
    Type element = getElementTypeOrSelf(value.getType());
    int64_t inRoot = placement.elementOffset() * elementBytes(element);
    Operation *op = placement.root.getDefiningOp();
    if (auto read = dyn_cast<ReadOp>(op))
      return variableSlice(builder, loc, read.getVariable(), value, inRoot);
    if (auto join = dyn_cast<JoinRowsOp>(op)) // its variables lie side by side
      return variableSlice(builder, loc, join.getSrcs().front().getDefiningOp<ReadOp>().getVariable(), value, inRoot);
    if (auto step = dyn_cast<StepValueOp>(op)) {
      const auto *field = llvm::find_if(kStepFields, [&](const StepField &f) { return f.name == step.getField(); });
      return slice(builder, loc, "step", field->offset, {}, element);
    }
    if (auto view = dyn_cast<ConcatViewOp>(op); view && view.getOffset())
      return slice(builder, loc, "arena", *view.getOffset() + inRoot, shapeOf(value), element);
    auto group = cast<GroupOp>(op);
    int64_t offset = (*group.getOffsets())[cast<OpResult>(placement.root).getResultNumber()];
    if (offset >= 0)
      return slice(builder, loc, "arena", offset + inRoot, shapeOf(value), element);
    for (Operation *user : placement.root.getUsers())
      if (auto write = dyn_cast<WriteOp>(user))
        return variableSlice(builder, loc, write.getVariable(), value, inRoot);
    llvm_unreachable("a value outside the arena is written to a variable");
  }

  void lowerLibrary(OpBuilder &builder, GroupOp group) {
    SmallVector<Value> operands;
    // The op's own operand order is the plan's; group inputs may be fewer (one value used twice).
    Operation &op = group.getBody().front().front();
    for (Value operand : op.getOperands())
      operands.push_back(
          address(builder, group.getLoc(), group.getInputs()[cast<BlockArgument>(operand).getArgNumber()]));
    if (symbols.lookup<exec::PlanOp>(*group.getPlan()).getConfig().contains("swap_operands"))
      std::swap(operands[0], operands[1]);
    for (Value output : group.getOutputs())
      operands.push_back(address(builder, group.getLoc(), output));
    int64_t scratchpad = group.getScratchpad().value_or(0);
    operands.push_back(slice(builder, group.getLoc(), "arena", group.getScratchpadOffset().value_or(0), {scratchpad},
                             builder.getI8Type()));
    auto launch = exec::LibraryOp::create(builder, group.getLoc(), *group.getPlan(), operands);
    setPath(launch, getPath(group));
    setLaunchCost(launch, {countFlops(group), countBytes(ValueRange(operands).drop_back())});
  }

  void lowerKernel(OpBuilder &builder, GroupOp group) {
    Location loc = group.getLoc();
    SmallVector<KernelLaunch, 2> launches = kernels.get(group);
    int64_t scratch = group.getScratchpadOffset().value_or(0);
    DenseMap<Value, Value> partials;
    for (const KernelLaunch &launch : launches) {
      SmallVector<Value> operands;
      for (Value value : launch.operands) {
        bool isPartial = value.getParentBlock() == &group.getBody().front();
        Value memory = isPartial ? partials.lookup(value) : address(builder, loc, value);
        if (!memory) {
          int64_t units = launches.front().units, channels = shapeOf(value)[0];
          memory = slice(builder, loc, "arena", scratch, {units, channels}, builder.getF32Type());
          scratch += llvm::alignTo(units * channels * 4, kAlignment);
          partials[value] = memory;
        }
        operands.push_back(memory);
      }
      emit(builder, group, launch.symbol, operands, launch.extents, launch.units, launch.flops);
    }
  }

  /// A stretch of a region with elements of one type.
  struct Span {
    StringRef region;
    int64_t offset, bytes;
    Type element;
  };

  /// The memory of `values`, neighbours (up to alignment, where nothing lies) together.
  SmallVector<Span> spansOf(OpBuilder &builder, ValueRange values) {
    SmallVector<Span> spans, joined;
    for (Value value : values) {
      auto slice = address(builder, value.getLoc(), value).getDefiningOp<exec::SliceOp>();
      Type element = getElementTypeOrSelf(value.getType());
      int64_t bytes = *countElements(shapeOf(value)) * elementBytes(element);
      if (auto read = value.getDefiningOp<ReadOp>()) // a format may pad
        bytes = *symbols.lookup<VariableOp>(read.getVariable()).getBytes();
      spans.push_back({slice.getRegion(), int64_t(slice.getOffset()), bytes, element});
      slice.erase();
    }
    llvm::stable_sort(spans, [](const Span &a, const Span &b) {
      return std::pair(a.region, a.offset) < std::pair(b.region, b.offset);
    });
    for (const Span &span : spans) {
      int64_t alignment = parameterAlignment(elementBytes(span.element));
      if (!joined.empty() && joined.back().region == span.region && joined.back().element == span.element &&
          int64_t(llvm::alignTo(joined.back().offset + joined.back().bytes, alignment)) == span.offset)
        joined.back().bytes = span.offset + span.bytes - joined.back().offset;
      else
        joined.push_back(span);
    }
    return joined;
  }

  /// One launch per stretch of memory writes partial counts, one adds all of them.
  void lowerCount(OpBuilder &builder, GroupOp group) {
    Location loc = group.getLoc();
    SmallVector<Span> spans = spansOf(builder, group.getInputs());
    int64_t elements = 0, units = 0, scratch = *group.getScratchpadOffset();
    for (const Span &span : spans)
      elements += span.bytes / elementBytes(span.element);
    int64_t chunk = cutCount(elements);
    for (const Span &span : spans) {
      int64_t total = span.bytes / elementBytes(span.element), parts = llvm::divideCeil(total, chunk);
      Value src = slice(builder, loc, span.region, span.offset, {total}, span.element);
      Value partial = slice(builder, loc, "arena", scratch + units * 4, {parts}, builder.getF32Type());
      emit(builder, group, kernels.getCountNonfinite(span.element), {src, partial}, {total, chunk}, parts, total);
      units += parts;
    }
    Value partials = slice(builder, loc, "arena", scratch, {units, 1}, builder.getF32Type());
    emit(builder, group, kernels.getCombine(), {partials, address(builder, loc, group.getOutputs().front())},
         {units, 1}, 1, units);
  }

  void emit(OpBuilder &builder, GroupOp group, StringRef kernel, ValueRange operands, ArrayRef<int64_t> extents,
            int64_t units, int64_t flops) {
    auto op = exec::KernelOp::create(builder, group.getLoc(), kernel, operands, extents, units);
    setPath(op, getPath(group));
    setLaunchCost(op, {flops, countBytes(operands)});
  }

  static int64_t countBytes(ValueRange slices) {
    int64_t bytes = 0;
    for (Value slice : slices) {
      auto type = cast<MemRefType>(slice.getType());
      bytes += type.getNumElements() * elementBytes(type.getElementType());
    }
    return bytes;
  }

  func::FuncOp function;
  KernelTable &kernels;
  SymbolTable &symbols;
};

struct LowerToExecPass : impl::LowerToExecPassBase<LowerToExecPass> {
  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    ModuleOp module = getOperation();
    // The arena is the largest that an entry point needs.
    int64_t arena = 0, bound = 0, inference = 0;
    for (func::FuncOp function : module.getOps<func::FuncOp>()) {
      bool trains = isEntry(function, EntryPoint::ForwardBackward) || isEntry(function, EntryPoint::Update);
      if (auto bytes = function->getAttrOfType<IntegerAttr>("incept.arena_bytes")) {
        arena = std::max(arena, bytes.getInt());
        inference = trains ? inference : std::max(inference, bytes.getInt());
      }
      if (auto bytes = function->getAttrOfType<IntegerAttr>("incept.arena_lower_bound"))
        bound = std::max(bound, bytes.getInt());
    }
    VariablePlacer placer(module, *target, inference);
    if (failed(placer.run()))
      return signalPassFailure();
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    placer.declareRegions(builder, arena);
    exec::RegionOp::create(builder, module.getLoc(), "step", kStepBytes);

    SymbolTable symbols(module);
    KernelTable kernels(module, *target);
    for (func::FuncOp function : module.getOps<func::FuncOp>())
      FunctionLowering(function, kernels, symbols).run();
    annotate(module, placer.arenaBytes(), bound, placer.persistentBytes());
    describeInterface(module);
  }

  /// What the runtime needs to know of the network's two ends.
  static void describeInterface(ModuleOp module) {
    Builder builder(module.getContext());
    auto shape = [&](StringRef role) -> ArrayRef<int64_t> {
      for (VariableOp variable : module.getOps<VariableOp>())
        if (variable.hasIoRole(role))
          return variable.getTensorType().getShape();
      return {};
    };
    if (ArrayRef<int64_t> image = shape("f32_input"); image.size() == 4) {
      auto size = [&](StringRef name, int64_t value) {
        return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
      };
      module->setAttr("incept.batch_size", builder.getI64IntegerAttr(image[0]));
      module->setAttr("incept.image", builder.getDictionaryAttr({size("channels", image[1]), size("height", image[2]),
                                                                 size("width", image[3])}));
    }
    if (ArrayRef<int64_t> logits = shape("logits"); logits.size() == 2)
      module->setAttr("incept.classes", builder.getI64IntegerAttr(logits[1]));
  }

  static void annotate(ModuleOp module, int64_t arena, int64_t bound, int64_t persistent) {
    Builder builder(module.getContext());
    SmallVector<Attribute> fields;
    for (const StepField &field : kStepFields)
      fields.push_back(
          builder.getDictionaryAttr({builder.getNamedAttr("name", builder.getStringAttr(field.name)),
                                     builder.getNamedAttr("type", builder.getStringAttr(field.type)),
                                     builder.getNamedAttr("offset", builder.getI64IntegerAttr(field.offset))}));
    module->setAttr("incept.step_fields", builder.getArrayAttr(fields));
    auto bytes = [&](StringRef name, int64_t value) {
      return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
    };
    module->setAttr("incept.memory",
                    builder.getDictionaryAttr({bytes("arena_bytes", arena), bytes("persistent_bytes", persistent),
                                               bytes("peak_bytes", arena + persistent),
                                               bytes("lower_bound_bytes", bound + persistent)}));
  }
};

} // namespace

} // namespace incept
