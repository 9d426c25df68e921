// SPDX-License-Identifier: Apache-2.0
//
// The interpreter itself: what tensors are, how values are rounded to a type, what it says of what it cannot run.

#include "dialect/reference/Interpreter.h"
#include "dialect/InceptDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/APFloat.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace mlir;

namespace incept::reference {

namespace {

class InterpreterTest : public testing::Test {
protected:
  InterpreterTest() { context.loadDialect<InceptDialect, func::FuncDialect, arith::ArithDialect>(); }

  /// What `function` gives for `inputs`, its first results as text, or the message.
  std::string run(const char *text, const char *function, ArrayRef<Tensor> inputs = {}) {
    std::string message;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
    module = parseSourceString<ModuleOp>(text, ParserConfig(&context));
    if (!module)
      return "not parsed: " + message;
    Interpreter interpreter(*module);
    interpreter.stepValues()["seed"] = 7;
    SmallVector<Tensor> outputs;
    if (failed(interpreter.run(function, inputs, outputs)))
      return message;
    std::string result;
    for (const Tensor &output : outputs)
      for (double value : output.values)
        result += (result.empty() ? "" : " ") + std::to_string(value);
    return result;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

/// Every value of a type, the middles between neighbours, and what is just beside those.
void checkRounding(MLIRContext &context, Type type) {
  const llvm::fltSemantics &semantics = cast<FloatType>(type).getFloatSemantics();
  RankedTensorType tensorType = RankedTensorType::get({1}, type);
  auto toDouble = [](llvm::APFloat value) {
    bool loses = false;
    value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &loses);
    return value.convertToDouble();
  };
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    double value = toDouble(llvm::APFloat(semantics, llvm::APInt(16, bits)));
    if (!std::isfinite(value))
      continue;
    double next = toDouble(llvm::APFloat(semantics, llvm::APInt(16, std::min(bits + 1, 0xffffu))));
    double middle = std::isfinite(next) ? (value + next) / 2 : value * (1 + std::ldexp(1, -9));
    for (double exact :
         {value, middle, std::nextafter(middle, 0), std::nextafter(middle, value < 0 ? -INFINITY : INFINITY)}) {
      llvm::APFloat rounded(exact);
      bool loses = false;
      rounded.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &loses);
      Tensor tensor{{1}, ElementKind::Float, {exact}};
      roundToType(tensorType, tensor);
      ASSERT_EQ(tensor.values[0], toDouble(rounded)) << bits << " " << exact;
    }
  }
}

} // namespace

TEST_F(InterpreterTest, RoundingToHalf) { checkRounding(context, Float16Type::get(&context)); }

TEST_F(InterpreterTest, RoundingToBrain) { checkRounding(context, BFloat16Type::get(&context)); }

// What is wider stays as it is, and so does what is no number.
TEST_F(InterpreterTest, NoRounding) {
  for (Type type :
       {Type(Float32Type::get(&context)), Type(Float64Type::get(&context)), Type(IntegerType::get(&context, 64))}) {
    Tensor tensor{{1}, ElementKind::Float, {0.1}};
    roundToType(RankedTensorType::get({1}, type), tensor);
    EXPECT_EQ(tensor.values[0], 0.1);
  }
  Tensor tensor{{3}, ElementKind::Float, {INFINITY, -INFINITY, NAN}};
  roundToType(RankedTensorType::get({3}, Float16Type::get(&context)), tensor);
  EXPECT_EQ(tensor.values[0], INFINITY);
  EXPECT_EQ(tensor.values[1], -INFINITY);
  EXPECT_TRUE(std::isnan(tensor.values[2]));
}

