// The HTTP server of the sandbox: accepts, reads requests, lets faults act, writes answers.
//
// Contract: one listener serves WeChat's calls and /sandbox/…; faults never touch the latter. Every
// request of the former is
//           in the ledger before anything is done about it. Keep-alive; pipelined requests are
//           answered in order.
// Errors:   Listen() says why it can't; a broken connection ends alone.
// Threads:  event loop only.       Lifetime: sandbox, pusher and TLS context outlive the server.
// Bounds:   4096 connections, 16 KiB of header, 1 MiB of body, 75 s idle, 30 s for a body or a
// write.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <set>
#include <string>

#include "callback_push.h"
#include "sandbox.h"

namespace hongyan::sandbox {

struct Connection;

class HttpServer {
 public:
  // `tls` may be null.
  HttpServer(boost::asio::io_context& io, Sandbox& sandbox, CallbackPusher& pusher,
             boost::asio::ssl::context* tls);
  ~HttpServer();

  // "" or what is wrong with "HOST:PORT".
  std::string Listen(const std::string& address);
  std::string LocalAddress() const;
  void Start();

 private:
  boost::asio::awaitable<void> Accept();
  boost::asio::awaitable<void> EndOverdueConnections();
  boost::asio::awaitable<void> Serve(std::shared_ptr<Connection> connection);

  boost::asio::io_context& io_;
  Sandbox& sandbox_;
  CallbackPusher& pusher_;
  boost::asio::ssl::context* tls_;
  boost::asio::ip::tcp::acceptor acceptor_;
  // Shared with the connections themselves: they may end after the server, when the loop is
  // destroyed.
  std::shared_ptr<std::set<Connection*>> connections_;
  int64_t next_connection_ = 1;
};

}  // namespace hongyan::sandbox
