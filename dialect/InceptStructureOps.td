// SPDX-License-Identifier: Apache-2.0
//
// Structure: what lasts between launches (variables), the blocks of a description, and groups.
#ifndef INCEPT_STRUCTURE_OPS_TD
#define INCEPT_STRUCTURE_OPS_TD

include "dialect/InceptAttrs.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def Incept_VariableOp : Incept_Op<"variable", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a tensor that lasts from one launch to the next";
  let description = [{
    Declared at module level. `kind` says what it is for: `parameter` (trained), `state` (running statistics), `gradient`,
    `slot` (optimizer state), `io` (input, labels, loss, logits), `derived` (computed by prepare_inference), `copy` (a
    parameter in low precision) or `pending` (running statistics that count only if the step does).

    `of` names the variable that it belongs to: the parameter of a gradient, slot or copy, the statistics of a `pending`
    one, the variable that a `derived` one is a cast of. `role` says which of several it is: "momentum" of a slot, "logits"
    of an io variable; slots of one role share a region. `init` says how the runtime fills it at the start (see
    ProgramFormat.h); `decay` marks parameters with weight decay, `frozen` those that are not trained, and `rate` is what the
    learning rate of one is multiplied by. `region`, `offset` and `bytes` are its place, from the exec
    phase on.

    - (C1) a `gradient`, `copy` or `pending` variable is `of` another; `parameter`, `state` and `io` are of none.
    - (C2) the type has a static shape.
    - (C3) `slot` and `io` have a role, others have none.
    - (C4) the variable that it is `of` exists, has its shape, and is a parameter, for `pending` a state, for `slot` a
      parameter or a state, for `derived` any.
    - (C5) only a parameter is `frozen` or has a `rate`, which is positive.

    Example: `incept.variable @"momentum/w" kind slot of @w role "momentum" : tensor<32x3x3x3xf32>`
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type, Incept_VariableKindAttr:$kind,
                       OptionalAttr<FlatSymbolRefAttr>:$owner, OptionalAttr<StrAttr>:$role,
                       OptionalAttr<DictionaryAttr>:$init, UnitAttr:$decay, UnitAttr:$frozen,
                       OptionalAttr<F64Attr>:$rate, OptionalAttr<FlatSymbolRefAttr>:$region,
                       OptionalAttr<I64Attr>:$offset, OptionalAttr<I64Attr>:$bytes);
  let assemblyFormat = [{
    $sym_name `kind` `` $kind (`of` $owner^)? (`role` $role^)? (`decay` $decay^)? (`frozen` $frozen^)? (`rate` $rate^)?
    (`init` $init^)? attr-dict `:` $type
  }];
  let builders = [
    OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::RankedTensorType":$type, "::incept::VariableKind":$kind,
                   CArg<"::llvm::StringRef", "{}">:$owner, CArg<"::llvm::StringRef", "{}">:$role,
                   CArg<"::mlir::DictionaryAttr", "{}">:$init, CArg<"bool", "false">:$decay)>];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() { return ::llvm::cast<::mlir::RankedTensorType>(getType()); }
    bool isParameter() { return getKind() == VariableKind::Parameter; }
    /// True for a parameter that has a gradient and an update.
    bool isTrained() { return isParameter() && !getFrozen(); }
    /// True for an io variable with this role.
    bool hasIoRole(::llvm::StringRef role) { return getKind() == VariableKind::Io && getRole() == role; }
  }];
}

/// What reads and writes of variables touch.
def Incept_Variables : Resource<"::incept::VariableResource">;

