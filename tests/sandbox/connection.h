// One client's connection: its stream, what it has read ahead, and when it is overdue.
// Threads: event loop only.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "any_stream.h"
#include "http_answer.h"

namespace hongyan::sandbox {

namespace beast = boost::beast;
namespace http = boost::beast::http;

// Results come as values; nothing throws.
constexpr auto kAsValue = asio::as_tuple(asio::use_awaitable);

using RequestParser = http::request_parser<http::string_body>;

// Once a request is there: while faults delay or drip, the peer decides how long it waits.
constexpr auto kServeLimit = std::chrono::hours(2);

struct Connection {
  Connection(asio::ip::tcp::socket socket, asio::ssl::context* tls)
      : stream(std::move(socket), tls), timer(stream.get_executor()) {}

  void Allow(std::chrono::milliseconds time) { overdue = std::chrono::steady_clock::now() + time; }
  void End(bool with_reset) { with_reset ? stream.Reset() : stream.Close(); }

  AnyStream stream;
  beast::flat_buffer buffer;
  asio::steady_timer timer;
  std::chrono::steady_clock::time_point overdue;
  std::string remote_address;
  int64_t id = 0;
  int64_t requests = 0;
  // Set by a fault: close the connection after this time without a request.
  int64_t idle_close_ms = 0;
  bool idle_close_resets = false;
};

// False if the peer is gone.
asio::awaitable<bool> WriteAll(Connection& connection, std::string bytes);
asio::awaitable<void> Sleep(Connection& connection, int64_t milliseconds);
// Lets an answer reach a peer that is still sending, then ends the connection.
asio::awaitable<void> EndGently(Connection& connection);

}  // namespace hongyan::sandbox
