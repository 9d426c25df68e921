// SPDX-License-Identifier: Apache-2.0
//
// Sizes of windows, compared with counting the places where a window fits; and the limits of what has a size at all.

#include "dialect/ShapeInference.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace incept;

namespace {

constexpr int64_t kDynamic = ShapedType::kDynamic, kLimit = int64_t(1) << 31;

class ShapeInference : public testing::Test {
protected:
  /// The shape as text, or the message.
  std::string give(llvm::function_ref<FailureOr<Shape>(EmitError)> rule) {
    std::string message;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
    auto shape = rule([&] { return emitError(UnknownLoc::get(&context)); });
    EXPECT_EQ(failed(shape), !message.empty());
    return succeeded(shape) ? formatShape(*shape) : message;
  }
  std::string axis(int64_t size, const Window &window, int which) {
    return give([&](EmitError error) -> FailureOr<Shape> {
      auto length = inferWindowAxis(error, size, window, which);
      if (failed(length))
        return failure();
      return Shape{*length};
    });
  }

  MLIRContext context;
};

/// The same in both directions.
Window square(int64_t kernel, int64_t stride, int64_t begin, int64_t end, int64_t dilation) {
  Window window;
  for (int axis : {0, 1}) {
    window.kernel[axis] = kernel, window.stride[axis] = stride, window.dilation[axis] = dilation;
    window.padBegin[axis] = begin, window.padEnd[axis] = end;
  }
  return window;
}

/// How many windows begin at 0, stride, ... and end inside of `padded` pixels.
int64_t places(int64_t padded, int64_t kernel, int64_t stride, int64_t dilation) {
  int64_t count = 0;
  while (count * stride + (kernel - 1) * dilation < padded)
    ++count;
  return count;
}

/// Calls `body` for small windows and sizes, padding in front and behind included.
template <typename Body>
void forEachWindow(Body body) {
  for (int64_t kernel = 1; kernel <= 4; ++kernel)
    for (int64_t stride = 1; stride <= 4; ++stride)
      for (int64_t dilation = 1; dilation <= 3; ++dilation)
        for (int64_t begin = 0; begin <= 2; ++begin)
          for (int64_t end = 0; end <= 2; ++end)
            for (int64_t size = 1; size <= 9; ++size)
              body(square(kernel, stride, begin, end, dilation), size);
}

} // namespace

TEST_F(ShapeInference, WindowsAreCounted) {
  forEachWindow([&](const Window &w, int64_t size) {
    int64_t extent = (w.kernel[0] - 1) * w.dilation[0] + 1, pads = w.padBegin[0] + w.padEnd[0];
    int64_t expected = places(size + pads, w.kernel[0], w.stride[0], w.dilation[0]);
    for (int which : {0, 1})
      EXPECT_EQ(axis(size, w, which), expected ? std::to_string(expected)
                                               : "expected the " + std::string(which ? "horizontal" : "vertical") +
                                                     " window of " + std::to_string(extent) +
                                                     " to fit the image, but it has " + std::to_string(size) +
                                                     " with " + std::to_string(pads) + " of padding");
  });
}

// `same`: as many places as the stride leaves pixels, of the padding the odd pixel behind.
TEST_F(ShapeInference, SamePadding) {
  forEachWindow([&](Window w, int64_t height) {
    int64_t width = 10 - height;
    setSamePadding(w, height, width);
    for (int which : {0, 1}) {
      int64_t size = which ? width : height, begin = w.padBegin[which], end = w.padEnd[which];
      int64_t places = (size + w.stride[which] - 1) / w.stride[which];
      EXPECT_EQ(axis(size, w, which), std::to_string(places));
      EXPECT_TRUE(end == begin || end == begin + 1);
      // None more than it takes: with a pixel less there is a place less, or there is none to take.
      Window less = w;
      less.padEnd[which] -= end > begin;
      less.padBegin[which] -= end == begin && begin > 0;
      if (begin + end > 0) {
        EXPECT_NE(axis(size, less, which), std::to_string(places));
      }
    }
  });
}

