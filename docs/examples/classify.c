/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints the most probable class of pictures, by a network that is a shared library (docs/Program.md).
 *
 *     cc -I. docs/examples/classify.c ./libinception_v4.so -o classify && ./classify weights.safetensors cat.jpg
 */
#include "runtime/embed/incept.h"

#include <stdio.h>
#include <stdlib.h>

/* Prints the class of each picture. */
static incept_status classify(incept_network *network, int count, char **pictures, char *error, size_t error_size) {
  incept_shape shape = incept_shape_of(network);
  if (shape.score_height * shape.score_width != 1) {
    snprintf(error, error_size, "expected a network that gives a picture one class, but it scores %lldx%lld pixels",
             (long long)shape.score_height, (long long)shape.score_width);
    return INCEPT_INPUT;
  }
  uint8_t *pixels = malloc((size_t)(shape.channels * shape.height * shape.width));
  float *scores = malloc(sizeof(float) * (size_t)shape.classes);
  incept_status status = pixels && scores ? INCEPT_OK : INCEPT_MACHINE;
  if (status != INCEPT_OK)
    snprintf(error, error_size, "out of memory");
  for (int i = 0; i < count && status == INCEPT_OK; ++i) {
    status = incept_read_picture(network, pictures[i], pixels, error, error_size);
    if (status == INCEPT_OK)
      status = incept_run_pixels(network, 1, pixels, scores, error, error_size);
    if (status != INCEPT_OK)
      break;
    int64_t best = 0;
    for (int64_t k = 1; k < shape.classes; ++k)
      if (scores[k] > scores[best])
        best = k;
    const char *name = incept_class_name(network, best);
    if (name)
      printf("%s: %s\n", pictures[i], name);
    else
      printf("%s: %lld\n", pictures[i], (long long)best);
  }
  free(scores);
  free(pixels);
  return status;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: classify WEIGHTS PICTURE...\n");
    return INCEPT_USAGE;
  }
  char error[500];
  incept_network *network;
  incept_status status = incept_load(argv[1], 0, 0, &network, error, sizeof error);
  if (status == INCEPT_OK)
    status = classify(network, argc - 2, argv + 2, error, sizeof error);
  if (status != INCEPT_OK)
    fprintf(stderr, "classify: error: %s\n", error);
  incept_free(network);
  return status;
}
