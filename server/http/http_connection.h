// One connection of the HTTP server: requests one after the other, each bounded in bytes and in
// time.
//
// Contract: Run() serves until the peer leaves, a limit ends it, or Close(). Whatever is refused is
//           answered with its status, and then the connection is closed, read to its end for a
//           moment so that the answer arrives.
// Bounds:   about 80 KiB of a request at once; pipelined requests wait in the socket.
// Threads:  event loop only.
// Lifetime: kept by a shared_ptr; the handler, the clock and the queue outlive it.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "server/async/clock.h"
#include "server/async/task.h"
#include "server/http/byte_stream.h"
#include "server/http/eviction_queue.h"
#include "server/http/http_exchange.h"
#include "server/http/request_head.h"

namespace hongyan::http {

struct ConnectionLimits {
  HeadLimits head;
  std::size_t body_bytes = 64u << 10;
  int requests = 100;  // on one connection
  absl::Duration head_time = absl::Seconds(5);
  absl::Duration request_time = absl::Seconds(10);  // head and body, from the first byte
  absl::Duration idle_time = absl::Seconds(15);     // between two requests
  absl::Duration write_time = absl::Seconds(5);
  absl::Duration linger_time = absl::Seconds(1);  // reading on after the last answer
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::unique_ptr<ByteStream> stream, async::Executor executor,
                 const ConnectionLimits& limits, HttpHandler& handler, async::Clock& clock,
                 std::string peer, EvictionQueue& queue, std::string origin);

  async::Task<void> Run();
  // Ends after the request that is being worked on; at once when there is none.
  void Finish();
  // At once, whatever it is doing.
  void Close();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Timer =
      async::asio::basic_waitable_timer<std::chrono::steady_clock,
                                        async::asio::wait_traits<std::chrono::steady_clock>,
                                        async::Executor>;

  // Each says whether the connection goes on; if not, everything that was to be written is written.
  async::Task<bool> ServeOne();
  async::Task<bool> ReceiveHead(async::MonoTime began, HeadScanner& scanner);
  async::Task<bool> ReceiveBody(async::MonoTime began, Parser& parser);
  async::Task<bool> Reply(const HttpReply& reply, bool head_only, bool keep);
  async::Task<bool> Refuse(int status);
  async::Task<bool> RefuseUnread();
  async::Task<void> Linger();
  async::Task<bool> ReadMore();
  // From now on the connection may be closed for a newer one, until place_.Leave().
  void WaitForPeer() {
    if (!closed_) place_.Wait();
  }

  void SetDeadline(async::MonoTime when);
  void ClearDeadline() { SetDeadline(async::MonoTime::max()); }
  void Arm(async::MonoTime when);
  void OnTimer();

  std::unique_ptr<ByteStream> stream_;
  const ConnectionLimits& limits_;
  HttpHandler& handler_;
  async::Clock& clock_;
  const std::string peer_;

  std::string in_;  // received, not yet consumed
  int served_ = 0;
  bool idle_ = false;       // waits for a request's first byte
  bool finishing_ = false;  // this request is the last
  bool closed_ = false;
  async::MonoTime opened_;
  EvictionQueue::Place place_;

  // One lazy timer: it fires at `armed_`, looks whether `deadline_` has come, and otherwise sleeps
  // on.
  Timer timer_;
  async::MonoTime armed_ = async::MonoTime::max();
  async::MonoTime deadline_ = async::MonoTime::max();
  bool timed_out_ = false;
};

}  // namespace hongyan::http
