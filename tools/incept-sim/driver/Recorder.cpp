// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/driver/Recorder.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

namespace incept::sim {

namespace {

/// Of a type: bytes of an element, the bits of its exponent, and those below.
struct FloatType {
  std::string_view name;
  uint64_t bytes;
  uint32_t exponent, mantissa;
};
constexpr FloatType kFloatTypes[] = {
    {"f32", 4, 0x7f800000, 0x007fffff}, {"f16", 2, 0x7c00, 0x03ff}, {"bf16", 2, 0x7f80, 0x007f}};

/// The first of `count` numbers that is not finite and that `counts(index)` accepts, or `count`. Nearly all are finite:
/// whole pieces are asked at once, in vector code.
template <typename T, typename Counts>
uint64_t firstNotFinite(const T *numbers, uint64_t count, T exponent, Counts counts) {
  constexpr uint64_t kPiece = 1024;
  for (uint64_t begin = 0; begin < count; begin += kPiece) {
    const uint64_t end = std::min(begin + kPiece, count);
    T any = 0;
    for (uint64_t i = begin; i < end; ++i)
      any = static_cast<T>(any | ((numbers[i] & exponent) == exponent ? 1 : 0));
    for (uint64_t i = begin; any && i < end; ++i)
      if ((numbers[i] & exponent) == exponent && counts(i))
        return i;
  }
  return count;
}

} // namespace

const CourseLaunch *Recorder::follow(const std::string &kernel, const std::vector<uint64_t> &values) {
  if ((!options.checkAll && options.report.empty()) || options.program.empty())
    return nullptr;
  if (!isRead) {
    isRead = true;
    if (Expected<std::unique_ptr<Course>> found = Course::read(options.program))
      course = std::move(*found);
  }
  return course ? course->follow(kernel, values) : nullptr;
}

void Recorder::enter(const CourseLaunch *launch) {
  if (!course || !options.checkAll)
    return;
  // Who runs parts of lists, to time them, reads what is not there any more.
  if ((!launch || !course->isNext(last, *launch)) && course->arena())
    memory.revive(course->arena());
  last = launch;
}

void Recorder::leave(const CourseLaunch *launch, const ptx::Counters &counters) {
  if (!launch)
    return;
  Record &record = records[launch];
  ++record.runs;
  record.counters += counters;
  if (!options.checkAll)
    return;
  if (!toldNotFinite)
    findNotFinite(*launch);
  endValues(*launch);
}

void Recorder::endValues(const CourseLaunch &launch) {
  for (auto [begin, end] : launch.ended)
    memory.markEnded(course->arena() + begin, end - begin);
}

/// Looks at what the launch has written. That a value is not finite may be what the network computes, so that it is a
/// note.
void Recorder::findNotFinite(const CourseLaunch &launch) {
  for (const CourseOperand &operand : launch.operands) {
    auto type = std::find_if(std::begin(kFloatTypes), std::end(kFloatTypes),
                             [&](const FloatType &known) { return operand.isWritten && known.name == operand.type; });
    const uint64_t begin = course->address(operand);
    const memory::Allocation *in = memory.find(begin);
    if (type == std::end(kFloatTypes) || !in || !in->contains(begin, operand.bytes))
      continue;
    const uint8_t *shadow = in->allWritten ? nullptr : in->shadow(begin);
    const uint64_t row = operand.rowBytes ? operand.rowBytes : operand.bytes;
    const uint64_t stride = std::max(operand.strideBytes, row);
    for (uint64_t first = 0; first < operand.bytes; first += stride) { // without the gaps between rows
      const uint64_t count = std::min(row, operand.bytes - first) / type->bytes;
      auto isWritten = [&](uint64_t i) { return !shadow || shadow[first + i * type->bytes] == memory::kWritten; };
      const uint64_t at = type->bytes == 4 ? firstNotFinite(reinterpret_cast<const uint32_t *>(begin + first), count,
                                                            type->exponent, isWritten)
                                           : firstNotFinite(reinterpret_cast<const uint16_t *>(begin + first), count,
                                                            static_cast<uint16_t>(type->exponent), isWritten);
      if (at == count)
        continue;
      const uint64_t i = first + at * type->bytes;
      uint32_t bits = 0;
      std::memcpy(&bits, reinterpret_cast<const void *>(begin + i), type->bytes);
      fprintf(stderr, "incept-sim: note: the first value that is not finite: %s, %s %llu of an operand of %s%s%s\n",
              bits & type->mantissa ? "NaN" : "infinity", std::string(type->name).c_str(),
              (unsigned long long)(i / type->bytes), launch.what().c_str(), launch.kernel.empty() ? "" : ", kernel ",
              launch.kernel.c_str());
      toldNotFinite = true;
      return;
    }
  }
}

Status Recorder::write() const {
  if (options.report.empty())
    return {};
  nlohmann::ordered_json launches = nlohmann::ordered_json::array();
  if (course)
    for (const std::vector<CourseLaunch> &list : course->lists())
      for (const CourseLaunch &launch : list) {
        auto found = records.find(&launch);
        if (found == records.end())
          continue;
        const auto &[runs, counters] = found->second;
        nlohmann::ordered_json entry = {{"entry", launch.entry}, {"index", launch.index}, {"family", launch.family}};
        entry["op"] = launch.op;
        entry["loc"] = launch.location;
        entry["runs"] = runs;
        entry["estimated_bytes"] = launch.bytes;
        if (!launch.kernel.empty()) {
          entry["kernel"] = launch.kernel;
          entry["grid"] = std::vector<uint64_t>(launch.sizes.begin(), launch.sizes.begin() + 3);
          entry["block"] = std::vector<uint64_t>(launch.sizes.begin() + 3, launch.sizes.end());
          // Of one run; those of all are the same but where control flow depends on values.
          const std::pair<const char *, uint64_t> numbers[] = {
              {"warp_instructions", counters.warpInstructions},
              {"lane_instructions", counters.laneInstructions},
              {"global_bytes_read", counters.globalBytesRead},
              {"global_bytes_written", counters.globalBytesWritten},
              {"distinct_bytes_read", counters.distinctBytesRead},
              {"distinct_bytes_written", counters.distinctBytesWritten},
              {"global_requests", counters.globalRequests},
              {"global_sectors", counters.globalSectors},
              {"shared_bytes", counters.sharedBytes},
              {"local_bytes", counters.localBytes},
              {"bank_conflicts", counters.bankConflicts}};
          for (auto [name, number] : numbers)
            entry[name] = number / runs;
        }
        launches.push_back(std::move(entry));
      }
  std::ofstream file(options.report);
  file << nlohmann::ordered_json({{"launches", launches}}).dump(1) << "\n";
  file.close();
  return file ? Status() : machineError("cannot write '" + options.report + "'");
}

} // namespace incept::sim
