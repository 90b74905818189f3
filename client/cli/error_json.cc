#include "client/cli/error_json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <vector>

#include "client/cli/json_line.h"
#include "client/cli/text.h"

namespace hongyan::cli {
namespace {

namespace json = boost::json;

void Add(json::object& object, absl::string_view key, absl::string_view value) {
  // JSON is UTF-8, and what comes from outside may be anything.
  if (!value.empty()) {
    object[std::string(key)] = IsUtf8(value) ? std::string(value) : Printable(value);
  }
}

void AddViolations(json::object& object, absl::string_view key, absl::string_view subject,
                   const std::vector<client::Violation>& violations) {
  if (violations.empty()) return;
  json::array list;
  for (const client::Violation& each : violations) {
    json::object one;
    Add(one, subject, each.subject);
    Add(one, "description", each.description);
    list.push_back(std::move(one));
  }
  object[std::string(key)] = std::move(list);
}

}  // namespace

std::string ErrorJson(const client::Error& error, const ErrorContext& context) {
  json::object object;
  Add(object, "code", absl::StatusCodeToString(error.code));
  Add(object, "reason", error.reason);
  Add(object, "domain", error.domain);
  object["message"] = IsUtf8(error.message) ? error.message : Printable(error.message);
  Add(object, "localized_message", error.localized);
  Add(object, "what_to_do", context.what_to_do);
  Add(object, "outcome", context.outcome);
  json::object metadata;
  for (const auto& [key, value] : error.metadata) Add(metadata, Printable(key), value);
  if (!metadata.empty()) object["metadata"] = std::move(metadata);
  AddViolations(object, "fields", "field", error.fields);
  AddViolations(object, "quotas", "subject", error.quotas);
  if (error.retry_delay.has_value()) {
    object["retry_after_seconds"] = absl::ToDoubleSeconds(*error.retry_delay);
  }
  Add(object, "request_id", error.request_id);
  return JsonLine({{"error", std::move(object)}});
}

}  // namespace hongyan::cli
