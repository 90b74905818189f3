#include "server/endpoints/admin/admin.h"

#include <prometheus/text_serializer.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/endpoints/admin/process_metrics.h"

namespace hongyan::endpoints {
namespace {

using http::HttpReply;
using http::RequestHead;

constexpr char kPlain[] = "text/plain; charset=utf-8";

HttpReply Text(int status, std::string body) {
  HttpReply reply;
  reply.status = status;
  reply.content_type = kPlain;
  reply.body = std::move(body);
  return reply;
}

bool IsKnown(const std::string& path) {
  return path == "/livez" || path == "/healthz" || path == "/readyz" || path == "/metrics";
}

}  // namespace

AdminEndpoint::AdminEndpoint(base::Metrics& metrics, std::function<Readiness()> readiness,
                             std::function<absl::Status()> liveness,
                             std::function<std::vector<base::Figure>()> figures,
                             const BuildInfo& build)
    : metrics_(metrics),
      readiness_(std::move(readiness)),
      liveness_(std::move(liveness)),
      figures_(std::move(figures)) {
  prometheus::BuildGauge()
      .Name("hongyan_build_info")
      .Help("What runs: always 1.")
      .Register(metrics.registry())
      .Add({{"version", build.version}, {"revision", build.revision}})
      .Set(1);
}

std::optional<HttpReply> AdminEndpoint::CheckHead(const RequestHead& head) {
  if (!IsKnown(head.path)) return Text(404, "not found\n");
  if (head.method == "GET" || head.method == "HEAD") return std::nullopt;
  HttpReply reply = Text(405, "method not allowed\n");
  reply.allow = "GET, HEAD";
  return reply;
}

async::Task<HttpReply> AdminEndpoint::Handle(RequestHead head, std::string) {
  co_return Answer(head);
}

HttpReply AdminEndpoint::Answer(const RequestHead& head) const {
  if (head.path == "/livez" || head.path == "/healthz") {
    const absl::Status alive = liveness_();
    return alive.ok() ? Text(200, "ok\n") : Text(503, absl::StrCat(alive.message(), "\n"));
  }
  if (head.path == "/readyz") {
    const Readiness now = readiness_();
    return Text(now.ready ? 200 : 503, (now.ready ? "ready\n" : "not ready\n") + now.reasons);
  }
  base::RaiseTo(base::DroppedLogLines(), metrics_.log_lines_dropped);
  std::vector<prometheus::MetricFamily> families = metrics_.registry().Collect();
  const base::Figures process([] { return ProcessFigures(ReadProcessFacts()); });
  for (const base::Figures* figures : {&figures_, &process}) {
    for (prometheus::MetricFamily& family : figures->Collect()) {
      families.push_back(std::move(family));
    }
  }
  HttpReply reply = Text(200, prometheus::TextSerializer().Serialize(families));
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return reply;
}

}  // namespace hongyan::endpoints
