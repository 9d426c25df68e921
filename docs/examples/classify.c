/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints the most probable class of pictures, by a network that is a shared library (docs/Program.md).
 *
 *     cc -I. docs/examples/classify.c ./libinception_v4.so -o classify && ./classify weights.safetensors cat.jpg
 */
#include "runtime/embed/incept.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: classify WEIGHTS PICTURE...\n");
    return INCEPT_USAGE;
  }
  char error[500];
  incept_network *network;
  incept_status status = incept_load(argv[1], 0, 0, &network, error, sizeof error);
  incept_shape shape = incept_shape_of(network);
  uint8_t *pixels = malloc((size_t)(shape.channels * shape.height * shape.width) + 1);
  float *scores = malloc(sizeof(float) * (size_t)shape.classes + 1);
  for (int i = 2; i < argc && status == INCEPT_OK; ++i) {
    status = incept_read_picture(network, argv[i], pixels, error, sizeof error);
    if (status == INCEPT_OK)
      status = incept_run_pixels(network, 1, pixels, scores, error, sizeof error);
    if (status != INCEPT_OK)
      break;
    int64_t best = 0;
    for (int64_t k = 1; k < shape.classes; ++k)
      if (scores[k] > scores[best])
        best = k;
    const char *name = incept_class_name(network, best);
    if (name)
      printf("%s: %s\n", argv[i], name);
    else
      printf("%s: %lld\n", argv[i], (long long)best);
  }
  if (status != INCEPT_OK)
    fprintf(stderr, "classify: error: %s\n", error);
  incept_free(network);
  free(scores);
  free(pixels);
  return status;
}
