// From the body of a callback to the push inside it, as the account's mode wants it.
//
// Contract: Open() verifies before it decrypts, and decrypts before it parses. Plain mode takes
//           nothing encrypted; its body is covered by no signature. The encrypted modes (safe,
//           compatible) take nothing else: msg_signature over the Encrypt element decides, and a
//           plain copy beside it is dropped. Seal() gives a reply the form of the push: encrypted
//           with the key that worked, or as it is. `success` is sent as it is in any mode.
// Errors:   Open(): kPermissionDenied for a body that the mode doesn't take or a wrong
//           msg_signature; kInvalidArgument for one that can't be deciphered or parsed. Neither has
//           any of the content.
// Threads:  any; immutable.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/secret.h"
#include "server/wechat/callback_cipher.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::wechat {

struct OpenedPush {
  PushedEvent event;
  std::string text;                                             // what `event` was read from
  std::optional<CallbackCipher::Key> key;                       // none: it came in plain
  model::BodyFormat envelope_format = model::BodyFormat::kXml;  // of the encrypted body
};

class PushOpener {
 public:
  // Plain mode without a cipher, else an encrypted one.
  PushOpener(base::Secret token, std::optional<CallbackCipher> cipher);

  bool encrypted() const { return cipher_.has_value(); }

  absl::StatusOr<OpenedPush> Open(absl::string_view timestamp, absl::string_view nonce,
                                  absl::string_view msg_signature, absl::string_view body) const;
  absl::StatusOr<std::string> Seal(const OpenedPush& push, std::string reply, absl::Time now,
                                   absl::string_view nonce) const;

 private:
  base::Secret token_;
  std::optional<CallbackCipher> cipher_;
};

}  // namespace hongyan::wechat
