// SPDX-License-Identifier: Apache-2.0
//
// What a pass may ask a target. Passes decide and never ask which target it is: they find the one that the module names
// (`incept.target`), made by the kind of target that is registered under its name. codegen/ has `cpu` and `cuda`, and
// FakeTarget.cpp has `fake`, which tests of passes name.
#pragma once

#include "dialect/InceptDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Operation.h"
#include "mlir/Support/LLVM.h"
#include "passes/LaunchShape.h"
#include "passes/LaunchWork.h"
#include "runtime/support/Status.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace incept {

namespace exec {
class KernelDefOp;
class KernelOp;
class PlanOp;
} // namespace exec

/// A target's answer for one library op.
struct LibraryPlan {
  PlanKind kind = PlanKind::ConvolutionForward;
  std::vector<std::pair<std::string, std::string>> config; ///< the problem under the library's names
  std::string impl;                                        ///< implementation the library chose
  std::string weightsFormat; ///< physical format of the weights (of dst for a reorder); "" is dense
  int64_t weightsBytes = 0;  ///< bytes of one tensor in that format
  int64_t scratchpadBytes = 0;
  std::string activations;   ///< format of src and dst where it is not NHWC: "nchw8c" or "nchw16c", worth a reorder
  bool reference = false;    ///< correct, but not a fast implementation
  bool swapOperands = false; ///< the library takes the op's first two operands in the other order
  bool tensorCore = false;   ///< a GPU's: runs on tensor cores
  bool generated = false;    ///< no library call: a generated kernel of the op's name does it
};

/// Channels [offset, ...) of a buffer with `stride` channels.
struct ChannelSlice {
  int64_t stride, offset;
};

/// How a launch runs where there are grids.
struct LaunchShape {
  int64_t width = 1;                         ///< lanes of the vectors that its code is compiled for
  llvm::SmallVector<int64_t, 3> grid, block; ///< three sizes for each part of the launch
};
class Backend;

class Target {
public:
  virtual ~Target() = default;

  /// Called with library ops before they are planned one by one, for a target that plans many at once faster. A failure
  /// shows again when the op is planned.
  virtual void prepare(llvm::ArrayRef<mlir::Operation *> ops) const {}

  /// True where the activation `value`, an operand or the result of the library op `op`, may be this channel slice.
  virtual bool acceptsSlice(mlir::Operation *op, mlir::Value value, ChannelSlice slice) const = 0;

  /// True where the library can add a residual, after a constant factor, to what the convolution `op` (a conv2d without
  /// one) computes.
  virtual bool addsResidual(mlir::Operation *op) const { return false; }

  /// True where convolutions may give the sums of their results that batch norm needs (conv2d_stats). The target then
  /// has kernels of the family `map` that write channel vectors.
  virtual bool givesStatistics() const { return false; }
  /// True where gradients of convolutions' data may go on with those of batch norms before them (conv2d_backward_norm).
  virtual bool givesNormGradients() const { return false; }

  /// True where convolutions that give statistics, and gradients of weights, may normalise what they read
  /// (`normalized`).
  virtual bool normalizesSources() const { return false; }

  /// Plans the library op `op` (conv2d, its gradients, linear, its gradients) with its weights in `weightsFormat`
  /// ("any" leaves the choice to the library). On failure `why` is a sentence without a final stop.
  virtual mlir::FailureOr<LibraryPlan> plan(mlir::Operation *op, llvm::StringRef weightsFormat,
                                            std::string &why) const = 0;

  /// Plans a change of physical format of a tensor of `element`s, with or without per-output-channel scales.
  virtual mlir::FailureOr<LibraryPlan> planReorder(llvm::ArrayRef<int64_t> shape, mlir::Type element,
                                                   llvm::StringRef from, llvm::StringRef to, bool scales,
                                                   std::string &why) const = 0;

  /// Fails where `plan`, which may come from a file, is none that this target makes: its numbers do not fit together,
  /// its signature says another memory than the library reads and writes, or, on the CPU, the library computes the
  /// problem in another way or in more temporary memory. `why` is a sentence without a final stop.
  virtual mlir::LogicalResult verifyPlan(exec::PlanOp plan, std::string &why) const;
  /// Fails where `plan` computes something else than the library op `op`, whose operands and results have layouts.
  virtual mlir::LogicalResult verifyPlanOf(mlir::Operation *op, exec::PlanOp plan, std::string &why) const;

  /// Bytes of a tensor of `element`s in a library format, padding included. "" and "nhwc" are dense.
  virtual mlir::FailureOr<int64_t> formatBytes(llvm::ArrayRef<int64_t> shape, mlir::Type element,
                                               llvm::StringRef format) const = 0;

  /// The element type in which `op`, the gradient of weights, gives its result where its operands are bf16 or f16:
  /// f32, or theirs where the library has no deterministic implementation that keeps the sums in f32.
  virtual mlir::Type gradientType(mlir::Operation *op) const;

  /// The format of `rows` rows of a weights tensor that is in `format`, such that the rows' bytes lie together. Fails
  /// where the format spreads them.
  virtual mlir::FailureOr<std::string> rowsFormat(llvm::StringRef format, int64_t rows) const = 0;

  /// How a reduction of so many rows and channels is cut into partial sums, from these numbers and what is known of the
  /// target alone. `elementBytes` is the size of the smallest elements that it reads or writes.
  virtual Reduction cutReduction(int64_t rows, int64_t channels, int64_t elementBytes) const;

