// The form of what travels in metadata or names somebody: visible ASCII, so without blanks.
//
// Threads:  plain functions, any thread.
// Source:   protos/hongyan/v1/notify.proto.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace hongyan::client {

inline constexpr std::size_t kMaxRequestIdBytes = 128;

// Nothing but visible ASCII; the empty text too.
bool IsVisibleAscii(absl::string_view text);

// Whether `id` can be CallOptions::request_id. Empty: none.
bool IsRequestId(absl::string_view id);

}  // namespace hongyan::client
