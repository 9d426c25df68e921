// SPDX-License-Identifier: Apache-2.0

#include "dialect/ExecMemory.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept::exec {

FailureOr<Footprint> footprintOf(MemRefType type, std::string &why) {
  SmallVector<int64_t> strides;
  int64_t offset = 0;
  why = "static strides and no offset";
  if (!type.hasStaticShape() || failed(type.getStridesAndOffset(strides, offset)) || offset != 0 ||
      llvm::any_of(strides, ShapedType::isDynamic))
    return failure();
  int64_t element = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  Footprint result{element};
  SmallVector<std::pair<int64_t, int64_t>> dims; // stride and size, from the innermost out
  for (auto [stride, size] : llvm::zip(strides, type.getShape())) {
    if (size == 0)
      return Footprint();
    if (size != 1)
      dims.push_back({stride, size});
  }
  llvm::sort(dims);
  why = "a size below 2^63 bytes";
  for (auto [stride, size] : dims) {
    int64_t distance = 0, length = 0, last = 0;
    if (llvm::MulOverflow(stride, element, distance) || llvm::MulOverflow(distance, size, length) ||
        llvm::AddOverflow(length, result.bytes(), last))
      return failure();
    if (result.rows == 1 && distance == result.rowBytes) {
      result.rowBytes = length;
    } else if (result.rows == 1 && distance > result.rowBytes) {
      result.pitch = distance;
      result.rows = size;
    } else if (result.rows > 1 && distance == result.pitch * result.rows) {
      result.rows *= size;
    } else {
      why = "rows of one length that are equally far apart";
      return failure();
    }
  }
  return result;
}

bool consistsOf(MemRefType type, const KernelRows &rows) {
  std::string why;
  auto footprint = footprintOf(type, why);
  if (failed(footprint) || saturatingProduct({rows.rows, rows.width}) != type.getNumElements())
    return false;
  if (type.getNumElements() == 0)
    return true;
  int64_t element = llvm::divideCeil(type.getElementTypeBitWidth(), 8), width = 0, stride = 0, last = 0, end = 0;
  if (llvm::MulOverflow(rows.width, element, width) || llvm::MulOverflow(rows.stride, element, stride))
    return false;
  if (rows.rows == 1 || footprint->rows > 1)
    return width <= footprint->rowBytes &&
           (rows.rows == 1 || (stride == footprint->pitch && rows.rows <= footprint->rows));
  return stride >= width && !llvm::MulOverflow(rows.rows - 1, stride, last) && !llvm::AddOverflow(last, width, end) &&
         end <= footprint->rowBytes;
}

bool mayTouch(SliceOp first, SliceOp second) {
  if (first.getRegionAttr() != second.getRegionAttr())
    return false;
  std::string why;
  auto a = footprintOf(cast<MemRefType>(first.getType()), why),
       b = footprintOf(cast<MemRefType>(second.getType()), why);
  if (failed(a) || failed(b))
    return true;
  // Where the second begins, seen from the first.
  int64_t distance = int64_t(second.getOffset()) - int64_t(first.getOffset());
  if (a->rowBytes == 0 || b->rowBytes == 0 || distance >= a->bytes() || -distance >= b->bytes())
    return false;
  // Rows of one pitch lie between each other's, or they do not.
  int64_t pitch = std::max(a->pitch, b->pitch);
  if (pitch == 0 || (a->rows > 1 && a->pitch != pitch) || (b->rows > 1 && b->pitch != pitch))
    return true;
  int64_t inPitch = (distance % pitch + pitch) % pitch;
  return inPitch < a->rowBytes || inPitch + b->rowBytes > pitch;
}

