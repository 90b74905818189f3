#include "server/api/page_token.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/base/digest.h"
#include "server/base/status.h"

namespace hongyan::api {
namespace {

// A token is base64url of: this version, eight bytes of checksum, `after`.
constexpr char kVersion = 1;
constexpr std::size_t kHead = 1 + 8;
constexpr std::size_t kMaxToken = 1024;

std::string Checksum(absl::string_view conditions, absl::string_view after) {
  const std::uint64_t hash = base::Fnv1a(absl::StrCat(conditions.size(), ":", conditions, after));
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>((hash >> shift) & 0xff));
  }
  return bytes;
}

}  // namespace

std::string PageToken(absl::string_view conditions, absl::string_view after) {
  return absl::WebSafeBase64Escape(
      absl::StrCat(std::string(1, kVersion), Checksum(conditions, after), after));
}

absl::StatusOr<std::string> ReadPageToken(absl::string_view conditions, const std::string& token) {
  if (token.empty()) return std::string();
  std::string bytes;
  const bool readable = token.size() <= kMaxToken && absl::WebSafeBase64Unescape(token, &bytes) &&
                        bytes.size() > kHead && bytes[0] == kVersion;
  const std::string after = readable ? bytes.substr(kHead) : std::string();
  // Base64 has several spellings of some bytes; ours is one.
  if (!readable || token != PageToken(conditions, after)) {
    return base::InvalidField("page_token",
                              "is not the next_page_token of a page with the same conditions",
                              "不是相同条件下上一页返回的 next_page_token");
  }
  return after;
}

}  // namespace hongyan::api
