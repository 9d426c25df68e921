// SPDX-License-Identifier: Apache-2.0
//
// webdataset:PATTERN, pictures and labels in tar archives. The archives are indexed once, so that samples can be read
// in any order.

#include "runtime/io/ShardIndex.h"
#include "runtime/io/Sources.h"
#include "runtime/io/Tar.h"
#include "runtime/support/Checksum.h"
#include "runtime/support/Text.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace incept {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxShards = 1 << 20;
constexpr uint64_t kMaxLabelBytes = 32;

/// Replaces the first {A..B} of a pattern, and so on; numbers are as wide as A is written. {a,b} are alternatives.
Status expand(const std::string &pattern, std::vector<std::string> &names) {
  size_t open = pattern.find('{');
  if (open == std::string::npos) {
    names.push_back(pattern);
    return {};
  }
  auto bad = [&](const std::string &why) { return inputError("'" + pattern + "' is no pattern of shards: " + why); };
  size_t close = pattern.find('}', open);
  if (close == std::string::npos)
    return bad("expected a '}'");
  std::string inside = pattern.substr(open + 1, close - open - 1);
  std::vector<std::string> words;
  if (size_t dots = inside.find(".."); dots != std::string::npos) {
    std::string low = inside.substr(0, dots), high = inside.substr(dots + 2);
    int64_t first = 0, last = 0;
    if (!readInteger(low, 0, int64_t(kMaxShards), first) || !readInteger(high, first, int64_t(kMaxShards), last))
      return bad("expected {FIRST..LAST} with whole numbers up to " + std::to_string(kMaxShards));
    for (int64_t i = first; i <= last; ++i) {
      std::string number = std::to_string(i);
      words.push_back(std::string(low.size() > number.size() ? low.size() - number.size() : 0, '0') + number);
    }
  } else {
    for (size_t begin = 0; begin <= inside.size();) {
      size_t comma = std::min(inside.find(',', begin), inside.size());
      words.push_back(inside.substr(begin, comma - begin));
      begin = comma + 1;
    }
  }
  for (const std::string &word : words) {
    if (names.size() > kMaxShards)
      return bad("it names more than " + std::to_string(kMaxShards) + " shards");
    INCEPT_RETURN_IF_ERROR(expand(pattern.substr(0, open) + word + pattern.substr(close + 1), names));
  }
  return {};
}

class WebDataset : public Dataset {
public:
  explicit WebDataset(std::string source) : source(std::move(source)) {}

  /// Indexes one archive.
  Status addShard(const std::string &path) {
    auto file = InputFile::open(path);
    if (!file)
      return file.status();
    shards.push_back(path);
    sum.add(fs::path(path).filename().string()).add("\n");
    if (auto known = index.load(*file)) {
      for (const ShardSample &sample : *known)
        INCEPT_RETURN_IF_ERROR(addSample(sample));
      return {};
    }
    Group group;
    found.clear();
    INCEPT_RETURN_IF_ERROR(readTar(*file, [&](TarMember member) { return addMember(*file, group, member); }));
    INCEPT_RETURN_IF_ERROR(endGroup(group));
    index.store(*file, found);
    for (const ShardSample &sample : found)
      INCEPT_RETURN_IF_ERROR(addSample(sample));
    return {};
  }

  Status finish(const ImageShape &shape) {
    if (samples.empty())
      return inputError("'" + source + "' has no samples: expected members like 0001.jpg and 0001.cls");
    for (int64_t i = 0; i < size(); ++i)
      if (label(i) >= shape.classes)
        return inputError("'" + name(i) + "' has label " + std::to_string(label(i)) + ", but the program has " +
                          std::to_string(shape.classes) + " classes");
    return {};
  }

  int64_t size() const override { return int64_t(samples.size()); }
  int64_t label(int64_t sample) const override { return samples[sample].label; }
  std::string name(int64_t sample) const override {
    return shards[samples[sample].shard] + ":" + std::string(names[sample]);
  }
  Status read(int64_t sample, std::string &bytes) const override {
    const Sample &place = samples[sample];
    auto file = InputFile::open(shards[place.shard]);
    if (!file)
      return file.status();
    bytes.resize(place.size);
    return file->read(place.offset, bytes.data(), bytes.size());
  }
  std::string hash() const override { return sum.text(); }

private:
  struct Sample {
    uint64_t offset;
    uint32_t size, shard, label;
  };
  /// Members of one key, which follow each other.
  struct Group {
    std::string key, image;
    std::set<std::string> fields;
    uint64_t offset = 0, size = 0;
    int64_t label = -1;
  };

