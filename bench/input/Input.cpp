// SPDX-License-Identifier: Apache-2.0
//
// The input pipeline on one core, against a plain loop: libjpeg-turbo decodes the whole picture, OpenCV resizes the
// crop (bilinear, no antialiasing). Both take the same crops of the same files, in turns, on one thread.
//
//   incept-bench-input make DIR [COUNT]             photographs of about 500x375, 4:2:0, in two classes
//   incept-bench-input measure DIR [SIZE [ROUNDS]]  images/s of each way, and ratios
//   incept-bench-input resize FILTER H W OUTH OUTW  raw R,G,B,X from standard input, resized to standard output

#include "runtime/io/Dataset.h"
#include "runtime/io/SampleMaker.h"
#include "test/runtime/MakeJpeg.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <jpeglib.h>
#ifdef INCEPT_OPENCV
#include <opencv2/imgproc.hpp>
#endif

using namespace incept;
namespace fs = std::filesystem;

namespace {

/// Seconds of this thread.
double now() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

int makeFiles(const std::string &directory, int count) {
  PhiloxStream random(0, hashName("sizes"));
  for (int i = 0; i < count; ++i) {
    int width = 500 - int(random.below(30)), height = 375 - int(random.below(50));
    if (random.below(4) == 0)
      std::swap(width, height);
    fs::path folder = fs::path(directory) / (i % 2 ? "b" : "a");
    fs::create_directories(folder);
    tests::JpegForm form;
    if (random.below(4) != 0) // as most photographs of ImageNet
      form.horizontal = form.vertical = 1;
    std::vector<uint8_t> pixels = tests::makePixels(width, height, 3, uint64_t(i));
    for (uint8_t &byte : pixels) // about 0.6 bytes a pixel, as those have
      byte = uint8_t(std::clamp(int(byte) + int(random.below(25)) - 12, 0, 255));
    std::string bytes = tests::encodeJpeg(pixels, width, height, form);
    std::ofstream(folder / (std::to_string(1000 + i) + ".jpg"), std::ios::binary) << bytes;
  }
  return 0;
}

/// What the plain loop keeps.
struct Plain {
  std::vector<uint8_t> whole, out;

  void run(const std::string &file, const Box &box, int size) {
    jpeg_decompress_struct info{};
    jpeg_error_mgr errors{};
    info.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char *>(file.data()), file.size());
    jpeg_read_header(&info, TRUE);
    info.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info);
    int width = int(info.output_width), height = int(info.output_height);
    whole.resize(size_t(width) * height * 3);
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = whole.data() + size_t(info.output_scanline) * width * 3;
      jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    out.resize(size_t(size) * size * 3);
#ifdef INCEPT_OPENCV
    cv::Mat picture(height, width, CV_8UC3, whole.data()), result(size, size, CV_8UC3, out.data());
    cv::resize(picture(cv::Rect(int(box.x), int(box.y), int(box.width), int(box.height))), result, result.size(), 0, 0,
               cv::INTER_LINEAR);
    if (box.x % 2) // a flip, as ours has
      cv::flip(result, result, 1);
#endif
  }
};

/// Files that have been read: both ways begin with bytes in memory.
class Loaded : public Dataset {
public:
  explicit Loaded(const std::vector<std::string> &files) : files(files) {}
  int64_t size() const override { return int64_t(files.size()); }
  int64_t label(int64_t) const override { return 0; }
  std::string name(int64_t sample) const override { return std::to_string(sample); }
  Status read(int64_t sample, std::string &bytes) const override {
    bytes = files[sample];
    return {};
  }
  std::string hash() const override { return ""; }

private:
  const std::vector<std::string> &files;
};

struct Way {
  const char *name;
  AugmentOptions augment;
  std::unique_ptr<SampleMaker> maker;
  std::vector<double> seconds = {}; ///< of each turn
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + int64_t(values.size() / 2), values.end());
  return values[values.size() / 2];
}

