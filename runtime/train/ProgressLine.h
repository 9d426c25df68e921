// SPDX-License-Identifier: Apache-2.0
//
// How far a training is, on the standard error.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <unistd.h>

namespace incept {

/// One line that is rewritten on a terminal, and written now and then elsewhere.
class ProgressLine {
public:
  ProgressLine(int64_t first, int64_t last) : first(first), last(last), terminal(::isatty(2)) {}

  /// `waited` is how many seconds input has been waited for so far: said where it is more than a fiftieth of the time.
  void show(int64_t step, double loss, double accuracy, int64_t batch, double waited) {
    auto now = Clock::now();
    double sinceShown = seconds(shown, now);
    bool isLast = step == last;
    if (!isLast && sinceShown < (terminal ? 0.1 : 10))
      return;
    double share = (waited - waitedBefore) / std::max(std::min(sinceShown, seconds(start, now)), 1e-9);
    char input[64] = "";
    if (share > 0.02 && waited - waitedBefore > 0.05)
      std::snprintf(input, sizeof input, "  waits for input %.0f %%", 100 * std::min(share, 1.0));
    waitedBefore = waited;
    shown = now;
    double elapsed = std::max(seconds(start, now), 1e-9), done = static_cast<double>(step - first);
    int left = static_cast<int>(std::min(elapsed / std::max(done, 1.0) * static_cast<double>(last - step), 1e9));
    std::string bar(24, '.');
    std::fill_n(bar.begin(), 24 * (static_cast<double>(step) / static_cast<double>(std::max<int64_t>(last, 1))), '#');
    std::fprintf(stderr, "%s[%s] step %lld/%lld  loss %.4f  accuracy %.1f %%  %.0f images/s  %d:%02d left%s%s",
                 terminal ? "\r" : "", bar.c_str(), static_cast<long long>(step), static_cast<long long>(last), loss,
                 100 * accuracy, done * static_cast<double>(batch) / elapsed, left / 60, left % 60, input,
                 terminal ? "\033[K" : "\n");
    if (isLast && terminal)
      std::fputc('\n', stderr);
  }

  /// Ends the line before other output.
  void breakLine() {
    if (terminal)
      std::fputc('\n', stderr);
  }

private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }
  int64_t first, last;
  double waitedBefore = 0;
  bool terminal;
  Clock::time_point start = Clock::now(), shown = start - std::chrono::hours(1);
};

} // namespace incept
