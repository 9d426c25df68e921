// SPDX-License-Identifier: Apache-2.0
#include "codegen/cuda/plans/LaunchCosts.h"

#include <algorithm>
#include <charconv>

namespace incept::cuda {

double waveFactor(int64_t blocks, int64_t slots, double share) {
  if (blocks <= 0 || slots <= 0)
    return 1;
  int64_t full = blocks / slots, rest = blocks % slots;
  double last = rest == 0 ? 0 : std::max(double(rest) / double(slots), share);
  return (double(full) + last) * double(slots) / double(blocks);
}

double estimateSeconds(const LaunchWork &work, const LaunchCosts &costs) {
  const cudnn::EngineCosts &engines = costs.engines;
  const double peaks[] = {engines.peakF32, engines.peakTf32, engines.peakBf16, engines.peakF16};
  double peak = peaks[static_cast<int>(work.arithmetic)] * (work.older ? engines.olderShare : engines.ownShare);
  const double shares[] = {costs.libraryShare, costs.mapShare, costs.reductionShare, costs.otherShare};
  double bandwidth = engines.bytesPerSecond * shares[static_cast<int>(work.kind)];
  int64_t slots = costs.multiprocessors * work.resident;
  double computing = double(work.cost.flops) / peak * waveFactor(work.blocks, slots, 1);
  double moving = double(work.cost.bytes) / bandwidth * waveFactor(work.blocks, slots, costs.fillShare);
  double copying = 0;
  if (work.copiedBytes > 0) // each byte is read and written once more, in a launch of its own
    copying = 2 * double(work.copiedBytes) / (engines.bytesPerSecond * costs.mapShare) + engines.launchSeconds;
  return engines.launchSeconds + std::max(computing, moving) + copying;
}

BlockTile blockTileOf(std::string_view kernel) {
  constexpr std::string_view kWord = "tilesize";
  size_t at = kernel.find(kWord);
  if (at == std::string_view::npos)
    return {};
  const char *end = kernel.data() + kernel.size();
  BlockTile tile{0, 0};
  auto rows = std::from_chars(kernel.data() + at + kWord.size(), end, tile.rows);
  if (rows.ec != std::errc() || rows.ptr == end || *rows.ptr != 'x')
    return {};
  auto columns = std::from_chars(rows.ptr + 1, end, tile.columns);
  return columns.ec == std::errc() && tile.rows > 0 && tile.columns > 0 ? tile : BlockTile();
}

LaunchWork describeCall(const cudnn::Problem &p, const cudnn::Choice &choice, LaunchCost cost, int64_t architecture) {
  LaunchWork work;
  work.kind = LaunchKind::Library;
  work.cost = cost;
  if (choice.tensorCore)
    work.arithmetic = p.type == cudnn::Type::F16    ? Arithmetic::F16
                      : p.type == cudnn::Type::BF16 ? Arithmetic::Bf16
                                                    : Arithmetic::Tf32;
  work.older = cudnn::isForEarlier(choice.impl, architecture);
  cudnn::SliceBytes slices = cudnn::packedSlices(p);
  if (slices.smallest != 0 && choice.workspaceBytes >= slices.smallest)
    work.copiedBytes = int64_t(std::min(choice.workspaceBytes, slices.all));
  // Partial sums are a small part of it. A workspace as large holds the gradient before it is masked, in f32.
  int64_t gradient = p.mb * p.ih * p.iw * p.ic * int64_t(sizeof(float));
  if (p.normGradient && int64_t(choice.workspaceBytes) >= gradient)
    work.copiedBytes += int64_t(choice.workspaceBytes);
  // Sums over pixels or over many features are cut too, so that they fill the device.
  bool isForward = p.kind == cudnn::Kind::ConvolutionForward;
  if (isForward || p.kind == cudnn::Kind::ConvolutionBackwardData) {
    auto [rows, columns] = blockTileOf(choice.impl);
    int64_t pixels = isForward ? p.mb * p.oh * p.ow : p.mb * p.ih * p.iw, channels = (isForward ? p.oc : p.ic) / p.g;
    auto ceil = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
    work.blocks = ceil(pixels, rows) * ceil(channels, columns) * p.g;
  }
  return work;
}

} // namespace incept::cuda
