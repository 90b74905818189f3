// Where a list goes on, as a token that only this list understands.
//
// Contract: ReadPageToken() takes back what PageToken() gave, in any process of any version that
//           knows the format, for the same conditions: an account's name and everything that
//           decides what is listed. Anything else is INVALID_ARGUMENT naming page_token; so is a
//           token that was changed by hand or in transit. It is no secret and no proof: who knows
//           the format can make one, and learns nothing that way that a listing wouldn't tell.
// Threads:  any; pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hongyan::api {

// `after`: the key of the last row of the page; not empty.
std::string PageToken(absl::string_view conditions, absl::string_view after);
// Empty for an empty token: from the first row.
absl::StatusOr<std::string> ReadPageToken(absl::string_view conditions, const std::string& token);

}  // namespace hongyan::api
