// SPDX-License-Identifier: Apache-2.0
//
// Checks the contract of a phase, so that a bug of one phase shows there and not in generated code, and marks the
// module with the phase's name. What the memory plan promises is in VerifyMemory.cpp.

#include "passes/VerifyPhase.h"
#include "dialect/EntryPoints.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/Verifier.h"
#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/Phases.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_VERIFYPHASEPASS
#include "passes/Passes.h.inc"

namespace {

/// Sets of phases.
constexpr unsigned bit(Phase phase) { return 1u << static_cast<unsigned>(phase); }
constexpr unsigned kGraph = bit(Phase::Graph), kTraining = bit(Phase::Training), kExec = bit(Phase::Exec);
constexpr unsigned kPlanning = bit(Phase::Layout) | bit(Phase::Planned), kGrouped = bit(Phase::Fused) | kPlanning;
constexpr unsigned kTensors = kTraining | kGrouped, kAll = kGraph | kTensors | kExec;

/// The phases in which an op may stand in a place.
struct Rule {
  StringRef op;
  unsigned phases;
};

constexpr Rule kOfModule[] = {
    {"func.func", kAll},
    {"incept.variable", kAll},
    {"incept.step_field", kTensors},
    {"incept.exec.plan", kPlanning | kExec},
    {"incept.exec.region", kExec},
    {"incept.exec.field", kExec},
    {"incept.exec.kernel_def", kExec},
};

/// Of functions, and of the blocks of a description. Ops that compute and are not listed belong to phase training.
constexpr Rule kOfFunctions[] = {
    {"func.return", kAll},
    {"incept.read", kGraph | kTensors},
    {"incept.write", kTensors},
    {"incept.step_value", kTensors},
    {"incept.block", kGraph},
    {"incept.yield", kGraph},
    {"incept.group", kGrouped},
    {"incept.exec.slice", kExec},
    {"incept.exec.kernel", kExec},
    {"incept.exec.library", kExec},
    // What a description consists of.
    {"incept.conv2d", kGraph | kTraining},
    {"incept.conv2d_backward_data", kGraph | kTraining}, // a transposed convolution
    {"incept.linear", kGraph | kTraining},
    {"incept.batch_norm", kGraph},
    {"incept.random_drop", kGraph},
    {"incept.relu", kGraph | kTraining},
    {"incept.activate", kGraph | kTraining},
    {"incept.max_pool", kGraph | kTraining},
    {"incept.avg_pool", kGraph | kTraining},
    {"incept.global_avg_pool", kGraph | kTraining},
    {"incept.adaptive_avg_pool", kGraph | kTraining},
    {"incept.resize", kGraph | kTraining},
    {"incept.normalize_pixels", kGraph | kTraining},
    {"incept.add_bias", kGraph | kTraining},
    {"incept.normalize_groups", kGraph | kTraining},
    {"incept.local_response_norm", kGraph | kTraining},
    {"incept.softmax", kGraph | kTraining},
    {"incept.channel_affine", kGraph | kTraining},
    {"incept.channel_shuffle", kGraph | kTraining},
    {"incept.flatten_pixels", kGraph | kTraining},
    {"incept.add", kGraph | kTraining},
    {"incept.multiply", kGraph | kTraining},
    {"incept.gate", kGraph | kTraining},
    {"incept.scale", kGraph | kTraining},
    {"incept.zeros", kGraph | kTraining},
    // Parts of tensors: computed, until they are places in a buffer.
    {"incept.concat", kGraph | kTraining},
    {"incept.slice", kGraph | kTraining},
    {"incept.split", kGraph | kTraining},
    {"incept.flatten", kGraph | kTensors},
    {"incept.pixel_rows", kGraph | kTensors},
    {"incept.join_rows", kTensors},
    {"incept.slice_rows", kTensors},
    {"incept.channel_sample", kTensors},
    {"incept.concat_view", kGrouped},
    {"incept.slice_view", kGrouped},
};

bool computes(Operation *op) {
  return op->hasTrait<OpTrait::Map>() || op->hasTrait<OpTrait::Reduce>() || op->hasTrait<OpTrait::Opaque>() ||
         op->hasTrait<OpTrait::Library>();
}

/// The phases in which `op` may stand in a function. A description may have computing ops of other dialects.
unsigned phasesOf(Operation *op) {
  StringRef name = op->getName().getStringRef();
  if (const Rule *rule = llvm::find_if(kOfFunctions, [&](const Rule &rule) { return rule.op == name; });
      rule != std::end(kOfFunctions))
    return rule->phases;
  bool isOurs = isa_and_nonnull<InceptDialect>(op->getDialect());
  if (op->hasTrait<OpTrait::View>())
    return isOurs ? 0 : kGraph | kTensors;
  return computes(op) ? (isOurs ? kTraining : kGraph | kTraining) : 0;
}

LogicalResult refuse(Operation *op, Phase phase) {
  return op->emitOpError() << "does not belong to phase " << phaseName(phase);
}

/// A variable is written at most once, after all reads of it: a read always means the value from before the launch.
LogicalResult verifyVariableUses(func::FuncOp function, SymbolTable &symbols) {
  llvm::StringMap<WriteOp> written;
  for (Operation &op : function.getBody().front()) {
    auto read = dyn_cast<ReadOp>(op);
    auto write = dyn_cast<WriteOp>(op);
    if (!read && !write)
      continue;
    StringRef variable = read ? read.getVariable() : write.getVariable();
    // What is derived lies where training overwrites it.
    bool isDerived = symbols.lookup<VariableOp>(variable).getKind() == VariableKind::Derived;
    if (isDerived && entryOf(function) != (read ? EntryPoint::Infer : EntryPoint::PrepareInference))
      return op.emitOpError() << "expected variable '" << variable
                              << "', which is derived, to be written by prepare_inference and read by infer only";
    if (auto found = written.find(variable); found != written.end()) {
      auto diagnostic = op.emitOpError() << "expected at most one write of variable '" << variable
                                         << "' in a function, after all reads";
      diagnostic.attachNote(found->second.getLoc()) << "written here";
      return diagnostic;
    }
    if (write)
      written[variable] = write;
  }
  return success();
}

/// What infer reads of derived variables, prepare_inference has written.
LogicalResult verifyDerived(ModuleOp module, SymbolTable &symbols) {
  func::FuncOp prepare = findEntry(module, EntryPoint::PrepareInference), infer = findEntry(module, EntryPoint::Infer);
  llvm::StringSet<> written;
  if (prepare)
    for (WriteOp write : prepare.getOps<WriteOp>())
      written.insert(write.getVariable());
  if (infer)
    for (ReadOp read : infer.getOps<ReadOp>())
      if (symbols.lookup<VariableOp>(read.getVariable()).getKind() == VariableKind::Derived &&
          !written.contains(read.getVariable()))
        return read.emitOpError() << "expected variable '" << read.getVariable()
                                  << "', which is derived, to be written by prepare_inference";
  return success();
}

/// In the graph phase the one function is the network; later each is what the runtime runs for one entry point.
LogicalResult verifyFunctions(ModuleOp module, Phase phase) {
  auto functions = module.getOps<func::FuncOp>();
  for (func::FuncOp function : functions)
    if (!llvm::hasSingleElement(function.getBody()))
      return function.emitOpError() << "expected a body of one block";
  if (phase == Phase::Graph) {
    if (!llvm::hasSingleElement(functions))
      return module.emitError() << "expected one function in phase graph, the network";
    for (VariableOp variable : module.getOps<VariableOp>())
      if (variable.getKind() != VariableKind::Parameter && variable.getKind() != VariableKind::State)
        return variable.emitOpError() << "expected a parameter or a state in phase graph, but got a variable of kind "
                                      << stringifyVariableKind(variable.getKind());
    return success();
  }
  llvm::SmallDenseMap<unsigned, func::FuncOp> seen;
  for (func::FuncOp function : functions) {
    auto entry = entryOf(function);
    if (!entry)
      return function.emitOpError() << "expected incept.entry, which says what the runtime runs it for";
    if (function.getNumArguments() + function.getNumResults() > 0)
      return function.emitOpError() << "expected no arguments and results, but got " << function.getFunctionType()
                                    << ": read and write variables instead";
    auto [first, isNew] = seen.try_emplace(static_cast<unsigned>(*entry), function);
    if (!isNew) {
      auto diagnostic = function.emitOpError()
                        << "expected one function for entry point " << stringifyEntryPoint(*entry);
      diagnostic.attachNote(first->second.getLoc()) << "the first one";
      return diagnostic;
    }
  }
  return success();
}

/// The layout of a value is one that its shape can have and that its place in a wider buffer asks for.
LogicalResult verifyLayout(Operation *op, Value value, const Target &target, PlacementAnalysis &placements) {
  LayoutAttr layout = layoutOf(value);
  if (!layout)
    return op->emitOpError() << "has a result without a layout in phase layout";
  auto type = cast<RankedTensorType>(value.getType());
  Placement placement = placements.of(value);
  ArrayRef<int64_t> shape = type.getShape(), root = shapeOf(placement.root);
  bool isPart = shape.size() == 4 && root.size() == 4 && placement.root != value &&
                (root[1] != shape[1] || placement.channelOffset != 0);
  int64_t stride = isPart ? root[1] : 0, offset = isPart ? placement.channelOffset : 0;
  if (layout.getStride() != stride || layout.getOffset() != offset)
    return op->emitOpError() << "expected " << (isPart ? "channels " : "a dense layout")
                             << (isPart ? std::to_string(offset) + " on of " + std::to_string(stride) : "")
                             << ", where it lies, but got " << layout;
  if (failed(target.formatBytes(shape, type.getElementType(), libraryFormat(layout))))
    return op->emitOpError() << "expected a format that the target knows for " << formatShape(shape) << ", but got "
                             << layout;
  return success();
}

/// Rows that are told apart in a tensor lie together in its format: it may keep blocks of rows.
LogicalResult verifyRows(Operation *op, Value whole, int64_t begin, Value part, const Target &target) {
  StringRef format = libraryFormat(layoutOf(whole));
  int64_t rows = shapeOf(part)[0], total = shapeOf(whole)[0];
  std::string expected;
  if (!format.empty())
    for (int64_t boundary : {begin, begin + rows, rows}) {
      auto prefix = boundary == 0 || boundary == total ? FailureOr<std::string>(format.str())
                                                       : target.rowsFormat(format, boundary);
      if (failed(prefix))
        return op->emitOpError() << "expected rows that lie together in " << layoutOf(whole) << ", but got " << rows
                                 << " from row " << begin << " on";
      if (succeeded(prefix) && boundary == rows)
        expected = *prefix;
    }
  if (libraryFormat(layoutOf(part)) != StringRef(expected))
    return op->emitOpError() << "expected " << rows << " rows of " << layoutOf(whole) << " in format '" << expected
                             << "', but got " << layoutOf(part);
  return success();
}

/// verifyRows for an op that joins rows or takes some.
LogicalResult verifyRowsOf(Operation *op, const Target &target) {
  if (auto slice = dyn_cast<SliceRowsOp>(op))
    return verifyRows(op, slice.getSrc(), int64_t(slice.getOffset()), slice.getDst(), target);
  auto join = dyn_cast<JoinRowsOp>(op);
  int64_t begin = 0;
  for (Value src : join ? join.getSrcs() : ValueRange()) {
    if (failed(verifyRows(op, join.getDst(), begin, src, target)))
      return failure();
    begin += shapeOf(src)[0];
  }
  return success();
}

/// A variable's memory is in one format for all who read and write it.
LogicalResult verifyFormat(Operation *op, StringRef name, Value value, SymbolTable &symbols) {
  auto variable = symbols.lookup<VariableOp>(name);
  auto layout = dyn_cast_or_null<LayoutAttr>(variable.getTensorType().getEncoding());
  if (layout == layoutOf(value))
    return success();
  auto diagnostic = op->emitOpError() << "expected the variable's layout, but got " << layoutOf(value);
  diagnostic.attachNote(variable.getLoc()) << "variable of type " << variable.getType();
  return diagnostic;
}

/// A kernel works on NHWC, or element by element on what lies in one order; a library's call has its plan.
LogicalResult verifyGroup(GroupOp group, const Target &target, SymbolTable &symbols) {
  if (group.isLibrary()) {
    if (!group.getPlan())
      return group.emitOpError() << "has no plan in phase layout";
    std::string why;
    if (failed(target.verifyPlanOf(group.getFirstOp(), symbols.lookup<exec::PlanOp>(*group.getPlan()), why)))
      return group.emitOpError() << "expected a plan that computes it, but with '" << *group.getPlan() << "' " << why;
    return success();
  }
  for (ValueRange values : {ValueRange(group.getInputs()), ValueRange(group.getOutputs())})
    for (Value value : values)
      if (isBlockedFormat(layoutOf(value).getFormat()))
        return group.emitOpError() << "expected no tensor in blocks of channels in a kernel, which works on NHWC";
  if (group.getFirstOp()->hasTrait<OpTrait::Opaque>()) // images are brought into the program's order by such ops
    return success();
  StringRef format;
  for (ValueRange values : {ValueRange(group.getInputs()), ValueRange(group.getOutputs())})
    for (Value value : values) {
      if (shapeOf(value).size() != 4)
        continue;
      if (!format.empty() && layoutOf(value).getFormat() != format)
        return group.emitOpError() << "expected tensors that lie in one order in a kernel, but got '" << format
                                   << "' and '" << layoutOf(value).getFormat() << "'";
      format = layoutOf(value).getFormat();
    }
  return success();
}

struct VerifyPhasePass : impl::VerifyPhasePassBase<VerifyPhasePass> {
  using Base::Base;

