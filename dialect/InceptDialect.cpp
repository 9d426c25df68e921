// SPDX-License-Identifier: Apache-2.0
//
// Registration of the dialect, and the attributes' text forms.

#include "dialect/InceptDialect.h"
#include "dialect/InceptOps.h"
#include "dialect/TileOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using llvm::StringLiteral;

#include "dialect/InceptDialect.cpp.inc"
#include "dialect/InceptEnums.cpp.inc"
#include "dialect/InceptInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/InceptAttrs.cpp.inc"

namespace incept {

void InceptDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/InceptAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/InceptOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/InceptTileOps.cpp.inc"
      >();
  // Fulfilled by registerGradientRules (passes/GradientRules.h): forgetting to call it is an error that says so.
  declarePromisedInterfaces<Differentiable, ActivateOp, AdaptiveAvgPoolOp, AddOp, AddBiasOp, AvgPoolOp,
                            BatchNormTrainingOp, CastOp, ChannelAffineOp, ChannelShuffleOp, ConcatOp, Conv2DOp,
                            Conv2DBackwardDataOp, DropoutOp, FlattenOp, FlattenPixelsOp, GateOp, GlobalAvgPoolOp,
                            LinearOp, LocalResponseNormOp, MaxPoolWithIndexOp, MultiplyOp, NormalizeGroupsOp,
                            NormalizePixelsOp, PixelRowsOp, ReluOp, ResizeOp, ScaleOp, ScaleShiftOp, SoftmaxOp>();
}

namespace {

/// A discardable attribute: where it may stand and what it is.
struct AttributeRule {
  StringRef name;
  enum { Module, Function, Any } place;
  bool (*accepts)(Attribute);
  StringRef expected;
};

template <typename... Types>
bool is(Attribute attribute) {
  return isa<Types...>(attribute);
}
bool isI64(Attribute attribute) {
  auto value = dyn_cast<IntegerAttr>(attribute);
  return value && value.getType().isInteger(64);
}
bool isCount(Attribute attribute) { return isI64(attribute) && cast<IntegerAttr>(attribute).getInt() >= 0; }
bool isText(Attribute attribute) {
  auto text = dyn_cast<StringAttr>(attribute);
  return text && !text.empty();
}
template <const StringLiteral *first, size_t count>
bool isOneOf(Attribute attribute) {
  auto text = dyn_cast<StringAttr>(attribute);
  return text && llvm::is_contained(ArrayRef(first, count), text.getValue());
}
constexpr StringLiteral kPhaseNames[] = {"graph", "training", "fused", "layout", "planned", "exec"};
constexpr StringLiteral kModes[] = {"train", "infer"};
constexpr StringLiteral kPrecisions[] = {"f32", "bf16", "f16"};

constexpr AttributeRule kAttributes[] = {
    {"path", AttributeRule::Any, isText, "a string that is not empty"},
    {"candidates", AttributeRule::Any, isText, "a string that is not empty"},
    {"apart", AttributeRule::Any, isText, "a string that is not empty"},
    {"statistics", AttributeRule::Any, isText, "a string that is not empty"},
    {"norm_gradient", AttributeRule::Any, isText, "a string that is not empty"},
    {"normalized", AttributeRule::Any, isText, "a string that is not empty"},
    {"with_next", AttributeRule::Any, is<UnitAttr>, "a unit attribute"},
    {"flops", AttributeRule::Any, isCount, "an i64 that is not negative"},
    {"bytes", AttributeRule::Any, isCount, "an i64 that is not negative"},
    {"phase", AttributeRule::Module, isOneOf<kPhaseNames, 6>, "the name of a phase"},
    {"mode", AttributeRule::Module, isOneOf<kModes, 2>, "\"train\" or \"infer\""},
    {"precision", AttributeRule::Module, isOneOf<kPrecisions, 3>, "\"f32\", \"bf16\" or \"f16\""},
    {"target", AttributeRule::Module, is<TargetAttr>, "#incept.target<...>"},
    {"network", AttributeRule::Module, is<StringAttr>, "a string"},
    {"spec_text", AttributeRule::Module, is<StringAttr>, "a string"},
    {"spec_hash", AttributeRule::Module, is<StringAttr>, "a string"},
    {"training", AttributeRule::Module, is<DictionaryAttr>, "a dictionary"},
    {"normalization", AttributeRule::Module, is<DictionaryAttr>, "a dictionary"},
    {"image", AttributeRule::Module, is<DictionaryAttr>, "a dictionary"},
    {"label_map", AttributeRule::Module, is<DictionaryAttr>, "a dictionary"},
    {"memory", AttributeRule::Module, is<DictionaryAttr>, "a dictionary"},
    {"macs", AttributeRule::Module, isCount, "an i64 that is not negative"},
    {"batch_size", AttributeRule::Module, isI64, "an i64"},
    {"classes", AttributeRule::Module, isI64, "an i64"},
    {"keep_gradients", AttributeRule::Module, is<UnitAttr>, "a unit attribute"},
    {"training_only", AttributeRule::Module, is<ArrayAttr>, "an array"},
    {"outputs", AttributeRule::Module, is<ArrayAttr>, "an array"},
    {"entry", AttributeRule::Function, is<EntryPointAttr>, "#incept.entry<...>"},
    {"loss_weights", AttributeRule::Function, is<DenseF64ArrayAttr>, "an array<f64>"},
    {"arena_bytes", AttributeRule::Function, isI64, "an i64"},
    {"arena_lower_bound", AttributeRule::Function, isI64, "an i64"},
    {"peak", AttributeRule::Function, is<ArrayAttr>, "an array"},
    {"peak_group", AttributeRule::Function, isI64, "an i64"},
};

} // namespace

