#include "server/doors/grpc/grpc_server.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "server/async/task.h"
#include "server/base/log.h"
#include "server/doors/grpc/files.h"

namespace hongyan::doors {
namespace {

constexpr int kMaxStreams = 128;
constexpr int kMaxMetadataBytes = 8 << 10;
constexpr int kHandshakeMillis = 10000;
constexpr int kIdleMillis = 5 * 60 * 1000;
constexpr int kAgeMillis = 30 * 60 * 1000;
// As long as the longest call, so that none is cut off without its details: an old connection takes no new ones.
constexpr int kAgeGraceMillis = 24 * 60 * 60 * 1000;
constexpr int kKeepaliveMillis = 60 * 1000;
constexpr int kKeepaliveTimeoutMillis = 20 * 1000;
constexpr int kMinPingMillis = 30 * 1000;
constexpr int kPingStrikes = 2;

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(
    const GrpcServerOptions& options) {
  if (options.cert_file.empty()) return grpc::InsecureServerCredentials();
  auto cert = ReadFile(options.cert_file);
  if (!cert.ok()) return cert.status();
  auto key = ReadFile(options.key_file);
  if (!key.ok()) return key.status();
  grpc::SslServerCredentialsOptions tls(
      options.client_ca_file.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                     : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  if (!options.client_ca_file.empty()) {
    auto ca = ReadFile(options.client_ca_file);
    if (!ca.ok()) return ca.status();
    tls.pem_root_certs = *std::move(ca);
  }
  tls.pem_key_cert_pairs.push_back({*std::move(key), *std::move(cert)});
  return grpc::SslServerCredentials(tls);
}

// What the system says to such a listener; gRPC keeps it to itself.
std::string WhyNot(const std::string& listen) {
  namespace asio = async::asio;
  const std::size_t colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  std::uint32_t port = 0;
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (error || !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port > 65535) {
    return "not IP:PORT or [IPV6]:PORT";
  }
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor(context);
  const asio::ip::tcp::endpoint endpoint(address, static_cast<std::uint16_t>(port));
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  return error ? error.message() : "gRPC gives no reason";
}

// Peers choose what the core logs, so it is theirs to flood.
void LogFromGrpc(gpr_log_func_args* args) {
  constexpr int kLinesPerSecond = 10;
  static std::atomic<std::int64_t> second{0};
  static std::atomic<int> lines{0};
  const std::int64_t now = absl::ToUnixSeconds(absl::Now());
  if (second.exchange(now) != now) lines = 0;
  if (++lines > kLinesPerSecond) return;
  const auto level =
      args->severity == GPR_LOG_SEVERITY_ERROR ? base::Level::kWarn : base::Level::kDebug;
  base::Log(level, "grpc", {{"message", args->message}});
}

}  // namespace

absl::Status GrpcServer::Start(const GrpcServerOptions& options,
                               const std::vector<grpc::Service*>& services) {
  auto credentials = Credentials(options);
  if (!credentials.ok()) return credentials.status();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_request_bytes));
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMillis);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMillis);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kAgeMillis);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kAgeGraceMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingMillis);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kPingStrikes);
  int port = 0;
  builder.AddListeningPort(options.listen, *credentials, &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("can't listen on ", options.listen, ": ", WhyNot(options.listen)));
  }
  address_ = absl::StrCat(options.listen.substr(0, options.listen.rfind(':')), ":", port);
  return absl::OkStatus();
}

void GrpcServer::Shutdown(absl::Duration limit) {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(limit));
  server_->Wait();
}

void GrpcServer::HangUp() {
  if (server_ != nullptr) grpc_server_cancel_all_calls(server_->c_server());
}

void PrepareGrpc() {
  // A debugging aid that Debian's build of Abseil has on; it costs each call about 2 % of its CPU time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  gpr_set_log_function(&LogFromGrpc);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
}

}  // namespace hongyan::doors
