// Whether a text is what its key's rules want.
//
// Threads: any; pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hongyan/v1/config_options.pb.h"

namespace hongyan::config {

// `text` in its usual form. `shown` stands for it in messages, which never show secrets, and no
// URLs, as a password may be in them. kInvalidArgument says what is wrong, as a sentence about the
// key.
absl::StatusOr<std::string> CheckText(const v1::KeyRules& rules, const std::string& text,
                                      absl::string_view shown);

}  // namespace hongyan::config
