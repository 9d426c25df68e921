// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/ShardIndex.h"

#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <time.h>

namespace incept {

namespace {

/// Smaller archives are read faster than they are looked up.
constexpr uint64_t kLeastBytes = uint64_t(1) << 20;
/// A file that changed so short a time ago may change again without another time.
constexpr int64_t kSettled = 100'000'000; // nanoseconds
constexpr uint64_t kMostPicture = uint64_t(1) << 30, kHeader = 512;
constexpr size_t kFixed = 20;

int64_t nanoseconds(const timespec &time) { return int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec; }

/// Changes whenever the file does. The time of its change of state is the system's, nobody sets it.
std::string keyOf(const InputFile &archive, int64_t &changed) {
  struct stat info {};
  std::error_code error;
  std::string path = std::filesystem::absolute(archive.path(), error).string();
  if (error || archive.size() < kLeastBytes || ::stat(path.c_str(), &info) != 0 ||
      uint64_t(info.st_size) != archive.size())
    return "";
  changed = nanoseconds(info.st_ctim);
  std::string key = "index 1 of a webdataset's archive\n" + path;
  for (int64_t number :
       {int64_t(info.st_dev), int64_t(info.st_ino), int64_t(info.st_size), nanoseconds(info.st_mtim), changed})
    key += "\n" + std::to_string(number);
  return key;
}

} // namespace

std::string encodeShard(const std::vector<ShardSample> &samples) {
  std::string text;
  auto add = [&](const auto &number) { text.append(reinterpret_cast<const char *>(&number), sizeof number); };
  for (const ShardSample &sample : samples) {
    add(sample.offset);
    add(sample.size);
    add(sample.label);
    add(uint32_t(sample.name.size()));
    text += sample.name;
  }
  return text;
}

bool decodeShard(std::string_view text, uint64_t archiveBytes, std::vector<ShardSample> &samples) {
  uint64_t end = 0; // of the last picture: they follow each other
  while (!text.empty()) {
    if (text.size() < kFixed)
      return false;
    ShardSample sample;
    uint32_t length = 0;
    std::memcpy(&sample.offset, text.data(), 8);
    std::memcpy(&sample.size, text.data() + 8, 4);
    std::memcpy(&sample.label, text.data() + 12, 4);
    std::memcpy(&length, text.data() + 16, 4);
    text.remove_prefix(kFixed);
    bool isInside = sample.size <= kMostPicture && sample.offset >= end + kHeader && sample.offset <= archiveBytes &&
                    sample.size <= archiveBytes - sample.offset;
    if (!isInside || sample.label >> 31 || length == 0 || length > text.size())
      return false;
    sample.name = text.substr(0, length);
    text.remove_prefix(length);
    end = sample.offset + sample.size;
    samples.push_back(std::move(sample));
  }
  return true;
}

ShardCache::ShardCache(std::string directory)
    : cache(directory.empty() ? cacheDirectory(CacheKind::Shards) : std::move(directory)) {}

std::optional<std::vector<ShardSample>> ShardCache::load(const InputFile &archive) const {
  int64_t changed = 0;
  std::string key = keyOf(archive, changed);
  auto text = key.empty() ? std::nullopt : cache.load(key);
  std::vector<ShardSample> samples;
  if (!text || !decodeShard(*text, archive.size(), samples))
    return std::nullopt;
  return samples;
}

void ShardCache::store(const InputFile &archive, const std::vector<ShardSample> &samples) const {
  int64_t changed = 0;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (std::string key = keyOf(archive, changed); !key.empty() && nanoseconds(now) - changed >= kSettled)
    (void)cache.store(key, encodeShard(samples)); // without it the next run takes longer
}

} // namespace incept