LogicalResult InceptDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName().getValue();
  name.consume_front("incept.");
  const AttributeRule *rule = llvm::find_if(kAttributes, [&](const AttributeRule &rule) { return rule.name == name; });
  if (rule == std::end(kAttributes))
    return op->emitOpError() << "has an unknown attribute '" << attribute.getName().getValue() << "'";
  bool isHere = rule->place == AttributeRule::Any || (rule->place == AttributeRule::Module && isa<ModuleOp>(op)) ||
                (rule->place == AttributeRule::Function && isa<FunctionOpInterface>(op));
  if (!isHere)
    return op->emitOpError() << "has attribute '" << attribute.getName().getValue() << "', which belongs to a "
                             << (rule->place == AttributeRule::Module ? "module" : "function");
  if (!rule->accepts(attribute.getValue()))
    return op->emitOpError() << "expected " << rule->expected << " for attribute '" << attribute.getName().getValue()
                             << "', but got " << attribute.getValue();
  return success();
}

void addAllocations(Operation *op, bool onlyPlaced, MemoryEffectList &effects) {
  for (OpResult result : op->getResults())
    if (!onlyPlaced || llvm::any_of(result.getUsers(), [](Operation *user) { return isa<ConcatViewOp>(user); }))
      effects.emplace_back(MemoryEffects::Allocate::get(), result);
}

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef format, int64_t stride,
                                 int64_t offset) {
  if (format.empty())
    return emitError() << "expected a format";
  if (stride == 0 && offset == 0)
    return success();
  if (format != "nhwc" || stride <= 0 || offset < 0 || offset >= stride)
    return emitError() << "expected a channel slice of nhwc with 0 <= offset < stride, but got format '" << format
                       << "', stride " << stride << " and offset " << offset;
  return success();
}

Attribute LayoutAttr::parse(AsmParser &parser, Type) {
  std::string format;
  int64_t stride = 0, offset = 0;
  if (parser.parseLess() || parser.parseKeywordOrString(&format))
    return {};
  if (succeeded(parser.parseOptionalComma()))
    if (parser.parseKeyword("stride") || parser.parseEqual() || parser.parseInteger(stride) || parser.parseComma() ||
        parser.parseKeyword("offset") || parser.parseEqual() || parser.parseInteger(offset))
      return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<LayoutAttr>(parser.getContext(), format, stride, offset);
}

void LayoutAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printKeywordOrString(getFormat());
  if (isSlice())
    printer << ", stride = " << getStride() << ", offset = " << getOffset();
  printer << ">";
}

Attribute TargetAttr::parse(AsmParser &parser, Type) {
  std::string kind, device;
  NamedAttrList settings;
  if (parser.parseLess() || parser.parseKeywordOrString(&kind))
    return {};
  bool isFirst = true;
  while (succeeded(parser.parseOptionalComma())) {
    SMLoc place = parser.getCurrentLocation();
    if (std::exchange(isFirst, false) && succeeded(parser.parseOptionalString(&device)))
      continue;
    StringRef key;
    Attribute value = UnitAttr::get(parser.getContext());
    if (parser.parseKeyword(&key) || (succeeded(parser.parseOptionalEqual()) && parser.parseAttribute(value)))
      return {};
    auto number = dyn_cast<IntegerAttr>(value);
    if (!isa<StringAttr, UnitAttr>(value) && !(number && number.getType().isInteger(64))) {
      parser.emitError(place) << "expected a number or a text as setting '" << key << "'";
      return {};
    }
    if (settings.set(key, value)) {
      parser.emitError(place) << "setting '" << key << "' is there twice";
      return {};
    }
  }
  if (parser.parseGreater())
    return {};
  return TargetAttr::get(parser.getContext(), kind, device, settings.getDictionary(parser.getContext()));
}

void TargetAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printKeywordOrString(getKind());
  if (!getDevice().empty()) {
    printer << ", ";
    printer.printString(getDevice());
  }
  for (NamedAttribute setting : getSettings()) {
    printer << ", " << setting.getName().getValue();
    if (isa<UnitAttr>(setting.getValue()))
      continue;
    printer << " = ";
    printer.printAttributeWithoutType(setting.getValue());
  }
  printer << ">";
}

int64_t TargetAttr::getNumber(StringRef key, int64_t otherwise) const {
  auto number = getSettings().getAs<IntegerAttr>(key);
  return number ? number.getInt() : otherwise;
}

StringRef TargetAttr::getText(StringRef key) const {
  auto text = getSettings().getAs<StringAttr>(key);
  return text ? text.getValue() : StringRef();
}

std::string TargetAttr::getName() const { return (getKind() + (getDevice().empty() ? "" : ":") + getDevice()).str(); }

StringRef getPath(Operation *op) {
  auto path = op->getAttrOfType<StringAttr>(InceptDialect::kPathAttr);
  return path ? path.getValue() : StringRef();
}

void setPath(Operation *op, StringRef path) {
  if (!path.empty())
    op->setAttr(InceptDialect::kPathAttr, StringAttr::get(op->getContext(), path));
}

} // namespace incept
