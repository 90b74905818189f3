#include "server/http/http_server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/unit/http/server_fixture.h"

namespace hongyan {
namespace {

using testing::RawClient;
using testing::RawReply;

constexpr char kGet[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

std::string Post(std::size_t length, const std::string& body) {
  return absl::StrCat("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: ", length, "\r\n\r\n", body);
}

std::string Chunked(const std::string& body) {
  return absl::StrCat("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                      absl::Hex(body.size()), "\r\n", body, "\r\n0\r\n\r\n");
}

class HttpServerTest : public testing::ServerFixture {
 protected:
  // Sends, and expects one answer with that status, then the end of the connection; the handler is
  // not asked.
  void ExpectRefused(int status, const std::string& bytes) {
    const int before = handler_.handled;
    RawClient client(address_);
    client.Send(bytes);
    const auto reply = client.ReadReply();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->status, status);
    EXPECT_TRUE(client.IsClosed());
    EXPECT_FALSE(client.timed_out());
    EXPECT_EQ(handler_.handled, before);
  }
};

TEST(ConnectionLimitsTest, DefaultsAreThePublicContracts) {
  const http::ConnectionLimits limits;
  EXPECT_EQ(limits.head.line_bytes, 8192u);
  EXPECT_EQ(limits.head.head_bytes, 16384u);
  EXPECT_EQ(limits.head.header_count, 64u);
  EXPECT_EQ(limits.body_bytes, 65536u);
  EXPECT_EQ(limits.requests, 100);
  EXPECT_EQ(limits.head_time, absl::Seconds(5));
  EXPECT_EQ(limits.request_time, absl::Seconds(10));
  EXPECT_EQ(limits.idle_time, absl::Seconds(15));
  EXPECT_EQ(limits.write_time, absl::Seconds(5));
}

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  Start();
  RawClient client(address_);
  for (int i = 0; i < 3; ++i) {
    client.Send(kGet);
    const auto reply = client.ReadReply();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "GET /a 0 127.0.0.1");
    EXPECT_NE(reply->head.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos);
    EXPECT_EQ(reply->head.find("Server:"), std::string::npos);
  }
  EXPECT_EQ(Open(), 1u);
}

TEST_F(HttpServerTest, RequestsInPiecesAreTheSame) {
  Start();
  const std::string bytes = Post(5, "hello");
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    RawClient client(address_);
    client.Send(bytes.substr(0, cut));
    // The loop has surely seen the first piece once it has answered something newer.
    ASSERT_EQ(Ask(kGet)->status, 200);
    client.Send(bytes.substr(cut));
    const auto reply = client.ReadReply();
    ASSERT_TRUE(reply.has_value()) << cut;
    EXPECT_EQ(reply->body, "POST /a 5 127.0.0.1") << cut;
  }
}

TEST_F(HttpServerTest, HeadHasTheLengthButNoBody) {
  Start();
  RawClient client(address_);
  client.Send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto head = client.ReadReply(false);
  ASSERT_TRUE(head.has_value());
  EXPECT_NE(head->head.find("Content-Length: 19\r\n"), std::string::npos);
  EXPECT_EQ(client.ReadReply()->body, "GET /b 0 127.0.0.1");
}

