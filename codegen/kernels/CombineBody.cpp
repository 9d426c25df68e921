// SPDX-License-Identifier: Apache-2.0

#include "codegen/kernels/CombineBody.h"

using namespace mlir;

namespace incept::kernels {

static int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

CombineBody::CombineBody(KernelEmitter &emitter)
    : e(emitter), isWhole(e.definition.getFamily() == KernelFamily::ReduceCombine), late(e.definition.getLateOps()) {
  unsigned index = 0;
  for (Value argument : e.body().getArguments()) {
    Value base = e.operand(index);
    Type element = e.elementOf(index++);
    if (rankOf(argument) == 1 && (!isWhole || isLate(argument)))
      inputs.push_back({argument, base, element});
    for (Operation *user : argument.getUsers())
      if (auto sum = dyn_cast<ChannelSumOp>(user); sum && !isWhole)
        found.push_back({sum.getDst(), base});
  }
  // In one launch with the reduction, full tensors and the partial sums are written before.
  unsigned partials = isWhole ? e.definition.countSums() : 0;
  for (Value value : e.definition.getYield().getValues()) {
    Value base = e.operand(index);
    Type element = e.elementOf(index++);
    if (isWhole && rankOf(value) > 1)
      continue;
    if (partials > 0)
      --partials;
    else
      outputs.push_back({value, base, element});
  }
  unsigned next = 2; // after the number of partial sums and of channels
  for (Operation &op : e.body())
    if (isa<CountedOpInterface>(op))
      counts[&op] = e.splat(e.toReal(e.extent(isWhole ? 0 : next++)));
}

bool CombineBody::isLate(Value argument) const {
  return llvm::any_of(argument.getUsers(), [&](Operation *user) { return late.contains(user); });
}

LogicalResult CombineBody::check() {
  bool isGood = isWhole || !found.empty();
  for (Value argument : e.body().getArguments()) {
    if (isWhole) {
      isGood &= rankOf(argument) == 1 || !isLate(argument);
      continue;
    }
    bool isSummed = llvm::all_of(argument.getUsers(), [](Operation *user) { return isa<ChannelSumOp>(user); });
    isGood &= rankOf(argument) == 1 || (rankOf(argument) == 2 && isSummed && argument.hasOneUse());
  }
  for (const Operand &output : outputs)
    isGood &= rankOf(output.value) == 1;
  if (isGood)
    return success();
  return e.definition.emitOpError() << "expected sums of partial sums and channel vectors in a kernel of family "
                                    << stringifyKernelFamily(e.definition.getFamily());
}

LogicalResult CombineBody::finish(Value c, Lanes lanes, Values &values) {
  for (const Operand &input : inputs)
    values[input.value] = e.loadReals(input.base, c, input.element, lanes);
  for (Operation *op : late)
    if (failed(emitOp(e, op, values, counts.lookup(op))))
      return failure();
  for (const Operand &output : outputs)
    e.storeReals(values.lookup(output.value), output.base, c, output.element, lanes);
  return success();
}

} // namespace incept::kernels
