// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/driver/Cubin.h"

#include <cstring>
#include <elf.h>
#include <vector>

namespace incept::sim {

namespace {

constexpr uint16_t kMachineCuda = 190; // EM_CUDA

/// Attributes of `.nv.info`: a byte for the form, one for the name, and 16 bits that are the value or, in the last
/// form, the number of bytes that follow.
enum Attribute : uint8_t { kMaxThreads = 0x05, kRequiredThreads = 0x10, kRegisters = 0x2f };
constexpr uint8_t kSized = 0x04;

Status damaged(const std::string &why) { return inputError("the cubin is damaged: " + why); }

/// Numbers of a byte range, checked.
class Reader {
public:
  explicit Reader(std::string_view bytes) : bytes(bytes) {}

  template <typename T>
  bool read(uint64_t offset, T &value) const {
    if (offset > bytes.size() || sizeof(T) > bytes.size() - offset)
      return false;
    memcpy(&value, bytes.data() + offset, sizeof(T));
    return true;
  }
  /// Empty where the range is not inside.
  std::string_view part(uint64_t offset, uint64_t size) const {
    return offset <= bytes.size() && size <= bytes.size() - offset ? bytes.substr(offset, size) : std::string_view();
  }
  /// The text up to a zero byte; empty where there is none.
  std::string_view text(uint64_t offset) const {
    std::string_view rest = part(offset, offset <= bytes.size() ? bytes.size() - offset : 0);
    size_t end = rest.find('\0');
    return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
  }

private:
  std::string_view bytes;
};

struct Section {
  std::string_view name, bytes; ///< bytes are empty where the file has none
  Elf64_Shdr header{};
};

Status readSections(const Reader &file, std::vector<Section> &sections) {
  Elf64_Ehdr header;
  if (!file.read(0, header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_machine != kMachineCuda)
    return inputError("expected a cubin, an ELF file of 64 bits for NVIDIA GPUs");
  if (header.e_shentsize != sizeof(Elf64_Shdr))
    return damaged("its table of sections has entries of " + std::to_string(header.e_shentsize) + " bytes");
  for (uint64_t i = 0; i < header.e_shnum; ++i) {
    Section &section = sections.emplace_back();
    // The product is at most 2^22; the sum may overflow, which `read` takes for a place that is not there.
    uint64_t at = header.e_shoff + i * sizeof(Elf64_Shdr);
    if (at < header.e_shoff || !file.read(at, section.header))
      return damaged("its table of sections lies outside of it");
    if (section.header.sh_type == SHT_NOBITS || section.header.sh_size == 0)
      continue;
    section.bytes = file.part(section.header.sh_offset, section.header.sh_size);
    if (section.bytes.empty())
      return damaged("section " + std::to_string(i) + " lies outside of it");
  }
  if (header.e_shstrndx >= sections.size())
    return damaged("its sections have no names");
  const Reader names(sections[header.e_shstrndx].bytes);
  for (Section &section : sections)
    section.name = names.text(section.header.sh_name);
  return {};
}

/// Calls visit(name, value), the value as a range of bytes.
template <typename Visit>
Status forEachAttribute(const Section &section, Visit visit) {
  struct Entry {
    uint8_t form, name;
    uint16_t value;
  } entry;
  const Reader info(section.bytes);
  for (uint64_t at = 0; at < section.bytes.size();) {
    if (!info.read(at, entry))
      return damaged("section '" + std::string(section.name) + "' ends early");
    at += sizeof(entry);
    if (entry.form != kSized)
      continue;
    std::string_view value = info.part(at, entry.value);
    if (value.size() != entry.value)
      return damaged("section '" + std::string(section.name) + "' ends early");
    visit(entry.name, Reader(value));
    at += entry.value;
  }
  return {};
}

/// The name of a symbol, by the table that `section` refers to; empty where there is none.
std::string_view symbolName(const std::vector<Section> &sections, const Section &section, uint32_t index) {
  if (section.header.sh_link >= sections.size())
    return {};
  const Section &table = sections[section.header.sh_link];
  Elf64_Sym symbol;
  if (!Reader(table.bytes).read(uint64_t(index) * sizeof(symbol), symbol) || table.header.sh_link >= sections.size())
    return {};
  return Reader(sections[table.header.sh_link].bytes).text(symbol.st_name);
}

} // namespace

Expected<Cubin> readCubin(std::string_view bytes) {
  const Reader file(bytes);
  std::vector<Section> sections;
  INCEPT_RETURN_IF_ERROR(readSections(file, sections));
  constexpr std::string_view kText = ".text.", kInfo = ".nv.info.", kShared = ".nv.shared.", kReserved = "reserved.";
  Cubin cubin;
  auto kernelOf = [&](std::string_view name, std::string_view prefix) -> CubinKernel * {
    if (!name.starts_with(prefix))
      return nullptr;
    auto found = cubin.kernels.find(std::string(name.substr(prefix.size())));
    return found == cubin.kernels.end() ? nullptr : &found->second;
  };
  for (const Section &section : sections)
    if (section.name.starts_with(kText))
      cubin.kernels[std::string(section.name.substr(kText.size()))];
  for (const Section &section : sections) {
    if (section.name.starts_with(std::string(kShared) + std::string(kReserved)))
      cubin.reservesShared = true;
    else if (CubinKernel *kernel = kernelOf(section.name, kShared))
      kernel->sharedBytes = section.header.sh_size;
    if (section.name == ".nv.info")
      INCEPT_RETURN_IF_ERROR(forEachAttribute(section, [&](uint8_t name, const Reader &value) {
        uint32_t symbol = 0, count = 0;
        if (name == kRegisters && value.read(0, symbol) && value.read(4, count))
          if (auto found = cubin.kernels.find(std::string(symbolName(sections, section, symbol)));
              found != cubin.kernels.end())
            found->second.registers = count;
      }));
    CubinKernel *kernel = kernelOf(section.name, kInfo);
    if (!kernel)
      continue;
    INCEPT_RETURN_IF_ERROR(forEachAttribute(section, [&](uint8_t name, const Reader &value) {
      if (name == kMaxThreads)
        value.read(0, kernel->maxThreads);
      else if (name == kRequiredThreads)
        value.read(0, kernel->requiredThreads);
    }));
  }
  return cubin;
}

} // namespace incept::sim
