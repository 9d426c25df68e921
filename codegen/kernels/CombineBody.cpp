// SPDX-License-Identifier: Apache-2.0

#include "codegen/kernels/CombineBody.h"

using namespace mlir;

namespace incept::kernels {

static int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

CombineBody::CombineBody(KernelEmitter &emitter) : e(emitter) {
  unsigned index = 0;
  for (Value argument : e.body().getArguments()) {
    Value base = e.operand(index);
    Type element = e.elementOf(index++);
    if (rankOf(argument) == 1)
      inputs.push_back({argument, base, element});
    for (Operation *user : argument.getUsers())
      if (auto sum = dyn_cast<ChannelSumOp>(user))
        found.push_back({sum.getDst(), base});
  }
  for (Value value : e.definition.getYield().getValues()) {
    Value base = e.operand(index);
    outputs.push_back({value, base, e.elementOf(index++)});
  }
  unsigned next = 2; // after the number of partial sums and of channels
  for (Operation &op : e.body())
    if (isa<CountedOpInterface>(op))
      counts[&op] = e.splat(e.toReal(e.extent(next++)));
}

LogicalResult CombineBody::check() {
  bool isGood = !found.empty();
  for (Value argument : e.body().getArguments()) {
    bool isSummed = llvm::all_of(argument.getUsers(), [](Operation *user) { return isa<ChannelSumOp>(user); });
    isGood &= rankOf(argument) == 1 || (rankOf(argument) == 2 && isSummed && argument.hasOneUse());
  }
  for (Value value : e.definition.getYield().getValues())
    isGood &= rankOf(value) == 1;
  if (isGood)
    return success();
  return e.definition.emitOpError()
         << "expected sums of partial sums and channel vectors in a kernel of family combine";
}

LogicalResult CombineBody::finish(Value c, Lanes lanes, Values &values) {
  for (const Operand &input : inputs)
    values[input.value] = e.loadReals(input.base, c, input.element, lanes);
  for (Operation &op : e.body().without_terminator())
    if (!isa<ChannelSumOp>(op) && failed(emitOp(e, &op, values, counts.lookup(&op))))
      return failure();
  for (const Operand &output : outputs)
    e.storeReals(values.lookup(output.value), output.base, c, output.element, lanes);
  return success();
}

} // namespace incept::kernels
