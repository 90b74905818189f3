#include "http_server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <exception>

#include "api_session.h"
#include "connection.h"
#include "control_push.h"

namespace hongyan::sandbox {
namespace {

namespace json = boost::json;
using tcp = asio::ip::tcp;

constexpr int64_t kMostConnections = 4096;
constexpr uint64_t kMostBodyBytes = 1 << 20;
constexpr uint32_t kMostHeaderBytes = 16 << 10;
constexpr auto kIdleLimit = std::chrono::seconds(75);
constexpr auto kBodyLimit = std::chrono::seconds(30);
constexpr auto kSweepInterval = std::chrono::milliseconds(250);

// A coroutine that ends by an exception is our own mistake; it ends alone and is told on standard
// error.
void ReportException(std::exception_ptr exception) {
  if (!exception) return;
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hongyan-sandbox: a connection ended by an exception: %s\n", error.what());
  }
}

// Counts a connection while it lives, however it ends.
class OpenConnection {
 public:
  OpenConnection(std::shared_ptr<std::set<Connection*>> all, Counters& counters,
                 Connection* connection)
      : all_(std::move(all)), counters_(counters), connection_(connection) {
    all_->insert(connection_);
    counters_.connections_peak = std::max(counters_.connections_peak, ++counters_.connections_open);
  }
  ~OpenConnection() {
    all_->erase(connection_);
    --counters_.connections_open;
  }
  OpenConnection(const OpenConnection&) = delete;
  OpenConnection& operator=(const OpenConnection&) = delete;

 private:
  std::shared_ptr<std::set<Connection*>> all_;
  Counters& counters_;
  Connection* connection_;
};

std::string HttpText(const ControlAnswer& control, bool keep_alive) {
  HttpAnswer answer;
  answer.status = control.status;
  answer.keep_alive = keep_alive;
  answer.content_type =
      control.text.has_value() ? "text/plain; charset=utf-8" : "application/json; charset=utf-8";
  answer.body = control.text.has_value() ? *control.text : json::serialize(control.body) + "\n";
  const HttpBytes bytes = Render(answer);
  return bytes.head + bytes.body;
}

asio::awaitable<ControlAnswer> AnswerControl(Sandbox& sandbox, CallbackPusher& pusher,
                                             RequestParser& parser) {
  ControlRequest request;
  const std::string target(parser.get().target());
  const size_t question = std::min(target.find('?'), target.size());
  request.method = std::string(parser.get().method_string());
  request.path = target.substr(0, question);
  request.query = Query(std::string_view(target).substr(std::min(question + 1, target.size())));
  const std::string& body = parser.get().body();
  if (!body.empty()) {
    json::error_code error;
    json::value document = json::parse(body, error);
    if (error || !document.is_object()) co_return ControlError(400, "body: a JSON object expected");
    request.body = std::move(document.get_object());
  }
  if (std::optional<ControlAnswer> answer = HandleControl(sandbox, request)) {
    co_return std::move(*answer);
  }
  co_return co_await HandleWaitingControl(sandbox, pusher, std::move(request));
}

asio::awaitable<bool> ServeControlRequest(Sandbox& sandbox, CallbackPusher& pusher,
                                          Connection& connection, RequestParser& parser) {
  auto [error, bytes] =
      co_await http::async_read(connection.stream, connection.buffer, parser, kAsValue);
  if (error) co_return false;
  connection.Allow(kServeLimit);
  const ControlAnswer answer = co_await AnswerControl(sandbox, pusher, parser);
  const bool keep_alive = parser.get().keep_alive();
  const bool sent = co_await WriteAll(connection, HttpText(answer, keep_alive));
  co_return sent&& keep_alive;
}

// Reads the next header; false if none came.
asio::awaitable<bool> ReadHeader(Sandbox& sandbox, std::shared_ptr<Connection> connection,
                                 RequestParser& parser) {
  connection->Allow(kIdleLimit);
  if (connection->idle_close_ms > 0) {
    connection->timer.expires_after(std::chrono::milliseconds(connection->idle_close_ms));
    connection->timer.async_wait([connection](const boost::system::error_code& error) {
      if (!error) connection->End(connection->idle_close_resets);
    });
  }
  auto [error, bytes] =
      co_await http::async_read_header(connection->stream, connection->buffer, parser, kAsValue);
  connection->timer.cancel();
  if (!error) co_return true;
  const bool peer_left =
      error == http::error::end_of_stream ||
      error.category() != http::make_error_code(http::error::bad_method).category();
  if (peer_left || error == http::error::partial_message) co_return false;
  HttpAnswer answer;
  answer.status = error == http::error::body_limit     ? 413
                  : error == http::error::header_limit ? 431
                                                       : 400;
  if (answer.status == 413) {
    ++sandbox.counters.too_large_bodies;
  } else {
    ++sandbox.counters.malformed_http;
  }
  answer.content_type = "text/html";
  answer.body = HtmlPage(answer.status);
  answer.keep_alive = false;
  const HttpBytes page = Render(answer);
  co_await WriteAll(*connection, page.head + page.body);
  co_await EndGently(*connection);
  co_return false;
}

}  // namespace