// Ceil mode is PyTorch's: a window may end behind the padding, but not begin behind the image.
TEST_F(ShapeInference, CeilMode) {
  forEachWindow([&](Window w, int64_t height) {
    int64_t sizes[] = {height, 10 - height};
    Window given = w;
    setCeilMode(w, sizes[0], sizes[1]);
    for (int which : {0, 1}) {
      int64_t padded = sizes[which] + given.padBegin[which] + given.padEnd[which], stride = given.stride[which];
      int64_t extent = (given.kernel[which] - 1) * given.dilation[which] + 1;
      EXPECT_EQ(w.padBegin[which], given.padBegin[which]);
      if (padded < extent) {
        EXPECT_EQ(w.padEnd[which], given.padEnd[which]);
        continue;
      }
      if (given.padEnd[which] >= extent) // there, a window may lie behind the image with or without it
        continue;
      int64_t count = 1;
      while (count * stride < padded - extent + stride && count * stride < sizes[which] + given.padBegin[which])
        ++count;
      EXPECT_EQ(axis(sizes[which], w, which), std::to_string(count));
      EXPECT_EQ(w.padEnd[which],
                std::max(given.padEnd[which], (count - 1) * stride + extent - sizes[which] - given.padBegin[which]));
    }
  });
}

// A transposed convolution gives the size whose convolution has its operand's; without padding given, stride times as
// large.
TEST_F(ShapeInference, Transposed) {
  forEachWindow([&](const Window &w, int64_t size) {
    for (int64_t more = 0; more <= w.stride[0]; ++more) {
      int64_t output[] = {more, 0}, weights[] = {6, 5, w.kernel[0], w.kernel[1]}, src[] = {2, 6, size, size};
      int64_t extent = (w.kernel[0] - 1) * w.dilation[0] + 1, pads = w.padBegin[0] + w.padEnd[0];
      int64_t height = (size - 1) * w.stride[0] + extent + more - pads, width = height - more;
      std::string text = give([&](EmitError error) { return inferConvTranspose(error, src, weights, w, output, 2); });
      if (more == w.stride[0]) {
        EXPECT_EQ(text, "expected vertical output padding smaller than the stride of " + std::to_string(w.stride[0]) +
                            ", but got " + std::to_string(more));
        continue;
      }
      if (width < 1) {
        bool isVertical = height < 1;
        EXPECT_EQ(text, std::string("expected a ") + (isVertical ? "vertical" : "horizontal") +
                            " size of 1 to 2^31 - 1, but got (" + std::to_string(size) + " - 1) * " +
                            std::to_string(w.stride[0]) + " + window " + std::to_string(extent) + " + output padding " +
                            std::to_string(isVertical ? more : 0) + " - padding " + std::to_string(pads) + " = " +
                            std::to_string(isVertical ? height : width));
        continue;
      }
      EXPECT_EQ(text, "2x10x" + std::to_string(height) + "x" + std::to_string(width));
      EXPECT_EQ(axis(height, w, 0), std::to_string(size));
    }
    Window own = w;
    int64_t output[2], weights[] = {6, 5, w.kernel[0], w.kernel[1]}, src[] = {2, 6, size, size};
    setTransposedPadding(own, output);
    std::string large = std::to_string(size * w.stride[0]);
    EXPECT_EQ(give([&](EmitError error) { return inferConvTranspose(error, src, weights, own, output, 2); }),
              "2x10x" + large + "x" + large);
    EXPECT_TRUE(own.padEnd[0] == own.padBegin[0] || own.padEnd[0] == own.padBegin[0] + 1);
    EXPECT_TRUE(own.padEnd[0] == 0 || output[0] == 0);
  });
}

