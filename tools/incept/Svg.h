// SPDX-License-Identifier: Apache-2.0
//
// Pictures of rectangles that say what they are where the mouse is: SVG, or a page of HTML around it, in one file.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

#include <string>
#include <utility>
#include <vector>

namespace incept {

/// "12,345".
std::string formatCount(int64_t number);
/// "3 launches", "1 launch".
std::string formatPlural(size_t number, const char *what, const char *ending);
/// Bytes in the unit that is right for `scale` bytes.
std::string formatBytes(double bytes, double scale);
/// Text with what HTML gives a meaning to written as entities.
std::string escapeHtml(llvm::StringRef text);

class Svg {
public:
  explicit Svg(double width) : width(width) {}

  /// A rectangle of at least a visible width. `title` is shown at the mouse; `data` are attributes by which programs
  /// read the picture.
  void rect(double x, double y, double w, double h, llvm::StringRef fill, llvm::StringRef title,
            llvm::ArrayRef<std::pair<const char *, int64_t>> data = {});
  /// `anchor` is start, middle or end.
  void text(double x, double y, llvm::StringRef text, llvm::StringRef anchor = "start", int size = 12);
  void line(double x1, double y1, double x2, double y2);
  void openGroup(llvm::StringRef id);
  void closeGroup();
  /// Room at the bottom: the picture ends at `y` or below.
  void extend(double y) { height = std::max(height, y); }

  std::string svg() const;
  /// A page with the picture, and `more` HTML below it.
  std::string html(llvm::StringRef title, llvm::StringRef more = "") const;

private:
  double width, height = 0;
  std::string body;
};

/// A colour for each block: by the first part of a path, in order of first use.
class BlockColours {
public:
  std::string of(llvm::StringRef path);
  /// "stem", ... with their colours, in order of first use.
  const std::vector<std::pair<std::string, std::string>> &all() const { return used; }

private:
  llvm::StringMap<size_t> numbers;
  std::vector<std::pair<std::string, std::string>> used;
};

} // namespace incept