asio::awaitable<bool> WriteAll(Connection& connection, std::string bytes) {
  auto [error, written] =
      co_await asio::async_write(connection.stream, asio::buffer(bytes), kAsValue);
  co_return !error;
}

asio::awaitable<void> Sleep(Connection& connection, int64_t milliseconds) {
  connection.timer.expires_after(std::chrono::milliseconds(milliseconds));
  co_await connection.timer.async_wait(kAsValue);
}

asio::awaitable<void> EndGently(Connection& connection) {
  boost::system::error_code ignored;
  connection.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  connection.Allow(std::chrono::seconds(1));
  std::string discarded(65536, '\0');
  for (int reads = 0; reads < 64; ++reads) {
    auto [error, bytes] =
        co_await connection.stream.socket().async_read_some(asio::buffer(discarded), kAsValue);
    if (error) break;
  }
  connection.stream.Close();
}

HttpServer::HttpServer(asio::io_context& io, Sandbox& sandbox, CallbackPusher& pusher,
                       asio::ssl::context* tls)
    : io_(io),
      sandbox_(sandbox),
      pusher_(pusher),
      tls_(tls),
      acceptor_(io),
      connections_(std::make_shared<std::set<Connection*>>()) {}

HttpServer::~HttpServer() = default;

std::string HttpServer::Listen(const std::string& address) {
  const size_t colon = address.rfind(':');
  int64_t port = 0;
  if (colon == std::string::npos || !ParseInt(address.substr(colon + 1), &port) || port < 0 ||
      port > 65535) {
    return "HOST:PORT expected, such as 127.0.0.1:8900";
  }
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code error;
  const asio::ip::address ip = asio::ip::make_address(host, error);
  if (error) return host + " is no address";
  const tcp::endpoint endpoint(ip, static_cast<uint16_t>(port));
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(4096, error);
  return error ? error.message() : "";
}

std::string HttpServer::LocalAddress() const {
  boost::system::error_code error;
  const tcp::endpoint endpoint = acceptor_.local_endpoint(error);
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
         std::to_string(endpoint.port());
}

void HttpServer::Start() {
  asio::co_spawn(io_, Accept(), ReportException);
  asio::co_spawn(io_, EndOverdueConnections(), ReportException);
}

asio::awaitable<void> HttpServer::Accept() {
  asio::steady_timer pause(io_);
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(kAsValue);
    if (error) {
      // Out of descriptors, most likely: those in use come back.
      pause.expires_after(std::chrono::milliseconds(20));
      co_await pause.async_wait(kAsValue);
      continue;
    }
    Counters& counters = sandbox_.counters;
    if (counters.connections_open >= kMostConnections) {
      ++counters.connections_refused;
      continue;
    }
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto connection = std::make_shared<Connection>(std::move(socket), tls_);
    const tcp::endpoint remote = connection->stream.socket().remote_endpoint(ignored);
    connection->remote_address = remote.address().to_string();
    connection->id = next_connection_++;
    ++counters.connections_total;
    asio::co_spawn(io_, Serve(std::move(connection)), ReportException);
  }
}

asio::awaitable<void> HttpServer::Serve(std::shared_ptr<Connection> connection) {
  const OpenConnection open(connections_, sandbox_.counters, connection.get());
  if (connection->stream.is_tls()) {
    connection->Allow(std::chrono::seconds(10));
    auto [error] =
        co_await connection->stream.tls().async_handshake(asio::ssl::stream_base::server, kAsValue);
    if (error) co_return;
  }
  bool again = true;
  while (again) {
    RequestParser parser;
    parser.header_limit(kMostHeaderBytes);
    parser.body_limit(kMostBodyBytes);
    const bool arrived = co_await ReadHeader(sandbox_, connection, parser);
    if (!arrived) break;
    connection->Allow(kBodyLimit);
    const auto target = parser.get().target();
    const bool control = target.substr(0, 8) == "/sandbox" &&
                         (target.size() == 8 || target[8] == '/' || target[8] == '?');
    if (control) {
      again = co_await ServeControlRequest(sandbox_, pusher_, *connection, parser);
    } else {
      ++connection->requests;
      again = co_await ServeApiRequest(sandbox_, pusher_, *connection, parser);
    }
  }
  connection->stream.Close();
}

asio::awaitable<void> HttpServer::EndOverdueConnections() {
  asio::steady_timer timer(io_);
  for (;;) {
    timer.expires_after(kSweepInterval);
    co_await timer.async_wait(kAsValue);
    const auto now = std::chrono::steady_clock::now();
    for (Connection* connection : *connections_) {
      if (connection->overdue < now) connection->stream.Close();
    }
  }
}

}  // namespace hongyan::sandbox
