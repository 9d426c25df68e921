// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/Svg.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

namespace incept {

std::string formatCount(int64_t number) { return llvm::formatv("{0:N}", number).str(); }

std::string formatPlural(size_t number, const char *what, const char *ending) {
  return formatCount(int64_t(number)) + " " + what + (number == 1 ? "" : ending);
}

std::string formatBytes(double bytes, double scale) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (scale < 1e4)
    os << llvm::format("%.0f B", bytes);
  else if (scale < 1e6)
    os << llvm::format("%.1f kB", bytes * 1e-3);
  else if (scale < 1e9)
    os << llvm::format(scale < 1e7 ? "%.2f MB" : "%.1f MB", bytes * 1e-6);
  else
    os << llvm::format(scale < 1e10 ? "%.2f GB" : "%.1f GB", bytes * 1e-9);
  return text;
}

std::string escapeHtml(llvm::StringRef text) {
  std::string escaped;
  for (char c : text)
    escaped += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : std::string(1, c);
  return escaped;
}

/// Two digits behind the point, none where they are zeros.
static std::string number(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.2f", value);
  while (text.back() == '0')
    text.pop_back();
  if (text.back() == '.')
    text.pop_back();
  return text;
}

void Svg::rect(double x, double y, double w, double h, llvm::StringRef fill, llvm::StringRef title,
               llvm::ArrayRef<std::pair<const char *, int64_t>> data) {
  body += "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(std::max(w, 0.4)) + "\" height=\"" +
          number(std::max(h, 0.4)) + "\" fill=\"" + fill.str() + "\"";
  for (auto [name, value] : data)
    body += std::string(" data-") + name + "=\"" + std::to_string(value) + "\"";
  body += title.empty() ? "/>\n" : "><title>" + escapeHtml(title) + "</title></rect>\n";
  extend(y + h);
}

void Svg::text(double x, double y, llvm::StringRef text, llvm::StringRef anchor, int size) {
  body += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" font-size=\"" + std::to_string(size) +
          (anchor == "start" ? "" : "\" text-anchor=\"" + anchor.str()) + "\">" + escapeHtml(text) + "</text>\n";
  extend(y);
}

void Svg::line(double x1, double y1, double x2, double y2) {
  body += "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) +
          "\" stroke=\"#888888\"/>\n";
}

void Svg::openGroup(llvm::StringRef id) { body += "<g id=\"" + escapeHtml(id) + "\">\n"; }
void Svg::closeGroup() { body += "</g>\n"; }

std::string Svg::svg() const {
  std::string size = number(width) + " " + number(height + 10);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size +
         "\" font-family=\"sans-serif\">\n"
         "<style>rect:hover { stroke: #000000; stroke-width: 2 } text { fill: #333333 }</style>\n"
         "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\" pointer-events=\"none\"/>\n" +
         body + "</svg>\n";
}

std::string Svg::html(llvm::StringRef title, llvm::StringRef more) const {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>" + escapeHtml(title) +
         "</title>\n<body style=\"margin: 1em\">\n" + svg() + more.str() + "</body>\n</html>\n";
}

std::string BlockColours::of(llvm::StringRef path) {
  llvm::StringRef block = path.split('.').first;
  auto [found, inserted] = numbers.try_emplace(block, used.size());
  if (inserted) {
    // Hues that are far apart, by the golden angle; two brightnesses.
    double hue = std::fmod(137.508 * double(used.size()), 360);
    used.push_back({block.str(), "hsl(" + number(std::round(hue)) + ",60%," + (used.size() % 2 ? "72%" : "58%") + ")"});
  }
  return used[found->second].second;
}

} // namespace incept
