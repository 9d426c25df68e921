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
#include "passes/MemoryType.h"
#include "passes/Passes.h"
#include "passes/Placement.h"
#include "passes/Target.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_LOWERTOEXECPASS
#include "passes/Passes.h.inc"

namespace {

/// A field of the step region.
struct StepField {
  StringRef name;
  Type type;
  int64_t offset;

  int64_t end() const { return offset + type.getIntOrFloatBitWidth() / 8; }
};

/// Those that every program has, at their places, and what else the module declares behind them. The declarations go.
FailureOr<SmallVector<StepField>> placeStepFields(ModuleOp module) {
  Builder builder(module.getContext());
  Type f32 = builder.getF32Type(), i64 = builder.getI64Type(), u64 = builder.getIntegerType(64, /*isSigned=*/false);
  SmallVector<StepField> fields = {{"step", i64, 0},           {"seed", u64, 8},         {"sample_base", i64, 16},
                                   {"learning_rate", f32, 24}, {"momentum", f32, 28},    {"rms_decay", f32, 32},
                                   {"rms_epsilon", f32, 36},   {"weight_decay", f32, 40}};
  for (StepFieldOp op : llvm::make_early_inc_range(module.getOps<StepFieldOp>())) {
    auto *field = llvm::find_if(fields, [&](const StepField &f) { return f.name == op.getSymName(); });
    if (field == fields.end()) {
      int64_t bytes = op.getType().getIntOrFloatBitWidth() / 8;
      fields.push_back({op.getSymName(), op.getType(), int64_t(llvm::alignTo(fields.back().end(), bytes))});
    } else if (field->type != op.getType()) {
      return op.emitOpError() << "expected the type of this field, " << field->type << ", but got " << op.getType();
    }
    op.erase();
  }
  return fields;
}

/// Places variables in regions: parameters, gradients and each slot in regions of one order, decayed ones first. What
/// prepare_inference derives lies in the arena behind `inferenceBytes`, the part that inference needs: training may
/// overwrite it, since evaluation prepares anew.
class VariablePlacer {
public:
  VariablePlacer(ModuleOp module, const Target &target, int64_t inferenceBytes)
      : module(module), symbols(module), target(target) {
    sizes[kArenaRegion.str()] = inferenceBytes;
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
    sizes[kArenaRegion.str()] = std::max(sizes[kArenaRegion.str()], trainingBytes);
    for (auto &[name, bytes] : sizes)
      exec::RegionOp::create(builder, module.getLoc(), name, bytes);
  }

  int64_t arenaBytes() { return sizes[kArenaRegion.str()]; }