TEST_F(ShapeInference, LimitsOfWindows) {
  Window w = square(1, 1, 0, 0, 1);
  EXPECT_EQ(axis(kLimit - 1, w, 0), "2147483647");
  EXPECT_EQ(axis(kLimit, w, 0), "expected an image below 2^31 pixels in each direction, but got 2147483648");
  for (auto [values, name] :
       {std::pair(&Window::kernel, "kernel"), {&Window::stride, "stride"}, {&Window::dilation, "dilation"}})
    for (int which : {0, 1}) {
      std::string text =
          std::string("expected a positive ") + (which ? "horizontal " : "vertical ") + name + " below 2^31, but got ";
      for (int64_t value : {int64_t(0), int64_t(-1), kLimit}) {
        Window wrong = w;
        (wrong.*values)[which] = value;
        EXPECT_EQ(axis(9, wrong, which), text + std::to_string(value));
        EXPECT_EQ(axis(9, wrong, 1 - which), "9");
      }
      Window largest = w;
      (largest.*values)[which] = kLimit - 1;
      EXPECT_EQ(axis(kLimit - 1, largest, which), std::string(name) == "dilation" ? "2147483647" : "1");
    }
  for (auto values : {&Window::padBegin, &Window::padEnd}) {
    for (int64_t value : {int64_t(-1), kLimit}) {
      Window wrong = w;
      (wrong.*values)[1] = value;
      EXPECT_EQ(axis(9, wrong, 1),
                "expected horizontal padding of at least 0 and below 2^31, but got " + std::to_string(value));
    }
    Window largest = w;
    (largest.*values)[1] = kLimit - 1;
    EXPECT_EQ(axis(9, largest, 1), std::to_string(kLimit + 8));
  }
  // What is not known gives what is not known, but the rest is checked.
  EXPECT_EQ(axis(kDynamic, w, 0), "?");
  w.kernel[0] = kDynamic;
  EXPECT_EQ(axis(9, w, 0), "?");
  w.stride[0] = 0;
  EXPECT_EQ(axis(9, w, 0), "expected a positive vertical stride below 2^31, but got 0");
}

TEST_F(ShapeInference, Convolutions) {
  auto conv = [&](llvm::ArrayRef<int64_t> src, llvm::ArrayRef<int64_t> weights, int64_t groups) {
    return give([&](EmitError error) { return inferConv2D(error, src, weights, square(9, 2, 1, 0, 1), groups); });
  };
  EXPECT_EQ(conv({2, 6, 8, 9}, {4, 6, 3, 2}, 1), "2x4x4x5"); // the weights' window counts
  EXPECT_EQ(conv({2, 6, 8, 9}, {4, 3, 3, 2}, 2), "2x4x4x5");
  EXPECT_EQ(conv({2, 6, 8, 9}, {4, 3, 3, 2}, 1), "expected weights with 6 / 1 input channels, but got 3");
  EXPECT_EQ(conv({2, 6, 8, 9}, {4, 2, 3, 2}, 3), "expected output channels divisible by 3 groups, but got 4");
  EXPECT_EQ(conv({2, 6, 8, 9}, {4, 6, 3, 2}, 0), "expected a positive number of groups, but got 0");
  EXPECT_EQ(conv({2, 6, 8, 9}, {4, 6, 3, 2}, kLimit), "expected a positive number of groups, but got 2147483648");
  EXPECT_EQ(conv({2, 6, 8}, {4, 6, 3, 2}, 1), "expected src and weights of rank 4, but got 2x6x8 and 4x6x3x2");
  EXPECT_EQ(conv({2, 6, 8, 9}, {4, 6}, 1), "expected src and weights of rank 4, but got 2x6x8x9 and 4x6");
  EXPECT_EQ(conv({kDynamic, kDynamic, 8, kDynamic}, {kDynamic, kDynamic, 3, 2}, 7), "?x?x4x?");
  EXPECT_EQ(conv({1, 6, 1, 9}, {4, 6, 3, 2}, 1),
            "expected the vertical window of 3 to fit the image, but it has 1 with 1 of padding");
  EXPECT_EQ(conv({1, 6, 8, 1}, {4, 6, 3, 3}, 1),
            "expected the horizontal window of 3 to fit the image, but it has 1 with 1 of padding");
}

