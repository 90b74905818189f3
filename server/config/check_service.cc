#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "server/config/address.h"
#include "server/config/certificates.h"
#include "server/config/checks.h"
#include "server/config/values.h"

namespace hongyan::config {
namespace {

constexpr absl::Duration kLongest = absl::Hours(3650 * 24);
constexpr char kLater[] = "comes with a later version of Hongyan; remove it";
constexpr std::size_t kMaxApiUrls = 8;
constexpr int kPartOfOneAddress = 4;  // of the callback listener's connections

absl::Duration ToDuration(const google::protobuf::Duration& value) {
  return absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
}

class ServiceCheck {
 public:
  ServiceCheck(const v1::Config& config, const Environment& environment, Findings& findings,
               Settings& settings)
      : config_(config), environment_(environment), findings_(findings), settings_(settings) {}

  void Run() {
    CheckGrpc();
    CheckCallback();
    Listen("admin.listen", config_.admin().listen(), settings_.admin.listen, kFigures);
    CheckCollisions();
    CheckLog();
    CheckWechat();
    CheckShutdown();
    CheckStorage();
    CheckLaterParts();
  }

 private:
  // Who may reach a listener: everybody; whoever may see figures and states; callers only.
  enum Reach { kPublic, kFigures, kPrivate };

  // --- single values: what the file doesn't have keeps its default ---

  void Number(const std::string& path, std::int64_t value, std::int64_t lowest,
              std::int64_t highest, int& out) {
    if (!findings_.Usable(path)) return;
    if (value < lowest || value > highest) {
      return findings_.Refuse(
          path, absl::StrCat("is ", value, "; must be from ", lowest, " to ", highest));
    }
    out = static_cast<int>(value);
  }

  void Span(const std::string& path, const google::protobuf::Duration& value, absl::Duration lowest,
            absl::Duration highest, bool or_zero, absl::Duration& out) {
    if (!findings_.Usable(path)) return;
    const absl::Duration span = ToDuration(value);
    if ((span < lowest || span > highest) && !(or_zero && span == absl::ZeroDuration())) {
      return findings_.Refuse(
          path, absl::StrCat("is ", absl::FormatDuration(span), "; must be ",
                             or_zero ? "0s, or " : "", "from ", absl::FormatDuration(lowest),
                             " to ", absl::FormatDuration(highest)));
    }
    out = span;
  }

  template <typename T>
  void Choice(const std::string& path, const std::string& value,
              std::initializer_list<std::pair<const char*, T>> choices, T& out) {
    if (!findings_.Usable(path)) return;
    std::vector<std::string> names;
    for (const auto& [name, meaning] : choices) {
      if (value == name) {
        out = meaning;
        return;
      }
      names.emplace_back(name);
    }
    findings_.Refuse(path, absl::StrCat("is ", findings_.Quoted(path, value), "; must be one of ",
                                        absl::StrJoin(names, ", ")));
  }

  // --- listeners ---

  void Listen(const std::string& path, const std::string& text, std::string& out, Reach reach) {
    if (!findings_.Usable(path)) return;
    const absl::StatusOr<ListenAddress> address = ParseListenAddress(text);
    if (!address.ok()) {
      return findings_.Refuse(path, absl::StrCat(findings_.Quoted(path, text), " ",
                                                 absl::string_view(address.status().message())));
    }
    out = address->ToString();
    if (reach == kPublic || address->loopback) return;
    if (reach == kFigures) {
      return findings_.Warn(path, "whoever reaches this address may read the metrics and probes");
    }
    if (findings_.Given("grpc.tls.client_ca_file")) {  // only its certificates get in
      if (config_.auth().insecure()) {
        findings_.Warn("auth.insecure",
                       "waives nothing: with grpc.tls.client_ca_file only certificates of that "
                       "authority get in; remove it");
      }
      return;
    }
    if (config_.auth().insecure()) {
      return findings_.Warn(path,
                            "whoever reaches this address may send messages: with auth.insecure no "
                            "client certificate is demanded");
    }
    findings_.Refuse(
        path,
        "is not a loopback address, and callers can't be told apart: set grpc.tls.client_ca_file, "
        "so that only certificates of that authority get in, use 127.0.0.1 or [::1], or in a "
        "closed network auth.insecure: true");
  }

  // Two listeners can't have one address.
  void CheckCollisions() {
    const std::pair<const char*, const std::string*> listeners[] = {
        {"grpc.listen", &settings_.grpc.listen},
        {"callback.listen", &settings_.callback.listen},
        {"admin.listen", &settings_.admin.listen}};
    for (std::size_t i = 1; i < std::size(listeners); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (*listeners[i].second != *listeners[j].second) continue;
        if (absl::EndsWith(*listeners[i].second, ":0")) continue;
        const bool blame_first = !findings_.Given(listeners[i].first);
        findings_.Refuse(
            listeners[blame_first ? j : i].first,
            absl::StrCat("is the address of ", listeners[blame_first ? i : j].first, " too"));
      }
    }
  }

