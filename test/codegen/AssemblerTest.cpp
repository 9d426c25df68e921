// SPDX-License-Identifier: Apache-2.0
//
// What ptxas made is kept and found again; a script in its place counts how often it runs.

#include "codegen/cuda/Assembler.h"
#include "test/runtime/TemporaryDirectory.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/resource.h>
#include <sys/stat.h>

namespace incept::cuda {

namespace {

namespace fs = std::filesystem;

std::string contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void overwrite(const std::string &path, const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }

class AssemblerTest : public ::testing::Test {
protected:
  void SetUp() override { install("echo release 13.0", kCopy); }

  /// Makes a ptxas that does `version` for --version, and `work` of SOURCE -o CUBIN -arch=CHIP -O3 [-v].
  void install(const std::string &version, const std::string &work) {
    overwrite(root + "/report", kReport);
    overwrite(program(), "#!/bin/sh\ncd '" + root + "'\nif [ \"$1\" = --version ]; then echo asked >> questions\n" +
                             version + "\nexit; fi\necho run >> runs\n[ \"$6\" != -v ] || cat report\n" + work + "\n");
    fs::permissions(program(), fs::perms::owner_all);
  }
  /// The cubin of `ptx`, or why there is none.
  std::string assemble(const std::string &ptx, const std::string &chip = "sm_90") const {
    std::string error;
    auto cubin = Assembler(program(), cache).assemble(ptx, chip, error);
    return succeeded(cubin) ? *cubin : error;
  }
  size_t runs() const { return linesIn("runs"); }
  size_t questions() const { return linesIn("questions"); }
  size_t linesIn(const char *name) const {
    std::string lines = contents(root + "/" + name);
    return size_t(std::count(lines.begin(), lines.end(), '\n'));
  }
  std::string program() const { return root + "/ptxas"; }
  std::string entry() const { return Assembler(program(), cache).path(kPtx, "sm_90"); }

  static constexpr const char *kCopy = "cat \"$1\" > \"$3\"";
  static constexpr const char *kPtx = ".visible .entry relu_v8()\n{ ret; }\n";
  static constexpr const char *kReport = "ptxas info    : Compiling entry function 'relu_v8' for 'sm_90'\n"
                                         "    8 bytes stack frame, 4 bytes spill stores, 2 bytes spill loads\n"
                                         "ptxas info    : Used 32 registers, used 1 barriers, 16 bytes smem\n";
  tests::TemporaryDirectory directory;
  std::string root = directory.path("."), cache;
};

/// The same with a cache.
class CubinCacheTest : public AssemblerTest {
protected:
  void SetUp() override {
    AssemblerTest::SetUp();
    cache = root + "/a/cubins";
  }
};

} // namespace

TEST_F(AssemblerTest, WithoutACacheRunsEachTime) {
  EXPECT_EQ(assemble(kPtx), kPtx);
  EXPECT_EQ(assemble(kPtx), kPtx);
  EXPECT_EQ(runs(), 2u);
  EXPECT_EQ(questions(), 0u);
}

TEST_F(AssemblerTest, SaysWhatCubinsDependOn) {
  install("echo 'ptxas: (R) assembler'; echo; echo 'release 13.0 '", kCopy);
  Assembler assembler(program());
  std::string bytes = ", " + std::to_string(fs::file_size(program())) + " bytes of ";
  EXPECT_TRUE(llvm::StringRef(assembler.identity()).starts_with("ptxas: (R) assembler, release 13.0" + bytes))
      << assembler.identity();
  EXPECT_FALSE(llvm::StringRef(assembler.identity()).contains('\n'));
  // It is asked once.
  EXPECT_EQ(assembler.key(kPtx, "sm_90"), assembler.key(kPtx, "sm_90"));
  EXPECT_EQ(questions(), 1u);
}

TEST_F(AssemblerTest, MeasuresKernels) {
  std::string error;
  auto usage = Assembler(program()).measure(kPtx, "sm_90", error);
  ASSERT_TRUE(succeeded(usage)) << error;
  ASSERT_EQ(usage->size(), 1u);
  const KernelUsage &kernel = usage->front();
  EXPECT_EQ(kernel.symbol, "relu_v8");
  EXPECT_EQ(kernel.registers, 32);
  EXPECT_EQ(kernel.stackBytes, 8);
  EXPECT_EQ(kernel.spillStores, 4);
  EXPECT_EQ(kernel.spillLoads, 2);
  EXPECT_EQ(kernel.sharedBytes, 16);
}

TEST_F(AssemblerTest, SaysWhyNot) {
  const std::string failed = "ptxas ('" + program() + "') failed: ";
  install("echo release 13.0", "echo; echo 'ptxas fatal : no memory '; echo more; exit 2");
  EXPECT_EQ(assemble(kPtx), failed + "ptxas fatal : no memory");
  std::string error;
  EXPECT_TRUE(mlir::failed(Assembler(program()).measure(kPtx, "sm_90", error)));
  EXPECT_EQ(error, failed + "ptxas fatal : no memory"); // not what it says of kernels before
  install("echo release 13.0", "exit 2");
  EXPECT_EQ(assemble(kPtx), failed + "it ended with status 2");
  EXPECT_TRUE(mlir::failed(Assembler(program()).measure(kPtx, "sm_90", error)));
  EXPECT_EQ(error, failed + "it ended with status 2");
  install("echo release 13.0", "");
  EXPECT_EQ(assemble(kPtx), failed + "it wrote no cubin");
  fs::remove(program());
  EXPECT_TRUE(llvm::StringRef(assemble(kPtx)).starts_with(failed)) << assemble(kPtx);
}

// The text is in a buffer until the file is closed: what cannot be written then is said too, and ptxas does not run.
TEST_F(AssemblerTest, SaysThatAFileCannotBeWritten) {
  ::rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ::rlimit least = before;
  least.rlim_cur = 16;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &least), 0);
  std::string said = assemble(kPtx);
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(said, "cannot write temporary files: is the disk full?");
  EXPECT_EQ(runs(), 0u);
  EXPECT_EQ(assemble(kPtx), kPtx);
}

