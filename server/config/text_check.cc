#include "server/config/text_check.h"

#include <re2/re2.h>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/text.h"
#include "server/config/address.h"
#include "server/core/push_type.h"
#include "server/core/reply_rules.h"

namespace hongyan::config {
namespace {

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status CheckStorageUrl(absl::string_view url) {
  if (absl::StartsWith(url, "postgresql://") || absl::StartsWith(url, "mysql://")) {
    return Wrong("a shared database comes with a later version of Hongyan; use sqlite:PATH");
  }
  if (!absl::StartsWith(url, "sqlite:") || url == "sqlite:") return Wrong("must be sqlite:PATH");
  if (absl::StartsWith(url, "sqlite://")) {
    return Wrong(
        "has two slashes after sqlite:, as if a host came next; write the path itself, "
        "sqlite:hongyan.db or sqlite:/var/lib/hongyan.db");
  }
  if (absl::StrContains(url, '?')) return Wrong("has a '?'; sqlite:PATH takes no parameters");
  if (absl::StrContains(url, '"'))
    return Wrong("has a quotation mark, which no path may have here");
  return absl::OkStatus();
}

absl::Status CheckTokenStore(absl::string_view store) {
  if (absl::StartsWith(store, "redis://") || absl::StartsWith(store, "rediss://")) {
    return Wrong("a shared store comes with a later version of Hongyan; use memory");
  }
  return store == "memory" ? absl::OkStatus() : Wrong("must be memory");
}

absl::Status CheckPushType(absl::string_view name, absl::string_view shown) {
  if (core::FindMeaning(name) != core::PushWord::kNone) return absl::OkStatus();
  return Wrong(shown, " is no message type or event; known are ",
               absl::StrJoin(core::PushTypes(), ", "),
               ", and WeChat's own words in lower case, such as scancode_push");
}

}  // namespace

absl::StatusOr<std::string> CheckText(const v1::KeyRules& rules, const std::string& text,
                                      absl::string_view shown) {
  if (text.empty() && rules.required()) return Wrong("is empty, and is required");
  if (rules.words_size() > 0 && !absl::c_linear_search(rules.words(), text)) {
    return Wrong("is ", shown, "; must be one of ", absl::StrJoin(rules.words(), ", "));
  }
  if (!rules.pattern().empty() && !RE2::FullMatch(text, rules.pattern())) {
    if (rules.kind() != v1::VALUE_KIND_SECRET) return Wrong(shown, " ", rules.pattern_error());
    return Wrong(rules.pattern_error(), "; this one has ", text.size(), " bytes");
  }
  std::size_t max = 0;
  if (absl::SimpleAtoi(rules.max(), &max) && text.size() > max) {
    return Wrong("has ", text.size(), " bytes; ", max, " are the limit");
  }
  absl::Status status;
  switch (rules.kind()) {
    case v1::VALUE_KIND_LISTEN_ADDRESS: {
      const absl::StatusOr<ListenAddress> address = ParseListenAddress(text);
      if (address.ok()) return address->ToString();
      return Wrong(shown, " ", absl::string_view(address.status().message()));
    }
    case v1::VALUE_KIND_BASE_URL:
      return ParseApiUrl(text);
    case v1::VALUE_KIND_TARGET:
      if (IsTarget(text)) return text;
      return Wrong(shown, " is no target: HOST:PORT, dns:///HOST:PORT or unix:PATH");
    case v1::VALUE_KIND_STORAGE_URL:
      status = CheckStorageUrl(text);
      break;
    case v1::VALUE_KIND_TOKEN_STORE:
      status = CheckTokenStore(text);
      break;
    case v1::VALUE_KIND_PUSH_TYPE:
      status = CheckPushType(text, shown);
      break;
    case v1::VALUE_KIND_EXPRESSION:
      status = core::CheckExpression(text);
      break;
    case v1::VALUE_KIND_REPLY_TEXT:
      if (absl::StrContains(text, '\r')) {
        return Wrong("holds a carriage return; lines of a reply end with a line feed alone");
      }
      [[fallthrough]];
    default:
      if (text.empty() && rules.pattern().empty() && rules.min() != "0") {
        return Wrong("is empty; remove the key, or give it a value");
      }
  }
  if (!status.ok()) return status;
  return text;
}

}  // namespace hongyan::config
