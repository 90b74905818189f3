#include "server/endpoints/grpc/grpc_server.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "server/base/log.h"
#include "server/endpoints/grpc/files.h"

namespace hongyan::endpoints {
namespace {

constexpr int kMaxStreams = 128;
constexpr int kMaxMetadataBytes = 8 << 10;
constexpr int kHandshakeMillis = 10000;
constexpr int kIdleMillis = 5 * 60 * 1000;
constexpr int kAgeMillis = 30 * 60 * 1000;
// As long as the longest call, so that none is cut off without its details: an old connection takes
// no new ones.
constexpr int kAgeGraceMillis = 24 * 60 * 60 * 1000;
constexpr int kKeepaliveMillis = 60 * 1000;
constexpr int kKeepaliveTimeoutMillis = 20 * 1000;
// Half of the 10 s that clients may be set to, for two pings may come closer together than they
// were sent.
constexpr int kMinPingMillis = 5 * 1000;
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

// As gRPC prepares what it accepts itself.
void SetUserTimeout(int fd) {
  const unsigned int millis = kKeepaliveTimeoutMillis;
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &millis, sizeof(millis));
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

absl::Status GrpcServer::Start(const GrpcServerOptions& options, Router& router) {
  auto credentials = Credentials(options);
  if (!credentials.ok()) return credentials.status();
  AcceptorOptions limits;
  limits.listen = options.listen;
  limits.tls = !options.cert_file.empty();
  limits.max_connections = options.max_connections;
  limits.max_connections_per_address = options.max_connections_per_address;
  auto acceptor = std::make_unique<Acceptor>(std::move(limits));
  auto address = acceptor->Listen();
  if (!address.ok()) return address.status();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_request_bytes));
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMillis);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMillis);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kAgeMillis);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kAgeGraceMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingMillis);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kPingStrikes);
  using External = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
  connections_ =
      builder.experimental().AddExternalConnectionAcceptor(External::FROM_FD, *credentials);
  router.AddTo(builder);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("can't serve on ", options.listen, ": gRPC gives no reason"));
  }
  router_ = &router;
  router_->Start();
  address_ = *std::move(address);
  acceptor_ = std::move(acceptor);
  acceptor_->Start([connections = connections_.get()](int fd) {
    SetUserTimeout(fd);
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = fd;
    connections->HandleNewConnection(&connection);
  });
  return absl::OkStatus();
}

void GrpcServer::Shutdown(absl::Duration limit) {
  if (server_ == nullptr) return;
  acceptor_->Stop();  // first: gRPC would leave open what it is given later
  server_->Shutdown(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_millis(absl::ToInt64Milliseconds(limit), GPR_TIMESPAN)));
  router_->Stop();
}

void GrpcServer::HangUp() {
  if (server_ != nullptr) grpc_server_cancel_all_calls(server_->c_server());
}

AcceptorCounts GrpcServer::counts() const {
  return acceptor_ == nullptr ? AcceptorCounts() : acceptor_->counts();
}

void GrpcServer::ExpectSelf(std::uint16_t port) {
  if (acceptor_ != nullptr) acceptor_->ExpectSelf(port);
}

void PrepareGrpc() {
  // A debugging aid that Debian's build of Abseil has on; it costs each call about 2 % of its CPU
  // time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  gpr_set_log_function(&LogFromGrpc);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
}

}  // namespace hongyan::endpoints
