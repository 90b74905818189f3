#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/config/address.h"
#include "server/config/certificates.h"
#include "server/config/checks.h"

namespace hongyan::config {
namespace {

constexpr int kPartOfOneAddress = 4;  // of the callback listener's connections

bool IsLoopback(const std::string& listen) {
  const absl::StatusOr<ListenAddress> address = ParseListenAddress(listen);
  return address.ok() && address->loopback;
}

// Who can reach the gRPC listener, and what keeps strangers out.
void CheckGrpcReach(Findings& findings, const Settings& settings) {
  if (IsLoopback(settings.grpc().listen())) return;
  if (findings.Given("grpc.tls.client_ca_file")) {  // only its certificates get in
    if (settings.auth().insecure()) {
      findings.Warn("auth.insecure",
                    "waives nothing: with grpc.tls.client_ca_file only certificates of that "
                    "authority get in; remove it");
    }
  } else if (settings.auth().insecure()) {
    findings.Warn("grpc.listen",
                  "whoever reaches this address may send messages: with auth.insecure no client "
                  "certificate is demanded");
  } else {
    findings.Refuse(
        "grpc.listen",
        "is not a loopback address, and callers can't be told apart: set grpc.tls.client_ca_file, "
        "so that only certificates of that authority get in, use 127.0.0.1 or [::1], or in a "
        "closed network auth.insecure: true");
  }
}

// Two listeners can't have one address.
void CheckCollisions(Findings& findings, const Settings& settings) {
  const std::pair<const char*, std::string> listeners[] = {
      {"grpc.listen", settings.grpc().listen()},
      {"callback.listen", settings.callback().listen()},
      {"admin.listen", settings.admin().listen()}};
  for (std::size_t i = 1; i < std::size(listeners); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (listeners[i].second != listeners[j].second) continue;
      if (absl::EndsWith(listeners[i].second, ":0")) continue;
      const bool blame_first = !findings.Given(listeners[i].first);
      findings.Refuse(
          listeners[blame_first ? j : i].first,
          absl::StrCat("is the address of ", listeners[blame_first ? i : j].first, " too"));
    }
  }
}

void CheckTls(const std::string& path, const v1::TlsConfig& tls, const Environment& environment,
              Findings& findings) {
  if (findings.Usable(path + ".cert_file") && findings.Usable(path + ".key_file")) {
    CheckCertificate(path, tls.cert_file(), tls.key_file(), environment, findings);
  }
  const std::string ca = path + ".client_ca_file";
  if (findings.Given(ca) && path != "grpc.tls") {
    findings.Refuse(ca, "is for grpc.tls only: WeChat shows no client certificate");
  } else {
    CheckBundle(ca, tls.client_ca_file(), environment, findings);
  }
}

void CheckCallback(Findings& findings, v1::CallbackConfig& callback) {
  if (!findings.Given("callback.max_connections_per_address") && callback.has_tls()) {
    // No proxy is before us, so each address is a peer of its own.
    callback.set_max_connections_per_address(
        std::max(1, callback.max_connections() / kPartOfOneAddress));
  }
  if (ToDuration(callback.timestamp_window()) == absl::ZeroDuration()) {
    findings.Warn("callback.timestamp_window",
                  "0s: a recorded request can be repeated at any time");
  }
}

}  // namespace

void CheckService(const Environment& environment, Findings& findings, Settings& settings) {
  CheckGrpcReach(findings, settings);
  if (!IsLoopback(settings.admin().listen())) {
    findings.Warn("admin.listen", "whoever reaches this address may read the metrics and probes");
  }
  CheckCollisions(findings, settings);
  CheckTls("grpc.tls", settings.grpc().tls(), environment, findings);
  CheckTls("callback.tls", settings.callback().tls(), environment, findings);
  CheckCallback(findings, *settings.mutable_callback());
  CheckBundle("wechat.ca_file", settings.wechat().ca_file(), environment, findings);
  if (environment.on_terminal && !findings.Given("shutdown.delay")) {
    settings.mutable_shutdown()->clear_delay();
  }
}

}  // namespace hongyan::config
