// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Preprocess.h"
#include "runtime/support/Text.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace incept {

namespace {

template <typename T>
struct Word {
  std::string_view text;
  T value;
};
constexpr Word<Augmentation> kKinds[] = {{"none", Augmentation::None},
                                         {"inception", Augmentation::Inception},
                                         {"random_resized_crop", Augmentation::RandomResizedCrop},
                                         {"cifar", Augmentation::Cifar}};
constexpr Word<ColorMode> kColors[] = {{"none", ColorMode::None}, {"fast", ColorMode::Fast}, {"full", ColorMode::Full}};
constexpr Word<Filter> kFilters[] = {
    {"bilinear", Filter::Bilinear}, {"bicubic", Filter::Bicubic}, {"tf1", Filter::Tf1}};
constexpr Word<Protocol> kProtocols[] = {{"timm", Protocol::Timm}, {"tf", Protocol::Tf}};

template <typename T, size_t N>
std::string textOf(const Word<T> (&words)[N], T value) {
  for (const Word<T> &word : words)
    if (word.value == value)
      return std::string(word.text);
  return "";
}

template <typename T>
struct Number {
  std::string_view key;
  double T::*member;
  double least, most;
  bool isSwitch = false; ///< 0 or 1
};
constexpr Number<AugmentOptions> kNumbers[] = {{"min_area", &AugmentOptions::minArea, 1e-4, 1},
                                               {"max_area", &AugmentOptions::maxArea, 1e-4, 1},
                                               {"min_ratio", &AugmentOptions::minRatio, 0.01, 100},
                                               {"max_ratio", &AugmentOptions::maxRatio, 0.01, 100},
                                               {"flip", &AugmentOptions::flip, 0, 1},
                                               {"erase", &AugmentOptions::erase, 0, 1},
                                               {"padding", &AugmentOptions::padding, 0, 1024}};
constexpr Number<AugmentOptions> kMixNumbers[] = {{"mixup", &AugmentOptions::mixup, 0, 100},
                                                  {"cutmix", &AugmentOptions::cutmix, 0, 100}};
constexpr Number<EvaluationOptions> kEvaluationNumbers[] = {{"crop", &EvaluationOptions::crop, 0.05, 1}};
constexpr Number<AugmentOptions> kFileSwitches[] = {{"orient", &AugmentOptions::orient, 0, 1, true},
                                                    {"scaled", &AugmentOptions::scaled, 0, 1, true}};
constexpr Number<EvaluationOptions> kEvaluationSwitches[] = {{"orient", &EvaluationOptions::orient, 0, 1, true},
                                                             {"scaled", &EvaluationOptions::scaled, 0, 1, true}};

/// Reads the members of an object one by one; the first mistake counts.
class ObjectReader {
public:
  ObjectReader(const nlohmann::json &json, const char *what) : json(json), what(what) {
    if (!json.is_object())
      status = inputError(std::string("expected an object for '") + what + "'");
  }

  template <typename T, size_t N>
  bool word(const char *key, const Word<T> (&words)[N], T &value) {
    known.emplace_back(key);
    if (!status.ok() || !json.contains(key))
      return false;
    std::string known;
    for (const Word<T> &word : words) {
      if (json[key].is_string() && json[key].template get<std::string>() == word.text) {
        value = word.value;
        return true;
      }
      known += (known.empty() ? "" : ", ") + std::string(word.text);
    }
    status = inputError("expected one of " + known + " for '" + what + "." + key + "', but got " + json[key].dump());
    return false;
  }

  template <typename T>
  void number(const Number<T> &number, T &options) {
    std::string key(number.key);
    known.push_back(key);
    if (!status.ok() || !json.contains(key))
      return;
    double value = json[key].is_number() ? json[key].template get<double>() : NAN;
    bool fits = number.isSwitch ? value == 0 || value == 1 : value >= number.least && value <= number.most;
    if (fits)
      options.*number.member = value;
    else if (number.isSwitch)
      status = inputError("expected 0 or 1 for '" + std::string(what) + "." + key + "', but got " + json[key].dump());
    else
      status = inputError("expected a number from " + jsonNumber(number.least) + " to " + jsonNumber(number.most) +
                          " for '" + what + "." + key + "', but got " + json[key].dump());
  }

  Status finish() {
    if (status.ok())
      for (const auto &[key, value] : json.items())
        if (std::find(known.begin(), known.end(), key) == known.end()) {
          std::string list;
          for (const std::string &name : known)
            list += (list.empty() ? "" : ", ") + name;
          return inputError(std::string("'") + what + "' has no '" + key + "': expected one of " + list);
        }
    return status;
  }

private:
  const nlohmann::json &json;
  const char *what;
  std::vector<std::string> known;
  Status status;
};

int64_t roundToInteger(double value) { return std::llrint(value); } // halves to even, as TensorFlow and Python do

} // namespace