def Incept_ReadOp : Incept_Op<"read", [DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                       MemoryEffects<[MemRead<Incept_Variables>]>]> {
  let summary = "the value of a variable when the function began";
  let description = [{
    All reads of a variable in a function see the value from before the function's one write.
    - (C1) the variable exists and has the result's shape and element type.

    Example: `%w = incept.read @stem.conv1.conv.weight : tensor<32x3x3x3xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$variable);
  let results = (outs AnyRankedTensor:$value);
  let assemblyFormat = "$variable attr-dict `:` type($value)";
}

def Incept_WriteOp : Incept_Op<"write", [DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                         MemoryEffects<[MemWrite<Incept_Variables>]>]> {
  let summary = "the new value of a variable";
  let description = [{
    At most one per variable and function, after all reads of the variable.
    - (C1) the variable exists and has the value's shape and element type.

    Example: `incept.write @stem.conv1.conv.weight, %new : tensor<32x3x3x3xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$variable, AnyRankedTensor:$value);
  let assemblyFormat = "$variable `,` $value attr-dict `:` type($value)";
}

def Incept_StepFieldOp : Incept_Op<"step_field", [Symbol]> {
  let summary = "a number that the runtime sets before each step";
  let description = [{
    Declared at module level, until the exec phase gives it a place (`incept.exec.field`). `step`, `seed`, `sample_base`
    and `part` are counters of the runtime's, `learning_rate` follows the schedule, and all others are numbers of the
    training section (ProgramFormat.h).

    Example: `incept.step_field @learning_rate : f32`
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyTypeOf<[F32, I64, UI64]>>:$type);
  let assemblyFormat = "$sym_name attr-dict `:` $type";
  let extraClassDeclaration = [{
    /// The field of a module, which is declared where it was not.
    static StepFieldOp declare(::mlir::ModuleOp module, ::llvm::StringRef name, ::mlir::Type type);
  }];
}

def Incept_StepValueOp : Incept_PureOp<"step_value", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a step field";
  let description = [{
    - (C1) the field exists and the result is a scalar of its type; integers have no sign.

    Example: `%lr = incept.step_value @learning_rate : tensor<f32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$field);
  let results = (outs AnyTypeOf<[Incept_Scalar, Incept_IntScalar]>:$value);
  let assemblyFormat = "$field attr-dict `:` type($value)";
  let builders = [OpBuilder<(ins "::incept::StepFieldOp":$field)>];
}

def Incept_BlockOp : Incept_Op<"block", [IsolatedFromAbove, RecursiveMemoryEffects,
                                         SingleBlockImplicitTerminator<"::incept::YieldOp">]> {
  let summary = "one use of a block of the description";
  let description = [{
    Computes its region. `label` is the name of this use among its siblings, `block` the block's name.
    - (C1) the region's arguments have the types of the operands and its yield those of the results.

    Example: `%1 = incept.block "mixed_5b" of "inception_a" (%0) : (tensor<...>) -> tensor<...> { ... }`
  }];
  let arguments = (ins StrAttr:$label, StrAttr:$block, Variadic<AnyRankedTensor>:$inputs);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $label `of` $block `(` $inputs `)` attr-dict-with-keyword `:` functional-type($inputs, $outputs) $body
  }];
  let hasRegionVerifier = 1;
}

def Incept_GroupOp : Incept_Op<"group", [IsolatedFromAbove, Incept_AllocatesTrait,
                                         DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                         SingleBlockImplicitTerminator<"::incept::YieldOp">]> {
  let summary = "one library call or one generated kernel";
  let description = [{
    The only op that computes after the fused phase. Its results are memory: two groups that compute the same stay two.
    From the layout phase on, a library group names its plan. `scratchpad` is the bytes of temporary memory it needs while
    it runs; `offsets` (one per result, bytes in the arena, -1 where the result lives elsewhere) and `scratchpad_offset`
    come from memory planning.
    - (C1) a library group has one op, a library's, and yields its results; it alone may have a plan. A kernel group has
      map and reduce ops, or one op that is a kernel by itself and yields its results.
    - (C2) the region's arguments have the types of the operands and its yield those of the results.
    - (C3) the plan exists.

    Example: `%1 = incept.group kernel(%0) : (tensor<...>) -> tensor<...> { ... }`
  }];
  let arguments = (ins Incept_GroupKindAttr:$kind, Variadic<AnyRankedTensor>:$inputs,
                       OptionalAttr<FlatSymbolRefAttr>:$plan, OptionalAttr<I64Attr>:$scratchpad,
                       OptionalAttr<DenseI64ArrayAttr>:$offsets, OptionalAttr<I64Attr>:$scratchpad_offset);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `` $kind (`plan` $plan^)? `(` $inputs `)` attr-dict-with-keyword `:` functional-type($inputs, $outputs) $body
  }];
  let builders = [
    OpBuilder<(ins "::mlir::TypeRange":$outputs, "::incept::GroupKind":$kind, "::mlir::ValueRange":$inputs)>];
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    bool isLibrary() { return getKind() == GroupKind::Library; }
    ::incept::YieldOp getYield();
    /// The first op of the body: the only one of a library group.
    ::mlir::Operation *getFirstOp() { return &getBody().front().front(); }
  }];
}

def Incept_YieldOp : Incept_Op<"yield", [Pure, Terminator, ReturnLike,
                                         ParentOneOf<["::incept::BlockOp", "::incept::GroupOp",
                                                      "::incept::exec::KernelDefOp"]>]> {
  let summary = "the results of a region";
  let description = [{ Example: `incept.yield %y : tensor<8x96x35x35xf32>` }];
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

#endif // INCEPT_STRUCTURE_OPS_TD