TEST_F(ShapeInference, TransposedConvolutions) {
  Window w = square(1, 1, 0, 0, 1);
  int64_t none[] = {0, 0};
  auto transpose = [&](llvm::ArrayRef<int64_t> src, llvm::ArrayRef<int64_t> weights, int64_t groups) {
    return give([&](EmitError error) { return inferConvTranspose(error, src, weights, w, none, groups); });
  };
  std::string wrong = "expected weights for each of the 6 channels of src, which ";
  EXPECT_EQ(transpose({2, 6, 3, 4}, {6, 5, 2, 3}, 1), "2x5x4x6");
  EXPECT_EQ(transpose({2, 6, 3, 4}, {6, 5, 2, 3}, 3), "2x15x4x6");
  EXPECT_EQ(transpose({2, 6, 3, 4}, {6, 5, 2, 3}, 4), wrong + "4 groups divide, but got 6");
  EXPECT_EQ(transpose({2, 6, 3, 4}, {6, 5, 2, 3}, 0), wrong + "0 groups divide, but got 6");
  EXPECT_EQ(transpose({2, 6, 3, 4}, {5, 5, 2, 3}, 1), wrong + "1 groups divide, but got 5");
  // 2^31 channels are too many: 3 * 715827882 is 2 below it, 3 * 715827883 is 1 above.
  EXPECT_EQ(transpose({2, 6, 1, 1}, {6, 715827882, 1, 1}, 3), "2x2147483646x1x1");
  EXPECT_EQ(transpose({2, 6, 1, 1}, {6, 715827883, 1, 1}, 3), wrong + "3 groups divide, but got 6");
  EXPECT_EQ(transpose({2, 6, 1, 1}, {6, (kLimit >> 1) - 1, 1, 1}, 2), "2x2147483646x1x1");
  EXPECT_EQ(transpose({2, 6, 1, 1}, {6, kLimit >> 1, 1, 1}, 2), wrong + "2 groups divide, but got 6");
  EXPECT_EQ(transpose({2, 6, 1}, {6, 5, 2, 3}, 1), "expected src and weights of rank 4, but got 2x6x1 and 6x5x2x3");
  EXPECT_EQ(transpose({2, 6, 1, 1}, {6, 5, 2}, 1), "expected src and weights of rank 4, but got 2x6x1x1 and 6x5x2");
  std::string large = "image, window, stride, dilation and padding below 2^31";
  EXPECT_EQ(transpose({2, 6, kLimit - 1, 1}, {6, 5, 1, 1}, 1), "2x5x2147483647x1");
  EXPECT_EQ(transpose({2, 6, kLimit, 1}, {6, 5, 1, 1}, 1), "expected a vertical " + large);
  EXPECT_EQ(transpose({2, 6, 1, 1}, {6, 5, 1, kLimit - 1}, 1), "2x5x1x2147483647");
  EXPECT_EQ(transpose({2, 6, 1, 1}, {6, 5, 1, kLimit}, 1), "expected a horizontal " + large);
  EXPECT_EQ(transpose({2, 6, 1, 2}, {6, 5, 1, kLimit - 1}, 1),
            "expected a horizontal size of 1 to 2^31 - 1, but got (2 - 1) * 1 + window 2147483647 + output padding 0 - "
            "padding 0 "
            "= 2147483648");
  w.stride[0] = kLimit;
  EXPECT_EQ(transpose({2, 6, 1, 1}, {6, 5, 1, 1}, 1), "expected a vertical " + large);
  w.stride[0] = 1, w.dilation[1] = kLimit;
  EXPECT_EQ(transpose({2, 6, 1, 1}, {6, 5, 1, 1}, 1), "expected a horizontal " + large);
  w.dilation[1] = 1, w.padBegin[0] = w.padEnd[0] = kLimit;
  EXPECT_EQ(transpose({2, 6, 1, 1}, {6, 5, 1, 1}, 1), "expected a vertical " + large);
}

