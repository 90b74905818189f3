// The TEMPLATESENDJOBFINISH events that follow a template message, as the account wants them.
//
// Contract: early ones are pushed and answered before the call returns, so that they reach the
//           service ahead of the answer to its send; late ones are left to themselves.
// Threads:  event loop only.       Lifetime: sandbox and pusher outlive the event loop.
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "callback_push.h"
#include "sandbox.h"

namespace hongyan::sandbox {

boost::asio::awaitable<void> SendReceipts(Sandbox& sandbox, CallbackPusher& pusher,
                                          std::string app_id, std::string openid, int64_t msgid);

}  // namespace hongyan::sandbox
