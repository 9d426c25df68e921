// SPDX-License-Identifier: Apache-2.0

#include "test/networks/RandomNetwork.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

namespace incept::test {

namespace {

using Json = nlohmann::ordered_json;

/// Of one image of the batch; batch norm wants some values to take a mean of.
struct Shape {
  int64_t channels, height, width;
  bool operator==(const Shape &) const = default;
};

class Drawer {
public:
  explicit Drawer(uint64_t seed) : random(seed) {}

  Json network() {
    Shape shape{pick({1, 2, 3, 4}), between(6, 13), between(6, 13)};
    Json result = {{"network", "random"},
                   {"parameters", {{"classes", between(2, 6)}, {"n", pick({4, 8, 12})}, {"wide", 1.5}}},
                   {"defaults", defaults()},
                   {"input", {{"channels", shape.channels}, {"height", shape.height}, {"width", shape.width}}}};
    if (chance(0.5))
      result["input"]["normalization"] = {{"mean", real(0.2, 0.6)}, {"std", real(0.2, 0.4)}};
    Json layers = body(shape, int(between(2, 5)), /*depth=*/0, /*top=*/true);
    size_t tail = layers.size();
    layers.push_back("global_avg_pool");
    if (chance(0.2))
      layers.push_back({{"dropout", {{"keep", real(0.6, 0.9)}}}});
    if (chance(0.3))
      layers.push_back("flatten");
    Json linear = {{"linear", "classes"}, {"label", "classifier"}};
    if (chance(0.3))
      linear["bias"] = false;
    if (chance(0.3))
      linear["init"] = init();
    layers.push_back(std::move(linear));
    if (!blocks.empty())
      result["blocks"] = blocks;
    result["training"] = training();
    if (chance(0.2)) { // the same end as an output, beside another one
      Json end = Json::array();
      for (size_t i = tail; i < layers.size(); ++i)
        end.push_back(layers[i]);
      layers.erase(layers.begin() + Json::difference_type(tail), layers.end());
      layers.push_back({{"label", "beside"},
                        {"output", Json::array({"global_avg_pool", {{"linear", "classes"}}})},
                        {"loss_weight", real(0.1, 0.9)}});
      layers.push_back({{"label", "end"}, {"output", std::move(end)}});
    }
    result["layers"] = std::move(layers);
    return result;
  }

private:
  // --- Chance ---
  bool chance(double probability) { return std::uniform_real_distribution<>()(random) < probability; }
  int64_t between(int64_t low, int64_t high) { return low + int64_t(random() % uint64_t(high - low + 1)); }
  int64_t pick(std::vector<int64_t> of) { return of[random() % of.size()]; }
  std::string word(std::vector<const char *> of) { return of[random() % of.size()]; }
  /// Few digits: the text is to be read.
  double real(double low, double high) {
    return std::round(std::uniform_real_distribution<>(low, high)(random) * 100) / 100;
  }

  // --- Parts ---
  Json defaults() {
    Json result = Json::object();
    if (chance(0.3))
      result["batch_norm"] = batchNorm();
    if (chance(0.2))
      result["conv"] = {{"activation", word({"relu", "linear"})}};
    return result;
  }

  Json batchNorm() {
    Json result = Json::object();
    result["epsilon"] = chance(0.5) ? 0.001 : 0.01;
    if (chance(0.5))
      result["decay"] = real(0.5, 0.99);
    if (chance(0.3))
      result["scale"] = false;
    return result;
  }

  Json init() {
    switch (between(0, 5)) {
    case 0:
      return {{"kind", "truncated_normal"}, {"std", real(0.1, 0.5)}};
    case 1:
      return {{"kind", "constant"}, {"value", real(-0.2, 0.2)}};
    default:
      return word({"he_normal", "he_uniform", "glorot_uniform", "ones"});
    }
  }

  Json training() {
    Json optimizer = {{"kind", word({"sgd", "rmsprop"})}};
    if (chance(0.7))
      optimizer["momentum"] = real(0, 0.95);
    if (optimizer["kind"] == "rmsprop") {
      optimizer["decay"] = real(0.5, 0.95);
      optimizer["epsilon"] = real(0.1, 1);
    }
    Json result = {{"optimizer", optimizer},
                   {"learning_rate", {{"kind", word({"constant", "step", "cosine"})}, {"base", real(0.1, 0.5)}}}};
    if (chance(0.5))
      result["weight_decay"] = real(0.01, 0.1);
    if (chance(0.5))
      result["label_smoothing"] = real(0.05, 0.3);
    return result;
  }

