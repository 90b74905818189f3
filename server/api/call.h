// What the function behind an RPC knows of its call, whatever transport brought it.
//
// Threads:  event loop only.          Lifetime: outlives the function's task.
#pragma once

#include <string>

#include "server/async/task.h"
#include "server/core/accounts.h"
#include "server/wechat/wechat_client.h"

namespace hongyan::api {

// How far the service's stop is.
struct StopState {
  bool begun =
      false;  // streams that can be taken up elsewhere end; other calls have until calls_end
  bool cut_off = false;  // every call has been cancelled
  async::MonoTime calls_end = async::MonoTime::max();
  async::MonoTime writes_end =
      async::MonoTime::max();  // a reader who hasn't read by then gets nothing more
};

struct Call {
  const StopState& stop;
  std::string request_id = {};
  std::string traceparent = {};
  async::MonoTime begun = {};
  model::CallLimit limit = {};
  core::Account* account = nullptr;  // that the request names; null where it names none
  std::string delivery = {};         // the id of what was sent, for the log; set by the function
};

}  // namespace hongyan::api