SmallVector<LaunchPart, 1> partsOf(KernelOp launch, KernelDefOp definition) {
  size_t reads = definition.getBody().getNumArguments(), writes = definition.getYield().getValues().size();
  size_t count = writes ? launch.getOuts().size() / writes : 1;
  if (count == 0 || launch.getIns().size() != count * reads || launch.getOuts().size() != count * writes ||
      launch.getExtents().size() % count != 0)
    return {};
  SmallVector<LaunchPart, 1> parts;
  size_t extents = launch.getExtents().size() / count;
  for (size_t i = 0; i < count; ++i) {
    LaunchPart part{llvm::to_vector(launch.getIns().slice(i * reads, reads)), reads,
                    launch.getExtents().slice(i * extents, extents)};
    llvm::append_range(part.operands, launch.getOuts().slice(i * writes, writes));
    parts.push_back(std::move(part));
  }
  return parts;
}

/// The op before or behind `op` in its block that is no slice, null where there is none.
static Operation *neighbourOf(Operation *op, bool behind) {
  do
    op = behind ? op->getNextNode() : op->getPrevNode();
  while (isa_and_nonnull<SliceOp>(op));
  return op;
}

SmallVector<KernelOp, 1> launchOf(KernelOp first) {
  SmallVector<KernelOp, 1> launches = {first};
  while (launches.back().getWithNext()) {
    auto next = dyn_cast_or_null<KernelOp>(neighbourOf(launches.back(), /*behind=*/true));
    if (!next)
      break;
    launches.push_back(next);
  }
  return launches;
}

bool isContinuation(KernelOp launch) {
  auto before = dyn_cast_or_null<KernelOp>(neighbourOf(launch, /*behind=*/false));
  return before && before.getWithNext();
}

std::string codeSymbolOf(ArrayRef<KernelOp> launches) {
  return llvm::join(llvm::map_range(launches, [](KernelOp launch) { return launch.getCodeSymbol(); }), "__");
}

/// The names that two paths begin with.
static StringRef commonPath(StringRef a, StringRef b) {
  size_t common = 0, end = std::min(a.size(), b.size());
  for (size_t i = 0; i <= end; ++i) {
    bool isName = (i == a.size() || a[i] == '.') && (i == b.size() || b[i] == '.');
    common = isName ? i : common;
    if (i < end && a[i] != b[i])
      break;
  }
  return a.take_front(common);
}

StringRef pathOf(ArrayRef<Operation *> launches) {
  StringRef first = getPath(launches.front()), path = first;
  for (Operation *launch : launches.drop_front())
    path = commonPath(path, getPath(launch));
  return path.empty() ? first : path;
}

void setApart(KernelOp launch, KernelOp other, StringRef why) {
  std::string text = other.getKernel().str();
  SmallVector<KernelOp, 1> launches = launchOf(other);
  if (StringRef path = pathOf(SmallVector<Operation *>(launches.begin(), launches.end())); !path.empty())
    text += (" of " + path).str();
  launch->setAttr(kApartAttr, StringAttr::get(launch.getContext(), text + ": " + why));
}

StringRef getApart(KernelOp launch) {
  auto text = launch->getAttrOfType<StringAttr>(kApartAttr);
  return text ? text.getValue() : StringRef();
}

bool mayConflict(Operation *first, Operation *second) {
  auto effectsOf = [](Operation *op) {
    SmallVector<MemoryEffects::EffectInstance> effects;
    cast<MemoryEffectOpInterface>(op).getEffects(effects);
    return effects;
  };
  auto isWrite = [](const MemoryEffects::EffectInstance &effect) {
    return isa<MemoryEffects::Write>(effect.getEffect());
  };
  auto sliceOf = [](const MemoryEffects::EffectInstance &effect) { return effect.getValue().getDefiningOp<SliceOp>(); };
  SmallVector<MemoryEffects::EffectInstance> others = effectsOf(second);
  return llvm::any_of(effectsOf(first), [&](const MemoryEffects::EffectInstance &a) {
    return llvm::any_of(others, [&](const MemoryEffects::EffectInstance &b) {
      return (isWrite(a) || isWrite(b)) && (!sliceOf(a) || !sliceOf(b) || mayTouch(sliceOf(a), sliceOf(b)));
    });
  });
}

} // namespace incept::exec
