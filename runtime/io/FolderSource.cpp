// SPDX-License-Identifier: Apache-2.0
//
// folder:DIR, a folder of pictures for each class.

#include "runtime/io/FolderWalk.h"
#include "runtime/io/Sources.h"
#include "runtime/support/Checksum.h"
#include "runtime/support/Files.h"
#include "runtime/support/Text.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <sys/stat.h>

namespace incept {

namespace fs = std::filesystem;

namespace {

/// Largest file of labels.
constexpr uint64_t kMaxLabelBytes = uint64_t(1) << 30;

class FolderDataset : public Dataset {
public:
  FolderDataset(std::string folder, std::vector<std::string> classes) : root(std::move(folder)) {
    classNames = std::move(classes);
  }

  void add(std::string_view name, int64_t label, uint64_t bytes) {
    names.add(name);
    labels.push_back(uint32_t(label));
    sum.add(name).add({"\0", 1}).add(std::to_string(label) + " " + std::to_string(bytes) + "\n");
  }
  void setNote(std::string text) { noteText = std::move(text); }

  int64_t size() const override { return names.size(); }
  int64_t label(int64_t sample) const override { return labels[sample]; }
  std::string name(int64_t sample) const override { return root + "/" + std::string(names[sample]); }
  Status read(int64_t sample, std::string &bytes) const override { return readPicture(name(sample), bytes); }
  std::string hash() const override {
    Checksum result = sum;
    for (const std::string &name : classNames)
      result.add(name).add("\n");
    return result.text();
  }

private:
  std::string root;
  NameList names;
  std::vector<uint32_t> labels;
  Checksum sum;
};

/// Sub-folders of a folder, sorted: the names of classes.
Expected<std::vector<std::string>> findClasses(const std::string &root) {
  std::vector<std::string> names, classes;
  INCEPT_RETURN_IF_ERROR(listFolder(root, names));
  for (const std::string &name : names)
    if (name[0] != '.' && isFolder(root + "/" + name))
      classes.push_back(name);
  return classes;
}

std::string findLabelFile(const std::string &root) {
  std::error_code error;
  for (const char *name : {"labels.txt", "labels.csv", "val_annotations.txt"})
    if (std::string path = root + "/" + name; fs::is_regular_file(path, error))
      return path;
  return "";
}

/// Reads one split of a folder.
class FolderReader {
public:
  FolderReader(std::string root, const ImageShape &shape) : root(std::move(root)), shape(shape) {}

  /// Pictures in a folder for each class. `expected` are the classes it must have, where they are known.
  Expected<std::unique_ptr<Dataset>> readClasses(const std::vector<std::string> *expected) {
    auto found = findClasses(root);
    if (!found)
      return found.status();
    std::vector<std::string> classes = std::move(*found);
    if (expected && classes != *expected)
      return differ(classes, *expected);
    if (int64_t(classes.size()) != shape.classes)
      return wrongClasses(root, int64_t(classes.size()), shape.classes);
    auto dataset = std::make_unique<FolderDataset>(root, classes);
    int64_t others = 0;
    for (size_t label = 0; label < classes.size(); ++label) {
      FoundPictures below;
      INCEPT_RETURN_IF_ERROR(findPictures(root, classes[label], below));
      if (below.pictures.empty())
        return inputError("'" + root + "/" + classes[label] +
                          "' has no pictures: expected files that end in .jpg, .jpeg or .png");
      for (const FoundPicture &picture : below.pictures)
        dataset->add(picture.name, int64_t(label), picture.bytes);
      others += below.others;
    }
    if (others > 0)
      dataset->setNote(std::to_string(others) + " files in '" + root + "' are no pictures and are passed over");
    return std::unique_ptr<Dataset>(std::move(dataset));
  }

