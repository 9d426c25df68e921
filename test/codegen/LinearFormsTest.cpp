// SPDX-License-Identifier: Apache-2.0
//
// The sums that products of a constant matrix and vectors become, written down: their order decides how they round.

#include "codegen/kernels/LinearForms.h"
#include "codegen/cpu/CpuEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace incept::test {

namespace {

/// The first number that stands for a value and not for itself.
constexpr double kFirstValue = 1000;

std::string text(Value value) {
  Operation *op = value.getDefiningOp();
  auto operand = [&](unsigned i) { return text(op->getOperand(i)); };
  if (isa<arith::AddFOp>(op))
    return "(" + operand(0) + " + " + operand(1) + ")";
  if (isa<arith::SubFOp>(op))
    return "(" + operand(0) + " - " + operand(1) + ")";
  if (isa<arith::MulFOp>(op))
    return "(" + operand(0) + " * " + operand(1) + ")";
  if (isa<math::FmaOp>(op))
    return "fma(" + operand(0) + ", " + operand(1) + ", " + operand(2) + ")";
  if (isa<vector::BroadcastOp>(op))
    return operand(0);
  double number = cast<FloatAttr>(cast<arith::ConstantOp>(op).getValue()).getValueAsDouble();
  return number < kFirstValue ? std::to_string(int(number)) : "x" + std::to_string(int(number - kFirstValue));
}

/// The rows of matrix * (x0, x1, ...).
std::vector<std::string> productOf(const kernels::RealMatrix &matrix) {
  MLIRContext context;
  context.loadDialect<InceptDialect, func::FuncDialect, arith::ArithDialect, math::MathDialect, vector::VectorDialect,
                      LLVM::LLVMDialect>();
  auto definitions = parseSourceString<ModuleOp>(R"(incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?x?x?xf32>):
  %y = incept.relu %x : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
})",
                                                 &context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  cpu::CpuEmitter e(*module, *definitions->getOps<exec::KernelDefOp>().begin(), /*width=*/8);
  SmallVector<Value> values;
  for (size_t i = 0; i < matrix.front().size(); ++i)
    values.push_back(e.splatReal(kFirstValue + double(i)));
  std::vector<std::string> rows;
  for (Value row : kernels::emitProduct(e, matrix, values))
    rows.push_back(text(row));
  e.finish();
  return rows;
}

using Rows = std::vector<std::string>;

// What needs no multiplication comes first, then what is taken away; the others follow in their order.
TEST(LinearForms, OrderOfASum) {
  EXPECT_EQ(productOf({{3, -1, 0, 1, 2}}), Rows{"fma(x4, 2, fma(x0, 3, (x3 - x1)))"});
  EXPECT_EQ(productOf({{1, 4, -1, 1}}), Rows{"fma(x1, 4, ((x0 + x3) - x2))"});
  EXPECT_EQ(productOf({{2, -1}}), Rows{"fma(x0, 2, (x1 * -1))"});
  EXPECT_EQ(productOf({{5, 2}}), Rows{"fma(x1, 2, (x0 * 5))"});
  EXPECT_EQ(productOf({{0, 0}}), Rows{"0"});
}

// Rows that differ in signs share the sum of what is equal and that of what is opposite.
TEST(LinearForms, RowsThatDifferInSigns) {
  EXPECT_EQ(productOf({{1, 2, 4}, {1, -2, 4}, {1, 2, 5}}),
            (Rows{"(fma(x2, 4, x0) + (x1 * 2))", "(fma(x2, 4, x0) - (x1 * 2))", "fma(x2, 5, fma(x1, 2, x0))"}));
}

// So do columns, where more of them do: here two pairs, and one pair of rows.
TEST(LinearForms, ColumnsThatDifferInSigns) {
  EXPECT_EQ(productOf({{1, 1, 1, 1}, {3, -3, 2, -2}}),
            (Rows{"((x0 + x1) + (x2 + x3))", "fma((x2 - x3), 2, ((x0 - x1) * 3))"}));
}

} // namespace

} // namespace incept::test
