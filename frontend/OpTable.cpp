// SPDX-License-Identifier: Apache-2.0

#include "frontend/OpTable.h"
#include "dialect/Losses.h"
#include "dialect/Optimizers.h"
#include "llvm/ADT/STLExtras.h"

namespace incept {

static const llvm::StringRef kActivations[] = {"relu",         "relu6",      "leaky_relu", "sigmoid", "silu",
                                               "hard_sigmoid", "hard_swish", "gelu",       "linear"};
static const llvm::StringRef kInits[] = {"zeros",      "ones",           "constant",        "he_normal",
                                         "he_uniform", "glorot_uniform", "truncated_normal"};
static const llvm::StringRef kSchedules[] = {"constant", "step", "cosine", "multi_step", "polynomial", "one_cycle"};
static const llvm::StringRef kResizeModes[] = {"nearest", "bilinear"};

static const KeyInfo kConvTransposeKeys[] = {{"filters", KeyType::Value, {}, {}, /*required=*/true},
                                             {"stride", KeyType::Pair},
                                             {"padding", KeyType::Padding},
                                             {"dilation", KeyType::Pair},
                                             {"groups", KeyType::Value},
                                             {"activation", KeyType::Activation, kActivations},
                                             {"batch_norm", KeyType::BatchNorm},
                                             {"bias", KeyType::Flag},
                                             {"init", KeyType::Init},
                                             {"width", KeyType::Value},
                                             {"divisor", KeyType::Value},
                                             {"output_padding", KeyType::Pair}};
static const llvm::ArrayRef<KeyInfo> kConvKeys = llvm::ArrayRef(kConvTransposeKeys).drop_back();
static const KeyInfo kResizeKeys[] = {{"mode", KeyType::Word, kResizeModes}};
static const KeyInfo kMaxPoolKeys[] = {
    {"stride", KeyType::Pair}, {"padding", KeyType::Padding}, {"ceil", KeyType::Flag}};
static const KeyInfo kAvgPoolKeys[] = {
    {"stride", KeyType::Pair}, {"padding", KeyType::Padding}, {"ceil", KeyType::Flag}, {"include_pad", KeyType::Flag}};
static const KeyInfo kLinearKeys[] = {
    {"activation", KeyType::Activation, kActivations}, {"bias", KeyType::Flag}, {"init", KeyType::Init}};
static const KeyInfo kLeakyReluKeys[] = {{"slope", KeyType::Value}};
static const KeyInfo kChannelScaleKeys[] = {{"init", KeyType::Init}};
static const KeyInfo kLayerNormKeys[] = {{"epsilon", KeyType::Value}};
static const KeyInfo kGroupNormKeys[] = {{"epsilon", KeyType::Value}, {"affine", KeyType::Flag}};
static const KeyInfo kLocalResponseNormKeys[] = {
    {"alpha", KeyType::Value}, {"beta", KeyType::Value}, {"k", KeyType::Value}};
static const KeyInfo kResidualKeys[] = {{"scale", KeyType::Value},
                                        {"shortcut", KeyType::Body},
                                        {"activation", KeyType::Activation, kActivations},
                                        {"when", KeyType::Flag}};
static const KeyInfo kSplitKeys[] = {{"channels", KeyType::Numbers}};
static const KeyInfo kHeadKeys[] = {{"loss_weight", KeyType::Value}};

static const OpInfo kOps[] = {
    {OpKind::Conv, "conv", {"kernel", KeyType::Pair}, kConvKeys},
    {OpKind::ConvTranspose, "conv_transpose", {"kernel", KeyType::Pair}, kConvTransposeKeys},
    {OpKind::MaxPool, "max_pool", {"kernel", KeyType::Pair}, kMaxPoolKeys},
    {OpKind::AvgPool, "avg_pool", {"kernel", KeyType::Pair}, kAvgPoolKeys},
    {OpKind::GlobalAvgPool, "global_avg_pool", {"", KeyType::True}, {}},
    {OpKind::AdaptiveAvgPool, "adaptive_avg_pool", {"size", KeyType::Pair}, {}},
    {OpKind::Resize, "resize", {"size", KeyType::Pair}, kResizeKeys},
    {OpKind::Upsample, "upsample", {"factor", KeyType::Pair}, kResizeKeys},
    {OpKind::BatchNorm, "batch_norm", {"", KeyType::BatchNorm}, {}},
    {OpKind::Relu, "relu", {"", KeyType::True}, {}},
    {OpKind::Relu6, "relu6", {"", KeyType::True}, {}},
    {OpKind::LeakyRelu, "leaky_relu", {"", KeyType::True}, kLeakyReluKeys},
    {OpKind::Sigmoid, "sigmoid", {"", KeyType::True}, {}},
    {OpKind::Silu, "silu", {"", KeyType::True}, {}},
    {OpKind::HardSigmoid, "hard_sigmoid", {"", KeyType::True}, {}},
    {OpKind::HardSwish, "hard_swish", {"", KeyType::True}, {}},
    {OpKind::Gelu, "gelu", {"", KeyType::True}, {}},
    {OpKind::Dropout, "dropout", {"", KeyType::Keep}, {}},
    {OpKind::DropPath, "drop_path", {"", KeyType::Keep}, {}},
    {OpKind::Linear, "linear", {"outputs", KeyType::Value}, kLinearKeys},
    {OpKind::Flatten, "flatten", {"", KeyType::True}, {}},
    {OpKind::PixelScores, "pixel_scores", {"", KeyType::True}, {}},
    {OpKind::PadChannels, "pad_channels", {"channels", KeyType::Value}, {}},
    {OpKind::ChannelShuffle, "channel_shuffle", {"groups", KeyType::Value}, {}},
    {OpKind::ChannelScale, "channel_scale", {"", KeyType::True}, kChannelScaleKeys},
    {OpKind::LayerNorm, "layer_norm", {"", KeyType::True}, kLayerNormKeys},
    {OpKind::GroupNorm, "group_norm", {"groups", KeyType::Value}, kGroupNormKeys},
    {OpKind::LocalResponseNorm, "local_response_norm", {"size", KeyType::Value}, kLocalResponseNormKeys},
    {OpKind::Softmax, "softmax", {"", KeyType::True}, {}},
    {OpKind::Concat, "concat", {"", KeyType::Branches}, {}},
    {OpKind::Split, "split", {"", KeyType::Branches}, kSplitKeys},
    {OpKind::Residual, "residual", {"", KeyType::Body}, kResidualKeys},
    {OpKind::Sequence, "sequence", {"", KeyType::Body}, {}},
    {OpKind::Add, "add", {"", KeyType::Name}, {}},
    {OpKind::Multiply, "multiply", {"", KeyType::Name}, {}},
    {OpKind::Value, "value", {"", KeyType::Name}, {}},
    {OpKind::Block, "block", {"", KeyType::Name}, {}},
    {OpKind::Auxiliary, "auxiliary", {"", KeyType::Body}, kHeadKeys},
    {OpKind::Output, "output", {"", KeyType::Body}, kHeadKeys},
    {OpKind::Identity, "identity", {"", KeyType::True}, {}},
};

llvm::ArrayRef<OpInfo> opTable() { return kOps; }

llvm::ArrayRef<llvm::StringRef> activationWords() { return llvm::ArrayRef(kActivations).drop_back(); }

const OpInfo &opInfo(OpKind kind) {
  return *llvm::find_if(kOps, [&](const OpInfo &info) { return info.kind == kind; });
}

const OpInfo *findOp(llvm::StringRef name) {
  auto found = llvm::find_if(kOps, [&](const OpInfo &info) { return info.name == name; });
  return found == std::end(kOps) ? nullptr : found;
}

std::string suggestOp(llvm::StringRef word, llvm::ArrayRef<std::string> names) {
  static constexpr llvm::StringRef kElsewhere[][2] = {
      {"convolution", "conv"},
      {"deconv", "conv_transpose"},
      {"dense", "linear"},
      {"fc", "linear"},
      {"fully_connected", "linear"},
      {"bn", "batch_norm"},
      {"lrn", "local_response_norm"},
      {"gap", "global_avg_pool"},
      {"swish", "silu"},
      {"concatenate", "concat"},
      {"cat", "concat"},
  };
  for (const auto &[theirs, ours] : kElsewhere)
    if (word == theirs && llvm::is_contained(names, ours))
      return ("; did you mean '" + ours + "'?").str();
  return suggestion(word, names);
}

const KeyInfo *findKey(llvm::ArrayRef<KeyInfo> keys, llvm::StringRef name) {
  auto found = llvm::find_if(keys, [&](const KeyInfo &key) { return key.name == name; });
  return found == keys.end() ? nullptr : found;
}

std::vector<std::string> keyNames(llvm::ArrayRef<KeyInfo> keys) {
  std::vector<std::string> names;
  for (const KeyInfo &key : keys)
    names.push_back(key.name.str());
  return names;
}

bool hasDefaults(const OpInfo &info) { return info.kind == OpKind::BatchNorm || !defaultKeys(info).empty(); }

std::vector<KeyInfo> defaultKeys(const OpInfo &info) {
  std::vector<KeyInfo> keys(info.kind == OpKind::BatchNorm ? batchNormKeys() : info.keys);
  // What the parts of a split are depends on what flows in.
  llvm::erase_if(keys, [&](const KeyInfo &key) {
    return key.required || key.type == KeyType::Body || info.kind == OpKind::Split;
  });
  return keys;
}

llvm::ArrayRef<KeyInfo> batchNormKeys() {
  static const KeyInfo keys[] = {{"epsilon", KeyType::Value}, {"decay", KeyType::Value}, {"scale", KeyType::Flag}};
  return keys;
}

llvm::ArrayRef<KeyInfo> initKeys() {
  static const KeyInfo keys[] = {{"kind", KeyType::Word, kInits}, {"value", KeyType::Value}, {"std", KeyType::Value}};
  return keys;
}

llvm::ArrayRef<KeyInfo> keepKeys() {
  static const KeyInfo keys[] = {{"keep", KeyType::Value, {}, {}, /*required=*/true}};
  return keys;
}

llvm::ArrayRef<KeyInfo> paddingKeys() {
  static const KeyInfo keys[] = {{"begin", KeyType::Pair}, {"end", KeyType::Pair}};
  return keys;
}

llvm::ArrayRef<KeyInfo> inputKeys() {
  static const KeyInfo normalization[] = {{"mean", KeyType::Numbers}, {"std", KeyType::Numbers}};
  static const KeyInfo keys[] = {{"channels", KeyType::Value, {}, {}, /*required=*/true},
                                 {"height", KeyType::Value, {}, {}, /*required=*/true},
                                 {"width", KeyType::Value, {}, {}, /*required=*/true},
                                 {"normalization", KeyType::Record, {}, normalization}};
  return keys;
}

/// The kind of an optimizer, and the keys of all of them.
static std::vector<KeyInfo> optimizerKeys() {
  static const std::vector<llvm::StringRef> kinds = [] {
    std::vector<llvm::StringRef> names;
    for (const Optimizer *optimizer : kOptimizers)
      names.push_back(optimizer->kind);
    return names;
  }();
  std::vector<KeyInfo> keys = {{"kind", KeyType::Word, kinds}};
  for (const Hyperparameter *number : optimizerNumbers())
    keys.push_back({number->key, KeyType::Value});
  return keys;
}

llvm::ArrayRef<KeyInfo> trainingKeys() {
  static const std::vector<KeyInfo> optimizer = optimizerKeys();
  static const KeyInfo rate[] = {
      {"kind", KeyType::Word, kSchedules}, {"base", KeyType::Value},       {"gamma", KeyType::Value},
      {"every_epochs", KeyType::Value},    {"final", KeyType::Value},      {"warmup_epochs", KeyType::Value},
      {"milestones", KeyType::Numbers},    {"power", KeyType::Value},      {"rise", KeyType::Value},
      {"start_divisor", KeyType::Value},   {"end_divisor", KeyType::Value}};
  // How the program makes images fit; it says in Preprocess.cpp what the words mean.
  static const llvm::StringRef augmentations[] = {"none", "inception", "random_resized_crop", "cifar"};
  static const llvm::StringRef colors[] = {"none", "fast", "full"}, filters[] = {"bilinear", "bicubic", "tf1"};
  static const llvm::StringRef protocols[] = {"timm", "tf"};
  static const KeyInfo augmentation[] = {{"kind", KeyType::Word, augmentations},
                                         {"color", KeyType::Word, colors},
                                         {"filter", KeyType::Word, filters},
                                         {"min_area", KeyType::Value},
                                         {"max_area", KeyType::Value},
                                         {"min_ratio", KeyType::Value},
                                         {"max_ratio", KeyType::Value},
                                         {"flip", KeyType::Value},
                                         {"erase", KeyType::Value},
                                         {"mixup", KeyType::Value},
                                         {"cutmix", KeyType::Value},
                                         {"padding", KeyType::Value},
                                         {"orient", KeyType::Value},
                                         {"scaled", KeyType::Value}};
  static const KeyInfo evaluation[] = {{"kind", KeyType::Word, protocols},
                                       {"filter", KeyType::Word, filters},
                                       {"crop", KeyType::Value},
                                       {"orient", KeyType::Value},
                                       {"scaled", KeyType::Value}};
  static const KeyInfo keys[] = {{"augmentation", KeyType::Record, {}, augmentation},
                                 {"evaluation", KeyType::Record, {}, evaluation},
                                 {"optimizer", KeyType::Record, {}, optimizer},
                                 {"learning_rate", KeyType::Record, {}, rate},
                                 {"loss", KeyType::Word, kLosses},
                                 {"weight_decay", KeyType::Value},
                                 {"label_smoothing", KeyType::Value},
                                 {"ignore_label", KeyType::Value},
                                 {"clip_norm", KeyType::Value},
                                 {"clip_value", KeyType::Value},
                                 {"ema", KeyType::Value},
                                 {"accumulate", KeyType::Value},
                                 {"frozen", KeyType::Texts},
                                 {"rates", KeyType::Texts},
                                 {"epochs", KeyType::Value},
                                 {"seed", KeyType::Value}};
  return keys;
}

} // namespace incept
