// Configured replies as the core has them.
//
// Threads: any; pure.
#pragma once

#include "hongyan/v1/config.pb.h"
#include "server/core/reply_rules.h"

namespace hongyan::config {

core::Reply ToReply(const v1::ReplyRule& rule);

core::ReplyRule ToReplyRule(const v1::ReplyRule& rule);

}  // namespace hongyan::config
