// SPDX-License-Identifier: Apache-2.0
//
// masks:DIR, pictures in `images` and, under the same names, pictures of class numbers in `masks`.

#include "runtime/io/FolderWalk.h"
#include "runtime/io/Sources.h"
#include "runtime/support/Checksum.h"

#include <map>

namespace incept {

namespace {

class MaskDataset : public Dataset {
public:
  MaskDataset(std::string images, std::string masks) : imageRoot(std::move(images)), maskRoot(std::move(masks)) {}

  void add(const FoundPicture &image, const FoundPicture &mask) {
    images.add(image.name);
    masks.add(mask.name);
    for (const FoundPicture *file : {&image, &mask})
      sum.add(file->name).add({"\0", 1}).add(std::to_string(file->bytes) + "\n");
  }
  void setNote(std::string text) { noteText = std::move(text); }

  int64_t size() const override { return images.size(); }
  int64_t label(int64_t) const override { return 0; }
  std::string name(int64_t sample) const override { return imageRoot + "/" + std::string(images[sample]); }
  Status read(int64_t sample, std::string &bytes) const override { return readPicture(name(sample), bytes); }
  bool hasMasks() const override { return true; }
  std::string maskName(int64_t sample) const override { return maskRoot + "/" + std::string(masks[sample]); }
  Status readMask(int64_t sample, std::string &bytes) const override { return readPicture(maskName(sample), bytes); }
  std::string hash() const override { return sum.text(); }

private:
  std::string imageRoot, maskRoot;
  NameList images, masks;
  Checksum sum;
};

/// Where the pictures and the masks of a split are.
struct Places {
  std::string images, masks;
};

std::string stemOf(const std::string &name) { return name.substr(0, name.rfind('.')); }

/// DIR/SPLIT/images and DIR/SPLIT/masks, or DIR/images/SPLIT and DIR/masks/SPLIT; empty where neither is there.
Places placesOf(const std::string &directory, const std::string &split) {
  if (isFolder(directory + "/" + split + "/images"))
    return {directory + "/" + split + "/images", directory + "/" + split + "/masks"};
  if (isFolder(directory + "/images/" + split))
    return {directory + "/images/" + split, directory + "/masks/" + split};
  return {};
}

Expected<std::unique_ptr<Dataset>> readPairs(const Places &places) {
  if (!isFolder(places.masks))
    return inputError("expected the masks of '" + places.images + "' in a folder '" + places.masks + "'");
  FoundPictures images, masks;
  INCEPT_RETURN_IF_ERROR(findPictures(places.images, "", images));
  INCEPT_RETURN_IF_ERROR(findPictures(places.masks, "", masks));
  if (images.pictures.empty())
    return inputError("'" + places.images + "' has no pictures: expected files that end in .jpg, .jpeg or .png");
  std::map<std::string, const FoundPicture *> byStem;
  for (const FoundPicture &mask : masks.pictures)
    if (!byStem.emplace(stemOf(mask.name), &mask).second)
      return inputError("'" + places.masks + "/" + mask.name + "' is the second mask of that name");
  auto dataset = std::make_unique<MaskDataset>(places.images, places.masks);
  std::map<std::string, const FoundPicture *> taken;
  for (const FoundPicture &image : images.pictures) {
    std::string stem = stemOf(image.name);
    auto mask = byStem.find(stem);
    if (mask == byStem.end())
      return inputError("'" + places.images + "/" + image.name + "' has no mask: expected '" + places.masks + "/" +
                        stem + ".png'");
    if (!taken.emplace(stem, &image).second)
      return inputError("'" + places.images + "/" + image.name + "' and '" + taken[stem]->name +
                        "' have the same mask: expected names that differ before the last dot");
    dataset->add(image, *mask->second);
  }
  size_t others = masks.pictures.size() - images.pictures.size();
  std::string note;
  if (others > 0)
    note = std::to_string(others) + " masks in '" + places.masks + "' have no picture and are passed over";
  if (images.others > 0)
    note += (note.empty() ? "" : "; ") + std::to_string(images.others) + " files in '" + places.images +
            "' are no pictures and are passed over";
  dataset->setNote(std::move(note));
  return std::unique_ptr<Dataset>(std::move(dataset));
}

} // namespace

bool hasMaskFolders(const std::string &directory) {
  if (isFolder(directory + "/images") && isFolder(directory + "/masks"))
    return true;
  for (const char *split : {"train", "val", "test"})
    if (isFolder(directory + "/" + split + "/images") && isFolder(directory + "/" + split + "/masks"))
      return true;
  return false;
}

Expected<std::unique_ptr<Dataset>> openMasks(const std::string &directory, Split split, const ImageShape &shape) {
  if (shape.channels != 1 && shape.channels != 3)
    return inputError("the network's input has " + std::to_string(shape.channels) +
                      " channels, but pictures have 1 or 3");
  if (!isFolder(directory))
    return inputError("'" + directory + "' is no folder");
  Places train = placesOf(directory, "train"), test = placesOf(directory, "val");
  if (test.images.empty())
    test = placesOf(directory, "test");
  bool hasSplits = !train.images.empty() || !test.images.empty();
  if (split == Split::Test && test.images.empty())
    return makePixelDataset({}, directory, {});
  if (!hasSplits) {
    if (!isFolder(directory + "/images"))
      return inputError("'" + directory +
                        "' has no pictures with masks: expected folders images and masks in it, or in "
                        "folders train and val");
    return readPairs({directory + "/images", directory + "/masks"});
  }
  const Places &places = split == Split::Train ? train : test;
  if (places.images.empty())
    return inputError("'" + directory + "' has no " + (split == Split::Train ? "training" : "test") +
                      " pictures: expected a folder " +
                      (split == Split::Train ? "train beside val" : "val beside train"));
  return readPairs(places);
}

} // namespace incept
