// SPDX-License-Identifier: Apache-2.0
//
// Joins launches of one flat kernel on adjacent memory: the optimizer's updates of hundreds of parameters become one
// launch per group of weight decay, since parameters, gradients and slots lie in regions of one layout.

#include "dialect/ExecMemory.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/LaunchCost.h"
#include "passes/LaunchShape.h"
#include "passes/Passes.h"
#include "passes/Placement.h"
#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_COALESCELAUNCHESPASS
#include "passes/Passes.h.inc"

namespace {

exec::SliceOp sliceOf(Value value) { return value.getDefiningOp<exec::SliceOp>(); }
MemRefType typeOf(Value value) { return cast<MemRefType>(value.getType()); }

/// Elements from the start of each tensor of `launch` to the start of that of `next`, where each begins where the other
/// ends, up to the alignment of variables, and scalars are the same; none where one does not.
std::optional<int64_t> distance(exec::KernelOp launch, exec::KernelOp next) {
  if (launch.getKernel() != next.getKernel() || launch.getExtents().size() != 1 || next.getExtents().size() != 1 ||
      launch.getIns().size() != next.getIns().size() || launch.getOuts().size() != next.getOuts().size())
    return std::nullopt;
  std::optional<int64_t> result;
  for (auto [a, b] : llvm::zip(launch->getOperands(), next->getOperands())) {
    exec::SliceOp first = sliceOf(a), second = sliceOf(b);
    bool isScalar = typeOf(a).getRank() == 0;
    if (first.getRegion() != second.getRegion() || isScalar != (typeOf(b).getRank() == 0))
      return std::nullopt;
    int64_t from = first.getOffset(), to = second.getOffset();
    if (isScalar) {
      if (from != to)
        return std::nullopt;
      continue;
    }
    int64_t bytes = typeOf(a).getElementTypeBitWidth() / 8, end = from + launch.getExtents()[0] * bytes;
    bool follows =
        to == int64_t(llvm::alignTo(end, kAlignment)) || to == int64_t(llvm::alignTo(end, parameterAlignment(bytes)));
    if (first.getRegion() == kArenaRegion) // what aligns its values nobody has written
      follows = to == end;
    int64_t here = (to - from) / bytes;
    if (!follows || typeOf(a).getElementType() != typeOf(b).getElementType() || result.value_or(here) != here)
      return std::nullopt;
    result = here;
  }
  return result;
}

/// Joins `next` to `launch`, which it is adjacent to.
void join(exec::KernelOp launch, exec::KernelOp next) {
  int64_t total = *distance(launch, next) + next.getExtents()[0];
  OpBuilder builder(launch);
  for (OpOperand &operand : launch->getOpOperands()) {
    exec::SliceOp slice = sliceOf(operand.get());
    if (auto type = typeOf(operand.get()); type.getRank() > 0)
      operand.set(exec::SliceOp::create(builder, slice.getLoc(), MemRefType::get({total}, type.getElementType()),
                                        slice.getRegion(), slice.getOffset()));
  }
  launch.setExtents({total});
  launch.setUnits(llvm::divideCeil(total, kFlatUnit));
  LaunchCost first = launchCost(launch), second = launchCost(next);
  setLaunchCost(launch, {first.flops + second.flops, first.bytes + second.bytes});
  next.erase();
}

/// Flat launches with nothing else between them, by what they touch and by where the next would begin: a launch is not
/// compared with all that came before.
class Run {
public:
  /// Joins what is adjacent whichever came first, and begins anew.
  void finish() {
    DenseMap<Key, size_t> byBegin; // places
    for (auto [index, launch] : llvm::enumerate(launches))
      if (Value tensor = firstTensor(launch))
        byBegin.try_emplace(beginOf(launch, tensor), index + 1);
    for (size_t place = 1; place <= launches.size(); ++place)
      while (size_t next = findNext(place, byBegin)) {
        byBegin.erase(beginOf(launches[next - 1], firstTensor(launches[next - 1])));
        join(launches[place - 1], launches[next - 1]);
        launches[next - 1] = nullptr;
      }
    *this = Run();
  }

  /// Joins `launch` to the latest that it is adjacent to, unless one behind that touches its memory, or appends it.
  void add(exec::KernelOp launch) {
    size_t place = 0, conflict = latestConflict(launch);
    if (Value tensor = firstTensor(launch))
      for (size_t candidate :
           begins.lookup({launch.getKernelAttr(), sliceOf(tensor).getRegionAttr(), sliceOf(tensor).getOffset()}))
        if (candidate > std::max(place, conflict) && distance(launches[candidate - 1], launch))
          place = candidate;
    bool joins = place > 0;
    if (!joins) {
      launches.push_back(launch);
      place = launches.size();
    }
    record(launch, place);
    if (joins)
      join(launches[place - 1], launch);
    expect(place);
  }

private:
  /// Bytes up to `end`, and the places (from 1) of the last launches to read and to write them.
  struct Piece {
    int64_t end = 0;
    size_t read = 0, written = 0;
  };
  using Pieces = std::map<int64_t, Piece>;                ///< by the first byte
  using Key = std::tuple<Attribute, Attribute, uint64_t>; ///< kernel, and region and offset of the first tensor

  static Key beginOf(exec::KernelOp launch, Value tensor) {
    return {launch.getKernelAttr(), sliceOf(tensor).getRegionAttr(), sliceOf(tensor).getOffset()};
  }

