// The checked configuration as plain values: what main.cc hands to the rooms.
//
// Contract: every value is in its range and every default is filled in; secrets are Secret.
// Source:   the configuration chapter of the public contract; protos/hongyan/v1/config.proto says each key's limits.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/base/log.h"
#include "server/base/secret.h"

namespace hongyan::config {

struct TlsFiles {
  std::string cert_file;  // all empty: no TLS
  std::string key_file;
  std::string client_ca_file;
  bool enabled() const { return !cert_file.empty(); }
};

struct GrpcSettings {
  std::string listen = "127.0.0.1:9090";
  TlsFiles tls;
  int max_in_flight = 4096;
  std::size_t max_request_bytes = 4u << 20;
  int max_connections = 1024;
  int max_connections_per_address = 0;  // 0: no such limit
};

struct CallbackSettings {
  std::string listen = "127.0.0.1:8080";
  TlsFiles tls;
  int max_connections = 1024;
  // 0: no such limit. Not given, with tls: a quarter of max_connections.
  int max_connections_per_address = 0;
  absl::Duration timestamp_window = absl::Minutes(10);  // zero: not checked
};

struct AdminSettings {
  std::string listen = "127.0.0.1:9091";
};

struct LogSettings {
  base::Level level = base::Level::kInfo;
  base::LogFormat format = base::LogFormat::kJson;
};

enum class TokenEndpoint { kStable, kClassic };

struct WechatSettings {
  std::vector<std::string> api_urls;  // without a trailing slash
  TokenEndpoint token_endpoint = TokenEndpoint::kStable;
  absl::Duration timeout = absl::Seconds(5);
  int max_connections = 128;
  std::string ca_file;  // empty: the system's
};

struct ShutdownSettings {
  absl::Duration delay = absl::Seconds(5);
  absl::Duration grace = absl::Seconds(20);
};

struct StorageSettings {
  std::string url = "sqlite:hongyan.db";
  absl::Duration retention = absl::Hours(30 * 24);               // of events
  absl::Duration unsubscribed_retention = absl::Hours(30 * 24);  // of what is personal
};

enum class ReplyKind { kText, kImage, kVoice, kVideo, kMusic, kNews, kTransfer };

struct ReplyRuleSettings {
  std::string on;         // message type or event, lower case
  std::string match;      // RE2; empty: any
  std::string event_key;  // empty: any
  ReplyKind kind = ReplyKind::kText;
  // What the kind has no use for is empty.
  std::string text;
  std::string media_id;
  std::string title;
  std::string description;
  std::string url;
  std::string picture_url;
  std::string music_url;
  std::string hq_music_url;
  std::string thumb_media_id;
  std::string kf_account;
};

struct HandlerSettings {
  std::string target;  // as gRPC takes it
  absl::Duration timeout = absl::Seconds(4);
  absl::Duration late_reply_within;  // zero: a late reply is lost
  bool tls = false;
  std::string ca_file;    // empty: the system's
  std::string cert_file;  // empty: none is shown
  std::string key_file;
  std::vector<std::string> on;  // empty: all
};

// How WeChat's console is set: 明文模式, 兼容模式, 安全模式.
enum class CallbackMode { kPlain, kCompatible, kSafe };

struct AccountSettings {
  std::string name;
  std::string app_id;
  base::Secret app_secret;
  bool has_callback = false;
  std::string callback_path;  // starts with '/'
  base::Secret callback_token;
  CallbackMode callback_mode = CallbackMode::kPlain;
  base::Secret encoding_aes_key;           // empty in plain mode
  base::Secret previous_encoding_aes_key;  // empty: none
  std::vector<ReplyRuleSettings> replies;
  std::optional<HandlerSettings> handler;
};

struct Settings {
  GrpcSettings grpc;
  CallbackSettings callback;
  AdminSettings admin;
  LogSettings log;
  WechatSettings wechat;
  ShutdownSettings shutdown;
  StorageSettings storage;
  std::vector<AccountSettings> accounts;
};

}  // namespace hongyan::config