  /// True where the launch that writes partial sums can add them up too (family `reduce_combine`). Such a target
  /// computes a loss in one launch too; for others a large one is cut into parts, which a launch behind adds up
  /// (cutLoss).
  virtual bool combinesInOneLaunch() const { return false; }

  /// True where a launch costs so much that independent ones of one kernel should be the parts of one.
  virtual bool joinsLaunches() const { return false; }

  /// True where one launch can do what launches of `kernel` and of others like it do.
  virtual bool runsBesideOthers(exec::KernelDefOp kernel) const;

  /// The shape of a launch of `kernel`, with a grid and a block for each of its parts; none where the target cuts the
  /// units of a launch itself. Reports a launch that cannot be.
  virtual mlir::FailureOr<std::optional<LaunchShape>> shapeLaunch(exec::KernelOp launch,
                                                                  exec::KernelDefOp kernel) const;

  /// What the time of a launch of the exec phase depends on.
  virtual LaunchWork describeLaunch(mlir::Operation *launch) const;
  /// The same of a library call that is not there yet.
  virtual LaunchWork describeCall(const LibraryPlan &plan, LaunchCost cost) const;
  /// Seconds that a launch takes, by costs that are assumed or measured; 0 where the target knows none.
  virtual double estimateSeconds(const LaunchWork &work) const { return 0; }

  /// The way to a program (codegen/Codegen.h), null for a target that only answers passes.
  virtual const Backend *backend() const { return nullptr; }
};

/// How targets of one kind are made: `cuda` of `#incept.target<cuda, "h100">`.
class TargetKind {
public:
  virtual ~TargetKind() = default;

  /// How a command line names the kind's targets, e.g. "cuda:DEVICE, e.g. cuda:h100".
  virtual std::string usage() const = 0;
  /// `given` with all that it leaves open: defaults, and facts of this machine such as versions of libraries. An error
  /// is a sentence: a setting that the kind does not have, or a fact that is another here.
  virtual Expected<TargetAttr> complete(TargetAttr given) const = 0;
  /// The target of a complete attribute.
  virtual Expected<std::shared_ptr<const Target>> make(TargetAttr attribute) const = 0;
};

/// Completes an attribute, setting by setting, for TargetKind::complete.
class TargetSettings {
public:
  explicit TargetSettings(TargetAttr given) : given(given) {}

  /// A number of at least `least`.
  void number(llvm::StringRef key, int64_t otherwise, int64_t least);
  void flag(llvm::StringRef key);
  /// What this machine has.
  void fact(llvm::StringRef key, llvm::StringRef here);
  /// The attribute, for the device that is called `device`, if nothing was wrong and no other setting is given.
  Expected<TargetAttr> finish(llvm::StringRef device);

private:
  /// The value that is given for `key`, null where there is none.
  mlir::Attribute take(llvm::StringRef key);
  void refuse(Status why);

  TargetAttr given;
  mlir::NamedAttrList settings;
  llvm::SmallVector<llvm::StringRef> known;
  Status status;
};

/// Lets contexts made from `registry` know a kind of target. A later one of the same name takes its place.
void registerTarget(mlir::DialectRegistry &registry, llvm::StringRef name, std::shared_ptr<const TargetKind> kind);

/// `given` as the kind that it names completes it.
Expected<TargetAttr> completeTarget(TargetAttr given);
/// The target of an attribute, which its context keeps.
Expected<const Target *> findTarget(TargetAttr attribute);
/// The target that the module of `op` names; null after an error at the module.
const Target *findTarget(mlir::Operation *op);

/// Registers `fake`, a target for pass tests: it accepts everything, keeps convolution weights in a format called
/// "blocked" (rounded up to multiples of 16 channels), takes slices and adds residuals in 1x1 convolutions only, wants
/// another format for data gradients, and activations in blocks for windows 5 high: of 16 channels for those 3 wide.
/// Multiples of 32 rows of weights lie together. Gradients of convolutions' weights have the type of the activations,
/// those of linear layers' are f32. Convolutions of stride 1 with windows 7 high and 1 wide are generated, by tiles
/// (TilePlan), forward and backward. Launches are blocks of 32 units with vectors of 2 where all extents are multiples
/// of 16, at most 65535 of them. With the setting `joins` it joins launches, with `pairs` those of different kernels,
/// but for global pools (launches take the square of their flops in seconds then), with `statistics` its convolutions
/// with windows 3 wide give statistics, with `norms` gradients of such convolutions' data give those of batch norms,
/// with `prologues` such convolutions and gradients of weights normalise what they read, and with `strides`
/// convolutions of stride 2 with windows of 3x3 are generated too.
void registerFakeTarget(mlir::DialectRegistry &registry);

/// What keeps so many parts, with so many addresses, extents and sizes, from being one launch, without a final stop;
/// empty where nothing does.
std::string whyNotTogether(size_t parts, size_t numbers);
/// What keeps launches with grids from being one, whose parts are those of all, without a final stop; empty where
/// nothing does. Whether their kernels may stand beside each other is the target's to say.
std::string whyNotTogether(llvm::ArrayRef<exec::KernelOp> launches);

/// Writes into every launch of an exec-phase module the shape that `target` has for it.
mlir::LogicalResult shapeLaunches(mlir::ModuleOp module, const Target &target);

} // namespace incept
