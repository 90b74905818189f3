// What makes a push the same push: WeChat repeats one that it thinks unanswered.
//
// Contract: a message is known by whom it concerns, its time, its type and its MsgId, for a MsgId
//           alone has been seen with two people. An event has no number of its own: all of its
//           fields count, so that two receipts or two reports of one second stay two.
// Threads:  any; pure.
// Source:   https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_event_pushes.html
#pragma once

#include <string>

#include "server/wechat/pushed_event.h"

namespace hongyan::core {

// 64 hex digits.
std::string DedupKey(const wechat::PushedEvent& push);

}  // namespace hongyan::core
