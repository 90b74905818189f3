// What libcurl's counts say when a pooled connection dies under a POST and libcurl asks whether it
// may begin again: the ground that CurlHttpClient's "no byte was written" stands on. Against a peer
// of blocking sockets.
#include <arpa/inet.h>
#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace hongyan::http {
namespace {

using testing::SizeIs;

constexpr int kLimitMillis = 60000;
constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
constexpr char kBody[] = "{\"the\":\"message\"}";

// Listens on loopback. One connection is served at a time, by the test's own words.
class Peer {
 public:
  Peer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
    ::listen(listener_, 8);
    Limit(listener_);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  ~Peer() { ::close(listener_); }

  std::string Url() const { return absl::StrCat("http://127.0.0.1:", port_, "/"); }
  void Accept() {
    connection_ = ::accept(listener_, nullptr, nullptr);
    Limit(connection_);
  }
  // Reads until the message has come, whatever stands before it.
  void ReadRequest() {
    std::string got;
    char buffer[65536];
    while (!absl::EndsWith(got, kBody)) {
      const ssize_t n = ::recv(connection_, buffer, sizeof(buffer), 0);
      if (n <= 0) return;
      got.append(buffer, static_cast<std::size_t>(n));
    }
    ++requests_;
  }
  void Answer() { std::ignore = ::send(connection_, kOk, sizeof(kOk) - 1, MSG_NOSIGNAL); }
  void Reset() {
    const linger at_once{1, 0};
    ::setsockopt(connection_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    Close();
  }
  void Close() { ::close(connection_); }
  int requests() const { return requests_; }

 private:
  static void Limit(int socket) {
    const timeval limit{kLimitMillis / 1000, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  }

  int listener_;
  int port_ = 0;
  int connection_ = -1;
  int requests_ = 0;
};

// libcurl's question, with what it has counted by then.
struct Asked {
  long request_size;  // NOLINT(google-runtime-int)
  curl_off_t upload;
  curl_off_t pretransfer;
};

class CurlCountsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    std::signal(SIGPIPE, SIG_IGN);
  }
  CurlCountsTest() : easy_(curl_easy_init()) {
    curl_easy_setopt(easy_, CURLOPT_URL, peer_.Url().c_str());
    curl_easy_setopt(easy_, CURLOPT_PROXY, "");
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, kBody);
    curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(2 * kLimitMillis));
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Ignore);
    curl_easy_setopt(easy_, CURLOPT_PREREQFUNCTION, &OnAsked);
    curl_easy_setopt(easy_, CURLOPT_PREREQDATA, this);
    curl_easy_setopt(easy_, CURLOPT_OPENSOCKETFUNCTION, &OnOpen);
    curl_easy_setopt(easy_, CURLOPT_OPENSOCKETDATA, this);
  }
  ~CurlCountsTest() override { curl_easy_cleanup(easy_); }

  // One POST, while the peer does `what` beside it.
  CURLcode Post(const std::function<void()>& what) {
    asked_.clear();
    std::thread peer(what);
    const CURLcode code = curl_easy_perform(easy_);
    peer.join();
    return code;
  }
  // Leaves a pooled connection.
  void FirstPost() {
    ASSERT_EQ(Post([this] {
                peer_.Accept();
                peer_.ReadRequest();
                peer_.Answer();
              }),
              CURLE_OK);
  }

  static std::size_t Ignore(char*, std::size_t size, std::size_t count, void*) {
    return size * count;
  }
  static curl_socket_t OnOpen(void* self, curlsocktype, struct curl_sockaddr* address) {
    auto& test = *static_cast<CurlCountsTest*>(self);
    return test.socket_ = ::socket(address->family, address->socktype | SOCK_CLOEXEC, 0);
  }
  static int OnAsked(void* self, char*, char*, int, int) {
    auto& test = *static_cast<CurlCountsTest*>(self);
    Asked asked{};
    curl_easy_getinfo(test.easy_, CURLINFO_REQUEST_SIZE, &asked.request_size);
    curl_easy_getinfo(test.easy_, CURLINFO_SIZE_UPLOAD_T, &asked.upload);
    curl_easy_getinfo(test.easy_, CURLINFO_PRETRANSFER_TIME_T, &asked.pretransfer);
    test.asked_.push_back(asked);
    if (test.asked_.size() > 1) return CURL_PREREQFUNC_ABORT;
    if (test.before_the_first_) test.before_the_first_();
    return CURL_PREREQFUNC_OK;
  }

  Peer peer_;
  CURL* easy_;
  curl_socket_t socket_ = CURL_SOCKET_BAD;
  std::vector<Asked> asked_;
  std::function<void()> before_the_first_;
};

