// A handler's answer, as the service thinks of it.
//
// Contract: none for an answer without a reply, one that a later version of the proto may know
//           included. What has no meaning in a passive reply (Text.kf_account,
//           Video.thumb_media_id) is dropped. Nothing is checked here.
// Threads:  any; pure.
#pragma once

#include <optional>

#include "hongyan/v1/event_handler.pb.h"
#include "server/core/reply.h"

namespace hongyan::endpoints {

std::optional<core::Reply> FromProto(const v1::HandleEventResponse& response);

}  // namespace hongyan::endpoints
