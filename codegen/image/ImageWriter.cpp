// SPDX-License-Identifier: Apache-2.0

#include "codegen/image/ImageWriter.h"
#include "dialect/EntryPoints.h"
#include "dialect/ExecMemory.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/LaunchCost.h"
#include "passes/LaunchShape.h"
#include "passes/Layouts.h"
#include "runtime/program/ProgramFormat.h"
#include "runtime/support/Checksum.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <nlohmann/json.hpp>

using namespace mlir;
using Json = nlohmann::ordered_json;

namespace incept {

static_assert(program::kFlatUnit == kFlatUnit && program::kCombineUnit == kCombineUnit, "the runtime checks units");

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
  ImageWriter(ModuleOp module, const ImageContents &contents) : module(module), contents(contents) {}

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

  Json operands(ValueRange values, bool withSizes = false) {
    Json list = Json::array();
    for (Value value : values) {
      auto slice = value.getDefiningOp<exec::SliceOp>();
      list.push_back({regions.lookup(slice.getRegion()), int64_t(slice.getOffset())});
      std::string ignored; // a slice has one: its verifier
      if (withSizes)
        list.back().push_back(exec::footprintOf(slice.getType(), ignored)->bytes());
    }
    return list;
  }

  /// True of a kernel that is one op of another dialect, which the runtime cannot measure.
  static bool isForeign(exec::KernelDefOp kernel) {
    return kernel.getFamily() == KernelFamily::Opaque &&
           !isa<InceptDialect>(kernel.getBody().front().front().getDialect());
  }

  /// What a launch of a kernel touches: Kernels.h of the runtime measures it.
  Json describeKernel(exec::KernelDefOp kernel, StringRef symbol) {
    auto describe = [](auto values) {
      Json list = Json::array();
      for (Value value : values) {
        auto type = cast<RankedTensorType>(value.getType());
        list.push_back({elementName(type.getElementType()), type.getRank()});
      }
      return list;
    };
    // A kernel that is one op is called by its name. Other families than these have no extents for counts.
    Block &body = kernel.getBody().front();
    KernelFamily family = kernel.getFamily();
    OperationName op = body.front().getName();
    StringRef name = family != KernelFamily::Opaque ? stringifyKernelFamily(family)
                     : isForeign(kernel)            ? op.getStringRef()
                                                    : op.stripDialect();
    bool isCounted = family == KernelFamily::Flat || family == KernelFamily::Combine;
    int64_t counts = llvm::count_if(body, [](Operation &op) { return isa<CountedOpInterface>(op); });
    return {{"name", symbol.str()},
            {"family", name.str()},
            {"inputs", describe(kernel.getBody().getArguments())},
            {"outputs", describe(kernel.getYield().getValues())},
            {"counts", isCounted ? counts : 0}};
  }

  Json kernelLaunch(exec::KernelOp kernel) {
    auto definition = SymbolTable::lookupNearestSymbolFrom<exec::KernelDefOp>(kernel, kernel.getKernelAttr());
    std::string symbol = kernel.getCodeSymbol();
    auto [entry, isNew] = kernels.try_emplace(symbol, kernels.size());
    if (isNew) // in order of first use
      header["kernels"].push_back(describeKernel(definition, symbol));
    Json launch = {{"kernel", entry->second},
                   {"operands", operands(kernel->getOperands(), isForeign(definition))},
                   {"extents", kernel.getExtents().vec()}};
    if (kernel.getGrid()) {
      launch["grid"] = kernel.getGrid()->vec();
      launch["block"] = kernel.getBlock()->vec();
    } else {
      launch["units"] = int64_t(kernel.getUnits());
    }
    return launch;
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
        if (auto kernel = dyn_cast<exec::KernelOp>(op))
          launch = kernelLaunch(kernel);
        else if (auto library = dyn_cast<exec::LibraryOp>(op))
          launch = {{"plan", plans.lookup(library.getPlan())}, {"operands", operands(library->getOperands())}};
        else
          return op.emitOpError() << "is no launch: expected the exec phase";
        launch["op"] = getPath(&op).str();
        launch["loc"] = locationText(op.getLoc());
        LaunchCost cost = launchCost(&op);
        launch["flops"] = cost.flops;
        launch["bytes"] = cost.bytes;
        launches.push_back(std::move(launch));
      }
      entries[stringifyEntryPoint(*entry).str()] = std::move(launches);
    }
    header["entries"] = std::move(entries);
    return success();
  }

  ModuleOp module;
  const ImageContents &contents;
  Json header;
  llvm::StringMap<size_t> regions, plans, kernels;
};

} // namespace

FailureOr<std::string> writeImage(ModuleOp module, const ImageContents &contents) {
  ImageWriter writer(module, contents);
  if (failed(writer.fill()))
    return failure();
  return writer.finish();
}

} // namespace incept
