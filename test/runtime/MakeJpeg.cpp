// SPDX-License-Identifier: Apache-2.0

#include "test/runtime/MakeJpeg.h"
#include "runtime/support/Philox.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

namespace incept::tests {

static int channelsOf(JpegColors colors) {
  return colors == JpegColors::Gray ? 1 : colors == JpegColors::Cmyk || colors == JpegColors::Ycck ? 4 : 3;
}

std::string encodeJpeg(const std::vector<uint8_t> &pixels, int width, int height, const JpegForm &form) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors); // ends the process
  jpeg_create_compress(&info);
  unsigned char *bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = width;
  info.image_height = height;
  info.input_components = channelsOf(form.colors);
  info.in_color_space = info.input_components == 1 ? JCS_GRAYSCALE : info.input_components == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, form.colors == JpegColors::Ycbcr  ? JCS_YCbCr
                             : form.colors == JpegColors::Gray ? JCS_GRAYSCALE
                             : form.colors == JpegColors::Rgb  ? JCS_RGB
                             : form.colors == JpegColors::Cmyk ? JCS_CMYK
                                                               : JCS_YCCK);
  info.comp_info[0].h_samp_factor = form.horizontal;
  info.comp_info[0].v_samp_factor = form.vertical;
  if (info.input_components == 4) {
    info.comp_info[3].h_samp_factor = form.horizontal;
    info.comp_info[3].v_samp_factor = form.vertical;
    info.write_Adobe_marker = TRUE;
  }
  jpeg_set_quality(&info, form.quality, TRUE);
  if (form.progressive)
    jpeg_simple_progression(&info);
  info.restart_in_rows = form.restart;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto *row = const_cast<uint8_t *>(pixels.data()) + size_t(info.next_scanline) * width * info.input_components;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string result(reinterpret_cast<char *>(bytes), size);
  std::free(bytes);
  return result;
}

std::vector<uint8_t> makePixels(int width, int height, int channels, uint64_t seed) {
  PhiloxStream random(seed, hashName("pixels"));
  std::vector<uint8_t> pixels;
  pixels.reserve(size_t(width) * height * channels);
  double a = 0.02 + 0.1 * random.uniform(), b = 0.02 + 0.1 * random.uniform(), c = 30 + 60 * random.uniform();
  double edge = (0.2 + 0.6 * random.uniform()) * width;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int k = 0; k < channels; ++k) {
        double value = 128 + c * std::sin(a * x + k) * std::cos(b * y + 2 * k) + (x + y / 3.0 > edge ? 40 : -30) +
                       6 * (random.uniform() - 0.5);
        pixels.push_back(static_cast<uint8_t>(std::clamp(value, 0.0, 255.0)));
      }
  return pixels;
}

std::string makeJpeg(int width, int height, const JpegForm &form, uint64_t seed) {
  return encodeJpeg(makePixels(width, height, channelsOf(form.colors), seed), width, height, form);
}

} // namespace incept::tests
