#include "hongyan_client/visible_ascii.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace hongyan::client {

bool IsVisibleAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isgraph(c); });
}

bool IsRequestId(absl::string_view id) {
  return id.size() <= kMaxRequestIdBytes && IsVisibleAscii(id);
}

}  // namespace hongyan::client
