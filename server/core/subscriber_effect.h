// What a push means for the one who caused it: follows or left, and what may be sent to them now.
//
// Units:  the windows and counts are WeChat's present ones; it stays the judge, for other systems
//         may send too.
// Threads: any; pure.
// Source: https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
#pragma once

#include "server/core/push_type.h"
#include "server/storage/subscriber.h"

namespace hongyan::core {

inline constexpr int kMessageAllowance = 5;
inline constexpr absl::Duration kMessageWindow = absl::Hours(48);
inline constexpr int kActionAllowance = 3;
inline constexpr absl::Duration kActionWindow = absl::Minutes(1);

model::SubscriberEffect DeriveEffect(const PushClass& push);
// WeChat is to be asked for the profile: of who has followed, and of whom another one is told.
bool ChangesProfile(model::SubscriberEffect::Kind effect);

}  // namespace hongyan::core
