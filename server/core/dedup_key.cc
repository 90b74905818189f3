#include "server/core/dedup_key.h"

#include <openssl/sha.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace hongyan::core {
namespace {

// With lengths, so that nothing can move from one part to the next.
void Append(absl::string_view part, std::string& to) {
  absl::StrAppend(&to, part.size(), ":", part);
}

}  // namespace

std::string DedupKey(const wechat::PushedEvent& push) {
  std::string parts;
  if (push.msg_type != "event" && !push.msg_id.empty()) {
    for (const absl::string_view part :
         {absl::string_view(push.to_user), absl::string_view(push.from_user),
          push.Field("CreateTime"), absl::string_view(push.msg_type),
          absl::string_view(push.msg_id)}) {
      Append(part, parts);
    }
  } else {
    for (const auto& [name, value] : push.fields) {
      Append(name, parts);
      Append(value, parts);
    }
  }
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(parts.data()), parts.size(), digest);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof digest));
}

}  // namespace hongyan::core