  /// How windows lie along one axis: the padding, and the size of the result.
  struct Window {
    int64_t kernel = 1, stride = 1, dilation = 1, begin = 0, end = 0;
    int64_t reach() const { return (kernel - 1) * dilation + 1; }
  };
  static int64_t results(int64_t size, const Window &w, bool ceil) {
    int64_t room = size + w.begin + w.end - w.reach();
    int64_t count = room / w.stride + 1;
    // With `ceil` a last window may hang over, but it begins inside the image or its padding.
    if (ceil && room % w.stride != 0 && count * w.stride < size + w.begin)
      ++count;
    return count;
  }

  /// Draws stride and padding of a window of `kernel` and gives what they make of `shape`; `isPool`: no window may lie
  /// in the padding alone.
  Shape window(Json &op, Shape shape, Window (&w)[2], bool isPool, bool keepsSize) {
    int64_t sizes[] = {shape.height, shape.width}, out[2];
    bool same = keepsSize || chance(0.5), ceil = false;
    if (!keepsSize && std::min(shape.height, shape.width) >= 6 && chance(0.4)) {
      w[0].stride = w[1].stride = 2;
      if (chance(0.2))
        w[0].stride = 1;
      op["stride"] = w[0].stride == w[1].stride ? Json(w[0].stride) : Json({w[0].stride, w[1].stride});
    }
    for (int i = 0; i < 2; ++i)
      while (w[i].reach() > sizes[i])
        w[i].kernel > 1 ? --w[i].kernel : --w[i].dilation;
    if (same) {
      op["padding"] = "same";
      for (int i = 0; i < 2; ++i)
        out[i] = (sizes[i] + w[i].stride - 1) / w[i].stride;
    } else {
      switch (between(0, 2)) {
      case 0:
        op["padding"] = "valid";
        break;
      case 1:
        for (Window &one : w)
          one.begin = one.end = between(0, std::max<int64_t>((one.reach() - 1) / 2, 0));
        op["padding"] = {w[0].begin, w[1].begin};
        break;
      default:
        for (Window &one : w) {
          one.begin = between(0, (one.reach() - 1) / 2);
          one.end = between(0, (one.reach() - 1) / 2);
        }
        op["padding"] = {{"begin", {w[0].begin, w[1].begin}}, {"end", {w[0].end, w[1].end}}};
      }
      if (isPool && chance(0.3)) {
        ceil = true;
        op["ceil"] = true;
      }
      for (int i = 0; i < 2; ++i)
        out[i] = results(sizes[i], w[i], ceil);
    }
    return {shape.channels, out[0], out[1]};
  }

  static Json pair(int64_t first, int64_t second) { return first == second ? Json(first) : Json({first, second}); }

  /// A convolution; with `filters` 0 it chooses their number, with `keepsSize` the image stays as large.
  Json conv(Shape &shape, bool keepsSize, int64_t filters = 0) {
    Window w[2];
    w[0].kernel = w[1].kernel = pick({1, 1, 3, 3, 5, 2});
    if (chance(0.2))
      w[between(0, 1)].kernel = 1;
    if (chance(0.15))
      w[0].dilation = w[1].dilation = 2;
    Json op = Json::object();
    op["conv"] = 0; // the word comes first
    Shape out = window(op, shape, w, /*isPool=*/false, keepsSize);
    op["conv"] = pair(w[0].kernel, w[1].kernel);
    if (w[0].dilation != 1 || w[1].dilation != 1)
      op["dilation"] = pair(w[0].dilation, w[1].dilation);
    out.channels = filters > 0 ? filters : pick({3, 4, 6, 8, 8, 16, 16});
    op["filters"] = out.channels;
    if (filters == 0 && !inBlock && chance(0.1)) { // rounded to a multiple of 4
      op["width"] = "wide";
      op["divisor"] = 4;
      out.channels = std::max<int64_t>(int64_t(double(out.channels) * 1.5 + 2) / 4 * 4, 4);
    } else if (chance(0.1)) {
      op["width"] = 1;
    }
    for (int64_t groups : {4, 3, 2})
      if (shape.channels % groups == 0 && out.channels % groups == 0 && chance(0.15)) {
        op["groups"] = groups;
        break;
      }
    if (chance(0.3))
      op["batch_norm"] = chance(0.5) ? Json(false) : batchNorm();
    if (chance(0.3))
      op["activation"] = chance(0.7) ? Json(word({"relu", "linear"})) : Json(nullptr);
    if (chance(0.2) && op.contains("batch_norm") && op["batch_norm"] == false)
      op["bias"] = chance(0.5);
    if (chance(0.2))
      op["init"] = init();
    shape = out;
    return op;
  }

