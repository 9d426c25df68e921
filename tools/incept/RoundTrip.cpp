// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/RoundTrip.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Parser/Parser.h"

#include <cstdlib>

using namespace mlir;

namespace incept {

static std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  OpPrintingFlags flags;
  module.print(stream, flags.enableDebugInfo());
  return text;
}

/// The first op that is another in the second module: all but what it uses is compared.
static Operation *firstDifference(ModuleOp first, ModuleOp second) {
  SmallVector<Operation *> ops, others;
  first.walk<WalkOrder::PreOrder>([&](Operation *op) { ops.push_back(op); });
  second.walk<WalkOrder::PreOrder>([&](Operation *op) { others.push_back(op); });
  for (auto [op, other] : llvm::zip(ops, others))
    if (op->getName() != other->getName() || op->getAttrDictionary() != other->getAttrDictionary() ||
        op->getResultTypes() != other->getResultTypes() || op->getLoc() != other->getLoc())
      return op;
  return first;
}

LogicalResult checkRoundTrip(ModuleOp module, Phase phase) {
  const char *wanted = std::getenv("INCEPT_CHECK_ROUNDTRIP");
  if (!wanted || StringRef(wanted) != "1")
    return success();
  std::string text = print(module);
  auto again = parseSourceString<ModuleOp>(text, ParserConfig(module.getContext()), phaseName(phase));
  if (!again)
    return module.emitError() << "expected IR of phase '" << phaseName(phase)
                              << "' that can be parsed as it is printed";
  if (!OperationEquivalence::isEquivalentTo(module, *again, OperationEquivalence::None) || print(*again) != text)
    return firstDifference(module, *again)->emitOpError()
           << "expected IR of phase '" << phaseName(phase) << "' to be the same when it is printed and parsed";
  return success();
}

} // namespace incept
