// An HTTP/1.1 server on the event loop, plain or TLS, for callers that are not trusted.
//
// Contract: StartListening() binds and accepts; requests go to the handler under the limits given.
//           When there are `max_connections` (in all, or from one address), the connection that has
//           waited longest for its peer is closed for a new one; where all of them are being
//           worked on the new one is. An IPv6 address counts as its network of 64 bits. Running out
//           of file descriptors does not end the accepting: a new connection gets that of the one
//           that has waited longest for its peer; where all are being worked on it is closed, and
//           after a pause the next is accepted.
// Errors:   StartListening: kInvalidArgument for an address or a file that is wrong, kUnavailable
//           when it can't be bound.
// Threads:  event loop only.
// Lifetime: drained before it is destroyed; the handler and the clock outlive it.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/async/clock.h"
#include "server/async/task.h"
#include "server/async/task_group.h"
#include "server/http/byte_stream.h"
#include "server/http/eviction_queue.h"
#include "server/http/http_connection.h"
#include "server/http/http_exchange.h"

namespace hongyan::http {

struct ServerOptions {
  std::string name;  // for log lines: "callback"
  ConnectionLimits limits;
  std::size_t max_connections = 1024;
  std::size_t max_connections_per_address = 0;  // 0: no such limit
  std::string cert_file;                        // both empty: no TLS
  std::string key_file;
};

class HttpServer {
 public:
  HttpServer(async::Executor executor, async::Clock& clock, HttpHandler& handler,
             ServerOptions options);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  // `address`: "127.0.0.1:8080", "[::1]:0" or "localhost:0"; port 0 takes a free one. Returns what
  // was bound. Once only.
  absl::StatusOr<std::string> StartListening(absl::string_view address);
  // Accepts no more; open connections go on.
  void StopListening();
  // Stops listening, closes idle connections and lets requests in work finish, until `until` at
  // most. True when none is left.
  async::Task<bool> Finish(async::MonoTime until);
  // The same, and closes what is left then.
  async::Task<void> Drain(async::MonoTime until);

  std::size_t open_connections() const { return live_.size(); }

 private:
  using Acceptor = async::asio::basic_socket_acceptor<async::asio::ip::tcp, async::Executor>;

  async::Task<void> AcceptLoop();
  async::Task<void> Serve(std::shared_ptr<HttpConnection> connection);
  void Take(TcpSocket socket);
  // Makes room for one more connection of `origin`. False when there is none.
  bool MakeRoom(const std::string& origin);
  // Closes `connection`. False when it is null.
  bool Evict(HttpConnection* connection);
  void Forget(HttpConnection* connection);
  bool TakeWithoutDescriptor();

  const async::Executor executor_;
  async::Clock& clock_;
  HttpHandler& handler_;
  const ServerOptions options_;
  std::shared_ptr<TlsContext> tls_;
  Acceptor acceptor_;
  std::unique_ptr<async::Alarm> pause_;
  async::MonoTime next_warning_ = async::MonoTime::min();
  int spare_descriptor_ = -1;
  bool stopping_ = false;
  bool draining_ = false;
  EvictionQueue waiting_;
  struct Peer {
    std::string address;
    std::string origin;
  };
  std::map<HttpConnection*, Peer> live_;
  std::map<std::string, std::size_t> per_origin_;
  async::TaskGroup accepting_;
  async::TaskGroup connections_;
};

}  // namespace hongyan::http
