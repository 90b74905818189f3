#include "client/cli/session.h"

#include <algorithm>
#include <array>

#include "absl/strings/string_view.h"
#include "client/cli/error_text.h"

namespace hongyan::cli {
namespace {

// The fields of a send that a wrong argument leads to. Scripts know them as wrong usage; what the
// service says against any other field has always been a call that failed.
constexpr auto kUsageFields = std::to_array<absl::string_view>(
    {"content", "idempotency_key", "template.template_id", "template.data"});

bool IsWrongUsage(const absl::Status& status) {
  const client::Error error = client::Describe(status);
  return error.reason == "INVALID_REQUEST" &&
         std::any_of(error.fields.begin(), error.fields.end(), [](const client::Violation& field) {
           return std::find(kUsageFields.begin(), kUsageFields.end(), field.subject) !=
                  kUsageFields.end();
         });
}

}  // namespace

client::CallOptions Session::options() const {
  return {
      .timeout = global.timeout, .request_id = global.request_id, .canceller = &signal.canceller};
}

int Session::Fail(const Wording& what, const absl::Status& status, Operation operation) const {
  ShowError(console, {what, operation, global.target}, status);
  return IsWrongUsage(status) ? kExitUsage : kExitFailed;
}

}  // namespace hongyan::cli
