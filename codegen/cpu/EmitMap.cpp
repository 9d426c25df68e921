// SPDX-License-Identifier: Apache-2.0
//
// Elementwise kernels: the loops of the families `flat` (dense tensors of one size) and `map` (rows x channels with
// channel vectors).
#include "codegen/cpu/CpuEmitter.h"
#include "codegen/kernels/RowOperands.h"
#include "passes/LaunchShape.h"

using namespace mlir;

namespace incept::cpu {

LogicalResult emitFlat(CpuEmitter &e) {
  RowOperands operands(e, /*firstStride=*/-1);
  if (failed(operands.check()))
    return failure();
  Value total = e.extent(0);
  llvm::DenseMap<Operation *, Value> counts;
  unsigned next = 1;
  for (Operation &op : e.body())
    if (isa<CountedOpInterface>(op))
      counts[&op] = e.splat(e.toReal(e.extent(next++)));
  LogicalResult result = success();
  Value from = e.mul(e.begin, e.index(kFlatUnit)), to = e.min(e.mul(e.end, e.index(kFlatUnit)), total);
  e.vectorsBetween(e.min(from, to), to, [&](Value i, Lanes lanes) {
    Values values;
    operands.loadFlat(i, lanes, values);
    for (Operation &op : e.body().without_terminator())
      if (succeeded(result))
        result = emitOp(e, &op, values, counts.lookup(&op));
    if (succeeded(result))
      operands.storeFlat(i, lanes, values);
  });
  return result;
}

LogicalResult emitMap(CpuEmitter &e) {
  RowOperands operands(e, /*firstStride=*/2);
  if (failed(operands.check()))
    return failure();
  Value channels = e.extent(1), ahead = e.rowsAhead(channels);
  LogicalResult result = success();
  e.loop(e.begin, e.end, 1, [&](Value row) {
    Value later = e.add(row, ahead);
    e.vectors(channels, [&](Value c, Lanes lanes) {
      operands.prefetch(later, c);
      Values values;
      operands.load(row, c, lanes, values);
      for (Operation &op : e.body().without_terminator())
        if (succeeded(result))
          result = emitOp(e, &op, values);
      if (succeeded(result))
        operands.store(row, c, lanes, values);
    });
  });
  return result;
}

} // namespace incept::cpu