AugmentOptions AugmentOptions::of(Augmentation kind) {
  AugmentOptions options;
  options.kind = kind;
  if (kind == Augmentation::None)
    return options;
  options.flip = 0.5;
  if (kind == Augmentation::Inception) {
    options.minArea = 0.05;
    options.minRatio = 0.75;
    options.maxRatio = 1.33;
    options.color = ColorMode::Fast;
  } else if (kind == Augmentation::RandomResizedCrop) {
    options.minArea = 0.08;
    options.minRatio = 0.75;
    options.maxRatio = 4.0 / 3;
  } else {
    options.padding = 4;
  }
  return options;
}

Expected<AugmentOptions> AugmentOptions::fromJson(const nlohmann::json &json) {
  ObjectReader reader(json, "augmentation");
  Augmentation kind = Augmentation::None;
  reader.word("kind", kKinds, kind);
  AugmentOptions options = of(kind);
  reader.word("color", kColors, options.color);
  reader.word("filter", kFilters, options.filter);
  for (const Number<AugmentOptions> &number : kNumbers)
    reader.number(number, options);
  for (const Number<AugmentOptions> &number : kMixNumbers)
    reader.number(number, options);
  for (const Number<AugmentOptions> &number : kFileSwitches)
    reader.number(number, options);
  INCEPT_RETURN_IF_ERROR(reader.finish());
  if (options.minArea > options.maxArea || options.minRatio > options.maxRatio)
    return inputError("expected min_area <= max_area and min_ratio <= max_ratio of 'augmentation'");
  return options;
}

std::string AugmentOptions::text() const {
  std::string result = textOf(kKinds, kind) + ", color " + textOf(kColors, color) + ", " + textOf(kFilters, filter);
  for (const Number<AugmentOptions> &number : kNumbers)
    result += ", " + std::string(number.key) + " " + jsonNumber(this->*number.member);
  // Runs without these have the text that they had before these were there.
  for (const Number<AugmentOptions> &number : kMixNumbers)
    if (this->*number.member > 0)
      result += ", " + std::string(number.key) + " " + jsonNumber(this->*number.member);
  for (const Number<AugmentOptions> &number : kFileSwitches)
    if (this->*number.member > 0)
      result += ", " + std::string(number.key);
  return result;
}

EvaluationOptions EvaluationOptions::of(Protocol protocol) {
  EvaluationOptions options;
  options.protocol = protocol;
  options.filter = protocol == Protocol::Tf ? Filter::Tf1 : Filter::Bicubic;
  return options;
}

EvaluationOptions EvaluationOptions::wholePicture() {
  EvaluationOptions options = of(Protocol::Tf);
  options.crop = 1;
  options.filter = Filter::Bilinear;
  return options;
}

Expected<EvaluationOptions> EvaluationOptions::fromJson(const nlohmann::json &json) {
  ObjectReader reader(json, "evaluation");
  Protocol protocol = Protocol::Timm;
  reader.word("kind", kProtocols, protocol);
  EvaluationOptions options = of(protocol);
  reader.word("filter", kFilters, options.filter);
  for (const Number<EvaluationOptions> &number : kEvaluationNumbers)
    reader.number(number, options);
  for (const Number<EvaluationOptions> &number : kEvaluationSwitches)
    reader.number(number, options);
  INCEPT_RETURN_IF_ERROR(reader.finish());
  return options;
}

std::string EvaluationOptions::text() const {
  std::string result = textOf(kProtocols, protocol) + ", crop " + jsonNumber(crop) + ", " + textOf(kFilters, filter);
  for (const Number<EvaluationOptions> &number : kEvaluationSwitches)
    if (this->*number.member > 0)
      result += ", " + std::string(number.key);
  return result;
}

