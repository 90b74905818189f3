#include "server/http/http_server.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <cerrno>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/http/endpoint.h"
#include "server/http/peer_network.h"

namespace hongyan::http {
namespace {

namespace asio = async::asio;
using async::Task;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);

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
      // Those that were evicted end at the loop's next turn.
      connections_(executor, clock, 2 * options_.max_connections) {}

HttpServer::~HttpServer() {
  if (spare_descriptor_ >= 0) close(spare_descriptor_);
}

absl::StatusOr<std::string> HttpServer::StartListening(absl::string_view address) {
  const auto endpoint = ParseEndpoint(address);
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

Task<bool> HttpServer::Finish(async::MonoTime until) {
  StopListening();
  draining_ = true;
  for (const auto& [connection, peer] : live_) connection->Finish();
  co_return co_await connections_.Drain(until);
}

Task<void> HttpServer::Drain(async::MonoTime until) {
  const bool all_ended = co_await Finish(until);
  if (!all_ended) {
    for (const auto& [connection, peer] : live_) connection->Close();
    connections_.CancelAll();
    co_await connections_.Drain(async::MonoTime::max());
  }
  co_await accepting_.Drain(async::MonoTime::max());
}

Task<void> HttpServer::AcceptLoop() {
  while (!stopping_) {
    auto [error, socket] = co_await acceptor_.async_accept(asio::as_tuple(async::use_task));
    if (stopping_) co_return;
    if (!error) {
      Take(std::move(socket));
      continue;
    }
    const bool none_left = error.value() == EMFILE || error.value() == ENFILE;
    if (none_left && TakeWithoutDescriptor()) continue;
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

// Whether a connection was taken. The kernel would report the same one again and again, also when
// none waits. The spare descriptor lets us look; what it brings takes the descriptor of the one
// that has waited longest, and is closed only when none waits.
bool HttpServer::TakeWithoutDescriptor() {
  if (spare_descriptor_ < 0) spare_descriptor_ = OpenSpare();
  if (spare_descriptor_ < 0) {
    if (!Evict(waiting_.Next())) return false;
    spare_descriptor_ = OpenSpare();
    return false;
  }
  close(spare_descriptor_);
  error_code error;
  acceptor_.non_blocking(true, error);
  TcpSocket socket(executor_);
  acceptor_.accept(socket, error);
  spare_descriptor_ = OpenSpare();
  if (error) return false;
  if (spare_descriptor_ < 0 && Evict(waiting_.Next())) spare_descriptor_ = OpenSpare();
  if (spare_descriptor_ >= 0) {
    Take(std::move(socket));
    return true;
  }
  handler_.OnRefused(0, {});
  socket.close(error);
  spare_descriptor_ = OpenSpare();
  return false;
}

void HttpServer::Take(TcpSocket socket) {
  error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) return;
  Peer peer{remote.address().to_string(), MaskToNetwork(remote.address()).to_string()};
  if (!MakeRoom(peer.origin)) {
    handler_.OnRefused(0, peer.address);
    return;
  }
  socket.set_option(tcp::no_delay(true), error);
  auto stream = tls_ ? NewTlsStream(std::move(socket), tls_) : NewPlainStream(std::move(socket));
  auto connection =
      std::make_shared<HttpConnection>(std::move(stream), executor_, options_.limits, handler_,
                                       clock_, peer.address, waiting_, peer.origin);
  ++per_origin_[peer.origin];
  live_.emplace(connection.get(), std::move(peer));
  if (connections_.Spawn(Serve(connection))) return;
  Forget(connection.get());
}

bool HttpServer::MakeRoom(const std::string& origin) {
  const std::size_t limit = options_.max_connections_per_address;
  const auto it = per_origin_.find(origin);
  const bool origin_is_full = limit > 0 && it != per_origin_.end() && it->second >= limit;
  if (origin_is_full) return Evict(waiting_.Next(origin));
  return live_.size() < options_.max_connections || Evict(waiting_.Next());
}

bool HttpServer::Evict(HttpConnection* connection) {
  if (connection == nullptr) return false;
  handler_.OnEvicted(live_.at(connection).address);
  connection->Close();
  Forget(connection);
  return true;
}

void HttpServer::Forget(HttpConnection* connection) {
  const auto it = live_.find(connection);
  if (it == live_.end()) return;  // evicted before
  const auto origin = per_origin_.find(it->second.origin);
  if (--origin->second == 0) per_origin_.erase(origin);
  live_.erase(it);
}

Task<void> HttpServer::Serve(std::shared_ptr<HttpConnection> connection) {
  // Whatever ends the connection, an exception too.
  const absl::Cleanup forget = [this, &connection] { Forget(connection.get()); };
  if (draining_) connection->Finish();
  co_await connection->Run();
}

}  // namespace hongyan::http
