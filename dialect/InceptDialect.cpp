// SPDX-License-Identifier: Apache-2.0
//
// Registration of the dialect, and the attributes' text forms.

#include "dialect/InceptDialect.h"
#include "dialect/InceptOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialect/InceptDialect.cpp.inc"
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
  // Fulfilled by registerGradientRules (passes/GradientRules.h): forgetting to call it is an error that says so.
  declarePromisedInterfaces<Differentiable, AddOp, AvgPoolOp, BatchNormTrainingOp, CastOp, ConcatOp, Conv2DOp,
                            DropoutOp, FlattenOp, GlobalAvgPoolOp, LinearOp, MaxPoolWithIndexOp, ReluOp, ScaleOp>();
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
  return LayoutAttr::get(parser.getContext(), format, stride, offset);
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
