// SPDX-License-Identifier: Apache-2.0
//
// Caches: what is kept is found, and what is damaged, another key's or another user's is not there.

#include "runtime/support/Cache.h"
#include "test/runtime/TinyProgram.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

using namespace incept;
namespace fs = std::filesystem;

namespace {

const std::string kKey = "the key\nof two lines", kText("a text\0 and more", 16);

std::string contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void overwrite(const std::string &path, const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// An environment variable for the time of a test; null: not set.
class Variable {
public:
  Variable(const char *name, const char *value) : name(name) {
    const char *before = std::getenv(name);
    old = before ? std::optional<std::string>(before) : std::nullopt;
    set(value);
  }
  ~Variable() { set(old ? old->c_str() : nullptr); }

private:
  void set(const char *value) { value ? ::setenv(name, value, 1) : ::unsetenv(name); }
  const char *name;
  std::optional<std::string> old;
};

} // namespace

TEST(Cache, KeepsTextsByKey) {
  tests::TemporaryDirectory folder;
  Cache cache(folder.path("a/b"));
  EXPECT_FALSE(cache.load(kKey));
  ASSERT_TRUE(cache.store(kKey, kText));
  EXPECT_EQ(cache.load(kKey), kText);
  EXPECT_FALSE(cache.load(kKey + "x"));
  ASSERT_TRUE(cache.store(kKey, "another"));
  EXPECT_EQ(cache.load(kKey), "another");
  ASSERT_TRUE(cache.store("", ""));
  EXPECT_EQ(cache.load(""), "");
  // For the owner alone.
  struct stat info {};
  ASSERT_EQ(::stat(cache.directory().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat(cache.path(kKey).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(Cache, TakesNothingThatIsDamaged) {
  tests::TemporaryDirectory folder;
  Cache cache(folder.path("a"));
  ASSERT_TRUE(cache.store(kKey, kText));
  const std::string whole = contents(cache.path(kKey));
  for (size_t i = 0; i < whole.size(); ++i) {
    overwrite(cache.path(kKey), whole.substr(0, i));
    EXPECT_FALSE(cache.load(kKey)) << i;
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    overwrite(cache.path(kKey), flipped);
    EXPECT_FALSE(cache.load(kKey)) << i;
  }
  overwrite(cache.path(kKey), whole + "x");
  EXPECT_FALSE(cache.load(kKey));
  // Another key's entry under this name, as a collision of hashes would leave it.
  ASSERT_TRUE(cache.store("other", kText));
  fs::copy_file(cache.path("other"), cache.path(kKey), fs::copy_options::overwrite_existing);
  EXPECT_FALSE(cache.load(kKey));
  ASSERT_TRUE(cache.store(kKey, kText));
  EXPECT_TRUE(cache.load(kKey));
}

TEST(Cache, TakesNothingThatOthersMayHaveWritten) {
  tests::TemporaryDirectory folder;
  Cache cache(folder.path("a"));
  ASSERT_TRUE(cache.store(kKey, kText));
  ASSERT_EQ(::chmod(cache.path(kKey).c_str(), 0622), 0);
  EXPECT_FALSE(cache.load(kKey));
  ASSERT_EQ(::chmod(cache.path(kKey).c_str(), 0600), 0);
  EXPECT_TRUE(cache.load(kKey));
  if (::geteuid() == 0) { // only root may give files away
    ASSERT_EQ(::chown(cache.path(kKey).c_str(), 65534, 65534), 0);
    EXPECT_FALSE(cache.load(kKey));
  }
  // A link, a folder and a pipe in the place of an entry.
  fs::rename(cache.path(kKey), folder.path("elsewhere"));
  fs::create_symlink(folder.path("elsewhere"), cache.path(kKey));
  EXPECT_FALSE(cache.load(kKey));
  const std::string before = contents(folder.path("elsewhere"));
  ASSERT_TRUE(cache.store(kKey, "another"));
  EXPECT_EQ(cache.load(kKey), "another");
  EXPECT_EQ(contents(folder.path("elsewhere")), before); // not written through
  fs::remove(cache.path(kKey));
  fs::create_directory(cache.path(kKey));
  EXPECT_FALSE(cache.load(kKey));
  EXPECT_FALSE(cache.store(kKey, kText));
  fs::remove(cache.path(kKey));
  ASSERT_EQ(::mkfifo(cache.path(kKey).c_str(), 0600), 0);
  EXPECT_FALSE(cache.load(kKey));
  ASSERT_TRUE(cache.store(kKey, kText));
  EXPECT_EQ(cache.load(kKey), kText);
  // A folder that others may write to.
  for (mode_t mode : {0770, 0707}) {
    ASSERT_EQ(::chmod(cache.directory().c_str(), mode), 0);
    EXPECT_FALSE(cache.makeDirectory()) << mode;
    EXPECT_FALSE(cache.store("other", kText)) << mode;
  }
  ASSERT_EQ(::chmod(cache.directory().c_str(), 0755), 0);
  EXPECT_TRUE(cache.store("other", kText));
}

TEST(Cache, ThatCannotBeWritten) {
  Cache nowhere(""), blocked("/proc/incept");
  EXPECT_FALSE(nowhere.store(kKey, kText));
  EXPECT_FALSE(blocked.store(kKey, kText));
  EXPECT_FALSE(nowhere.load(kKey));
  EXPECT_FALSE(blocked.load(kKey));
  EXPECT_TRUE(nowhere.entries().empty());
}

TEST(Cache, ListsAndClears) {
  tests::TemporaryDirectory folder;
  Cache cache(folder.path("a"));
  ASSERT_TRUE(cache.store("one", kText));
  ASSERT_TRUE(cache.store("two", kText));
  folder.write("a/README", "not an entry");
  overwrite(cache.path("two", "program"), std::string(1000, 'p'));
  auto entries = cache.entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].files.size() + entries[1].files.size(), 3u);
  EXPECT_GT(entries[0].bytes + entries[1].bytes, 1000u);
  EXPECT_EQ(cache.clear(), 2u);
  EXPECT_TRUE(cache.entries().empty());
  EXPECT_FALSE(cache.load("one"));
  EXPECT_TRUE(fs::exists(folder.path("a/README")));
}

TEST(Cache, RemovesWhatIsBeyondItsLimits) {
  tests::TemporaryDirectory folder;
  Cache whole(folder.path("a"));
  for (const char *key : {"old", "older", "new"})
    ASSERT_TRUE(whole.store(key, std::string(1000, 'x')));
  auto age = [&](const char *key, int hours) {
    fs::last_write_time(whole.path(key), fs::file_time_type::clock::now() - std::chrono::hours(hours));
  };
  age("old", 30);
  age("older", 60);
  age("new", 1);
  Cache byAge(folder.path("a"), {.bytes = 1 << 20, .seconds = 50 * 3600});
  ASSERT_TRUE(byAge.store("newest", "x"));
  EXPECT_FALSE(whole.load("older"));
  EXPECT_TRUE(fs::exists(whole.path("old"))); // not by `load`, which makes it young
  Cache bySize(folder.path("a"), {.bytes = 2000, .seconds = 1000 * 3600});
  ASSERT_TRUE(bySize.store("newest", "y"));
  EXPECT_FALSE(whole.load("old"));
  EXPECT_TRUE(whole.load("new"));
  EXPECT_EQ(whole.load("newest"), "y");
}

TEST(Cache, IsBelowAnAbsolutePath) {
  Variable home("HOME", "/users/somebody"), cache("XDG_CACHE_HOME", nullptr);
  EXPECT_EQ(*cacheRoot(), "/users/somebody/.cache/incept");
  {
    Variable other("XDG_CACHE_HOME", "/caches");
    EXPECT_EQ(*cacheRoot(), "/caches/incept");
  }
  {
    Variable other("XDG_CACHE_HOME", "caches");
    EXPECT_EQ(cacheRoot().status().message(), "expected an absolute path in XDG_CACHE_HOME, but got 'caches'");
  }
  {
    Variable other("HOME", "somewhere");
    EXPECT_EQ(cacheRoot().status().message(), "expected an absolute path in HOME, but got 'somewhere'");
  }
  Variable none("HOME", "");
  EXPECT_EQ(cacheRoot().status().message(), "no place for a cache: set HOME or XDG_CACHE_HOME");
}