TEST_F(ShapeInference, Pools) {
  auto pool = [&](llvm::ArrayRef<int64_t> src, const Window &w) {
    return give([&](EmitError error) { return inferPool(error, src, w); });
  };
  EXPECT_EQ(pool({2, 3, 8, 9}, square(3, 2, 1, 0, 1)), "2x3x4x4");
  EXPECT_EQ(pool({2, 3, 8}, square(3, 2, 1, 0, 1)), "expected src of rank 4, but got 2x3x8");
  // Padding in front is smaller than the window; behind it ceil mode may add up to a stride less one.
  EXPECT_EQ(pool({2, 3, 8, 8}, square(3, 2, 2, 4, 1)), "2x3x6x6");
  EXPECT_EQ(pool({2, 3, 8, 8}, square(3, 2, 3, 0, 1)), "expected padding smaller than the window of 3, but got 3");
  EXPECT_EQ(pool({2, 3, 8, 8}, square(3, 2, 2, 5, 1)), "expected padding smaller than the window of 3, but got 5");
  EXPECT_EQ(pool({2, 3, 8, 8}, square(3, 2, 4, 5, 1)), "expected padding smaller than the window of 3, but got 5");
  EXPECT_EQ(pool({2, 3, 8, 1}, square(3, 1, 0, 0, 1)),
            "expected the horizontal window of 3 to fit the image, but it has 1 with 0 of padding");
}

TEST_F(ShapeInference, ConcatSliceLinear) {
  auto concat = [&](std::vector<Shape> shapes) {
    llvm::SmallVector<llvm::ArrayRef<int64_t>> all(shapes.begin(), shapes.end());
    return give([&](EmitError error) { return inferConcat(error, all); });
  };
  EXPECT_EQ(concat({}), "expected at least one operand");
  EXPECT_EQ(concat({{2, 3, 4, 5}}), "2x3x4x5");
  EXPECT_EQ(concat({{2, 3, 4, 5}, {2, 6, 4, 5}, {2, 1, 4, 5}}), "2x10x4x5");
  EXPECT_EQ(concat({{2, 3, 4, 5}, {2, kDynamic, 4, 5}, {2, 1, 4, 5}}), "2x?x4x5");
  EXPECT_EQ(concat({{2, 3, 4, 5}, {2, 6}}), "expected operands of rank 4, but got 2x6");
  for (int which : {0, 2, 3}) {
    Shape first{2, 3, 4, 5}, other{2, 6, 4, 5};
    other[which] = 9;
    EXPECT_EQ(concat({first, first, other}),
              "expected operands of equal batch, height and width, but got 2x3x4x5 and " + formatShape(other));
    other[which] = kDynamic;
    EXPECT_EQ(concat({first, first, other}), "2x12x4x5");
  }
  EXPECT_EQ(concat({{1, kLimit - 2, 1, 1}, {1, 1, 1, 1}}), "1x2147483647x1x1");
  EXPECT_EQ(concat({{1, kLimit - 1, 1, 1}, {1, 1, 1, 1}}), "expected fewer than 2^31 channels, but got 2147483648");

  auto slice = [&](llvm::ArrayRef<int64_t> src, int64_t offset, int64_t channels) {
    return give([&](EmitError error) { return inferSlice(error, src, offset, channels); });
  };
  for (int64_t offset = -1; offset <= 6; ++offset)
    for (int64_t channels = 0; channels <= 6; ++channels)
      EXPECT_EQ(slice({2, 5, 3, 4}, offset, channels), offset >= 0 && channels >= 1 && offset + channels <= 5
                                                           ? "2x" + std::to_string(channels) + "x3x4"
                                                           : "expected channels " + std::to_string(offset) + " to " +
                                                                 std::to_string(offset + channels) +
                                                                 " to lie inside 2x5x3x4");
  EXPECT_EQ(slice({2, kDynamic, 3, 4}, 7, 9), "2x9x3x4");
  EXPECT_EQ(slice({2, 5, 3, 4}, 7, kDynamic), "2x?x3x4");
  EXPECT_EQ(slice({2, 5}, 0, 5), "expected channels 0 to 5 to lie inside 2x5");

  auto linear = [&](llvm::ArrayRef<int64_t> src, llvm::ArrayRef<int64_t> weights) {
    return give([&](EmitError error) { return inferLinear(error, src, weights); });
  };
  std::string text = "expected weights with a column per column of src, but got src ";
  EXPECT_EQ(linear({2, 5}, {3, 5}), "2x3");
  EXPECT_EQ(linear({2, kDynamic}, {3, 5}), "2x3");
  EXPECT_EQ(linear({2, 4}, {3, 5}), text + "2x4 and weights 3x5");
  EXPECT_EQ(linear({2, 5, 1}, {3, 5}), text + "2x5x1 and weights 3x5");
  EXPECT_EQ(linear({2, 5}, {5}), text + "2x5 and weights 5");
}

