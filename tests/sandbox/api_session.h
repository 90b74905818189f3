// One request to the WeChat side, from its header to the last byte of its answer.
//
// Contract: returns true if the connection may carry another request. What happened is in the
// ledger and the counters. A template message's
//           receipts follow it as the account wants them. Threads: event loop only. Lifetime:
//           connection, parser and
// sandbox outlive the call.
#pragma once

#include "callback_push.h"
#include "connection.h"
#include "sandbox.h"

namespace hongyan::sandbox {

asio::awaitable<bool> ServeApiRequest(Sandbox& sandbox, CallbackPusher& pusher,
                                      Connection& connection, RequestParser& parser);

}  // namespace hongyan::sandbox