  Status addMember(const InputFile &file, Group &group, const TarMember &member) {
    size_t slash = member.name.rfind('/'), base = slash == std::string::npos ? 0 : slash + 1;
    std::string_view name = std::string_view(member.name).substr(base);
    if (name.starts_with("__") || name.starts_with("."))
      return {};
    size_t dot = name.find('.');
    if (dot == std::string_view::npos)
      return {};
    std::string key = member.name.substr(0, base + dot), field(name.substr(dot + 1));
    for (char &c : field)
      c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    if (key != group.key) {
      INCEPT_RETURN_IF_ERROR(endGroup(group));
      group = {};
      group.key = key;
    }
    auto bad = [&](const std::string &why) { return inputError("'" + file.path() + ":" + member.name + "' " + why); };
    if (!group.fields.insert(field).second)
      return bad("is there twice: expected members of one sample to have different endings");
    if (field == "cls")
      return readLabel(file, member, group);
    if (field != "jpg" && field != "jpeg" && field != "png")
      return {};
    if (!group.image.empty())
      return bad("is a second picture of its sample");
    if (member.size > (uint64_t(1) << 30))
      return bad("is larger than 1 GiB");
    group.image = member.name;
    group.offset = member.offset;
    group.size = member.size;
    return {};
  }

  static Status readLabel(const InputFile &file, const TarMember &member, Group &group) {
    std::string text(std::min(member.size, kMaxLabelBytes), '\0');
    INCEPT_RETURN_IF_ERROR(file.read(member.offset, text.data(), text.size()));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
      text.pop_back();
    if (member.size > kMaxLabelBytes || !readInteger(text, 0, (int64_t(1) << 31) - 1, group.label))
      return inputError("'" + file.path() + ":" + member.name + "' is no label: expected a whole number, from 0 on");
    return {};
  }

  Status endGroup(const Group &group) {
    if (group.key.empty() || (group.image.empty() && group.label < 0))
      return {}; // something else than a sample
    if (group.image.empty() || group.label < 0)
      return inputError("sample '" + group.key + "' of '" + shards.back() + "' has no " +
                        (group.image.empty() ? "picture: expected .jpg, .jpeg or .png"
                                             : "label: expected a member '" + group.key + ".cls'"));
    found.push_back({group.offset, uint32_t(group.size), static_cast<uint32_t>(group.label), group.image});
    return {};
  }

  Status addSample(const ShardSample &sample) {
    if (size() >= kMaxSamples)
      return inputError("'" + source + "' has more than 2^31 samples");
    samples.push_back({sample.offset, sample.size, uint32_t(shards.size() - 1), sample.label});
    names.add(sample.name);
    sum.add(sample.name).add(" " + std::to_string(sample.label) + " " + std::to_string(sample.size) + "\n");
    return {};
  }

  std::string source;
  std::vector<std::string> shards;
  std::vector<Sample> samples;
  NameList names;
  Checksum sum;
  ShardCache index;
  std::vector<ShardSample> found; ///< in the archive that is read
};

/// DIR/PREFIX*.tar, sorted.
std::vector<std::string> findShards(const std::string &directory, const std::string &prefix) {
  std::vector<std::string> shards;
  std::error_code error;
  for (auto entry = fs::directory_iterator(directory, error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    if (std::string name = entry->path().filename().string(); name.starts_with(prefix) && name.ends_with(".tar"))
      shards.push_back(entry->path().string());
  std::sort(shards.begin(), shards.end());
  return shards;
}

} // namespace

Expected<std::unique_ptr<Dataset>> openWebDataset(const std::string &pattern, Split split, const ImageShape &shape) {
  if (shape.channels != 1 && shape.channels != 3)
    return inputError("the network's input has " + std::to_string(shape.channels) +
                      " channels, but pictures have 1 or 3");
  std::vector<std::string> shards;
  if (std::error_code error; fs::is_directory(pattern, error)) {
    std::vector<std::string> train = findShards(pattern, "train"), test = findShards(pattern, "val");
    bool hasSplits = !train.empty() || !test.empty();
    if (split == Split::Test && test.empty())
      return makePixelDataset({}, pattern, {});
    shards = !hasSplits ? findShards(pattern, "") : split == Split::Train ? train : test;
    if (shards.empty())
      return inputError("'" + pattern + "' has no shards: expected " +
                        (hasSplits ? split == Split::Train ? "train*.tar" : "val*.tar" : "files that end in .tar"));
  } else {
    if (split == Split::Test)
      return makePixelDataset({}, pattern, {});
    INCEPT_RETURN_IF_ERROR(expand(pattern, shards));
  }
  auto dataset = std::make_unique<WebDataset>(pattern);
  for (const std::string &shard : shards)
    INCEPT_RETURN_IF_ERROR(dataset->addShard(shard));
  INCEPT_RETURN_IF_ERROR(dataset->finish(shape));
  return std::unique_ptr<Dataset>(std::move(dataset));
}

} // namespace incept
