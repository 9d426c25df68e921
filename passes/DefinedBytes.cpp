// SPDX-License-Identifier: Apache-2.0

#include "passes/DefinedBytes.h"

using namespace mlir;
using incept::exec::Footprint;

namespace incept {

void DefinedBytes::writeDense(int64_t begin, int64_t end) {
  llvm::erase_if(slices, [&](const Rows &rows) { return begin <= rows.offset && rows.end() <= end; });
  auto next = dense.upper_bound(begin);
  if (next != dense.begin() && std::prev(next)->second >= begin)
    --next;
  while (next != dense.end() && next->first <= end) {
    begin = std::min(begin, next->first);
    end = std::max(end, next->second);
    next = dense.erase(next);
  }
  dense[begin] = end;
}

void DefinedBytes::write(int64_t offset, const Footprint &footprint) {
  if (footprint.rowBytes == 0)
    return;
  if (footprint.rows == 1)
    return writeDense(offset, offset + footprint.rowBytes);
  // Slices of one buffer grow together, in whatever order they are written: until they are all of it.
  Rows grown{offset, footprint};
  for (bool grows = true; grows;) {
    grows = false;
    for (auto it = slices.begin(); it != slices.end(); ++it) {
      Footprint &own = grown.footprint;
      if (it->footprint.pitch != own.pitch || it->footprint.rows != own.rows ||
          it->offset > grown.offset + own.rowBytes || grown.offset > it->offset + it->footprint.rowBytes)
        continue;
      int64_t begin = std::min(grown.offset, it->offset);
      int64_t end = std::max(grown.offset + own.rowBytes, it->offset + it->footprint.rowBytes);
      if (end - begin > own.pitch)
        continue;
      grown.offset = begin;
      own.rowBytes = end - begin;
      slices.erase(it);
      grows = true;
      break;
    }
  }
  if (grown.footprint.rowBytes == grown.footprint.pitch)
    writeDense(grown.offset, grown.end());
  else
    slices.push_back(grown);
}

void DefinedBytes::forget(int64_t offset, int64_t bytes) {
  int64_t end = offset + bytes;
  if (bytes <= 0)
    return;
  auto next = dense.upper_bound(offset);
  if (next != dense.begin() && std::prev(next)->second > offset)
    --next;
  while (next != dense.end() && next->first < end) {
    auto [first, last] = *next;
    next = dense.erase(next);
    if (first < offset)
      dense[first] = offset;
    if (last > end)
      dense[end] = last;
  }
  std::vector<Rows> kept;
  SmallVector<std::pair<int64_t, int64_t>> single;
  for (const Rows &rows : slices) {
    const Footprint &own = rows.footprint;
    if (rows.end() <= offset || end <= rows.offset) {
      kept.push_back(rows);
      continue;
    }
    // The rows before, and those behind.
    int64_t room = offset - rows.offset - own.rowBytes;
    int64_t before = room < 0 ? 0 : std::min(room / own.pitch + 1, own.rows);
    int64_t behind =
        std::clamp<int64_t>(llvm::divideCeil(std::max<int64_t>(end - rows.offset, 0), own.pitch), 0, own.rows);
    for (auto [first, count] : {std::pair(int64_t(0), before), {behind, own.rows - behind}})
      if (count > 1)
        kept.push_back({rows.offset + first * own.pitch, {own.rowBytes, count, own.pitch}});
      else if (count == 1)
        single.push_back({rows.offset + first * own.pitch, rows.offset + first * own.pitch + own.rowBytes});
  }
  slices = std::move(kept);
  for (auto [first, last] : single)
    writeDense(first, last);
}

bool DefinedBytes::coversDense(int64_t begin, int64_t end) const {
  auto next = dense.upper_bound(begin);
  return next != dense.begin() && std::prev(next)->second >= end;
}

bool DefinedBytes::covers(int64_t offset, const Footprint &footprint) const {
  if (footprint.rowBytes == 0 || coversDense(offset, offset + footprint.bytes()))
    return true;
  return llvm::any_of(slices, [&](const Rows &rows) {
    const Footprint &own = rows.footprint;
    if (offset < rows.offset || (footprint.rows > 1 && own.pitch != footprint.pitch))
      return false;
    int64_t row = (offset - rows.offset) / own.pitch, column = (offset - rows.offset) % own.pitch;
    return column + footprint.rowBytes <= own.rowBytes && row + footprint.rows <= own.rows;
  });
}

} // namespace incept