TEST_F(InterpreterTest, Tensors) {
  Type f32 = Float32Type::get(&context);
  auto make = [&](ArrayRef<int64_t> shape, Type type) { return makeTensor(RankedTensorType::get(shape, type)); };
  auto tensor = make({2, 3}, f32);
  ASSERT_TRUE(succeeded(tensor));
  EXPECT_EQ(tensor->size(), 6);
  EXPECT_EQ(tensor->kind, ElementKind::Float);
  EXPECT_EQ(tensor->values, std::vector<double>(6, 0.0));
  EXPECT_EQ(make({}, f32)->size(), 1);
  EXPECT_EQ(make({2}, IntegerType::get(&context, 64))->kind, ElementKind::Int64);
  EXPECT_EQ(make({2}, IntegerType::get(&context, 8, IntegerType::Unsigned))->kind, ElementKind::UInt8);
  EXPECT_TRUE(failed(make({2}, IntegerType::get(&context, 8))));
  EXPECT_TRUE(failed(make({2}, IntegerType::get(&context, 32))));
  EXPECT_TRUE(failed(make({0}, f32)));
  EXPECT_TRUE(failed(make({ShapedType::kDynamic}, f32)));
  EXPECT_TRUE(failed(make({(int64_t(1) << 28) + 1}, f32)));
  EXPECT_TRUE(failed(makeTensor(f32)));
  // A channel is the second dimension, or the only one.
  Tensor image{{2, 3, 2, 2}, ElementKind::Float, std::vector<double>(24)},
      matrix{{2, 3}, ElementKind::Float, std::vector<double>(6)},
      vector{{4}, ElementKind::Float, std::vector<double>(4)};
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t c = 0; c < 3; ++c) {
      EXPECT_EQ(matrix.channelOf(n * 3 + c), c);
      for (int64_t pixel = 0; pixel < 4; ++pixel)
        EXPECT_EQ(image.channelOf((n * 3 + c) * 4 + pixel), c);
    }
  for (int64_t i = 0; i < 4; ++i)
    EXPECT_EQ(vector.channelOf(i), i);
}

TEST_F(InterpreterTest, Constants) {
  EXPECT_EQ(run("func.func @f() -> (tensor<2xf32>, tensor<2xf16>, tensor<2xi64>, tensor<2xui8>) {\n"
                "  %0 = arith.constant dense<[0.5, -2.0]> : tensor<2xf32>\n"
                "  %1 = arith.constant dense<3.0> : tensor<2xf16>\n"
                "  %2 = arith.constant dense<[-3, 4]> : tensor<2xi64>\n"
                "  %3 = \"arith.constant\"() <{value = dense<[255, 1]> : tensor<2xui8>}> : () -> tensor<2xui8>\n"
                "  return %0, %1, %2, %3 : tensor<2xf32>, tensor<2xf16>, tensor<2xi64>, tensor<2xui8>\n}",
                "f"),
            "0.500000 -2.000000 3.000000 3.000000 -3.000000 4.000000 255.000000 1.000000");
}

