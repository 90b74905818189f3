// What the probe makes of a port that answers, and of ports that don't.
#include "server/endpoints/grpc/self_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/async/event_loop.h"
#include "server/async/task_group.h"
#include "tests/support/run_until_done.h"
#include "tests/support/status_matchers.h"

namespace hongyan::endpoints {
namespace {

namespace asio = async::asio;
using asio::ip::tcp;
using ::testing::HasSubstr;

constexpr char kSettings[] = "\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x80";
constexpr char kSettingsAck[] = "\0\0\0\4\1\0\0\0\0";
const std::string& Greeting() {
  static const std::string kBytes = std::string(kSettings, sizeof(kSettings) - 1) +
                                    std::string(kSettingsAck, sizeof(kSettingsAck) - 1);
  return kBytes;
}

class SelfProbeTest : public ::testing::Test {
 protected:
  using Socket = asio::basic_stream_socket<tcp, async::Executor>;
  using Acceptor = asio::basic_socket_acceptor<tcp, async::Executor>;

  SelfProbeTest() {
    group_.Spawn(Serve(*this));
    address_ = absl::StrCat("127.0.0.1:", listener_.local_endpoint().port());
  }
  ~SelfProbeTest() override {
    probe_.Stop();
    listener_.close();
    support::RunUntilDone(loop_, group_.Drain(async::MonoTime::max()));
  }

  // Says `answer_` to each connection; without one it says nothing, or hangs up.
  static async::Task<void> Serve(SelfProbeTest& test) {
    while (true) {
      auto [error, socket] = co_await test.listener_.async_accept(asio::as_tuple(async::use_task));
      if (error) co_return;
      if (test.answer_.empty() && test.hangs_up_) continue;
      const asio::const_buffer answer = asio::buffer(test.answer_);
      co_await asio::async_write(socket, answer, asio::as_tuple(async::use_task));
      test.kept_.push_back(std::move(socket));
    }
  }
  void Begin(bool tls = false) { group_.Spawn(probe_.Run(address_, tls)); }
  void WaitForFailures(std::int64_t count) {
    while (probe_.counts().failed < count) loop_.context().run_one();
  }
  void WaitForAnswers(std::int64_t count) {
    while (probe_.counts().answered < count) loop_.context().run_one();
  }

  async::EventLoop loop_;
  async::SystemClock clock_{loop_};
  async::TaskGroup group_{loop_.executor(), clock_, 8};
  Acceptor listener_{loop_.executor(), tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::string address_;
  std::string answer_ = Greeting();
  bool hangs_up_ = false;
  std::list<Socket> kept_;
  std::vector<int> announced_;
  SelfProbe probe_{loop_.executor(),
                   clock_,
                   [this](std::uint16_t port) { announced_.push_back(port); },
                   {.interval = absl::Milliseconds(5),
                    .retry = absl::Milliseconds(5),
                    .limit = absl::Milliseconds(300),
                    .dead_after = absl::Milliseconds(1000)}};
};

TEST_F(SelfProbeTest, A03_PortThatAnswersIsReady) {
  Begin();
  EXPECT_TRUE(support::RunUntilDone(loop_, probe_.UntilAnswered()));
  WaitForAnswers(3);
  EXPECT_THAT(probe_.ready(), support::IsOk());
  EXPECT_THAT(probe_.alive(), support::IsOk());
  // Each connection was announced before it was made, and revoked after it.
  ASSERT_GE(announced_.size(), 6u);
  EXPECT_EQ(announced_[0], kept_.front().remote_endpoint().port());
  EXPECT_EQ(announced_[1], 0);
}

TEST_F(SelfProbeTest, A03_OneFailureChangesNothingTwoDoAndLongOnesMeanDeath) {
  Begin();
  WaitForAnswers(1);
  const async::MonoTime answered = clock_.Mono();
  answer_.clear();  // it takes connections and says nothing
  const std::int64_t before = probe_.counts().failed;
  WaitForFailures(before + 1);
  EXPECT_THAT(probe_.ready(), support::IsOk());
  WaitForFailures(before + 2);
  EXPECT_THAT(std::string(probe_.ready().message()),
              HasSubstr(absl::StrCat("the gRPC port ", address_, " does not answer: nothing")));
  while (probe_.alive().ok()) loop_.context().run_one();
  EXPECT_GE(probe_.counts().failed, before + 3);
  EXPECT_GE(async::Between(answered, clock_.Mono()), absl::Milliseconds(900));
  answer_ = Greeting();
  WaitForAnswers(probe_.counts().answered + 1);
  EXPECT_THAT(probe_.ready(), support::IsOk());
  EXPECT_THAT(probe_.alive(), support::IsOk());
}

TEST_F(SelfProbeTest, A03_FailuresInQuickSuccessionAreNoDeathYet) {
  Begin();
  WaitForAnswers(1);
  answer_.clear();
  hangs_up_ = true;
  const async::MonoTime hung_up = clock_.Mono();
  WaitForFailures(probe_.counts().failed + 4);
  EXPECT_THAT(std::string(probe_.ready().message()), HasSubstr("does not answer"));
  if (async::Between(hung_up, clock_.Mono()) < absl::Milliseconds(900)) {
    EXPECT_THAT(probe_.alive(), support::IsOk());
  }
}

TEST_F(SelfProbeTest, A03_BeforeTheFirstAnswerAFailureIsTold) {
  for (const auto& [answer, problem] :
       {std::pair(std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), "doesn't speak HTTP/2"),
        std::pair(std::string(kSettings, sizeof(kSettings) - 1), "nothing within")}) {
    answer_ = answer;
    SelfProbe probe(loop_.executor(), clock_, [](std::uint16_t) {},
                    {.retry = absl::Milliseconds(5), .limit = absl::Milliseconds(300)});
    group_.Spawn(probe.Run(address_, false));
    while (probe.counts().failed < 1) loop_.context().run_one();
    EXPECT_THAT(std::string(probe.ready().message()), HasSubstr(problem));
    probe.Stop();
    EXPECT_FALSE(support::RunUntilDone(loop_, probe.UntilAnswered()));
    while (group_.size() > 1) loop_.context().run_one();
  }
}

TEST_F(SelfProbeTest, A03_UnderTlsAnyAnswerWillDo) {
  answer_ = std::string("\x15\x03\x03\x00\x02\x02\x28", 7);  // an alert
  Begin(/*tls=*/true);
  EXPECT_TRUE(support::RunUntilDone(loop_, probe_.UntilAnswered()));
}

TEST_F(SelfProbeTest, A03_NobodyThere) {
  listener_.close();
  Begin();
  WaitForFailures(1);
  EXPECT_THAT(std::string(probe_.ready().message()), HasSubstr("refused"));
}

}  // namespace
}  // namespace hongyan::endpoints
