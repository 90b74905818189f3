// The envelope around an encrypted push or reply, in XML and in JSON.
//
// Contract: ReadEnvelope() takes what the plain readers take (event_xml.h, event_json.h), in the
//           form that the first character tells. In safe mode there is nothing but ToUserName and
//           Encrypt; in compatible mode the plain fields stand beside them and are dropped, since
//           no signature covers them. Only an Encrypt at the top counts, and only one.
//           WriteReplyEnvelope() signs the reply and wraps it.
// Errors:   kFailedPrecondition: a good body with nothing encrypted. kInvalidArgument: anything
//           else. Neither has any of the content.
// Bounds:   those of the plain readers.
// Threads:  any; pure.
// Source:   https://developers.weixin.qq.com/doc/oplatform/developers/dev/push/encryption.html
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/secret.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::wechat {

struct Envelope {
  model::BodyFormat format = model::BodyFormat::kXml;  // the reply has the same
  std::string to_user;  // empty when absent; not to be trusted, msg_signature does not cover it
  std::string encrypt;  // as it came; may be empty, for the cipher to refuse
};

absl::StatusOr<Envelope> ReadEnvelope(absl::string_view body);

// `encrypt` is what CallbackCipher::Encrypt() made of the reply; `nonce`, letters and
// digits, is usually the push's.
// The answer `success` takes no envelope in any mode.
std::string WriteReplyEnvelope(model::BodyFormat format, const base::Secret& token,
                               absl::string_view encrypt, absl::Time now, absl::string_view nonce);

}  // namespace hongyan::wechat
