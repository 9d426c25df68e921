// SPDX-License-Identifier: Apache-2.0
//
// Where samples come from: an index over all of them, made once, so that any can be read at any time and by any thread.
#pragma once

#include "runtime/io/DataSource.h"
#include "runtime/io/Pixels.h"
#include "runtime/support/Status.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace incept {

/// One split of a data source. Everything but `open` may be called by several threads at once.
class Dataset {
public:
  virtual ~Dataset() = default;

  virtual int64_t size() const = 0;
  virtual int64_t label(int64_t sample) const = 0; ///< less than the program's number of classes; 0 with masks
  /// For messages: a path, or an archive and a name in it.
  virtual std::string name(int64_t sample) const = 0;

  /// Reads a sample: the bytes of a picture's file. Of a source of pixels nothing is read, `pixels` is what counts.
  virtual Status read(int64_t sample, std::string &bytes) const = 0;
  /// Whether samples are pixels in memory and no files of pictures.
  virtual bool hasPixels() const { return false; }
  /// The pixels (H,W,C) of a sample, C = 1 or 3, of a source that has them.
  virtual PixelView pixels(int64_t sample) const { return {}; }

  /// Whether each sample has a mask, a picture of class numbers as large as the sample's, in place of a label.
  virtual bool hasMasks() const { return false; }
  virtual std::string maskName(int64_t sample) const { return ""; }
  /// Reads the bytes of a mask's file.
  virtual Status readMask(int64_t sample, std::string &bytes) const { return {}; }

  /// The names of the classes in order; empty where the source has none.
  const std::vector<std::string> &classes() const { return classNames; }
  /// A checksum of what the source is: of all pixels, or of names, sizes and labels of all files.
  virtual std::string hash() const = 0;
  /// A sentence about what was passed over; empty where there is nothing to say.
  const std::string &note() const { return noteText; }

protected:
  std::vector<std::string> classNames;
  std::string noteText;
};

/// Opens a split of SRC:
///   folder:DIR          DIR/train/CLASS/... and DIR/val/CLASS/..., or DIR/CLASS/... alone; a split may be flat, with
///                       its labels in a file labels.txt
///   masks:DIR           DIR/train/images/... and DIR/train/masks/..., or DIR/images/train/... and DIR/masks/train/...,
///                       DIR/images/... and DIR/masks/... alone: pictures and, of the same path but .png, their masks
///   webdataset:PATTERN  shards of tar, {000..127} in their names; webdataset:DIR has DIR/train*.tar and DIR/val*.tar
///   cifar:DIR           the binary form of CIFAR-10 or CIFAR-100
///   idx:DIR             MNIST's files, .gz too
///   synthetic:          random pixels
/// A bare path is looked into. A missing test split is an empty dataset; for `Split::Evaluation` a source without
/// splits is one whole. Labels and sizes are checked against `shape`; every mistake names the file. With more or fewer
/// classes than the program has the error says how to compile it. Masks are for programs that score pixels, and other
/// sources are not.
Expected<std::unique_ptr<Dataset>> openDataset(const std::string &source, Split split, const ImageShape &shape);

/// How many classes SRC has, where its folders or its format say so; 0 elsewhere.
int64_t countClasses(const std::string &source);

/// A part of a dataset: the samples whose numbers are listed. Holds on to the whole.
std::unique_ptr<Dataset> selectSamples(std::shared_ptr<const Dataset> whole, std::vector<uint32_t> samples);

/// Splits off `fraction` of a dataset, at least one sample of it and not all, drawn by `seed`: {rest, drawn}.
std::pair<std::unique_ptr<Dataset>, std::unique_ptr<Dataset>> splitDataset(std::shared_ptr<const Dataset> whole,
                                                                           double fraction, uint64_t seed);

} // namespace incept
