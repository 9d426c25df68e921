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
#include <tuple>
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

// Each limit of the device, on both sides, in its words.
TEST(Limits, OfTheDevice) {
  Profile profile = h100();
  KernelNeeds needs;
  auto check = [&](LaunchSizes sizes, int64_t dynamicLimit = 49152) {
    std::string why;
    Refusal refusal = checkLaunch(profile, needs, sizes, dynamicLimit, why);
    return refusal == Refusal::None ? std::string("taken")
                                    : (refusal == Refusal::InvalidValue ? "invalid: " : "exhausted: ") + why;
  };
  const std::string grid = " is empty or larger than the device's (2147483647, 65535, 65535)";
  const std::string block = " is empty or larger than the device's (1024, 1024, 64), 1024 threads in all";
  EXPECT_EQ(check({{2147483648, 1, 1}, {1, 1, 1}, 0}), "invalid: the grid (2147483648, 1, 1)" + grid);
  EXPECT_EQ(check({{1, 1, 65536}, {1, 1, 1}, 0}), "invalid: the grid (1, 1, 65536)" + grid);
  EXPECT_EQ(check({{0, 1, 1}, {1, 1, 1}, 0}), "invalid: the grid (0, 1, 1)" + grid);
  EXPECT_EQ(check({{1, 0, 1}, {1, 1, 1}, 0}), "invalid: the grid (1, 0, 1)" + grid);
  EXPECT_EQ(check({{1, 1, 0}, {1, 1, 1}, 0}), "invalid: the grid (1, 1, 0)" + grid);
  for (std::array<uint32_t, 3> good : {std::array<uint32_t, 3>{1024, 1, 1}, {1, 1024, 1}, {1, 1, 64}, {16, 1, 64}})
    EXPECT_EQ(check({{1, 1, 1}, good, 0}), "taken");
  EXPECT_EQ(check({{1, 1, 1}, {1025, 1, 1}, 0}), "invalid: the block (1025, 1, 1)" + block);
  EXPECT_EQ(check({{1, 1, 1}, {1, 1025, 1}, 0}), "invalid: the block (1, 1025, 1)" + block);
  EXPECT_EQ(check({{1, 1, 1}, {1, 1, 65}, 0}), "invalid: the block (1, 1, 65)" + block);
  EXPECT_EQ(check({{1, 1, 1}, {25, 41, 1}, 0}), "invalid: the block (25, 41, 1)" + block);
  EXPECT_EQ(check({{1, 1, 1}, {1, 0, 1}, 0}), "invalid: the block (1, 0, 1)" + block);
  EXPECT_EQ(check({{1, 1, 1}, {1, 1, 1}, 49153}),
            "invalid: 49153 bytes of dynamic shared memory are over the kernel's limit of 49152: set "
            "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES before");
  EXPECT_EQ(check({{1, 1, 1}, {1, 1, 1}, 1}, -5),
            "invalid: 1 bytes of dynamic shared memory are over the kernel's limit of -5: set "
            "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES before");
  // What is declared has the smaller limit, together with what is asked for the larger one.
  needs.sharedBytes = 49152;
  EXPECT_EQ(check({{1, 1, 1}, {1, 1, 1}, 0}), "taken");
  EXPECT_EQ(check({{1, 1, 1}, {1, 1, 1}, 183296}, 232448), "taken");
  EXPECT_EQ(check({{1, 1, 1}, {1, 1, 1}, 183297}, 232448),
            "exhausted: the block needs 232449 bytes of shared memory, and the device has 232448");
  needs.sharedBytes = 49153;
  EXPECT_EQ(check({{1, 1, 1}, {1, 1, 1}, 0}),
            "exhausted: the block needs 49153 bytes of shared memory, and the device has 49152");
  // 65 registers of 32 lanes are 9 pieces of 256; 29 warps are dealt out as 32.
  needs.sharedBytes = 0;
  needs.registers = 65;
  EXPECT_EQ(check({{1, 1, 1}, {897, 1, 1}, 0}),
            "exhausted: a block of 897 threads with 65 registers each needs 73728 registers, and "
            "the device has 65536 for a block");
}

