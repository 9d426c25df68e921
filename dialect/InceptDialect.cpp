// SPDX-License-Identifier: Apache-2.0
//
// Registration of the dialect, and the layout attribute's text form.

#include "dialect/InceptDialect.h"
#include "dialect/InceptOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

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

StringRef getPath(Operation *op) {
  auto path = op->getAttrOfType<StringAttr>(InceptDialect::kPathAttr);
  return path ? path.getValue() : StringRef();
}

void setPath(Operation *op, StringRef path) {
  if (!path.empty())
    op->setAttr(InceptDialect::kPathAttr, StringAttr::get(op->getContext(), path));
}

} // namespace incept
