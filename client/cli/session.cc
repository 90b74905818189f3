#include "client/cli/session.h"

#include "client/cli/error_text.h"

namespace hongyan::cli {

client::CallOptions Session::options() const {
  return {
      .timeout = global.timeout, .request_id = global.request_id, .canceller = &signal.canceller};
}

int Session::Fail(const Wording& what, const absl::Status& status, Operation operation) const {
  ShowError(console, {what, operation, global.target}, status);
  return kExitFailed;
}

}  // namespace hongyan::cli