  Json pool(Shape &shape, bool keepsSize) {
    Window w[2];
    w[0].kernel = w[1].kernel = pick({2, 3, 3});
    if (chance(0.2))
      w[0].kernel = 1;
    bool isMax = chance(0.5);
    Json op = Json::object();
    const char *name = isMax ? "max_pool" : "avg_pool";
    op[name] = 0;
    shape = window(op, shape, w, /*isPool=*/true, keepsSize);
    op[name] = pair(w[0].kernel, w[1].kernel);
    if (!isMax && chance(0.5))
      op["include_pad"] = inBlock || chance(0.5) ? Json(true) : Json("wide > 1");
    return op;
  }

  Json concat(Shape &shape, int depth, bool keepsSize) {
    int count = int(between(2, 3));
    Json branches = Json::array();
    int64_t channels = 0;
    // All of one size: those of the branches' input, or half of it.
    bool halves = !keepsSize && std::min(shape.height, shape.width) >= 6 && chance(0.25);
    Shape out = shape;
    for (int i = 0; i < count; ++i) {
      Shape branch = shape;
      Json ops = Json::array();
      if (halves || chance(0.9))
        ops = body(branch, int(between(1, 2)), depth + 1, /*top=*/false, /*keepsSize=*/true);
      if (halves) {
        Json last = Json::object();
        int64_t filters = pick({4, 8});
        if (chance(0.5)) {
          last = {{"max_pool", 3}, {"stride", 2}, {"padding", "same"}};
        } else {
          last = {{"conv", 3}, {"filters", filters}, {"stride", 2}, {"padding", "same"}};
          branch.channels = filters;
        }
        ops.push_back(last);
      }
      channels += branch.channels;
      branches.push_back(ops.size() == 1 && chance(0.5) ? ops[0] : ops);
    }
    if (halves)
      out.height = (shape.height + 1) / 2, out.width = (shape.width + 1) / 2;
    out.channels = channels;
    shape = out;
    if (chance(0.5)) {
      Json named = Json::object();
      for (size_t i = 0; i < branches.size(); ++i)
        named["b" + std::to_string(names++)] = branches[i];
      return {{"concat", named}};
    }
    return {{"concat", branches}};
  }

  /// One part as it is, one through ops.
  Json split(Shape &shape, int depth) {
    bool equal = shape.channels % 2 == 0 && chance(0.5);
    int64_t first = equal ? shape.channels / 2 : between(1, shape.channels - 1);
    Shape rest = shape;
    rest.channels -= first;
    Json op = {{"split", Json::array()}};
    if (!equal)
      op["channels"] = {first, rest.channels};
    op["split"].push_back(Json::array());
    op["split"].push_back(body(rest, 1, depth + 1, /*top=*/false, /*keepsSize=*/true));
    shape.channels = first + rest.channels;
    return op;
  }

  Json residual(Shape &shape, int depth) {
    Shape inner = shape, shortcut = shape;
    // Of a pool alone sometimes: with a scale of 0 its gradient is dead, and that of a parameter would be refused.
    bool isPool = chance(0.25);
    Json ops = isPool ? Json::array({pool(inner, /*keepsSize=*/true)})
                      : body(inner, int(between(1, 2)), depth + 1, /*top=*/false, /*keepsSize=*/true);
    Json op = {{"residual", ops}};
    if (inner != shape) {
      if (chance(0.5)) {
        op["shortcut"] = Json::array({conv(shortcut, /*keepsSize=*/true, inner.channels)});
      } else {
        op["residual"].push_back({{"conv", 1}, {"filters", shape.channels}, {"activation", "linear"}});
        inner = shape;
      }
    }
    if (chance(0.6))
      op["scale"] = isPool && chance(0.4) ? 0.0 : real(0.1, 0.9);
    if (chance(0.4))
      op["activation"] = word({"relu", "linear"});
    shape = inner;
    return op;
  }

