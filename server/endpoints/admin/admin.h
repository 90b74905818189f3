// For operators, on a private listener: /livez and its other name /healthz, /readyz, /metrics.
//
// Contract: GET and HEAD only. /readyz is 200 or 503 with one reason a line. /livez is 200 as long
//           as the loop turns, which answers it, and `liveness` is OK; else 503 with the reason:
//           only a restart helps. /metrics is the Prometheus text format with the standard
//           process_* metrics and hongyan_build_info.
// Threads:  event loop only.
// Lifetime: the metrics outlive this object.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/base/metrics.h"
#include "server/http/http_exchange.h"

namespace hongyan::endpoints {

struct Readiness {
  bool ready = false;
  std::string reasons;  // lines for people: what is not ready, or what is not well although ready
};

struct BuildInfo {
  std::string version;
  std::string revision;
};

class AdminEndpoint final : public http::HttpHandler {
 public:
  // `figures`: further ones, read each time.
  AdminEndpoint(base::Metrics& metrics, std::function<Readiness()> readiness,
                std::function<absl::Status()> liveness,
                std::function<std::vector<base::Figure>()> figures, const BuildInfo& build);

  std::optional<http::HttpReply> CheckHead(const http::RequestHead& head) override;
  async::Task<http::HttpReply> Handle(http::RequestHead head, std::string body) override;

  // The same as a plain function.
  http::HttpReply Answer(const http::RequestHead& head) const;

 private:
  base::Metrics& metrics_;
  const std::function<Readiness()> readiness_;
  const std::function<absl::Status()> liveness_;
  const base::Figures figures_;
};

}  // namespace hongyan::endpoints