  void runOnOperation() override {
    std::optional<Phase> parsed = parsePhase(phase);
    if (!parsed) {
      getOperation().emitError() << "expected the name of a phase, but got '" << phase << "'";
      return signalPassFailure();
    }
    ModuleOp module = getOperation();
    // Nobody else may have asked: the compiler verifies once a phase.
    if (failed(verify(module)) || failed(verifyPlaces(module, *parsed)) || failed(verifyFunctions(module, *parsed)))
      return signalPassFailure();
    SymbolTable symbols(module);
    for (func::FuncOp function : module.getOps<func::FuncOp>())
      if (failed(verifyVariableUses(function, symbols)))
        return signalPassFailure();
    if (failed(verifyDerived(module, symbols)))
      return signalPassFailure();
    if ((bit(*parsed) & (kPlanning | kExec)) && failed(verifyPlanning(module, *parsed)))
      return signalPassFailure();
    module->setAttr(InceptDialect::kPhaseAttr, StringAttr::get(&getContext(), phase));
    markAllAnalysesPreserved();
  }

  /// Tensors of a program have sizes.
  static LogicalResult verifyType(OpResult result) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type || type.hasStaticShape())
      return success();
    return result.getOwner()->emitOpError()
           << "expected a tensor of known sizes, but result " << result.getResultNumber() << " is " << type;
  }

  static LogicalResult verifyPlaces(ModuleOp module, Phase phase) {
    bool ok = true;
    for (Operation &op : *module.getBody()) {
      StringRef name = op.getName().getStringRef();
      const Rule *rule = llvm::find_if(kOfModule, [&](const Rule &rule) { return rule.op == name; });
      if (rule == std::end(kOfModule) || !(rule->phases & bit(phase)))
        ok &= succeeded(refuse(&op, phase));
    }
    // What groups and kernels may hold is theirs to verify.
    for (func::FuncOp function : module.getOps<func::FuncOp>())
      function.walk([&](Operation *op) {
        if (op == function)
          return;
        if (!isa<GroupOp>(op->getParentOp()) && !(phasesOf(op) & bit(phase)))
          ok &= succeeded(refuse(op, phase));
        else
          ok &= llvm::all_of(op->getResults(), [](OpResult result) { return succeeded(verifyType(result)); });
      });
    return success(ok);
  }

  LogicalResult verifyPlanning(ModuleOp module, Phase phase) {
    const Target *target = findTarget(module);
    if (!target)
      return failure();
    if (phase == Phase::Exec)
      return verifyExec(module, *target);
    SymbolTable symbols(module);
    for (func::FuncOp function : module.getOps<func::FuncOp>()) {
      PlacementAnalysis &placements = getChildAnalysis<PlacementAnalysis>(function);
      for (Operation &op : function.getBody().front()) {
        for (Value result : op.getResults())
          if (failed(verifyLayout(&op, result, *target, placements)))
            return failure();
        if (failed(verifyRowsOf(&op, *target)))
          return failure();
        if (auto group = dyn_cast<GroupOp>(op); group && failed(verifyGroup(group, *target, symbols)))
          return failure();
        if (auto read = dyn_cast<ReadOp>(op);
            read && failed(verifyFormat(read, read.getVariable(), read.getValue(), symbols)))
          return failure();
        if (auto write = dyn_cast<WriteOp>(op);
            write && failed(verifyFormat(write, write.getVariable(), write.getValue(), symbols)))
          return failure();
      }
      if (phase == Phase::Planned && failed(verifyMemory(function, *target, placements)))
        return failure();
    }
    return success();
  }
};

} // namespace
} // namespace incept
