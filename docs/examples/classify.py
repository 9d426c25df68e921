# SPDX-License-Identifier: Apache-2.0
"""Classifies pictures with a network that is a shared library, by Python's own ctypes alone.

    incept compile specs/inception_v4.incept --mode=infer --batch-size=1 --emit=shared-library -o inception_v4.so
    python3 classify.py ./inception_v4.so weights.safetensors cat.jpg
"""
import ctypes
import math
import sys


class Shape(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("batch", "channels", "height", "width", "classes", "score_height",
                                                    "score_width")]


class Network:
    """One of the library's networks: `with Network(library, weights) as network:`."""

    def __init__(self, library, weights):
        self.library = ctypes.CDLL(library)
        self.library.incept_shape_of.restype = Shape
        self.library.incept_class_name.restype = ctypes.c_char_p
        self.handle = ctypes.c_void_p()
        self.call("incept_load", weights.encode(), 0, 0, ctypes.byref(self.handle))
        self.shape = self.library.incept_shape_of(self.handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.incept_free(self.handle)

    def call(self, function, *arguments):
        error = ctypes.create_string_buffer(1000)
        if getattr(self.library, function)(*arguments, error, ctypes.c_size_t(len(error))):
            raise RuntimeError(error.value.decode())

    def classify(self, picture):
        """(probability, class, name or None) of each class, the most probable first."""
        shape = self.shape
        if shape.score_height * shape.score_width != 1:
            raise RuntimeError("expected a network that gives a picture one class, but it scores "
                               f"{shape.score_height}x{shape.score_width} pixels")
        pixels = (ctypes.c_uint8 * (shape.height * shape.width * shape.channels))()
        self.call("incept_read_picture", self.handle, picture.encode(), pixels)
        scores = (ctypes.c_float * shape.classes)()
        self.call("incept_run_pixels", self.handle, ctypes.c_int64(1), pixels, scores)
        powers = [math.exp(score - max(scores)) for score in scores]
        names = [self.library.incept_class_name(self.handle, ctypes.c_int64(i)) for i in range(shape.classes)]
        return sorted(((power / sum(powers), i, names[i] and names[i].decode()) for i, power in enumerate(powers)),
                      key=lambda row: (-row[0], row[1]))


def main():
    library, weights, *pictures = sys.argv[1:]
    try:
        with Network(library, weights) as network:
            for picture in pictures:
                best = network.classify(picture)[:5]
                print(picture + ":", *(f"{name or index} ({100 * share:.1f} %)" for share, index, name in best))
    except (OSError, RuntimeError) as error:
        sys.exit(f"classify.py: error: {error}")


if __name__ == "__main__":
    main()
