// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Jpeg.h"
#include "runtime/io/Library.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>

namespace incept {

namespace {

/// Pixels around a box that are decoded too, where colors have fewer: upsampled ones depend on their neighbours.
constexpr int64_t kMargin = 4;
/// Many scans are how a small file takes hours.
constexpr int kMostScans = 500;

constexpr const char *kFile = "libjpeg.so.62";

/// The functions of libjpeg-turbo that are used.
struct JpegLibrary {
  decltype(jpeg_std_error) *standardError;
  decltype(jpeg_CreateDecompress) *create;
  decltype(jpeg_destroy_decompress) *destroy;
  decltype(jpeg_mem_src) *setSource;
  decltype(jpeg_read_header) *readHeader;
  decltype(jpeg_start_decompress) *start;
  decltype(jpeg_crop_scanline) *crop;
  decltype(jpeg_skip_scanlines) *skip;
  decltype(jpeg_read_scanlines) *read;
  decltype(jpeg_abort_decompress) *abort;

  bool load(void *library) {
    return find(library, "jpeg_std_error", standardError) && find(library, "jpeg_CreateDecompress", create) &&
           find(library, "jpeg_destroy_decompress", destroy) && find(library, "jpeg_mem_src", setSource) &&
           find(library, "jpeg_read_header", readHeader) && find(library, "jpeg_start_decompress", start) &&
           find(library, "jpeg_crop_scanline", crop) && find(library, "jpeg_skip_scanlines", skip) &&
           find(library, "jpeg_read_scanlines", read) && find(library, "jpeg_abort_decompress", abort);
  }
};

/// What the library calls back with. Its errors leave by longjmp, so no frame between may have a destructor to run.
struct State {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf leave{};
  char message[JMSG_LENGTH_MAX] = {};
  int64_t warnings = 0;
  bool strict = false;
  bool created = false;
};

State &stateOf(j_common_ptr info) { return *static_cast<State *>(info->client_data); }

[[noreturn]] void fail(j_common_ptr info) {
  State &state = stateOf(info);
  info->err->format_message(info, state.message);
  std::longjmp(state.leave, 1);
}

void emitMessage(j_common_ptr info, int level) {
  if (level >= 0)
    return; // no warning
  State &state = stateOf(info);
  ++state.warnings;
  if (state.strict || info->err->msg_code == JWRN_JPEG_EOF)
    fail(info);
}

void watchScans(j_common_ptr info) {
  if (!info->is_decompressor || reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMostScans)
    return;
  State &state = stateOf(info);
  std::snprintf(state.message, sizeof state.message, "it has more than %d scans", kMostScans);
  std::longjmp(state.leave, 1);
}

/// The following return false with a message in `state`. Their frames hold nothing that needs a destructor.
bool createDecoder(const JpegLibrary &library, State &state) {
  state.info.err = library.standardError(&state.errors);
  state.errors.error_exit = fail;
  state.errors.emit_message = emitMessage;
  state.errors.output_message = [](j_common_ptr) {};
  state.info.client_data = &state; // kept by jpeg_CreateDecompress
  if (setjmp(state.leave))
    return false;
  library.create(&state.info, JPEG_LIB_VERSION, sizeof state.info);
  state.created = true;
  state.progress.progress_monitor = watchScans;
  state.info.progress = &state.progress;
  return true;
}

bool readHeader(const JpegLibrary &library, State &state, const unsigned char *bytes, size_t size) {
  if (setjmp(state.leave))
    return false;
  library.abort(&state.info);
  library.setSource(&state.info, bytes, size);
  library.readHeader(&state.info, TRUE);
  return true;
}

/// Begins to decode; on return the rows of `box`, a little wider, are what comes next. `x` is the first column that
/// comes.
bool start(const JpegLibrary &library, State &state, int64_t channels, int64_t scale, const Box &box, int64_t &x) {
  jpeg_decompress_struct &info = state.info;
  if (setjmp(state.leave))
    return false;
  bool isForPrinting = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = isForPrinting ? JCS_CMYK : channels == 1 ? JCS_GRAYSCALE : JCS_EXT_RGBX;
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = TRUE;
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(scale);
  library.start(&info);
  int64_t beside = info.max_h_samp_factor > 1 ? kMargin : 0;
  JDIMENSION first = JDIMENSION(std::max<int64_t>(box.x - beside, 0));
  JDIMENSION width = JDIMENSION(std::min<int64_t>(box.x + box.width + beside, info.output_width)) - first;
  // Narrow pictures have nothing to leave out.
  if (width < info.output_width)
    library.crop(&info, &first, &width);
  else
    first = 0;
  x = first;
  JDIMENSION above = JDIMENSION(std::max<int64_t>(box.y - (info.max_v_samp_factor > 1 ? kMargin : 0), 0));
  if (above > 0)
    library.skip(&info, above);
  return true;
}

/// Reads what comes until row `end`: from row `begin` on to `rows`, what is above to one row of `above`.
bool readRows(const JpegLibrary &library, State &state, int64_t begin, int64_t end, int64_t rowBytes, uint8_t *rows,
              uint8_t *above) {
  if (setjmp(state.leave))
    return false;
  while (int64_t(state.info.output_scanline) < end) {
    int64_t y = int64_t(state.info.output_scanline) - begin;
    JSAMPROW row[] = {y < 0 ? above : rows + y * rowBytes};
    if (library.read(&state.info, row, 1) != 1) {
      std::snprintf(state.message, sizeof state.message, "it has fewer rows than its header says");
      return false;
    }
  }
  return true;
}

uint8_t multiply(unsigned a, unsigned b) { return static_cast<uint8_t>((a * b + 127) / 255); }

/// Cyan, magenta, yellow, black to RGBX. Adobe's files hold what is left of the light, others the ink.
void printingToRgb(uint8_t *pixels, int64_t count, bool isInverted) {
  for (uint8_t *pixel = pixels; pixel < pixels + 4 * count; pixel += 4) {
    unsigned flip = isInverted ? 0 : 255, black = pixel[3] ^ flip;
    for (int c = 0; c < 3; ++c)
      pixel[c] = multiply(pixel[c] ^ flip, black);
    pixel[3] = 255;
  }
}

class Decoder : public JpegDecoder {
public:
  explicit Decoder(const JpegLibrary &library) : library(library) {}
  ~Decoder() override {
    if (state.created)
      library.destroy(&state.info);
  }