// Blocks at once: by threads, by shared memory with what is kept for the driver, by registers, by their number.
TEST(Limits, ResidentBlocks) {
  Profile profile = h100();
  KernelNeeds needs;
  const std::tuple<int64_t, int64_t, int64_t> rows[] = {
      {1, 0, 32},     {32, 0, 32},     {64, 0, 32},     {65, 0, 21},       {1024, 0, 2},     {64, 6272, 32},
      {64, 6273, 31}, {64, 232448, 1}, {64, 232449, 0}, {1024, 115712, 2}, {1024, 115713, 1}};
  for (auto [threads, shared, blocks] : rows)
    EXPECT_EQ(residentBlocks(profile, needs, threads, shared), blocks) << threads << " " << shared;
  needs.registers = 64; // 8 pieces to a warp: 32 warps
  EXPECT_EQ(residentBlocks(profile, needs, 1024, 0), 1);
  EXPECT_EQ(residentBlocks(profile, needs, 512, 0), 2);
  EXPECT_EQ(residentBlocks(profile, needs, 32, 0), 32);
  needs.registers = 255; // 32 pieces: 8 warps
  EXPECT_EQ(residentBlocks(profile, needs, 256, 0), 1);
  EXPECT_EQ(residentBlocks(profile, needs, 257, 0), 0);
  EXPECT_EQ(residentBlocks(profile, needs, 32, 0), 8);
}

// A report says nothing where it is damaged, and never widens what the text said.
TEST(Limits, ReportsRestrict) {
  Profile profile = h100();
  auto restricted = [&](CubinKernel report, bool reserves, KernelNeeds needs) {
    Cubin cubin;
    cubin.reservesShared = reserves;
    cubin.kernels["k"] = report;
    restrict(needs, cubin, "k", profile);
    return needs;
  };
  CubinKernel report;
  report.registers = 33;
  report.sharedBytes = 5000;
  KernelNeeds text;
  text.sharedBytes = 4000;
  text.maxThreads = 256;
  EXPECT_EQ(restricted(report, false, text).registers, 33);
  EXPECT_EQ(restricted(report, false, text).sharedBytes, 5000);
  EXPECT_EQ(restricted(report, true, text).sharedBytes, 4000); // 3,976 without the driver's 1,024
  report.sharedBytes = 5100;
  EXPECT_EQ(restricted(report, true, text).sharedBytes, 4076);
  EXPECT_EQ(restricted(report, true, text).maxThreads, 256);
  report.sharedBytes = 0;
  EXPECT_EQ(restricted(report, true, text).sharedBytes, 4000);
  report.sharedBytes = UINT64_MAX;
  EXPECT_EQ(restricted(report, false, text).sharedBytes, int64_t(1) << 40);
  using Sizes = std::array<uint32_t, 3>;
  for (auto [sizes, most] : {std::pair{Sizes{8, 4, 2}, 64},
                             {Sizes{1024, 1, 1}, 256},
                             {Sizes{16, 16, 1}, 256},
                             {Sizes{0, 4, 2}, 256},
                             {Sizes{1025, 1, 1}, 256},
                             {Sizes{1, 1, 1}, 1}}) {
    CubinKernel bounded, required;
    bounded.maxThreads = sizes;
    required.requiredThreads = sizes;
    EXPECT_EQ(restricted(bounded, false, text).maxThreads, most);
    EXPECT_EQ(restricted(bounded, false, text).requiredThreads, Sizes{});
    EXPECT_EQ(restricted(required, false, text).maxThreads, most);
    const bool isSize = sizes[0] >= 1 && sizes[0] <= 1024;
    EXPECT_EQ(restricted(required, false, text).requiredThreads, isSize ? sizes : Sizes{});
    KernelNeeds said = text;
    said.requiredThreads = {7, 1, 1};
    EXPECT_EQ(restricted(required, false, said).requiredThreads, (Sizes{7, 1, 1}));
  }
}

