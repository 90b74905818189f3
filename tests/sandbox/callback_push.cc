#include "callback_push.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <utility>

#include "any_stream.h"

namespace hongyan::sandbox {
namespace {

namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

struct Target {
  bool tls = false;
  std::string host;
  std::string port;
  std::string path;
};

// False if `url` is neither http:// nor https://.
bool ParseUrl(std::string url, Target* target) {
  if (url.rfind("http://", 0) == 0) {
    url.erase(0, 7);
  } else if (url.rfind("https://", 0) == 0) {
    url.erase(0, 8);
    target->tls = true;
  } else {
    return false;
  }
  const size_t slash = std::min(url.find('/'), url.size());
  target->path = slash < url.size() ? url.substr(slash) : "/";
  std::string authority = url.substr(0, slash);
  const size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string::npos && authority.find(']', colon) == std::string::npos;
  target->port = has_port ? authority.substr(colon + 1) : (target->tls ? "443" : "80");
  target->host = has_port ? authority.substr(0, colon) : authority;
  if (target->host.size() > 2 && target->host.front() == '[') {
    target->host = target->host.substr(1, target->host.size() - 2);
  }
  return !target->host.empty();
}

// Holds what the time limit has to end.
struct Transfer {
  explicit Transfer(const asio::any_io_executor& executor)
      : resolver(executor), stream(tcp::socket(executor), nullptr) {}
  Transfer(const asio::any_io_executor& executor, asio::ssl::context* tls)
      : resolver(executor), stream(tcp::socket(executor), tls) {}

  void End() {
    resolver.cancel();
    stream.Close();
  }

  tcp::resolver resolver;
  AnyStream stream;
  bool timed_out = false;
};

asio::awaitable<std::string> Exchange(std::shared_ptr<Transfer> transfer, Target target,
                                      PushRequest request, PushOutcome* outcome) {
  auto [resolve_error, endpoints] =
      co_await transfer->resolver.async_resolve(target.host, target.port, kToken);
  if (resolve_error) co_return "resolve: " + resolve_error.message();
  auto [connect_error, endpoint] =
      co_await asio::async_connect(transfer->stream.socket(), endpoints, kToken);
  if (connect_error) co_return "connect: " + connect_error.message();
  transfer->stream.socket().set_option(tcp::no_delay(true));
  if (target.tls) {
    SSL_set_tlsext_host_name(transfer->stream.tls().native_handle(), target.host.c_str());
    auto [tls_error] =
        co_await transfer->stream.tls().async_handshake(asio::ssl::stream_base::client, kToken);
    if (tls_error) co_return "tls: " + tls_error.message();
  }

  const char separator = target.path.find('?') == std::string::npos ? '?' : '&';
  std::string head = request.method + " " + target.path + separator + request.query +
                     " HTTP/1.1\r\nUser-Agent: Mozilla/4.0\r\nAccept: */*\r\nHost: " + target.host +
                     (target.port == "80" || target.port == "443" ? "" : ":" + target.port) +
                     "\r\nPragma: no-cache\r\nConnection: close\r\n";
  if (request.method == "POST") {
    head += "Content-Length: " + std::to_string(request.body.size()) +
            "\r\nContent-Type: " + request.content_type + "\r\n";
  }
  const std::string bytes = head + "\r\n" + request.body;
  auto [write_error, written] =
      co_await asio::async_write(transfer->stream, asio::buffer(bytes), kToken);
  // Whoever refuses a long body need not read it to the end: the answer may be there already.

  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(1 << 20);
  auto [read_error, read] = co_await http::async_read(transfer->stream, buffer, parser, kToken);
  if (read_error && write_error) co_return "write: " + write_error.message();
  if (read_error) co_return "read: " + read_error.message();
  outcome->status = parser.get().result_int();
  outcome->body = parser.get().body();
  outcome->content_type = std::string(parser.get()[http::field::content_type]);
  co_return "";
}

}  // namespace

CallbackPusher::CallbackPusher() : tls_(asio::ssl::context::tls_client) {
  tls_.set_verify_mode(asio::ssl::verify_none);
}

asio::awaitable<PushOutcome> CallbackPusher::Push(PushRequest request) {
  PushOutcome outcome;
  Target target;
  if (!ParseUrl(request.url, &target)) {
    outcome.error = "the account has no callback URL (http:// or https://)";
    co_return outcome;
  }
  const auto started = std::chrono::steady_clock::now();
  const auto executor = co_await asio::this_coro::executor;
  auto transfer = target.tls ? std::make_shared<Transfer>(executor, &tls_)
                             : std::make_shared<Transfer>(executor);
  asio::steady_timer timer(executor, request.time_limit);
  timer.async_wait([transfer](const boost::system::error_code& error) {
    if (error) return;
    transfer->timed_out = true;
    transfer->End();
  });
  outcome.error = co_await Exchange(transfer, target, std::move(request), &outcome);
  timer.cancel();
  transfer->stream.Close();
  if (transfer->timed_out) {
    outcome.status = 0;
    outcome.error = "no answer within the time limit";
  }
  outcome.elapsed_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::steady_clock::now() - started)
                           .count();
  co_return outcome;
}

}  // namespace hongyan::sandbox