  /// Pictures whose classes stand in a file: a line with the name of a picture and its class, and perhaps more, each.
  Expected<std::unique_ptr<Dataset>> readLabels(const std::string &path, std::vector<std::string> classes) {
    auto file = LoadedFile::open(path, kMaxLabelBytes);
    if (!file)
      return file.status();
    std::vector<std::pair<std::string_view, std::string_view>> lines;
    INCEPT_RETURN_IF_ERROR(parseLabels(path, file->bytes(), lines));
    if (classes.empty()) { // whatever occurs, sorted
      for (const auto &[name, label] : lines)
        classes.emplace_back(label);
      std::sort(classes.begin(), classes.end());
      classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
    }
    if (int64_t(classes.size()) != shape.classes)
      return wrongClasses(root, int64_t(classes.size()), shape.classes);
    std::map<std::string, int64_t, std::less<>> labels;
    for (size_t i = 0; i < classes.size(); ++i)
      labels[classes[i]] = int64_t(i);
    auto dataset = std::make_unique<FolderDataset>(root, classes);
    std::sort(lines.begin(), lines.end());
    for (size_t i = 0; i < lines.size(); ++i) {
      const auto &[name, label] = lines[i];
      if (i > 0 && lines[i - 1].first == name)
        return inputError("'" + path + "' names '" + std::string(name) + "' twice");
      auto number = labels.find(label);
      if (number == labels.end())
        return inputError("'" + path + "' gives '" + std::string(name) + "' the class '" + std::string(label) +
                          "', which the training pictures do not have");
      std::string place(name);
      struct stat info {};
      if (::stat((root + "/" + place).c_str(), &info) != 0 && ::stat((root + "/images/" + place).c_str(), &info) == 0)
        place = "images/" + place;
      if (info.st_size == 0 || !S_ISREG(info.st_mode))
        return inputError("'" + path + "' names '" + place + "', but '" + root + "' has no such picture");
      dataset->add(place, number->second, uint64_t(info.st_size));
    }
    return std::unique_ptr<Dataset>(std::move(dataset));
  }

private:
  static Status differ(const std::vector<std::string> &own, const std::vector<std::string> &expected) {
    std::string words;
    for (const std::string &name : own)
      if (!std::binary_search(expected.begin(), expected.end(), name) && words.empty())
        words = "'" + name + "' of the test pictures is none of the training pictures";
    for (const std::string &name : expected)
      if (!std::binary_search(own.begin(), own.end(), name) && words.empty())
        words = "'" + name + "' of the training pictures is none of the test pictures";
    return inputError("expected the same classes in both splits, but " + words);
  }

  static Status parseLabels(const std::string &path, std::string_view text,
                            std::vector<std::pair<std::string_view, std::string_view>> &lines) {
    int64_t number = 0;
    while (!text.empty()) {
      size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      ++number;
      auto isBetween = [](char c) { return c == ' ' || c == '\t' || c == ',' || c == '\r'; };
      auto next = [&] {
        while (!line.empty() && isBetween(line.front()))
          line.remove_prefix(1);
        size_t size = 0;
        while (size < line.size() && !isBetween(line[size]))
          ++size;
        std::string_view word = line.substr(0, size);
        line.remove_prefix(size);
        return word;
      };
      std::string_view name = next(), label = next();
      if (name.empty())
        continue;
      // The file of labels must not lead out of its folder.
      bool leadsOut =
          name.front() == '/' || name == ".." || name.starts_with("../") || name.find("/../") != std::string_view::npos;
      if (label.empty() || leadsOut)
        return inputError("line " + std::to_string(number) + " of '" + path +
                          "': expected the name of a picture below this folder and its class");
      lines.emplace_back(name, label);
      if (int64_t(lines.size()) >= kMaxSamples)
        return inputError("'" + path + "' has more than 2^31 lines");
    }
    return lines.empty() ? inputError("'" + path + "' names no picture") : Status();
  }

  std::string root;
  ImageShape shape;
};

} // namespace

int64_t folderClasses(const std::string &directory) {
  std::string root = isFolder(directory + "/train") ? directory + "/train" : directory;
  if (!findLabelFile(root).empty())
    return 0; // folders are no classes there
  auto classes = findClasses(root);
  return classes ? int64_t(classes->size()) : 0;
}

Expected<std::unique_ptr<Dataset>> openFolder(const std::string &directory, Split split, const ImageShape &shape) {
  if (shape.channels != 1 && shape.channels != 3)
    return inputError("the network's input has " + std::to_string(shape.channels) +
                      " channels, but pictures have 1 or 3");
  if (!isFolder(directory))
    return inputError("'" + directory + "' is no folder");
  bool hasTrain = isFolder(directory + "/train");
  std::string test;
  for (const char *name : {"/val", "/test"})
    if (test.empty() && isFolder(directory + name))
      test = directory + name;
  bool hasSplits = hasTrain || !test.empty();
  if (split == Split::Test && (!hasSplits || test.empty()))
    return makePixelDataset({}, directory, {});
  std::string root = !hasSplits || (split == Split::Evaluation && test.empty()) ? directory
                     : split == Split::Train                                    ? directory + "/train"
                                                                                : test;
  if (hasSplits && root == directory)
    return inputError("'" + directory + "' has no test pictures: expected a folder val or test beside train");
  if (!isFolder(root))
    return inputError("'" + directory + "' has no training pictures: expected a folder train beside " + test);
  std::vector<std::string> classes;
  bool isTest = root == test;
  if (isTest && hasTrain) {
    auto found = findClasses(directory + "/train");
    if (!found)
      return found.status();
    if (findLabelFile(directory + "/train").empty())
      classes = std::move(*found);
  }
  FolderReader reader(root, shape);
  if (std::string labels = findLabelFile(root); !labels.empty())
    return reader.readLabels(labels, classes);
  return reader.readClasses(isTest && !classes.empty() ? &classes : nullptr);
}

} // namespace incept
