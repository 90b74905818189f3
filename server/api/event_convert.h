// WeChat's pushes as the public API's Event.
//
// Contract: ToProto() sets `type` and the payload of that name, from XML and JSON pushes alike; the
//           caller sets the rest of the event. What was left out stays empty; a number that is
//           none, or is out of range, stays 0. A type that isn't in the API's list becomes
//           `unknown` with all fields.
// Bounds:   a payload holds nothing twice, so it is no larger than the push; `unknown` has
//           kMaxUnknownFields fields and kMaxUnknownBytes at most.
// Threads:  any; pure.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"
#include "hongyan/v1/event.pb.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::api {

inline constexpr std::size_t kMaxUnknownFields = 500;
inline constexpr std::size_t kMaxUnknownBytes = 64u << 10;  // of names and values

// `type` is what core::RecordedType says.
void ToProto(const wechat::PushedEvent& push, absl::string_view type, v1::Event& event);

// Whether `type` is one of Event.type, `unknown` included: for filters.
bool IsEventType(absl::string_view type);

}  // namespace hongyan::api