TEST_F(HttpServerTest, Http10IsAnsweredAndClosed) {
  Start();
  RawClient client(address_);
  client.Send("GET /a HTTP/1.0\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.ReadReply()->status, 200);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, HandlerRefusesBeforeTheBodyIsRead) {
  Start();
  ExpectRefused(403, "POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
}

TEST_F(HttpServerTest, WrongAddressAndTakenPortAreErrors) {
  Start();
  http::HttpServer other(loop_.executor(), clock_, handler_, {});
  for (const char* address : {"", "localhost", "127.0.0.1:65536", "127.0.0.1:x", "::1:80", "a:1"}) {
    EXPECT_EQ(other.StartListening(address).status().code(), absl::StatusCode::kInvalidArgument)
        << address;
  }
  http::HttpServer same(loop_.executor(), clock_, handler_, {});
  EXPECT_EQ(same.StartListening(address_).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(HttpServerTest, DrainClosesIdleConnectionsAndFinishesWork) {
  Start();
  RawClient idle(address_);
  idle.Send(kGet);
  ASSERT_EQ(idle.ReadReply()->status, 200);
  RawClient busy(address_);
  busy.Send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  handler_.slow_began.get_future().wait();

  auto drained = BeginDrain(absl::Seconds(30));
  EXPECT_TRUE(idle.IsClosed());
  RawClient late;
  EXPECT_FALSE(late.Connect(address_));
  loop_.Post([this] { handler_.OpenGate(); });
  const auto reply = busy.ReadReply();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 200);
  EXPECT_NE(reply->head.find("Connection: close\r\n"), std::string::npos);
  busy.Close();
  drained.wait();
  EXPECT_EQ(Open(), 0u);
}

TEST_F(HttpServerTest, DrainClosesWhatIsLeftInTheEnd) {
  Start();
  RawClient busy(address_);
  busy.Send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  handler_.slow_began.get_future().wait();
  BeginDrain(absl::Milliseconds(20)).wait();
  EXPECT_TRUE(busy.IsClosed());
  EXPECT_EQ(Open(), 0u);
}

TEST_F(HttpServerTest, H01_SlowHeadIsTimedOutWhileOthersAreServed) {
  options_.limits.head_time = absl::Seconds(1);
  Start();
  RawClient slow(address_);
  RawClient silent(address_);
  slow.Send("GET /a HTTP/1.1\r\nHos");
  EXPECT_EQ(Ask(kGet)->status, 200);
  EXPECT_EQ(slow.ReadReply()->status, 408);
  EXPECT_TRUE(slow.IsClosed());
  EXPECT_TRUE(silent.IsClosed());
  EXPECT_EQ(handler_.handled, 1);
}

TEST_F(HttpServerTest, H01_IdleConnectionIsClosedWithoutAnAnswer) {
  options_.limits.idle_time = absl::Milliseconds(100);
  Start();
  RawClient client(address_);
  client.Send(kGet);
  EXPECT_EQ(client.ReadReply()->status, 200);
  EXPECT_TRUE(client.IsClosed());
  EXPECT_FALSE(client.timed_out());
}

TEST_F(HttpServerTest, H02_SlowBodyIsTimedOut) {
  options_.limits.request_time = absl::Milliseconds(150);
  Start();
  ExpectRefused(408, Post(100, "only the beginning"));
}

TEST_F(HttpServerTest, H03_SlowReaderIsDropped) {
  options_.limits.write_time = absl::Milliseconds(150);
  Start();
  RawClient client(address_);
  client.Send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(AllClosed());
}

TEST_F(HttpServerTest, H04_BodyLimitIsExact) {
  Start();
  const std::string most(64u << 10, 'b');
  EXPECT_EQ(Ask(Post(most.size(), most))->body, "POST /a 65536 127.0.0.1");
  EXPECT_EQ(Ask(Chunked(most))->body, "POST /a 65536 127.0.0.1");
}

TEST_F(HttpServerTest, H04_BodyOverTheLimitIsRefused) {
  Start();
  const std::string more((64u << 10) + 1, 'b');
  ExpectRefused(413, Post(more.size(), ""));  // not a byte of the body is waited for
  ExpectRefused(413, Post(more.size(), more));
  ExpectRefused(413, Chunked(more));
  ExpectRefused(413, Post(999999999999999999, ""));
  std::string tiny = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 60000; ++i) tiny += "1\r\nb\r\n";
  ExpectRefused(413, tiny + "0\r\n\r\n");
  ExpectRefused(413, "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                         std::string(100000, 'e'));
}

TEST_F(HttpServerTest, H04_LyingLengthsAreRefused) {
  Start();
  RawClient short_one(address_);
  short_one.Send(Post(10, "five!"));
  short_one.ShutdownSend();
  EXPECT_EQ(short_one.ReadReply()->status, 400);
  EXPECT_TRUE(short_one.IsClosed());
  EXPECT_EQ(handler_.handled, 0);
  // What is over the length is the next request, and not one.
  RawClient long_one(address_);
  long_one.Send(Post(2, "five!"));
  EXPECT_EQ(long_one.ReadReply()->status, 200);
  EXPECT_EQ(long_one.ReadReply()->status, 400);
  EXPECT_TRUE(long_one.IsClosed());
  EXPECT_EQ(handler_.handled, 1);
}

TEST_F(HttpServerTest, H05_HeadLimitsAreExact) {
  Start();
  const auto line = [](std::size_t size) {
    return "GET /a HTTP/1.1\r\nHost: h\r\nX: " + std::string(size - 3, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(Ask(line(8192))->status, 200);
  ExpectRefused(431, line(8193));
  const auto target = [](std::size_t size) {
    return "GET /" + std::string(size - 14, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  EXPECT_EQ(Ask(target(8192))->status, 200);
  ExpectRefused(414, target(8193));
  ExpectRefused(414, target(100000));
  const auto headers = [](int count) {
    std::string bytes = "GET /a HTTP/1.1\r\nHost: h\r\n";
    for (int i = 1; i < count; ++i) absl::StrAppend(&bytes, "X", i, ": y\r\n");
    return bytes + "\r\n";
  };
  EXPECT_EQ(Ask(headers(64))->status, 200);
  ExpectRefused(431, headers(65));
  ExpectRefused(431, headers(1000));
  const auto total = [](std::size_t size) {
    std::string bytes = "GET /a HTTP/1.1\r\nHost: h\r\nX: " + std::string(8180, 'x') + "\r\nY: ";
    bytes += std::string(size - bytes.size() - 4, 'y');
    return bytes + "\r\n\r\n";
  };
  EXPECT_EQ(Ask(total(16384))->status, 200);
  ExpectRefused(431, total(16385));
}

TEST_F(HttpServerTest, H07_PipelinedRequestsAreAnsweredInOrderUpToTheLimit) {
  options_.limits.requests = 5;
  Start();
  RawClient client(address_);
  std::string bytes;
  for (int i = 0; i < 8; ++i) absl::StrAppend(&bytes, "GET /", i, " HTTP/1.1\r\nHost: h\r\n\r\n");
  client.Send(bytes);
  for (int i = 0; i < 5; ++i) {
    const auto reply = client.ReadReply();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->body, absl::StrCat("GET /", i, " 0 127.0.0.1"));
    EXPECT_EQ(reply->head.find("Connection: close") != std::string::npos, i == 4);
  }
  EXPECT_TRUE(client.IsClosed());
  EXPECT_EQ(handler_.handled, 5);
}

TEST_F(HttpServerTest, A18_WhoHasWaitedLongestForItsHeadGoes) {
  options_.max_connections = 3;
  Start();
  std::vector<RawClient> slow;
  for (int i = 0; i < 3; ++i) {
    slow.emplace_back(address_);
    slow.back().Send("GET /a HTTP/1.1\r\nHos");
    ASSERT_TRUE(Eventually([&] { return Open() == slow.size(); }));
  }
  EXPECT_EQ(Ask(kGet)->status, 200);
  EXPECT_TRUE(slow[0].IsClosed());
  // The others' time goes on: a byte now and then doesn't make them younger.
  slow[1].Send("t: h\r\n");
  RawClient newer(address_);
  newer.Send(kGet);
  EXPECT_EQ(newer.ReadReply()->status, 200);
  EXPECT_EQ(Ask(kGet)->status, 200);
  EXPECT_TRUE(slow[1].IsClosed());
  slow[2].Send("t: h\r\n\r\n");
  EXPECT_EQ(slow[2].ReadReply()->status, 200);
  EXPECT_EQ(handler_.evicted, 2);
  EXPECT_EQ(handler_.refused_connections, 0);
}

TEST_F(HttpServerTest, A18_WhatWasSentBeforeGivesNoPrecedence) {
  options_.max_connections = 2;
  Start();
  RawClient idle(address_);
  idle.Send(kGet);
  ASSERT_EQ(idle.ReadReply()->status, 200);
  RawClient newer(address_);
  newer.Send("GET");
  EXPECT_EQ(Ask(kGet)->status, 200);
  EXPECT_TRUE(idle.IsClosed());
  newer.Send(" /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(newer.ReadReply()->status, 200);
}

TEST_F(HttpServerTest, A18_SlowBodiesGoToo) {
  options_.max_connections = 2;
  Start();
  RawClient first(address_);
  first.Send(Post(100, "only the beginning"));
  RawClient second(address_);
  second.Send(Post(100, "only the beginning"));
  ASSERT_TRUE(Eventually([&] { return Open() == 2; }));
  EXPECT_EQ(Ask(kGet)->status, 200);
  EXPECT_TRUE(first.IsClosed());
  EXPECT_EQ(handler_.handled, 1);
}

TEST_F(HttpServerTest, A18_WhoseRequestIsBeingWorkedOnStays) {
  options_.max_connections = 1;
  Start();
  RawClient busy(address_);
  busy.Send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  handler_.slow_began.get_future().wait();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(RawClient(address_).IsClosed());
  EXPECT_EQ(handler_.refused_connections, 20);
  EXPECT_EQ(handler_.evicted, 0);
  loop_.Post([this] { handler_.OpenGate(); });
  EXPECT_EQ(busy.ReadReply()->status, 200);
  EXPECT_EQ(Ask(kGet)->status, 200);
}

TEST_F(HttpServerTest, A18_WhoDoesNotReadItsAnswerGoesToo) {
  options_.max_connections = 2;
  Start();
  RawClient unread(address_);
  unread.Send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(Eventually([&] { return handler_.handled == 1; }));
  RawClient slow(address_);
  slow.Send("GET");
  ASSERT_TRUE(Eventually([&] { return Open() == 2; }));
  EXPECT_EQ(Ask(kGet)->status, 200);
  EXPECT_EQ(handler_.evicted, 1);
  slow.Send(" /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(slow.ReadReply()->status, 200);
}

TEST_F(HttpServerTest, A18_AFloodOfSlowHeadsKeepsNobodyOut) {
  options_.max_connections = 16;
  Start();
  std::vector<RawClient> flood;
  for (int i = 0; i < 300; ++i) {
    flood.emplace_back(address_);
    flood.back().Send("POST /a HTTP/1.1\r\n");
    const auto reply = Ask(Post(2, "hi"));
    ASSERT_TRUE(reply.has_value()) << i;
    EXPECT_EQ(reply->status, 200);
  }
  EXPECT_EQ(handler_.handled, 300);
}

TEST_F(HttpServerTest, H08_A18_OneAddressHasItsOwnLimit) {
  options_.max_connections_per_address = 2;
  Start();
  RawClient slow(address_);
  slow.Send("GET");
  RawClient busy(address_);
  busy.Send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  handler_.slow_began.get_future().wait();
  RawClient other;
  other.BindTo("127.0.0.2");
  ASSERT_TRUE(other.Connect(address_));
  other.Send("GET");
  // The waiting one of the same address goes, though there is room in all and the other has waited
  // too.
  EXPECT_EQ(Ask(kGet)->status, 200);
  EXPECT_TRUE(slow.IsClosed());
  other.Send(" /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(other.ReadReply()->status, 200);
  loop_.Post([this] { handler_.OpenGate(); });
  EXPECT_EQ(busy.ReadReply()->status, 200);
}

TEST_F(HttpServerTest, H08_WhoWorksAtItsAddressLimitGetsNoMore) {
  options_.max_connections_per_address = 1;
  Start();
  RawClient busy(address_);
  busy.Send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  handler_.slow_began.get_future().wait();
  EXPECT_TRUE(RawClient(address_).IsClosed());
  loop_.Post([this] { handler_.OpenGate(); });
  EXPECT_EQ(busy.ReadReply()->status, 200);
}

TEST_F(HttpServerTest, A03_H09_WithoutDescriptorsWhoHasWaitedLongestGoes) {
  Start();
  ASSERT_EQ(Ask(kGet)->status, 200);
  ASSERT_TRUE(AllClosed());
  // Our own ends are made first; then only three descriptors are left for the server's.
  std::vector<RawClient> clients(12);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(clients.back().fd()) + 4;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  // More of them than there are descriptors, and none ever sends its whole head.
  for (std::size_t i = 0; i < clients.size(); i += 2) {
    ASSERT_TRUE(clients[i].Connect(address_));
    clients[i].Send("GET /a HTTP/1.1\r\n");
    ASSERT_TRUE(clients[i + 1].Connect(address_));
    clients[i + 1].Send(kGet);
    EXPECT_TRUE(clients[i + 1].ReadReply().has_value()) << i;
  }
  EXPECT_TRUE(clients[0].IsClosed());
  EXPECT_EQ(handler_.refused_connections, 0);
  EXPECT_GE(handler_.evicted, 9);
  clients.clear();
  ASSERT_TRUE(AllClosed());
  EXPECT_EQ(Ask(kGet)->status, 200);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(HttpServerTest, A03_H09_WithoutDescriptorsWhoseRequestIsBeingWorkedOnStays) {
  Start();
  std::vector<RawClient> clients(4);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(clients.back().fd()) + 2;  // one descriptor for all of them
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  ASSERT_TRUE(clients[0].Connect(address_));
  clients[0].Send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  handler_.slow_began.get_future().wait();
  for (int i = 1; i < 3; ++i) {
    ASSERT_TRUE(clients[i].Connect(address_));
    EXPECT_TRUE(clients[i].IsClosed());
  }
  loop_.Post([this] { handler_.OpenGate(); });
  EXPECT_EQ(clients[0].ReadReply()->status, 200);
  // From now on it waits, so the next one gets its place.
  ASSERT_TRUE(clients[3].Connect(address_));
  clients[3].Send(kGet);
  EXPECT_EQ(clients[3].ReadReply()->status, 200);
  EXPECT_TRUE(clients[0].IsClosed());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(HttpServerTest, Http10NeedsNoHostWhereThatIsAllowed) {
  options_.limits.head.http10_without_host = true;
  Start();
  EXPECT_EQ(Ask("GET /a HTTP/1.0\r\n\r\n")->status, 200);
  EXPECT_EQ(Ask("GET /a HTTP/1.0\r\nHost: h\r\n\r\n")->status, 200);
  ExpectRefused(400, "GET /a HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n");
  ExpectRefused(400, "GET /a HTTP/1.1\r\n\r\n");
}

struct RawCase {
  const char* name;
  int status;
  std::string bytes;
};

std::vector<RawCase> RawCases() {
  const std::string host = "Host: h\r\n";
  const auto get = [](const std::string& headers) {
    return "GET /a HTTP/1.1\r\n" + headers + "\r\n";
  };
  const auto post = [&](const std::string& headers, const std::string& body) {
    return "POST /a HTTP/1.1\r\n" + host + headers + "\r\n" + body;
  };
  const std::string chunk = "0\r\n\r\n";
  using namespace std::string_literals;
  return {
      {"H14_NoHostInHttp10", 400, "GET /a HTTP/1.0\r\n\r\n"},
      {"H06_LowerCaseMethod", 400, "get /a HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"H11_Garbage", 400, "\x01\x02\x03garbage"},
      {"H11_TlsHello", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s},
      {"H11_Http2Preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"H11_Http09", 400, "GET /a\r\n"},
      {"H11_Http12", 505, "GET /a HTTP/1.2\r\nHost: h\r\n\r\n"},
      {"H11_Http3", 400, "GET /a HTTP/3\r\nHost: h\r\n\r\n"},
      {"H11_TwoBlanks", 400, "GET  /a HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"H12_LengthAndChunked", 400,
       post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunk)},
      {"H12_ChunkedAndLength", 400,
       post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunk)},
      {"H12_TwoLengths", 400, post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd")},
      {"H12_TwoEqualLengths", 400, post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")},
      {"H12_LengthWithSign", 400, post("Content-Length: +3\r\n", "abc")},
      {"H12_NegativeLength", 400, post("Content-Length: -3\r\n", "abc")},
      {"H12_LengthList", 400, post("Content-Length: 3, 3\r\n", "abc")},
      {"H12_HexLength", 400, post("Content-Length: 0x3\r\n", "abc")},
      {"H12_EmptyLength", 400, post("Content-Length:\r\n", "abc")},
      {"H12_OverflowingLength", 400, post("Content-Length: 18446744073709551619\r\n", "abc")},
      {"H13_Xchunked", 400, post("Transfer-Encoding: xchunked\r\n", chunk)},
      {"H13_ChunkedIdentity", 400, post("Transfer-Encoding: chunked, identity\r\n", chunk)},
      {"H13_GzipChunked", 400, post("Transfer-Encoding: gzip, chunked\r\n", chunk)},
      {"H13_ChunkedTwice", 400,
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunk)},
      {"H13_EmptyCoding", 400, post("Transfer-Encoding:\r\n", chunk)},
      {"H13_ChunkedOnHttp10", 400,
       "POST /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk},
      {"H13_BadChunkSize", 400, post("Transfer-Encoding: chunked\r\n", "zz\r\nabc\r\n0\r\n\r\n")},
      {"H13_ChunkWithoutEnd", 400,
       post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n")},
      {"H14_NoHost", 400, get("")},
      {"H14_TwoHosts", 400, get("Host: h\r\nHost: h\r\n")},
      {"H14_WrongHost", 400, get("Host: h/evil\r\n")},
      {"H14_AbsoluteForm", 404, "GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"H14_Asterisk", 400, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"H14_Authority", 400, "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"H15_FoldedLine", 400, get("Host: h\r\nX: a\r\n b\r\n")},
      {"H15_Nul", 400, get("Host: h\r\nX: a\0b\r\n"s)},
      {"H15_BareCr", 400, get("Host: h\r\nX: a\rb\r\n")},
      {"H15_BareLf", 400, "GET /a HTTP/1.1\nHost: h\n\n"},
      {"H15_BareLfInside", 400, get("Host: h\r\nX: a\nY: b\r\n")},
      {"H15_BlankBeforeColon", 400, get("Host: h\r\nX : a\r\n")},
      {"H15_NoColon", 400, get("Host: h\r\nnonsense\r\n")},
      {"H15_Fragment", 400, "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"H15_RawByteInTarget", 400, "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"H16_Expect", 417, post("Content-Length: 3\r\nExpect: 100-continue\r\n", "")},
      {"H17_BrokenEscape", 400, "GET /a?x=%4 HTTP/1.1\r\nHost: h\r\n\r\n"},
  };
}

TEST_F(HttpServerTest, H11_H12_H13_H14_H15_H16_H17_RawCasesAreRefusedAndTheConnectionIsClosed) {
  Start();
  for (const RawCase& c : RawCases()) {
    SCOPED_TRACE(c.name);
    // A second request behind the first must not be seen: that would be smuggling.
    ExpectRefused(c.status, c.bytes + kGet);
  }
  EXPECT_EQ(Ask(kGet)->status, 200);
}

TEST_F(HttpServerTest, H16_UpgradeIsIgnored) {
  Start();
  for (const char* protocol : {"h2c", "websocket"}) {
    const auto reply = Ask(absl::StrCat(
        "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: ", protocol, "\r\n\r\n"));
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->status, 200) << protocol;
  }
}

TEST_F(HttpServerTest, H20_ForwardedAddressIsIgnored) {
  Start();
  EXPECT_EQ(Ask("GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n")->body,
            "GET /a 0 127.0.0.1");
}

}  // namespace
}  // namespace hongyan
