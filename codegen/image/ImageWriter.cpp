// SPDX-License-Identifier: Apache-2.0

#include "codegen/image/ImageWriter.h"
#include "dialect/EntryPoints.h"
#include "dialect/ExecMemory.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/LaunchCost.h"
#include "passes/LaunchShape.h"
#include "passes/Layouts.h"
#include "runtime/program/Kernels.h"
#include "runtime/program/ProgramFormat.h"
#include "runtime/support/Checksum.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <nlohmann/json.hpp>

using namespace mlir;
using Json = nlohmann::ordered_json;

namespace incept {

static_assert(kMostParts == program::kMostParts, "what passes make is what a runtime reads");

static_assert(program::kFlatUnit == kFlatUnit && program::kCombineUnit == kCombineUnit &&
                  program::kRowsUnit == kRowsUnit,
              "the runtime checks units");

namespace {

Json toJson(Attribute attribute) {
  return TypeSwitch<Attribute, Json>(attribute)
      .Case([](DictionaryAttr dictionary) {
        Json object = Json::object();
        for (NamedAttribute entry : dictionary)
          object[entry.getName().str()] = toJson(entry.getValue());
        return object;
      })
      .Case([](ArrayAttr array) {
        Json list = Json::array();
        for (Attribute element : array)
          list.push_back(toJson(element));
        return list;
      })
      .Case([](StringAttr text) { return Json(text.str()); })
      .Case([](BoolAttr value) { return Json(value.getValue()); })
      .Case([](UnitAttr) { return Json(true); })
      .Case([](IntegerAttr value) { return Json(value.getInt()); })
      .Case([](FloatAttr value) { return Json(value.getValueAsDouble()); })
      .Case([](DenseF64ArrayAttr values) { return Json(values.asArrayRef().vec()); })
      .Case([](DenseI64ArrayAttr values) { return Json(values.asArrayRef().vec()); })
      .Default([](Attribute) { return Json(); });
}

/// "file:line:col" of a location, empty where it is unknown.
std::string locationText(Location location) {
  if (auto file = location->findInstanceOf<FileLineColLoc>())
    return (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" + Twine(file.getColumn())).str();
  return "";
}

std::string elementName(Type type) {
  if (type.isF32() || type.isBF16() || type.isF16())
    return type.isF32() ? "f32" : type.isBF16() ? "bf16" : "f16";
  if (type.isUnsignedInteger(8))
    return "u8";
  if (type.isInteger(64))
    return type.isUnsignedInteger() ? "u64" : "i64";
  return "";
}

class ImageWriter {
public:
  ImageWriter(ModuleOp module, const ImageContents &contents) : module(module), symbols(module), contents(contents) {}

  LogicalResult fill() {
    header["format_version"] = program::kFormatVersion;
    header["network"] = text("incept.network");
    header["spec"] = {{"hash", text("incept.spec_hash")}, {"text", text("incept.spec_text")}};
    Json target = {{"kind", contents.target.kind}};
    for (const auto &[key, value] : contents.target.texts)
      target[key] = value;
    for (const auto &[key, value] : contents.target.numbers)
      target[key] = value;
    header["target"] = std::move(target);
    header["mode"] = text("incept.mode");
    std::string precision = text("incept.precision");
    header["precision"] = precision.empty() ? "f32" : precision;
    if (contents.tf32)
      header["tf32"] = *contents.tf32;
    for (StringRef key : {"batch_size", "classes", "macs"})
      header[key.str()] = number(("incept." + key).str());
    for (StringRef key : {"image", "normalization", "training", "memory"}) {
      auto attribute = module->getAttr(("incept." + key).str());
      header[key.str()] = attribute ? toJson(attribute) : Json::object();
    }
    if (auto labelMap = module->getAttr("incept.label_map"))
      header["label_map"] = toJson(labelMap);
    if (auto outputs = module->getAttr("incept.outputs"))
      header["outputs"] = toJson(outputs);
    auto trainingOnly = module->getAttr("incept.training_only");
    header["training_only"] = trainingOnly ? toJson(trainingOnly) : Json::array();
    header["keep_gradients"] = module->hasAttr("incept.keep_gradients");
    header["step"] = Json::array();
    for (exec::FieldOp field : module.getOps<exec::FieldOp>())
      header["step"].push_back({{"name", field.getName().str()},
                                {"offset", int64_t(field.getOffset())},
                                {"type", elementName(field.getType())}});
    writeRegions();
    if (failed(writeTensors()))
      return failure();
    writePlans();
    return writeEntries();
  }

  std::string finish() {
    uint64_t end = 0;
    Json blobs = Json::object();
    for (const Blob &blob : contents.blobs) {
      blobs[blob.name] = {{"offset", end}, {"bytes", blob.bytes.size()}};
      end = llvm::alignTo(end + blob.bytes.size(), program::kBlobAlignment);
    }
    header["blobs"] = std::move(blobs);
    std::string json = header.dump(-1, ' ', false, Json::error_handler_t::replace);
    // The header and what is before it end where a blob may begin.
    size_t padded = llvm::alignTo(json.size() + program::kPrefixBytes, program::kBlobAlignment) - program::kPrefixBytes;
    json.resize(padded, ' ');
    std::string image(program::kPrefixBytes, '\0');
    llvm::support::endian::write64le(image.data(), padded);
    image += json;
    for (const Blob &blob : contents.blobs) {
      image.resize(llvm::alignTo(image.size(), program::kBlobAlignment));
      image += blob.bytes;
    }
    std::string_view bytes = image;
    uint64_t checksum = Checksum().add(bytes.substr(0, 8)).add(bytes.substr(program::kPrefixBytes)).value();
    llvm::support::endian::write64le(image.data() + 8, checksum);
    return image;
  }

private:
  std::string text(StringRef name) {
    auto attribute = module->getAttrOfType<StringAttr>(name);
    return attribute ? attribute.str() : "";
  }

  int64_t number(StringRef name) {
    auto attribute = module->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getInt() : 0;
  }

  void writeRegions() {
    Json list = Json::array();
    for (exec::RegionOp region : module.getOps<exec::RegionOp>()) {
      regions[region.getSymName()] = list.size();
      list.push_back({{"name", region.getSymName().str()}, {"bytes", int64_t(region.getBytes())}});
    }
    header["regions"] = list;
  }

  LogicalResult writeTensors() {
    Json list = Json::array();
    int64_t parameters = 0, states = 0;
    for (VariableOp variable : module.getOps<VariableOp>()) {
      RankedTensorType type = variable.getTensorType();
      if (!variable.getRegion() || !variable.getOffset() || !variable.getBytes())
        return variable.emitOpError() << "has no place: expected the exec phase";
      if (variable.isParameter())
        parameters += type.getNumElements();
      if (variable.getKind() == VariableKind::State)
        states += type.getNumElements();
      auto layout = dyn_cast_or_null<LayoutAttr>(type.getEncoding());
      Json tensor = {{"name", variable.getSymName().str()},
                     {"kind", stringifyVariableKind(variable.getKind()).str()},
                     {"shape", type.getShape().vec()},
                     {"type", elementName(type.getElementType())},
                     {"region", regions.lookup(*variable.getRegion())},
                     {"offset", int64_t(*variable.getOffset())},
                     {"bytes", int64_t(*variable.getBytes())},
                     {"format", libraryFormat(layout).str()},
                     {"decay", variable.getDecay()}};
      if (variable.getInit())
        tensor["init"] = toJson(*variable.getInit());
      list.push_back(std::move(tensor));
    }
    header["tensors"] = list;
    header["parameters"] = parameters;
    header["states"] = states;
    return success();
  }

  void writePlans() {
    Json list = Json::array();
    for (exec::PlanOp plan : module.getOps<exec::PlanOp>()) {
      plans[plan.getSymName()] = list.size();
      Json object = {{"name", plan.getSymName().str()}, {"kind", stringifyPlanKind(plan.getKind()).str()}};
      object.update(toJson(plan.getConfig()));
      if (auto found = contents.serializedPlans.find(plan.getSymName()); found != contents.serializedPlans.end())
        object["serialized"] = {{"offset", found->second.first}, {"bytes", found->second.second}};
      list.push_back(std::move(object));
    }
    header["plans"] = list;
  }

  Json operands(ValueRange values) {
    Json list = Json::array();
    for (Value value : values) {
      auto slice = value.getDefiningOp<exec::SliceOp>();
      list.push_back({regions.lookup(slice.getRegion()), int64_t(slice.getOffset())});
    }
    return list;
  }

  /// The family that the runtime knows the kernel by: a kernel that is one op is called by its name. An op that the
  /// runtime does not know is "fixed": each list of extents has an entry of its own, which says what they mean.
  static StringRef familyOf(exec::KernelDefOp kernel) {
    if (kernel.getFamily() != KernelFamily::Opaque)
      return stringifyKernelFamily(kernel.getFamily());
    Operation &op = kernel.getBody().front().front();
    StringRef name = op.getName().stripDialect();
    return isa<InceptDialect>(op.getDialect()) && program::isKernelFamily(name.str()) ? name : "fixed";
  }

  Json describeFixed(exec::KernelOp launch, exec::KernelDefOp kernel, StringRef symbol) {
    KernelReach reach = kernel.getReach(launch.getExtents());
    Json lists[2] = {Json::array(), Json::array()};
    for (auto [index, operand, rows] : llvm::enumerate(launch.getOperands(), reach.operands))
      lists[index >= launch.getIns().size()].push_back(
          {elementName(cast<MemRefType>(operand.getType()).getElementType()),
           std::max<int64_t>(rows.rows - 1, 0) * rows.stride + rows.width});
    return {{"name", symbol.str()}, {"family", "fixed"}, {"inputs", lists[0]},
            {"outputs", lists[1]},  {"counts", 0},       {"extents", launch.getExtents().vec()},
            {"units", reach.units}};
  }

  /// What a launch of a kernel touches: Kernels.h of the runtime measures it.
  Json describeKernel(exec::KernelDefOp kernel, StringRef symbol, size_t parts) {
    auto describe = [](auto values) {
      Json list = Json::array();
      for (Value value : values) {
        auto type = cast<RankedTensorType>(value.getType());
        list.push_back({elementName(type.getElementType()), type.getRank()});
      }
      return list;
    };
    // Other families than these have no extents for counts.
    KernelFamily family = kernel.getFamily();
    bool isCounted = family == KernelFamily::Flat || family == KernelFamily::Combine;
    int64_t counts =
        llvm::count_if(kernel.getBody().front(), [](Operation &op) { return isa<CountedOpInterface>(op); });
    Json described = {{"name", symbol.str()},
                      {"family", familyOf(kernel).str()},
                      {"inputs", describe(kernel.getBody().getArguments())},
                      {"outputs", describe(kernel.getYield().getValues())},
                      {"counts", isCounted ? counts : 0}};
    if (parts > 1)
      described["parts"] = parts;
    return described;
  }

  /// The shape of a launch: that of its grid, or of one with a dimension, whose blocks are those of all parts. How each
  /// part runs is said by more extents then.
  static void writeShape(ArrayRef<int64_t> grid, ArrayRef<int64_t> block, Json &launch) {
    if (grid.size() > 3) {
      int64_t blocks = 0, threads = 0;
      for (size_t i = 0; i < grid.size(); i += 3) {
        blocks += grid[i] * grid[i + 1];
        threads = std::max(threads, block[i] * block[i + 1]);
        for (int64_t size : {grid[i], grid[i + 1], block[i], block[i + 1]})
          launch["extents"].push_back(size);
      }
      launch["grid"] = {blocks, 1, 1};
      launch["block"] = {threads, 1, 1};
      return;
    }
    launch["grid"] = grid.vec();
    launch["block"] = block.vec();
  }

  size_t partsOf(exec::KernelOp kernel) {
    return exec::partsOf(kernel, symbols.lookup<exec::KernelDefOp>(kernel.getKernel())).size();
  }

  Json kernelLaunch(exec::KernelOp kernel) {
    std::string symbol = kernel.getCodeSymbol(), key = symbol;
    auto definition = symbols.lookup<exec::KernelDefOp>(kernel.getKernel());
    bool isFixed = familyOf(definition) == "fixed";
    size_t parts = partsOf(kernel);
    if (isFixed)
      llvm::raw_string_ostream(key) << kernel.getExtentsAttr();
    auto [entry, isNew] = kernels.try_emplace(key, kernels.size());
    if (isNew) // in order of first use
      header["kernels"].push_back(isFixed ? describeFixed(kernel, definition, symbol)
                                          : describeKernel(definition, symbol, parts));
    Json launch = {{"kernel", entry->second},
                   {"operands", operands(kernel->getOperands())},
                   {"extents", kernel.getExtents().vec()}};
    if (kernel.getGrid())
      writeShape(*kernel.getGrid(), *kernel.getBlock(), launch);
    else
      launch["units"] = int64_t(kernel.getUnits());
    return launch;
  }

  /// Launches of several kernels that run in one.
  Json mixedLaunch(ArrayRef<exec::KernelOp> members) {
    std::string symbol = exec::codeSymbolOf(members);
    auto [entry, isNew] = kernels.try_emplace(symbol, kernels.size());
    SmallVector<Value> ins, outs;
    SmallVector<int64_t> extents, grid, block;
    for (exec::KernelOp member : members) {
      llvm::append_range(ins, member.getIns());
      llvm::append_range(outs, member.getOuts());
      llvm::append_range(extents, member.getExtents());
      llvm::append_range(grid, *member.getGrid());
      llvm::append_range(block, *member.getBlock());
    }
    if (isNew) {
      Json described = {{"name", symbol}, {"family", program::kMixedFamily}, {"members", Json::array()}};
      for (exec::KernelOp member : members)
        described["members"].push_back(describeKernel(symbols.lookup<exec::KernelDefOp>(member.getKernel()),
                                                      member.getCodeSymbol(), partsOf(member)));
      header["kernels"].push_back(std::move(described));
    }
    llvm::append_range(ins, outs);
    Json launch = {{"kernel", entry->second}, {"operands", operands(ins)}, {"extents", ArrayRef(extents).vec()}};
    writeShape(grid, block, launch);
    return launch;
  }

  /// What launches that run in one are in the description, and their costs.
  static void describeOps(ArrayRef<Operation *> ops, Json &launch) {
    LaunchCost cost = launchCost(ops);
    launch["op"] = exec::pathOf(ops).str();
    launch["loc"] = locationText(ops.front()->getLoc());
    launch["flops"] = cost.flops;
    launch["bytes"] = cost.bytes;
  }

  LogicalResult writeEntries() {
    Json entries = Json::object();
    header["kernels"] = Json::array();
    for (func::FuncOp function : module.getOps<func::FuncOp>()) {
      auto entry = entryOf(function);
      if (!entry)
        return function.emitOpError() << "has no incept.entry that says when the runtime runs it";
      Json launches = Json::array();
      for (Operation &op : function.getBody().front()) {
        if (isa<exec::SliceOp, func::ReturnOp>(op))
          continue;
        Json launch;
        SmallVector<Operation *> ops = {&op};
        if (auto kernel = dyn_cast<exec::KernelOp>(op)) {
          if (!kernel.getGrid() && partsOf(kernel) > 1)
            return kernel.emitOpError() << "has several parts: expected a target that launches grids";
          if (kernel.getWithNext() && !contents.launchesGrids)
            return kernel.emitOpError() << "runs in one launch with the next: expected a target that launches grids";
          if (exec::isContinuation(kernel))
            continue;
          SmallVector<exec::KernelOp, 1> members = exec::launchOf(kernel);
          ops.append(members.begin() + 1, members.end());
          launch = members.size() > 1 ? mixedLaunch(members) : kernelLaunch(kernel);
        } else if (auto library = dyn_cast<exec::LibraryOp>(op))
          launch = {{"plan", plans.lookup(library.getPlan())}, {"operands", operands(library->getOperands())}};
        else
          return op.emitOpError() << "is no launch: expected the exec phase";
        describeOps(ops, launch);
        launches.push_back(std::move(launch));
      }
      entries[stringifyEntryPoint(*entry).str()] = std::move(launches);
    }
    header["entries"] = std::move(entries);
    return success();
  }

  ModuleOp module;
  SymbolTable symbols;
  const ImageContents &contents;
  Json header;
  llvm::StringMap<size_t> regions, plans, kernels;
};

} // namespace

LogicalResult verifyProgram(ModuleOp module) {
  auto mode = module->getAttrOfType<StringAttr>("incept.mode");
  if (!mode)
    return module.emitError() << "expected incept.mode in a program";
  SmallVector<EntryPoint> entries = {EntryPoint::StageU8, EntryPoint::StageF32, EntryPoint::PrepareInference,
                                     EntryPoint::Infer};
  if (mode.getValue() == "train")
    entries.append({EntryPoint::ForwardBackward, EntryPoint::Update});
  for (EntryPoint entry : entries)
    if (!findEntry(module, entry))
      return module.emitError() << "expected a function for entry point " << stringifyEntryPoint(entry)
                                << " in a program";
  auto number = [](DictionaryAttr dictionary, StringRef key) {
    auto attribute = dictionary ? dictionary.getAs<IntegerAttr>(key) : IntegerAttr();
    return attribute ? attribute.getInt() : 0;
  };
  auto image = module->getAttrOfType<DictionaryAttr>("incept.image");
  int64_t batch = number(module->getAttrDictionary(), "incept.batch_size");
  int64_t classes = number(module->getAttrDictionary(), "incept.classes");
  int64_t c = number(image, "channels"), h = number(image, "height"), w = number(image, "width");
  if (std::min({batch, classes, c, h, w}) < 1)
    return module.emitError() << "expected positive incept.batch_size, incept.classes and incept.image in a program";
  int64_t rows = batch;
  if (auto labelMap = module->getAttrOfType<DictionaryAttr>("incept.label_map")) {
    rows = saturatingProduct(
        {batch, std::max<int64_t>(number(labelMap, "height"), 0), std::max<int64_t>(number(labelMap, "width"), 0)});
    if (rows < 1)
      return module.emitError() << "expected incept.label_map with a positive height and width in a program";
  }
  auto memory = module->getAttrOfType<DictionaryAttr>("incept.memory");
  for (StringRef key : {"arena_bytes", "persistent_bytes", "peak_bytes", "lower_bound_bytes"}) {
    auto bytes = memory ? memory.getAs<IntegerAttr>(key) : IntegerAttr();
    if (!bytes || bytes.getInt() < 0)
      return module.emitError() << "expected incept.memory with " << key << " in a program";
  }
  Builder builder(module.getContext());
  Type f32 = builder.getF32Type(), u8 = builder.getIntegerType(8, /*isSigned=*/false), i64 = builder.getI64Type();
  SymbolTable symbols(module);
  SmallVector<std::tuple<std::string, SmallVector<int64_t>, Type>> needed = {
      {program::kU8Images, {batch, h, w, c}, u8},
      {program::kF32Images, {batch, c, h, w}, f32},
      {program::kLabels, {rows}, i64},
      {program::kLoss, {}, f32},
      {program::kLogits, {rows, classes}, f32}};
  if (auto outputs = module->getAttrOfType<ArrayAttr>("incept.outputs"))
    for (auto [index, output] : llvm::enumerate(outputs.getAsValueRange<StringAttr>())) {
      if (index > 0)
        needed.push_back({program::kLogits + ("/" + output).str(), {rows, classes}, f32});
      if (outputs.size() > 1 && findEntry(module, EntryPoint::ForwardBackward))
        needed.push_back({program::kLoss + ("/" + output).str(), {}, f32});
    }
  for (auto &[name, shape, element] : needed) {
    auto variable = symbols.lookup<VariableOp>(name);
    auto expected = RankedTensorType::get(shape, element);
    if (!variable)
      return module.emitError() << "expected a variable '" << name << "' : " << expected << " in a program";
    RankedTensorType type = variable.getTensorType();
    if (type.getShape() != ArrayRef(shape) || type.getElementType() != element)
      return variable.emitOpError() << "expected " << expected << " in a program, but got " << type;
  }
  for (VariableOp variable : module.getOps<VariableOp>()) {
    RankedTensorType type = variable.getTensorType();
    if (elementName(type.getElementType()).empty() ||
        llvm::any_of(type.getShape(), [](int64_t size) { return size < 1; }))
      return variable.emitOpError()
             << "expected elements of type f32, bf16, f16, i64 or ui8 in a program, and at least "
                "one, but got "
             << type;
  }
  return success();
}

FailureOr<std::string> writeImage(ModuleOp module, const ImageContents &contents) {
  ImageWriter writer(module, contents);
  if (failed(writer.fill()))
    return failure();
  return writer.finish();
}

} // namespace incept
