// SPDX-License-Identifier: Apache-2.0
//
// Whether slices touch, compared with the bytes that they are, one by one.

#include "dialect/ExecMemory.h"
#include "mlir/IR/BuiltinOps.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

using namespace mlir;

namespace incept::test {

namespace {

/// A tensor of C of the `pixel` channels of an N x C x H x W one.
struct Slice {
  int64_t n, c, h, w, pixel, offset;

  MemRefType type(MLIRContext &context) const {
    auto layout = StridedLayoutAttr::get(&context, 0, {h * w * pixel, 1, w * pixel, pixel});
    return MemRefType::get({n, c, h, w}, Float32Type::get(&context), layout);
  }

  std::set<int64_t> bytes() const {
    std::set<int64_t> result;
    for (int64_t row = 0; row < n * h * w; ++row)
      for (int64_t byte = 0; byte < c * 4; ++byte)
        result.insert(offset + row * pixel * 4 + byte);
    return result;
  }
};

class ExecMemory : public testing::Test {
protected:
  ExecMemory() {
    context.loadDialect<InceptDialect>();
    module = ModuleOp::create(UnknownLoc::get(&context));
  }

  bool touch(const Slice &a, const Slice &b) {
    OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
    auto slice = [&](const Slice &s) {
      return exec::SliceOp::create(builder, builder.getUnknownLoc(), s.type(context), "arena", s.offset);
    };
    auto first = slice(a), second = slice(b);
    EXPECT_EQ(exec::mayTouch(first, second), exec::mayTouch(second, first));
    return exec::mayTouch(first, second);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

bool haveCommonByte(const Slice &a, const Slice &b) {
  std::set<int64_t> bytes = a.bytes(), others = b.bytes();
  return llvm::any_of(bytes, [&](int64_t byte) { return others.count(byte); });
}

} // namespace

TEST_F(ExecMemory, FootprintsAreTheBytesOfAllElements) {
  std::string why;
  for (const Slice &s :
       {Slice{2, 3, 4, 5, 8, 0}, Slice{2, 8, 4, 5, 8, 0}, Slice{1, 3, 1, 1, 8, 0}, Slice{1, 1, 3, 1, 1, 0}}) {
    auto footprint = exec::footprintOf(s.type(context), why);
    ASSERT_TRUE(succeeded(footprint)) << why;
    std::set<int64_t> bytes = s.bytes();
    EXPECT_EQ(footprint->bytes(), *bytes.rbegin() + 1);
    EXPECT_EQ(footprint->rows * footprint->rowBytes, int64_t(bytes.size()));
  }
}

// Of one buffer it is known exactly: channel slices next to each other do not touch.
TEST_F(ExecMemory, SlicesOfOneBufferTouchWhereTheirChannelsDo) {
  for (int64_t first = 0; first < 8; ++first)
    for (int64_t second = 0; second < 8; ++second)
      for (int64_t channels = 1; channels <= 8 - second; ++channels) {
        Slice a{2, std::min<int64_t>(3, 8 - first), 3, 2, 8, first * 4}, b{2, channels, 3, 2, 8, second * 4};
        EXPECT_EQ(touch(a, b), haveCommonByte(a, b)) << first << " " << second << " " << channels;
      }
}

// What launches are called together: the names that all of their paths begin with, else the first one's path.
TEST_F(ExecMemory, CommonPaths) {
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  auto pathOf = [&](std::initializer_list<const char *> paths) {
    SmallVector<Operation *> launches;
    for (const char *path : paths) {
      launches.push_back(exec::SliceOp::create(builder, builder.getUnknownLoc(),
                                               MemRefType::get({1}, builder.getI8Type()), "arena", 0));
      setPath(launches.back(), path);
    }
    return exec::pathOf(launches).str();
  };
  EXPECT_EQ(pathOf({"a.b.c"}), "a.b.c");
  EXPECT_EQ(pathOf({"a.b.c", "a.b.d"}), "a.b");
  EXPECT_EQ(pathOf({"a.b.c", "a.bc.d"}), "a");
  EXPECT_EQ(pathOf({"a.b", "a.b"}), "a.b");
  EXPECT_EQ(pathOf({"a.b", "a.b.c"}), "a.b");
  EXPECT_EQ(pathOf({"a.b.c", "a.b"}), "a.b");
  EXPECT_EQ(pathOf({"a.bc", "a.b"}), "a");
  EXPECT_EQ(pathOf({"ab.c", "ac.c"}), "ab.c");
  EXPECT_EQ(pathOf({"a", "b"}), "a");
  EXPECT_EQ(pathOf({"a.b.c", "a.b.d", "a.e"}), "a");
  EXPECT_EQ(pathOf({"a.b", "", "a.b"}), "a.b");
  EXPECT_EQ(pathOf({"", "a.b"}), "");
}

// Bytes, one by one, and what has none.
TEST_F(ExecMemory, BytesAndNothing) {
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  auto slice = [&](int64_t size, int64_t offset, StringRef region) {
    MemRefType type = MemRefType::get({size}, builder.getIntegerType(8));
    return exec::SliceOp::create(builder, builder.getUnknownLoc(), type, region, offset);
  };
  for (int64_t size = 0; size <= 3; ++size)
    for (int64_t offset = 0; offset <= 6; ++offset) {
      auto fixed = slice(2, 3, "arena"), other = slice(size, offset, "arena");
      bool isCommon = size > 0 && offset < 5 && offset + size > 3;
      EXPECT_EQ(exec::mayTouch(fixed, other), isCommon) << size << " " << offset;
      EXPECT_EQ(exec::mayTouch(other, fixed), isCommon) << size << " " << offset;
      EXPECT_FALSE(exec::mayTouch(fixed, slice(size, offset, "variables")));
    }
}

// Otherwise it may err on one side only.
TEST_F(ExecMemory, NoCommonByteIsMissed) {
  std::mt19937 random(3);
  auto draw = [&](int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(random); };
  int apart = 0;
  for (int i = 0; i < 3000; ++i) {
    auto drawSlice = [&] {
      int64_t channels = draw(1, 4);
      return Slice{draw(1, 2), channels, draw(1, 3), draw(1, 3), channels + draw(0, 4), draw(0, 60) * 4};
    };
    Slice a = drawSlice(), b = drawSlice();
    bool common = haveCommonByte(a, b);
    apart += !common;
    if (common) {
      EXPECT_TRUE(touch(a, b)) << i;
    }
  }
  EXPECT_GT(apart, 100);
}

} // namespace incept::test