TEST_F(CurlCountsTest, A09_U08_NothingIsCountedWhenTheConnectionWasResetBeforeTheRequest) {
  FirstPost();
  before_the_first_ = [this] {
    peer_.Reset();
    pollfd gone{socket_, POLLRDHUP, 0};
    ASSERT_EQ(::poll(&gone, 1, kLimitMillis), 1);
  };
  EXPECT_EQ(Post([] {}), CURLE_ABORTED_BY_CALLBACK);
  ASSERT_THAT(asked_, SizeIs(2));
  EXPECT_EQ(asked_[1].request_size, 0);
  EXPECT_EQ(asked_[1].upload, 0);
  EXPECT_EQ(asked_[1].pretransfer, 0);
}

TEST_F(CurlCountsTest, U07_AllIsCountedWhenTheConnectionDiesUnderTheRequest) {
  for (const bool reset : {false, true}) {
    FirstPost();
    EXPECT_EQ(Post([this, reset] {
                peer_.ReadRequest();
                reset ? peer_.Reset() : peer_.Close();
                peer_.Accept();
                peer_.Close();
              }),
              CURLE_ABORTED_BY_CALLBACK);
    ASSERT_THAT(asked_, SizeIs(2));
    EXPECT_GT(asked_[1].request_size, 0);
    EXPECT_GT(asked_[1].pretransfer, 0);
  }
  EXPECT_EQ(peer_.requests(), 4);
}

// The whole message has left, and both counts say that nothing has: only the time tells.
TEST_F(CurlCountsTest, U07_CountsMissWhatTheFirstWriteHadToLeaveToLaterOnes) {
  FirstPost();
  before_the_first_ = [this] {
    // No room is left for the first write until the peer reads.
    const std::string junk(1 << 16, 'x');
    // What was sent moves on to the peer's side, which makes room once more, until that is full
    // too.
    int full = 0;
    while (full < 20) {
      if (::send(socket_, junk.data(), junk.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        full = 0;
        continue;
      }
      ASSERT_TRUE(errno == EAGAIN || errno == EWOULDBLOCK);
      ++full;
      ::poll(nullptr, 0, 10);
    }
  };
  std::promise<void> first_write_was_in_vain;
  const auto on_debug = +[](CURL*, curl_infotype type, char*, std::size_t size, void* promise) {
    if (type == CURLINFO_HEADER_OUT && size == 0) {
      static_cast<std::promise<void>*>(promise)->set_value();
    }
    return 0;
  };
  curl_easy_setopt(easy_, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(easy_, CURLOPT_DEBUGFUNCTION, on_debug);
  curl_easy_setopt(easy_, CURLOPT_DEBUGDATA, &first_write_was_in_vain);
  EXPECT_EQ(Post([&, this] {
              const auto limit = std::chrono::milliseconds(kLimitMillis);
              EXPECT_EQ(first_write_was_in_vain.get_future().wait_for(limit),
                        std::future_status::ready);
              peer_.ReadRequest();
              peer_.Reset();
            }),
            CURLE_ABORTED_BY_CALLBACK);
  ASSERT_THAT(asked_, SizeIs(2));
  EXPECT_EQ(peer_.requests(), 2);
  EXPECT_EQ(asked_[1].request_size, 0);
  EXPECT_EQ(asked_[1].upload, 0);
  EXPECT_GT(asked_[1].pretransfer, 0);
}

}  // namespace
}  // namespace hongyan::http
