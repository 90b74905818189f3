// The control calls that wait: pushes and garbage to the callback URL, /sandbox/wait and
// /sandbox/pushes/wait.
//
// Contract: what the user did takes effect first (follower, window, chat), then it is pushed. A
// push that fails is an answer
//           like any other: its error is in the result.
// Threads:  event loop only.       Lifetime: sandbox and pusher outlive the call.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "callback_push.h"
#include "control_api.h"
#include "sandbox.h"

namespace hongyan::sandbox {

boost::asio::awaitable<ControlAnswer> HandleWaitingControl(Sandbox& sandbox, CallbackPusher& pusher,
                                                           ControlRequest request);

}  // namespace hongyan::sandbox
