// "Did you mean …?"
#pragma once

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"

namespace hongyan::base {

// The word among `known` that `typed` was most likely meant to be; nullopt where none is near. The
// bound: known words are short, and nothing that is twice as long as one is compared with it.
std::optional<absl::string_view> NearestWord(absl::string_view typed,
                                             const std::vector<absl::string_view>& known);

}  // namespace hongyan::base