  void Tls(const std::string& path, const v1::TlsConfig& tls, bool client_ca, TlsFiles& out) {
    if (!findings_.Usable(path)) return;
    const std::string ca_path = absl::StrCat(path, ".client_ca_file");
    bool complete = true;
    for (const auto& [key, value] :
         {std::pair{"cert_file", &tls.cert_file()}, std::pair{"key_file", &tls.key_file()}}) {
      const std::string file_path = absl::StrCat(path, ".", key);
      if (!findings_.Given(file_path)) {
        findings_.Refuse(file_path, "is missing; TLS takes cert_file and key_file");
      } else if (findings_.Usable(file_path) && value->empty()) {
        findings_.Refuse(file_path, "is empty");
      }
      complete = complete && findings_.Usable(file_path) && !value->empty();
    }
    if (complete) CheckCertificate(path, tls.cert_file(), tls.key_file(), environment_, findings_);
    if (findings_.Given(ca_path) && !client_ca) {
      findings_.Refuse(ca_path, "is for grpc.tls only: WeChat shows no client certificate");
    } else if (findings_.Usable(ca_path)) {
      if (tls.client_ca_file().empty()) {
        findings_.Refuse(ca_path, "is empty");
      } else {
        CheckBundle(ca_path, tls.client_ca_file(), environment_, findings_);
      }
    }
    out = {tls.cert_file(), tls.key_file(), tls.client_ca_file()};
  }

  void CheckGrpc() {
    const v1::GrpcConfig& grpc = config_.grpc();
    Listen("grpc.listen", grpc.listen(), settings_.grpc.listen, kPrivate);
    Tls("grpc.tls", grpc.tls(), /*client_ca=*/true, settings_.grpc.tls);
    Number("grpc.max_in_flight", grpc.max_in_flight(), 1, 100000, settings_.grpc.max_in_flight);
    Number("grpc.max_connections", grpc.max_connections(), 1, 100000,
           settings_.grpc.max_connections);
    Number("grpc.max_connections_per_address", grpc.max_connections_per_address(), 0, 100000,
           settings_.grpc.max_connections_per_address);
    if (const std::string path = "grpc.max_request_bytes"; findings_.Usable(path)) {
      const std::int64_t bytes = grpc.max_request_bytes();
      if (bytes < (1 << 10) || bytes > (64 << 20)) {
        findings_.Refuse(path,
                         absl::StrCat("is ", FormatSize(bytes), "; must be from 1KiB to 64MiB"));
      } else {
        settings_.grpc.max_request_bytes = static_cast<std::size_t>(bytes);
      }
    }
  }

  void CheckCallback() {
    const v1::CallbackConfig& callback = config_.callback();
    CallbackSettings& out = settings_.callback;
    Listen("callback.listen", callback.listen(), out.listen, kPublic);
    Tls("callback.tls", callback.tls(), /*client_ca=*/false, out.tls);
    Number("callback.max_connections", callback.max_connections(), 1, 100000, out.max_connections);
    Number("callback.max_connections_per_address", callback.max_connections_per_address(), 0,
           100000, out.max_connections_per_address);
    if (!findings_.Given("callback.max_connections_per_address") && !out.tls.cert_file.empty()) {
      // No proxy is before us, so each address is a peer of its own.
      out.max_connections_per_address = std::max(1, out.max_connections / kPartOfOneAddress);
    }
    Span("callback.timestamp_window", callback.timestamp_window(), absl::Seconds(1),
         absl::Hours(24),
         /*or_zero=*/true, out.timestamp_window);
    if (findings_.Usable("callback.timestamp_window") &&
        out.timestamp_window == absl::ZeroDuration()) {
      findings_.Warn("callback.timestamp_window",
                     "0s: a recorded request can be repeated at any time");
    }
  }

  // --- the rest ---

  void CheckLog() {
    using base::Level;
    Choice<Level>("log.level", config_.log().level(),
                  {{"trace", Level::kTrace},
                   {"debug", Level::kDebug},
                   {"info", Level::kInfo},
                   {"warn", Level::kWarn},
                   {"error", Level::kError}},
                  settings_.log.level);
    Choice<base::LogFormat>("log.format", config_.log().format(),
                            {{"json", base::LogFormat::kJson}, {"text", base::LogFormat::kText}},
                            settings_.log.format);
  }

