/* SPDX-License-Identifier: Apache-2.0
 *
 * The C interface of a network that `incept compile --mode=infer --emit=shared-library` has made. A library holds one
 * network, of which `incept_load` makes as many as are wanted, each with its weights, its memory and a thread that does
 * its work: it may be called from several threads, whose calls on one network wait for each other, and nothing of the
 * caller's threads (OpenMP's settings, CUDA's context) is touched. A forked process has to load its own.
 *
 * Every function that can fail returns an `incept_status`, and writes one sentence that says why to `error`, of
 * `error_size` bytes with the final zero, cut to that; `error` may be NULL. Nothing is printed.
 */
#ifndef INCEPT_H
#define INCEPT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct incept_network incept_network;

/* What was at fault; as the exit statuses of programs. */
typedef enum {
  INCEPT_OK = 0,
  INCEPT_INPUT = 1,   /* a file, or what it holds */
  INCEPT_USAGE = 2,   /* an argument */
  INCEPT_MACHINE = 3, /* no memory, no library, another processor or device than compiled for */
} incept_status;

/* What the network was compiled for. */
typedef struct {
  int64_t batch; /* images that are computed at once; any number may be given */
  int64_t channels, height, width, classes;
  int64_t score_height, score_width; /* of the pixels that have scores each; 1 where the image has */
} incept_shape;

/* Bits of `flags`. */
#define INCEPT_AVERAGED 1u /* take the moving averages of weights, which the file must have */

/* Makes the network ready with the weights of a safetensors file, or of a checkpoint. `device` is which of the
 * machine's devices runs it; a CPU is 0. `*network` is the caller's, for `incept_free`; NULL after an error. */
incept_status incept_load(const char *weights, unsigned flags, int device, incept_network **network, char *error,
                          size_t error_size);
/* Takes NULL too. No other call on the network may be under way. Before the library is unloaded all are to be freed. */
void incept_free(incept_network *network);

/* Zeros for NULL. */
incept_shape incept_shape_of(const incept_network *network);
/* The name of a class, as the weights record it; NULL where they do not, or there is no such class. Lives as long as
 * the network. */
const char *incept_class_name(const incept_network *network, int64_t index);

/* How many outputs the network has, at least 1, and their names; "logits" where the description has none. The first is
 * the one that `incept_run` gives. NULL where there is no such output. Lives as long as the network. */
int64_t incept_output_count(const incept_network *network);
const char *incept_output_name(const incept_network *network, int64_t index);

/* Scores (count, score_height, score_width, classes) before softmax of images f32 (count, channels, height, width),
 * already normalized. */
incept_status incept_run(incept_network *network, int64_t count, const float *images, float *scores, char *error,
                         size_t error_size);
/* The same of pixels 0 to 255 (count, height, width, channels), which are normalized as the description says. */
incept_status incept_run_pixels(incept_network *network, int64_t count, const uint8_t *pixels, float *scores,
                                char *error, size_t error_size);
/* Both of every output: `scores[i]` is room for those of output i, or NULL where they are not wanted. */
incept_status incept_run_outputs(incept_network *network, int64_t count, const float *images, float *const *scores,
                                 char *error, size_t error_size);
incept_status incept_run_pixels_outputs(incept_network *network, int64_t count, const uint8_t *pixels,
                                        float *const *scores, char *error, size_t error_size);
/* The pixels (height, width, channels) of a JPEG or PNG file, made fit as the description's evaluation says. */
incept_status incept_read_picture(const incept_network *network, const char *path, uint8_t *pixels, char *error,
                                  size_t error_size);

#ifdef __cplusplus
}
#endif
#endif
