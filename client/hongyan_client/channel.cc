#include "hongyan_client/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "hongyan_client/error.h"
#include "hongyan_client/target.h"
#include "hongyan_client/visible_ascii.h"

namespace hongyan::client {
namespace {

// 10 000 users in one answer are more than gRPC's usual 4 MiB.
constexpr int kMaxAnswerBytes = 64 << 20;
constexpr int kKeepaliveTimeoutMillis = 20 * 1000;
// What gRPC calls the least backoff is how long one attempt may take, TLS included; a refused one
// takes none of it.
constexpr int kConnectMillis = 5000;

absl::Status Refused(absl::string_view english, absl::string_view chinese) {
  return InChinese(absl::InvalidArgumentError(english), chinese);
}

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) {
    return Refused(absl::StrCat("can't read ", path), absl::StrCat("无法读取 ", path));
  }
  return content.str();
}

}  // namespace

absl::Status CheckOptions(const Options& options) {
  if (absl::Status status = CheckTarget(options.target); !status.ok()) return status;
  if (!IsVisibleAscii(options.token)) {
    return Refused("the token has characters that a bearer token can't have",
                   "令牌含有不允许的字符");
  }
  if (options.cert_file.empty() != options.key_file.empty()) {
    return Refused("a client certificate and its key go together", "客户端证书和私钥必须同时提供");
  }
  const bool has_pem = !options.ca_file.empty() || !options.cert_file.empty();
  if (has_pem && !options.tls) {
    return Refused("certificates are given, but TLS is off", "提供了证书，但没有启用 TLS");
  }
  if (!options.token.empty() && !options.tls && !options.allow_plaintext_token &&
      !IsLoopback(options.target)) {
    return PlaintextToken(
        Refused(absl::StrCat("the token would cross the network unencrypted to ", options.target),
                absl::StrCat("令牌会未加密地经网络发往 ", options.target)));
  }
  if (options.timeout <= absl::ZeroDuration() || options.batch_timeout <= absl::ZeroDuration()) {
    return Refused("the timeout must be above zero", "超时必须大于零");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const Options& options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (options.tls) {
    const absl::StatusOr<std::string> roots = ReadPem(options.ca_file);
    if (!roots.ok()) return roots.status();
    const absl::StatusOr<std::string> certificate = ReadPem(options.cert_file);
    if (!certificate.ok()) return certificate.status();
    const absl::StatusOr<std::string> key = ReadPem(options.key_file);
    if (!key.ok()) return key.status();
    credentials = grpc::SslCredentials({*roots, *key, *certificate});
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMillis);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  if (options.keepalive > absl::ZeroDuration()) {
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                     static_cast<int>(absl::ToInt64Milliseconds(options.keepalive)));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  arguments.SetUserAgentPrefix("hongyan-client");
  if (IsLoopback(options.target)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(options.target, credentials, arguments);
}

}  // namespace hongyan::client
