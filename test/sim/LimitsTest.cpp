// SPDX-License-Identifier: Apache-2.0
//
// What machine code says of its kernels, and the launches that a device takes of them.
#include "tools/incept-sim/driver/Limits.h"
#include "test/sim/Simulated.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <unistd.h>

using namespace incept;
using namespace incept::sim;

namespace {

void append(std::string &bytes, std::initializer_list<uint32_t> words) {
  for (uint32_t word : words)
    bytes.append(reinterpret_cast<const char *>(&word), sizeof(word));
}

/// An ELF file with one kernel, as ptxas writes them: sections by name, and the names last.
std::string makeCubin(uint32_t registers, std::array<uint32_t, 3> maxThreads, uint64_t shared, bool reserves) {
  std::string names(1, '\0'), symbolNames(1, '\0'), body(sizeof(Elf64_Ehdr), '\0');
  std::vector<Elf64_Shdr> sections(1);
  auto add = [&](const std::string &name, uint32_t type, const std::string &bytes, uint64_t size, uint32_t link) {
    Elf64_Shdr section{};
    section.sh_name = uint32_t(names.size());
    section.sh_type = type;
    section.sh_offset = body.size();
    section.sh_size = size;
    section.sh_link = link;
    names += name + '\0';
    body += bytes;
    sections.push_back(section);
  };
  symbolNames += std::string("one") + '\0';
  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = 1;
  add(".strtab", SHT_STRTAB, symbolNames, symbolNames.size(), 0); // section 1
  add(".symtab", SHT_SYMTAB, std::string(reinterpret_cast<char *>(symbols), sizeof(symbols)), sizeof(symbols), 1);
  std::string all, own;
  append(all, {0x00082f04, 1, registers});
  append(own, {0x00ff1b03, 0x000c0504, maxThreads[0], maxThreads[1], maxThreads[2]});
  add(".nv.info", SHT_LOPROC, all, all.size(), 2);
  add(".nv.info.one", SHT_LOPROC, own, own.size(), 2);
  add(".text.one", SHT_PROGBITS, "code", 4, 0);
  if (reserves)
    add(".nv.shared.reserved.0", SHT_NOBITS, "", 0, 0);
  if (shared)
    add(".nv.shared.one", SHT_NOBITS, "", shared, 0);
  Elf64_Ehdr header{};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_machine = 190;
  header.e_shentsize = sizeof(Elf64_Shdr);
  Elf64_Shdr section{};
  section.sh_name = uint32_t(names.size());
  section.sh_type = SHT_STRTAB;
  section.sh_offset = body.size();
  names += std::string(".shstrtab") + '\0';
  section.sh_size = names.size();
  body += names;
  header.e_shstrndx = uint16_t(sections.size());
  sections.push_back(section);
  header.e_shnum = uint16_t(sections.size());
  header.e_shoff = body.size();
  memcpy(body.data(), &header, sizeof(header));
  return body.append(reinterpret_cast<const char *>(sections.data()), sections.size() * sizeof(Elf64_Shdr));
}

Profile h100() {
  std::ifstream file(INCEPT_SIM_INPUTS "/h100.json");
  Expected<Profile> profile = parseProfile(std::string(std::istreambuf_iterator<char>(file), {}));
  EXPECT_TRUE(profile);
  return profile ? *profile : Profile();
}

TEST(Cubin, TellsWhatItsKernelsTake) {
  Expected<Cubin> cubin = readCubin(makeCubin(40, {128, 2, 1}, 1536, true));
  ASSERT_TRUE(cubin) << cubin.status().message();
  EXPECT_TRUE(cubin->reservesShared);
  ASSERT_EQ(cubin->kernels.size(), 1u);
  const CubinKernel &kernel = cubin->kernels.at("one");
  EXPECT_EQ(kernel.registers, 40u);
  EXPECT_EQ(kernel.maxThreads, (std::array<uint32_t, 3>{128, 2, 1}));
  EXPECT_EQ(kernel.requiredThreads, (std::array<uint32_t, 3>{}));
  EXPECT_EQ(kernel.sharedBytes, 1536u);

  KernelNeeds needs;
  restrict(needs, *cubin, "another", h100());
  EXPECT_EQ(needs.registers, 0);
  restrict(needs, *cubin, "one", h100());
  EXPECT_EQ(needs.registers, 40);
  EXPECT_EQ(needs.maxThreads, 256);
  EXPECT_EQ(needs.sharedBytes, 512);
}

// Whatever is cut off or changed: an answer or a sentence, and no access outside (the preset with sanitizers sees
// those).
TEST(Cubin, MayBeDamaged) {
  const std::string good = makeCubin(40, {128, 2, 1}, 1536, true);
  EXPECT_FALSE(readCubin(""));
  EXPECT_FALSE(readCubin("\x7f"
                         "ELF"));
  EXPECT_EQ(readCubin(std::string(200, 'x')).status().message(),
            "expected a cubin, an ELF file of 64 bits for NVIDIA GPUs");
  for (size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(readCubin(std::string_view(good).substr(0, length))) << length;
  std::mt19937 random(5);
  Profile profile = h100();
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = char(random());
    Expected<Cubin> cubin = readCubin(bad);
    if (!cubin)
      continue;
    KernelNeeds needs;
    restrict(needs, *cubin, "one", profile);
    std::string why;
    checkLaunch(profile, needs, {{1, 1, 1}, {256, 1, 1}, 0}, 49152, why);
    EXPECT_GE(residentBlocks(profile, needs, 256, 0), 0);
  }
}

// The real assembler's report in words is the same.
TEST(Cubin, AgreesWithPtxas) {
  namespace fs = std::filesystem;
  fs::path folder = fs::temp_directory_path() / ("incept-limits-" + std::to_string(getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "k.ptx") << R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry one(.param .u64 p) .maxntid 128, 2, 1 {
  .reg .b64 %rd<2>; .reg .f32 %f<3>; .reg .b32 %r<2>;
  .shared .align 4 .b8 buffer[768];
  ld.param.u64 %rd1, [p];
  mov.u32 %r1, %tid.x;
  ld.global.f32 %f1, [%rd1];
  st.shared.f32 [buffer], %f1;
  bar.sync 0;
  ld.shared.f32 %f2, [buffer+4];
  add.f32 %f2, %f2, %f1;
  st.global.f32 [%rd1], %f2;
  ret;
}
.visible .entry two(.param .u64 p) .reqntid 8, 4, 1 { ret; }
)";
  for (const char *chip : {"sm_80", "sm_90", "sm_100"}) {
    std::string command = std::string(INCEPT_PTXAS) + " -v -arch=" + chip + " " + (folder / "k.ptx").string() + " -o " +
                          (folder / "k.cubin").string() + " 2>&1";
    std::string words;
    FILE *pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    for (int c; (c = fgetc(pipe)) != EOF;)
      words += char(c);
    ASSERT_EQ(pclose(pipe), 0) << words;
    std::ifstream file(folder / "k.cubin", std::ios::binary);
    Expected<Cubin> cubin = readCubin(std::string(std::istreambuf_iterator<char>(file), {}));
    ASSERT_TRUE(cubin) << cubin.status().message();
    ASSERT_EQ(cubin->kernels.size(), 2u);
    for (const auto &[name, kernel] : cubin->kernels) {
      size_t at = words.find("function '" + name + "'");
      int registers = 0;
      ASSERT_EQ(sscanf(words.c_str() + words.find("Used ", at), "Used %d registers", &registers), 1) << words;
      EXPECT_EQ(int(kernel.registers), registers) << chip << " " << name;
    }
    KernelNeeds one, two;
    restrict(one, *cubin, "one", h100());
    restrict(two, *cubin, "two", h100());
    EXPECT_EQ(one.sharedBytes, 768) << chip;
    EXPECT_EQ(one.maxThreads, 256) << chip;
    EXPECT_EQ(two.sharedBytes, 0) << chip;
    EXPECT_EQ(two.requiredThreads, (std::array<uint32_t, 3>{8, 4, 1})) << chip;
  }
  fs::remove_all(folder);
}

// The numbers of the occupancy tables: 65,536 registers, in pieces of 256 to a warp, four schedulers.
TEST(Limits, RegistersAreSetAsideByWarp) {
  Profile profile = h100();
  struct {
    int64_t registers, block, resident; ///< the largest block; blocks of 256 threads at once
  } rows[] = {{0, 1024, 8}, {16, 1024, 8}, {32, 1024, 8}, {33, 1024, 6}, {64, 1024, 4}, {65, 896, 3},
              {72, 896, 3}, {80, 768, 3},  {128, 512, 2}, {168, 384, 1}, {255, 256, 1}};
  for (auto [registers, block, resident] : rows) {
    KernelNeeds needs;
    needs.registers = registers;
    EXPECT_EQ(largestBlock(profile, needs), block) << registers;
    EXPECT_EQ(residentBlocks(profile, needs, 256, 0), resident) << registers;
    std::string why;
    EXPECT_EQ(checkLaunch(profile, needs, {{1, 1, 1}, {uint32_t(block), 1, 1}, 0}, 49152, why), Refusal::None) << why;
    if (block < 1024) {
      EXPECT_EQ(checkLaunch(profile, needs, {{1, 1, 1}, {uint32_t(block) + 1, 1, 1}, 0}, 49152, why),
                Refusal::OutOfResources);
      EXPECT_NE(why.find(std::to_string(registers) + " registers each"), std::string::npos) << why;
    }
  }
}

// 257 threads are nine warps, with room for twelve: 65 registers of 32 lanes in nine pieces each.
TEST(Limits, RegistersOfABlock) {
  KernelNeeds needs;
  needs.registers = 65;
  EXPECT_EQ(registersOfBlock(h100(), needs, 257), 12 * 9 * 256);
}

TEST(Limits, EveryOneIsSaid) {
  Profile profile = h100();
  KernelNeeds needs;
  needs.maxThreads = 128;
  needs.sharedBytes = 1024;
  std::string why;
  auto check = [&](LaunchSizes sizes, int64_t dynamicLimit = 48128) {
    why.clear();
    return checkLaunch(profile, needs, sizes, dynamicLimit, why);
  };
  EXPECT_EQ(check({{2147483647, 65535, 65535}, {128, 1, 1}, 48128}), Refusal::None) << why;
  EXPECT_EQ(check({{1, 65536, 1}, {128, 1, 1}, 0}), Refusal::InvalidValue);
  EXPECT_EQ(why, "the grid (1, 65536, 1) is empty or larger than the device's (2147483647, 65535, 65535)");
  EXPECT_EQ(check({{1, 1, 1}, {1, 1, 65}, 0}), Refusal::InvalidValue);
  EXPECT_EQ(check({{1, 1, 1}, {1024, 1024, 64}, 0}), Refusal::InvalidValue);
  EXPECT_EQ(check({{1, 1, 1}, {129, 1, 1}, 0}), Refusal::InvalidValue);
  EXPECT_EQ(why, "the block has 129 threads, and the kernel is compiled for at most 128 (.maxntid)");
  EXPECT_EQ(check({{1, 1, 1}, {128, 1, 1}, 48129}), Refusal::InvalidValue);
  EXPECT_NE(why.find("CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES"), std::string::npos) << why;
  // A limit that was raised further than the device goes, as another device's may be.
  EXPECT_EQ(check({{1, 1, 1}, {128, 1, 1}, 232448}, 232448), Refusal::OutOfResources);
  EXPECT_EQ(check({{1, 1, 1}, {128, 1, 1}, 231424}, 232448), Refusal::None) << why;
  needs.requiredThreads = {8, 4, 1};
  EXPECT_EQ(check({{1, 1, 1}, {32, 1, 1}, 0}), Refusal::InvalidValue);
  EXPECT_EQ(why, "the block (32, 1, 1) is not the (8, 4, 1) that the kernel requires (.reqntid)");
  EXPECT_EQ(check({{1, 1, 1}, {8, 4, 1}, 0}), Refusal::None) << why;
}

} // namespace