  /// The place of the launch that begins where the one at `place` ends and may move there, 0 for none.
  size_t findNext(size_t place, const DenseMap<Key, size_t> &byBegin) {
    exec::KernelOp launch = launches[place - 1];
    Value tensor = launch ? firstTensor(launch) : Value();
    if (!tensor)
      return 0;
    int64_t bytes = typeOf(tensor).getElementTypeBitWidth() / 8;
    int64_t end = sliceOf(tensor).getOffset() + launch.getExtents()[0] * bytes;
    for (uint64_t alignment : {kAlignment, parameterAlignment(bytes)}) {
      size_t next = byBegin.lookup(
          {launch.getKernelAttr(), sliceOf(tensor).getRegionAttr(), uint64_t(llvm::alignTo(end, alignment))});
      if (next > 0 && next != place && distance(launch, launches[next - 1]) && mayMove(next, place))
        return next;
    }
    return 0;
  }

  /// True where the launch at `from` could be at `to`: nothing on the way or there touches what it works on.
  bool mayMove(size_t from, size_t to) {
    size_t first = std::min(from, to), last = std::max(from, to);
    if (last - first > kMostBetween)
      return false;
    for (size_t place = first; place <= last; ++place)
      if (place != from && launches[place - 1] && exec::mayConflict(launches[place - 1], launches[from - 1]))
        return false;
    return true;
  }

  static std::pair<int64_t, int64_t> bytesOf(Value operand) {
    std::string why;
    auto footprint = exec::footprintOf(typeOf(operand), why);
    int64_t begin = sliceOf(operand).getOffset();
    return {begin, begin + (succeeded(footprint) ? footprint->bytes() : 0)};
  }

  static Value firstTensor(exec::KernelOp launch) {
    auto operands = launch->getOperands();
    auto tensor = llvm::find_if(operands, [](Value operand) { return typeOf(operand).getRank() > 0; });
    return tensor == operands.end() ? Value() : *tensor;
  }

  /// Notes where the first tensor of a launch would begin that is adjacent to the one at `place`: at its end, aligned.
  void expect(size_t place) {
    exec::KernelOp launch = launches[place - 1];
    Value tensor = firstTensor(launch);
    if (!tensor)
      return;
    int64_t bytes = typeOf(tensor).getElementTypeBitWidth() / 8;
    int64_t end = sliceOf(tensor).getOffset() + launch.getExtents()[0] * bytes;
    for (uint64_t alignment : {kAlignment, parameterAlignment(bytes)}) {
      auto &places = begins[{launch.getKernelAttr(), sliceOf(tensor).getRegionAttr(), llvm::alignTo(end, alignment)}];
      if (!llvm::is_contained(places, place))
        places.push_back(place);
    }
  }

  /// The place of the last launch whose order with `launch` matters, 0 for none.
  size_t latestConflict(exec::KernelOp launch) {
    size_t latest = 0;
    auto consider = [&](Value operand, bool writes) {
      auto [begin, end] = bytesOf(operand);
      Pieces &pieces = touched[sliceOf(operand).getRegionAttr()];
      auto piece = pieces.upper_bound(begin);
      if (piece != pieces.begin())
        --piece;
      for (; piece != pieces.end() && piece->first < end; ++piece)
        if (piece->second.end > begin)
          latest = std::max({latest, piece->second.written, writes ? piece->second.read : 0});
    };
    for (Value operand : launch.getIns())
      consider(operand, false);
    for (Value operand : launch.getOuts())
      consider(operand, true);
    return latest;
  }

  void record(exec::KernelOp launch, size_t place) {
    auto touch = [&](Value operand, size_t Piece::*last) {
      auto [begin, end] = bytesOf(operand);
      Pieces &pieces = touched[sliceOf(operand).getRegionAttr()];
      split(pieces, begin);
      split(pieces, end);
      for (int64_t at = begin; at < end;) {
        auto piece = pieces.lower_bound(at);
        if (piece == pieces.end() || piece->first > at)
          piece = pieces.emplace(at, Piece{piece == pieces.end() ? end : std::min(end, piece->first)}).first;
        piece->second.*last = std::max(piece->second.*last, place);
        at = piece->second.end;
      }
    };
    for (Value operand : launch.getIns())
      touch(operand, &Piece::read);
    for (Value operand : launch.getOuts())
      touch(operand, &Piece::written);
  }

  /// Lets no piece go on over `at`.
  static void split(Pieces &pieces, int64_t at) {
    auto piece = pieces.lower_bound(at);
    if (piece == pieces.begin() || std::prev(piece)->second.end <= at)
      return;
    Piece behind = std::prev(piece)->second;
    std::prev(piece)->second.end = at;
    pieces.insert({at, behind});
  }

  /// A launch that is not behind its neighbour is compared with this many on the way there, at most.
  static constexpr size_t kMostBetween = 64;

  SmallVector<exec::KernelOp> launches;
  DenseMap<Key, SmallVector<size_t, 2>> begins; ///< places of the launches that it would follow
  DenseMap<Attribute, Pieces> touched;          ///< by region
};

struct CoalesceLaunchesPass : impl::CoalesceLaunchesPassBase<CoalesceLaunchesPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      coalesce(function, symbols);
  }

  static void coalesce(func::FuncOp function, SymbolTable &symbols) {
    Run run;
    for (Operation &op : llvm::make_early_inc_range(function.getBody().front())) {
      if (isa<exec::SliceOp>(op))
        continue;
      auto launch = dyn_cast<exec::KernelOp>(op);
      if (!launch || symbols.lookup<exec::KernelDefOp>(launch.getKernel()).getFamily() != KernelFamily::Flat) {
        run.finish();
        continue;
      }
      run.add(launch);
    }
    run.finish();
    for (exec::SliceOp slice : llvm::make_early_inc_range(function.getOps<exec::SliceOp>()))
      if (slice->use_empty())
        slice.erase();
  }
};

} // namespace
} // namespace incept