TEST_F(CubinCacheTest, WhatWasMadeIsFound) {
  EXPECT_EQ(assemble(kPtx), kPtx);
  EXPECT_EQ(assemble(kPtx), kPtx);
  EXPECT_EQ(runs(), 1u);
  EXPECT_EQ(Cache(cache).entries().size(), 1u);
  EXPECT_EQ(fs::status(cache).permissions(), fs::perms::owner_all);
}

TEST_F(CubinCacheTest, WhatACubinDependsOnHasEntriesOfItsOwn) {
  (void)assemble(kPtx);
  std::string other = std::string(kPtx) + " ";
  EXPECT_EQ(assemble(other), other);
  EXPECT_EQ(runs(), 2u);
  (void)assemble(kPtx, "sm_80");
  EXPECT_EQ(runs(), 3u);
  // Another version alone: of the same size and time.
  auto time = fs::last_write_time(program());
  install("echo release 13.1", kCopy);
  fs::last_write_time(program(), time);
  (void)assemble(kPtx);
  EXPECT_EQ(runs(), 4u);
  // Exchanged, and it says the same of itself; then of the same size.
  install("echo release 13.1", "cat \"$1\" \"$1\" > \"$3\"");
  EXPECT_EQ(assemble(kPtx), std::string(kPtx) + kPtx);
  EXPECT_EQ(runs(), 5u);
  fs::last_write_time(program(), fs::last_write_time(program()) - std::chrono::hours(1));
  (void)assemble(kPtx);
  EXPECT_EQ(runs(), 6u);
  EXPECT_EQ(Cache(cache).entries().size(), 6u);
}

TEST_F(CubinCacheTest, WhatDoesNotSayItsVersionKeepsNothing) {
  install("exit 1", kCopy);
  EXPECT_EQ(assemble(kPtx), kPtx);
  EXPECT_EQ(assemble(kPtx), kPtx);
  EXPECT_EQ(runs(), 2u);
  EXPECT_FALSE(fs::exists(cache));
}

TEST_F(CubinCacheTest, FailuresAreNotKept) {
  install("echo release 13.0", std::string("[ -e works ] && ") + kCopy);
  EXPECT_NE(assemble(kPtx), kPtx);
  EXPECT_NE(assemble(kPtx), kPtx);
  EXPECT_EQ(runs(), 2u);
  EXPECT_TRUE(Cache(cache).entries().empty());
  overwrite(root + "/works", "");
  EXPECT_EQ(assemble(kPtx), kPtx);
  EXPECT_EQ(Cache(cache).entries().size(), 1u);
}

TEST_F(CubinCacheTest, WhatIsNotAsItWasWrittenIsMadeAgain) {
  (void)assemble(kPtx);
  const std::string whole = contents(entry());
  ASSERT_FALSE(whole.empty());
  size_t made = runs();
  auto expectMadeAgain = [&](const std::string &what) {
    EXPECT_EQ(assemble(kPtx), kPtx) << what;
    EXPECT_EQ(runs(), ++made) << what;
    EXPECT_EQ(contents(entry()), whole) << what;
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(entry()))) << what;
    EXPECT_EQ(assemble(kPtx), kPtx) << what;
    EXPECT_EQ(runs(), made) << what;
  };
  overwrite(entry(), whole.substr(0, whole.size() / 2));
  expectMadeAgain("cut");
  std::string flipped = whole;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  overwrite(entry(), flipped);
  expectMadeAgain("another byte");
  overwrite(entry(), "");
  expectMadeAgain("empty");
  // Another key's entry under this name, as a collision of hashes would leave it.
  (void)assemble("other");
  ++made;
  fs::copy_file(Assembler(program(), cache).path("other", "sm_90"), entry(), fs::copy_options::overwrite_existing);
  expectMadeAgain("another key's");
  ASSERT_EQ(::chmod(entry().c_str(), 0622), 0);
  expectMadeAgain("writable by others");
  fs::rename(entry(), root + "/elsewhere");
  fs::create_symlink(root + "/elsewhere", entry());
  expectMadeAgain("a link");
  EXPECT_EQ(contents(root + "/elsewhere"), whole);
}

TEST_F(CubinCacheTest, ThatCannotBeUsed) {
  cache = "/proc/incept";
  EXPECT_EQ(assemble(kPtx), kPtx);
  EXPECT_EQ(assemble(kPtx), kPtx);
  EXPECT_EQ(runs(), 2u);
  // A folder that anybody may write to.
  cache = root + "/open";
  fs::create_directory(cache);
  ASSERT_EQ(::chmod(cache.c_str(), 0777), 0);
  EXPECT_EQ(assemble(kPtx), kPtx);
  EXPECT_EQ(assemble(kPtx), kPtx);
  EXPECT_EQ(runs(), 4u);
  EXPECT_TRUE(fs::is_empty(cache));
}

} // namespace incept::cuda
