#include "server/core/dedup_key.h"

#include "absl/strings/escaping.h"
#include "server/base/digest.h"

namespace hongyan::core {

std::string DedupKey(const wechat::PushedEvent& push) {
  base::PartsDigest digest;
  if (push.msg_type != "event" && !push.msg_id.empty()) {
    for (const absl::string_view part :
         {absl::string_view(push.to_user), absl::string_view(push.from_user),
          push.Field("CreateTime"), absl::string_view(push.msg_type),
          absl::string_view(push.msg_id)}) {
      digest.Add(part);
    }
  } else {
    for (const auto& [name, value] : push.fields) {
      digest.Add(name);
      digest.Add(value);
    }
  }
  return absl::BytesToHexString(digest.Bytes());
}

}  // namespace hongyan::core