  /// One use of a new block, with a parameter for its filters.
  Json block(Shape &shape, int depth) {
    std::string name = "block" + std::to_string(names++);
    bool outside = std::exchange(inBlock, true);
    Json layers = body(shape, int(between(1, 2)), depth + 1, /*top=*/false);
    inBlock = outside;
    int64_t filters = pick({4, 8});
    layers.push_back({{"conv", 1}, {"filters", chance(0.5) ? "k" : "max(k, in.channels - in.channels)"}});
    shape.channels = filters;
    blocks[name] = {{"parameters", {{"k", 16}}}, {"layers", layers}};
    return {{"block", name}, {"k", filters}};
  }

  /// An op that is nothing but itself.
  Json simple(Shape &shape) {
    switch (between(0, 4)) {
    case 0:
      return {{"batch_norm", chance(0.5) ? Json(true) : batchNorm()}};
    case 1:
      return {{"dropout", {{"keep", real(0.6, 0.9)}}}};
    case 2: {
      int64_t more = between(0, std::min<int64_t>(shape.channels, 5));
      shape.channels += more;
      return {{"pad_channels", more}};
    }
    default:
      return "relu";
    }
  }

  Json op(Shape &shape, int depth, bool keepsSize) {
    int64_t kind = between(0, depth < 2 ? 14 : 8);
    if (kind <= 4)
      return conv(shape, keepsSize);
    if (kind <= 6)
      return pool(shape, keepsSize);
    if (kind <= 8)
      return simple(shape);
    if (kind <= 10)
      return concat(shape, depth, keepsSize);
    if (kind == 11)
      return residual(shape, depth);
    if (kind == 12 && !keepsSize)
      return block(shape, depth);
    if (kind == 14 && shape.channels > 1)
      return split(shape, depth);
    // The same ops twice: they must give what they take.
    Shape inner = shape;
    Json ops = body(inner, 1, depth + 1, /*top=*/false, /*keepsSize=*/true);
    if (inner.channels != shape.channels)
      ops.push_back({{"conv", 1}, {"filters", shape.channels}});
    return {{"sequence", ops}, {"repeat", between(1, 2)}};
  }

  Json body(Shape &shape, int count, int depth, bool top, bool keepsSize = false) {
    Json ops = Json::array();
    std::vector<std::pair<std::string, Shape>> values;
    for (int i = 0; i < count; ++i) {
      // Images do not become smaller than 2x2, so that batch norm has something to work with.
      bool keeps = keepsSize || std::min(shape.height, shape.width) < 4;
      Json next = op(shape, depth, keeps);
      if (next.is_object() && depth == 0 && chance(0.3) && !next.contains("repeat")) {
        std::string name = "v" + std::to_string(values.size());
        next["as"] = name;
        values.emplace_back(name, shape);
      }
      ops.push_back(std::move(next));
      for (const auto &[name, there] : values)
        if (there == shape && chance(0.3)) {
          ops.push_back({{"add", name}});
          break;
        }
      // A value further back would leave parameters that nothing depends on, which is refused.
      if (!values.empty() && ops.back().is_object() && ops.back().value("as", "") == values.back().first && chance(0.2))
        ops.push_back({{"value", values.back().first}});
      if (top && i + 1 < count && chance(0.1)) {
        Json head = {{"auxiliary", Json::array({"global_avg_pool", {{"linear", "classes"}}})}};
        if (chance(0.7))
          head["loss_weight"] = real(0.1, 0.5);
        ops.push_back(std::move(head));
      }
    }
    return ops;
  }

  std::mt19937_64 random;
  int names = 0;
  bool inBlock = false; ///< where the network's parameters have no meaning
  Json blocks = Json::object();
};

} // namespace

std::string drawNetwork(uint64_t seed) { return Drawer(seed * 0x9E3779B97F4A7C15u + 1).network().dump(1); }

} // namespace incept::test