TEST_F(ShapeInference, WindowsFromAttributes) {
  using Values = llvm::ArrayRef<int64_t>;
  auto make = [&](Values kernel, Values stride, Values begin, Values end, Values dilation) {
    return give([&](EmitError error) -> FailureOr<Shape> {
      auto w = makeWindow(error, kernel, stride, begin, end, dilation);
      if (failed(w))
        return failure();
      return Shape{w->kernel[0],   w->kernel[1], w->stride[0], w->stride[1],   w->padBegin[0],
                   w->padBegin[1], w->padEnd[0], w->padEnd[1], w->dilation[0], w->dilation[1]};
    });
  };
  EXPECT_EQ(make({1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}), "1x2x3x4x5x6x7x8x9x10");
  std::string text = "expected window attributes of 2 values (vertical, horizontal), but got ";
  EXPECT_EQ(make({1}, {3, 4}, {5, 6}, {7, 8}, {9, 10}), text + "1");
  EXPECT_EQ(make({1, 2}, {3, 4, 5}, {5, 6}, {7, 8}, {9, 10}), text + "3");
  EXPECT_EQ(make({1, 2}, {3, 4}, {}, {7, 8}, {9, 10}), text + "0");
  EXPECT_EQ(make({1, 2}, {3, 4}, {5, 6}, {7}, {9, 10}), text + "1");
  EXPECT_EQ(make({1, 2}, {3, 4}, {5, 6}, {7, 8}, {9}), text + "1");
}

TEST_F(ShapeInference, Counts) {
  EXPECT_EQ(formatShape({}), "scalar");
  EXPECT_EQ(formatShape({7}), "7");
  EXPECT_EQ(formatShape({2, kDynamic, 3}), "2x?x3");
  EXPECT_EQ(rowsOf({2, 3, 5, 7}), 2 * 5 * 7);
  EXPECT_EQ(rowsOf({2, 3}), 2);
  EXPECT_EQ(rowsOf({}), 1);
  EXPECT_EQ(*countElements({2, 3, 5}), 30);
  EXPECT_EQ(*countElements({}), 1);
  EXPECT_EQ(*countElements({0, 5}), 0);
  EXPECT_TRUE(failed(countElements({2, kDynamic})));
  EXPECT_EQ(*countElements({(int64_t(1) << 62) - 1}), (int64_t(1) << 62) - 1);
  EXPECT_TRUE(failed(countElements({int64_t(1) << 31, int64_t(1) << 31})));
  EXPECT_TRUE(failed(countElements({int64_t(1) << 33, int64_t(1) << 33})));
  // Weights by the pixels of the result: 4 * 3 * 2 * 5 of 7 x 11.
  EXPECT_EQ(*countMultiplyAccumulates({4, 3, 2, 5}, {9, 4, 7, 11}), 4 * 3 * 2 * 5 * 7 * 11);
  EXPECT_EQ(*countMultiplyAccumulates({4, 3}, {9, 4}), 12);
  EXPECT_TRUE(failed(countMultiplyAccumulates({int64_t(1) << 31, int64_t(1) << 31, 1, 1}, {1, 1, 2, 1})));
  EXPECT_EQ(*countMultiplyAccumulates({int64_t(1) << 31, int64_t(1) << 30, 1, 1}, {1, 1, 1, 3}),
            3 * (int64_t(1) << 61));
  EXPECT_TRUE(sameShape({2, 3}, {2, 3}));
  EXPECT_TRUE(sameShape({2, kDynamic}, {kDynamic, 3}));
  EXPECT_FALSE(sameShape({2, 3}, {2, 4}));
  EXPECT_FALSE(sameShape({2, 3}, {2}));
}