int measure(const std::string &directory, int size, int rounds) {
  ImageShape shape{3, size, size, 0};
  for (const auto &entry : fs::directory_iterator(directory))
    shape.classes += entry.is_directory();
  auto opened = openDataset("folder:" + directory, Split::Evaluation, shape);
  if (!opened) {
    std::fprintf(stderr, "error: %s\n", opened.status().message().c_str());
    return 1;
  }
  std::shared_ptr<const Dataset> data = std::move(*opened);
  int64_t count = std::min<int64_t>(data->size(), 400);
  std::vector<std::string> files(count);
  std::vector<Box> boxes(count);
  PictureDecoder decoder;
  AugmentOptions bilinear = AugmentOptions::of(Augmentation::Inception);
  bilinear.color = ColorMode::None;
  for (int64_t i = 0; i < count; ++i) {
    if (!data->read(i, files[i]).ok() || !decoder.open(files[i], data->name(i)).ok())
      return 1;
    PhiloxStream random(uint64_t(i), 0);
    boxes[i] = distortedCrop(bilinear, decoder.height(), decoder.width(), random);
  }
  AugmentOptions color = bilinear, full = bilinear, bicubic = bilinear;
  color.color = ColorMode::Fast;
  full.color = ColorMode::Full;
  bicubic.filter = Filter::Bicubic;
  Way ways[] = {{"ours: crop, antialiased bilinear, flip", bilinear, nullptr},
                {"ours: the same, bicubic", bicubic, nullptr},
                {"ours: bilinear and fast colors", color, nullptr},
                {"ours: bilinear and full colors", full, nullptr}};
  for (Way &way : ways)
    way.maker = std::make_unique<SampleMaker>(SampleOptions{shape, true, way.augment, {}, 0});
  Plain plain;
  Loaded loaded(files);
  std::vector<double> whole;
  std::vector<uint8_t> out(size_t(size) * size * 3);
  for (int round = 0; round < rounds; ++round)
    for (int64_t begin = 0; begin < count; begin += 20) { // in turns, so that a busy machine slows down all
      int64_t end = std::min(begin + 20, count);
      double start = now();
      for (int64_t i = begin; i < end; ++i)
        plain.run(files[i], boxes[i], size);
      whole.push_back((now() - start) / double(end - begin));
      for (Way &way : ways) {
        start = now();
        for (int64_t i = begin; i < end; ++i)
          if (Status status = way.maker->make(loaded, i, round, out.data()); !status.ok()) {
            std::fprintf(stderr, "error: %s\n", status.message().c_str());
            return 1;
          }
        way.seconds.push_back((now() - start) / double(end - begin));
      }
    }
#ifdef INCEPT_OPENCV
  const char *name = "plain: libjpeg-turbo, all of it; OpenCV bilinear";
#else
  const char *name = "plain: libjpeg-turbo, all of it; nothing else (no OpenCV here)";
#endif
  std::printf("%lld pictures to %dx%d, one core\n", static_cast<long long>(count), size, size);
  // Medians of turns, and of what each turn of ours is to the plain one before it: a busy machine disturbs single ones.
  std::printf("%-64s %8.1f images/s\n", name, 1 / median(whole));
  for (const Way &way : ways) {
    std::vector<double> ratios;
    for (size_t i = 0; i < whole.size(); ++i)
      ratios.push_back(whole[i] / way.seconds[i]);
    std::printf("%-64s %8.1f images/s  %.2fx\n", way.name, 1 / median(way.seconds), median(ratios));
  }
  return 0;
}

int resize(const char *filter, int64_t h, int64_t w, int64_t outH, int64_t outW) {
  std::ifstream input("/dev/stdin", std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(input)), {});
  PixelBuffer from, to;
  from.resize(h, w, 4);
  if (text.size() != from.bytes.size())
    return 1;
  std::memcpy(from.bytes.data(), text.data(), text.size());
  Filter kind = std::strcmp(filter, "bicubic") == 0 ? Filter::Bicubic : Filter::Bilinear;
  Resampler().resize(from.view(), 0, 0, {h, outH, 0, outH}, {w, outW, 0, outW}, kind, to);
  std::fwrite(to.bytes.data(), 1, to.bytes.size(), stdout);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
#ifdef INCEPT_OPENCV
  cv::setNumThreads(1);
#endif
  std::string command = argc > 2 ? argv[1] : "";
  auto number = [&](int index, int otherwise) { return argc > index ? std::atoi(argv[index]) : otherwise; };
  if (command == "make")
    return makeFiles(argv[2], number(3, 200));
  if (command == "measure")
    return measure(argv[2], std::max(number(3, 299), 1), std::max(number(4, 3), 1));
  if (command == "resize" && argc == 7)
    return resize(argv[2], number(3, 1), number(4, 1), number(5, 1), number(6, 1));
  std::fprintf(stderr,
               "usage: incept-bench-input make DIR [COUNT] | measure DIR [SIZE [ROUNDS]] | resize FILTER H W OUTH "
               "OUTW\n");
  return 2;
}