  /// Of all regions but the arena and that of step fields.
  int64_t persistentBytes() const {
    int64_t total = 0;
    for (auto &[name, bytes] : sizes)
      total += name == kArenaRegion ? 0 : bytes;
    return total;
  }

private:
  /// Variables that a join_rows reads lie side by side, in its order.
  void collectNeighbours() {
    module.walk([&](JoinRowsOp join) {
      SmallVector<StringRef> names;
      for (Value src : join.getSrcs()) {
        auto variable = symbols.lookup<VariableOp>(src.getDefiningOp<ReadOp>().getVariable());
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
      auto neighbour = symbols.lookup<VariableOp>(name);
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
    auto original = symbols.lookup<VariableOp>(*variable.getOwner());
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
        auto variable = symbols.lookup<VariableOp>(src.getDefiningOp<ReadOp>().getVariable());
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
      return kArenaRegion;
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
  SymbolTable symbols;
  const Target &target;
  llvm::MapVector<std::string, int64_t, std::map<std::string, unsigned>> sizes; ///< in the order of first use
  llvm::StringMap<int64_t> parameterOffsets;
  llvm::StringMap<SmallVector<StringRef>> neighbours;
};

/// Replaces a function's groups by launches.
class FunctionLowering {
public:
  FunctionLowering(func::FuncOp function, PlacementAnalysis &placements, KernelTable &kernels, SymbolTable &symbols,
                   ArrayRef<StepField> fields, const Target &target)
      : function(function), placements(placements), kernels(kernels), symbols(symbols), fields(fields), target(target),
        builder(function.getBody().front().getTerminator()) {}

  LogicalResult run() {
    if (failed(verifyRows()))
      return failure();
    for (GroupOp group : function.getOps<GroupOp>()) {
      if (group.isLibrary())
        lowerLibrary(group);
      else if (isTotal(group.getFirstOp()))
        lowerTotal(group);
      else if (isa<SoftmaxCrossEntropyOp>(group.getFirstOp()) ? failed(lowerLoss(group)) : failed(lowerKernel(group)))
        return failure();
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (isa<GroupOp, ReadOp, WriteOp, StepValueOp>(op) || op.hasTrait<OpTrait::View>())
        op.erase();
    function->removeAttr("incept.arena_bytes");
    function->removeAttr("incept.arena_lower_bound");
    return status;
  }

private:
  /// A stretch of a region.
  struct Memory {
    StringRef region;
    int64_t offset;
    MemRefType type;
  };

  Memory inArena(int64_t offset, ArrayRef<int64_t> shape, Type element) {
    return {kArenaRegion, offset, MemRefType::get(shape, element)};
  }

  Memory inVariable(StringRef name, int64_t offset, MemRefType type) {
    auto variable = symbols.lookup<VariableOp>(name);
    return {*variable.getRegion(), int64_t(*variable.getOffset()) + offset, type};
  }

  MemRefType typeOf(Value value) {
    auto tensor = cast<RankedTensorType>(value.getType());
    auto type = memoryType(tensor, target);
    if (succeeded(type))
      return *type;
    status = value.getDefiningOp()->emitOpError() << "has a result of unknown size: " << tensor;
    return MemRefType::get(tensor.getShape(), tensor.getElementType());
  }

  /// The memory of a value: a variable's, a step field's or the arena's.
  Memory locate(Value value) {
    Placement placement = placements.of(value);
    MemRefType type = typeOf(value);
    int64_t inRoot = placement.elementOffset() * elementBytes(type.getElementType());
    Operation *op = placement.root.getDefiningOp();
    if (auto read = dyn_cast<ReadOp>(op))
      return inVariable(read.getVariable(), inRoot, type);
    if (auto join = dyn_cast<JoinRowsOp>(op)) // its variables lie side by side
      return inVariable(join.getSrcs().front().getDefiningOp<ReadOp>().getVariable(), inRoot, type);
    if (auto step = dyn_cast<StepValueOp>(op)) {
      const auto *field = llvm::find_if(fields, [&](const StepField &f) { return f.name == step.getField(); });
      return {"step", field->offset, type};
    }
    if (auto view = dyn_cast<ConcatViewOp>(op); view && view.getOffset())
      return {kArenaRegion, int64_t(*view.getOffset()) + inRoot, type};
    int64_t offset = (*cast<GroupOp>(op).getOffsets())[cast<OpResult>(placement.root).getResultNumber()];
    if (offset >= 0)
      return {kArenaRegion, offset + inRoot, type};
    for (Operation *user : placement.root.getUsers())
      if (auto write = dyn_cast<WriteOp>(user))
        return inVariable(write.getVariable(), inRoot, type);
    for (Operation *user : placement.root.getUsers())
      if (auto rows = dyn_cast<SliceRowsOp>(user); rows && rows.getOffset() == 0)
        return inVariable(cast<WriteOp>(*rows.getDst().user_begin()).getVariable(), inRoot, type);
    llvm_unreachable("a value outside the arena is written to a variable");
  }

  /// Rows that are computed in a variable lie where the whole is.
  LogicalResult verifyRows() {
    for (WriteOp write : function.getOps<WriteOp>()) {
      auto rows = write.getValue().getDefiningOp<SliceRowsOp>();
      if (!rows)
        continue;
      Memory place = locate(rows.getDst());
      auto variable = symbols.lookup<VariableOp>(write.getVariable());
      if (place.region != *variable.getRegion() || place.offset != int64_t(*variable.getOffset()))
        return write.emitOpError() << "expected '" << write.getVariable() << "' to lie at " << place.offset
                                   << " in region '" << place.region << "', behind those that are written with it";
    }
    return success();
  }

  SmallVector<Memory> locateAll(ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) { return locate(value); });
  }

  SmallVector<Value> slices(Location loc, ArrayRef<Memory> memory) {
    return llvm::map_to_vector(memory, [&](const Memory &m) -> Value {
      return exec::SliceOp::create(builder, loc, m.type, m.region, m.offset);
    });
  }

  void lowerLibrary(GroupOp group) {
    Location loc = group.getLoc();
    auto plan = symbols.lookup<exec::PlanOp>(*group.getPlan());
    SmallVector<Value> inputs = libraryInputs(group, plan.getSwapped());
    Memory scratchpad = inArena(group.getScratchpadOffset().value_or(0), int64_t(group.getScratchpad().value_or(0)),
                                builder.getI8Type());
    SmallVector<Value> ins = slices(loc, locateAll(inputs)), outs = slices(loc, locateAll(group.getOutputs()));
    auto launch = exec::LibraryOp::create(builder, loc, *group.getPlan(), ins, outs, slices(loc, scratchpad).front());
    setPath(launch, getPath(group));
    int64_t bytes = 0;
    for (ValueRange values : {ValueRange(inputs), ValueRange(group.getOutputs())})
      for (Value value : values)
        bytes += bytesOf(value);
    setLaunchCost(launch, {countFlops(group), bytes});
  }

  LogicalResult lowerKernel(GroupOp group) {
    FailureOr<SmallVector<KernelLaunch, 2>> launches = kernels.get(group);
    if (failed(launches))
      return failure();
    int64_t scratch = group.getScratchpadOffset().value_or(0);
    DenseMap<Value, Memory> partials;
    for (const KernelLaunch &launch : *launches) {
      SmallVector<Memory> operands;
      LaunchCost cost{launch.flops, 0};
      for (Value value : launch.operands) {
        if (value.getParentBlock() != &group.getBody().front()) {
          operands.push_back(locate(value));
          cost.bytes += bytesTouched(group, value);
          continue;
        }
        int64_t units = launches->front().units, channels = shapeOf(value)[0];
        auto [entry, isNew] = partials.try_emplace(value, inArena(scratch, {units, channels}, builder.getF32Type()));
        if (isNew)
          scratch += llvm::alignTo(units * channels * 4, kAlignment);
        operands.push_back(entry->second);
        // A launch that reads what it has written finds it in the cache.
        cost.bytes += units * channels * 4;
      }
      ArrayRef<Memory> all = operands;
      emit(group, launch.symbol, all.take_front(launch.reads), all.drop_front(launch.reads), launch.extents,
           launch.units, cost);
    }
    return success();
  }

  /// The memory of `values` as vectors, neighbours (up to alignment, where nothing lies) together.
  SmallVector<Memory> spansOf(ValueRange values) {
    SmallVector<Memory> spans = locateAll(values), joined;
    auto end = [](const Memory &m) {
      return m.offset + m.type.getNumElements() * elementBytes(m.type.getElementType());
    };
    llvm::stable_sort(spans, [](const Memory &a, const Memory &b) {
      return std::pair(a.region, a.offset) < std::pair(b.region, b.offset);
    });
    for (const Memory &span : spans) {
      Type element = span.type.getElementType();
      int64_t bytes = elementBytes(element);
      bool follows = !joined.empty() && joined.back().region == span.region &&
                     joined.back().type.getElementType() == element &&
                     int64_t(llvm::alignTo(end(joined.back()), parameterAlignment(bytes))) == span.offset;
      if (!follows)
        joined.push_back(span);
      joined.back().type = MemRefType::get((end(span) - joined.back().offset) / bytes, element);
    }
    return joined;
  }

  /// One launch per stretch of memory writes partial sums, one adds all of them.
  void lowerTotal(GroupOp group) {
    SmallVector<Memory> spans = spansOf(group.getInputs());
    Type f32 = builder.getF32Type();
    int64_t elements = 0, units = 0, scratch = *group.getScratchpadOffset();
    for (const Memory &span : spans)
      elements += span.type.getNumElements();
    int64_t chunk = cutCount(elements);
    for (const Memory &span : spans) {
      int64_t total = span.type.getNumElements(), parts = llvm::divideCeil(total, chunk);
      Type element = span.type.getElementType();
      emit(group, kernels.getTotal(group.getFirstOp(), element), span, inArena(scratch + units * 4, parts, f32),
           {total, chunk}, parts, {total, total * elementBytes(element) + parts * 4});
      units += parts;
    }
    Memory sum = locate(group.getOutputs().front());
    sum.type = MemRefType::get({1}, f32); // of one channel
    emit(group, kernels.getCombine(), inArena(scratch, {units, 1}, f32), sum, {units, 1}, 1, {units, units * 4 + 4});
  }

  /// A loss that is cut has the sums of its parts, and of the rows that count in them, where they are not known, added
  /// in a second launch.
  LogicalResult lowerLoss(GroupOp group) {
    FailureOr<SmallVector<KernelLaunch, 2>> launches = kernels.get(group);
    if (failed(launches))
      return failure();
    KernelLaunch &launch = launches->front();
    Reduction parts = cutLoss(group, target);
    if (parts.partials == 1)
      return lowerKernel(group);
    launch.extents[2] = parts.chunk;
    LaunchCost cost{launch.flops, 0};
    for (Value input : group.getInputs())
      cost.bytes += bytesTouched(group, input);
    SmallVector<Memory> sums = locateAll(group.getOutputs()), partials;
    Type f32 = builder.getF32Type();
    int64_t scratch = *group.getScratchpadOffset(), count = parts.partials, added = count * int64_t(sums.size());
    for (Memory &sum : sums) {
      partials.push_back(inArena(scratch, count, f32));
      scratch += llvm::alignTo(count * 4, kAlignment);
      sum.type = MemRefType::get({1}, f32); // of one channel
    }
    cost.bytes += added * 4;
    ValueRange reads = ArrayRef<Value>(launch.operands).take_front(launch.reads);
    emit(group, launch.symbol, locateAll(reads), partials, launch.extents, count, cost);
    for (Memory &partial : partials)
      partial.type = MemRefType::get({count, 1}, f32);
    emit(group, sums.size() == 1 ? kernels.getCombine() : kernels.getMeanLoss(), partials, sums, {count, 1}, 1,
         {added, (added + int64_t(sums.size())) * 4});
    return success();
  }

  void emit(GroupOp group, StringRef kernel, ArrayRef<Memory> ins, ArrayRef<Memory> outs, ArrayRef<int64_t> extents,
            int64_t units, LaunchCost cost) {
    SmallVector<Value> inSlices = slices(group.getLoc(), ins), outSlices = slices(group.getLoc(), outs);
    auto op = exec::KernelOp::create(builder, group.getLoc(), kernel, inSlices, outSlices, extents, units);
    setPath(op, getPath(group));
    setLaunchCost(op, cost);
  }

  /// Of the values themselves, without a format's padding.
  static int64_t bytesOf(Value value) {
    return *countElements(shapeOf(value)) * elementBytes(getElementTypeOrSelf(value.getType()));
  }

  func::FuncOp function;
  PlacementAnalysis &placements;
  KernelTable &kernels;
  SymbolTable &symbols;
  ArrayRef<StepField> fields;
  const Target &target;
  OpBuilder builder;
  LogicalResult status = success();
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
    auto fields = placeStepFields(module);
    if (failed(fields) || failed(placer.run()))
      return signalPassFailure();
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    placer.declareRegions(builder, arena);
    int64_t stepBytes = llvm::alignTo(fields->back().end(), kAlignment);
    exec::RegionOp::create(builder, module.getLoc(), "step", stepBytes);
    for (const StepField &field : *fields)
      exec::FieldOp::create(builder, module.getLoc(), field.name, "step", field.offset, field.type);

    SymbolTable symbols(module);
    KernelTable kernels(module, *target);
    for (func::FuncOp function : module.getOps<func::FuncOp>())
      if (failed(FunctionLowering(function, getChildAnalysis<PlacementAnalysis>(function), kernels, symbols, *fields,
                                  *target)
                     .run()))
        return signalPassFailure();
    annotate(module, placer.arenaBytes(), bound, placer.persistentBytes() + stepBytes);
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
