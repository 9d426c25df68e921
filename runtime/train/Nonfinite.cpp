// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Nonfinite.h"
#include "runtime/program/KernelRows.h"

#include <algorithm>
#include <cstring>

namespace incept {

/// Counts the words whose exponent is all ones.
template <typename Word>
static uint64_t countExponents(const std::byte *values, uint64_t bytes, Word exponent) {
  uint64_t count = 0;
  for (uint64_t at = 0; at + sizeof(Word) <= bytes; at += sizeof(Word)) {
    Word word;
    std::memcpy(&word, values + at, sizeof word);
    count += (word & exponent) == exponent;
  }
  return count;
}

uint64_t countNonfinite(std::string_view type, const std::byte *values, uint64_t bytes) {
  if (type == "f32")
    return countExponents<uint32_t>(values, bytes, 0x7f800000);
  if (type == "bf16")
    return countExponents<uint16_t>(values, bytes, 0x7f80);
  return type == "f16" ? countExponents<uint16_t>(values, bytes, 0x7c00) : 0;
}

FiniteCheck::FiniteCheck(Program &program) : program(program) {
  const program::Image &image = program.image();
  const program::Tensor *loss = image.find(program::kLoss);
  if (image.find("loss_scale/scale"))
    for (const program::Launch &launch : image.entries.at(program::kForwardBackward))
      for (const Range &range : resultsOf(launch))
        if (range.place.region == loss->region && range.place.offset == loss->offset)
          last = &launch;
  program.device().observe([this](const program::Launch &launch) { return check(launch); });
}

FiniteCheck::~FiniteCheck() { program.device().observe(nullptr); }

std::vector<FiniteCheck::Range> FiniteCheck::resultsOf(const program::Launch &launch) const {
  const program::Image &image = program.image();
  std::vector<Range> ranges;
  if (!launch.isKernel) {
    std::vector<program::PlanResult> results = program.backend().planResults(image, launch.index);
    for (size_t i = 0; i < results.size() && results.size() < launch.operands.size(); ++i) {
      const program::PlanResult &result = results[i];
      ranges.push_back({launch.operands[launch.operands.size() - 1 - results.size() + i], result.bytes, result.bytes,
                        result.bytes, result.type});
    }
    return ranges;
  }
  const program::Kernel &kernel = image.kernels[launch.index];
  std::vector<program::OperandSize> sizes;
  int64_t units = 0;
  std::string why;
  if (!program::measureLaunch(kernel, launch.extents, sizes, units, why))
    return ranges;
  std::vector<program::OperandRows> rows = program::operandRows(kernel, launch.extents);
  for (size_t i = kernel.inputs; i < sizes.size(); ++i) {
    uint64_t bytes = sizes[i].bytes;
    ranges.push_back({launch.operands[i], rows[i].isKnown ? rows[i].rowBytes : bytes,
                      rows[i].isKnown ? rows[i].strideBytes : bytes, bytes, kernel.operands[i].type});
  }
  return ranges;
}

Status FiniteCheck::check(const program::Launch &launch) {
  if (isDone)
    return {};
  uint64_t bad = 0, all = 0;
  for (const Range &range : resultsOf(launch)) {
    uint64_t size = program::typeBytes(range.type);
    if (range.bytes == 0 || size == 0)
      continue;
    values.resize(std::max<size_t>(values.size(), range.bytes));
    INCEPT_RETURN_IF_ERROR(
        program.device().readMemory(range.place.region, range.place.offset, range.bytes, values.data()));
    for (uint64_t at = 0; at < range.bytes; at += range.strideBytes) {
      uint64_t row = std::min(range.rowBytes, range.bytes - at);
      bad += countNonfinite(range.type, values.data() + at, row);
      all += row / size;
    }
  }
  isDone = &launch == last;
  if (bad == 0)
    return {};
  const program::Image &image = program.image();
  finding = "'" + launch.op + "' (" + launch.location + "), " +
            (launch.isKernel ? "kernel " + image.kernels[launch.index].name
                             : image.plans[launch.index].kind + " " + image.plans[launch.index].impl) +
            ": " + std::to_string(bad) + " of " + std::to_string(all) + " values";
  return inputError(finding); // ends the step
}

Status FiniteCheck::run(int64_t number, int64_t stepsPerEpoch, uint64_t seed) {
  isDone = false;
  if (int arena = program.image().findRegion(program::kArenaRegion); arena >= 0)
    INCEPT_RETURN_IF_ERROR(program.device().fill(size_t(arena), 0));
  Status status = program.startTraining(number, stepsPerEpoch, seed);
  if (status.ok())
    status = program.device().finish();
  return isFound() ? Status() : status;
}

KeptState::KeptState(Program &program) : program(program) {
  constexpr std::string_view kKinds[] = {"parameter", "state", "slot", "copy", "pending"};
  for (const program::Tensor &tensor : program.image().tensors)
    if (std::find(std::begin(kKinds), std::end(kKinds), tensor.kind) != std::end(kKinds))
      parts.push_back({tensor.region, tensor.offset, tensor.bytes, tensor.type == "f32"});
  // Neighbours are one part.
  auto key = [](const Part &part) { return std::pair(part.region, part.offset); };
  std::sort(parts.begin(), parts.end(), [&](const Part &a, const Part &b) { return key(a) < key(b); });
  std::vector<Part> joined;
  for (const Part &part : parts) {
    bool follows = !joined.empty() && joined.back().region == part.region &&
                   joined.back().isChecked == part.isChecked &&
                   joined.back().offset + joined.back().bytes == part.offset;
    if (follows)
      joined.back().bytes += part.bytes;
    else
      joined.push_back(part);
  }
  parts = std::move(joined);
  for (const Part &part : parts)
    total += part.bytes;
}

Expected<bool> KeptState::keep() {
  kept.resize(total);
  uint64_t largest = 0;
  for (const Part &part : parts)
    largest = std::max(largest, part.bytes);
  // In pieces that stay in the cache: each is looked at when it was read, and taken when all of them are finite.
  fresh.resize(std::min<uint64_t>(largest, 1 << 18));
  for (bool isTaking : {false, true}) {
    uint64_t at = 0;
    for (const Part &part : parts) {
      if (isTaking) {
        INCEPT_RETURN_IF_ERROR(program.device().readMemory(part.region, part.offset, part.bytes, kept.data() + at));
        at += part.bytes;
        continue;
      }
      for (uint64_t done = 0; part.isChecked && done < part.bytes; done += fresh.size()) {
        uint64_t bytes = std::min<uint64_t>(fresh.size(), part.bytes - done);
        INCEPT_RETURN_IF_ERROR(program.device().readMemory(part.region, part.offset + done, bytes, fresh.data()));
        if (countNonfinite("f32", fresh.data(), bytes) > 0)
          return false;
      }
    }
  }
  return true;
}

Status KeptState::bringBack() {
  uint64_t at = 0;
  for (const Part &part : parts) {
    INCEPT_RETURN_IF_ERROR(program.device().writeMemory(part.region, part.offset, part.bytes, kept.data() + at));
    at += part.bytes;
  }
  return {};
}

} // namespace incept
