#include "server/base/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <csignal>
#include <string>
#include <thread>
#include <utility>

namespace hongyan::base {
namespace {

class OutputTest : public ::testing::Test {
 protected:
  OutputTest() {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    EXPECT_GE(fcntl(writing(), F_SETPIPE_SZ, PIPE_BUF), 0);
  }
  ~OutputTest() override {
    close(ends_[0]);
    close(ends_[1]);
  }
  int writing() const { return ends_[1]; }
  void CloseReader() { close(std::exchange(ends_[0], -1)); }
  // The next bytes, `count` of them.
  std::string Read(std::size_t count) {
    std::string bytes(count, '\0');
    std::size_t done = 0;
    while (done < count) {
      const ssize_t n = read(ends_[0], &bytes[done], count - done);
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    return bytes.substr(0, done);
  }

  int ends_[2] = {-1, -1};
};

TEST_F(OutputTest, A08_NobodyReadsAndTheWriteEnds) {
  const std::string text(3 * PIPE_BUF, 'x');
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(WriteWithin(writing(), text, absl::Milliseconds(50)), std::size_t{PIPE_BUF});
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(50));
  EXPECT_EQ(WriteWithin(writing(), text, absl::ZeroDuration()), 0u);
  EXPECT_EQ(fcntl(writing(), F_GETFL) & O_NONBLOCK, 0) << "others share it";
}

TEST_F(OutputTest, WhatIsReadSlowlyArrivesWhole) {
  std::string text;
  for (int i = 0; i < 10000; ++i) text += std::to_string(i) + "\n";
  std::string received;
  std::thread reader([&] { received = Read(text.size()); });
  EXPECT_EQ(WriteWithin(writing(), text, absl::InfiniteDuration()), text.size());
  reader.join();
  EXPECT_EQ(received, text);
}

TEST_F(OutputTest, ADescriptorThatDoesNotBlockIsWaitedFor) {
  ASSERT_EQ(fcntl(writing(), F_SETFL, O_NONBLOCK), 0);
  const std::string text(20 * PIPE_BUF, 'x');
  std::string received;
  std::thread reader([&] { received = Read(text.size()); });
  EXPECT_EQ(WriteWithin(writing(), text, absl::InfiniteDuration()), text.size());
  reader.join();
  EXPECT_EQ(received, text);
}

TEST_F(OutputTest, WithoutAReaderItEndsAtOnce) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  CloseReader();
  EXPECT_EQ(WriteWithin(writing(), "x", absl::InfiniteDuration()), 0u);
  EXPECT_EQ(WriteWithin(-1, "x", absl::ZeroDuration()), 0u);
  std::signal(SIGPIPE, before);
}

}  // namespace
}  // namespace hongyan::base
