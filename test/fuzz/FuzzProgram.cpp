// SPDX-License-Identifier: Apache-2.0
//
// Compiled programs: the section of an executable, the header of an image, and PTX.
#include "runtime/device/cpu/CpuImage.h"
#include "runtime/program/Image.h"
#include "test/fuzz/Targets.h"
#include "tools/incept-sim/ptx/Syntax.h"

namespace incept::fuzz {

namespace {

/// An image of this header and some blobs, with the checksum that belongs to it.
std::string seal(std::string_view header) {
  std::string image(program::kPrefixBytes, '\0');
  image += header;
  image.resize((image.size() + 63) / 64 * 64, ' ');
  uint64_t length = image.size() - program::kPrefixBytes;
  image += std::string(256, 'k');
  auto put = [&](size_t at, uint64_t word) {
    for (int i = 0; i < 8; ++i)
      image[at + i] = static_cast<char>(word >> (8 * i));
  };
  put(0, length);
  put(8, program::imageChecksum(image));
  return image;
}

} // namespace

void fuzzImage(std::string_view text) {
  std::string bytes = seal(text);
  program::Image image;
  if (!program::parseImage(bytes, image).ok())
    return;
  for (const auto &[entry, launches] : image.entries)
    for (const program::Launch &launch : launches) {
      for (const program::Operand &operand : launch.operands)
        promise(operand.region < image.regions.size() && operand.offset <= image.regions[operand.region].bytes);
      promise(launch.index < (launch.isKernel ? image.kernels.size() : image.plans.size()));
    }
  if (image.target == "cpu")
    (void)cpu::checkImage(image).ok();
}

void fuzzElf(std::string_view bytes) {
  std::string_view section;
  if (program::findSection(bytes, section).ok())
    promise(section.data() >= bytes.data() && section.data() + section.size() <= bytes.data() + bytes.size());
}

void fuzzPtx(std::string_view text) {
  auto module = sim::ptx::parseModule(text);
  promise(module || !module.status().message().empty());
}

} // namespace incept::fuzz