TEST(Cubin, SaysWhatIsDamaged) {
  const std::string good = makeCubin(40, {128, 2, 1}, 1536, true),
                    wrong = "expected a cubin, an ELF file of 64 bits for NVIDIA GPUs";
  auto with = [&](size_t at, auto value) {
    std::string bytes = good;
    memcpy(bytes.data() + at, &value, sizeof(value));
    return readCubin(bytes).status().message();
  };
  EXPECT_EQ(with(0, uint8_t(0)), wrong);
  EXPECT_EQ(with(EI_CLASS, uint8_t(ELFCLASS32)), wrong);
  EXPECT_EQ(with(offsetof(Elf64_Ehdr, e_machine), uint16_t(62)), wrong);
  EXPECT_EQ(with(offsetof(Elf64_Ehdr, e_shentsize), uint16_t(40)),
            "the cubin is damaged: its table of sections has entries of 40 bytes");
  for (uint64_t offset : {uint64_t(good.size()), UINT64_MAX, UINT64_MAX - 100, uint64_t(good.size() - 64)})
    EXPECT_EQ(with(offsetof(Elf64_Ehdr, e_shoff), offset),
              "the cubin is damaged: its table of sections lies outside of it")
        << offset;
  Elf64_Ehdr header;
  memcpy(&header, good.data(), sizeof(header));
  EXPECT_EQ(with(offsetof(Elf64_Ehdr, e_shstrndx), header.e_shnum), "the cubin is damaged: its sections have no names");
  auto section = [&](uint64_t index) { return header.e_shoff + index * sizeof(Elf64_Shdr); };
  const size_t info = 3, own = 4; // .nv.info and .nv.info.one
  EXPECT_EQ(with(section(own) + offsetof(Elf64_Shdr, sh_size), uint64_t(good.size())),
            "the cubin is damaged: section 4 lies outside of it");
  EXPECT_EQ(with(section(own) + offsetof(Elf64_Shdr, sh_offset), UINT64_MAX),
            "the cubin is damaged: section 4 lies outside of it");
  EXPECT_EQ(with(section(info) + offsetof(Elf64_Shdr, sh_size), uint64_t(3)),
            "the cubin is damaged: section '.nv.info' ends early");
  EXPECT_EQ(with(section(info) + offsetof(Elf64_Shdr, sh_size), uint64_t(11)),
            "the cubin is damaged: section '.nv.info' ends early");
  EXPECT_EQ(with(section(own) + offsetof(Elf64_Shdr, sh_size), uint64_t(19)),
            "the cubin is damaged: section '.nv.info.one' ends early");
  // Without an entry of its own, or with a symbol that is not there, a kernel is as its text says.
  auto registersWith = [&](size_t at, uint32_t value) {
    std::string bytes = good;
    memcpy(bytes.data() + at, &value, sizeof(value));
    Expected<Cubin> cubin = readCubin(bytes);
    return cubin ? cubin->kernels.at("one").registers : 12345;
  };
  Elf64_Shdr all;
  memcpy(&all, good.data() + section(info), sizeof(all));
  EXPECT_EQ(registersWith(all.sh_offset + 8, 77), 77u);
  EXPECT_EQ(registersWith(all.sh_offset + 4, 2), 0u); // no such symbol
  EXPECT_EQ(registersWith(all.sh_offset + 4, 0), 0u); // one without a name
  EXPECT_EQ(registersWith(section(info) + offsetof(Elf64_Shdr, sh_link), 99), 0u);
  EXPECT_EQ(registersWith(section(2) + offsetof(Elf64_Shdr, sh_link), 99), 0u);
}

} // namespace
