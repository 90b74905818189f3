#include "client/cli/read_call.h"

#include "client/cli/error_text.h"

namespace hongyan::cli {

client::CallOptions ToOptions(const GlobalArgs& global) {
  return {.timeout = global.timeout, .request_id = global.request_id};
}

int FailRead(const absl::Status& status, const Wording& what, const GlobalArgs& global,
             Console& console) {
  ShowError(console, {what, Operation::kRead, global.target}, status);
  return kExitFailed;
}

}  // namespace hongyan::cli
