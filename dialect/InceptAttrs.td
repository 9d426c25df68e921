// SPDX-License-Identifier: Apache-2.0
//
// Attributes: the kinds of things that have kinds, the physical layout of a tensor, and the target of a module.
#ifndef INCEPT_ATTRS_TD
#define INCEPT_ATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "dialect/InceptBase.td"

class Incept_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::incept";
  let genSpecializedAttr = 0;
}

def Incept_KernelFamily : Incept_Enum<"KernelFamily", "the loops around a kernel's body (dialect/README.md)", [
  I32EnumAttrCase<"Flat", 0, "flat">,       // over elements
  I32EnumAttrCase<"Map", 1, "map">,         // over rows and channels
  I32EnumAttrCase<"Reduce", 2, "reduce">,   // the same, with sums over rows
  I32EnumAttrCase<"Combine", 3, "combine">, // over partial sums
  I32EnumAttrCase<"Opaque", 4, "opaque">,   // those of the body's one op
  I32EnumAttrCase<"ReduceCombine", 5, "reduce_combine">, // over rows, and then over partial sums, in one launch
]>;
def Incept_KernelFamilyAttr : EnumAttr<Incept_Dialect, Incept_KernelFamily, "kernel_family">;

def Incept_VariableKind : Incept_Enum<"VariableKind", "what a variable is for", [
  I32EnumAttrCase<"Parameter", 0, "parameter">, // trained
  I32EnumAttrCase<"State", 1, "state">,         // running statistics
  I32EnumAttrCase<"Gradient", 2, "gradient">,   // of a parameter
  I32EnumAttrCase<"Slot", 3, "slot">,           // optimizer state
  I32EnumAttrCase<"Io", 4, "io">,               // input, labels, loss, logits
  I32EnumAttrCase<"Derived", 5, "derived">,     // computed by prepare_inference
  I32EnumAttrCase<"Copy", 6, "copy">,           // a parameter in low precision
  I32EnumAttrCase<"Pending", 7, "pending">,     // running statistics that count only if the step does
]>;
def Incept_VariableKindAttr : EnumAttr<Incept_Dialect, Incept_VariableKind, "variable_kind">;

def Incept_ActivationKind : Incept_Enum<"ActivationKind", "which function an `activate` is", [
  I32EnumAttrCase<"Relu6", 0, "relu6">,            // min(max(x, 0), 6)
  I32EnumAttrCase<"LeakyRelu", 1, "leaky_relu">,   // x > 0 ? x : slope * x
  I32EnumAttrCase<"Sigmoid", 2, "sigmoid">,        // 1 / (1 + exp(-x))
  I32EnumAttrCase<"Silu", 3, "silu">,              // x * sigmoid(x)
  I32EnumAttrCase<"HardSigmoid", 4, "hard_sigmoid">, // min(max(x + 3, 0), 6) / 6
  I32EnumAttrCase<"HardSwish", 5, "hard_swish">,   // x * hard_sigmoid(x)
  I32EnumAttrCase<"Gelu", 6, "gelu">,              // x * (1 + erf(x / sqrt(2))) / 2
]>;
def Incept_ActivationKindAttr : EnumAttr<Incept_Dialect, Incept_ActivationKind, "activation_kind">;

def Incept_ResizeMode : Incept_Enum<"ResizeMode", "what `resize` reads of an image", [
  I32EnumAttrCase<"Nearest", 0, "nearest">,   // one pixel
  I32EnumAttrCase<"Bilinear", 1, "bilinear">, // the four around a point, by its distances from them
]>;
def Incept_ResizeModeAttr : EnumAttr<Incept_Dialect, Incept_ResizeMode, "resize_mode">;

def Incept_GroupKind : Incept_Enum<"GroupKind", "who computes a group", [
  I32EnumAttrCase<"Library", 0, "library">,
  I32EnumAttrCase<"Kernel", 1, "kernel">,
]>;
def Incept_GroupKindAttr : EnumAttr<Incept_Dialect, Incept_GroupKind, "group_kind">;

def Incept_PlanKind : Incept_Enum<"PlanKind", "which library call a plan is for", [
  I32EnumAttrCase<"ConvolutionForward", 0, "convolution_forward">,
  I32EnumAttrCase<"ConvolutionBackwardData", 1, "convolution_backward_data">,
  I32EnumAttrCase<"ConvolutionBackwardWeights", 2, "convolution_backward_weights">,
  I32EnumAttrCase<"MatMul", 3, "matmul">,
  I32EnumAttrCase<"Reorder", 4, "reorder">,
]>;
def Incept_PlanKindAttr : EnumAttr<Incept_Dialect, Incept_PlanKind, "plan_kind">;

def Incept_EntryPoint : Incept_Enum<"EntryPoint", "what the runtime runs a function for (ProgramFormat.h)", [
  I32EnumAttrCase<"StageU8", 0, "stage_u8">,
  I32EnumAttrCase<"StageF32", 1, "stage_f32">,
  I32EnumAttrCase<"PrepareTraining", 2, "prepare_training">,
  I32EnumAttrCase<"ForwardBackward", 3, "forward_backward">,
  I32EnumAttrCase<"Update", 4, "update">,
  I32EnumAttrCase<"PrepareInference", 5, "prepare_inference">,
  I32EnumAttrCase<"Infer", 6, "infer">,
]>;
def Incept_EntryPointAttr : EnumAttr<Incept_Dialect, Incept_EntryPoint, "entry"> {
  let assemblyFormat = "`<` $value `>`";
}

def Incept_LayoutAttr : AttrDef<Incept_Dialect, "Layout"> {
  let mnemonic = "layout";
  let summary = "physical layout of a tensor";
  let description = [{
    The encoding of a tensor type after the layout phase. `format` is `nhwc` for activations (also for matrices and
    vectors, where it means dense), `dense` for weights in logical order, or a library's own format in quotes.
    `stride` (elements from one pixel to the next) and `offset` (first channel) are present where the tensor is a
    channel slice of a wider NHWC buffer: not negative, the offset below the stride.

    Examples: `#incept.layout<nhwc>`, `#incept.layout<nhwc, stride = 384, offset = 96>`,
    `#incept.layout<"32x16x3x3/...">`.
  }];
  let parameters = (ins StringRefParameter<>:$format, DefaultValuedParameter<"int64_t", "0">:$stride,
                        DefaultValuedParameter<"int64_t", "0">:$offset);
  let builders = [AttrBuilder<(ins "::llvm::StringRef":$format), [{ return $_get($_ctxt, format, 0, 0); }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
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
