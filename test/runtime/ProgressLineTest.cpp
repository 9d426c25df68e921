// SPDX-License-Identifier: Apache-2.0
//
// The line of a training, with times that the test takes itself around it.
#include "runtime/train/ProgressLine.h"

#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <thread>

using namespace incept;
using Clock = std::chrono::steady_clock;

namespace {

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// What stands in front of `what`: a number.
double numberBefore(const std::string &text, const std::string &what) {
  size_t end = text.find(what), begin = text.rfind(' ', end - 1);
  return end == std::string::npos ? -1 : std::atof(text.substr(begin + 1).c_str());
}

double secondsLeft(const std::string &text) {
  size_t colon = text.rfind(':', text.find(" left"));
  size_t begin = text.rfind(' ', colon);
  return 60 * std::atof(text.substr(begin + 1).c_str()) + std::atof(text.substr(colon + 1, 2).c_str());
}

/// Standard error is a terminal, whose other end is read.
class Terminal {
public:
  Terminal() : master(::posix_openpt(O_RDWR | O_NOCTTY)), kept(::dup(2)) {
    EXPECT_TRUE(master >= 0 && ::grantpt(master) == 0 && ::unlockpt(master) == 0);
    int terminal = ::open(::ptsname(master), O_RDWR | O_NOCTTY);
    EXPECT_GE(terminal, 0);
    ::dup2(terminal, 2);
    ::close(terminal);
  }
  std::string read() {
    std::fflush(stderr);
    char text[4096];
    pollfd ready = {master, POLLIN, 0};
    ssize_t size = ::poll(&ready, 1, 2000) == 1 ? ::read(master, text, sizeof text) : 0;
    return std::string(text, size > 0 ? size_t(size) : 0);
  }
  ~Terminal() {
    ::dup2(kept, 2);
    ::close(kept);
    ::close(master);
  }

private:
  int master, kept;
};

TEST(ProgressLine, Numbers) {
  auto before = Clock::now();
  ProgressLine line(1000, 4002); // resumed: two steps have been done of 3002
  auto after = Clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  double least = since(after);
  testing::internal::CaptureStderr();
  line.show(1002, 0.12345, 0.875, 48, 0);
  double most = since(before);
  line.show(1003, 7, 0, 48, 0); // within ten seconds
  std::string text = testing::internal::GetCapturedStderr();
  // 24 * 1002 / 4002 is 6.009.
  std::string head = "[######..................] step 1002/4002  loss 0.1235  accuracy 87.5 %  ";
  ASSERT_EQ(text.substr(0, head.size()), head);
  EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
  EXPECT_GE(numberBefore(text, " images/s"), 2 * 48 / most - 1);
  EXPECT_LE(numberBefore(text, " images/s"), 2 * 48 / least + 1);
  EXPECT_GE(secondsLeft(text), least / 2 * 3000 - 1);
  EXPECT_LE(secondsLeft(text), most / 2 * 3000 + 1);
  EXPECT_EQ(text.find("waits"), std::string::npos);
}

TEST(ProgressLine, Waits) {
  ProgressLine line(0, 2);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  testing::internal::CaptureStderr();
  line.show(2, 1, 1, 1, 60); // more than has passed
  std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("accuracy 100.0 %"), std::string::npos) << text;
  EXPECT_NE(text.find("0:00 left  waits for input 100 %\n"), std::string::npos) << text;
}

TEST(ProgressLine, RewritesOnATerminal) {
  Terminal terminal;
  ProgressLine line(0, 4);
  auto start = Clock::now();
  line.show(1, 1, 0, 1, 0);
  EXPECT_EQ(terminal.read().substr(0, 34), "\r[######..................] step 1");
  line.show(2, 1, 0, 1, 0);
  bool isSoon = since(start) < 0.1; // not on a machine with more to do
  line.breakLine();
  std::string second = terminal.read();
  if (isSoon) {
    EXPECT_EQ(second, "\r\n");
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(110));
  line.show(3, 1, 0, 1, 0);
  std::string text = terminal.read();
  EXPECT_EQ(text.substr(std::max<size_t>(text.size(), 8) - 8), " left\033[K") << text;
  line.show(4, 1, 0, 1, 0); // the last comes in any case, and ends the line
  text = terminal.read();
  EXPECT_EQ(text.substr(0, 34), "\r[########################] step 4");
  EXPECT_EQ(text.substr(std::max<size_t>(text.size(), 10) - 10), " left\033[K\r\n") << text;
}

} // namespace
