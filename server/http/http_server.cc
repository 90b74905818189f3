#include "server/http/http_server.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/base/log.h"

namespace hongyan::http {
namespace {

namespace asio = async::asio;
using async::Task;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);

absl::StatusOr<tcp::endpoint> ParseAddress(absl::string_view address) {
  const auto wrong = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("listen address \"", address, "\" is not IP:PORT or [IPV6]:PORT"));
  };
  const std::size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos) return wrong();
  absl::string_view host = address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  std::uint32_t port = 0;
  if (!absl::SimpleAtoi(address.substr(colon + 1), &port) || port > 65535) return wrong();
  if (host == "localhost") host = "127.0.0.1";
  error_code error;
  const auto ip = asio::ip::make_address(std::string(host), error);
  if (error || ip.is_v6() != bracketed) return wrong();
  return tcp::endpoint(ip, static_cast<std::uint16_t>(port));
}

std::string ToText(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", host, "]:", endpoint.port())
                                    : absl::StrCat(host, ":", endpoint.port());
}

int OpenSpare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

HttpServer::HttpServer(async::Executor executor, async::Clock& clock, HttpHandler& handler,
                       ServerOptions options)
    : executor_(executor),
      clock_(clock),
      handler_(handler),
      options_(std::move(options)),
      acceptor_(executor),
      pause_(clock.NewAlarm()),
      accepting_(executor, clock, 1),
      connections_(executor, clock, options_.max_connections) {}

HttpServer::~HttpServer() {
  if (spare_descriptor_ >= 0) close(spare_descriptor_);
}

absl::StatusOr<std::string> HttpServer::StartListening(absl::string_view address) {
  const auto endpoint = ParseAddress(address);
  if (!endpoint.ok()) return endpoint.status();
  if (!options_.cert_file.empty()) {
    auto context = NewTlsContext(options_.cert_file, options_.key_file);
    if (!context.ok()) return context.status();
    tls_ = *std::move(context);
  }
  error_code error;
  acceptor_.open(endpoint->protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(*endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  const tcp::endpoint bound = error ? tcp::endpoint() : acceptor_.local_endpoint(error);
  if (error) {
    return absl::UnavailableError(absl::StrCat("can't listen on ", address, ": ", error.message()));
  }
  spare_descriptor_ = OpenSpare();
  accepting_.Spawn(AcceptLoop());
  return ToText(bound);
}

void HttpServer::StopListening() {
  if (std::exchange(stopping_, true)) return;
  error_code ignored;
  acceptor_.close(ignored);
  pause_->Cancel();
}

Task<void> HttpServer::Drain(async::MonoTime until) {
  StopListening();
  draining_ = true;
  for (HttpConnection* connection : live_) connection->Finish();
  const bool all_ended = co_await connections_.Drain(until);
  if (!all_ended) {
    for (HttpConnection* connection : live_) connection->Close();
    connections_.CancelAll();
    co_await connections_.Drain(async::MonoTime::max());
  }
  co_await accepting_.Drain(async::MonoTime::max());
}

ServerCounts HttpServer::counts() const { return {connections_.size(), accepted_, refused_}; }

Task<void> HttpServer::AcceptLoop() {
  while (!stopping_) {
    auto [error, socket] = co_await acceptor_.async_accept(asio::as_tuple(async::use_task));
    if (stopping_) co_return;
    if (!error) {
      Take(std::move(socket));
      continue;
    }
    if (error.value() == EMFILE || error.value() == ENFILE) RefuseForWantOfDescriptors();
    // Aborted and reset connections are the peer's affair; anything else may last, so it is not
    // asked again at once.
    if (error == asio::error::connection_aborted || error == asio::error::connection_reset)
      continue;
    const async::MonoTime now = clock_.Mono();
    if (now >= next_warning_) {
      base::Log(base::Level::kWarn, "accept failed",
                {{"listener", options_.name}, {"error", error.message()}});
      next_warning_ = async::After(now, absl::Seconds(1));
    }
    co_await pause_->WaitUntil(async::After(now, kAcceptPause));
  }
}

// The kernel would report the same waiting connection again and again. The spare descriptor lets us
// take and close it.
void HttpServer::RefuseForWantOfDescriptors() {
  if (spare_descriptor_ < 0) {
    spare_descriptor_ = OpenSpare();
    return;
  }
  close(spare_descriptor_);
  error_code error;
  acceptor_.non_blocking(true, error);
  {
    TcpSocket dropped(executor_);
    acceptor_.accept(dropped, error);
    if (!error) Refused({});
  }
  spare_descriptor_ = OpenSpare();
}

void HttpServer::Take(TcpSocket socket) {
  error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) return;
  std::string peer = remote.address().to_string();
  if (OverLimit(peer)) {
    Refused(peer);
    return;
  }
  socket.set_option(tcp::no_delay(true), error);
  auto stream = tls_ ? NewTlsStream(std::move(socket), tls_) : NewPlainStream(std::move(socket));
  auto connection = std::make_shared<HttpConnection>(std::move(stream), executor_, options_.limits,
                                                     handler_, clock_, peer);
  ++accepted_;
  ++per_address_[peer];
  live_.insert(connection.get());
  // There is room: OverLimit() has looked.
  connections_.Spawn(Serve(std::move(connection), std::move(peer)));
}

void HttpServer::Refused(absl::string_view peer) {
  ++refused_;
  handler_.OnRefused(0, peer);
}

bool HttpServer::OverLimit(const std::string& peer) {
  if (connections_.size() >= options_.max_connections) return true;
  if (options_.max_connections_per_address == 0) return false;
  const auto it = per_address_.find(peer);
  return it != per_address_.end() && it->second >= options_.max_connections_per_address;
}

Task<void> HttpServer::Serve(std::shared_ptr<HttpConnection> connection, std::string peer) {
  // Whatever ends the connection, an exception too.
  const absl::Cleanup forget = [this, &connection, &peer] {
    live_.erase(connection.get());
    const auto it = per_address_.find(peer);
    if (--it->second == 0) per_address_.erase(it);
  };
  if (draining_) connection->Finish();
  co_await connection->Run();
}

}  // namespace hongyan::http