Expected<nlohmann::json> parseOptions(const std::string &text) {
  nlohmann::json json = nlohmann::json::object();
  std::string_view rest = text;
  for (bool isFirst = true; isFirst || !rest.empty(); isFirst = false) {
    size_t comma = std::min(rest.find(','), rest.size());
    std::string part(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    size_t equals = part.find('=');
    if (isFirst && equals == std::string::npos) {
      json["kind"] = part;
      continue;
    }
    if (equals == std::string::npos)
      return usageError("expected KIND,KEY=VALUE,... but got '" + text + "'");
    double number = 0;
    std::string value = part.substr(equals + 1);
    if (readNumber(value, number))
      json[part.substr(0, equals)] = number;
    else
      json[part.substr(0, equals)] = value;
  }
  return json;
}

Geometry boxGeometry(const Box &box, Filter filter, int64_t outHeight, int64_t outWidth) {
  return {box, {box.height, outHeight, 0, outHeight}, {box.width, outWidth, 0, outWidth}, 0, 0, filter};
}

int64_t scaleOf(const Geometry &geometry) {
  int64_t scale = 8;
  while (scale > 1 && (geometry.rows.inputs < scale * geometry.rows.outputs ||
                       geometry.columns.inputs < scale * geometry.columns.outputs))
    scale /= 2;
  return scale;
}

Geometry evaluationGeometry(const EvaluationOptions &options, int64_t height, int64_t width, int64_t outHeight,
                            int64_t outWidth) {
  if (options.protocol == Protocol::Tf) {
    // What TensorFlow's central_crop leaves.
    int64_t top = int64_t(double(height) * (1 - options.crop) / 2);
    int64_t left = int64_t(double(width) * (1 - options.crop) / 2);
    return boxGeometry({left, top, width - 2 * left, height - 2 * top}, options.filter, outHeight, outWidth);
  }
  // The side that would be too short otherwise is exact, the other follows.
  int64_t tall = int64_t(double(outHeight) / options.crop), wide = int64_t(double(outWidth) / options.crop);
  if (tall * width <= wide * height)
    tall = std::max(int64_t(double(wide) * double(height) / double(width)), outHeight);
  else
    wide = std::max(int64_t(double(tall) * double(width) / double(height)), outWidth);
  Geometry geometry;
  geometry.filter = options.filter;
  geometry.rows = {height, tall, roundToInteger(double(tall - outHeight) / 2), outHeight};
  geometry.columns = {width, wide, roundToInteger(double(wide - outWidth) / 2), outWidth};
  Span rows = inputsOf(geometry.rows, options.filter), columns = inputsOf(geometry.columns, options.filter);
  geometry.box = {columns.begin, rows.begin, columns.end - columns.begin, rows.end - rows.begin};
  geometry.y0 = rows.begin;
  geometry.x0 = columns.begin;
  return geometry;
}

Box distortedCrop(const AugmentOptions &options, int64_t height, int64_t width, PhiloxStream &random) {
  constexpr int kAttempts = 100;
  constexpr double kLeastCovered = 0.1; // of the only object, which is the picture
  double area = double(height) * double(width);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    double ratio = options.minRatio + (options.maxRatio - options.minRatio) * random.uniform();
    int64_t least = roundToInteger(std::sqrt(options.minArea * area / ratio));
    int64_t most = roundToInteger(std::sqrt(options.maxArea * area / ratio));
    if (roundToInteger(double(most) * ratio) > width)
      most = int64_t((double(width) + 0.5 - 1e-7) / ratio);
    most = std::min(most, height);
    least = std::min(least, most);
    int64_t h = least + int64_t(random.below(uint64_t(most - least + 1)));
    int64_t w = roundToInteger(double(h) * ratio);
    // Rounding must not be why a crop is out of bounds.
    if (double(w * h) < options.minArea * area)
      w = roundToInteger(double(++h) * ratio);
    if (double(w * h) > options.maxArea * area)
      w = roundToInteger(double(--h) * ratio);
    double covered = double(w * h);
    if (h < 1 || w < 1 || h > height || w > width || covered < options.minArea * area ||
        covered > options.maxArea * area || covered < kLeastCovered * area)
      continue;
    Box box{0, 0, w, h};
    if (h < height)
      box.y = int64_t(random.below(uint64_t(height - h)));
    if (w < width)
      box.x = int64_t(random.below(uint64_t(width - w)));
    return box;
  }
  return {0, 0, width, height};
}

Box randomResizedCrop(const AugmentOptions &options, int64_t height, int64_t width, PhiloxStream &random) {
  constexpr int kAttempts = 10;
  double area = double(height) * double(width);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    double part = area * (options.minArea + (options.maxArea - options.minArea) * random.uniform());
    double low = std::log(options.minRatio), high = std::log(options.maxRatio);
    double ratio = std::exp(low + (high - low) * random.uniform());
    int64_t w = roundToInteger(std::sqrt(part * ratio)), h = roundToInteger(std::sqrt(part / ratio));
    if (w < 1 || h < 1 || w > width || h > height)
      continue;
    Box box{0, 0, w, h};
    box.y = int64_t(random.below(uint64_t(height - h + 1)));
    box.x = int64_t(random.below(uint64_t(width - w + 1)));
    return box;
  }
  double ratio = double(width) / double(height);
  int64_t w = width, h = height;
  if (ratio < options.minRatio)
    h = roundToInteger(double(w) / options.minRatio);
  else if (ratio > options.maxRatio)
    w = roundToInteger(double(h) * options.maxRatio);
  w = std::clamp<int64_t>(w, 1, width);
  h = std::clamp<int64_t>(h, 1, height);
  return {(width - w) / 2, (height - h) / 2, w, h};
}

Box erasedBox(int64_t height, int64_t width, PhiloxStream &random) {
  constexpr int kAttempts = 10;
  const double low = std::log(0.3), high = std::log(3.3);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    double part = double(height) * double(width) * (0.02 + 0.31 * random.uniform());
    double ratio = std::exp(low + (high - low) * random.uniform());
    int64_t h = roundToInteger(std::sqrt(part / ratio)), w = roundToInteger(std::sqrt(part * ratio));
    if (h < 1 || w < 1 || h >= height || w >= width)
      continue;
    int64_t y = int64_t(random.below(uint64_t(height - h + 1))), x = int64_t(random.below(uint64_t(width - w + 1)));
    return {x, y, w, h};
  }
  return {};
}

} // namespace incept
