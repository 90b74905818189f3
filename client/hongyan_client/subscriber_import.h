// Imports all followers over broken connections and restarts of the service.
//
// Contract: calls SyncSubscribers, and calls it again where the connection was lost after the
//           import had begun: the service keeps what was imported and goes on from there. A
//           connection lives some half an hour only, while an import may take hours. At most
//           kMaxImportBreaks in a row bring nothing new; see resumption.h for the waits. `restart`
//           holds until the import has begun. The timeout, kSyncTimeout unless given, is that of
//           all calls together.
// Errors:   those of SyncSubscribers, the last one after too many breaks. Where the service gave a
//           reason it is reported at once, since it has repeated towards WeChat already; but for
//           OVERLOADED, which a call that broke may cause until the service has noticed, and for
//           SHUTTING_DOWN and STREAM_AGED.
// Threads:  handlers run on the calling thread.
// Lifetime: `client` outlives the call.
// Source:   protos/hongyan/v1/subscriber.proto.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "hongyan_client/client.h"

namespace hongyan::client {

// With the waits between them some 30 seconds: a service that restarts is back by then.
inline constexpr int kMaxImportBreaks = 10;

struct ImportHandlers {
  // Required.
  std::function<void(const v1::SyncSubscribersResponse&)> on_progress;
  // The connection broke; the import goes on after `pause`.
  std::function<void(const absl::Status& why, absl::Duration pause)> on_break = {};
};

absl::Status ImportSubscribers(Client& client, v1::SyncSubscribersRequest request,
                               const ImportHandlers& handlers, const CallOptions& options = {});

}  // namespace hongyan::client
