/* SPDX-License-Identifier: Apache-2.0
 *
 * A C program that calls a network. Usage: embed WEIGHTS OTHER_WEIGHTS IMAGES SCORES [LIBRARY LIBRARY_WEIGHTS]
 *
 * IMAGES has f32 images (5, C, H, W), bare. Four threads compute each image many times, two of them on one network, the
 * others each on its own, with OTHER_WEIGHTS: scores must always be those of the first time. SCORES gets both networks'
 * scores of all images in one call. A forked process is refused, and LIBRARY, which is opened beside the one that this
 * is linked with, is itself: a network of 8x8 scores. Then what must be refused.
 */
#include "runtime/embed/incept.h"

#include <dlfcn.h>
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IMAGES = 5, ROUNDS = 40 };

static char error[500];
static incept_shape shape;
static float *images;

static void expect(int holds, const char *what) {
  if (!holds) {
    fprintf(stderr, "embed: %s: %s\n", what, error);
    exit(1);
  }
}

static incept_network *load(const char *weights) {
  incept_network *network = NULL;
  expect(incept_load(weights, 0, 0, &network, error, sizeof error) == INCEPT_OK && network, weights);
  expect(!error[0], "an error where there is none");
  return network;
}

static float *scores_of(incept_network *network) {
  float *scores = malloc(sizeof(float) * (size_t)(IMAGES * shape.classes));
  expect(incept_run(network, IMAGES, images, scores, error, sizeof error) == INCEPT_OK, "run");
  return scores;
}

struct caller {
  incept_network *network;
  const float *expected;
};

static void *call(void *argument) {
  struct caller *caller = argument;
  int64_t pixels = shape.channels * shape.height * shape.width;
  float *scores = malloc(sizeof(float) * (size_t)shape.classes);
  for (int i = 0; i < ROUNDS; ++i) {
    int64_t image = i % IMAGES;
    if (incept_run(caller->network, 1, images + image * pixels, scores, NULL, 0) != INCEPT_OK ||
        memcmp(scores, caller->expected + image * shape.classes, sizeof(float) * (size_t)shape.classes) != 0)
      return "other scores when several threads call";
  }
  free(scores);
  return NULL;
}

static void refuse(incept_status got, incept_status expected, const char *start) {
  expect(got == expected && strncmp(error, start, strlen(start)) == 0, start);
}

static void check_fork(incept_network *network, float *scores) {
  pid_t child = fork();
  if (child == 0) {
    incept_status status = incept_run(network, 1, images, scores, error, sizeof error);
    incept_free(network);
    _exit(status == INCEPT_USAGE && strstr(error, "forked") ? 0 : 1);
  }
  int status = 1;
  expect(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a forked process");
}

static void check_other(const char *path, const char *weights) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  expect(library != NULL, path);
  incept_status (*load_other)(const char *, unsigned, int, incept_network **, char *, size_t);
  incept_shape (*shape_of)(const incept_network *);
  void (*free_other)(incept_network *);
  *(void **)&load_other = dlsym(library, "incept_load");
  *(void **)&shape_of = dlsym(library, "incept_shape_of");
  *(void **)&free_other = dlsym(library, "incept_free");
  incept_network *network = NULL;
  expect(load_other(weights, 0, 0, &network, error, sizeof error) == INCEPT_OK, path);
  expect(shape_of(network).score_height == 8, "the network of another library");
  free_other(network);
  expect(dlclose(library) == 0, path);
}

int main(int argc, char **argv) {
  omp_set_num_threads(3); /* which is this thread's alone */
  incept_network *networks[3] = {load(argv[1]), load(argv[2]), load(argv[2])};
  shape = incept_shape_of(networks[0]);
  size_t values = (size_t)(IMAGES * shape.channels * shape.height * shape.width);
  images = malloc(values * sizeof *images);
  FILE *file = fopen(argv[3], "rb");
  expect(file && fread(images, sizeof *images, values, file) == values, argv[3]);
  fclose(file);
  float *first = scores_of(networks[0]), *second = scores_of(networks[1]);

  struct caller callers[] = {{networks[0], first}, {networks[0], first}, {networks[1], second}, {networks[2], second}};
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i)
    expect(pthread_create(&threads[i], NULL, call, &callers[i]) == 0, "no thread");
  for (int i = 0; i < 4; ++i) {
    void *wrong = NULL;
    pthread_join(threads[i], &wrong);
    expect(!wrong, wrong);
  }
  expect(omp_get_max_threads() == 3, "other settings of OpenMP");
  check_fork(networks[0], first);
  if (argc > 6)
    check_other(argv[5], argv[6]);
  expect(incept_run(networks[0], 0, images, first, error, sizeof error) == INCEPT_OK, "no images");
  file = fopen(argv[4], "wb");
  size_t count = (size_t)(IMAGES * shape.classes);
  expect(file && fwrite(first, sizeof *first, count, file) == count &&
             fwrite(second, sizeof *first, count, file) == count,
         argv[4]);
  fclose(file);

  incept_network *none = networks[0];
  refuse(incept_load("missing", 0, 0, &none, error, sizeof error), INCEPT_INPUT, "cannot read 'missing'");
  expect(!none, "a network after an error");
  refuse(incept_load(NULL, 0, 0, &none, error, sizeof error), INCEPT_USAGE, "expected a file of weights");
  refuse(incept_load(argv[1], 0, 0, NULL, error, sizeof error), INCEPT_USAGE, "expected a place");
  refuse(incept_load(argv[1], 2, 0, &none, error, sizeof error), INCEPT_USAGE, "expected flags");
  refuse(incept_load(argv[1], 0, -1, &none, error, sizeof error), INCEPT_USAGE, "expected a device");
  refuse(incept_load(argv[1], INCEPT_AVERAGED, 0, &none, error, sizeof error), INCEPT_INPUT, "'");
  refuse(incept_run(networks[0], 1, NULL, first, error, sizeof error), INCEPT_USAGE, "expected a network, images");
  refuse(incept_run(networks[0], -1, images, first, error, sizeof error), INCEPT_USAGE, "expected a count");
  expect(!incept_class_name(networks[0], 0) && !incept_class_name(networks[0], -1), "a name that nobody gave");
  char small[8];
  expect(incept_run(networks[0], -1, images, first, small, sizeof small) == INCEPT_USAGE && !strcmp(small, "expecte"),
         "a sentence that is cut");
  for (int i = 0; i < 3; ++i)
    incept_free(networks[i]);
  incept_free(NULL);
  puts("all is well");
  return 0;
}
