#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/base/text.h"
#include "server/config/certificates.h"
#include "server/config/checks.h"
#include "server/config/push_names.h"

namespace hongyan::config {
namespace {

constexpr std::size_t kMaxTarget = 512;
constexpr int kMaxTypes = 100;
constexpr absl::string_view kDns = "dns:///";
constexpr absl::string_view kUnix = "unix:";

bool IsPort(absl::string_view text) {
  int port = 0;
  return text.size() <= 5 && absl::SimpleAtoi(text, &port) && port >= 1 && port <= 65535;
}

// A name, an IPv4 address or an IPv6 address in brackets, and a port. gRPC would take a bare name too, and try its https
// port.
bool IsHostAndPort(absl::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon == 0 || !IsPort(text.substr(colon + 1))) {
    return false;
  }
  const absl::string_view host = text.substr(0, colon);
  if (host.front() == '[') return host.back() == ']' && host.size() > 2;
  return host.find_first_of(":/[]@?#%") == absl::string_view::npos;
}

bool IsTarget(absl::string_view text) {
  if (text.size() > kMaxTarget || !base::IsVisibleAscii(text)) return false;
  if (absl::StartsWith(text, kUnix)) return text.size() > kUnix.size();
  return IsHostAndPort(absl::StartsWith(text, kDns) ? text.substr(kDns.size()) : text);
}

class HandlerCheck {
 public:
  HandlerCheck(std::string path, const v1::HandlerConfig& config, const Environment& environment,
               Findings& findings, HandlerSettings& out)
      : path_(std::move(path)),
        config_(config),
        environment_(environment),
        findings_(findings),
        out_(out) {}

  void Run() {
    CheckTarget();
    Span("timeout", config_.timeout(), absl::Milliseconds(100), absl::Milliseconds(4500), false,
         out_.timeout);
    Span("late_reply_within", config_.late_reply_within(), absl::Seconds(5), absl::Seconds(60),
         true, out_.late_reply_within);
    CheckTypes();
    if (config_.has_tls() && findings_.Usable(At("tls"))) CheckTls(At("tls"), config_.tls());
  }

 private:
  std::string At(absl::string_view key) const { return absl::StrCat(path_, ".", key); }

  void CheckTarget() {
    const std::string at = At("target");
    if (!findings_.Given(at)) return findings_.Refuse(at, "is required");
    if (!findings_.Usable(at)) return;
    if (!IsTarget(config_.target())) {
      findings_.Refuse(at, absl::StrCat(findings_.Quoted(at, config_.target()),
                                        " is no target: HOST:PORT, dns:///HOST:PORT or unix:PATH"));
    }
    out_.target = config_.target();
  }

  void Span(absl::string_view key, const google::protobuf::Duration& value, absl::Duration lowest,
            absl::Duration highest, bool or_zero, absl::Duration& out) {
    const std::string at = At(key);
    if (!findings_.Usable(at)) return;
    out = absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
    if ((out >= lowest && out <= highest) || (or_zero && out == absl::ZeroDuration())) return;
    findings_.Refuse(
        at,
        absl::StrCat("is ", absl::FormatDuration(out), "; must be ", or_zero ? "0s, or " : "",
                     "from ", absl::FormatDuration(lowest), " to ", absl::FormatDuration(highest)));
  }

  void CheckTypes() {
    const std::string list = At("on");
    if (!findings_.Usable(list)) return;
    if (config_.on_size() == 0 || config_.on_size() > kMaxTypes) {
      return findings_.Refuse(
          list, absl::StrCat("has ", config_.on_size(), " names; must be from 1 to ", kMaxTypes));
    }
    for (int i = 0; i < config_.on_size(); ++i) {
      const std::string at = absl::StrCat(list, "[", i, "]");
      if (!findings_.Usable(at)) continue;
      if (KindOfPush(config_.on(i)) == PushKind::kNone) {
        findings_.Refuse(at,
                         absl::StrCat(findings_.Quoted(at, config_.on(i)),
                                      " is no message type or event; known are ", ApiPushNames()));
      }
      out_.on.push_back(config_.on(i));
    }
  }

  void CheckTls(const std::string& path, const v1::HandlerTlsConfig& tls) {
    out_.tls = true;
    const std::string ca = path + ".ca_file";
    if (findings_.Usable(ca)) {
      if (tls.ca_file().empty()) {
        findings_.Refuse(ca, "is empty; remove the key to trust the system's authorities");
      } else {
        CheckBundle(ca, tls.ca_file(), environment_, findings_);
      }
    }
    const bool has_cert = findings_.Given(path + ".cert_file");
    const bool has_key = findings_.Given(path + ".key_file");
    if (has_cert != has_key) {
      findings_.Refuse(path + (has_cert ? ".key_file" : ".cert_file"),
                       "is missing; cert_file and key_file belong together");
    } else if (has_cert && findings_.Usable(path + ".cert_file") &&
               findings_.Usable(path + ".key_file")) {
      CheckCertificate(path, tls.cert_file(), tls.key_file(), environment_, findings_);
    }
    out_.ca_file = tls.ca_file();
    out_.cert_file = tls.cert_file();
    out_.key_file = tls.key_file();
  }

  const std::string path_;
  const v1::HandlerConfig& config_;
  const Environment& environment_;
  Findings& findings_;
  HandlerSettings& out_;
};

}  // namespace

void CheckHandler(const std::string& path, const v1::AccountConfig& account,
                  const Environment& environment, Findings& findings, AccountSettings& settings) {
  const std::string at = path + ".handler";
  if (!account.has_handler() || !findings.Usable(at)) return;
  if (!account.has_callback()) {
    findings.Warn(at, "will never be used: the account has no callback");
  }
  HandlerCheck(at, account.handler(), environment, findings, settings.handler.emplace()).Run();
}

}  // namespace hongyan::config
