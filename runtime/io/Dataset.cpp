// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Dataset.h"
#include "runtime/io/FolderWalk.h"
#include "runtime/io/Sources.h"
#include "runtime/support/Checksum.h"
#include "runtime/support/Philox.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace incept {

namespace {

/// Pixels in memory.
class PixelDataset : public Dataset {
public:
  PixelDataset(ImageSet set, std::string source, std::vector<std::string> classes)
      : images(std::move(set)), source(std::move(source)) {
    classNames = std::move(classes);
  }
  int64_t size() const override { return images.count; }
  int64_t label(int64_t sample) const override { return images.labels8[sample]; }
  std::string name(int64_t sample) const override { return source + ", image " + std::to_string(sample); }
  Status read(int64_t, std::string &) const override { return {}; }
  bool hasPixels() const override { return true; }
  PixelView pixels(int64_t sample) const override {
    return {images.image(sample), images.width * images.channels, images.height, images.width, images.channels};
  }
  std::string hash() const override {
    auto view = [](const std::vector<uint8_t> &bytes) {
      return std::string_view(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    };
    return Checksum().add(view(images.pixels)).add(view(images.labels8)).text();
  }

private:
  ImageSet images;
  std::string source;
};

class Selection : public Dataset {
public:
  Selection(std::shared_ptr<const Dataset> all, std::vector<uint32_t> list)
      : whole(std::move(all)), samples(std::move(list)) {
    classNames = whole->classes();
  }
  int64_t size() const override { return int64_t(samples.size()); }
  int64_t label(int64_t sample) const override { return whole->label(samples[sample]); }
  std::string name(int64_t sample) const override { return whole->name(samples[sample]); }
  Status read(int64_t sample, std::string &bytes) const override { return whole->read(samples[sample], bytes); }
  bool hasPixels() const override { return whole->hasPixels(); }
  PixelView pixels(int64_t sample) const override { return whole->pixels(samples[sample]); }
  bool hasMasks() const override { return whole->hasMasks(); }
  std::string maskName(int64_t sample) const override { return whole->maskName(samples[sample]); }
  Status readMask(int64_t sample, std::string &bytes) const override { return whole->readMask(samples[sample], bytes); }
  std::string hash() const override {
    std::string_view list(reinterpret_cast<const char *>(samples.data()), samples.size() * sizeof(uint32_t));
    return Checksum().add(whole->hash()).add(list).text();
  }

private:
  std::shared_ptr<const Dataset> whole;
  std::vector<uint32_t> samples;
};

std::unique_ptr<Dataset> empty() { return makePixelDataset({}, "", {}); }

} // namespace

std::unique_ptr<Dataset> makePixelDataset(ImageSet images, std::string name, std::vector<std::string> classes) {
  return std::make_unique<PixelDataset>(std::move(images), std::move(name), std::move(classes));
}

bool isPictureName(std::string_view name) {
  size_t dot = name.rfind('.');
  std::string ending(dot == std::string_view::npos ? "" : name.substr(dot + 1));
  for (char &c : ending)
    c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  return ending == "jpg" || ending == "jpeg" || ending == "png";
}

Status wrongClasses(const std::string &source, int64_t found, int64_t expected) {
  return inputError("'" + source + "' has " + std::to_string(found) + " classes, but the program has " +
                    std::to_string(expected) + ": compile it with --set classes=" + std::to_string(found) +
                    ", or with what its description calls them");
}

std::unique_ptr<Dataset> selectSamples(std::shared_ptr<const Dataset> whole, std::vector<uint32_t> samples) {
  return std::make_unique<Selection>(std::move(whole), std::move(samples));
}

std::pair<std::unique_ptr<Dataset>, std::unique_ptr<Dataset>> splitDataset(std::shared_ptr<const Dataset> whole,
                                                                           double fraction, uint64_t seed) {
  std::vector<uint32_t> order(whole->size());
  std::iota(order.begin(), order.end(), 0u);
  PhiloxStream random(seed, hashName("validation"));
  for (int64_t i = whole->size() - 1; i > 0; --i)
    std::swap(order[i], order[random.below(i + 1)]);
  int64_t most = std::max<int64_t>(whole->size() - 1, 0);
  int64_t count = std::min(std::max<int64_t>(std::llround(fraction * double(whole->size())), 1), most);
  std::vector<uint32_t> drawn(order.begin(), order.begin() + count), rest(order.begin() + count, order.end());
  std::sort(drawn.begin(), drawn.end());
  std::sort(rest.begin(), rest.end());
  return {selectSamples(whole, std::move(rest)), selectSamples(whole, std::move(drawn))};
}

namespace {

enum class Kind { Folder, Masks, WebDataset, Cifar, Other };

/// What a source is, and its place without the prefix.
std::pair<Kind, std::string> kindOf(const std::string &source) {
  constexpr std::pair<std::string_view, Kind> kPrefixes[] = {
      {"folder:", Kind::Folder}, {"masks:", Kind::Masks}, {"webdataset:", Kind::WebDataset},
      {"cifar:", Kind::Cifar},   {"idx:", Kind::Other},   {"synthetic:", Kind::Other}};
  for (const auto &[prefix, kind] : kPrefixes)
    if (std::string_view(source).starts_with(prefix))
      return {kind, source.substr(prefix.size())};
  if (isFolder(source) && hasMaskFolders(source))
    return {Kind::Masks, source};
  if (isFolder(source) && !isIdx(source))
    return {cifarClasses(source) > 0 ? Kind::Cifar : Kind::Folder, source};
  return {source.ends_with(".tar") ? Kind::WebDataset : Kind::Other, source};
}

} // namespace

int64_t countClasses(const std::string &source) {
  auto [kind, place] = kindOf(source);
  return kind == Kind::Folder ? folderClasses(place) : kind == Kind::Cifar ? cifarClasses(place) : 0;
}

Expected<std::unique_ptr<Dataset>> openDataset(const std::string &source, Split split, const ImageShape &shape) {
  auto [kind, place] = kindOf(source);
  if (shape.map.isThere() && kind != Kind::Masks)
    return inputError("the network scores every pixel, but '" + source +
                      "' has one label for each image: expected folders 'images' and 'masks' (masks:DIR)");
  if (!shape.map.isThere() && kind == Kind::Masks)
    return inputError("'" + source +
                      "' has masks, but the network gives an image one class: expected one that ends in "
                      "pixel_scores" +
                      (place == source ? ", or folder:" + place + " where images and masks are classes" : ""));
  if (kind == Kind::Masks)
    return openMasks(place, split, shape);
  if (kind == Kind::Folder)
    return openFolder(place, split, shape);
  if (kind == Kind::WebDataset)
    return openWebDataset(place, split, shape);
  if (kind == Kind::Cifar)
    return openCifar(place, split, shape);
  auto images = loadImages(source, split, shape);
  if (!images)
    return images.status();
  return images->count == 0 ? empty() : makePixelDataset(std::move(*images), source, {});
}

} // namespace incept
