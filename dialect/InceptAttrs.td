// SPDX-License-Identifier: Apache-2.0
//
// Attributes: the physical layout of a tensor, the target of a module.
#ifndef INCEPT_ATTRS_TD
#define INCEPT_ATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "dialect/InceptBase.td"

def Incept_LayoutAttr : AttrDef<Incept_Dialect, "Layout"> {
  let mnemonic = "layout";
  let summary = "physical layout of a tensor";
  let description = [{
    The encoding of a tensor type after the layout phase. `format` is `nhwc` for activations (also for matrices and
    vectors, where it means dense), `dense` for weights in logical order, or a library's own format in quotes.
    `stride` (elements from one pixel to the next) and `offset` (first channel) are present where the tensor is a
    channel slice of a wider buffer.

    Examples: `#incept.layout<nhwc>`, `#incept.layout<nhwc, stride = 384, offset = 96>`,
    `#incept.layout<"32x16x3x3/...">`.
  }];
  let parameters = (ins StringRefParameter<>:$format, DefaultValuedParameter<"int64_t", "0">:$stride,
                        DefaultValuedParameter<"int64_t", "0">:$offset);
  let builders = [AttrBuilder<(ins "::llvm::StringRef":$format), [{ return $_get($_ctxt, format, 0, 0); }]>];
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    bool isSlice() const { return getStride() != 0; }
  }];
}

def Incept_TargetAttr : AttrDef<Incept_Dialect, "Target"> {
  let mnemonic = "target";
  let summary = "what a module is compiled for";
  let description = [{
    The module's attribute `incept.target`: all that passes and code generation know of the machine that the program will
    run on. `kind` names the target, `device` one of its devices, where it has several: for `cuda` a profile, by its name
    or as the path of a file. The settings are numbers, texts and flags that each kind of target defines; what programs
    depend on is among them (threads, TF32, versions of libraries, the hash of a profile that is a file), so that equal
    attributes make equal programs. A setting that is left out has its default (`passes/Target.h`).

    Examples: `#incept.target<cpu, threads = 2>`, `#incept.target<cuda, "h100", cudnn = "9.10.2", tf32, threads = 8,
    workspace_limit = 256>`, `#incept.target<fake>` (for tests).
  }];
  let parameters = (ins StringRefParameter<>:$kind, StringRefParameter<>:$device,
                        "::mlir::DictionaryAttr":$settings);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// The number `key`, or `otherwise` where it is not said.
    int64_t getNumber(::llvm::StringRef key, int64_t otherwise) const;
    /// The text `key`, empty where it is not said.
    ::llvm::StringRef getText(::llvm::StringRef key) const;
    bool getFlag(::llvm::StringRef key) const { return getSettings().contains(key); }
    /// The name on a command line: "cpu", "cuda:h100".
    std::string getName() const;
  }];
}

#endif // INCEPT_ATTRS_TD
