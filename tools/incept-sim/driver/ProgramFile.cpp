// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/driver/ProgramFile.h"
#include "runtime/program/Image.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using nlohmann::json;

namespace incept::sim {

namespace {

/// A file's bytes, mapped.
class Mapping {
public:
  explicit Mapping(const std::string &path) {
    int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
      return;
    struct stat info;
    if (fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
      void *mapped = mmap(nullptr, size_t(info.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0);
      if (mapped != MAP_FAILED)
        bytes = {static_cast<const char *>(mapped), size_t(info.st_size)};
    }
    close(descriptor);
  }
  ~Mapping() {
    if (!bytes.empty())
      munmap(const_cast<char *>(bytes.data()), bytes.size());
  }
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;

  std::string_view bytes;
};

std::string text(const json &object, const char *key) {
  return object.is_object() && object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
}

uint64_t integer(const json &object, const char *key) {
  bool good = object.is_object() && object.contains(key) && object[key].is_number_integer() &&
              (object[key].is_number_unsigned() || object[key].get<int64_t>() >= 0);
  return good ? object[key].get<uint64_t>() : UINT64_MAX;
}

/// Part `bytes` at `offset`; empty where it is not inside.
std::string_view part(std::string_view whole, uint64_t offset, uint64_t bytes) {
  return offset <= whole.size() && bytes <= whole.size() - offset ? whole.substr(offset, bytes) : std::string_view();
}

/// The blob of a name; empty where there is none.
std::string_view findBlob(const json &header, const char *name, std::string_view blobs) {
  if (!header.contains("blobs") || !header["blobs"].is_object() || !header["blobs"].contains(name))
    return {};
  const json &place = header["blobs"][name];
  return part(blobs, integer(place, "offset"), integer(place, "bytes"));
}

void readPlans(const json &header, std::string_view blobs, ProgramFile &file) {
  if (!header.contains("plans") || !header["plans"].is_array())
    return;
  std::string_view plans = findBlob(header, "plans", blobs);
  for (const json &entry : header["plans"]) {
    if (!entry.is_object() || !entry.contains("serialized"))
      continue;
    const json &range = entry["serialized"];
    std::string_view stored = part(plans, integer(range, "offset"), integer(range, "bytes"));
    uint64_t workspace = integer(entry, "scratchpad_bytes");
    if (!stored.empty() && workspace != UINT64_MAX)
      file.plans.push_back({std::string(stored), workspace});
  }
}

/// Launches of kernels; what is malformed is left out, since the program itself refuses it.
void readLaunches(const json &header, ProgramFile &file) {
  if (!header.contains("kernels") || !header["kernels"].is_array() || !header.contains("entries") ||
      !header["entries"].is_object())
    return;
  const json &kernels = header["kernels"];
  for (const auto &[entry, list] : header["entries"].items())
    for (const json &launch : list) {
      uint64_t kernel = integer(launch, "kernel");
      std::string name = kernel < kernels.size() ? text(kernels[kernel], "name") : "";
      if (name.empty() || !launch.contains("operands") || !launch.contains("extents"))
        continue;
      DescribedLaunch described{std::move(name), "'" + text(launch, "op") + "' (" + text(launch, "loc") + ")", {}, {}};
      for (const json &operand : launch["operands"])
        if (operand.is_array() && operand.size() == 2 && operand[0].is_number_unsigned() &&
            operand[1].is_number_unsigned())
          described.operands.push_back({operand[0], operand[1]});
      for (const json &extent : launch["extents"])
        if (extent.is_number_unsigned())
          described.extents.push_back(extent);
      file.launches.push_back(std::move(described));
    }
}

bool fits(const DescribedLaunch &launch, const std::string &kernel, const std::vector<uint64_t> &parameters) {
  size_t operands = launch.operands.size();
  if (launch.kernel != kernel || parameters.size() != operands + launch.extents.size() ||
      !std::equal(launch.extents.begin(), launch.extents.end(), parameters.begin() + operands))
    return false;
  std::map<uint64_t, uint64_t> begins;
  for (size_t i = 0; i < operands; ++i) {
    auto [region, offset] = launch.operands[i];
    uint64_t begin = parameters[i] - offset;
    if (begins.try_emplace(region, begin).first->second != begin)
      return false;
  }
  return true;
}

} // namespace

std::string describeLaunch(const std::vector<DescribedLaunch> &launches, const std::string &kernel,
                           const std::vector<uint64_t> &parameters) {
  for (const DescribedLaunch &launch : launches)
    if (fits(launch, kernel, parameters))
      return launch.what;
  return "";
}

Expected<ProgramFile> readProgramFile(const std::string &path) {
  Mapping mapping(path);
  if (mapping.bytes.empty())
    return inputError("cannot read '" + path + "'");
  std::string_view section;
  if (!program::findSection(mapping.bytes, section).ok())
    return inputError("'" + path + "' is not a program that incept has compiled");
  uint64_t headerBytes = 0;
  if (section.size() < program::kPrefixBytes)
    return inputError("the image of '" + path + "' is damaged");
  memcpy(&headerBytes, section.data(), sizeof(headerBytes));
  section.remove_prefix(program::kPrefixBytes); // the program itself looks at the checksum
  json header = json::parse(part(section, 0, headerBytes), nullptr, false);
  if (!header.is_object() || !header.contains("target"))
    return inputError("the image of '" + path + "' is damaged");
  ProgramFile file;
  file.kind = text(header["target"], "kind");
  file.device = text(header["target"], "device");
  file.cudnn = text(header["target"], "cudnn");
  file.cubin = findBlob(header, "cubin", section.substr(headerBytes));
  readPlans(header, section.substr(headerBytes), file);
  readLaunches(header, file);
  return file;
}

} // namespace incept::sim
