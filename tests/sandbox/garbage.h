// What strangers and broken proxies send to a callback URL.
//
// Contract: Forge() makes one such request in the account's mode and format. Their openids begin
//           with kStranger, so that one which was believed is found. Kinds that are nothing wrong
//           in the account's mode are refused: "encrypted" kinds in plain mode.
// Errors:   "" or one sentence that names the wrong kind.
// Threads:  event loop only.
#pragma once

#include <boost/json/array.hpp>
#include <string>

#include "callback_push.h"
#include "platform.h"

namespace hongyan::sandbox {

inline constexpr char kStranger[] = "oStranger_";

boost::json::array GarbageKinds();
std::string Forge(Platform& platform, const AccountSettings& settings, const std::string& kind,
                  int64_t number, PushRequest* request);

}  // namespace hongyan::sandbox
