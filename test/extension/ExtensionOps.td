// SPDX-License-Identifier: Apache-2.0
//
// A dialect of the tests' own: an elementwise op with its gradient, and an op that is a kernel by itself.
#ifndef EXTENSION_OPS_TD
#define EXTENSION_OPS_TD

include "dialect/InceptInterfaces.td"

def Extension_Dialect : Dialect {
  let name = "extension";
  let cppNamespace = "::incept::extension";
}

class Extension_MapOp<string mnemonic, list<Trait> traits = []>
    : Op<Extension_Dialect, mnemonic, !listconcat([Incept_PlacedTrait, Incept_MapTrait, SameOperandsAndResultShape,
                                                   SameOperandsAndResultElementType], traits)>;

def Extension_SoftsignOp : Extension_MapOp<"softsign", [DeclareOpInterfaceMethods<Differentiable>]> {
  let summary = "src / (1 + |src|)";
  let arguments = (ins Incept_Activation:$src);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
}

def Extension_SoftsignBackwardOp : Extension_MapOp<"softsign_backward"> {
  let summary = "diff_dst * (1 - |dst|)^2";
  let arguments = (ins Incept_Activation:$diff_dst, Incept_Activation:$dst);
  let results = (outs Incept_Activation:$diff_src);
  let assemblyFormat = "$diff_dst `,` $dst attr-dict `:` functional-type(operands, results)";
}

def Extension_FlipColumnsOp : Op<Extension_Dialect, "flip_columns",
    [Incept_PlacedTrait, Incept_OpaqueTrait, SameOperandsAndResultShape, SameOperandsAndResultElementType,
     DeclareOpInterfaceMethods<Differentiable>, DeclareOpInterfaceMethods<KernelOpInterface>]> {
  let summary = "the image mirrored: dst[n,c,h,w] = src[n,c,h,W-1-w]";
  let arguments = (ins Incept_Image:$src);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
}

#endif // EXTENSION_OPS_TD