  Status create() {
    return createDecoder(library, state)
               ? Status()
               : machineError(std::string("cannot use the library ") + kFile + ": " + state.message);
  }

  Status open(std::string_view bytes, const std::string &text) override {
    name = text;
    state.strict = false;
    if (!readHeader(library, state, reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size()))
      return bad();
    int64_t h = height(), w = width();
    return h < 1 || w < 1 || h > kMaxPicturePixels / w ? tooLarge(name, w, h) : Status();
  }
  int64_t height() const override { return state.info.image_height; }
  int64_t width() const override { return state.info.image_width; }
  int64_t warnings() const override { return state.warnings; }

  Expected<PixelView> decode(const Box &box, int64_t channels, bool strict, PixelBuffer &pixels,
                             int64_t scale) override {
    state.strict = strict;
    state.warnings = 0;
    int64_t x = 0;
    if (!start(library, state, channels, scale, box, x))
      return bad();
    const jpeg_decompress_struct &info = state.info;
    bool isForPrinting = info.out_color_space == JCS_CMYK;
    // Rows as wide as they come: the box is a part of them.
    pixels.reuse(box.height, info.output_width, info.output_components);
    int64_t rowBytes = pixels.width * pixels.channels;
    above.resize(size_t(rowBytes));
    if (!readRows(library, state, box.y, box.y + box.height, rowBytes, pixels.bytes.data(), above.data()))
      return bad();
    if (isForPrinting)
      printingToRgb(pixels.bytes.data(), pixels.height * pixels.width, info.saw_Adobe_marker);
    if (isForPrinting && channels == 1)
      keepLuma(pixels);
    return pixels.view({box.x - x, 0, box.width, box.height});
  }

private:
  Status bad() const { return badPicture(name, state.message); }

  const JpegLibrary &library;
  State state;
  std::string name;
  std::vector<uint8_t> above; ///< a row above the box
};

} // namespace

Expected<std::unique_ptr<JpegDecoder>> JpegDecoder::create(const std::string &name) {
  const JpegLibrary *library = loadLibrary<JpegLibrary>(kFile);
  if (!library)
    return noLibrary(name, kFile, "libjpeg62-turbo");
  auto decoder = std::make_unique<Decoder>(*library);
  INCEPT_RETURN_IF_ERROR(decoder->create());
  return std::unique_ptr<JpegDecoder>(std::move(decoder));
}

} // namespace incept
