// CurlHttpClient against a peer of raw bytes on loopback: what really leaves, and what each way of
// dying means.
#include "server/http/curl_http_client.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "tests/support/fake_clock.h"
#include "tests/support/run_until_done.h"

namespace hongyan::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using async::Executor;
using async::MonoTime;
using async::Task;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using testing::HasSubstr;
using testing::Not;
using Kind = HttpFailure::Kind;

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"errcode\":0}";

// What the peer does with a request once it has read it whole.
struct Step {
  std::string answer;        // written as it is
  bool close = false;        // afterwards
  bool reset = false;        // instead of an orderly end
  bool read_request = true;  // false: answer or close before reading
  bool hang = false;         // never answer
  std::chrono::milliseconds after{0};
};

class Peer {
 public:
  explicit Peer(async::EventLoop& loop, const std::string& address = "127.0.0.1", int port = 0)
      : loop_(loop),
        acceptor_(loop.context(), tcp::endpoint(asio::ip::make_address(address),
                                                static_cast<asio::ip::port_type>(port))) {
    asio::co_spawn(loop_.executor(), AcceptAll(*this), [](std::exception_ptr) {});
  }
  ~Peer() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (auto& socket : open_) socket->close(ignored);
    loop_.context().poll();
  }

  void Then(Step step) { steps_.push_back(std::move(step)); }
  std::string Url(const std::string& path = "/", const std::string& host = "127.0.0.1") const {
    return absl::StrCat("http://", host, ":", port_, path);
  }
  int port() const { return port_; }
  // Ends every connection with a reset, whatever it is doing.
  void ResetAll() {
    boost::system::error_code ignored;
    for (auto& socket : open_) {
      if (!socket->is_open()) continue;
      socket->set_option(asio::socket_base::linger(true, 0));
      socket->close(ignored);
    }
    open_.clear();
  }
  // Further connections are refused.
  void StopListening() { acceptor_.close(); }
  const std::vector<std::string>& requests() const { return requests_; }
  int connections() const { return connections_; }

 private:
  static Task<void> AcceptAll(Peer& peer) {
    while (true) {
      auto [error, socket] = co_await peer.acceptor_.async_accept(asio::as_tuple(async::use_task));
      if (error) co_return;
      ++peer.connections_;
      auto shared = std::make_shared<Socket>(std::move(socket));
      peer.open_.push_back(shared);
      asio::co_spawn(peer.loop_.executor(), Serve(peer, shared), [](std::exception_ptr) {});
    }
  }

  static Task<void> Serve(Peer& peer, std::shared_ptr<Socket> socket) {
    std::string buffer;
    while (true) {
      if (!peer.steps_.empty() && !peer.steps_.front().read_request) {
        peer.steps_.pop_front();
        socket->close();
        co_return;
      }
      const auto [error, head] = co_await asio::async_read_until(
          *socket, asio::dynamic_buffer(buffer), "\r\n\r\n", asio::as_tuple(async::use_task));
      if (error) co_return;
      std::size_t length = 0;
      const std::size_t at = buffer.find("Content-Length: ");
      if (at < head) {
        std::ignore = absl::SimpleAtoi(
            absl::string_view(buffer).substr(at + 16, buffer.find("\r\n", at) - at - 16), &length);
      }
      while (buffer.size() < head + length) {
        const auto [e, n] =
            co_await asio::async_read(*socket, asio::dynamic_buffer(buffer),
                                      asio::transfer_at_least(1), asio::as_tuple(async::use_task));
        if (e) co_return;
      }
      peer.requests_.push_back(buffer.substr(0, head + length));
      buffer.erase(0, head + length);
      Step step{kOk};
      if (!peer.steps_.empty()) {
        step = std::move(peer.steps_.front());
        peer.steps_.pop_front();
      }
      if (step.hang) continue;
      if (step.after.count() > 0) {
        asio::basic_waitable_timer<std::chrono::steady_clock,
                                   asio::wait_traits<std::chrono::steady_clock>, Executor>
            timer(peer.loop_.executor(), step.after);
        co_await timer.async_wait(asio::as_tuple(async::use_task));
      }
      co_await asio::async_write(*socket, asio::buffer(step.answer),
                                 asio::as_tuple(async::use_task));
      if (step.reset) socket->set_option(asio::socket_base::linger(true, 0));
      if (step.close || step.reset) {
        socket->close();
        co_return;
      }
    }
  }

  async::EventLoop& loop_;
  Acceptor acceptor_;
  const int port_ = acceptor_.local_endpoint().port();
  std::deque<Step> steps_;
  std::vector<std::string> requests_;
  std::vector<std::shared_ptr<Socket>> open_;
  int connections_ = 0;
};

class CurlHttpClientTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { curl_global_init(CURL_GLOBAL_DEFAULT); }

  HttpRequest Post(std::string body = "{}") {
    HttpRequest request;
    request.method = HttpRequest::Method::kPost;
    request.url = peer_.Url("/send?access_token=t");
    request.body = std::move(body);
    request.deadline = clock_.Mono() + std::chrono::seconds(5);
    return request;
  }
  HttpRequest Get() {
    HttpRequest request = Post();
    request.method = HttpRequest::Method::kGet;
    request.body.clear();
    return request;
  }
  HttpResult Send(HttpRequest request) {
    return support::RunUntilDone(loop_, client_.Send(std::move(request)));
  }
  static std::string BodyOf(const HttpResult& result) {
    const auto* response = std::get_if<HttpResponse>(&result);
    if (response != nullptr) return response->body;
    const auto& failure = std::get<HttpFailure>(result);
    return absl::StrCat("no answer: ", failure.detail, failure.request_began ? ", begun" : "");
  }
  static HttpFailure FailureOf(const HttpResult& result) {
    const auto* failure = std::get_if<HttpFailure>(&result);
    EXPECT_NE(failure, nullptr) << "an answer came: " << BodyOf(result);
    return failure == nullptr ? HttpFailure{} : *failure;
  }

  async::EventLoop loop_;
  async::SystemClock clock_{loop_};
  // What the names of the test mean, and how often each was looked up.
  struct Names {
    std::mutex mutex;
    std::map<std::string, NameResolver::Addresses> known;
    std::map<std::string, int> asked;
  };
  void Means(const std::string& name, NameResolver::Addresses addresses) {
    const std::lock_guard lock(known_->mutex);
    known_->known[name] = std::move(addresses);
  }
  int Asked(const std::string& name) {
    const std::lock_guard lock(known_->mutex);
    return known_->asked[name];
  }
  HttpRequest PostTo(const std::string& host) {
    HttpRequest request = Post();
    request.url = peer_.Url("/send", host);
    return request;
  }

  std::shared_ptr<Names> known_ = std::make_shared<Names>();
  NameResolver names_{
      loop_, clock_,
      [known = known_](const std::string& name) -> absl::StatusOr<NameResolver::Addresses> {
        const std::lock_guard lock(known->mutex);
        ++known->asked[name];
        const auto found = known->known.find(name);
        if (found == known->known.end()) return absl::NotFoundError("no such name");
        return found->second;
      }};
  Peer peer_{loop_};
  CurlHttpClient client_{loop_, clock_, names_, {}};
};