  void CheckWechat() {
    const v1::WechatConfig& wechat = config_.wechat();
    WechatSettings& out = settings_.wechat;
    CheckApiUrls(wechat, out);
    Choice<TokenEndpoint>(
        "wechat.token_endpoint", wechat.token_endpoint(),
        {{"stable", TokenEndpoint::kStable}, {"classic", TokenEndpoint::kClassic}},
        out.token_endpoint);
    Span("wechat.timeout", wechat.timeout(), absl::Milliseconds(100), absl::Seconds(60),
         /*or_zero=*/false, out.timeout);
    Number("wechat.max_connections", wechat.max_connections(), 1, 10000, out.max_connections);
    if (findings_.Usable("wechat.ca_file")) {
      if (wechat.ca_file().empty()) {
        findings_.Refuse("wechat.ca_file",
                         "is empty; remove the key to trust the system's authorities");
      } else {
        CheckBundle("wechat.ca_file", wechat.ca_file(), environment_, findings_);
      }
      out.ca_file = wechat.ca_file();
    }
  }

  void CheckApiUrls(const v1::WechatConfig& wechat, WechatSettings& out) {
    const std::string path = "wechat.api_urls";
    if (!findings_.Given(path)) {
      out.api_urls = {"https://api.weixin.qq.com", "https://api2.weixin.qq.com"};
      return;
    }
    if (!findings_.Usable(path)) return;
    const auto count = static_cast<std::size_t>(wechat.api_urls_size());
    if (count == 0 || count > kMaxApiUrls) {
      return findings_.Refuse(
          path, absl::StrCat("has ", count, " URLs; must be from 1 to ", kMaxApiUrls));
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::string item = absl::StrCat(path, "[", i, "]");
      if (!findings_.Usable(item)) continue;
      absl::StatusOr<std::string> url = ParseApiUrl(wechat.api_urls(static_cast<int>(i)));
      if (url.ok()) {
        out.api_urls.push_back(*std::move(url));
      } else {
        // Not shown: credentials or a token may be in it.
        findings_.Refuse(item, url.status().message());
      }
    }
  }

  void CheckShutdown() {
    ShutdownSettings& out = settings_.shutdown;
    if (environment_.on_terminal) out.delay = absl::ZeroDuration();
    Span("shutdown.delay", config_.shutdown().delay(), absl::ZeroDuration(), absl::Minutes(10),
         /*or_zero=*/false, out.delay);
    Span("shutdown.grace", config_.shutdown().grace(), absl::ZeroDuration(), absl::Minutes(10),
         /*or_zero=*/false, out.grace);
  }

  void CheckStorage() {
    StorageSettings& out = settings_.storage;
    const std::string path = "storage.url";
    if (findings_.Usable(path)) {
      const std::string& url = config_.storage().url();
      if (absl::StartsWith(url, "postgresql://") || absl::StartsWith(url, "mysql://")) {
        findings_.Refuse(
            path, "a shared database comes with a later version of Hongyan; use sqlite:PATH");
      } else if (!absl::StartsWith(url, "sqlite:") || url.size() == 7) {
        // Not shown: a password may be in it.
        findings_.Refuse(path, "must be sqlite:PATH");
      } else if (absl::StartsWith(url, "sqlite://")) {
        findings_.Refuse(path,
                         "has two slashes after sqlite:, as if a host came next; write the path "
                         "itself, sqlite:hongyan.db or sqlite:/var/lib/hongyan.db");
      } else if (absl::StrContains(url, '?')) {
        findings_.Refuse(path, "has a '?'; sqlite:PATH takes no parameters");
      } else {
        out.url = url;
      }
    }
    Span("storage.retention", config_.storage().retention(), absl::Hours(1), kLongest,
         /*or_zero=*/false, out.retention);
    Span("storage.unsubscribed_retention", config_.storage().unsubscribed_retention(),
         absl::Hours(1), kLongest, /*or_zero=*/false, out.unsubscribed_retention);
  }

  void CheckLaterParts() {
    if (config_.auth().clients_size() > 0) findings_.Refuse("auth.clients", kLater);
    if (findings_.Usable("token_store")) {
      const std::string& store = config_.token_store();
      if (absl::StartsWith(store, "redis://") || absl::StartsWith(store, "rediss://")) {
        findings_.Refuse("token_store",
                         "a shared store comes with a later version of Hongyan; use memory");
      } else if (store != "memory") {
        findings_.Refuse("token_store", "must be memory");
      }
    }
    // What stands there on purpose should not be thought to work.
    if (!config_.token_store_key().empty()) {
      findings_.Warn("token_store_key",
                     "is not used by this version, which keeps tokens in memory");
    }
    if (config_.grpc().behind_proxy()) {
      findings_.Warn("grpc.behind_proxy", "is not used by this version, which has no auth.clients");
    }
  }

  const v1::Config& config_;
  const Environment& environment_;
  Findings& findings_;
  Settings& settings_;
};

}  // namespace

void CheckService(const v1::Config& config, const Environment& environment, Findings& findings,
                  Settings& settings) {
  ServiceCheck(config, environment, findings, settings).Run();
}

}  // namespace hongyan::config