TEST_F(InterpreterTest, WhatItCannotRun) {
  const char text[] =
      "incept.step_field @seed : ui64\n"
      "incept.step_field @step : ui64\n"
      "incept.variable @v kind io role \"x\" : tensor<2xf32>\n"
      "incept.variable @w kind io role \"y\" : tensor<2xi32>\n"
      "func.func @sum(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
      "  %0 = incept.add %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>\n"
      "  return %0 : tensor<2xf32>\n}\n"
      "func.func private @external(tensor<2xf32>)\n"
      "func.func @read_seed() -> tensor<i64> {\n"
      "  %0 = incept.step_value @seed : tensor<i64>\n  return %0 : tensor<i64>\n}\n"
      "func.func @read_step() {\n  %0 = incept.step_value @step : tensor<i64>\n  return\n}\n"
      "func.func @wide() {\n  %0 = incept.read @w : tensor<2xi32>\n  return\n}\n"
      "func.func @arithmetic(%x: tensor<2xf32>) {\n"
      "  %0 = arith.addf %x, %x : tensor<2xf32>\n  return\n}\n"
      "func.func @rank(%x: tensor<2xf32>) {\n"
      "  %s = arith.constant dense<1> : tensor<i64>\n"
      "  %0 = incept.dropout %x, %s, %s, %s {keep = 0.5, stream = 0 : i64} : (tensor<2xf32>, tensor<i64>, tensor<i64>, "
      "tensor<i64>) -> tensor<2xf32>\n  return\n}\n";
  Tensor two{{2}, ElementKind::Float, {1.5, -1}}, three{{3}, ElementKind::Float, {1, 2, 3}};
  auto give = [&](const char *function, ArrayRef<Tensor> inputs = {}) { return run(text, function, inputs); };
  EXPECT_EQ(give("sum", two), "3.000000 -2.000000");
  EXPECT_EQ(give("sum"), "expected 1 inputs, but got 0");
  EXPECT_EQ(give("sum", three), "expected input 0 of type 'tensor<2xf32>', but got shape 3");
  EXPECT_EQ(give("read_seed"), "7.000000");
  EXPECT_EQ(give("read_step"), "'incept.step_value' op expected a value for step field 'step', but there is none");
  EXPECT_EQ(give("missing"), "expected a function 'missing' with a body, but there is none");
  EXPECT_EQ(give("external", two), "expected a function 'external' with a body, but there is none");
  EXPECT_EQ(give("wide"),
            "'incept.read' op has a result of type 'tensor<2xi32>', which the interpreter cannot hold: it takes static "
            "shapes of 1 to 2^28 elements that are floats, i64 or ui8");
  EXPECT_EQ(give("arithmetic", two),
            "'arith.addf' op is unknown to the interpreter, which runs the graph, training and fused phases");
  EXPECT_EQ(give("rank", two), "'incept.dropout' op expected src with samples and elements, but got shape 2");
}

// Reads see what was there before the call, writes are done at its end, and none where it fails.
TEST_F(InterpreterTest, Variables) {
  module = parseSourceString<ModuleOp>("incept.variable @v kind io role \"x\" : tensor<2xf16>\n"
                                       "func.func @twice() -> tensor<2xf16> {\n"
                                       "  %0 = incept.read @v : tensor<2xf16>\n"
                                       "  %1 = incept.add %0, %0 : (tensor<2xf16>, tensor<2xf16>) -> tensor<2xf16>\n"
                                       "  incept.write @v, %1 : tensor<2xf16>\n"
                                       "  %2 = incept.read @v : tensor<2xf16>\n"
                                       "  return %2 : tensor<2xf16>\n}\n"
                                       "func.func @fails() {\n"
                                       "  %0 = incept.read @v : tensor<2xf16>\n"
                                       "  %1 = incept.add %0, %0 : (tensor<2xf16>, tensor<2xf16>) -> tensor<2xf16>\n"
                                       "  incept.write @v, %1 : tensor<2xf16>\n"
                                       "  incept.write @v, %0 : tensor<2xf16>\n"
                                       "  return\n}\n",
                                       ParserConfig(&context));
  ASSERT_TRUE(module);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &) {});
  Interpreter interpreter(*module);
  EXPECT_EQ(interpreter.variables()["v"].values, std::vector<double>(2, 0.0));
  interpreter.variables()["v"].values = {0.1, 3};
  SmallVector<Tensor> outputs;
  ASSERT_TRUE(succeeded(interpreter.run("twice", {}, outputs)));
  // The value of f16 that is nearest to 0.1 is 1638 * 2^-14.
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].values, (std::vector<double>{1638 * std::ldexp(1, -14), 3}));
  EXPECT_EQ(interpreter.variables()["v"].values, (std::vector<double>{1638 * std::ldexp(1, -13), 6}));
  EXPECT_TRUE(failed(interpreter.run("fails", {}, outputs)));
  EXPECT_EQ(interpreter.variables()["v"].values[1], 6);
  interpreter.variables()["v"] = Tensor{{3}, ElementKind::Float, {1, 2, 3}};
  EXPECT_TRUE(failed(interpreter.run("twice", {}, outputs)));
  interpreter.variables().erase("v");
  EXPECT_TRUE(failed(interpreter.run("twice", {}, outputs)));
}

} // namespace incept::reference