TEST_F(CurlHttpClientTest, PostLeavesWithLengthAndWithoutExpect) {
  const std::string body(20000, 'x');  // libcurl would expect 100-continue here
  EXPECT_EQ(BodyOf(Send(Post(body))), "{\"errcode\":0}");
  ASSERT_EQ(peer_.requests().size(), 1u);
  const std::string& request = peer_.requests().front();
  EXPECT_TRUE(absl::StartsWith(request, "POST /send?access_token=t HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("Content-Length: 20000\r\n"));
  EXPECT_THAT(request, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(request, Not(HasSubstr("Expect")));
  EXPECT_THAT(request, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_THAT(request, Not(HasSubstr("Accept-Encoding")));
  EXPECT_TRUE(absl::EndsWith(request, body));
}

TEST_F(CurlHttpClientTest, ConnectionIsKeptForTheNextRequest) {
  Send(Post());
  Send(Get());
  Send(Post());
  EXPECT_EQ(peer_.requests().size(), 3u);
  EXPECT_EQ(peer_.connections(), 1);
}

TEST_F(CurlHttpClientTest, AnswerOfAnyStatusIsAValue) {
  peer_.Then({"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno"});
  const HttpResult result = Send(Post());
  ASSERT_TRUE(std::holds_alternative<HttpResponse>(result));
  EXPECT_EQ(std::get<HttpResponse>(result).status, 502);
}

TEST_F(CurlHttpClientTest, A14_RetryAfterIsReadInBothForms) {
  const auto asked = [this](const std::string& header) {
    peer_.Then({absl::StrCat("HTTP/1.1 429 Slow Down\r\n", header, "Content-Length: 2\r\n\r\nno")});
    const HttpResult result = Send(Post());
    return std::holds_alternative<HttpResponse>(result)
               ? std::get<HttpResponse>(result).retry_after.count()
               : -1;
  };
  const auto date = [](absl::Time when) {
    return absl::StrCat(
        "Retry-After: ", absl::FormatTime(absl::RFC1123_full, when, absl::UTCTimeZone()), "\r\n");
  };
  EXPECT_EQ(asked("Retry-After: 120\r\n"), 120);
  EXPECT_EQ(asked(""), 0) << "another answer's is not kept";
  EXPECT_EQ(asked("Retry-After: 0\r\n"), 0);
  const auto left = asked(date(clock_.Now() + absl::Minutes(10)));
  EXPECT_GT(left, 0);
  EXPECT_LE(left, 600);
  EXPECT_LT(asked(date(clock_.Now() - absl::Hours(1))), 0);
  EXPECT_EQ(asked("Retry-After: soon\r\n"), 0);
}

// The peer of a pooled connection reads the second request and closes. libcurl would send it once
// more on a new connection; the peer must get it once.
class DyingConnection : public CurlHttpClientTest, public testing::WithParamInterface<bool> {};

TEST_P(DyingConnection, U07_SecondPostOnADyingConnectionIsNotSentTwice) {
  Send(Post());
  Step die;
  (GetParam() ? die.reset : die.close) = true;
  peer_.Then(die);
  const HttpFailure failure = FailureOf(Send(Post("{\"n\":2}")));
  EXPECT_TRUE(failure.request_began);
  EXPECT_TRUE(failure.kind == Kind::kNotResent || failure.kind == Kind::kReceive ||
              failure.kind == Kind::kSend)
      << failure.detail;
  EXPECT_EQ(peer_.requests().size(), 2u);
  // And the next one is well again.
  EXPECT_EQ(BodyOf(Send(Post())), "{\"errcode\":0}");
  EXPECT_EQ(peer_.requests().size(), 3u);
}

INSTANTIATE_TEST_SUITE_P(FinAndRst, DyingConnection, testing::Bool(),
                         [](const auto& info) { return info.param ? "Rst" : "Fin"; });

TEST_P(DyingConnection, U07_AThousandPostsOverDyingConnectionsArriveOnceEach) {
  constexpr std::size_t kSends = 1000;
  const MonoTime begun = clock_.Mono();
  for (std::size_t i = 0; i < kSends; ++i) {
    Step step;
    if (i % 2 == 0) step.answer = kOk;
    if (i % 2 == 1) (GetParam() ? step.reset : step.close) = true;
    peer_.Then(step);
    const HttpResult result = Send(Post(absl::StrCat("{\"n\":", i, "}")));
    ASSERT_EQ(std::holds_alternative<HttpResponse>(result), i % 2 == 0) << i;
  }
  EXPECT_EQ(peer_.requests().size(), kSends);
  for (std::size_t i = 0; i < peer_.requests().size(); ++i) {
    EXPECT_TRUE(absl::EndsWith(peer_.requests()[i], absl::StrCat("{\"n\":", i, "}"))) << i;
  }
  // An end is noticed when it comes, and not by a time-out.
  EXPECT_LT(clock_.Mono() - begun, std::chrono::seconds(60));
}

TEST_F(CurlHttpClientTest, N03_RefusedConnectionHasSentNothing) {
  HttpRequest request = Post();
  {
    Peer gone(loop_);
    request.url = gone.Url();
  }
  const HttpFailure failure = FailureOf(Send(std::move(request)));
  EXPECT_EQ(failure.kind, Kind::kConnect);
  EXPECT_FALSE(failure.request_began);
}

// A listener that never accepts: once its queue is full, the system drops further connects without
// a word.
class FullListener {
 public:
  explicit FullListener(async::EventLoop& loop)
      : acceptor_(loop.context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    acceptor_.listen(0);
    // The queue holds one more than it was asked to; a connect that is under way shows that it is
    // full.
    while (waiting_.size() < 16) {
      Socket& socket = waiting_.emplace_back(loop.context());
      socket.open(tcp::v4());
      socket.native_non_blocking(true);
      const auto to = acceptor_.local_endpoint();
      ::connect(socket.native_handle(), to.data(), static_cast<socklen_t>(to.size()));
      pollfd connected{socket.native_handle(), POLLOUT, 0};
      if (::poll(&connected, 1, 100) == 0) return;
    }
    ADD_FAILURE() << "the queue never got full";
  }
  std::string Url() const {
    return absl::StrCat("http://127.0.0.1:", acceptor_.local_endpoint().port(), "/");
  }

 private:
  Acceptor acceptor_;
  std::deque<Socket> waiting_;
};

TEST_F(CurlHttpClientTest, ConnectThatNeverEndsHasSentNothingAndKeepsNothingWaiting) {
  async::EventLoop loop;
  async::SystemClock clock(loop);
  FullListener listener(loop);
  NameResolver names(loop, clock);
  CurlHttpClient client(loop, clock, names, {});
  for (int i = 0; i < 3; ++i) {
    HttpRequest request = Post();
    request.url = listener.Url();
    request.deadline = clock.Mono() + std::chrono::milliseconds(50);
    const HttpFailure failure =
        FailureOf(support::RunUntilDone(loop, client.Send(std::move(request))));
    EXPECT_FALSE(failure.request_began) << failure.detail;
  }
  client.Close();
  loop.ReleaseWork();
  loop.context().restart();
  loop.context().run_for(std::chrono::seconds(60));
  EXPECT_TRUE(loop.context().stopped()) << "something still waits for a socket that is gone";
}

TEST_F(CurlHttpClientTest, N01_UnknownHostHasSentNothing) {
  const HttpFailure failure = FailureOf(Send(PostTo("unknown.test")));
  EXPECT_EQ(failure.kind, Kind::kResolve);
  EXPECT_FALSE(failure.request_began);
  EXPECT_EQ(failure.detail, "no address for unknown.test: no such name");
  EXPECT_EQ(Asked("unknown.test"), 1);
}

TEST_F(CurlHttpClientTest, A02_NameIsLookedUpOnceForManyConnections) {
  Means("one.test", {"127.0.0.1"});
  int ended = 0;
  for (int i = 0; i < 20; ++i) {
    asio::co_spawn(loop_.executor(), client_.Send(PostTo("one.test")),
                   [&](std::exception_ptr, HttpResult result) {
                     EXPECT_EQ(BodyOf(result), "{\"errcode\":0}");
                     ++ended;
                   });
  }
  while (ended < 20) loop_.context().run_one();
  peer_.ResetAll();
  EXPECT_EQ(BodyOf(Send(PostTo("one.test"))), "{\"errcode\":0}");
  EXPECT_GT(peer_.connections(), 2);
  EXPECT_THAT(peer_.requests().front(), HasSubstr(absl::StrCat("Host: one.test:", peer_.port())));
  EXPECT_EQ(Asked("one.test"), 1);
}

TEST_F(CurlHttpClientTest, A02_LibcurlLooksUpNoSpellingOfAName) {
  Means("one.test", {"127.0.0.1"});
  Means("one.test.", {"127.0.0.1"});
  for (const char* spelling : {"one.test", "One.TEST", "one.test.", "ONE.test."}) {
    EXPECT_EQ(BodyOf(Send(PostTo(spelling))), "{\"errcode\":0}") << spelling;
  }
  EXPECT_EQ(Asked("one.test"), 1);
  EXPECT_EQ(Asked("one.test."), 1);
}

TEST_F(CurlHttpClientTest, A02_AddressesAndLocalhostNeedNoLookUp) {
  for (const char* host : {"127.0.0.1", "127.1", "localhost", "LocalHost", "api.localhost"}) {
    EXPECT_EQ(BodyOf(Send(PostTo(host))), "{\"errcode\":0}") << host;
  }
  const std::lock_guard lock(known_->mutex);
  EXPECT_TRUE(known_->asked.empty());
}

TEST_F(CurlHttpClientTest, A02_EachAddressOfANameIsTried) {
  Means("mixed.test", {"::1", "127.0.0.2", "127.0.0.1"});
  EXPECT_EQ(BodyOf(Send(PostTo("mixed.test"))), "{\"errcode\":0}");
  Means("four.test", {"127.0.0.1", "::1"});
  EXPECT_EQ(BodyOf(Send(PostTo("four.test"))), "{\"errcode\":0}");
}

TEST_F(CurlHttpClientTest, A02_NameOfAnIpv6AddressAloneIsReached) {
  boost::system::error_code error;
  Acceptor v6(loop_.context());
  v6.open(tcp::v6(), error);
  if (!error) v6.bind(tcp::endpoint(asio::ip::address_v6::loopback(), 0), error);
  if (error) GTEST_SKIP() << "no IPv6 here: " << error.message();
  v6.close();
  Peer peer(loop_, "::1");
  Means("six.test", {"::1"});
  for (const char* host : {"six.test", "[::1]"}) {
    HttpRequest request = Post();
    request.url = peer.Url("/send", host);
    EXPECT_EQ(BodyOf(Send(std::move(request))), "{\"errcode\":0}") << host;
  }
  EXPECT_EQ(Asked("six.test"), 1);
}

// libcurl keeps what it was told; the next transfer brings something else.
TEST_F(CurlHttpClientTest, A02_N02_NewAddressesTakeTheOldOnesPlace) {
  support::FakeClock time(loop_);
  NameResolver names(loop_, time, [known = known_](const std::string& name) {
    const std::lock_guard lock(known->mutex);
    ++known->asked[name];
    return known->known[name];
  });
  CurlHttpClient client(loop_, clock_, names, {});
  Peer moved(loop_, "127.0.0.2", peer_.port());
  const auto send = [&] {
    HttpRequest request = PostTo("moves.test");
    request.deadline = time.Mono() + std::chrono::hours(1);
    return BodyOf(support::RunUntilDone(loop_, client.Send(std::move(request))));
  };
  Means("moves.test", {"127.0.0.1"});
  EXPECT_EQ(send(), "{\"errcode\":0}");
  Means("moves.test", {"127.0.0.2"});
  time.Advance(absl::Minutes(1));
  int sent = 1;
  while (moved.requests().empty() && sent < 10000) {
    peer_.ResetAll();
    EXPECT_EQ(send(), "{\"errcode\":0}");
    ++sent;
  }
  EXPECT_EQ(moved.requests().size(), 1u);
  EXPECT_EQ(peer_.requests().size() + 1, static_cast<std::size_t>(sent));
  EXPECT_EQ(Asked("moves.test"), 2);
  client.Close();
}

TEST_F(CurlHttpClientTest, A02_LackOfDescriptorsIsNotTheAddressFault) {
  // From then on the peer waits for connections. This one is kept by nobody.
  peer_.Then({"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", true});
  EXPECT_EQ(BodyOf(Send(Post())), "{}");
  while (loop_.context().poll() > 0) {
  }
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const int lowest_free = ::dup(STDIN_FILENO);
  ::close(lowest_free);
  const rlimit none_left{static_cast<rlim_t>(lowest_free), limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const HttpFailure failure = FailureOf(Send(Post()));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(failure.kind, Kind::kOther);
  EXPECT_THAT(failure.detail, HasSubstr("open files"));
  EXPECT_FALSE(failure.request_began);
  EXPECT_EQ(BodyOf(Send(Post())), "{\"errcode\":0}");
}

TEST_F(CurlHttpClientTest, N04_PlainPeerUnderHttpsIsATlsFailureWithNothingSent) {
  HttpRequest request = Post();
  request.url = "https" + request.url.substr(4);
  peer_.Then({"this is no TLS\r\n", true});
  peer_.Then({"", true});
  const HttpFailure failure = FailureOf(Send(std::move(request)));
  EXPECT_FALSE(failure.request_began);
}

TEST_F(CurlHttpClientTest, U04_LateAnswerIsATimeoutAfterTheRequestBegan) {
  Step never;
  never.hang = true;
  peer_.Then(never);
  HttpRequest request = Post();
  request.deadline = clock_.Mono() + std::chrono::milliseconds(1000);
  const HttpFailure failure = FailureOf(Send(std::move(request)));
  EXPECT_EQ(failure.kind, Kind::kTimeout);
  EXPECT_TRUE(failure.request_began);
  EXPECT_EQ(peer_.requests().size(), 1u);
}

TEST_F(CurlHttpClientTest, PastDeadlineSendsNothing) {
  HttpRequest request = Post();
  request.deadline = clock_.Mono() - std::chrono::seconds(1);
  const HttpFailure failure = FailureOf(Send(std::move(request)));
  EXPECT_EQ(failure.kind, Kind::kTimeout);
  EXPECT_FALSE(failure.request_began);
  EXPECT_EQ(peer_.connections(), 0);
}

TEST_F(CurlHttpClientTest, NothingLeavesOnceItIsTooLateToBegin) {
  HttpRequest late = Post();
  late.begin_by = clock_.Mono() - std::chrono::milliseconds(1);
  EXPECT_EQ(FailureOf(Send(std::move(late))).kind, Kind::kTimeout);
  EXPECT_EQ(peer_.connections(), 0);
}

// The wait for a connection's place doesn't eat the time that the request itself has.
TEST_F(CurlHttpClientTest, TimeoutCountsFromTheConnectionsPlace) {
  CurlHttpClient narrow(loop_, clock_, names_, {1, "", std::chrono::milliseconds(2000)});
  Step never;
  never.hang = true;
  peer_.Then(never);
  HttpRequest first = Post();
  first.timeout = std::chrono::milliseconds(1000);
  std::optional<HttpResult> first_result;
  asio::co_spawn(loop_.executor(), narrow.Send(std::move(first)),
                 [&](std::exception_ptr, HttpResult result) { first_result = std::move(result); });
  HttpRequest second = Post();
  second.timeout = std::chrono::milliseconds(2000);
  EXPECT_EQ(BodyOf(support::RunUntilDone(loop_, narrow.Send(std::move(second)))),
            "{\"errcode\":0}");
  ASSERT_TRUE(first_result);
  EXPECT_EQ(FailureOf(*first_result).kind, Kind::kTimeout);
}

TEST_F(CurlHttpClientTest, U05_AnswerShorterThanItsLengthIsAFailure) {
  peer_.Then({"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"errcode\":0", true});
  const HttpFailure failure = FailureOf(Send(Post()));
  EXPECT_EQ(failure.kind, Kind::kReceive);
  EXPECT_TRUE(failure.request_began);
}

TEST_F(CurlHttpClientTest, U06_ResetAfterTheRequestIsAFailureOnce) {
  Step reset;
  reset.reset = true;
  peer_.Then(reset);
  EXPECT_TRUE(FailureOf(Send(Post())).request_began);
  EXPECT_EQ(peer_.requests().size(), 1u);
}

TEST_F(CurlHttpClientTest, U10_AnswerOverItsBoundIsCutOff) {
  peer_.Then({"HTTP/1.1 200 OK\r\n\r\n" + std::string(3 << 20, 'x'), true});
  const HttpFailure failure = FailureOf(Send(Post()));
  EXPECT_EQ(failure.kind, Kind::kTooLarge);
  EXPECT_TRUE(failure.request_began);
}

TEST_F(CurlHttpClientTest, U10_TenThousandHeaderLinesAreCutOff) {
  std::string answer = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10000; ++i) absl::StrAppend(&answer, "X-", i, ": y\r\n");
  peer_.Then({answer + "\r\n", true});
  EXPECT_TRUE(FailureOf(Send(Post())).request_began);
}

TEST_F(CurlHttpClientTest, U12_RedirectIsNotFollowed) {
  Peer other(loop_);
  peer_.Then({absl::StrCat("HTTP/1.1 302 Found\r\nLocation: ", other.Url("/x"),
                           "\r\nContent-Length: 0\r\n\r\n")});
  const HttpResult result = Send(Post());
  ASSERT_TRUE(std::holds_alternative<HttpResponse>(result));
  EXPECT_EQ(std::get<HttpResponse>(result).status, 302);
  EXPECT_EQ(other.connections(), 0);
}

TEST_F(CurlHttpClientTest, U13_CompressedAnswerIsNotInflated) {
  // The head of a gzip stream; nobody asked for it.
  peer_.Then({"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n" +
              std::string("\x1f\x8b\x08\x00", 4)});
  const HttpResult result = Send(Post());
  ASSERT_TRUE(std::holds_alternative<HttpResponse>(result));
  EXPECT_EQ(std::get<HttpResponse>(result).body.size(), 4u);
}

TEST_F(CurlHttpClientTest, U09_ChunkedAndHttp10AnswersAreRead) {
  peer_.Then({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"});
  EXPECT_EQ(BodyOf(Send(Post())), "{}");
  peer_.Then({"HTTP/1.0 200 OK\r\n\r\n{}", true});
  EXPECT_EQ(BodyOf(Send(Post())), "{}");
  peer_.Then({"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", true});
  EXPECT_EQ(BodyOf(Send(Post())), "{}");
  EXPECT_EQ(BodyOf(Send(Post())), "{\"errcode\":0}");
}

TEST_F(CurlHttpClientTest, U08_PooledConnectionThatThePeerClosedIsReplaced) {
  peer_.Then({kOk, true});  // the peer closes after its first answer, without saying so
  Send(Post());
  // The end of the connection reaches us with the next turn of the loop.
  while (loop_.context().poll() > 0) {
  }
  EXPECT_EQ(BodyOf(Send(Post())), "{\"errcode\":0}");
  EXPECT_EQ(peer_.requests().size(), 2u);
}

TEST_F(CurlHttpClientTest, A09_U08_PooledConnectionThatThePeerResetIsReplacedWithinTheCall) {
  constexpr std::size_t kRounds = 60;
  Send(Post());
  for (std::size_t i = 0; i < kRounds; ++i) {
    peer_.ResetAll();
    EXPECT_EQ(BodyOf(Send(Post())), "{\"errcode\":0}") << i;
  }
  EXPECT_EQ(peer_.requests().size(), kRounds + 1);
  EXPECT_EQ(peer_.connections(), static_cast<int>(kRounds + 1));
}

// libcurl by itself gives up after five.
TEST_F(CurlHttpClientTest, A09_U08_HoweverManyPooledConnectionsWereReset) {
  constexpr int kConnections = 12;
  int ended = 0;
  for (int i = 0; i < kConnections; ++i) {
    asio::co_spawn(loop_.executor(), client_.Send(Post()),
                   [&](std::exception_ptr, HttpResult result) {
                     EXPECT_EQ(BodyOf(result), "{\"errcode\":0}");
                     ++ended;
                   });
  }
  while (ended < kConnections) loop_.context().run_one();
  ASSERT_GT(peer_.connections(), 6);
  peer_.ResetAll();
  EXPECT_EQ(BodyOf(Send(Post())), "{\"errcode\":0}");
  EXPECT_EQ(peer_.requests().size(), kConnections + 1u);
}

TEST_F(CurlHttpClientTest, A09_U08_WhatHinderedTheSecondConnectionIsToldAsItIs) {
  Send(Post());
  peer_.StopListening();
  peer_.ResetAll();
  const HttpFailure failure = FailureOf(Send(Post()));
  EXPECT_EQ(failure.kind, Kind::kConnect) << failure.detail;
  EXPECT_FALSE(failure.request_began);
  EXPECT_THAT(failure.detail, Not(HasSubstr("too late")));
}

// What the peer may have dropped without a word, a firewall's memory for one, is better not tried.
// Time passes here while another request waits for its slow answer.
TEST_F(CurlHttpClientTest, U08_ConnectionIdleForLongerThanTheLimitIsNotUsedAgain) {
  EXPECT_LT(CurlOptions{}.idle_limit, std::chrono::seconds(5));
  CurlOptions options;
  options.idle_limit = std::chrono::seconds(1);
  CurlHttpClient client(loop_, clock_, names_, options);
  std::optional<HttpResult> slow;
  Step late{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", true};
  late.after = std::chrono::milliseconds(2200);  // libcurl counts whole seconds, and wants more
  peer_.Then(late);
  asio::co_spawn(loop_.executor(), client.Send(Post()),
                 [&](std::exception_ptr, HttpResult result) { slow = std::move(result); });
  while (peer_.requests().empty()) loop_.context().run_one();
  EXPECT_EQ(BodyOf(support::RunUntilDone(loop_, client.Send(Post()))), "{\"errcode\":0}");
  EXPECT_EQ(peer_.connections(), 2);
  EXPECT_EQ(BodyOf(support::RunUntilDone(loop_, client.Send(Post()))), "{\"errcode\":0}");
  EXPECT_EQ(peer_.connections(), 2) << "a fresh connection was not used again";
  while (!slow) loop_.context().run_one();
  EXPECT_EQ(BodyOf(*slow), "{}");
  EXPECT_EQ(BodyOf(support::RunUntilDone(loop_, client.Send(Post()))), "{\"errcode\":0}");
  EXPECT_EQ(peer_.connections(), 3);
  client.Close();
}

TEST_F(CurlHttpClientTest, N09_ProxyOfTheEnvironmentIsIgnored) {
  Peer proxy(loop_);
  ::setenv("http_proxy", proxy.Url().c_str(), 1);
  ::setenv("ALL_PROXY", proxy.Url().c_str(), 1);
  EXPECT_EQ(BodyOf(Send(Post())), "{\"errcode\":0}");
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
  EXPECT_EQ(proxy.connections(), 0);
}

// Cancels once the peer has the request.
struct Cancelling {
  asio::cancellation_signal signal;
  std::optional<HttpResult> result;
};

TEST_F(CurlHttpClientTest, CancelEndsATransferAndSaysThatItBegan) {
  Step never;
  never.hang = true;
  peer_.Then(never);
  Cancelling call;
  asio::co_spawn(
      loop_.executor(), client_.Send(Post()),
      asio::bind_cancellation_slot(call.signal.slot(), [&](std::exception_ptr, HttpResult result) {
        call.result = std::move(result);
      }));
  while (peer_.requests().empty()) loop_.context().run_one();
  call.signal.emit(asio::cancellation_type::terminal);
  while (!call.result) loop_.context().run_one();
  const HttpFailure failure = FailureOf(*call.result);
  EXPECT_EQ(failure.kind, Kind::kCancelled);
  EXPECT_TRUE(failure.request_began);
}

TEST_F(CurlHttpClientTest, RequestsOverTheConnectionLimitWaitInsideTheirDeadlines) {
  CurlHttpClient narrow(loop_, clock_, names_, {1, "", std::chrono::milliseconds(2000)});
  Step never;
  never.hang = true;
  peer_.Then(never);
  HttpRequest first = Post();
  first.deadline = clock_.Mono() + std::chrono::milliseconds(1500);
  HttpRequest second = Post();
  second.deadline = clock_.Mono() + std::chrono::milliseconds(100);
  std::optional<HttpResult> first_result;
  asio::co_spawn(loop_.executor(), narrow.Send(std::move(first)),
                 [&](std::exception_ptr, HttpResult result) { first_result = std::move(result); });
  const HttpFailure failure =
      FailureOf(support::RunUntilDone(loop_, narrow.Send(std::move(second))));
  EXPECT_EQ(failure.kind, Kind::kBusy);
  EXPECT_FALSE(failure.request_began);
  while (!first_result) loop_.context().run_one();
  EXPECT_EQ(peer_.requests().size(), 1u);
  EXPECT_EQ(BodyOf(support::RunUntilDone(loop_, narrow.Send(Post()))), "{\"errcode\":0}");
}

}  // namespace
}  // namespace hongyan::http
